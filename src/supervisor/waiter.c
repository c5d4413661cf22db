/* Waiting for programs; see waiter.h. */
#include <stdlib.h>

#include "lib/xalloc.h"
#include "supervisor/order.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

static enum wait_result
look_up(const struct wait_item *it, const struct program *p)
{
	struct service *s = it->service;

	/* A oneshot is done, or waits for its next time. */
	if (s->conf->type == TYPE_ONESHOT && p->gen >= it->gen &&
	    p->has_status != STATUS_NONE && (p->state == PROGRAM_EXITED ||
	    p->state == PROGRAM_WAITING))
		return program_is_ready(p, s->conf) ? WAIT_OK : WAIT_FAILED;
	switch (p->state) {
	case PROGRAM_RUNNING:
		return p->gen >= it->gen ? WAIT_OK : WAIT_PENDING;
	case PROGRAM_WAITING:
		if (order_is_hopeless(s))
			return WAIT_FAILED;
		return WAIT_PENDING;
	case PROGRAM_STARTING:
		/* Without a delay there is no moment of BACKOFF to see. */
		if (p->gen > it->gen && p->tries > 0)
			return WAIT_FAILED;
		return p->wanted ? WAIT_PENDING : WAIT_FAILED;
	case PROGRAM_STOPPING: /* the first half of a restart */
		return p->wanted ? WAIT_PENDING : WAIT_FAILED;
	case PROGRAM_EXITED: /* on its way to a restart, or done */
		return p->gen >= it->gen ? WAIT_FAILED : WAIT_PENDING;
	default:
		return p->gen >= it->gen || !p->wanted ? WAIT_FAILED :
		    WAIT_PENDING;
	}
}

/* A failure of the daemon's own to start it is no end of the run: the next
 * attempt is the same run, under another number. */
static enum wait_result
look_end(struct wait_item *it, const struct program *p)
{
	if (p->state == PROGRAM_BACKOFF && p->reason == REASON_DAEMON &&
	    p->gen <= it->gen) {
		it->gen = p->gen + 1;
		return WAIT_PENDING;
	}
	if (p->gen < it->gen)
		return program_is_down(p) ? WAIT_OK : WAIT_PENDING;
	return p->gen != it->gen || (p->pid == 0 &&
	    p->state != PROGRAM_STARTING) ? WAIT_OK : WAIT_PENDING;
}

static enum wait_result
look(struct wait_item *it)
{
	const struct waiter *w = it->waiter;
	const struct program *p = &it->service->prog;

	if (it->service->gone)
		return w->goal == GOAL_DOWN || w->goal == GOAL_END ?
		    WAIT_OK : WAIT_FAILED;
	switch (w->goal) {
	case GOAL_UP:
		return look_up(it, p);
	case GOAL_DOWN:
		return program_is_down(p) && !p->wanted ? WAIT_OK :
		    WAIT_PENDING;
	case GOAL_END:
		return look_end(it, p);
	default:
		/* One event may lead through a state: EXITED, and at once
		 * STARTING again. */
		return p->state == w->state ||
		    (it->service->passed & 1u << w->state) != 0 ? WAIT_OK :
		    WAIT_PENDING;
	}
}

struct waiter *
waiter_new(struct supervisor *sup, enum wait_goal goal,
    struct service *const *services, uint32_t n)
{
	struct waiter *w = xcalloc(1, sizeof *w);
	uint32_t i;

	w->sup = sup;
	w->goal = goal;
	w->n = n;
	w->items = xcalloc(n, sizeof *w->items);
	for (i = 0; i < n; i++) {
		w->items[i].waiter = w;
		w->items[i].service = service_ref(services[i]);
		w->items[i].gen = services[i]->prog.gen;
	}
	return w;
}

static void
settle(struct wait_item *it)
{
	it->result = look(it);
	if (it->result == WAIT_PENDING)
		return;
	LIST_REMOVE(it, entry);
	it->waiter->pending--;
}

/* Nothing wakes W any more: `done` is called once. */
static void
forget_pending(struct waiter *w)
{
	uint32_t i;

	ev_timer_stop(w->sup->loop, &w->timer);
	for (i = 0; w->armed && i < w->n; i++)
		if (w->items[i].result == WAIT_PENDING)
			LIST_REMOVE(&w->items[i], entry);
	w->armed = false;
}

static void
finish(struct waiter *w, bool timed_out)
{
	forget_pending(w);
	w->done(w, timed_out);
}

static void
on_time_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	finish(timer->data, true);
}

void
waiter_arm(struct waiter *w, double timeout_s,
    void (*done)(struct waiter *w, bool timed_out), void *data)
{
	uint32_t i;

	w->done = done;
	w->data = data;
	ev_init(&w->timer, on_time_over);
	w->timer.data = w;
	w->armed = true;
	for (i = 0; i < w->n; i++) {
		LIST_INSERT_HEAD(&w->items[i].service->waits, &w->items[i],
		    entry);
		w->pending++;
		settle(&w->items[i]);
	}
	if (w->pending == 0) {
		finish(w, false);
	} else if (timeout_s >= 0) {
		ev_now_update(w->sup->loop);
		ev_timer_set(&w->timer, timeout_s, 0.);
		ev_timer_start(w->sup->loop, &w->timer);
	}
}

void
waiter_free(struct waiter *w)
{
	uint32_t i;

	forget_pending(w);
	for (i = 0; i < w->n; i++) {
		free(w->items[i].words);
		service_unref(w->items[i].service);
	}
	free(w->items);
	free(w);
}

/* A finished waiter frees itself and so takes only items out of the list that
 * belong to it; each waiter has at most one item per service. */
void
waiter_notify(struct service *s)
{
	struct wait_item *it, *next;

	service_ref(s);
	for (it = LIST_FIRST(&s->waits); it != NULL; it = next) {
		next = LIST_NEXT(it, entry);
		settle(it);
		if (it->result != WAIT_PENDING && it->waiter->pending == 0)
			finish(it->waiter, false);
	}
	service_unref(s);
}
