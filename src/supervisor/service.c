/* A service; see service.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/state.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "core/proto.h"
#include "core/stopplan.h"
#include "supervisor/cgroup.h"
#include "supervisor/events.h"
#include "supervisor/hooks.h"
#include "supervisor/logs.h"
#include "supervisor/order.h"
#include "supervisor/pidfile.h"
#include "supervisor/ready.h"
#include "supervisor/schedule.h"
#include "supervisor/service.h"
#include "supervisor/stop.h"
#include "supervisor/stopped.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"
#include "supervisor/tree.h"
#include "supervisor/uplink.h"
#include "supervisor/waiter.h"

_Static_assert(sizeof(struct program) <= BOARD_RECORD,
    "a record on the board holds a struct program");
_Static_assert(BOARD_SLOTS == CONF_PROCESS_MAX,
    "each process that a file may ask for has a slot");

#define LAST_KILLS 5 /* SIGKILLs, a second apart, before it is left behind */

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents);

/* --- the record and the timer follow the program --- */

/* What the next daemon finds, should this one be killed with its keeper. */
void
service_write_state(struct service *s)
{
	struct state_record r = {
		.gen = s->prog.gen,
		.stopsignal = (int32_t)s->conf->stopsignal,
		.stopwaitsecs = s->conf->stopwaitsecs,
		.birth = s->sup->board->birth[s->slot],
		.label_hash = s->label_hash,
	};
	int i;

	if (s->unwritten)
		TAILQ_REMOVE(&s->sup->unwritten, s, unwritten_entry);
	s->unwritten = false;
	for (i = 0; i < CONF_STREAMS; i++)
		r.pipe[i] = stream_inode(s->stream[i]);
	str_copy(r.label, s->label, sizeof r.label);
	memcpy(r.program, &s->prog, sizeof s->prog);
	state_put(&s->sup->state, s->slot, &r);
}

/* Or is about to: before that there is nothing that could be found. */
bool
service_has_run(const struct service *s)
{
	return atomic_load(&s->sup->board->gen[s->slot]) != 0;
}

void
service_store(struct service *s)
{
	board_store(s->sup->board, s->slot, &s->prog, sizeof s->prog);
	if (s->unwritten || s->sup->state.fd == -1 || !service_has_run(s))
		return;
	s->unwritten = true;
	TAILQ_INSERT_TAIL(&s->sup->unwritten, s, unwritten_entry);
}

void
service_write_states(struct supervisor *sup)
{
	struct service *s;

	while ((s = TAILQ_FIRST(&sup->unwritten)) != NULL)
		service_write_state(s);
}

static void
service_arm(struct service *s)
{
	double left;

	ev_timer_stop(s->sup->loop, &s->timer);
	if (s->prog.deadline_ns == 0)
		return;
	left = (double)(s->prog.deadline_ns - now_ns()) / 1e9;
	ev_now_update(s->sup->loop);
	ev_timer_set(&s->timer, left > 0 ? left : 0., 0.);
	ev_timer_start(s->sup->loop, &s->timer);
}

static void
on_change(void *ctx, const struct program *p, enum program_state from)
{
	struct service *s = ctx;
	char why[256] = "", next[64] = "";

	program_reason(p, s->conf, why, sizeof why);
	if (p->state == PROGRAM_BACKOFF)
		snprintf(next, sizeof next, "; starting again in %.1f s",
		    (double)(p->deadline_ns - now_ns()) / 1e9);
	else if (p->state == PROGRAM_FATAL)
		snprintf(next, sizeof next, "; giving up");
	else if (p->pid != 0)
		snprintf(next, sizeof next, " (pid %d)", (int)p->pid);
	log_info("program %s: %s -> %s%s%s%s", s->label,
	    program_state_name(from), program_state_name(p->state),
	    why[0] != '\0' ? ": " : "", why, next);
	events_state(s, p, from, why);
	s->passed |= (uint16_t)(1u << p->state);
}

void
service_enqueue(struct service *s)
{
	if (s->queued || s->sup->keeper_gone)
		return;
	s->queued = true;
	TAILQ_INSERT_TAIL(&s->sup->spawn_queue, s, spawn_entry);
}

bool
service_is_stopped(const struct service *s)
{
	return program_is_down(&s->prog) && !s->prog.wanted &&
	    !hooks_are_ending(s);
}

bool
service_is_left_behind(const struct service *s)
{
	return s->sup->stopping && s->prog.state == PROGRAM_STOPPING &&
	    s->prog.kills >= LAST_KILLS;
}

