/*
 * The effective configuration for people and programs: JSON, or a file that
 * loads to the same thing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confvalue.h"
#include "core/shlex.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

static const void *
field_of(const struct confkey *k, const void *base)
{
	return (const char *)base + k->offset;
}

/* Text that both forms share. */

/* The word of a choice, the first one written for its number. */
static const char *
choice_word(const struct confkey *k, int64_t num)
{
	const struct confkey_choice *c;

	for (c = k->choices; c->word != NULL; c++)
		if (c->num == num)
			return c->word;
	return "";
}

/* A duration in the largest unit that keeps it whole. */
static void
add_duration(struct buf *out, int64_t ms)
{
	if (ms % 1000 != 0)
		buf_addf(out, "%" PRId64 "ms", ms);
	else
		buf_addf(out, "%" PRId64 "s", ms / 1000);
}

static void
add_limit(struct buf *out, const int64_t *limit)
{
	buf_addf(out, "%" PRId64, limit[0]);
	if (limit[0] > 0) {
		buf_addc(out, '/');
		add_duration(out, limit[1]);
	}
}

static void
add_command(struct buf *out, const struct conf_strs *argv)
{
	size_t i;

	for (i = 0; i < argv->n; i++) {
		if (i > 0)
			buf_addc(out, ' ');
		shlex_quote(out, argv->v[i]);
	}
}

static void
add_joined(struct buf *out, const struct conf_strs *s, const char *between)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		buf_adds(out, i > 0 ? between : "");
		buf_adds(out, s->v[i]);
	}
}

/* JSON. */

static void
json_strs(struct buf *out, const struct conf_strs *s)
{
	size_t i;

	buf_addc(out, '[');
	for (i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_adds_json(out, s->v[i]);
	}
	buf_addc(out, ']');
}

static void
json_environment(struct buf *out, const struct conf_strs *s)
{
	size_t i, len;

	buf_addc(out, '{');
	for (i = 0; i < s->n; i++) {
		len = strcspn(s->v[i], "=");
		if (i > 0)
			buf_addc(out, ',');
		buf_add_json(out, s->v[i], len);
		buf_addc(out, ':');
		buf_adds_json(out, s->v[i] + len +
		    (s->v[i][len] == '=' ? 1 : 0));
	}
	buf_addc(out, '}');
}

