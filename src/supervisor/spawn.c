/*
 * One child: a program, or a command that is run for one.
 *
 * Everything that allocates, looks something up or can be refused by the user
 * database happens before the clone.  The child shares our memory until its
 * exec (CLONE_VM | CLONE_VFORK: no page tables to copy, so a large supervisor
 * spawns as fast as a small one) and only makes system calls.  A program's
 * parent is the keeper (CLONE_PARENT), which outlives us; a command is our own.
 *
 * It shares our descriptors as well, at first (CLONE_FILES): a copy of
 * thousands of them for each of thousands of children would be quadratic.  It
 * puts what it needs into three places with low numbers, which are kept for
 * that, and then leaves the shared table with close_range(2), which copies
 * only what lies below the range.  We stand still meanwhile.
 *
 * No signal has a handler or is ignored in this process, all are blocked; so
 * the child only has to unblock them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/state.h"
#include "lib/xalloc.h"
#include "supervisor/confine.h"
#include "supervisor/cloneinto.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/tree.h"

#define CLOSE_RANGE_UNSHARE_FLAG 2u

#define STAGES 4
#define STUCK_S 5 /* from the clone to the exec; well below the keeper's
		   * patience with a supervisor that stands still */

/* 0, 1, 2 of the next child and one more, kept low by spawn_init(). */
static int stage[STAGES] = {-1, -1, -1, -1};
static int devnull = -1;
static unsigned above_stage; /* the first number that no child needs */

extern char **environ;

/* All that the child needs, complete before the clone. */
struct child {
	const char *path; /* of the executable */
	char **argv, **envp;
	const char *directory; /* NULL: stay */
	int umask; /* -1: stay */
	const int *fds;
	int extra_fd, extra_number; /* -1: none */
	int cgroup; /* directory; -1: none, or it was refused */
	bool set_user;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
	struct rlimit nofile, nproc;
	int nice; /* 0: stay */
	bool nochildren;
	sigset_t unblocked;
	_Atomic uint32_t *failed; /* on the board, of a program */
	int64_t *born_ns; /* there, too; NULL: nobody asks */
	pid_t parent; /* whose death it is not to survive; 0: it may */
};

/* --- in the child: system calls only --- */

static _Noreturn void
child_fail(struct child *ch, enum spawn_step step)
{
	atomic_store(ch->failed, (uint32_t)step << 16 | (uint32_t)errno);
	_exit(127);
}

/* The table is ours alone after this, and small.  Up to close_range() nothing
 * but the stage is touched: it is the supervisor's table as well. */
static void
child_stdio(struct child *ch)
{
	int i, extra = ch->extra_fd == -1 ? -1 : stage[3];

	for (i = 0; i < 3; i++)
		if (dup3(ch->fds[i], stage[i], O_CLOEXEC) == -1)
			child_fail(ch, STEP_STDIO);
	if (extra != -1 && dup3(ch->extra_fd, extra, O_CLOEXEC) == -1)
		child_fail(ch, STEP_STDIO);
	if (syscall(SYS_close_range, above_stage, ~0u,
	    CLOSE_RANGE_UNSHARE_FLAG) == -1)
		child_fail(ch, STEP_FDS);
	for (i = 0; i < 3; i++)
		if (dup2(stage[i], i) == -1)
			child_fail(ch, STEP_STDIO);
	if (extra == -1 && syscall(SYS_close_range, 3u, ~0u, 0u) == -1)
		child_fail(ch, STEP_FDS);
	if (extra == -1)
		return;
	if (extra == ch->extra_number ?
	    fcntl(extra, F_SETFD, 0) == -1 :
	    dup2(extra, ch->extra_number) == -1)
		child_fail(ch, STEP_STDIO);
	if ((ch->extra_number > 3 && syscall(SYS_close_range, 3u,
	    (unsigned)ch->extra_number - 1, 0u) == -1) ||
	    syscall(SYS_close_range, (unsigned)ch->extra_number + 1, ~0u,
	    0u) == -1)
		child_fail(ch, STEP_FDS);
}