/* During the stop of the daemon: the last of those that went down together
 * lets the next ones go, and nothing begins any more. */
static void
note_stopped(struct service *s)
{
	struct supervisor *sup = s->sup;

	if (s->prog.pid == 0 && s->prog.wanted)
		sup->stop_look = true;
	if (s->going_down && (service_is_stopped(s) ||
	    service_is_left_behind(s))) {
		s->going_down = false;
		if (--sup->ngoing_down == 0)
			sup->stop_look = true;
	}
}

void
service_look_stopped(struct service *s)
{
	if (s->sup->stopping)
		note_stopped(s);
	s->sup->changed = true;
}

double
service_stop_time(const struct service *s)
{
	return (double)stopplan_time_ms(s->conf) / 1000.;
}

/* The one way into the state machine.  The record is on the board before
 * anything is done to the world: a supervisor killed in between does it
 * again. */
void
service_feed(struct service *s, enum program_event ev, struct program_arg *arg)
{
	const struct program before = s->prog;
	unsigned fx;
	bool changed;

	if (arg->now_ns == 0)
		arg->now_ns = now_ns();
	arg->wall_s = wall_s();
	arg->random = (uint32_t)random();
	arg->changed = on_change;
	arg->ctx = s;
	arg->blocked = order_is_blocked(s, arg->run_now);
	arg->held = ev == ON_STOP && order_is_held(s);
	fx = program_event(&s->prog, s->conf, ev, arg);
	service_store(s);
	service_arm(s);
	if (fx & FX_SIGNAL) {
		stop_step(s);
		service_store(s);
	}
	if (fx & FX_KILL)
		stop_kill(s);
	if (fx & FX_SPAWN)
		service_enqueue(s);
	changed = s->prog.state != before.state || s->prog.gen != before.gen ||
	    s->prog.wanted != before.wanted || s->prog.pid != before.pid;
	if (s->prog.pid != before.pid)
		pidfile_update(s);
	/* With each SIGKILL as well: nobody waits for it for ever, and what it
	 * needs is held no longer. */
	if (changed || s->prog.kills != before.kills)
		order_changed(s);
	if (changed) {
		ready_follow(s, &before);
		hooks_follow(s, &before);
		schedule_follow(s);
		waiter_notify(s);
	}
	s->passed = 0;
	if (s->prog.wanted != before.wanted)
		stopped_note(s->sup);
	s->sup->changed = true;
	if (s->sup->stopping)
		note_stopped(s);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct program_arg arg = {0};

	(void)loop;
	(void)revents;
	service_feed(w->data, ON_DEADLINE, &arg);
}

void
service_event(struct service *s, enum program_event ev)
{
	struct program_arg arg = {0};

	if (s->conf->leaving && ev != ON_STOP)
		return; /* it is no longer configured */

	service_feed(s, ev, &arg);
}

void
service_event_now(struct service *s, enum program_event ev)
{
	struct program_arg arg = {.run_now = true};

	if (!s->conf->leaving)
		service_feed(s, ev, &arg);
}

void
service_unfit(struct service *s, enum program_reason why)
{
	struct program_arg arg = {.reason = (uint8_t)why};

	service_feed(s, ON_UNFIT, &arg);
}

void
service_gone(struct service *s)
{
	struct program_arg arg = {.left = s->had_rest};

	service_feed(s, ON_GONE, &arg);
}

bool
service_has_done(struct service *s, uint64_t request)
{
	struct program *p = &s->prog;
	int i;

	for (i = 0; request != 0 && i < PROGRAM_REQUESTS; i++)
		if (p->request[i] == request)
			return true;
	if (request == 0)
		return false;
	i = p->request_next++ % PROGRAM_REQUESTS;
	/* The one that made it stays: it must not be carried out twice. */
	if (p->request[i] != 0 && p->request[i] == s->conf->transient)
		i = p->request_next++ % PROGRAM_REQUESTS;
	p->request[i] = request;
	return false;
}

/* --- after another supervisor --- */

/* STARTING without a pid: did the one before us get as far as the clone? */
static void
takeover_starting(struct service *s)
{
	const struct board *b = s->sup->board;
	struct program_arg arg = {0};

	if (atomic_load(&b->gen[s->slot]) == s->prog.gen) {
		arg.pid = atomic_load(&b->pid[s->slot]);
		if (b->end[s->slot].gen == s->prog.gen)
			arg.pid = b->end[s->slot].pid;
	}
	if (arg.pid == 0) {
		service_enqueue(s);
		return;
	}
	arg.now_ns = b->spawned_ns[s->slot];
	s->prog.grouped = cgroup_has(s, arg.pid);
	service_feed(s, ON_SPAWNED, &arg);
}

