/* The order of programs; see depend.h. */
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/depend.h"
#include "core/program.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

#define ALL_STATES ((1u << PROGRAM_STATES) - 1)

/* What a process may be called. */
struct name {
	char *text;
	uint32_t index; /* of the process */
	bool own; /* a name of this process alone */
};

struct work {
	const struct config *conf;
	struct depend *ret;
	depend_say_fn *say;
	void *arg;
	struct name *names; /* sorted */
	size_t nnames, cap; /* cap: of ret->v */
	bool ok;
};

static const char *const keys[DEPEND_KINDS] = {
	[DEPEND_AFTER] = "after",
	[DEPEND_REQUIRES] = "requires",
	[DEPEND_BOUND] = "bound_to",
	[DEPEND_STATES] = "dependent_startup_wait_for",
};

const char *
depend_key(enum depend_kind kind)
{
	return keys[kind];
}

static const struct conf_strs *
words_of(const struct conf_process *p, enum depend_kind kind)
{
	switch (kind) {
	case DEPEND_AFTER:
		return &p->after;
	case DEPEND_REQUIRES:
		return &p->requires;
	case DEPEND_BOUND:
		return &p->bound_to;
	default:
		return &p->wait_for;
	}
}

static void
say(struct work *w, uint32_t from, enum depend_kind kind, struct buf *why)
{
	buf_addc(why, '\0');
	w->ok = false;
	if (w->say != NULL)
		w->say(w->arg, from, keys[kind], buf_head(why));
	buf_clear(why);
}

/* --- names --- */

static void
name_add(struct work *w, char *text, uint32_t index, bool own)
{
	w->names[w->nnames++] = (struct name){text, index, own};
}

