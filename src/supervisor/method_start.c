/* start, stop, restart, wait, signal: changing programs and waiting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/conf.h"
#include "core/proto.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/order.h"
#include "supervisor/peer.h"
#include "supervisor/service.h"
#include "supervisor/stop.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

static void
add_head(struct buf *b, const struct service *s, bool first)
{
	buf_adds(b, first ? "{\"name\":" : ",{\"name\":");
	buf_adds_json(b, s->gone ? s->label : s->conf->name);
	buf_adds(b, ",\"group\":");
	buf_adds_json(b, s->gone ? s->label : s->conf->group);
	buf_adds(b, ",\"state\":\"");
	buf_adds(b, program_state_name(s->prog.state));
	buf_addc(b, '"');
}

static void
add_message(struct buf *b, bool ok, const char *message)
{
	buf_adds(b, ok ? ",\"ok\":true" : ",\"ok\":false");
	buf_adds(b, ",\"message\":");
	buf_adds_json(b, message);
	buf_addc(b, '}');
}

/* What became of one program of a change. */
static void
add_item(struct buf *b, const struct wait_item *it, bool waited, bool first)
{
	const struct service *s = it->service;
	char why[512] = "";
	bool ok = !waited || it->result == WAIT_OK;

	if (!ok && !s->gone) {
		service_reason(s, why, sizeof why);
		if (s->prog.state == PROGRAM_BACKOFF) {
			size_t len = strlen(why);

			snprintf(why + len, sizeof why - len, "; retrying");
		}
	}
	add_head(b, s, first);
	buf_adds(b, ",\"pid\":");
	if (s->prog.pid != 0)
		buf_addi(b, s->prog.pid);
	else
		buf_adds(b, "null");
	buf_adds(b, it->changed ? ",\"changed\":true" : ",\"changed\":false");
	add_message(b, ok, ok ? it->note : why[0] != '\0' ? why : NULL);
}

static void
reply_items(struct request *r, struct waiter *w, bool waited)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	buf_adds(&b, "{\"programs\":[");
	for (i = 0; i < w->n; i++)
		add_item(&b, &w->items[i], waited, i == 0);
	buf_adds(&b, "]}");
	request_result(r, &b);
}

/* Names of what is still not there. */
static void
reply_timeout(struct request *r, struct waiter *w)
{
	struct buf b = BUF_INIT, data = BUF_INIT;
	uint32_t i;

	buf_adds(&data, ",\"pending\":[");
	for (i = 0; i < w->n; i++) {
		if (w->items[i].result != WAIT_PENDING)
			continue;
		if (buf_len(&b) > 0) {
			buf_adds(&b, ", ");
			buf_addc(&data, ',');
		}
		buf_addf(&b, "%s is %s", w->items[i].service->label,
		    program_state_name(w->items[i].service->prog.state));
		buf_adds_json(&data, w->items[i].service->label);
	}
	buf_adds(&data, "]");
	buf_addc(&data, '\0');
	buf_addc(&b, '\0');
	request_error_data(r, PROTO_TIMEOUT, buf_head(&data), "timed out: %s",
	    buf_head(&b));
	buf_clear(&b);
	buf_clear(&data);
}

static void
on_done(struct waiter *w, bool timed_out)
{
	struct request *r = w->data;

	if (timed_out)
		reply_timeout(r, w);
	else
		reply_items(r, w, true);
}

/* --- what start, stop and restart do to one program --- */

typedef void apply_fn(struct wait_item *it, uint64_t request);

static void
apply_start(struct wait_item *it, uint64_t request)
{
	struct service *s = it->service;
	struct program *p = &s->prog;

	(void)request; /* once or twice is the same */
	if (p->wanted && (p->state == PROGRAM_RUNNING ||
	    p->state == PROGRAM_STARTING)) {
		it->note = p->state == PROGRAM_RUNNING ? "already running" :
		    "already starting";
		return;
	}
	it->changed = true;
	/* A stop under way ends first; the next run is the one meant. */
	it->gen = p->gen + 1;
	order_pull(s, true);
	service_event_now(s, ON_START);
}