static void
json_seconds(struct buf *out, int64_t ms)
{
	if (ms % 1000 == 0) {
		buf_addf(out, "%" PRId64, ms / 1000);
		return;
	}
	buf_addf(out, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
	while (out->data[out->end - 1] == '0')
		out->end--;
}

static void
json_exitcodes(struct buf *out, const struct conf_strs *s)
{
	buf_addc(out, '[');
	add_joined(out, s, ",");
	buf_addc(out, ']');
}

static void
json_choice(struct buf *out, const struct confkey *k, int64_t num)
{
	const char *word = choice_word(k, num);

	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		buf_adds(out, word);
	else
		buf_adds_json(out, word);
}

static void
json_text(struct buf *out, void (*add)(struct buf *, const int64_t *),
    const int64_t *value)
{
	struct buf b = BUF_INIT;

	add(&b, value);
	buf_add_json(out, buf_head(&b), buf_len(&b));
	buf_clear(&b);
}

static void
json_command(struct buf *out, const struct conf_strs *argv)
{
	struct buf b = BUF_INIT;

	add_command(&b, argv);
	buf_add_json(out, buf_head(&b), buf_len(&b));
	buf_clear(&b);
}

static void
json_int(struct buf *out, const struct confkey *k, int64_t n)
{
	char name[16];

	if (n == -1 && k->def == NULL)
		buf_adds(out, "null");
	else if (k->type == KEY_OCTAL)
		buf_addf(out, "\"%03o\"", (unsigned)n);
	else if (k->type == KEY_SIGNAL)
		buf_adds_json(out, confvalue_signal_name((int)n, name));
	else if (k->type == KEY_CHOICE)
		json_choice(out, k, n);
	else if (k->type == KEY_DURATION)
		json_seconds(out, n);
	else
		buf_addf(out, "%" PRId64, n);
}

static void
json_words(struct buf *out, const struct confkey *k,
    const struct conf_strs *s)
{
	if (k->type == KEY_ENVIRONMENT)
		json_environment(out, s);
	else if (k->type == KEY_EXITCODES)
		json_exitcodes(out, s);
	else if (k->type == KEY_NAMES || k->type == KEY_WAITS)
		json_strs(out, s);
	else
		json_command(out, s);
}

static void
json_value(struct buf *out, const struct confkey *k, const void *base)
{
	const void *p = field_of(k, base);

	switch (confvalue_storage(k->type)) {
	case STORE_BOOL:
		buf_adds(out, *(const bool *)p ? "true" : "false");
		break;
	case STORE_INT:
		json_int(out, k, *(const int64_t *)p);
		break;
	case STORE_LIMIT:
		json_text(out, add_limit, p);
		break;
	case STORE_STR:
		buf_adds_json(out, *(char *const *)p);
		break;
	case STORE_STRS:
		json_words(out, k, p);
		break;
	case STORE_LOG:
		buf_adds_json(out, ((const struct conf_log *)p)->file);
		break;
	case STORE_USER:
		buf_adds_json(out, ((const struct conf_user *)p)->name);
		break;
	case STORE_ACL:
		buf_adds_json(out, ((const struct conf_acl *)p)->text);
		break;
	}
}

/* Every row of SECT as "KEY":VALUE, each with a comma in front. */
static void
json_rows(struct buf *out, enum confkey_section sect, const void *base,
    bool policy)
{
	const struct confkey *t;
	size_t i, n;

	t = confkey_table(&n);
	for (i = 0; i < n; i++) {
		if ((t[i].sections & sect) == 0 || !confkey_is_kept(&t[i]))
			continue;
		buf_addf(out, ",\"%s\":", t[i].name);
		if ((t[i].flags & KF_POLICY) != 0 && !policy)
			buf_adds(out, "null");
		else
			json_value(out, &t[i], base);
	}
}

static void
json_process(struct buf *out, const struct conf_process *p)
{
	buf_adds(out, "{\"name\":");
	buf_adds_json(out, p->name);
	buf_adds(out, ",\"group\":");
	buf_adds_json(out, p->group);
	buf_adds(out, ",\"program\":");
	buf_adds_json(out, p->program);
	buf_addf(out, ",\"process_num\":%" PRId64, p->process_num);
	buf_addf(out, ",\"group_priority\":%" PRId64, p->group_priority);
	buf_adds(out, ",\"argv\":");
	json_strs(out, &p->command);
	json_rows(out, SECT_PROGRAM, p, p->restart_policy);
	buf_addc(out, '}');
}

void
config_dump_json(const struct config *c, struct buf *out)
{
	size_t i;

	buf_adds(out, "{\"mpsupd\":{\"config\":");
	buf_adds_json(out, c->main.file);
	json_rows(out, SECT_MAIN, &c->main, true);
	buf_adds(out, "},\"processes\":[");
	for (i = 0; i < c->nprocs; i++) {
		if (i > 0)
			buf_addc(out, ',');
		json_process(out, &c->procs[i]);
	}
	buf_adds(out, "]}");
}

/* INI. */

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Expands to nothing.  Between a blank and what would be lost behind or
 * before it (a comment character, the end of the line) it keeps both.
 */
#define NOTHING "%(here).0s"

/* TEXT (LEN bytes) as the value of a key, so that it is read unchanged. */
static void
ini_text(struct buf *out, const char *text, size_t len)
{
	bool start = true; /* of a line: what is before C does not count */
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];
		bool guard = c == ';' || c == '#' ?
		    start || is_space(text[i - 1]) :
		    is_space(c) && start;

		if (guard)
			buf_adds(out, NOTHING);
		if (c == '\n') {
			if (!guard && is_space(text[i - 1]))
				buf_adds(out, NOTHING);
			buf_adds(out, "\n\t");
		} else {
			buf_addc(out, c);
		}
		if (c == '%')
			buf_addc(out, '%');
		start = c == '\n';
	}
	if (len > 0 && is_space(text[len - 1]))
		buf_adds(out, NOTHING);
}

static void
ini_string(struct buf *out, const char *text)
{
	if (text != NULL)
		ini_text(out, text, strlen(text));
}

static void
ini_words(struct buf *out, const struct confkey *k,
    const struct conf_strs *s)
{
	struct buf b = BUF_INIT;
	size_t i;

	if (k->type == KEY_EXITCODES) {
		add_joined(&b, s, ",");
	} else if (k->type == KEY_NAMES || k->type == KEY_WAITS) {
		add_joined(&b, s, " ");
	} else if (k->type == KEY_COMMAND || k->type == KEY_ARGV) {
		add_command(&b, s);
	} else {
		for (i = 0; i < s->n; i++) {
			buf_adds(&b, i > 0 ? ",\n" : "");
			shlex_quote_pair(&b, s->v[i]);
		}
	}
	if (buf_len(&b) > 0)
		ini_text(out, buf_head(&b), buf_len(&b));
	buf_clear(&b);
}

static void
ini_int(struct buf *out, const struct confkey *k, int64_t n)
{
	char name[16];

	if (k->type == KEY_OCTAL)
		buf_addf(out, "%03o", (unsigned)n);
	else if (k->type == KEY_SIGNAL)
		buf_adds(out, confvalue_signal_name((int)n, name));
	else if (k->type == KEY_CHOICE)
		buf_adds(out, choice_word(k, n));
	else if (k->type == KEY_DURATION)
		add_duration(out, n);
	else
		buf_addf(out, "%" PRId64, n);
}

