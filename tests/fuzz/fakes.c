/*
 * What would start, become or signal a process: no fuzz target may.  These
 * stand in for supervisor/spawn.o, tree.o, promote.o and posix_spawn(3).
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>

#include "supervisor/promote.h"
#include "supervisor/spawn.h"
#include "supervisor/tree.h"

/* Beyond every pid that Linux gives (2^22): signals to it reach nobody. */
#define FIRST_PID 100000000

int
spawn_init(int null)
{
	(void)null;
	return 0;
}

void
spawn_prepare(struct board *board, uint32_t slot, uint32_t gen)
{
	atomic_store(&board->failed[slot], 0);
	atomic_store(&board->pid[slot], 0);
	atomic_store(&board->gen[slot], gen);
}

/* It "runs" at once; what becomes of it is for the target to say. */
void
spawn(const struct conf_main *m, const struct conf_process *c,
    struct board *board, uint32_t slot, const int fds[3],
    const struct spawn_extra *extra, int32_t *state_pid,
    struct spawn_result *ret)
{
	(void)m;
	(void)c;
	(void)fds;
	(void)extra;
	(void)state_pid;
	ret->pid = FIRST_PID + (int32_t)slot;
	atomic_store(&board->pid[slot], ret->pid);
}

void
spawn_command(const struct conf_main *m, const struct board *board,
    const struct spawn_command *cmd, int *ret_pidfd, struct spawn_result *ret)
{
	(void)m;
	(void)board;
	(void)cmd;
	(void)ret_pidfd;
	ret->pid = 0;
	ret->step = STEP_FORK;
	ret->err = EAGAIN;
}

void
promote(struct supervisor *sup)
{
	(void)sup;
	abort();
}

/* Nobody has descendants. */
void
tree_stale(struct supervisor *sup)
{
	(void)sup;
}

bool
tree_is_left(struct service *s, bool all)
{
	(void)s;
	(void)all;
	return false;
}

void
tree_look(struct supervisor *sup)
{
	(void)sup;
}

bool
tree_has_rest(struct service *s)
{
	(void)s;
	return false;
}

void
tree_learn(struct service *s)
{
	(void)s;
}

void
tree_signal(struct service *s, int signo)
{
	(void)s;
	(void)signo;
}

void
tree_watch(struct supervisor *sup)
{
	(void)sup;
}

pid_t
tree_daemon(struct service *s)
{
	(void)s;
	return 0;
}

void
tree_init(struct supervisor *sup)
{
	(void)sup;
}

/* The loader of a reload. */
int
posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	(void)pid;
	(void)path;
	(void)actions;
	(void)attr;
	(void)argv;
	(void)envp;
	return EAGAIN;
}
