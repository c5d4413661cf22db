/* The state machine of a program; see program.h. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/backoff.h"
#include "core/conf.h"
#include "core/program.h"
#include "core/proto.h"

#define SEC 1000000000LL

/* A program without a restart_* key starts at most once in this time unless
 * it lived as long: startsecs=0 cannot spin. */
#define MIN_LIFE_NS (1 * SEC)

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

/* The next run: the shell spawns it and answers SPAWNED or SPAWN_FAILED. */
static void
begin(struct step *s)
{
	s->p->deadline_ns = 0;
	s->p->gen++;
	s->p->pid = 0;
	s->p->reason = REASON_NONE;
	s->p->conf_hash = s->c->restart_hash;
	s->fx |= FX_SPAWN;
	change(s, PROGRAM_STARTING);
}

/* By an operator: earlier failures do not count against it. */
static void
begin_afresh(struct step *s)
{
	s->p->wanted = 1;
	s->p->tries = s->p->level = s->p->window_starts = 0;
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
	p->last_pid = p->pid;
	p->pid = 0;
	p->deadline_ns = 0;
	p->spawn_step = s->arg->step;
	p->spawn_errno = s->arg->err;
}

static bool
is_expected(const struct conf_process *c, const struct program *p)
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
	s->p->wanted = 0;
	s->p->deadline_ns = 0;
	s->p->reason = REASON_STOPPED;
	change(s, PROGRAM_STOPPED);
}

static void
ask_to_end(struct step *s)
{
	s->p->kills = s->p->signalled = 0;
	s->p->deadline_ns = s->arg->now_ns + s->c->stopwaitsecs * SEC;
	s->fx |= FX_SIGNAL;
	change(s, PROGRAM_STOPPING);
}

static void
stop(struct step *s)
{
	s->p->wanted = 0;
	ask_to_end(s);
}

static void
restart(struct step *s)
{
	s->p->wanted = 1;
	ask_to_end(s);
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
	if (s->c->startsecs > 0)
		p->deadline_ns = s->arg->now_ns + s->c->startsecs * SEC;
	else
		change(s, PROGRAM_RUNNING);
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

static void
starting_ended(struct step *s)
{
	note_end(s);
	failed_start(s,
	    s->arg->step != STEP_NONE ? REASON_SPAWN : REASON_QUICK);
}

static void
starting_up(struct step *s)
{
	s->p->deadline_ns = 0;
	s->p->tries = 0;
	change(s, PROGRAM_RUNNING);
}

/* It ended by itself: EXITED, and from there perhaps on to a restart. */
static void
running_ended(struct step *s)
{
	struct program *p = s->p;
	int64_t lived = s->arg->now_ns - p->started_ns;

	note_end(s);
	if (p->spawn_step != STEP_NONE) { /* startsecs=0: never executed */
		failed_start(s, REASON_SPAWN);
		return;
	}
	p->reason = REASON_EXIT;
	change(s, PROGRAM_EXITED);
	if (s->c->autorestart == AUTORESTART_NO ||
	    (s->c->autorestart == AUTORESTART_UNEXPECTED &&
	    is_expected(s->c, p)))
		return;
	if (s->c->restart_policy)
		restart_by_policy(s, REASON_EXIT);
	else if (lived < MIN_LIFE_NS)
		back_off(s, REASON_TOO_FAST, MIN_LIFE_NS - lived);
	else
		begin(s);
}

static void
stopping_ended(struct step *s)
{
	note_end(s);
	s->p->spawn_step = STEP_NONE;
	s->p->reason = REASON_STOPPED;
	change(s, PROGRAM_STOPPED);
	if (s->p->wanted)
		begin_afresh(s);
}

static void
stopping_kill(struct step *s)
{
	if (s->p->kills < UINT8_MAX)
		s->p->kills++;
	s->p->deadline_ns = s->arg->now_ns +
	    (s->c->stopwaitsecs > 0 ? s->c->stopwaitsecs : 1) * SEC;
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
	},
	[PROGRAM_WAITING] = {
		[ON_START] = want_up,
		[ON_STOP] = cancel,
		[ON_RESTART] = want_up,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = impossible,
	},
	[PROGRAM_STARTING] = {
		[ON_START] = want_up,
		[ON_STOP] = starting_stop,
		[ON_RESTART] = starting_restart,
		[ON_SPAWNED] = starting_spawned,
		[ON_SPAWN_FAILED] = starting_failed,
		[ON_ENDED] = starting_ended,
		[ON_DEADLINE] = starting_up,
	},
	[PROGRAM_RUNNING] = {
		[ON_START] = want_up,
		[ON_STOP] = stop,
		[ON_RESTART] = restart,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = running_ended,
		[ON_DEADLINE] = impossible,
	},
	[PROGRAM_BACKOFF] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = cancel,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = begin,
	},
	[PROGRAM_STOPPING] = {
		[ON_START] = want_up,
		[ON_STOP] = want_down,
		[ON_RESTART] = want_up,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = stopping_ended,
		[ON_DEADLINE] = stopping_kill,
	},
	[PROGRAM_EXITED] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = want_down,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = ignore,
	},
	[PROGRAM_FATAL] = {
		[ON_START] = begin_afresh,
		[ON_STOP] = want_down,
		[ON_RESTART] = begin_afresh,
		[ON_SPAWNED] = impossible,
		[ON_SPAWN_FAILED] = impossible,
		[ON_ENDED] = impossible,
		[ON_DEADLINE] = ignore,
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
	    p->has_status <= STATUS_UNKNOWN && p->pid >= 0;
}

