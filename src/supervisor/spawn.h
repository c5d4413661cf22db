/* One child: from a configuration to a running program, or a command for one,
 * or else a step and errno. */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/program.h"
#include "lib/board.h"

struct conf_main;
struct conf_process;

struct spawn_result {
	int32_t pid; /* 0: no process was created */
	bool grouped; /* it is in extra->cgroup */
	uint8_t step; /* enum spawn_step: why not */
	int32_t err;
};

/* What a program gets besides its 0, 1, 2.  All borrowed. */
struct spawn_extra {
	char *env[4]; /* NENV more KEY=VALUE */
	size_t nenv;
	int fd, number; /* descriptor, and its number in the program; -1: none.
			 * It is blocking there. */
	int cgroup; /* directory of the group it is born in; -1: ours */
};

/* Once, while few descriptors are open: keeps four low numbers (of NULL,
 * /dev/null).  0, or -1 with errno. */
int spawn_init(int null);

/* Writes on BOARD that run GEN of SLOT is about to begin; comes before
 * spawn(), and what the caller stores elsewhere about it in between. */
void spawn_prepare(struct board *board, uint32_t slot, uint32_t gen);

/*
 * Starts C in SLOT of BOARD with descriptors FDS as its 0, 1, 2, and EXTRA.
 * The pid stands on the board, and in *STATE_PID unless that is NULL, before
 * the child can run.  A step that fails in
 * the child is on the board too (failed[]); the child then ends with 127.
 */
void spawn(const struct conf_main *main, const struct conf_process *c,
    struct board *board, uint32_t slot, const int fds[3],
    const struct spawn_extra *extra, int32_t *state_pid,
    struct spawn_result *ret);

/* A command that is no program; helper.h runs them.  All borrowed. */
struct spawn_command {
	const struct conf_process *c; /* its user, limits, directory, umask
				       * and environment; NULL: our own */
	char **argv; /* NULL-terminated, at least one word */
	char *const *env; /* NENV more KEY=VALUE */
	size_t nenv;
	const int *fds; /* its 0, 1, 2; the first is /dev/null */
	int nice; /* 0: ours */
};

/*
 * Starts CMD as a child of this very process, in a session of its own; it is
 * killed when this process dies.  Its end is *RET_PIDFD's (close-on-exec) and
 * waitpid's to tell.  When the command could not be executed there is no
 * child: RET has pid 0, the step and errno.
 */
void spawn_command(const struct conf_main *main, const struct board *board,
    const struct spawn_command *cmd, int *ret_pidfd, struct spawn_result *ret);

#endif