static void
apply_stop(struct wait_item *it, uint64_t request)
{
	struct program *p = &it->service->prog;

	(void)request; /* once or twice is the same */
	if (program_is_down(p))
		it->note = "not running";
	else
		it->changed = true;
	service_event(it->service, ON_STOP);
}

/* Done once, however often it is asked with the same request_id. */
static void
apply_restart(struct wait_item *it, uint64_t request)
{
	struct program *p = &it->service->prog;

	it->changed = true;
	if (service_has_done(it->service, request)) {
		if (p->state == PROGRAM_STOPPING)
			it->gen = p->gen + 1;
		return;
	}
	it->gen = p->state == PROGRAM_STARTING && p->pid == 0 ? p->gen :
	    p->gen + 1;
	order_pull(it->service, true);
	service_event_now(it->service, ON_RESTART);
}

/* The first of those in W that IT requires. */
static const char *
required_by(const struct wait_item *it, const struct waiter *w)
{
	const struct service *s = it->service;
	uint32_t i, k;

	for (i = 0; i < s->nneeds; i++)
		for (k = 0; k < w->n; k++)
			if (s->needs[i].other == w->items[k].service)
				return w->items[k].service->label;
	return "what was named";
}

/* Those that were not named stop because they require one that does. */
static void
note_dependants(struct request *r, struct waiter *w)
{
	struct wait_item *it;
	struct service **v;
	uint32_t i, k, n;

	v = method_select(r, false, &n);
	for (i = 0; v != NULL && i < w->n; i++) {
		it = &w->items[i];
		for (k = 0; k < n && v[k] != it->service; k++)
			;
		if (k < n || !it->changed)
			continue;
		it->words = xasprintf("it requires %s", required_by(it, w));
		it->note = it->words;
	}
	free(v);
}

static void
change(struct request *r, apply_fn *apply, enum wait_goal goal)
{
	struct service **v;
	struct waiter *w;
	double timeout;
	uint64_t request = method_request(r);
	uint32_t i, n, named;
	bool wait;

	if (!method_bool(r, "wait", true, &wait) ||
	    !method_number(r, "timeout_s", -1, &timeout) ||
	    (v = method_select(r, false, &n)) == NULL)
		return;
	named = n;
	if (goal == GOAL_DOWN)
		n = order_dependants(r->peer->sup, &v, n, false);
	w = waiter_new(r->peer->sup, goal, v, n);
	free(v);
	r->waiter = w;
	for (i = 0; i < n; i++)
		apply(&w->items[i], request);
	if (n > named)
		note_dependants(r, w);
	if (wait)
		waiter_arm(w, timeout, on_done, r);
	else
		reply_items(r, w, false);
}

static void
start_exec(struct request *r)
{
	change(r, apply_start, GOAL_UP);
}

static void
restart_exec(struct request *r)
{
	if (json_object_get(r->params, "rolling") != NULL)
		method_rolling(r);
	else
		change(r, apply_restart, GOAL_UP);
}

/* --- stop, of programs and of the daemon --- */

static void
on_daemon_down(struct waiter *w, bool timed_out)
{
	struct request *r = w->data;
	struct buf b = BUF_INIT;

	(void)timed_out;
	buf_addf(&b, "{\"stopped\":%u}", w->n);
	request_result(r, &b);
}

static void
stop_daemon(struct request *r)
{
	struct supervisor *sup = r->peer->sup;
	struct service **v;
	uint32_t n;

	v = method_select(r, true, &n);
	if (v == NULL)
		return;
	log_info("stop requested by pid %d of user %u", (int)r->peer->pid,
	    (unsigned)r->peer->uid);
	r->waiter = waiter_new(sup, GOAL_DOWN, v, n);
	free(v);
	supervisor_stop(sup);
	waiter_arm(r->waiter, -1, on_daemon_down, r);
}

static void
stop_exec(struct request *r)
{
	if (json_object_get(r->params, "names") != NULL) {
		if (r->peer->sup->keeper_gone)
			request_error(r, PROTO_INTERNAL, "the keeper of this "
			    "daemon was killed: end programs by hand");
		else
			change(r, apply_stop, GOAL_DOWN);
		return;
	}
	if (r->peer->sup->keeper_gone)
		supervisor_abandon(r->peer->sup);
	stop_daemon(r);
}

