/* What the daemon keeps in statedir; see confstate.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confread.h"
#include "core/confstate.h"
#include "core/overrides.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

/* The text of NAME, or NULL: there is none, or it cannot be read, and that is
 * said. */
static char *
read_state(const struct confread *r, const struct conf_main *m,
    const char *path, size_t *ret_len)
{
	char *data = NULL, *why = NULL;
	int res;

	if (r->host->read_state == NULL)
		return NULL;
	res = r->host->read_state(r->host->arg, path, &m->user, &data,
	    ret_len, &why);
	/* What cannot be read now must not be written over. */
	if (res == -1 && r->msgs != NULL)
		conf_msg_add(r->msgs, r->host->change == NULL,
		    "%s: cannot be read: %s%s", path, why,
		    r->host->change == NULL ? "; it is ignored" : "");
	free(why);
	return res == 0 ? data : NULL;
}

static char *
state_path(const struct confread *r, const struct conf_main *m,
    const char *name)
{
	return xasprintf("%s/%s", r->host->statedir_now != NULL ?
	    r->host->statedir_now : m->statedir, name);
}

static void
read_overrides(const struct confread *r, const struct conf_main *m,
    const char *path, struct overrides *o)
{
	struct buf why = BUF_INIT;
	size_t len;
	char *data = read_state(r, m, path, &len);

	if (data != NULL && !overrides_parse(data, len, o, &why) &&
	    r->msgs != NULL)
		conf_msg_add(r->msgs, true, "%s: damaged, %.*s; it is ignored",
		    path, (int)buf_len(&why), buf_head(&why));
	buf_clear(&why);
	free(data);
}

/* A program may have only one process, whatever was set before its files
 * were changed; what is to be set now is refused later, with a message. */
static bool
fits(const struct confread *r, const struct confread_section *s,
    const struct override *v, const char *path)
{
	const struct confread_entry *name = confread_entry(s, "process_name");

	if (v->numprocs <= 1 || (name != NULL &&
	    strstr(name->value, "%(process_num)") != NULL))
		return true;
	if (r->msgs != NULL)
		conf_msg_add(r->msgs, true, "%s:%u: section [program:%s]: "
		    "numprocs: process_name has no %%(process_num) any more; "
		    "ignored", path, v->line, v->program);
	return false;
}

static void
apply(struct confread *r, const struct override *v, const char *path,
    bool asked)
{
	char *id = xasprintf("program:%s", v->program), number[24];
	struct confread_section *s = confread_section(r, id);

	free(id);
	if (s == NULL)
		return;
	snprintf(number, sizeof number, "%lld", (long long)v->numprocs);
	if (v->numprocs >= 0 && (asked || fits(r, s, v, path)))
		confread_override(r, s, "numprocs", number, path, v->line);
	if (v->autostart >= 0)
		confread_override(r, s, "autostart", v->autostart ? "true" :
		    "false", path, v->line);
	s->disabled = v->autostart == 0;
}

/* What is to change must be of programs that there are. */
static void
take_change(const struct confread *r, struct overrides *o,
    struct overrides *change)
{
	struct conf_change *c = r->host->change;
	struct buf why = BUF_INIT;
	size_t i;
	char *id;

	if (!overrides_parse(c->text, strlen(c->text), change, &why))
		c->missing = xstrdup("?"); /* ours are of that form */
	buf_clear(&why);
	for (i = 0; i < change->n && c->missing == NULL; i++) {
		id = xasprintf("program:%s", change->v[i].program);
		if (confread_section(r, id) == NULL)
			c->missing = xstrdup(change->v[i].program);
		free(id);
	}
	overrides_merge(o, change);
	overrides_text(o, c->merged);
}

void
confstate_override(struct confread *r, const struct conf_main *m)
{
	char *path = state_path(r, m, CONFSTATE_OVERRIDES);
	struct overrides o = {0}, change = {0};
	size_t i;

	read_overrides(r, m, path, &o);
	if (r->host->change != NULL)
		take_change(r, &o, &change);
	for (i = 0; i < o.n; i++)
		apply(r, &o.v[i], path,
		    overrides_find(&change, o.v[i].program) != NULL);
	overrides_clear(&o);
	overrides_clear(&change);
	free(path);
}

/* A line of `stopped`. */
struct label {
	const char *text;
	UT_hash_handle hh;
};

static struct label *
read_labels(char *data, size_t len, struct label **ret_hash)
{
	struct label *v, *l;
	size_t n = 0, lines = 1, i;
	char *line, *save = NULL;

	for (i = 0; i < len; i++)
		lines += data[i] == '\n';
	v = xcalloc(lines, sizeof *v);
	for (line = strtok_r(data, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		HASH_FIND_STR(*ret_hash, line, l);
		if (l != NULL)
			continue;
		l = &v[n++];
		l->text = line;
		HASH_ADD_KEYPTR(hh, *ret_hash, l->text, strlen(l->text), l);
	}
	return v;
}

void
confstate_stopped(const struct confread *r, const struct conf_main *m,
    struct conf_process *p, size_t n)
{
	char *path = state_path(r, m, CONFSTATE_STOPPED), *data, *label;
	struct label *hash = NULL, *v, *l;
	size_t i, len;

	data = read_state(r, m, path, &len);
	free(path);
	if (data == NULL)
		return;
	data = xreallocarray(data, len + 1, 1);
	data[len] = '\0';
	v = read_labels(data, len, &hash);
	for (i = 0; i < n && hash != NULL; i++) {
		label = conf_process_label(&p[i]);
		HASH_FIND_STR(hash, label, l);
		p[i].stopped = l != NULL;
		free(label);
	}
	HASH_CLEAR(hh, hash);
	free(v);
	free(data);
}
