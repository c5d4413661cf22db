/*
 * Signals for a service, and the steps of its stop: its process, its process
 * group, or the whole tree of it (tree.h).
 */
#ifndef SUPERVISOR_STOP_H
#define SUPERVISOR_STOP_H

#include <stdbool.h>

struct service;
struct supervisor;

/*
 * Sends SIGNO to its process, or with GROUP to the whole process group.  0,
 * or -1 with errno; ESRCH: it has no process.  Never reaches a process that
 * only has the same number.
 */
int stop_signal(struct service *s, int signo, bool group);

/* FX_SIGNAL: the present step of its stop.  Sets prog.signalled, unless there
 * was no descriptor or memory for it; stop_again() then tries again. */
void stop_step(struct service *s);
void stop_again(struct supervisor *sup);

/* After a takeover: the present step was not taken, or was a command that the
 * supervisor before has taken along; stop_step() repeats it. */
bool stop_is_undone(const struct service *s);

/* FX_KILL: what its kill_mode means, or the process alone. */
void stop_kill(struct service *s);

/* Nothing waits for the end of a stop_command any more. */
void stop_forget(struct service *s);

#endif