/* Raw calls: the library's versions would talk to threads.  What was set is
 * looked at again; a user that could get its old rights back is refused. */
static void
child_user(struct child *ch)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	if (syscall(SYS_setgroups, ch->ngroups, ch->groups) == -1)
		child_fail(ch, STEP_GROUPS);
	if (syscall(SYS_setresgid, ch->gid, ch->gid, ch->gid) == -1)
		child_fail(ch, STEP_GID);
	if (syscall(SYS_setresuid, ch->uid, ch->uid, ch->uid) == -1)
		child_fail(ch, STEP_UID);
	errno = EPERM;
	if (getresgid(&gr, &ge, &gs) == -1 || gr != ch->gid ||
	    ge != ch->gid || gs != ch->gid)
		child_fail(ch, STEP_GID);
	if (getresuid(&r, &e, &s) == -1 || r != ch->uid || e != ch->uid ||
	    s != ch->uid ||
	    (ch->uid != 0 && syscall(SYS_setuid, 0) != -1))
		child_fail(ch, STEP_UID);
}

/* The kernel kills it when its parent dies: the keeper, or for a command this
 * process.  That may have happened before it was asked to. */
static void
child_dies_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(128 + SIGKILL);
}

/* We stand still until its exec, and a directory or an executable may be on a
 * file system that does not answer, or be held by a lease of its owner.  The
 * kernel forgets this timer at the exec. */
static void
child_must_hurry(void)
{
	/* Nothing on the stack, which is the next child's, too: a sanitizer
	 * would still have it marked as out of scope. */
	static struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGKILL};
	static const struct itimerspec when = {.it_value = {.tv_sec = STUCK_S}};
	static int id; /* the kernel's own type, not timer_t */

	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == 0)
		syscall(SYS_timer_settime, id, 0, &when, NULL);
}

static int
child_main(void *arg)
{
	struct child *ch = arg;

	child_must_hurry();
	if (setsid() == -1)
		child_fail(ch, STEP_SESSION);
	if (ch->born_ns != NULL)
		*ch->born_ns = proc_boot_ns(); /* now its session is its own */
	child_stdio(ch);
	if (setrlimit(RLIMIT_NOFILE, &ch->nofile) == -1 ||
	    setrlimit(RLIMIT_NPROC, &ch->nproc) == -1)
		child_fail(ch, STEP_LIMITS);
	if (ch->nice != 0)
		setpriority(PRIO_PROCESS, 0, ch->nice);
	if (ch->set_user)
		child_user(ch);
	if (ch->nochildren && confine_nochildren() == -1)
		child_fail(ch, STEP_LIMITS);
	if (ch->parent != 0)
		child_dies_with(ch->parent);
	if (ch->umask >= 0)
		umask((mode_t)ch->umask);
	if (ch->directory != NULL && chdir(ch->directory) == -1)
		child_fail(ch, STEP_DIRECTORY);
	sigprocmask(SIG_SETMASK, &ch->unblocked, NULL);
	execve(ch->path, ch->argv, ch->envp);
	child_fail(ch, STEP_EXEC);
}

/* --- before: environment and path --- */

struct env {
	char **v;
	size_t n, cap;
	char *own[16]; /* strings made here */
	size_t nown;
};

static size_t
key_len(const char *entry)
{
	const char *eq = strchr(entry, '=');

	return eq == NULL ? strlen(entry) : (size_t)(eq - entry) + 1;
}

/* Sets KEY=VALUE, in the place of an earlier one. */
static void
env_put(struct env *e, char *entry)
{
	size_t i, len = key_len(entry);

	for (i = 0; i < e->n; i++)
		if (strncmp(e->v[i], entry, len) == 0) {
			e->v[i] = entry;
			return;
		}
	if (e->n + 1 >= e->cap) {
		e->cap = e->cap ? e->cap * 2 : 64;
		e->v = xreallocarray(e->v, e->cap, sizeof *e->v);
	}
	e->v[e->n++] = entry;
	e->v[e->n] = NULL;
}

