/* Files of variables in a configuration; see confenv.h. */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confenv.h"
#include "core/confread.h"
#include "core/envfile.h"
#include "lib/buf.h"

/* A file that was read, or could not be. */
struct confenv_file {
	const char *path; /* with the '-': it makes a difference */
	struct conf_strs vars;
	bool ok;
	UT_hash_handle hh;
};

/* What a mistake is told with. */
struct place {
	const struct confenv *c;
	const char *path;
};

static void
on_problem(void *arg, unsigned line, const char *reason)
{
	const struct place *at = arg;

	conf_msg_add(at->c->read->msgs, false, "%s:%u: %s", at->path, line,
	    reason);
}

static void
parse(struct confenv *c, struct confenv_file *f, const char *path,
    const char *text, size_t len)
{
	struct place at = {c, path};
	struct envfile_handler h = {&at, on_problem};
	struct buf vars = BUF_INIT;
	size_t n;

	f->ok = envfile_parse(text, len, &h, &vars, &n);
	conf_arena_strs(c->arena, n > 0 ? buf_head(&vars) : "", n, &f->vars);
	buf_clear(&vars);
}

static void
load(struct confenv *c, struct confenv_file *f,
    const struct confread_entry *e)
{
	const struct conf_host *host = c->read->host;
	bool maybe = f->path[0] == '-';
	const char *path = f->path + maybe;
	struct buf b = BUF_INIT;
	char *text = NULL, *why = NULL;
	size_t len = 0;
	int res = host->read_file(host->arg, path, &text, &len, &why);

	if (res == 0 && len <= CONF_TOTAL_MAX - c->read->total) {
		c->read->total += len;
		parse(c, f, path, text, len);
	} else if (res == 1 && maybe) {
		f->ok = true;
	} else {
		buf_addf(&b, "cannot read %s: %s", path, res == 0 ?
		    "it is too large" : why);
		buf_addc(&b, '\0');
		confread_say_entry(c->read, e, false, buf_head(&b));
		buf_clear(&b);
	}
	free(text);
	free(why);
}

bool
confenv_load(struct confenv *c, const struct confread_entry *e,
    const char *path, struct conf_strs *ret)
{
	struct confenv_file *f;

	HASH_FIND_STR(c->files, path, f);
	if (f == NULL) {
		f = conf_arena_alloc(c->read->arena, sizeof *f);
		f->path = conf_arena_dup(c->read->arena, path);
		HASH_ADD_KEYPTR(hh, c->files, f->path, strlen(f->path), f);
		load(c, f, e);
	}
	*ret = f->vars;
	return f->ok;
}

void
confenv_clear(struct confenv *c)
{
	HASH_CLEAR(hh, c->files);
}