static void
ini_str(struct buf *out, const struct confkey *k, const char *text)
{
	if (text != NULL)
		ini_string(out, text);
	else if (k->type == KEY_MAINLOG)
		buf_adds(out, "NONE");
	else if (k->type == KEY_URL)
		buf_adds(out, "AUTO");
}

static void
ini_value(struct buf *out, const struct confkey *k, const void *base)
{
	const void *p = field_of(k, base);
	const struct conf_log *log = p;

	switch (confvalue_storage(k->type)) {
	case STORE_BOOL:
		buf_adds(out, *(const bool *)p ? "true" : "false");
		break;
	case STORE_INT:
		ini_int(out, k, *(const int64_t *)p);
		break;
	case STORE_LIMIT:
		add_limit(out, p);
		break;
	case STORE_STR:
		ini_str(out, k, *(char *const *)p);
		break;
	case STORE_STRS:
		ini_words(out, k, p);
		break;
	case STORE_LOG:
		ini_string(out, log->file == NULL ? "NONE" : log->file);
		break;
	case STORE_USER:
		ini_string(out, ((const struct conf_user *)p)->name);
		break;
	case STORE_ACL:
		ini_string(out, ((const struct conf_acl *)p)->text);
		break;
	}
}

/* True if K has a value that can be written down. */
static bool
is_set(const struct confkey *k, const void *base)
{
	const void *p = field_of(k, base);

	if (confvalue_storage(k->type) == STORE_INT)
		return k->def != NULL || *(const int64_t *)p != -1;
	if (confvalue_storage(k->type) == STORE_STR)
		return *(char *const *)p != NULL || k->type == KEY_MAINLOG ||
		    k->type == KEY_URL;
	if (confvalue_storage(k->type) == STORE_USER)
		return ((const struct conf_user *)p)->name != NULL;
	if (confvalue_storage(k->type) == STORE_ACL)
		return ((const struct conf_acl *)p)->text != NULL;
	return true;
}

static void
ini_main(const struct config *c, struct buf *out)
{
	const struct confkey *t;
	size_t i, n;

	/* Its name decides more than the keys that follow. */
	buf_adds(out, c->main.foreign ? "[supervisord]\n" : "[mpsupd]\n");
	t = confkey_table(&n);
	for (i = 0; i < n; i++) {
		if ((t[i].sections & SECT_MAIN) == 0 ||
		    !is_set(&t[i], &c->main))
			continue;
		buf_addf(out, "%s = ", t[i].name);
		ini_value(out, &t[i], &c->main);
		buf_addc(out, '\n');
	}
}

/* The section that gives SUPERVISOR_SERVER_URL. */
static void
ini_server(const struct config *c, struct buf *out)
{
	const char *url = c->main.serverurl;

	if (url == NULL)
		return;
	if (strncmp(url, "unix://", 7) == 0) {
		buf_adds(out, "\n[unix_http_server]\nfile = ");
		ini_string(out, url + 7);
	} else if (strncmp(url, "http://", 7) == 0) {
		buf_adds(out, "\n[inet_http_server]\nport = ");
		ini_string(out, url + 7);
	}
	buf_addc(out, '\n');
}

/* The section a process is written as; each has one of its own. */
struct section {
	char *name;
	const struct conf_process *p;
	UT_hash_handle hh;
};

struct sections {
	struct section *v; /* one per process */
	struct section *hash;
};

static bool
section_exists(const struct sections *s, const char *name)
{
	struct section *found;

	HASH_FIND_STR(s->hash, name, found);
	return found != NULL;
}

/* Programs of one process keep their name; then the others find a free one. */
static void
sections_init(struct sections *s, const struct config *c)
{
	struct section *x;
	size_t i, pass;
	unsigned n;

	s->hash = NULL;
	s->v = xcalloc(c->nprocs, sizeof *s->v);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < c->nprocs; i++) {
			x = &s->v[i];
			x->p = &c->procs[i];
			if ((x->p->numprocs == 1) != (pass == 0))
				continue;
			x->name = xstrdup(pass == 0 ? x->p->program :
						      x->p->name);
			for (n = 1; section_exists(s, x->name); n++) {
				free(x->name);
				x->name = xasprintf("%s.%u", x->p->program, n);
			}
			HASH_ADD_KEYPTR(hh, s->hash, x->name,
			    strlen(x->name), x);
		}
	}
}

static void
sections_clear(struct sections *s, size_t n)
{
	size_t i;

	HASH_CLEAR(hh, s->hash);
	for (i = 0; i < n; i++)
		free(s->v[i].name);
	free(s->v);
}

/* True if AUTO gives the same path when the dump is read: a plain name does
 * as long as no other group has a process called the same. */
