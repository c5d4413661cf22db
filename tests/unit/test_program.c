/* Every cell of the state table, and the policies that live in it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/program.h"

#define SEC 1000000000LL
#define T0 (1000 * SEC)
#define ANY 255

static struct conf_process conf;
static struct program prog;
static char trail[256]; /* states entered, " STARTING RUNNING" */

static char *argv_web[] = {(char[]){"/usr/bin/web"}, NULL};

static void
note(void *ctx, const struct program *p, enum program_state from)
{
	size_t len = strlen(trail);

	(void)ctx;
	ck_assert(p->changed_ns != 0);
	ck_assert_int_lt(from, PROGRAM_STATES);
	snprintf(trail + len, sizeof trail - len, " %s",
	    program_state_name(p->state));
}

static unsigned
at(int64_t now, enum program_event ev, struct program_arg arg)
{
	arg.now_ns = now;
	arg.wall_s = now / SEC;
	arg.changed = note;
	trail[0] = '\0';
	return program_event(&prog, &conf, ev, &arg);
}

#define FEED(now, ev, ...) at(now, ev, (struct program_arg){__VA_ARGS__})

static void
setup(void)
{
	memset(&prog, 0, sizeof prog);
	memset(&conf, 0, sizeof conf);
	conf.name = (char[]){"web"};
	conf.command.v = argv_web;
	conf.command.n = 1;
	conf.startsecs = 1;
	conf.startretries = 3;
	conf.autorestart = AUTORESTART_UNEXPECTED;
	conf.expected[0] = 1; /* exit code 0 */
	conf.stopsignal = 15;
	conf.stopwaitsecs = 10;
	conf.stop_schedule = NULL;
	conf.schedule = NULL;
	conf.restart_hash = 42;
	conf.restart_delay_ms = 100;
	conf.restart_delay_max_ms = 60000;
	conf.restart_reset_ms = 60000;
}

/* A program in STATE as it would be there. */
static void
put(enum program_state state, bool with_pid)
{
	setup();
	prog.state = (uint8_t)state;
	prog.gen = 7;
	prog.wanted = state != PROGRAM_STOPPED && state != PROGRAM_STOPPING;
	if (with_pid) {
		prog.pid = 123;
		prog.started_ns = T0 - 5 * SEC;
	}
}

/* --- the cells --- */

struct cell {
	enum program_state state;
	bool pid;
	enum program_event ev;
	enum program_state to;
	int wanted; /* ANY: do not look */
	unsigned fx;
};