const struct method method_start = {
	.name = "start", .needs = MAY_CONTROL, .by_program = true,
	.exec = start_exec};
const struct method method_stop = {
	.name = "stop",
	.needs = MAY_CONTROL,
	.by_program = true,
	.while_stopping = true,
	.in_need = true,
	.exec = stop_exec,
};
const struct method method_restart = {
	.name = "restart", .needs = MAY_CONTROL, .by_program = true,
	.exec = restart_exec};

/* --- wait --- */

/* One that was removed reaches no state any more.  NULL: there is none. */
static const struct service *
first_failed(const struct waiter *w)
{
	uint32_t i;

	for (i = 0; i < w->n; i++)
		if (w->items[i].result == WAIT_FAILED)
			return w->items[i].service;
	return NULL;
}

static void
on_waited(struct waiter *w, bool timed_out)
{
	const struct service *failed = first_failed(w);
	struct request *r = w->data;
	struct buf b = BUF_INIT;
	uint32_t i;

	if (timed_out) {
		reply_timeout(r, w);
		return;
	}
	if (failed != NULL) {
		request_error(r, PROTO_NO_SUCH_PROGRAM, "%s was removed "
		    "before it was there", failed->label);
		return;
	}
	buf_adds(&b, "{\"programs\":[");
	for (i = 0; i < w->n; i++) {
		const struct service *s = w->items[i].service;

		add_head(&b, s, i == 0);
		buf_adds(&b, ",\"exit_code\":");
		if (s->prog.has_status == STATUS_KNOWN)
			buf_addi(&b, program_exit_code(s->prog.status));
		else
			buf_adds(&b, "null");
		buf_addc(&b, '}');
	}
	buf_adds(&b, "]}");
	request_result(r, &b);
}

static void
wait_exec(struct request *r)
{
	enum wait_goal goal = GOAL_END;
	enum program_state state = PROGRAM_STATES;
	struct service **v;
	const char *name;
	double timeout;
	uint32_t n;

	if (!method_number(r, "timeout_s", -1, &timeout) ||
	    !method_string(r, "state", NULL, &name))
		return;
	if (name != NULL) {
		goal = GOAL_STATE;
		state = strcasecmp(name, "ready") == 0 ? PROGRAM_RUNNING :
		    program_state_from_name(name);
		if (state == PROGRAM_STATES) {
			request_error(r, PROTO_BAD_PARAMS,
			    "no such state: %.100s", name);
			return;
		}
	}
	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	r->waiter = waiter_new(r->peer->sup, goal, v, n);
	r->waiter->state = (uint8_t)state;
	free(v);
	waiter_arm(r->waiter, timeout, on_waited, r);
}

const struct method method_wait = {
	.name = "wait",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = wait_exec,
};

/* --- signal --- */

static void
signal_exec(struct request *r)
{
	struct buf b = BUF_INIT;
	struct service **v;
	const char *name;
	uint64_t request = method_request(r);
	uint32_t i, n;
	bool group;
	int signo;

	if (!method_string(r, "signal", "", &name) ||
	    !method_bool(r, "group", false, &group))
		return;
	signo = signal_number(name);
	if (signo == -1) {
		request_error(r, PROTO_BAD_PARAMS, "no such signal: %.100s",
		    name);
		return;
	}
	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	buf_adds(&b, "{\"programs\":[");
	for (i = 0; i < n; i++) {
		bool ok = service_has_done(v[i], request);

		/* The id is on the board first: at most once. */
		service_store(v[i]);
		ok = ok || stop_signal(v[i], signo, group) == 0;

		add_head(&b, v[i], i == 0);
		add_message(&b, ok, ok ? NULL : errno == ESRCH ?
		    "not running" : strerror(errno));
	}
	buf_adds(&b, "]}");
	free(v);
	request_result(r, &b);
}

const struct method method_signal = {
	.name = "signal", .needs = MAY_CONTROL, .by_program = true,
	.exec = signal_exec};
