/* The state machine of a program; see program.h. */
#include <assert.h>

#include "core/backoff.h"
#include "core/conf.h"
#include "core/program.h"
#include "core/stopplan.h"

#define MS 1000000LL
#define SEC (1000 * MS)

/* A program without a restart_* key starts at most once in this time unless
 * it lived as long: startsecs=0 cannot spin. */
#define MIN_LIFE_NS (1 * SEC)

#define KILL_AGAIN_NS (1 * SEC) /* from SIGKILL to the next one */
#define LAST_WORD_NS (SEC / 2) /* what is left has it between TERM and KILL */

/* What an event handler needs, in one place. */
struct step {
	struct program *p;
	const struct conf_process *c;
	const struct program_arg *arg;
	unsigned fx;
};

typedef void handler_fn(struct step *s);

static void
change(struct step *s, enum program_state to)
{
	enum program_state from = s->p->state;

	s->p->state = (uint8_t)to;
	s->p->changed_ns = s->arg->now_ns;
	if (s->arg->changed != NULL)
		s->arg->changed(s->arg->ctx, s->p, from);
}

/* The next run, when its time has come and what it needs is ready: the shell
 * spawns it and answers SPAWNED or SPAWN_FAILED. */
static void
begin(struct step *s)
{
	struct program *p = s->p;

	p->deadline_ns = 0;
	if (s->arg->blocked || (s->c->schedule != NULL && !p->due)) {
		if (p->state != PROGRAM_WAITING)
			change(s, PROGRAM_WAITING);
		return;
	}
	p->gen++;
	p->pid = 0;
	p->reason = REASON_NONE;
	p->ready = p->followed = p->due = 0;
	p->conf_hash = s->c->restart_hash;
	s->fx |= FX_SPAWN;
	change(s, PROGRAM_STARTING);
}

/* By an operator: earlier failures do not count against it. */
static void
begin_afresh(struct step *s)
{
	s->p->wanted = 1;
	s->p->tries = s->p->level = s->p->window_starts = 0;
	s->p->due |= s->arg->run_now;
	if (s->p->state != PROGRAM_WAITING)
		s->p->reason = REASON_NONE;
	begin(s);
}

static void
give_up(struct step *s, enum program_reason reason)
{
	s->p->deadline_ns = 0;
	s->p->reason = (uint8_t)reason;
	change(s, PROGRAM_FATAL);
}

static void
back_off(struct step *s, enum program_reason reason, int64_t delay_ns)
{
	s->p->reason = (uint8_t)reason;
	s->p->deadline_ns = s->arg->now_ns + delay_ns;
	change(s, PROGRAM_BACKOFF);
}

/* One more restart in the window of restart_limit; false if it is one too
 * many. */
static bool
within_limit(struct step *s)
{
	struct program *p = s->p;

	if (s->c->restart_limit == 0)
		return true;
	if (p->window_starts == 0 || s->arg->now_ns - p->window_ns >
	    s->c->restart_window_ms * 1000000) {
		p->window_ns = s->arg->now_ns;
		p->window_starts = 0;
	}
	return ++p->window_starts <= s->c->restart_limit;
}

/* Restart by our own policy (a restart_* key is set). */
static void
restart_by_policy(struct step *s, enum program_reason reason)
{
	struct program *p = s->p;
	int64_t delay;

	if (!within_limit(s)) {
		give_up(s, REASON_LIMIT);
		return;
	}
	if (s->arg->now_ns - p->started_ns >= s->c->restart_reset_ms * 1000000)
		p->level = 0;
	delay = backoff_exponential_ns(s->c->restart_delay_ms,
	    s->c->restart_delay_max_ms, p->level, (int)s->c->restart_jitter,
	    s->arg->random);
	if (p->level < 63)
		p->level++;
	if (delay == 0)
		begin(s);
	else
		back_off(s, reason, delay);
}