/* ON_ENDED carries exit code 0: expected, so RUNNING ends in EXITED. */
static const struct cell cells[] = {
	{PROGRAM_STOPPED, 0, ON_START, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_STOPPED, 0, ON_STOP, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPED, 0, ON_RESTART, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_STOPPED, 0, ON_SPAWNED, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPED, 0, ON_SPAWN_FAILED, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPED, 0, ON_ENDED, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPED, 0, ON_DEADLINE, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPED, 0, ON_LEFT, PROGRAM_STOPPING, 0, FX_SIGNAL},
	{PROGRAM_WAITING, 0, ON_START, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_WAITING, 0, ON_STOP, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_WAITING, 0, ON_RESTART, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_WAITING, 0, ON_UNBLOCKED, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_WAITING, 0, ON_DUE, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_STARTING, 0, ON_READY, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 1, ON_READY, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_STARTING, 0, ON_UNFIT, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 1, ON_UNFIT, PROGRAM_STOPPING, 1, FX_SIGNAL},
	{PROGRAM_RUNNING, 1, ON_UNFIT, PROGRAM_STOPPING, 1, FX_SIGNAL},
	{PROGRAM_RUNNING, 1, ON_READY, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_STOPPING, 1, ON_GONE, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_STOPPING, 1, ON_READY, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_STOPPING, 1, ON_UNFIT, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_WAITING, 0, ON_SPAWNED, PROGRAM_WAITING, 1, 0},
	{PROGRAM_WAITING, 0, ON_SPAWN_FAILED, PROGRAM_WAITING, 1, 0},
	{PROGRAM_WAITING, 0, ON_ENDED, PROGRAM_WAITING, 1, 0},
	{PROGRAM_WAITING, 0, ON_DEADLINE, PROGRAM_WAITING, 1, 0},
	{PROGRAM_STARTING, 0, ON_START, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 0, ON_STOP, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STARTING, 0, ON_RESTART, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 0, ON_SPAWNED, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 0, ON_SPAWN_FAILED, PROGRAM_BACKOFF, 1, 0},
	{PROGRAM_STARTING, 1, ON_START, PROGRAM_STARTING, 1, 0},
	{PROGRAM_STARTING, 1, ON_STOP, PROGRAM_STOPPING, 0, FX_SIGNAL},
	{PROGRAM_STARTING, 1, ON_RESTART, PROGRAM_STOPPING, 1, FX_SIGNAL},
	{PROGRAM_STARTING, 1, ON_ENDED, PROGRAM_BACKOFF, 1, 0},
	{PROGRAM_STARTING, 1, ON_DEADLINE, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_RUNNING, 1, ON_START, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_RUNNING, 1, ON_STOP, PROGRAM_STOPPING, 0, FX_SIGNAL},
	{PROGRAM_RUNNING, 1, ON_RESTART, PROGRAM_STOPPING, 1, FX_SIGNAL},
	{PROGRAM_RUNNING, 1, ON_SPAWNED, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_RUNNING, 1, ON_SPAWN_FAILED, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_RUNNING, 1, ON_ENDED, PROGRAM_EXITED, 1, 0},
	{PROGRAM_RUNNING, 1, ON_DEADLINE, PROGRAM_RUNNING, 1, 0},
	{PROGRAM_BACKOFF, 0, ON_START, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_BACKOFF, 0, ON_STOP, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_BACKOFF, 0, ON_RESTART, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_BACKOFF, 0, ON_SPAWNED, PROGRAM_BACKOFF, 1, 0},
	{PROGRAM_BACKOFF, 0, ON_SPAWN_FAILED, PROGRAM_BACKOFF, 1, 0},
	{PROGRAM_BACKOFF, 0, ON_ENDED, PROGRAM_BACKOFF, 1, 0},
	{PROGRAM_BACKOFF, 0, ON_DEADLINE, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_STOPPING, 1, ON_START, PROGRAM_STOPPING, 1, 0},
	{PROGRAM_STOPPING, 1, ON_STOP, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_STOPPING, 1, ON_RESTART, PROGRAM_STOPPING, 1, 0},
	{PROGRAM_STOPPING, 1, ON_SPAWNED, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_STOPPING, 1, ON_SPAWN_FAILED, PROGRAM_STOPPING, 0, 0},
	{PROGRAM_STOPPING, 1, ON_ENDED, PROGRAM_STOPPED, 0, 0},
	{PROGRAM_STOPPING, 1, ON_DEADLINE, PROGRAM_STOPPING, 0, FX_KILL},
	{PROGRAM_EXITED, 0, ON_START, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_EXITED, 0, ON_STOP, PROGRAM_EXITED, 0, 0},
	{PROGRAM_EXITED, 0, ON_RESTART, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_EXITED, 0, ON_SPAWNED, PROGRAM_EXITED, 1, 0},
	{PROGRAM_EXITED, 0, ON_SPAWN_FAILED, PROGRAM_EXITED, 1, 0},
	{PROGRAM_EXITED, 0, ON_ENDED, PROGRAM_EXITED, 1, 0},
	{PROGRAM_EXITED, 0, ON_DEADLINE, PROGRAM_EXITED, 1, 0},
	{PROGRAM_FATAL, 0, ON_START, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_FATAL, 0, ON_STOP, PROGRAM_FATAL, 0, 0},
	{PROGRAM_FATAL, 0, ON_RESTART, PROGRAM_STARTING, 1, FX_SPAWN},
	{PROGRAM_FATAL, 0, ON_SPAWNED, PROGRAM_FATAL, 1, 0},
	{PROGRAM_FATAL, 0, ON_SPAWN_FAILED, PROGRAM_FATAL, 1, 0},
	{PROGRAM_FATAL, 0, ON_ENDED, PROGRAM_FATAL, 1, 0},
	{PROGRAM_FATAL, 0, ON_DEADLINE, PROGRAM_FATAL, 1, 0},
};

#define NCELLS (sizeof cells / sizeof cells[0])

START_TEST(test_cell)
{
	const struct cell *c = &cells[_i];
	unsigned fx;

	put(c->state, c->pid);
	fx = FEED(T0, c->ev, .pid = 99, .step = c->ev == ON_SPAWN_FAILED ?
	    STEP_PREPARE : STEP_NONE);
	ck_assert_msg(prog.state == c->to, "%s x event %d: %s, expected %s",
	    program_state_name(c->state), c->ev,
	    program_state_name(prog.state), program_state_name(c->to));
	ck_assert_uint_eq(fx, c->fx);
	ck_assert_int_eq(prog.wanted, c->wanted);
	/* A process is wanted exactly when a spawn was asked for. */
	if (fx & FX_SPAWN) {
		ck_assert_uint_eq(prog.gen, 8);
		ck_assert_int_eq(prog.pid, 0);
		ck_assert_uint_eq(prog.conf_hash, 42);
	}
	/* The states that wait for time have a deadline, the others none. */
	if (prog.state == PROGRAM_BACKOFF && c->state != PROGRAM_BACKOFF)
		ck_assert(prog.deadline_ns > T0);
	if (program_is_down(&prog))
		ck_assert_int_eq(prog.deadline_ns, 0);
}
END_TEST