static void
env_set(struct env *e, const char *key, const char *value)
{
	char *entry;

	if (value == NULL)
		return;
	entry = xasprintf("%s=%s", key, value);
	e->own[e->nown++] = entry;
	env_put(e, entry);
}

static const char *
env_get(const struct env *e, const char *key)
{
	size_t i, len = strlen(key);

	for (i = 0; i < e->n; i++)
		if (strncmp(e->v[i], key, len) == 0 && e->v[i][len] == '=')
			return e->v[i] + len + 1;
	return NULL;
}

static void
env_inherit(struct env *e)
{
	size_t n;

	for (n = 0; environ[n] != NULL; n++)
		;
	e->cap = n + 32;
	e->v = xcalloc(e->cap, sizeof *e->v);
	memcpy(e->v, environ, n * sizeof *e->v);
	e->n = n;
}

/* By which what it leaves behind is known as its own; after the marks of the
 * daemons that stand over ours. */
static void
env_mark(struct env *e, const struct conf_main *main,
    const struct conf_process *c)
{
	char *label = conf_process_label(c), mark[34], *all = NULL;
	const char *outer = getenv(TREE_MARK);

	tree_mark(main->rundir, state_hash(label), mark);
	if (outer != NULL && strstr(outer, mark) == NULL)
		all = xasprintf("%s,%s", outer, mark);
	env_set(e, TREE_MARK, all != NULL ? all : mark);
	free(all);
	free(label);
}

static void
env_build(struct env *e, const struct conf_main *main,
    const struct conf_process *c)
{
	size_t i;

	memset(e, 0, sizeof *e);
	if (c->inherit_environment)
		env_inherit(e);
	else
		env_set(e, "PATH",
		    getenv("PATH") != NULL ? getenv("PATH") :
		    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		    "/sbin:/bin");
	if (c->user.known && (!main->foreign || !c->inherit_environment)) {
		env_set(e, "HOME", c->user.home);
		env_set(e, "USER", c->user.login);
		env_set(e, "LOGNAME", c->user.login);
		env_set(e, "SHELL", c->user.shell);
	}
	env_set(e, "SUPERVISOR_ENABLED", "1");
	env_set(e, "SUPERVISOR_SERVER_URL",
	    c->serverurl != NULL ? c->serverurl : main->serverurl);
	env_set(e, "SUPERVISOR_PROCESS_NAME", c->name);
	env_set(e, "SUPERVISOR_GROUP_NAME", c->group);
	for (i = 0; i < main->environment.n; i++)
		env_put(e, main->environment.v[i]);
	for (i = 0; i < c->file_environment.n; i++)
		env_put(e, c->file_environment.v[i]);
	for (i = 0; i < c->environment.n; i++)
		env_put(e, c->environment.v[i]);
	/* Last: the environment of a `run` from inside of a program has the
	 * mark of that one. */
	env_mark(e, main, c);
}

static void
env_free(struct env *e)
{
	while (e->nown > 0)
		free(e->own[--e->nown]);
	free(e->v);
}

static bool
is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 0111) != 0;
}

/* A command without a slash is looked for in the program's PATH.  NULL with
 * errno when it is nowhere. */
static char *
find_command(const char *command, const char *path)
{
	const char *end;
	char *full;

	if (strchr(command, '/') != NULL)
		return xstrdup(command);
	for (; path != NULL; path = *end == ':' ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		full = xasprintf("%.*s/%s", end == path ? 1 : (int)(end - path),
		    end == path ? "." : path, command);
		if (is_executable(full))
			return full;
		free(full);
	}
	errno = ENOENT;
	return NULL;
}

/* --- the clone --- */

