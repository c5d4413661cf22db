/* statedir/overrides; see overrides.h. */
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/confsyntax.h"
#include "core/confvalue.h"
#include "core/overrides.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define PREFIX "program:"

struct parser {
	struct overrides *o;
	struct override *now; /* whose keys are read; NULL: nobody's */
	struct buf *why;
	bool damaged; /* said in `why`; the rest is not read */
};

struct override *
overrides_find(const struct overrides *o, const char *program)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->v[i].program, program) == 0)
			return &o->v[i];
	return NULL;
}

static struct override *
overrides_new(struct overrides *o, const char *program)
{
	struct override *v;

	o->v = xreallocarray(o->v, o->n + 1, sizeof *o->v);
	v = &o->v[o->n++];
	v->program = xstrdup(program);
	v->numprocs = v->autostart = OVERRIDE_NONE;
	v->line = 0;
	return v;
}

static void
damage(struct parser *p, unsigned line, const char *text)
{
	if (!p->damaged)
		buf_addf(p->why, "line %u: %s", line, text);
	p->damaged = true;
}

static void
on_section(void *arg, const char *name, unsigned line)
{
	struct parser *p = arg;
	struct buf why = BUF_INIT;

	p->now = NULL;
	if (name == NULL || strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
	    !confvalue_name_is_valid(name + strlen(PREFIX), &why) ||
	    overrides_find(p->o, name + strlen(PREFIX)) != NULL) {
		damage(p, line, "neither [program:NAME] nor a new one");
	} else if (p->o->n >= CONF_PROCESS_MAX) {
		damage(p, line, "too many sections");
	} else {
		p->now = overrides_new(p->o, name + strlen(PREFIX));
		p->now->line = line;
	}
	buf_clear(&why);
}

static bool
read_bool(const char *value, int64_t *ret)
{
	*ret = strcmp(value, "true") == 0;
	return *ret == 1 || strcmp(value, "false") == 0;
}

static void
on_pair(void *arg, const char *key, const char *value, unsigned line)
{
	struct parser *p = arg;
	int64_t *field = NULL;
	bool ok;

	if (p->now == NULL)
		return; /* said already */
	if (strcmp(key, "numprocs") == 0)
		field = &p->now->numprocs;
	else if (strcmp(key, "autostart") == 0)
		field = &p->now->autostart;
	if (field == NULL || *field != OVERRIDE_NONE) {
		damage(p, line, "neither numprocs nor autostart, or again");
		return;
	}
	if (*value == '\0') {
		*field = OVERRIDE_RESET;
		return;
	}
	ok = field == &p->now->autostart ? read_bool(value, field) :
	    str_to_int(value, 0, CONF_PROCESS_MAX, field);
	if (!ok)
		damage(p, line, "the value is none that mpsupd writes");
}

static void
on_problem(void *arg, unsigned line, bool warning, const char *text)
{
	(void)warning;
	damage(arg, line, text);
}

bool
overrides_parse(const char *data, size_t len, struct overrides *ret,
    struct buf *why)
{
	struct overrides o = {0};
	struct parser p = {.o = &o, .why = why};
	struct confsyntax_handler h = {
		.arg = &p,
		.section = on_section,
		.pair = on_pair,
		.problem = on_problem,
		.stop = &p.damaged,
	};

	memset(ret, 0, sizeof *ret);
	if (memchr(data, '\0', len) != NULL)
		damage(&p, 1, "there are NUL bytes");
	else
		confsyntax_parse(data, len, &h);
	/* A file cut short at the end of a line would be read as a whole. */
	if (!p.damaged && len > 0 && data[len - 1] != '\n')
		damage(&p, 1, "it is cut short");
	if (p.damaged) {
		overrides_clear(&o);
		return false;
	}
	*ret = o;
	return true;
}

static void
merge_key(int64_t *field, int64_t change)
{
	if (change == OVERRIDE_RESET)
		*field = OVERRIDE_NONE;
	else if (change != OVERRIDE_NONE)
		*field = change;
}

void
overrides_merge(struct overrides *o, const struct overrides *change)
{
	size_t i, n;

	for (i = 0; i < change->n; i++) {
		const struct override *c = &change->v[i];
		struct override *v = overrides_find(o, c->program);

		if (v == NULL)
			v = overrides_new(o, c->program);
		merge_key(&v->numprocs, c->numprocs);
		merge_key(&v->autostart, c->autostart);
	}
	for (i = n = 0; i < o->n; i++) {
		if (o->v[i].numprocs < 0 && o->v[i].autostart < 0)
			free(o->v[i].program);
		else
			o->v[n++] = o->v[i];
	}
	o->n = n;
}

void
overrides_add_text(const char *program, int64_t numprocs, int64_t autostart,
    struct buf *out)
{
	buf_addf(out, "[" PREFIX "%s]\n", program);
	if (numprocs == OVERRIDE_RESET)
		buf_adds(out, "numprocs =\n");
	else if (numprocs >= 0)
		buf_addf(out, "numprocs = %lld\n", (long long)numprocs);
	if (autostart == OVERRIDE_RESET)
		buf_adds(out, "autostart =\n");
	else if (autostart >= 0)
		buf_addf(out, "autostart = %s\n",
		    autostart ? "true" : "false");
}

void
overrides_text(const struct overrides *o, struct buf *out)
{
	size_t i;

	buf_adds(out, "; Written by mpsupd scale, enable and disable.\n");
	for (i = 0; i < o->n; i++)
		overrides_add_text(o->v[i].program, o->v[i].numprocs,
		    o->v[i].autostart, out);
}

void
overrides_clear(struct overrides *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		free(o->v[i].program);
	free(o->v);
	memset(o, 0, sizeof *o);
}