START_TEST(test_every_cell_is_tested)
{
	/* What is not in the list changes nothing: see the next test. */
	bool seen[PROGRAM_STATES][PROGRAM_EVENTS] = {{false}};
	size_t i;
	int s, e;

	for (i = 0; i < NCELLS; i++)
		seen[cells[i].state][cells[i].ev] = true;
	for (s = 0; s < PROGRAM_STATES; s++)
		for (e = 0; e < PROGRAM_EVENTS; e++)
			ck_assert_msg(seen[s][e] || e > ON_DEADLINE,
			    "state %d x event %d", s, e);
}
END_TEST

START_TEST(test_other_cells_change_nothing)
{
	struct program before;
	size_t i;
	int s, e;

	for (s = 0; s < PROGRAM_STATES; s++)
		for (e = 0; e < PROGRAM_EVENTS; e++) {
			for (i = 0; i < NCELLS; i++)
				if (cells[i].state == (unsigned)s &&
				    cells[i].ev == (unsigned)e)
					break;
			if (i < NCELLS)
				continue;
			put((enum program_state)s, s == PROGRAM_STOPPING ||
			    s == PROGRAM_RUNNING);
			before = prog;
			ck_assert_uint_eq(FEED(T0, (enum program_event)e, 0),
			    0);
			ck_assert(memcmp(&before, &prog, sizeof prog) == 0);
		}
}
END_TEST

/* --- starting --- */

START_TEST(test_start_until_running)
{
	setup();
	ck_assert_uint_eq(FEED(T0, ON_START, 0), FX_SPAWN);
	FEED(T0 + 1, ON_SPAWNED, .pid = 10);
	ck_assert_int_eq(prog.state, PROGRAM_STARTING);
	ck_assert_int_eq(prog.deadline_ns, T0 + 1 + SEC);
	ck_assert_uint_eq(prog.starts, 1);
	FEED(T0 + 1 + SEC, ON_DEADLINE, 0);
	ck_assert_str_eq(trail, " RUNNING");
	ck_assert_int_eq(prog.deadline_ns, 0);
}
END_TEST

START_TEST(test_startsecs_zero_runs_at_once)
{
	setup();
	conf.startsecs = 0;
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 10);
	ck_assert_int_eq(prog.state, PROGRAM_RUNNING);
	ck_assert_int_eq(prog.pid, 10);
}
END_TEST

/* startretries = 3: four attempts, after 1, 2 and 3 seconds. */
START_TEST(test_retries_then_fatal)
{
	int64_t now = T0;
	int n;

	setup();
	FEED(now, ON_START, 0);
	for (n = 1; n <= 3; n++) {
		FEED(now, ON_SPAWNED, .pid = n);
		FEED(now, ON_ENDED, .status = 1 << 8);
		ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
		ck_assert_int_eq(prog.reason, REASON_QUICK);
		ck_assert_int_eq(prog.deadline_ns, now + n * SEC);
		now = prog.deadline_ns;
		ck_assert_uint_eq(FEED(now, ON_DEADLINE, 0), FX_SPAWN);
	}
	FEED(now, ON_SPAWNED, .pid = 4);
	ck_assert_uint_eq(FEED(now, ON_ENDED, .status = 1 << 8), 0);
	ck_assert_int_eq(prog.state, PROGRAM_FATAL);
	ck_assert_int_eq(prog.wanted, 1);
	/* An operator begins anew, with all attempts. */
	FEED(now, ON_START, 0);
	ck_assert_uint_eq(prog.tries, 0);
}
END_TEST

START_TEST(test_tries_are_forgotten_when_running)
{
	setup();
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 1);
	FEED(T0, ON_ENDED, .status = 0);
	ck_assert_uint_eq(prog.tries, 1);
	FEED(T0 + SEC, ON_DEADLINE, 0);
	FEED(T0 + SEC, ON_SPAWNED, .pid = 2);
	FEED(T0 + 2 * SEC, ON_DEADLINE, 0);
	ck_assert_int_eq(prog.state, PROGRAM_RUNNING);
	ck_assert_uint_eq(prog.tries, 0);
}
END_TEST

/* What the daemon lacks is not the program's failure. */
START_TEST(test_own_failures_do_not_count)
{
	int n;

	setup();
	FEED(T0, ON_START, 0);
	for (n = 0; n < 20; n++) {
		FEED(T0, ON_SPAWN_FAILED, .step = STEP_FORK, .err = 11,
		    .ours = true);
		ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
		ck_assert_int_eq(prog.deadline_ns, T0 + SEC);
		FEED(T0 + SEC, ON_DEADLINE, 0);
	}
	ck_assert_uint_eq(prog.tries, 0);
}
END_TEST

/* --- ends --- */