/* The one before us had found the daemon of a forking program, and was killed
 * before it could note that in the record. */
static void
takeover_followed(struct service *s)
{
	int32_t pid = atomic_load(&s->sup->board->pid[s->slot]);

	if (s->conf->type != TYPE_FORKING || s->prog.pid == 0 || pid == 0 ||
	    pid == s->prog.pid)
		return;
	s->prog.last_pid = s->prog.pid;
	s->prog.pid = pid;
	s->prog.followed = 1;
}

void
service_takeover(struct service *s)
{
	transient_takeover(s);
	if (!board_load(s->sup->board, s->slot, &s->prog, sizeof s->prog)) {
		service_begin(s);
		return;
	}
	if (s->prog.state == PROGRAM_STARTING && s->prog.pid == 0)
		takeover_starting(s);
	takeover_followed(s);
	/* Adopted, perhaps by a daemon that is in another group itself. */
	if (s->prog.grouped && atomic_load(&s->sup->board->orphan[s->slot]))
		s->prog.grouped = cgroup_has(s, s->prog.pid);
	service_ended(s);
	if (s->prog.gen > 0)
		pidfile_update(s); /* neither */
	service_arm(s);
	service_store(s); /* the one before may not have come to it */
	if (stop_is_undone(s)) {
		stop_step(s);
		service_store(s);
	}
	if (s->prog.clearing)
		tree_watch(s->sup);
	ready_takeover(s);
	hooks_takeover(s);
	schedule_follow(s);
}

bool
service_has_leaving_twin(const struct service *s)
{
	const struct service *t;

	if (!s->sup->unswept || s->conf->leaving)
		return false;
	HASH_FIND_STR(s->sup->by_name, s->conf->name, t);
	for (; t != NULL; t = t->same_name)
		if (t != s && t->conf->leaving &&
		    (!program_is_down(&t->prog) || hooks_are_ending(t)))
			return true;
	return false;
}

void
service_begin(struct service *s)
{
	memset(&s->prog, 0, sizeof s->prog);
	s->prog.changed_ns = now_ns();
	if (s->sup->finding && tree_has_rest(s)) {
		log_warnx("program %s: the daemon before was killed and left "
		    "processes of it that cannot be adopted; they are ended "
		    "first", s->label);
		service_event(s, ON_LEFT);
	}
	/* One step: a record that says STOPPED would be obeyed. */
	if ((s->conf->autostart || s->conf->dependent_startup) &&
	    !s->sup->stopping && !s->conf->leaving && !s->conf->stopped &&
	    !s->conf->disabled) {
		order_pull(s, false);
		service_event(s, ON_START);
	} else
		service_store(s);
}

/* --- configuration --- */

static void
configure_streams(struct service *s)
{
	int i;

	if (s->sup->safe)
		return; /* nothing is read: it waits in the pipes */
	for (i = 0; i < CONF_STREAMS; i++)
		stream_configure(s->stream[i], &s->conf->log[i],
		    s->sup->conf->main.strip_ansi);
}

void
service_configure(struct service *s, struct conf_process *c)
{
	pidfile_move(s, c);
	s->conf = c;
	s->sup->unswept |= c->leaving;
	configure_streams(s);
	ready_configure(s, -1);
	schedule_configure(s);
}

bool
service_is_outdated(const struct service *s)
{
	/* What is to end by itself anyway has it the next time. */
	return s->prog.pid != 0 && s->conf->type != TYPE_ONESHOT &&
	    s->prog.conf_hash != s->conf->restart_hash;
}

/* --- life of the struct --- */

