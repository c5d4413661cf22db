/*
 * A program: what is wanted of it, what it is, and what happens next.
 *
 * Two things are kept apart.  *wanted* is the operator's or the file's wish,
 * up or down; only ON_START, ON_STOP and ON_RESTART (and giving up) change it.
 * *state* is what is:
 *
 *   STOPPED   no process; was stopped, or never started
 *   WAITING   wanted up; a dependency is not ready yet, or its time has not
 *             come (schedule)
 *   STARTING  asked to run; a process exists once pid is not 0.  It stays so
 *             until it is ready; a oneshot until it ends
 *   RUNNING   ready: up for startsecs, and has said so if it is to say so
 *   BACKOFF   failed, or may not start again yet; the deadline says when
 *   STOPPING  asked to end; each deadline is the next step of its schedule,
 *             in the end SIGKILL, again and again.  With `clearing` the
 *             process itself is gone and the rest of its tree is not
 *   EXITED    ended by itself, and the policy starts it no more
 *   FATAL     failed too often; only an operator starts it again
 *
 * The wish wins over the policy: a stop during BACKOFF ends the retries; a
 * start during STOPPING lets the stop finish and starts anew; a stop after a
 * restart that is still stopping cancels the second half.
 *
 * Nothing begins while a dependency is not ready (arg.blocked: WAITING), and
 * nothing is asked to end while what needs it still runs (arg.held: it stays
 * as it is with `wanted` down, and the shell repeats ON_STOP).
 *
 * A process ends, but its descendants may live: then (arg.left) the program is
 * STOPPING until ON_GONE, and `next` says what would have followed.  So no
 * second copy ever starts beside what the first one left.
 *
 * struct program is plain data: the supervisor copies it to the board after
 * each event, and a restarted supervisor goes on with the copy.  Nothing here
 * reads a clock, logs or makes a system call: time comes in, deadlines and
 * effects go out.  Monotonic times are nanoseconds, 0 is "none".
 *
 * A change of struct program is a change of BOARD_VERSION: an upgrade finds
 * the record of the version before.
 */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_process;

enum program_state {
	PROGRAM_STOPPED,
	PROGRAM_WAITING,
	PROGRAM_STARTING,
	PROGRAM_RUNNING,
	PROGRAM_BACKOFF,
	PROGRAM_STOPPING,
	PROGRAM_EXITED,
	PROGRAM_FATAL,
	PROGRAM_STATES
};

enum program_event {
	ON_START, /* it is wanted up */
	ON_STOP, /* it is wanted down */
	ON_RESTART, /* it is wanted up, by a new process */
	ON_SPAWNED, /* the process exists: arg.pid */
	ON_SPAWN_FAILED, /* it does not: arg.step, arg.err, arg.ours */
	ON_ENDED, /* the process ended: arg.status, arg.step, arg.err */
	ON_DEADLINE, /* the deadline has passed */
	ON_UNBLOCKED, /* what it waited for is ready */
	ON_DUE, /* schedule: a run is due */
	ON_READY, /* it has said, or shown, that it is ready */
	ON_UNFIT, /* it runs and is no good: arg.reason */
	ON_GONE, /* nothing is left of the tree of an ended process */
	ON_LEFT, /* a daemon that was killed has left something of it */
	PROGRAM_EVENTS
};

/* What the shell has to do after an event; any combination. */
enum {
	FX_SPAWN = 1, /* start a process for run p->gen */
	FX_SIGNAL = 2, /* take step p->step of its stop; clearing: SIGTERM to
			* what is left */
	FX_KILL = 4, /* send SIGKILL */
};

/* Why the state is what it is; program_reason() makes it a sentence. */
enum program_reason {
	REASON_NONE,
	REASON_SPAWN, /* a step before exec failed: spawn_step, spawn_errno */
	REASON_DAEMON, /* the daemon could not spawn: the same, not counted */
	REASON_QUICK, /* exited before startsecs */
	REASON_EXIT, /* exited, expected or not */
	REASON_STOPPED, /* stopped on request */
	REASON_TOO_FAST, /* lived less than a second, waits */
	REASON_LIMIT, /* restart_limit reached */
	REASON_LATE, /* not ready within ready_timeout */
	REASON_UNHEALTHY, /* health_retries bad answers in a row */
	REASON_WATCHDOG, /* no sign of life for `watchdog` */
	REASON_FORKED, /* ended with 0 and left processes: it daemonizes */
	REASON_NO_DAEMON, /* type = forking, and it left no process */
	REASONS
};

/* The steps between clone and exec, in order; the child reports one. */
enum spawn_step {
	STEP_NONE,
	STEP_PREPARE, /* no command, no such user: before clone */
	STEP_FORK,
	STEP_SESSION,
	STEP_STDIO,
	STEP_LIMITS,
	STEP_GROUPS,
	STEP_GID,
	STEP_UID,
	STEP_DIRECTORY,
	STEP_FDS,
	STEP_CONFINE,
	STEP_EXEC,
	STEP_PRE, /* exec_start_pre failed; err is its wait status */
	SPAWN_STEPS
};

/* What follows when a STOPPING is over, if the program is still wanted. */
enum program_next {
	NEXT_STOPPED, /* an operator's stop or restart: begins afresh */
	NEXT_FAILED, /* a failed start, for p->reason */
	NEXT_EXITED, /* it ended by itself; the policy decides */
	NEXT_UNFIT, /* it ran and was no good; the same */
	PROGRAM_NEXTS
};