int
spawn_init(int null)
{
	int i;

	devnull = null;
	for (i = 0; i < STAGES; i++) {
		stage[i] = fcntl(null, F_DUPFD_CLOEXEC, 3);
		if (stage[i] == -1)
			return -1;
		if ((unsigned)stage[i] >= above_stage)
			above_stage = (unsigned)stage[i] + 1;
	}
	return 0;
}

/* No pipe stays open because it stands on the stage. */
static void
clear_stage(const struct child *ch)
{
	const int *fds = ch->fds;
	int i;

	for (i = 0; i < 3; i++)
		if (fds[i] != devnull)
			dup3(devnull, stage[i], O_CLOEXEC);
	if (ch->extra_fd != -1)
		dup3(devnull, stage[3], O_CLOEXEC);
}

/* FLAGS: of clone(2), besides those that every child has. */
static pid_t
clone_child(struct child *ch, int flags, void *parent_tid, int32_t *child_tid)
{
	static char stack[64 * 1024] __attribute__((aligned(64)));
	int saved;
	pid_t r = -1;

	flags |= CLONE_VM | CLONE_VFORK | CLONE_FILES;
	if (ch->cgroup != -1)
		r = cloneinto(child_main, stack, sizeof stack,
		    (uint64_t)(unsigned)flags, ch->cgroup, parent_tid,
		    child_tid, ch);
	/* Out of processes or memory: so is a clone without a group. */
	if (r == -1 && (ch->cgroup == -1 || (errno != EAGAIN &&
	    errno != ENOMEM))) {
		ch->cgroup = -1;
		r = clone(child_main, stack + sizeof stack, flags, ch,
		    parent_tid, NULL, child_tid);
	}
	saved = errno;

	clear_stage(ch);
	errno = saved;
	return r;
}

static struct rlimit
child_limit(int64_t wanted, uint64_t cur, uint64_t max)
{
	struct rlimit rl = {(rlim_t)cur, (rlim_t)max};

	/* "At least": a limit that is higher stays. */
	if (wanted >= 0 && rl.rlim_cur < (rlim_t)wanted) {
		rl.rlim_cur = (rlim_t)wanted;
		if (rl.rlim_cur > rl.rlim_max)
			rl.rlim_cur = rl.rlim_max;
	}
	return rl;
}

void
spawn_prepare(struct board *board, uint32_t slot, uint32_t gen)
{
	atomic_store(&board->failed[slot], 0);
	atomic_store(&board->stopped[slot], 0);
	atomic_store(&board->orphan[slot], 0);
	atomic_store(&board->pid[slot], 0);
	board->spawned_ns[slot] = now_ns();
	board->birth[slot].from_ns = proc_boot_ns();
	board->birth[slot].to_ns = 0;
	atomic_store(&board->gen[slot], gen);
}

/* What every child of this daemon has. */
static void
prepare_common(struct child *ch, const struct conf_main *main,
    const struct board *board)
{
	ch->umask = (int)main->umask;
	ch->nofile = child_limit(main->minfds, board->nofile_cur,
	    board->nofile_max);
	ch->nproc = child_limit(main->minprocs, board->nproc_cur,
	    board->nproc_max);
	sigemptyset(&ch->unblocked);
}

/* What C says of whatever runs for it.  False: RET says why not. */
static bool
prepare_process(struct child *ch, const struct conf_process *c,
    struct spawn_result *ret)
{
	if (c->user.name != NULL && !c->user.known) {
		ret->err = ENOENT;
		return false;
	}
	if (c->umask >= 0)
		ch->umask = (int)c->umask;
	ch->directory = c->directory;
	/* Without the right to change users, asking for our own is no change. */
	ch->set_user = c->user.known &&
	    (geteuid() == 0 || c->user.uid != geteuid());
	ch->uid = c->user.uid;
	ch->gid = c->user.gid;
	ch->groups = c->user.groups;
	ch->ngroups = c->user.ngroups;
	return true;
}