static void
ini_log(struct buf *out, const struct conf_main *m, const struct section *x,
    enum conf_stream stream, bool unique)
{
	const struct conf_log *log = &x->p->log[stream];
	char *plain = xasprintf("%s%s%s.%s.log", m->logdir,
	    strcmp(m->logdir, "/") == 0 ? "" : "/", x->p->name,
	    stream == CONF_STDOUT ? "stdout" : "stderr");
	char *grouped = xasprintf("%s%s%s.%s.%s.log", m->logdir,
	    strcmp(m->logdir, "/") == 0 ? "" : "/", x->p->group, x->p->name,
	    stream == CONF_STDOUT ? "stdout" : "stderr");
	bool with_group = !unique && strcmp(x->p->group, x->name) != 0;

	if (log->automatic && log->file != NULL &&
	    strcmp(log->file, with_group ? grouped : plain) == 0)
		buf_adds(out, "AUTO");
	else
		ini_string(out, log->file == NULL ? "NONE" : log->file);
	free(plain);
	free(grouped);
}

static void
ini_key(struct buf *out, const struct conf_main *m, const struct section *x,
    const struct confkey *k, bool unique)
{
	buf_addf(out, "%s = ", k->name);
	if (k->type == KEY_LOG)
		ini_log(out, m, x, k->offset ==
		    offsetof(struct conf_process, log[CONF_STDERR].file) ?
		    CONF_STDERR : CONF_STDOUT, unique);
	else if (k->type == KEY_NAME)
		ini_string(out, x->p->name);
	else if (strcmp(k->name, "numprocs") == 0)
		buf_adds(out, "1");
	else if (strcmp(k->name, "numprocs_start") == 0)
		buf_addf(out, "%" PRId64, x->p->process_num);
	else
		ini_value(out, k, x->p);
	buf_addc(out, '\n');
}

static void
ini_process(struct buf *out, const struct conf_main *m,
    const struct section *x, bool unique)
{
	const struct confkey *t;
	size_t i, n;

	buf_addf(out, "\n[program:%s]\n", x->name);
	t = confkey_table(&n);
	for (i = 0; i < n; i++) {
		if ((t[i].sections & SECT_PROGRAM) == 0 ||
		    !confkey_is_kept(&t[i]) || !is_set(&t[i], x->p) ||
		    ((t[i].flags & KF_POLICY) != 0 && !x->p->restart_policy))
			continue;
		ini_key(out, m, x, &t[i], unique);
	}
}

/* Processes of one group stand together: N of them from X on. */
static size_t
group_size(const struct section *x, size_t left)
{
	size_t n = 1;

	while (n < left && strcmp(x[n].p->group, x->p->group) == 0)
		n++;
	return n;
}

/* A program of that name alone makes the group by itself. */
static void
ini_group(struct buf *out, const struct section *x, size_t n)
{
	size_t i;

	if (n == 1 && strcmp(x->name, x->p->group) == 0 &&
	    x->p->priority == x->p->group_priority)
		return;
	buf_addf(out, "\n[group:%s]\nprograms = ", x->p->group);
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_adds(out, ",");
		ini_string(out, x[i].name);
	}
	buf_addf(out, "\npriority = %" PRId64 "\n", x->p->group_priority);
}

/* Process names, and whether more than one group has them. */
struct name {
	const char *name;
	const char *group;
	bool shared;
	UT_hash_handle hh;
};

static struct name *
names_new(const struct config *c, struct name **hash)
{
	struct name *v = xcalloc(c->nprocs, sizeof *v), *n;
	size_t i;

	for (i = 0; i < c->nprocs; i++) {
		HASH_FIND_STR(*hash, c->procs[i].name, n);
		if (n != NULL) {
			n->shared |= strcmp(n->group, c->procs[i].group) != 0;
			continue;
		}
		v[i].name = c->procs[i].name;
		v[i].group = c->procs[i].group;
		HASH_ADD_KEYPTR(hh, *hash, v[i].name, strlen(v[i].name),
		    &v[i]);
	}
	return v;
}

void
config_dump_ini(const struct config *c, struct buf *out)
{
	struct name *hash = NULL, *names = names_new(c, &hash), *found;
	struct sections s;
	size_t i, n;

	ini_main(c, out);
	ini_server(c, out);
	sections_init(&s, c);
	for (i = 0; i < c->nprocs; i++) {
		HASH_FIND_STR(hash, c->procs[i].name, found);
		ini_process(out, &c->main, &s.v[i], !found->shared);
	}
	for (i = 0; i < c->nprocs; i += n) {
		n = group_size(&s.v[i], c->nprocs - i);
		ini_group(out, &s.v[i], n);
	}
	sections_clear(&s, c->nprocs);
	HASH_CLEAR(hh, hash);
	free(names);
}
