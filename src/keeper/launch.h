/*
 * A supervisor's start.  Everything that it needs is in its socket before it
 * exists: should the keeper be killed next, it can take the keeper's place.
 *
 * The keeper does it again and again.  `start` does it the first time, for the
 * keeper that it is about to become: two execs at once instead of one after the
 * other.  That supervisor lacks one word, LINK_READY, and starts nothing until
 * the keeper says it.
 */
#ifndef KEEPER_LAUNCH_H
#define KEEPER_LAUNCH_H

#include <sys/types.h>

#include "lib/link.h"

/* What must be so in the parent before there is a supervisor: orphans come to
 * it, LISTENER listens (in the name of this process), and the supervisor will
 * have as many descriptors as it may.  0, or -1 with errno. */
int launch_prepare(int listener);

/* Both ends of a link with HELLO in it: the roles FD, and NOTIFY, the pipe to
 * the waiting `start` (-1: none).  0; -1 with errno: PAIR is not touched. */
int launch_link(const int fd[LINK_ROLES], int notify, int pair[2]);

/* The new process executes BINARY as the supervisor with LINK, that end of the
 * pair which stays with it, and OOM_SCORE.  Its pid, or -1 with errno. */
pid_t launch_supervisor(int binary, int link, int oom_score);

/* /proc/self/oom_score_adj; where that is not allowed it stays. */
void launch_oom_score(int score);

#endif
