/*
 * restart with `rolling`: so many at a time, in the order of the
 * configuration, the next when these are RUNNING; the first failure ends it.
 *
 * It belongs to its request: when the client goes away nothing more is
 * begun.  A client that only lost the supervisor asks again with the same
 * request_id, and what is done by then is not done again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/order.h"
#include "supervisor/outcome.h"
#include "supervisor/peer.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

enum fate { UNTOUCHED, DONE, FAILED };

struct rolling {
	struct request *request;
	struct service **v; /* referenced, in order */
	uint8_t *fate; /* enum fate, by index in V */
	uint32_t n, next; /* V[NEXT] is the first that is not begun */
	uint32_t step; /* how many at a time */
	uint32_t now; /* how many the step under way has */
	uint64_t id; /* method_request() */
	int64_t until_ns; /* 0: no limit */
	bool progress; /* the client wants to hear of each */
	bool looping, over; /* in roll(); it was answered */
};

/* --- what is said --- */

/* Nothing is kept for long: a client that does not read is disconnected. */
static enum fill
progress_fill(struct request *r, struct buf *out)
{
	buf_add(out, buf_head(&r->reply), buf_len(&r->reply));
	buf_clear(&r->reply);
	return FILL_IDLE;
}

static void
say(struct rolling *ro, const struct service *s, uint32_t done)
{
	struct buf *b = &ro->request->reply;

	if (!ro->progress)
		return;
	buf_adds(b, "{\"jsonrpc\":\"2.0\",\"method\":\"restart\","
	    "\"params\":{\"program\":");
	outcome_add(b, s, ro->fate[done - 1] == DONE, true, NULL, true);
	buf_addf(b, ",\"done\":%u,\"of\":%u}}\n", done, ro->n);
	request_ready(ro->request);
}

static void
reply(struct rolling *ro)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	ro->over = true;
	buf_adds(&b, "{\"programs\":[");
	for (i = 0; i < ro->n; i++)
		outcome_add(&b, ro->v[i], ro->fate[i] == DONE,
		    ro->fate[i] != UNTOUCHED,
		    ro->fate[i] == UNTOUCHED ? "not touched" : NULL, i == 0);
	buf_adds(&b, "]}");
	request_result(ro->request, &b);
}

static void
reply_late(struct rolling *ro)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	ro->over = true;
	for (i = 0; i < ro->next; i++)
		if (ro->fate[i] != DONE)
			buf_addf(&b, "%s is %s, ", ro->v[i]->label,
			    program_state_name(ro->v[i]->prog.state));
	buf_addc(&b, '\0');
	request_error(ro->request, PROTO_TIMEOUT, "timed out: %sand %u "
	    "programs were not touched", buf_head(&b), ro->n - ro->next);
	buf_clear(&b);
}

/* --- the steps --- */

/* As `restart` does it, see method_start.c. */
static void
begin_one(struct wait_item *it, uint64_t id)
{
	struct service *s = it->service;
	struct program *p = &s->prog;

	if (s->gone || s->conf->leaving)
		return;
	if (service_has_done(s, id)) {
		if (p->state == PROGRAM_STOPPING)
			it->gen = p->gen + 1;
		return;
	}
	it->gen = p->state == PROGRAM_STARTING && p->pid == 0 ? p->gen :
	    p->gen + 1;
	order_pull(s, true);
	service_event_now(s, ON_RESTART);
}

static void roll(struct rolling *ro);

static void
on_step(struct waiter *w, bool timed_out)
{
	struct rolling *ro = w->data;
	uint32_t i, first = ro->next - ro->now;
	bool failed = false;

	for (i = 0; i < w->n; i++) {
		if (w->items[i].result == WAIT_PENDING)
			continue;
		ro->fate[first + i] = w->items[i].result == WAIT_OK ? DONE :
		    FAILED;
		failed |= ro->fate[first + i] == FAILED;
		say(ro, w->items[i].service, first + i + 1);
	}
	ro->request->waiter = NULL;
	waiter_free(w);
	if (timed_out)
		reply_late(ro);
	else if (failed || ro->next == ro->n)
		reply(ro);
	else if (!ro->looping)
		roll(ro);
}

static double
seconds_left(const struct rolling *ro)
{
	int64_t left = ro->until_ns - now_ns();

	return ro->until_ns == 0 ? -1 : left > 0 ? (double)left / 1e9 : 0;
}

/* A step that has nothing to wait for is over at once: then the next one
 * begins here, and not in its depths. */
static void
roll(struct rolling *ro)
{
	struct request *r = ro->request;
	uint32_t i;

	ro->looping = true;
	do {
		ro->now = ro->n - ro->next < ro->step ? ro->n - ro->next :
		    ro->step;
		r->waiter = waiter_new(r->peer->sup, GOAL_UP,
		    ro->v + ro->next, ro->now);
		ro->next += ro->now;
		for (i = 0; i < ro->now; i++)
			begin_one(&r->waiter->items[i], ro->id);
		waiter_arm(r->waiter, seconds_left(ro), on_step, ro);
	} while (r->waiter == NULL && !ro->over);
	ro->looping = false;
}

/* --- the request --- */

static void
rolling_cleanup(struct request *r)
{
	struct rolling *ro = r->state;
	uint32_t i;

	for (i = 0; i < ro->n; i++)
		service_unref(ro->v[i]);
	free(ro->v);
	free(ro->fate);
	free(ro);
}

/* What was selected comes in the order of the names. */
static struct rolling *
rolling_new(struct request *r, struct service **v, uint32_t n)
{
	struct rolling *ro = xcalloc(1, sizeof *ro);
	uint8_t *chosen = xcalloc(BOARD_SLOTS, 1);
	struct service *s;
	uint32_t i;

	ro->request = r;
	ro->v = v;
	ro->fate = xcalloc(n + 1, 1);
	for (i = 0; i < n; i++)
		chosen[v[i]->slot] = 1;
	TAILQ_FOREACH(s, &r->peer->sup->services, entry)
		if (chosen[s->slot])
			v[ro->n++] = service_ref(s);
	free(chosen);
	return ro;
}

void
method_rolling(struct request *r)
{
	struct service **v;
	struct rolling *ro;
	double step, timeout;
	bool progress, wait;
	uint32_t n;

	if (!method_number(r, "rolling", 1, &step) ||
	    !method_number(r, "timeout_s", -1, &timeout) ||
	    !method_bool(r, "progress", false, &progress) ||
	    !method_bool(r, "wait", true, &wait))
		return;
	if (!(step >= 1) || step > BOARD_SLOTS || step != floor(step) ||
	    !wait) {
		request_error(r, PROTO_BAD_PARAMS, "rolling is not a whole "
		    "number from 1 to %d, or wait is false", BOARD_SLOTS);
		return;
	}
	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	ro = rolling_new(r, v, n);
	ro->step = (uint32_t)step;
	ro->id = method_request(r);
	if (timeout >= 0 && timeout < 1e9)
		ro->until_ns = now_ns() + (int64_t)(timeout * 1e9);
	/* A request that gets no reply is not told of progress either. */
	ro->progress = progress && r->id[0] != '\0';
	r->state = ro;
	r->cleanup = rolling_cleanup;
	r->fill = progress_fill;
	if (ro->n == 0)
		reply(ro);
	else
		roll(ro);
}