struct service *
service_new(struct supervisor *sup, struct conf_process *c)
{
	static const char *const names[] = {"stdout", "stderr"};
	struct service *s = xcalloc(1, sizeof *s), *first;
	int i;

	s->sup = sup;
	s->conf = c;
	sup->unswept |= c->leaving;
	s->slot = (uint32_t)c->slot;
	s->refs = 1;
	s->label = conf_process_label(c);
	s->label_hash = state_hash(s->label);
	LIST_INIT(&s->waits);
	ev_init(&s->timer, on_deadline);
	s->timer.data = s;
	schedule_configure(s);
	for (i = 0; i < CONF_STREAMS; i++) {
		char *name = xasprintf("%s %s", s->label, names[i]);

		s->stream[i] = stream_new(sup, name);
		free(name);
		if (sup->kept[s->slot][i] != 0) {
			stream_adopt(s->stream[i],
			    sup->kept[s->slot][i] - 1);
			stream_set_kept(s->stream[i]);
		}
		sup->kept[s->slot][i] = 0;
	}
	configure_streams(s);
	ready_configure(s, sup->kept[s->slot][KEPT_READY] - 1);
	sup->kept[s->slot][KEPT_READY] = 0;
	s->last.kills_before = -1; /* not known of what runs already */
	transient_new(s);
	sup->by_slot[s->slot] = s;
	TAILQ_INSERT_TAIL(&sup->services, s, entry);
	sup->nservices++;
	HASH_FIND_STR(sup->by_name, c->name, first);
	if (first != NULL) {
		s->same_name = first->same_name;
		first->same_name = s;
	} else {
		/* The key is the head of the label's last part: it lives as
		 * long as the service, the configuration does not. */
		const char *key = strrchr(s->label, ':');

		key = key != NULL ? key + 1 : s->label;
		HASH_ADD_KEYPTR(hh, sup->by_name, key, strlen(key), s);
	}
	return s;
}

static void
forget_name(struct service *s)
{
	struct supervisor *sup = s->sup;
	const char *name = strrchr(s->label, ':');
	struct service *first, *it;

	name = name != NULL ? name + 1 : s->label;
	HASH_FIND_STR(sup->by_name, name, first);
	if (first != s) {
		for (it = first; it != NULL && it->same_name != s;
		    it = it->same_name)
			;
		if (it != NULL)
			it->same_name = s->same_name;
		return;
	}
	HASH_DEL(sup->by_name, s);
	it = s->same_name;
	if (it != NULL) {
		const char *key = strrchr(it->label, ':');

		key = key != NULL ? key + 1 : it->label;
		HASH_ADD_KEYPTR(hh, sup->by_name, key, strlen(key), it);
	}
}

void
service_remove(struct service *s)
{
	struct supervisor *sup = s->sup;
	int i;

	transient_free(s);
	s->gone = true;
	s->conf = NULL;
	ev_timer_stop(sup->loop, &s->timer);
	stop_forget(s);
	cgroup_remove(s);
	ready_free(s);
	hooks_free(s);
	schedule_configure(s);
	if (s->stirred)
		TAILQ_REMOVE(&sup->stirred, s, stirred_entry);
	s->stirred = false;
	if (s->queued)
		TAILQ_REMOVE(&sup->spawn_queue, s, spawn_entry);
	s->queued = false;
	if (s->unwritten)
		TAILQ_REMOVE(&sup->unwritten, s, unwritten_entry);
	s->unwritten = false;
	forget_name(s);
	TAILQ_REMOVE(&sup->services, s, entry);
	sup->nservices--;
	if (s->going_down)
		sup->ngoing_down--;
	sup->stop_look = true;
	stopped_note(sup);
	sup->by_slot[s->slot] = NULL;
	for (i = 0; i < CONF_STREAMS; i++) {
		unsigned left = stream_drain(s->stream[i]);

		if (left > 0)
			log_warnx("program %s: %u bytes of its output could "
			    "not be written to the log; they are lost",
			    s->label, left);
		stream_free(s->stream[i]);
		s->stream[i] = NULL;
	}
	uplink_drop(sup, s->slot);
	state_set_pid(&sup->state, s->slot, 0);
	board_clear(sup->board, s->slot);
	waiter_notify(s);
	service_unref(s);
}

struct service *
service_ref(struct service *s)
{
	s->refs++;
	return s;
}

void
service_unref(struct service *s)
{
	if (--s->refs > 0)
		return;
	free(s->sample);
	free(s->needs);
	free(s->needed_by);
	free(s->label);
	free(s);
}

struct service *
service_find(struct supervisor *sup, const char *name)
{
	const char *colon = strrchr(name, ':');
	const char *key = colon != NULL ? colon + 1 : name;
	struct service *s;

	HASH_FIND_STR(sup->by_name, key, s);
	if (colon == NULL)
		return s;
	for (; s != NULL; s = s->same_name)
		if (strlen(s->conf->group) == (size_t)(colon - name) &&
		    strncmp(s->conf->group, name, (size_t)(colon - name)) == 0)
			return s;
	return NULL;
}

struct service *
service_of(struct supervisor *sup, const struct conf_process *c)
{
	char *full = xasprintf("%s:%s", c->group, c->name);
	struct service *s = service_find(sup, full);

	free(full);
	return s;
}
