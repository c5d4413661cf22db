/* The order of services; see order.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/depend.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/order.h"
#include "supervisor/service.h"
#include "supervisor/stopped.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

#define PATIENT_KILLS 2 /* SIGKILLs survived: nobody waits for it any more */

/* --- building --- */

static void
edges_clear(struct service *s)
{
	free(s->needs);
	free(s->needed_by);
	s->needs = s->needed_by = NULL;
	s->nneeds = s->nneeded_by = 0;
}

static struct service *
service_at(const struct supervisor *sup, uint32_t index)
{
	return sup->by_slot[sup->conf->procs[index].slot];
}

static void
count_edge(const struct supervisor *sup, const struct depend_edge *e)
{
	struct service *from = service_at(sup, e->from);
	struct service *to = service_at(sup, e->to);

	if (from == NULL || to == NULL)
		return;
	from->nneeds++;
	to->nneeded_by++;
}

static void
put_edge(const struct supervisor *sup, const struct depend_edge *e)
{
	struct service *from = service_at(sup, e->from);
	struct service *to = service_at(sup, e->to);

	if (from == NULL || to == NULL)
		return;
	from->needs[from->nneeds++] = (struct order_edge){
	    to, e->kind, e->states};
	to->needed_by[to->nneeded_by++] = (struct order_edge){
	    from, e->kind, e->states};
}

void
order_build(struct supervisor *sup)
{
	struct depend d;
	struct service *s;
	size_t i;

	depend_resolve(sup->conf, &d, NULL, NULL);
	TAILQ_FOREACH(s, &sup->services, entry)
		edges_clear(s);
	for (i = 0; i < d.n; i++)
		count_edge(sup, &d.v[i]);
	TAILQ_FOREACH(s, &sup->services, entry) {
		if (s->nneeds > 0)
			s->needs = xcalloc(s->nneeds, sizeof *s->needs);
		if (s->nneeded_by > 0)
			s->needed_by = xcalloc(s->nneeded_by,
			    sizeof *s->needed_by);
		s->nneeds = s->nneeded_by = 0;
	}
	for (i = 0; i < d.n; i++)
		put_edge(sup, &d.v[i]);
	for (i = 0; i < sup->conf->nprocs; i++)
		if ((s = service_at(sup, (uint32_t)i)) != NULL)
			s->rank = d.rank[i];
	sup->has_order = d.n > 0;
	depend_clear(&d);
}

/* --- questions --- */

static bool
is_strong(const struct order_edge *e)
{
	return e->kind == DEPEND_REQUIRES || e->kind == DEPEND_BOUND;
}

/* The start of T is over, or nobody asked for it. */
static bool
is_settled(const struct service *t)
{
	switch (t->prog.state) {
	case PROGRAM_WAITING: /* for its time, perhaps: it runs later */
		return !order_is_blocked(t, false);
	case PROGRAM_STARTING:
		return false;
	case PROGRAM_STOPPING:
		return !t->prog.wanted;
	default:
		return true;
	}
}

static bool
is_met(const struct order_edge *e)
{
	const struct service *t = e->other;

	switch (e->kind) {
	case DEPEND_AFTER:
		return is_settled(t);
	case DEPEND_STATES:
		return (e->states >> t->prog.state & 1) != 0;
	default:
		return program_is_ready(&t->prog, t->conf);
	}
}

/* The states of the plugin's key matter until it runs for the first time. */
static bool
counts(const struct service *s, const struct order_edge *e, bool run_now)
{
	return e->kind != DEPEND_STATES || (!s->prog.ran && !run_now);
}

bool
order_is_blocked(const struct service *s, bool run_now)
{
	uint32_t i;

	if (service_has_leaving_twin(s))
		return true;
	for (i = 0; i < s->nneeds; i++)
		if (counts(s, &s->needs[i], run_now) && !is_met(&s->needs[i]))
			return true;
	return false;
}

/* One that was here in this LOOK was not hopeless: the first that is ends it.
 * So each is looked at once, however many ways lead to it. */
static bool
is_hopeless(struct service *s, uint32_t look)
{
	uint32_t i;

	if (s->looked == look)
		return false;
	s->looked = look;
	for (i = 0; i < s->nneeds; i++) {
		struct service *t = s->needs[i].other;

		if (!is_strong(&s->needs[i]) || is_met(&s->needs[i]))
			continue;
		if (!t->prog.wanted || program_has_given_up(&t->prog) ||
		    (t->prog.state == PROGRAM_WAITING &&
		    is_hopeless(t, look)))
			return true;
	}
	return false;
}

bool
order_is_hopeless(struct service *s)
{
	return is_hopeless(s, ++s->sup->looks);
}

bool
order_is_held(const struct service *s)
{
	uint32_t i;

	if (s->sup->forced)
		return false;
	for (i = 0; i < s->nneeded_by; i++) {
		const struct program *p = &s->needed_by[i].other->prog;

		if (s->needed_by[i].kind != DEPEND_STATES && !p->wanted &&
		    program_is_alive(p) && p->kills < PATIENT_KILLS)
			return true;
	}
	return false;
}

void
order_waiting(const struct service *s, char *buf, size_t size)
{
	size_t len = 0;
	uint32_t i;
	int n;

	buf[0] = '\0';
	if (s->prog.state != PROGRAM_WAITING)
		return;
	for (i = 0; i < s->nneeds && len < size; i++) {
		const struct order_edge *e = &s->needs[i];

		if (!counts(s, e, false) || is_met(e))
			continue;
		n = snprintf(buf + len, size - len, "%s%s (%s)",
		    len > 0 ? ", " : "", e->other->label,
		    program_state_name(e->other->prog.state));
		len += n > 0 ? (size_t)n : 0;
	}
}