/* A start that failed counts; after startretries more it is given up. */
static void
failed_start(struct step *s, enum program_reason reason)
{
	struct program *p = s->p;

	p->tries++;
	p->reason = (uint8_t)reason;
	if (s->c->schedule != NULL) {
		begin(s); /* it waits for its next time */
		return;
	}
	if (s->c->restart_policy) {
		restart_by_policy(s, reason);
		return;
	}
	if (p->tries > s->c->startretries)
		give_up(s, reason);
	else
		back_off(s, reason, backoff_linear_ns(p->tries));
}

static void
note_end(struct step *s)
{
	struct program *p = s->p;

	p->has_status = s->arg->unknown ? STATUS_UNKNOWN : STATUS_KNOWN;
	p->status = s->arg->unknown ? 0 : s->arg->status;
	p->ended_s = s->arg->wall_s;
	p->ended_ns = s->arg->now_ns;
	p->last_pid = p->pid;
	p->pid = 0;
	p->deadline_ns = 0;
	p->spawn_step = s->arg->step;
	p->spawn_errno = s->arg->err;
}

/* It ran and has ended by itself: EXITED, and from there perhaps on. */
static void
by_policy(struct step *s, bool failed)
{
	struct program *p = s->p;
	int64_t lived = p->ended_ns - p->started_ns;

	change(s, PROGRAM_EXITED);
	if (s->c->schedule != NULL) {
		begin(s); /* it waits for its next time */
		return;
	}
	if (s->c->type == TYPE_ONESHOT ||
	    s->c->autorestart == AUTORESTART_NO ||
	    (s->c->autorestart == AUTORESTART_UNEXPECTED && !failed &&
	    program_has_succeeded(p, s->c)))
		return;
	if (s->c->restart_policy)
		restart_by_policy(s, p->reason);
	else if (lived < MIN_LIFE_NS)
		back_off(s, p->reason == REASON_EXIT ? REASON_TOO_FAST :
		    p->reason, MIN_LIFE_NS - lived);
	else
		begin(s);
}

/* Nothing of the last run is left: what comes now. */
static void
go_on(struct step *s, enum program_next next)
{
	struct program *p = s->p;

	if (!p->wanted) {
		p->due = 0;
		next = NEXT_STOPPED;
	}
	switch (next) {
	case NEXT_FAILED:
		failed_start(s, p->reason);
		break;
	case NEXT_EXITED:
	case NEXT_UNFIT:
		by_policy(s, next == NEXT_UNFIT);
		break;
	default:
		p->spawn_step = STEP_NONE;
		p->reason = REASON_STOPPED;
		change(s, PROGRAM_STOPPED);
		if (p->wanted)
			begin_afresh(s);
	}
}

/* The process is gone and what it left is not: SIGTERM, and SIGKILL when the
 * time of a stop is over.  What a stop under way has used of that is gone, but
 * for a moment in which SIGTERM can have an effect. */
static void
clear_up(struct step *s, enum program_next next)
{
	struct program *p = s->p;
	int64_t time = stopplan_time_ms(s->c) * MS, from = s->arg->now_ns, soon;

	p->clearing = 1;
	p->signalled = p->kills = 0;
	if (p->state == PROGRAM_STOPPING)
		from = p->changed_ns;
	else
		p->next = (uint8_t)next;
	soon = s->arg->now_ns + (time < LAST_WORD_NS ? time : LAST_WORD_NS);
	p->deadline_ns = from + time > soon ? from + time : soon;
	s->fx |= FX_SIGNAL;
	if (p->state != PROGRAM_STOPPING)
		change(s, PROGRAM_STOPPING);
}

static void
ended(struct step *s, enum program_next next)
{
	note_end(s);
	if (s->arg->left)
		clear_up(s, next);
	else
		go_on(s, next);
}

bool
program_has_succeeded(const struct program *p, const struct conf_process *c)
{
	int code = program_exit_code(p->status);

	return p->has_status == STATUS_KNOWN && code >= 0 &&
	    (c->expected[code / 32] & (UINT32_C(1) << (code % 32))) != 0;
}

/* --- one function per kind of cell --- */

static void
ignore(struct step *s)
{
	(void)s;
}