/* The executable and the clone.  PARENT_TID and CHILD_TID: as of clone(2). */
static void
run(struct child *ch, struct env *env, int flags, void *parent_tid,
    int32_t *child_tid, struct spawn_result *ret)
{
	char *path = find_command(ch->argv[0], env_get(env, "PATH"));
	int64_t begin = now_ns();

	if (path == NULL) {
		ret->err = errno;
		return;
	}
	ch->path = path;
	ch->envp = env->v;
	ret->step = STEP_NONE;
	ret->pid = clone_child(ch, flags, parent_tid, child_tid);
	if (ret->pid == -1) {
		ret->pid = 0;
		ret->step = STEP_FORK;
		ret->err = errno;
	}
	if (now_ns() - begin >= STUCK_S * 1000000000LL)
		log_warnx("%s in %s: not executed within %d s, killed; "
		    "everything else had to wait", path, ch->directory != NULL ?
		    ch->directory : "/", STUCK_S);
	free(path);
}

void
spawn(const struct conf_main *main, const struct conf_process *c,
    struct board *board, uint32_t slot, const int fds[3],
    const struct spawn_extra *extra, int32_t *state_pid,
    struct spawn_result *ret)
{
	struct env env;
	size_t i;
	struct child ch = {
		.argv = c->command.v,
		.fds = fds,
		.extra_fd = extra->fd,
		.extra_number = extra->number,
		.cgroup = extra->cgroup,
		.failed = &board->failed[slot],
		.born_ns = &board->birth[slot].to_ns,
		.nochildren = c->nochildren,
		.parent = c->on_supervisor_death == DEATH_KILL ?
		    board->keeper_pid : 0,
	};

	memset(ret, 0, sizeof *ret);
	ret->step = STEP_PREPARE;
	prepare_common(&ch, main, board);
	if (!prepare_process(&ch, c, ret))
		return;
	env_build(&env, main, c);
	for (i = 0; i < extra->nenv; i++)
		env_put(&env, extra->env[i]);
	run(&ch, &env, CLONE_PARENT | CLONE_PARENT_SETTID |
	    (state_pid != NULL ? CLONE_CHILD_SETTID : 0), &board->pid[slot],
	    state_pid, ret);
	ret->grouped = ret->pid != 0 && ch.cgroup != -1;
	env_free(&env);
}

/* It is over when clone_child() returns: it has executed, or given up. */
static void
forget_failed(uint32_t failed, int pidfd, struct spawn_result *ret)
{
	waitpid(ret->pid, NULL, 0);
	close(pidfd);
	ret->pid = 0;
	ret->step = (uint8_t)(failed >> 16);
	ret->err = (int32_t)(failed & 0xffff);
}

void
spawn_command(const struct conf_main *main, const struct board *board,
    const struct spawn_command *cmd, int *ret_pidfd, struct spawn_result *ret)
{
	_Atomic uint32_t failed = 0;
	struct env env = {.n = 0};
	struct child ch = {
		.argv = cmd->argv,
		.fds = cmd->fds,
		.extra_fd = -1,
		.cgroup = -1,
		.failed = &failed,
		.nice = cmd->nice,
		.parent = getpid(),
	};
	int pidfd = -1;
	size_t i;

	memset(ret, 0, sizeof *ret);
	ret->step = STEP_PREPARE;
	prepare_common(&ch, main, board);
	if (cmd->c != NULL && !prepare_process(&ch, cmd->c, ret))
		return;
	if (cmd->c != NULL)
		env_build(&env, main, cmd->c);
	else
		env_inherit(&env);
	for (i = 0; i < cmd->nenv; i++)
		env_put(&env, cmd->env[i]);
	run(&ch, &env, CLONE_PIDFD | SIGCHLD, &pidfd, NULL, ret);
	env_free(&env);
	if (ret->pid != 0 && atomic_load(&failed) != 0)
		forget_failed(atomic_load(&failed), pidfd, ret);
	if (ret->pid != 0)
		*ret_pidfd = pidfd;
}