bool
program_is_alive(const struct program *p)
{
	return p->pid != 0;
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

static const char *const step_names[SPAWN_STEPS] = {
	[STEP_NONE] = "",
	[STEP_PREPARE] = "prepare",
	[STEP_FORK] = "fork",
	[STEP_SESSION] = "session",
	[STEP_STDIO] = "stdio",
	[STEP_LIMITS] = "limits",
	[STEP_GROUPS] = "groups",
	[STEP_GID] = "group id",
	[STEP_UID] = "user id",
	[STEP_DIRECTORY] = "directory",
	[STEP_FDS] = "descriptors",
	[STEP_EXEC] = "exec",
};

const char *
spawn_step_name(enum spawn_step s)
{
	return s < SPAWN_STEPS ? step_names[s] : "unknown";
}

static void
spawn_reason(const struct program *p, const struct conf_process *c, char *buf,
    size_t size)
{
	const char *why = strerror(p->spawn_errno);
	const char *command = c->command.n ? c->command.v[0] : "";
	const char *user = c->user.name ? c->user.name : "the daemon's user";

	switch (p->spawn_step) {
	case STEP_PREPARE:
		if (!c->user.known && c->user.name != NULL)
			snprintf(buf, size, "no such user: %s", user);
		else
			snprintf(buf, size, "cannot find command %s: %s",
			    command, why);
		break;
	case STEP_FORK:
		snprintf(buf, size, "cannot create a process: %s", why);
		break;
	case STEP_GROUPS:
	case STEP_GID:
	case STEP_UID:
		snprintf(buf, size, "cannot become %s (%s): %s", user,
		    spawn_step_name(p->spawn_step), why);
		break;
	case STEP_DIRECTORY:
		snprintf(buf, size, "cannot enter directory %s: %s",
		    c->directory ? c->directory : "/", why);
		break;
	case STEP_EXEC:
		snprintf(buf, size, "cannot execute %s: %s", command, why);
		break;
	default:
		snprintf(buf, size, "cannot prepare the process (%s): %s",
		    spawn_step_name(p->spawn_step), why);
	}
}

static void
end_words(int status, char *buf, size_t size)
{
	char num[16];
	int code = program_exit_code(status);

	if (code < 0)
		snprintf(buf, size, "signal %s%s", signal_name(-code, num),
		    (status & 0x80) != 0 ? ", core dumped" : "");
	else
		snprintf(buf, size, "exit code %d", code);
}

void
program_reason(const struct program *p, const struct conf_process *c,
    char *buf, size_t size)
{
	char end[64];

	if (p->has_status == STATUS_UNKNOWN)
		snprintf(end, sizeof end, "status unknown");
	else
		end_words(p->status, end, sizeof end);
	switch (p->reason) {
	case REASON_SPAWN:
	case REASON_DAEMON:
		spawn_reason(p, c, buf, size);
		break;
	case REASON_QUICK:
		snprintf(buf, size, "exited too quickly (%s)", end);
		break;
	case REASON_EXIT:
		snprintf(buf, size, "%s", end);
		break;
	case REASON_TOO_FAST:
		snprintf(buf, size, "%s within a second of its start", end);
		break;
	case REASON_LIMIT:
		snprintf(buf, size, "gave up after %lld restarts in %lld s "
		    "(%s)", (long long)c->restart_limit,
		    (long long)c->restart_window_ms / 1000, end);
		break;
	default:
		buf[0] = '\0';
	}
}

static const char *const state_names[PROGRAM_STATES] = {
	[PROGRAM_STOPPED] = "STOPPED",
	[PROGRAM_WAITING] = "WAITING",
	[PROGRAM_STARTING] = "STARTING",
	[PROGRAM_RUNNING] = "RUNNING",
	[PROGRAM_BACKOFF] = "BACKOFF",
	[PROGRAM_STOPPING] = "STOPPING",
	[PROGRAM_EXITED] = "EXITED",
	[PROGRAM_FATAL] = "FATAL",
};

const char *
program_state_name(enum program_state s)
{
	return s < PROGRAM_STATES ? state_names[s] : "UNKNOWN";
}

enum program_state
program_state_from_name(const char *name)
{
	int s;

	for (s = 0; s < PROGRAM_STATES; s++)
		if (strcasecmp(name, state_names[s]) == 0)
			break;
	return (enum program_state)s;
}