/* The shell never sends this here; harmless if it ever does. */
static void
impossible(struct step *s)
{
	(void)s;
}

static void
want_up(struct step *s)
{
	s->p->wanted = 1;
}

static void
want_down(struct step *s)
{
	s->p->wanted = 0;
}

static void
cancel(struct step *s)
{
	s->p->wanted = s->p->due = 0;
	s->p->deadline_ns = 0;
	s->p->reason = REASON_STOPPED;
	change(s, PROGRAM_STOPPED);
}

static void
take_step(struct step *s, unsigned step)
{
	struct program *p = s->p;
	struct stopplan plan;

	stopplan_of(s->c, &plan);
	p->step = (uint8_t)step;
	p->signalled = 0;
	p->deadline_ns = s->arg->now_ns + plan.v[step].wait_ms * MS;
	s->fx |= FX_SIGNAL;
}

static void
ask_to_end(struct step *s, enum program_next next)
{
	s->p->kills = s->p->clearing = 0;
	s->p->next = (uint8_t)next;
	take_step(s, 0);
	change(s, PROGRAM_STOPPING);
}

/* With something that needs it and still runs, it is only noted. */
static void
stop(struct step *s)
{
	s->p->wanted = 0;
	if (!s->arg->held)
		ask_to_end(s, NEXT_STOPPED);
}

static void
restart(struct step *s)
{
	s->p->wanted = 1;
	s->p->due |= s->arg->run_now;
	ask_to_end(s, NEXT_STOPPED);
}

static void
unfit(struct step *s, enum program_reason reason, enum program_next next)
{
	s->p->reason = (uint8_t)reason;
	ask_to_end(s, next);
}

/* STARTING: the process may not exist yet. */
static void
starting_stop(struct step *s)
{
	if (s->p->pid != 0)
		stop(s);
	else
		cancel(s);
}

static void
starting_restart(struct step *s)
{
	if (s->p->pid != 0)
		restart(s);
	else
		want_up(s);
}

static bool
awaits_report(const struct step *s)
{
	return (s->c->ready != NULL && !s->p->ready) ||
	    (s->c->type == TYPE_FORKING && !s->p->followed);
}

/* RUNNING when it has been up long enough and is ready; too late if it is not
 * ready in time; else the deadline is the next of these moments. */
static void
starting_look(struct step *s)
{
	struct program *p = s->p;
	int64_t up = p->started_ns + s->c->startsecs * SEC, late = 0;
	bool waits = awaits_report(s);

	if (s->c->type == TYPE_ONESHOT) {
		p->deadline_ns = 0;
		return;
	}
	if (waits && s->c->ready_timeout_ms > 0)
		late = p->started_ns + s->c->ready_timeout_ms * MS;
	if (late != 0 && s->arg->now_ns >= late) {
		unfit(s, REASON_LATE, NEXT_FAILED);
	} else if (!waits && s->arg->now_ns >= up) {
		p->deadline_ns = 0;
		p->tries = 0;
		change(s, PROGRAM_RUNNING);
	} else {
		p->deadline_ns = waits ? late : up;
	}
}

static void
starting_spawned(struct step *s)
{
	struct program *p = s->p;

	p->pid = s->arg->pid;
	p->ran = 1;
	p->starts++;
	p->started_ns = s->arg->now_ns;
	p->started_s = s->arg->wall_s;
	p->has_status = STATUS_NONE;
	starting_look(s);
}

static void
starting_ready(struct step *s)
{
	if (s->p->pid == 0)
		return;
	s->p->ready = 1;
	starting_look(s);
}

static void
starting_unfit(struct step *s)
{
	if (s->p->pid != 0)
		unfit(s, s->arg->reason, NEXT_FAILED);
}

static void
starting_failed(struct step *s)
{
	s->p->spawn_step = s->arg->step;
	s->p->spawn_errno = s->arg->err;
	if (s->arg->ours)
		back_off(s, REASON_DAEMON, backoff_linear_ns(1));
	else
		failed_start(s, REASON_SPAWN);
}