static const struct {
	int64_t mode;
	int status;
	bool again;
} ends[] = {
	{AUTORESTART_NO, 0, false},
	{AUTORESTART_NO, 1 << 8, false},
	{AUTORESTART_NO, 9, false},
	{AUTORESTART_UNEXPECTED, 0, false},
	{AUTORESTART_UNEXPECTED, 255 << 8, true},
	{AUTORESTART_UNEXPECTED, 9, true}, /* SIGKILL */
	{AUTORESTART_UNEXPECTED, 0x80 | 11, true}, /* core dumped */
	{AUTORESTART_YES, 0, true},
	{AUTORESTART_YES, 1 << 8, true},
	{AUTORESTART_YES, 15, true},
};

START_TEST(test_autorestart)
{
	unsigned fx;

	put(PROGRAM_RUNNING, true);
	conf.autorestart = ends[_i].mode;
	fx = FEED(T0, ON_ENDED, .status = ends[_i].status);
	ck_assert_uint_eq(fx, ends[_i].again ? FX_SPAWN : 0);
	ck_assert_str_eq(trail, ends[_i].again ? " EXITED STARTING" :
	    " EXITED");
	ck_assert_int_eq(prog.last_pid, 123);
	ck_assert_int_eq(prog.status, ends[_i].status);
}
END_TEST

START_TEST(test_every_exit_code)
{
	setup();
	conf.expected[_i / 32] = UINT32_C(1) << (_i % 32);
	conf.expected[0] &= _i < 32 ? ~UINT32_C(0) : ~UINT32_C(1);
	prog.state = PROGRAM_RUNNING;
	prog.pid = 5;
	prog.wanted = 1;
	FEED(T0, ON_ENDED, .status = _i << 8);
	ck_assert_int_eq(prog.state, PROGRAM_EXITED);
	ck_assert_int_eq(program_exit_code(prog.status), _i);
}
END_TEST

START_TEST(test_signal_is_minus_n)
{
	ck_assert_int_eq(program_exit_code(_i), -_i);
	ck_assert_int_eq(program_exit_code(_i | 0x80), -_i);
}
END_TEST

/* startsecs=0 and a program that ends at once: at most one start a second. */
START_TEST(test_no_spin)
{
	setup();
	conf.startsecs = 0;
	conf.autorestart = AUTORESTART_YES;
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 1);
	FEED(T0 + SEC / 4, ON_ENDED, .status = 0);
	ck_assert_str_eq(trail, " EXITED BACKOFF");
	ck_assert_int_eq(prog.deadline_ns, T0 + SEC);
	ck_assert_int_eq(prog.reason, REASON_TOO_FAST);
}
END_TEST

/* --- our own policy --- */

START_TEST(test_exponential_delay)
{
	static const int64_t ms[] = {100, 200, 400, 800, 1600, 3200, 5000,
	    5000};
	int64_t now = T0;
	size_t i;

	setup();
	conf.restart_policy = true;
	conf.restart_delay_max_ms = 5000;
	conf.startsecs = 0;
	FEED(now, ON_START, 0);
	for (i = 0; i < sizeof ms / sizeof ms[0]; i++) {
		FEED(now, ON_SPAWNED, .pid = 1);
		FEED(now, ON_ENDED, .status = 9);
		ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
		ck_assert_int_eq(prog.deadline_ns - now, ms[i] * 1000000);
		now = prog.deadline_ns;
		FEED(now, ON_DEADLINE, 0);
	}
	/* A healthy stretch resets it. */
	FEED(now, ON_SPAWNED, .pid = 1);
	now += 60 * SEC;
	FEED(now, ON_ENDED, .status = 9);
	ck_assert_int_eq(prog.deadline_ns - now, 100 * 1000000);
}
END_TEST

START_TEST(test_no_delay_at_all)
{
	put(PROGRAM_RUNNING, true);
	conf.restart_policy = true;
	conf.restart_delay_ms = 0;
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 9), FX_SPAWN);
}
END_TEST

START_TEST(test_limit)
{
	int n;

	setup();
	conf.restart_policy = true;
	conf.restart_delay_ms = 0;
	conf.restart_limit = 5;
	conf.restart_window_ms = 60000;
	conf.startsecs = 0;
	FEED(T0, ON_START, 0);
	for (n = 0; n < 5; n++) {
		FEED(T0 + n, ON_SPAWNED, .pid = 1);
		ck_assert_uint_eq(FEED(T0 + n, ON_ENDED, .status = 9),
		    FX_SPAWN);
	}
	FEED(T0 + 6, ON_SPAWNED, .pid = 1);
	ck_assert_uint_eq(FEED(T0 + 6, ON_ENDED, .status = 9), 0);
	ck_assert_int_eq(prog.state, PROGRAM_FATAL);
	ck_assert_int_eq(prog.reason, REASON_LIMIT);
}
END_TEST

START_TEST(test_limit_window_passes)
{
	int n;

	setup();
	conf.restart_policy = true;
	conf.restart_delay_ms = 0;
	conf.restart_limit = 2;
	conf.restart_window_ms = 1000;
	conf.startsecs = 0;
	FEED(T0, ON_START, 0);
	for (n = 0; n < 10; n++) {
		FEED(T0 + n * SEC, ON_SPAWNED, .pid = 1);
		ck_assert_uint_eq(FEED(T0 + n * SEC, ON_ENDED, .status = 9),
		    FX_SPAWN);
	}
}
END_TEST

