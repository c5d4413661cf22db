/*
 * Helpers: commands that the supervisor runs by the way, for a program (its
 * probes, hooks, stop_command) or for itself (compressing logs).
 *
 * A helper is a child of the supervisor, not of the keeper, and never shows as
 * a program.  It has a session of its own; what it leaves behind in that is
 * killed when it ends.
 *
 * Nothing of it is remembered over a death of the supervisor: the kernel kills
 * the command then (the keeper reaps it), and the next supervisor asks, or
 * does, again what it finds undone.  What the command itself had started lives
 * on in that case; it bears the mark of the program (tree.h) and goes with the
 * program's tree.
 */
#ifndef SUPERVISOR_HELPER_H
#define SUPERVISOR_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct conf_process;
struct helper;
struct supervisor;

LIST_HEAD(helper_list, helper);

struct helper_spec { /* all borrowed, until helper_start() returns */
	/* Its user, groups, limits, directory, umask and environment are those
	 * that this program has. */
	const struct conf_process *c;
	char **argv; /* NULL-terminated; without a slash: by PATH */
	char *const *env; /* NENV more KEY=VALUE; they win */
	size_t nenv;
	int out; /* descriptor for 1 and 2; -1: /dev/null */
	double timeout_s; /* then SIGKILL to its process group; 0: never */
	bool as_daemon; /* as the daemon itself; C is not looked at */
	int nice; /* its nice value; 0: ours */
};

/* How it ended: STATUS as of waitpid(2); TIMED_OUT: it was killed for that (and
 * has ended, unless the kernel did not let it for a second). */
typedef void helper_fn(void *arg, int status, bool timed_out);

/*
 * Starts a helper.  DONE is called once, from the loop and never from inside
 * here, when it has ended; H is gone by then.  NULL with errno when it cannot
 * be started: ENOENT, EACCES, ... of its command, user or directory; EAGAIN,
 * EMFILE, ENOMEM of ours, EAGAIN also while 64 survive SIGKILL.
 */
struct helper *helper_start(struct supervisor *sup,
    const struct helper_spec *spec, helper_fn *done, void *arg);

/* ERR of helper_start() is of ours and says nothing about the command. */
bool helper_is_short(int err);

/* Kills its process group; DONE is not called any more.  H is not the caller's
 * any more: it goes when the process has. */
void helper_cancel(struct helper *h);

/* Kills all helpers at once, callbacks stay: this process is about to end, or
 * to become another program, and their time is nobody's to watch then. */
void helper_kill_all(struct supervisor *sup);

/* "exit code 3", "signal 9", "no answer in 5 s" in BUF; for messages. */
const char *helper_status_text(int status, bool timed_out, double timeout_s,
    char *buf, size_t size);

#endif