/* The daemon that a forking program has left is the program from now on. */
static void
follow(struct step *s)
{
	s->p->last_pid = s->p->pid;
	s->p->pid = s->arg->follow;
	s->p->followed = 1;
	s->p->reason = REASON_NONE;
	starting_look(s);
}

static void
oneshot_ended(struct step *s)
{
	struct program *p = s->p;

	p->reason = REASON_EXIT;
	p->has_status = s->arg->unknown ? STATUS_UNKNOWN : STATUS_KNOWN;
	p->status = s->arg->status;
	if (program_has_succeeded(p, s->c))
		p->tries = 0;
	else if (s->c->autorestart != AUTORESTART_NO &&
	    s->c->schedule == NULL) {
		ended(s, NEXT_FAILED);
		return;
	}
	ended(s, NEXT_EXITED);
}

static void
starting_ended(struct step *s)
{
	struct program *p = s->p;
	bool success = !s->arg->unknown && s->arg->status == 0;

	p->reason = REASON_QUICK;
	if (s->arg->step != STEP_NONE)
		p->reason = REASON_SPAWN;
	else if (s->c->type == TYPE_ONESHOT) {
		oneshot_ended(s);
		return;
	} else if (s->c->type == TYPE_FORKING && success) {
		/* One by one: it may fork more than once. */
		if (s->arg->follow != 0) {
			follow(s);
			return;
		}
		if (!p->followed)
			p->reason = REASON_NO_DAEMON;
	} else if (success && s->arg->forked)
		p->reason = REASON_FORKED;
	if (p->reason == REASON_FORKED && !s->arg->left) {
		/* What it left is not to be touched: no heap of them. */
		note_end(s);
		give_up(s, REASON_FORKED);
		return;
	}
	ended(s, NEXT_FAILED);
}

static void
running_ended(struct step *s)
{
	bool executed = s->arg->step == STEP_NONE; /* startsecs=0: perhaps not */

	if (s->arg->follow != 0) {
		s->p->last_pid = s->p->pid;
		s->p->pid = s->arg->follow;
		return;
	}
	s->p->reason = executed ? REASON_EXIT : REASON_SPAWN;
	ended(s, executed ? NEXT_EXITED : NEXT_FAILED);
}

static void
running_unfit(struct step *s)
{
	unfit(s, s->arg->reason, NEXT_UNFIT);
}

/* A run is due while the last one has not ended. */
static void
due_again(struct step *s)
{
	struct program *p = s->p;

	if (s->c->overlap == OVERLAP_SKIP)
		return;
	p->due = 1;
	if (s->c->overlap == OVERLAP_KILL && p->pid != 0 &&
	    p->state != PROGRAM_STOPPING)
		ask_to_end(s, NEXT_STOPPED);
}

static void
waiting_due(struct step *s)
{
	s->p->due = 1;
	begin(s);
}

static void
stopping_up(struct step *s)
{
	s->p->wanted = 1;
	s->p->next = NEXT_STOPPED;
	s->p->due |= s->arg->run_now;
}

static void
stopping_ended(struct step *s)
{
	ended(s, s->p->next);
}

static void
stopping_gone(struct step *s)
{
	if (!s->p->clearing)
		return;
	if (s->p->reason == REASON_FORKED && !s->arg->left)
		s->p->reason = REASON_QUICK; /* it only looked so */
	s->p->clearing = 0;
	s->p->deadline_ns = 0;
	go_on(s, s->p->next);
}

static void
left_before(struct step *s)
{
	clear_up(s, NEXT_STOPPED);
}

static void
stopping_step(struct step *s)
{
	struct program *p = s->p;
	struct stopplan plan;

	stopplan_of(s->c, &plan);
	if (!p->clearing && p->kills == 0 && p->step + 1u < plan.n) {
		take_step(s, p->step + 1u);
		return;
	}
	if (p->kills < UINT8_MAX)
		p->kills++;
	p->deadline_ns = s->arg->now_ns + KILL_AGAIN_NS;
	s->fx |= FX_KILL;
}