/* --- stopping --- */

START_TEST(test_stop_escalates)
{
	put(PROGRAM_RUNNING, true);
	ck_assert_uint_eq(FEED(T0, ON_STOP, 0), FX_SIGNAL);
	ck_assert_int_eq(prog.deadline_ns, T0 + 10 * SEC);
	ck_assert_int_eq(prog.signalled, 0);
	ck_assert_uint_eq(FEED(T0 + 10 * SEC, ON_DEADLINE, 0), FX_KILL);
	ck_assert_int_eq(prog.kills, 1);
	ck_assert_int_eq(prog.deadline_ns, T0 + 11 * SEC);
	ck_assert_uint_eq(FEED(T0 + 11 * SEC, ON_DEADLINE, 0), FX_KILL);
	ck_assert_int_eq(prog.kills, 2);
	FEED(T0 + 21 * SEC, ON_ENDED, .status = 9);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
	ck_assert_int_eq(prog.reason, REASON_STOPPED);
}
END_TEST

START_TEST(test_restart_starts_after_the_stop)
{
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_RESTART, 0);
	ck_assert_uint_eq(FEED(T0 + 1, ON_ENDED, .status = 15), FX_SPAWN);
	ck_assert_str_eq(trail, " STOPPED STARTING");
}
END_TEST

START_TEST(test_stop_cancels_restart)
{
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_RESTART, 0);
	FEED(T0, ON_STOP, 0);
	ck_assert_uint_eq(FEED(T0 + 1, ON_ENDED, .status = 15), 0);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
}
END_TEST

START_TEST(test_stop_during_backoff_ends_retries)
{
	put(PROGRAM_BACKOFF, false);
	prog.deadline_ns = T0 + SEC;
	FEED(T0, ON_STOP, 0);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
	ck_assert_int_eq(prog.deadline_ns, 0);
}
END_TEST

START_TEST(test_stop_schedule)
{
	put(PROGRAM_RUNNING, true);
	conf.stop_schedule = (char[]){"TERM/10 INT/5 QUIT/0"};
	ck_assert_uint_eq(FEED(T0, ON_STOP, 0), FX_SIGNAL);
	ck_assert_int_eq(prog.step, 0);
	prog.signalled = 1;
	ck_assert_uint_eq(FEED(T0 + 10 * SEC, ON_DEADLINE, 0), FX_SIGNAL);
	ck_assert_int_eq(prog.step, 1);
	ck_assert_int_eq(prog.signalled, 0);
	ck_assert_int_eq(prog.deadline_ns, T0 + 15 * SEC);
	ck_assert_uint_eq(FEED(T0 + 15 * SEC, ON_DEADLINE, 0), FX_SIGNAL);
	ck_assert_int_eq(prog.deadline_ns, T0 + 15 * SEC);
	ck_assert_uint_eq(FEED(T0 + 15 * SEC, ON_DEADLINE, 0), FX_KILL);
}
END_TEST

/* --- what a process leaves behind --- */

START_TEST(test_restart_waits_for_the_tree)
{
	put(PROGRAM_RUNNING, true);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 9, .left = true),
	    FX_SIGNAL);
	ck_assert_str_eq(trail, " STOPPING");
	ck_assert_int_eq(prog.clearing, 1);
	ck_assert(program_is_alive(&prog));
	ck_assert_int_eq(prog.deadline_ns, T0 + 10 * SEC);
	ck_assert_uint_eq(FEED(T0 + 10 * SEC, ON_DEADLINE, 0), FX_KILL);
	ck_assert_uint_eq(FEED(T0 + 10 * SEC + 1, ON_GONE, 0), FX_SPAWN);
	ck_assert_str_eq(trail, " EXITED STARTING");
	ck_assert_int_eq(prog.clearing, 0);
}
END_TEST

START_TEST(test_stop_waits_for_the_tree)
{
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_STOP, 0);
	ck_assert_uint_eq(FEED(T0 + 4 * SEC, ON_ENDED, .left = true),
	    FX_SIGNAL);
	ck_assert_int_eq(prog.deadline_ns, T0 + 10 * SEC);
	FEED(T0 + 5 * SEC, ON_GONE, 0);
	ck_assert_str_eq(trail, " STOPPED");
	/* At the last moment there is still one for SIGTERM. */
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_STOP, 0);
	FEED(T0 + 10 * SEC, ON_ENDED, .left = true);
	ck_assert_int_eq(prog.deadline_ns, T0 + 10 * SEC + SEC / 2);
}
END_TEST

START_TEST(test_stop_while_clearing)
{
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_ENDED, .status = 9, .left = true);
	FEED(T0, ON_STOP, 0);
	ck_assert_uint_eq(FEED(T0 + 1, ON_GONE, 0), 0);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
}
END_TEST