void
order_waiting_json(const struct service *s, struct buf *out)
{
	bool first = true;
	uint32_t i;

	buf_addc(out, '[');
	for (i = 0; s->prog.state == PROGRAM_WAITING && i < s->nneeds; i++) {
		const struct order_edge *e = &s->needs[i];

		if (!counts(s, e, false) || is_met(e))
			continue;
		buf_adds(out, first ? "{\"name\":" : ",{\"name\":");
		buf_adds_json(out, e->other->label);
		buf_addf(out, ",\"state\":\"%s\",\"key\":\"%s\"}",
		    program_state_name(e->other->prog.state),
		    depend_key(e->kind));
		first = false;
	}
	buf_addc(out, ']');
}

void
order_pull(struct service *s, bool asked)
{
	uint32_t i;

	for (i = 0; i < s->nneeds; i++) {
		struct service *t = s->needs[i].other;

		if (!is_strong(&s->needs[i]) || t->prog.wanted ||
		    program_is_ready(&t->prog, t->conf) ||
		    (!asked && stopped_has(t)))
			continue;
		order_pull(t, asked);
		log_info("program %s: started, because %s needs it",
		    t->label, s->label);
		service_event(t, ON_START);
	}
}

static int
compare_rank(const void *va, const void *vb)
{
	const struct service *a = *(struct service *const *)va;
	const struct service *b = *(struct service *const *)vb;

	return a->rank > b->rank ? -1 : a->rank < b->rank;
}

static int
compare_rank_up(const void *a, const void *b)
{
	return compare_rank(b, a);
}

struct service **
order_sorted(struct supervisor *sup)
{
	struct service **v = xcalloc(sup->nservices + 1, sizeof *v), *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &sup->services, entry)
		v[n++] = s;
	if (sup->has_order)
		qsort(v, n, sizeof *v, compare_rank_up);
	return v;
}

uint32_t
order_dependants(struct supervisor *sup, struct service ***v, uint32_t n,
    bool all)
{
	uint8_t *taken;
	uint32_t i, k;

	if (!sup->has_order)
		return n;
	taken = xcalloc(BOARD_SLOTS, 1);
	*v = xreallocarray(*v, sup->nservices + n + 1, sizeof **v);
	for (i = 0; i < n; i++)
		taken[(*v)[i]->slot] = 1;
	for (i = 0; i < n; i++)
		for (k = 0; k < (*v)[i]->nneeded_by; k++) {
			struct order_edge *e = &(*v)[i]->needed_by[k];

			if (taken[e->other->slot] || (!is_strong(e) && !(all &&
			    e->kind == DEPEND_AFTER)))
				continue;
			taken[e->other->slot] = 1;
			(*v)[n++] = e->other;
		}
	free(taken);
	qsort(*v, n, sizeof **v, compare_rank);
	return n;
}

/* --- what follows from a change --- */

static void
stir(struct service *s)
{
	if (s->stirred)
		return;
	s->stirred = true;
	TAILQ_INSERT_TAIL(&s->sup->stirred, s, stirred_entry);
}

void
order_changed(struct service *s)
{
	if (s->nneeds + s->nneeded_by > 0)
		stir(s);
}

void
order_changed_all(struct supervisor *sup)
{
	struct service *s;

	TAILQ_FOREACH(s, &sup->services, entry)
		stir(s);
}

/* T has ended, whoever wanted that: what is bound to it ends with it and waits
 * for it again. */
static void
look_at_bound(struct service *t, struct service *d)
{
	if (t->prog.pid != 0 || program_is_ready(&t->prog, t->conf) ||
	    !d->prog.wanted || d->prog.pid == 0 ||
	    d->prog.state == PROGRAM_STOPPING)
		return;
	log_info("program %s: %s, to which it is bound, has ended", d->label,
	    t->label);
	service_event(d, ON_RESTART);
}

/* T is to end, and was kept for what needs it. */
static void
look_at_held(struct service *t)
{
	if (!t->prog.wanted && t->prog.pid != 0 &&
	    t->prog.state != PROGRAM_STOPPING && !order_is_held(t))
		service_event(t, ON_STOP);
}

/* At both ends of each edge of S, and at S itself: a new configuration may
 * have taken away what it waited for, or was kept for. */
static void
look_at(struct service *s)
{
	uint32_t i;

	if (s->prog.state == PROGRAM_WAITING && !order_is_blocked(s, false))
		service_event(s, ON_UNBLOCKED);
	look_at_held(s);
	for (i = 0; i < s->nneeded_by; i++) {
		struct service *d = s->needed_by[i].other;

		if (d->prog.state == PROGRAM_WAITING &&
		    !order_is_blocked(d, false))
			service_event(d, ON_UNBLOCKED);
		else if (d->prog.state == PROGRAM_WAITING)
			waiter_notify(d); /* it may be hopeless now */
		if (s->needed_by[i].kind == DEPEND_BOUND)
			look_at_bound(s, d);
	}
	for (i = 0; i < s->nneeds; i++)
		look_at_held(s->needs[i].other);
}

void
order_turn(struct supervisor *sup)
{
	struct service *s;

	while ((s = TAILQ_FIRST(&sup->stirred)) != NULL) {
		TAILQ_REMOVE(&sup->stirred, s, stirred_entry);
		s->stirred = false;
		look_at(s);
	}
}