/* Every cell is written: a blank one is a mistake that the tests find. */
static handler_fn *const table[PROGRAM_STATES][PROGRAM_EVENTS] = {
	[PROGRAM_STOPPED] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = want_down,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = impossible,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = ignore,
		[ON_READY] = impossible,
		[ON_UNFIT] = impossible,
		[ON_GONE] = ignore,
		[ON_LEFT] = left_before,
	},
	[PROGRAM_WAITING] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = cancel,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = impossible,
		[ON_UNBLOCKED] = begin,
		[ON_DUE] = waiting_due,
		[ON_READY] = impossible,
		[ON_UNFIT] = impossible,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_STARTING] = {
		[ON_START] = want_up,
		[ON_STOP] = starting_stop,
		[ON_RESTART] = starting_restart,
		[ON_SPAWNED] = starting_spawned,
		[ON_SPAWN_FAILED] = starting_failed,
		[ON_ENDED] = starting_ended,
		[ON_DEADLINE] = starting_look,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = due_again,
		[ON_READY] = starting_ready,
		[ON_UNFIT] = starting_unfit,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_RUNNING] = {
		[ON_START] = want_up,
		[ON_STOP] = stop,
		[ON_RESTART] = restart,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = running_ended,
		[ON_DEADLINE] = impossible,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = due_again,
		[ON_READY] = ignore,
		[ON_UNFIT] = running_unfit,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_BACKOFF] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = cancel,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = begin,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = ignore,
		[ON_READY] = impossible,
		[ON_UNFIT] = impossible,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_STOPPING] = {
		[ON_START] = stopping_up,
		[ON_STOP] = want_down,
		[ON_RESTART] = stopping_up,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = stopping_ended,
		[ON_DEADLINE] = stopping_step,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = due_again,
		[ON_READY] = ignore,
		[ON_UNFIT] = ignore,
		[ON_GONE] = stopping_gone,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_EXITED] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = want_down,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = ignore,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = ignore,
		[ON_READY] = impossible,
		[ON_UNFIT] = impossible,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
	[PROGRAM_FATAL] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = want_down,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = ignore,
		[ON_UNBLOCKED] = ignore,
		[ON_DUE] = ignore,
		[ON_READY] = impossible,
		[ON_UNFIT] = impossible,
		[ON_GONE] = ignore,
		[ON_LEFT] = ignore,
	},
};

unsigned
program_event(struct program *p, const struct conf_process *c,
    enum program_event ev, const struct program_arg *arg)
{
	struct step s = {.p = p, .c = c, .arg = arg};

	assert(p->state < PROGRAM_STATES && ev < PROGRAM_EVENTS);
	table[p->state][ev](&s);
	return s.fx;
}

bool
program_is_valid(const struct program *p)
{
	return p->state < PROGRAM_STATES && p->wanted <= 1 &&
	    p->reason < REASONS && p->spawn_step < SPAWN_STEPS &&
	    p->has_status <= STATUS_UNKNOWN && p->pid >= 0 &&
	    p->next < PROGRAM_NEXTS && p->step < STOPPLAN_MAX;
}

bool
program_is_alive(const struct program *p)
{
	return p->pid != 0 || p->clearing;
}

bool
program_is_ready(const struct program *p, const struct conf_process *c)
{
	return p->state == PROGRAM_RUNNING || (c->type == TYPE_ONESHOT &&
	    (p->state == PROGRAM_EXITED || p->state == PROGRAM_WAITING) &&
	    program_has_succeeded(p, c));
}

bool
program_has_given_up(const struct program *p)
{
	return p->wanted && (p->state == PROGRAM_FATAL ||
	    p->state == PROGRAM_EXITED);
}

bool
program_is_down(const struct program *p)
{
	return p->state == PROGRAM_STOPPED || p->state == PROGRAM_EXITED ||
	    p->state == PROGRAM_FATAL;
}

/* The layout of a wait status is part of the kernel's interface. */
int
program_exit_code(int status)
{
	return (status & 0x7f) != 0 ? -(status & 0x7f) : (status >> 8) & 0xff;
}