/* A daemon that was killed has left something. */
START_TEST(test_left_before)
{
	setup();
	ck_assert_uint_eq(FEED(T0, ON_LEFT, 0), FX_SIGNAL);
	ck_assert_str_eq(trail, " STOPPING");
	ck_assert_int_eq(prog.clearing, 1);
	FEED(T0, ON_START, 0);
	ck_assert_uint_eq(FEED(T0 + 10 * SEC, ON_DEADLINE, 0), FX_KILL);
	ck_assert_uint_eq(FEED(T0 + 10 * SEC, ON_GONE, 0), FX_SPAWN);
	ck_assert_str_eq(trail, " STOPPED STARTING");
}
END_TEST

/* It put itself into the background: no heap of daemons. */
START_TEST(test_daemonizes)
{
	put(PROGRAM_STARTING, true);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 0, .left = true, .forked = true),
	    FX_SIGNAL);
	ck_assert_int_eq(prog.reason, REASON_FORKED);
	ck_assert_uint_eq(FEED(T0 + 1, ON_GONE, .left = true), 0);
	ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
	ck_assert_int_eq(prog.reason, REASON_FORKED);
	/* Nothing had been left after all. */
	put(PROGRAM_STARTING, true);
	FEED(T0, ON_ENDED, .status = 0, .left = true, .forked = true);
	FEED(T0 + 1, ON_GONE, 0);
	ck_assert_int_eq(prog.reason, REASON_QUICK);
}
END_TEST

START_TEST(test_forking)
{
	setup();
	conf.type = TYPE_FORKING;
	conf.ready_timeout_ms = 5000;
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 10);
	ck_assert_int_eq(prog.deadline_ns, T0 + 5 * SEC);
	FEED(T0 + 2 * SEC, ON_ENDED, .status = 0, .left = true, .follow = 77);
	ck_assert_str_eq(trail, " RUNNING");
	ck_assert_int_eq(prog.pid, 77);
	FEED(T0 + 9 * SEC, ON_ENDED, .status = 9);
	ck_assert_str_eq(trail, " EXITED STARTING");
	/* It left none. */
	FEED(T0 + 9 * SEC, ON_SPAWNED, .pid = 11);
	FEED(T0 + 9 * SEC, ON_ENDED, .status = 0);
	ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
	ck_assert_int_eq(prog.reason, REASON_NO_DAEMON);
}
END_TEST

/* --- readiness --- */

START_TEST(test_ready)
{
	setup();
	conf.ready = (char[]){"notify"};
	conf.ready_timeout_ms = 5000;
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 10);
	FEED(T0 + SEC / 2, ON_READY, 0); /* startsecs counts all the same */
	ck_assert_int_eq(prog.state, PROGRAM_STARTING);
	ck_assert_int_eq(prog.deadline_ns, T0 + SEC);
	FEED(T0 + SEC, ON_DEADLINE, 0);
	ck_assert_int_eq(prog.state, PROGRAM_RUNNING);
	/* The next run has to say it again. */
	FEED(T0 + 2 * SEC, ON_RESTART, 0);
	FEED(T0 + 2 * SEC, ON_ENDED, .status = 15);
	FEED(T0 + 2 * SEC, ON_SPAWNED, .pid = 11);
	ck_assert_int_eq(prog.ready, 0);
	FEED(T0 + 3 * SEC, ON_DEADLINE, 0);
	ck_assert_int_eq(prog.state, PROGRAM_STARTING);
	ck_assert_int_eq(prog.deadline_ns, T0 + 7 * SEC);
	ck_assert_uint_eq(FEED(T0 + 7 * SEC, ON_DEADLINE, 0), FX_SIGNAL);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPING);
	FEED(T0 + 7 * SEC, ON_ENDED, .status = 15);
	ck_assert_int_eq(prog.state, PROGRAM_BACKOFF);
	ck_assert_int_eq(prog.reason, REASON_LATE);
	ck_assert_uint_eq(prog.tries, 1);
}
END_TEST

START_TEST(test_ready_without_limit)
{
	setup();
	conf.ready = (char[]){"notify"};
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 10);
	ck_assert_int_eq(prog.deadline_ns, 0);
	FEED(T0 + 900 * SEC, ON_READY, 0);
	ck_assert_int_eq(prog.state, PROGRAM_RUNNING);
}
END_TEST

/* Unhealthy, and it then ends with 0: restarted all the same. */
START_TEST(test_unfit)
{
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_UNFIT, .reason = REASON_UNHEALTHY);
	ck_assert_int_eq(prog.wanted, 1);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 0), FX_SPAWN);
	ck_assert_str_eq(trail, " EXITED STARTING");
	put(PROGRAM_RUNNING, true);
	conf.autorestart = AUTORESTART_NO;
	FEED(T0, ON_UNFIT, .reason = REASON_WATCHDOG);
	FEED(T0, ON_ENDED, .status = 0);
	ck_assert_int_eq(prog.state, PROGRAM_EXITED);
	ck_assert(program_has_given_up(&prog));
}
END_TEST