/* What is known of how the last run ended. */
enum program_status {
	STATUS_NONE, /* it runs, or never did */
	STATUS_KNOWN,
	STATUS_UNKNOWN, /* it was no child of ours when it ended */
};

#define PROGRAM_REQUESTS 6

struct program {
	uint8_t state, wanted; /* enum program_state; 1: up */
	uint8_t reason, spawn_step; /* enum program_reason, enum spawn_step */
	uint8_t has_status; /* of the last run, enum program_status */
	uint8_t ran; /* it was started at least once */
	uint8_t kills; /* SIGKILLs sent in this STOPPING */
	uint8_t signalled; /* the present step of this STOPPING was taken;
			    * the shell sets it */
	uint8_t step; /* of its stopplan, in STOPPING */
	uint8_t next; /* enum program_next, in STOPPING */
	uint8_t clearing; /* STOPPING: only descendants are left */
	uint8_t ready; /* this run has reported ready */
	uint8_t followed; /* pid is a daemon that the run left behind */
	uint8_t due; /* schedule: a run is owed */
	uint8_t grouped; /* the run is in its cgroup.  The shell's */
	uint8_t regroup; /* its cgroup was killed and must be made anew.  The
			  * shell's */
	int32_t spawn_errno;
	int32_t pid; /* of the present run; 0: none */
	int32_t last_pid; /* of the last run */
	int32_t status; /* wait status, as waitpid(2) gives it */
	uint32_t gen; /* number of the present or last run, from 1 */
	uint32_t tries; /* failed starts in a row */
	uint32_t starts; /* processes started since the daemon's start */
	uint32_t level; /* exponent of the next restart delay */
	uint32_t window_starts; /* restarts in the window of restart_limit */
	int64_t window_ns; /* when that window began */
	int64_t deadline_ns; /* when ON_DEADLINE is due; 0: never */
	int64_t started_ns; /* start of the present or last run */
	int64_t ended_ns; /* end of the last run */
	int64_t due_s; /* schedule: wall clock of the next run; 0: none.  The
			* shell's */
	int64_t changed_ns; /* last change of state */
	int64_t started_s, ended_s; /* wall clock, seconds; 0: never */
	uint64_t conf_hash; /* restart_hash that run was started with */
	/* Ids of changes that were done, the last ones: what is repeated is
	 * not done again.  The shell's. */
	uint64_t request[PROGRAM_REQUESTS];
	uint32_t request_next;
};

struct program_arg {
	int64_t now_ns; /* monotonic */
	int64_t wall_s; /* for people only */
	uint32_t random; /* any value: jitter */
	int32_t pid; /* ON_SPAWNED */
	int32_t status; /* ON_ENDED */
	bool unknown; /* ... it is not known */
	uint8_t step; /* ON_SPAWN_FAILED, ON_ENDED: enum spawn_step */
	int32_t err; /* its errno */
	bool ours; /* ON_SPAWN_FAILED: not the program's fault */
	bool left; /* ON_ENDED: descendants of it live, or may live, and are
		    * to go; ON_GONE: there were some */
	bool forked; /* ON_ENDED: descendants of it live */
	int32_t follow; /* ON_ENDED, forking: the daemon it left; 0: none */
	uint8_t reason; /* ON_UNFIT */
	bool blocked; /* any: a dependency is not ready */
	bool held; /* ON_STOP: what needs it still runs */
	bool run_now; /* ON_START, ON_RESTART: whatever its schedule */
	/* Called once for each change of state, before the next; may be
	 * NULL. */
	void (*changed)(void *ctx, const struct program *p,
	    enum program_state from);
	void *ctx;
};

/*
 * Feeds one event.  C is the program's configuration.  Returns FX_* to carry
 * out, in this order: FX_SIGNAL, FX_KILL, FX_SPAWN.
 */
unsigned program_event(struct program *p, const struct conf_process *c,
    enum program_event ev, const struct program_arg *arg);

/* What a struct program may hold: false for one that was not made here. */
bool program_is_valid(const struct program *p);

/* A process exists, or the rest of its tree: STARTING with a pid, RUNNING or
 * STOPPING. */
bool program_is_alive(const struct program *p);

/* What requires it may start: RUNNING, or a oneshot that has succeeded. */
bool program_is_ready(const struct program *p, const struct conf_process *c);

/* How its last run ended was expected: by exitcodes. */
bool program_has_succeeded(const struct program *p,
    const struct conf_process *c);

/* It is given up, or has ended and is not started again by itself. */
bool program_has_given_up(const struct program *p);

/* Nothing more happens by itself: STOPPED, EXITED or FATAL. */
bool program_is_down(const struct program *p);

/* Exit code as people see it: 0..255, or -N when signal N ended it. */
int program_exit_code(int status);

/* The reason of the present state as a sentence in BUF; "" if there is none.
 * C gives the words (command, directory, user). */
void program_reason(const struct program *p, const struct conf_process *c,
    char *buf, size_t size);

/* "STOPPED" ...; the other way, PROGRAM_STATES if there is none.  Any case.*/
const char *program_state_name(enum program_state s);
enum program_state program_state_from_name(const char *name);

/* "start", "exec" ... of a step. */
const char *spawn_step_name(enum spawn_step s);

#endif