static int
compare_names(const void *va, const void *vb)
{
	const struct name *a = va, *b = vb;
	int r = strcmp(a->text, b->text);

	if (r != 0)
		return r;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void
collect_names(struct work *w)
{
	const struct config *c = w->conf;
	uint32_t i;

	w->names = xcalloc(c->nprocs * 5, sizeof *w->names);
	for (i = 0; i < c->nprocs; i++) {
		const struct conf_process *p = &c->procs[i];

		name_add(w, xstrdup(p->name), i, true);
		name_add(w, xasprintf("%s:%s", p->group, p->name), i, true);
		name_add(w, xasprintf("%s:*", p->group), i, false);
		if (strcmp(p->program, p->name) != 0)
			name_add(w, xstrdup(p->program), i, false);
		if (strcmp(p->group, p->name) != 0 &&
		    strcmp(p->group, p->program) != 0)
			name_add(w, xstrdup(p->group), i, false);
	}
	if (w->nnames > 0)
		qsort(w->names, w->nnames, sizeof *w->names, compare_names);
}

/* The first of those called TEXT, or the end of the list. */
static size_t
find_name(const struct work *w, const char *text)
{
	size_t lo = 0, hi = w->nnames, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(w->names[mid].text, text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
free_names(struct work *w)
{
	while (w->nnames > 0)
		free(w->names[--w->nnames].text);
	free(w->names);
}

/* --- edges --- */

static void
edge_add(struct work *w, uint32_t from, uint32_t to, enum depend_kind kind,
    unsigned states)
{
	struct depend *d = w->ret;

	if (d->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		d->v = xreallocarray(d->v, w->cap, sizeof *d->v);
	}
	d->v[d->n++] = (struct depend_edge){from, to, (uint8_t)kind,
	    (uint16_t)states};
}

static void
add_named(struct work *w, uint32_t from, enum depend_kind kind,
    const char *name, unsigned states)
{
	struct buf why = BUF_INIT;
	size_t i = find_name(w, name);
	bool found = false;

	for (; i < w->nnames && strcmp(w->names[i].text, name) == 0; i++) {
		if (w->names[i].index == from && w->names[i].own) {
			buf_adds(&why, "names the program itself");
			say(w, from, kind, &why);
		}
		/* What leaves goes in order, and is needed by nobody else. */
		if (w->conf->procs[w->names[i].index].leaving &&
		    !w->conf->procs[from].leaving)
			continue;
		found = true;
		if (w->names[i].index != from)
			edge_add(w, from, w->names[i].index, kind, states);
	}
	if (!found) {
		buf_addf(&why, "there is no program, process or group %.200s",
		    name);
		say(w, from, kind, &why);
	}
}

/* "running,exited" as bits; 0: some word is no state. */
static unsigned
parse_states(const char *text)
{
	unsigned states = 0;
	enum program_state state;
	char word[16];
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len == 0 || len >= sizeof word)
			return 0;
		memcpy(word, text, len);
		word[len] = '\0';
		state = program_state_from_name(word);
		if (state == PROGRAM_STATES)
			return 0;
		states |= 1u << state;
		if (text[len] == '\0')
			return states;
	}
}

/* NAME:STATE[,STATE]: the name may have a colon as well. */
static void
add_wait(struct work *w, uint32_t from, const char *word)
{
	const char *colon = strrchr(word, ':');
	unsigned states = colon != NULL ? parse_states(colon + 1) : 0;
	struct buf why = BUF_INIT;
	char *name;

	if (states == 0) {
		buf_addf(&why, "\"%.100s\" is not NAME:STATE, as db:running "
		    "or migrate:exited", word);
		say(w, from, DEPEND_STATES, &why);
		return;
	}
	name = xstrndup(word, (size_t)(colon - word));
	add_named(w, from, DEPEND_STATES, name, states);
	free(name);
}

static void
add_edges(struct work *w, uint32_t from)
{
	const struct conf_process *p = &w->conf->procs[from];
	const struct conf_strs *words;
	unsigned kind;
	size_t i;

	for (kind = 0; kind < DEPEND_KINDS; kind++) {
		words = words_of(p, kind);
		for (i = 0; i < words->n; i++)
			if (kind == DEPEND_STATES)
				add_wait(w, from, words->v[i]);
			else
				add_named(w, from, kind, words->v[i],
				    ALL_STATES);
	}
}

static bool
has_words(const struct config *c)
{
	unsigned kind;
	size_t i;

	for (i = 0; i < c->nprocs; i++)
		for (kind = 0; kind < DEPEND_KINDS; kind++)
			if (words_of(&c->procs[i], kind)->n > 0)
				return true;
	return false;
}

/* --- ranks and circles --- */

enum { WHITE, GREY, BLACK }; /* not visited, on the way, done */

struct visit {
	uint32_t index;
	size_t edge; /* the next to look at */
};

struct walk {
	struct work *w;
	size_t *first; /* edges of process I: first[I] ... first[I + 1] */
	uint8_t *colour;
	struct visit *path;
	size_t depth;
	uint32_t next_rank;
	bool circle; /* one was told */
};

/* The way from the process that was met twice to itself. */
static void
say_circle(struct walk *k, uint32_t again, enum depend_kind kind)
{
	const struct conf_process *p = k->w->conf->procs;
	struct buf why = BUF_INIT;
	uint32_t last = k->path[k->depth - 1].index;
	size_t i;

	if (k->circle)
		return;
	k->circle = true;
	for (i = 0; k->path[i].index != again; i++)
		;
	buf_adds(&why, "programs depend on each other in a circle: ");
	for (; i < k->depth; i++)
		buf_addf(&why, "%s -> ", p[k->path[i].index].name);
	buf_adds(&why, p[again].name);
	say(k->w, last, kind, &why);
}

static void
step_into(struct walk *k, uint32_t index)
{
	k->colour[index] = GREY;
	k->path[k->depth++] = (struct visit){index, k->first[index]};
}

/* Depth first: a process gets its rank after all that it depends on. */
static void
walk_from(struct walk *k, uint32_t start)
{
	struct depend *d = k->w->ret;
	struct visit *v;
	struct depend_edge *e;

	if (k->colour[start] == WHITE)
		step_into(k, start);
	while (k->depth > 0) {
		v = &k->path[k->depth - 1];
		if (v->edge == k->first[v->index + 1]) {
			k->colour[v->index] = BLACK;
			d->rank[v->index] = k->next_rank++;
			k->depth--;
			continue;
		}
		e = &d->v[v->edge++];
		if (e->kind == DEPEND_STATES)
			continue;
		if (k->colour[e->to] == GREY) {
			say_circle(k, e->to, e->kind);
			e->kind = DEPEND_KINDS; /* left out */
		} else if (k->colour[e->to] == WHITE) {
			step_into(k, e->to);
		}
	}
}

static void
drop_left_out(struct depend *d)
{
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		if (d->v[i].kind != DEPEND_KINDS)
			d->v[n++] = d->v[i];
	d->n = n;
}

static void
rank_all(struct work *w)
{
	size_t n = w->conf->nprocs, i, edge = 0;
	struct walk k = {.w = w};

	w->ret->rank = xcalloc(n + 1, sizeof *w->ret->rank);
	k.first = xcalloc(n + 1, sizeof *k.first);
	k.colour = xcalloc(n + 1, sizeof *k.colour);
	k.path = xcalloc(n + 1, sizeof *k.path);
	for (i = 0; i < n; i++) {
		k.first[i] = edge;
		while (edge < w->ret->n && w->ret->v[edge].from == i)
			edge++;
	}
	k.first[n] = edge;
	for (i = 0; i < n; i++)
		walk_from(&k, (uint32_t)i);
	drop_left_out(w->ret);
	free(k.first);
	free(k.colour);
	free(k.path);
}

bool
depend_resolve(const struct config *c, struct depend *ret,
    depend_say_fn *fn, void *arg)
{
	struct work w = {.conf = c, .ret = ret, .say = fn, .arg = arg,
	    .ok = true};
	uint32_t i;

	memset(ret, 0, sizeof *ret);
	if (has_words(c)) {
		collect_names(&w);
		for (i = 0; i < c->nprocs; i++)
			add_edges(&w, i);
		free_names(&w);
	}
	rank_all(&w);
	return w.ok;
}

void
depend_clear(struct depend *d)
{
	free(d->v);
	free(d->rank);
	memset(d, 0, sizeof *d);
}