/* --- order --- */

START_TEST(test_blocked)
{
	setup();
	FEED(T0, ON_START, .blocked = true);
	ck_assert_str_eq(trail, " WAITING");
	FEED(T0, ON_START, .blocked = true);
	ck_assert_str_eq(trail, "");
	ck_assert_uint_eq(FEED(T0, ON_UNBLOCKED, .blocked = true), 0);
	ck_assert_uint_eq(FEED(T0, ON_UNBLOCKED, 0), FX_SPAWN);
	/* A restart after a crash waits as well. */
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_ENDED, .status = 9, .blocked = true);
	ck_assert_str_eq(trail, " EXITED WAITING");
	put(PROGRAM_BACKOFF, false);
	FEED(T0, ON_DEADLINE, .blocked = true);
	ck_assert_str_eq(trail, " WAITING");
}
END_TEST

START_TEST(test_held)
{
	put(PROGRAM_RUNNING, true);
	ck_assert_uint_eq(FEED(T0, ON_STOP, .held = true), 0);
	ck_assert_int_eq(prog.state, PROGRAM_RUNNING);
	ck_assert_int_eq(prog.wanted, 0);
	ck_assert_uint_eq(FEED(T0, ON_STOP, 0), FX_SIGNAL);
	/* It ends by itself meanwhile: nobody wants it again. */
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_STOP, .held = true);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 9), 0);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
}
END_TEST

/* --- oneshot and schedule --- */

START_TEST(test_oneshot)
{
	setup();
	conf.type = TYPE_ONESHOT;
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 10);
	ck_assert_int_eq(prog.state, PROGRAM_STARTING);
	ck_assert_int_eq(prog.deadline_ns, 0);
	ck_assert(!program_is_ready(&prog, &conf));
	FEED(T0 + 99 * SEC, ON_ENDED, .status = 0);
	ck_assert_str_eq(trail, " EXITED");
	ck_assert(program_is_ready(&prog, &conf));
	/* Failure: tried again, as any start. */
	FEED(T0, ON_START, 0);
	FEED(T0, ON_SPAWNED, .pid = 11);
	FEED(T0, ON_ENDED, .status = 1 << 8);
	ck_assert_str_eq(trail, " BACKOFF");
	ck_assert(!program_is_ready(&prog, &conf));
	conf.autorestart = AUTORESTART_NO;
	FEED(T0, ON_DEADLINE, 0);
	FEED(T0, ON_SPAWNED, .pid = 12);
	FEED(T0, ON_ENDED, .status = 1 << 8);
	ck_assert_str_eq(trail, " EXITED");
	ck_assert(!program_is_ready(&prog, &conf));
}
END_TEST

static void
setup_schedule(enum conf_overlap overlap)
{
	setup();
	conf.type = TYPE_ONESHOT;
	conf.schedule = (char[]){"@daily"};
	conf.overlap = overlap;
	FEED(T0, ON_START, 0);
	ck_assert_str_eq(trail, " WAITING");
	ck_assert_uint_eq(FEED(T0, ON_DUE, 0), FX_SPAWN);
	FEED(T0, ON_SPAWNED, .pid = 10);
}

START_TEST(test_schedule)
{
	setup_schedule(OVERLAP_SKIP);
	ck_assert_uint_eq(FEED(T0, ON_DUE, 0), 0);
	FEED(T0, ON_ENDED, .status = 1 << 8);
	ck_assert_str_eq(trail, " EXITED WAITING");
	ck_assert_uint_eq(prog.tries, 0);
	/* An operator need not wait. */
	ck_assert_uint_eq(FEED(T0, ON_START, .run_now = true), FX_SPAWN);
	FEED(T0, ON_SPAWN_FAILED, .step = STEP_PREPARE, .err = 2);
	ck_assert_str_eq(trail, " WAITING");
	FEED(T0, ON_STOP, 0);
	ck_assert_int_eq(prog.state, PROGRAM_STOPPED);
}
END_TEST

START_TEST(test_overlap_queue)
{
	setup_schedule(OVERLAP_QUEUE);
	ck_assert_uint_eq(FEED(T0, ON_DUE, 0), 0);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 0), FX_SPAWN);
	FEED(T0, ON_SPAWNED, .pid = 11);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 0), 0);
	ck_assert_str_eq(trail, " EXITED WAITING");
}
END_TEST

START_TEST(test_overlap_kill)
{
	setup_schedule(OVERLAP_KILL);
	ck_assert_uint_eq(FEED(T0, ON_DUE, 0), FX_SIGNAL);
	ck_assert_uint_eq(FEED(T0, ON_ENDED, .status = 15), FX_SPAWN);
	ck_assert_str_eq(trail, " STOPPED STARTING");
}
END_TEST

/* --- words --- */

START_TEST(test_reasons)
{
	char why[128];

	put(PROGRAM_STARTING, true);
	FEED(T0, ON_ENDED, .status = 127 << 8, .step = STEP_EXEC, .err = 2);
	program_reason(&prog, &conf, why, sizeof why);
	ck_assert_str_eq(why, "cannot execute /usr/bin/web: No such file or "
	    "directory");
	put(PROGRAM_RUNNING, true);
	FEED(T0, ON_ENDED, .status = 9);
	program_reason(&prog, &conf, why, sizeof why);
	ck_assert_str_eq(why, ""); /* it starts again at once */
	put(PROGRAM_STARTING, true);
	FEED(T0, ON_ENDED, .status = 0x80 | 11);
	program_reason(&prog, &conf, why, sizeof why);
	ck_assert_str_eq(why, "exited too quickly (signal SEGV, core "
	    "dumped)");
	put(PROGRAM_STARTING, false);
	conf.user.name = (char[]){"nosuch"};
	FEED(T0, ON_SPAWN_FAILED, .step = STEP_PREPARE, .err = 2);
	program_reason(&prog, &conf, why, sizeof why);
	ck_assert_str_eq(why, "no such user: nosuch");
}
END_TEST

/* A record from the disk: nothing beyond what the enums have. */
START_TEST(test_valid)
{
	struct program p = {.state = PROGRAM_FATAL, .wanted = 1,
	    .reason = REASONS - 1, .spawn_step = SPAWN_STEPS - 1,
	    .has_status = STATUS_UNKNOWN, .pid = 1}, q;

	ck_assert(program_is_valid(&p));
	q = p, q.state = PROGRAM_STATES;
	ck_assert(!program_is_valid(&q));
	q = p, q.wanted = 2;
	ck_assert(!program_is_valid(&q));
	q = p, q.reason = REASONS;
	ck_assert(!program_is_valid(&q));
	q = p, q.spawn_step = SPAWN_STEPS;
	ck_assert(!program_is_valid(&q));
	q = p, q.has_status = STATUS_UNKNOWN + 1;
	ck_assert(!program_is_valid(&q));
	q = p, q.pid = -1;
	ck_assert(!program_is_valid(&q));
}
END_TEST

START_TEST(test_state_names)
{
	int s;

	for (s = 0; s < PROGRAM_STATES; s++)
		ck_assert_int_eq(program_state_from_name(
		    program_state_name((enum program_state)s)), s);
	ck_assert_int_eq(program_state_from_name("running"), PROGRAM_RUNNING);
	ck_assert_int_eq(program_state_from_name("nonsense"), PROGRAM_STATES);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("program");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, test_cell, 0, (int)NCELLS);
	tcase_add_test(t, test_every_cell_is_tested);
	tcase_add_test(t, test_start_until_running);
	tcase_add_test(t, test_startsecs_zero_runs_at_once);
	tcase_add_test(t, test_retries_then_fatal);
	tcase_add_test(t, test_tries_are_forgotten_when_running);
	tcase_add_test(t, test_own_failures_do_not_count);
	tcase_add_loop_test(t, test_autorestart, 0,
	    (int)(sizeof ends / sizeof ends[0]));
	tcase_add_loop_test(t, test_every_exit_code, 0, 256);
	tcase_add_loop_test(t, test_signal_is_minus_n, 1, 65);
	tcase_add_test(t, test_no_spin);
	tcase_add_test(t, test_exponential_delay);
	tcase_add_test(t, test_no_delay_at_all);
	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_limit_window_passes);
	tcase_add_test(t, test_stop_escalates);
	tcase_add_test(t, test_restart_starts_after_the_stop);
	tcase_add_test(t, test_stop_cancels_restart);
	tcase_add_test(t, test_stop_during_backoff_ends_retries);
	tcase_add_test(t, test_other_cells_change_nothing);
	tcase_add_test(t, test_stop_schedule);
	tcase_add_test(t, test_restart_waits_for_the_tree);
	tcase_add_test(t, test_stop_waits_for_the_tree);
	tcase_add_test(t, test_stop_while_clearing);
	tcase_add_test(t, test_left_before);
	tcase_add_test(t, test_daemonizes);
	tcase_add_test(t, test_forking);
	tcase_add_test(t, test_ready);
	tcase_add_test(t, test_ready_without_limit);
	tcase_add_test(t, test_unfit);
	tcase_add_test(t, test_blocked);
	tcase_add_test(t, test_held);
	tcase_add_test(t, test_oneshot);
	tcase_add_test(t, test_schedule);
	tcase_add_test(t, test_overlap_queue);
	tcase_add_test(t, test_overlap_kill);
	tcase_add_test(t, test_reasons);
	tcase_add_test(t, test_valid);
	tcase_add_test(t, test_state_names);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
