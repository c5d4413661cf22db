/*
 * From a command to a daemon; see daemon.h.
 *
 * Everything that can fail for a reason that the user should read happens
 * here, while there is a terminal: the files, the directories, the lock, the
 * socket.  Then two forks, and the exec that makes this process the keeper.
 * The pidfile's lock, not its content, says whether a daemon runs: it is an
 * open-file-description lock, handed down through forks and exec, so there is
 * no moment at which nobody holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/adopt.h"
#include "cli/cli.h"
#include "cli/confhost.h"
#include "cli/daemon.h"
#include "cli/loader.h"
#include "core/conf.h"
#include "keeper/handover.h"
#include "keeper/launch.h"
#include "lib/board.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define PIDFILES 2
#define LOCK_PATIENCE_MS 1000 /* for a dead daemon's last child to let go */

struct launch {
	const struct daemon_opts *opts;
	struct config *conf;
	bool foreground; /* asked for, or nodaemon = true */
	sigset_t mask; /* of whoever started us */
	char *pidfile[PIDFILES]; /* in rundir; the configured one, or NULL */
	struct handover h; /* what the keeper will have */
	int kept[HANDOVER_KEPT]; /* pipes of programs that still run */
	struct board *board;
};

/* --- files and directories --- */

/* A directory for our files: made if need be, and nobody else's. */
static int
make_dir(const char *path, mode_t mode, const struct conf_user *owner)
{
	char *p, *copy = xstrdup(path);
	struct stat st;
	int r = -1;

	for (p = copy + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(copy, 0755) == -1 && errno != EEXIST &&
		    access(copy, F_OK) == -1)
			goto out;
	}
	if (mkdir(path, mode) == 0 && owner->known && geteuid() == 0 &&
	    lchown(path, owner->uid, owner->gid) == -1)
		goto out;
	if (lstat(path, &st) == -1)
		goto out;
	if (S_ISLNK(st.st_mode) && stat(path, &st) == -1)
		goto out;
	errno = ENOTDIR;
	if (!S_ISDIR(st.st_mode))
		goto out;
	errno = EPERM;
	if (st.st_uid != 0 && st.st_uid != geteuid() &&
	    !(owner->known && st.st_uid == owner->uid))
		goto out;
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		goto out;
	r = 0;
out:
	free(copy);
	return r;
}

/* The default run directory of a user lies in /tmp, where anybody can be
 * first: a link or somebody else's directory is refused. */
static int
check_private(const char *rundir)
{
	struct stat st;

	if (strncmp(rundir, "/tmp/", 5) != 0 || strchr(rundir + 5, '/'))
		return 0;
	errno = EPERM;
	return lstat(rundir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_uid == geteuid() || st.st_uid == 0) ? 0 : -1;
}

static int
make_dirs(const struct conf_main *m)
{
	mode_t mode = strncmp(m->rundir, "/tmp/mpsupd-", 12) == 0 ? 0700 :
	    0755;

	if (make_dir(m->rundir, mode, &m->user) == -1 ||
	    check_private(m->rundir) == -1) {
		log_warnx("run directory %s: %s; the daemon is not started",
		    m->rundir, errno == EPERM ? "it belongs to somebody else "
		    "or can be written by everybody" : strerror(errno));
		return -1;
	}
	if (make_dir(m->logdir, 0755, &m->user) == -1)
		log_warn("log directory %s: logs kept there will wait",
		    m->logdir);
	/* Without it enable, disable and scale say why they fail. */
	if (make_dir(m->statedir, 0755, &m->user) == -1)
		log_debug("state directory %s: %s", m->statedir,
		    strerror(errno));
	return 0;
}

/* --- the pidfile --- */

static long
read_pid(int fd)
{
	char buf[32];
	ssize_t n = pread(fd, buf, sizeof buf - 1, 0);
	int64_t pid;

	if (n <= 0)
		return 0;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return str_to_int(buf, 1, INT32_MAX, &pid) ? (long)pid : 0;
}

static int
try_lock(int fd)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &fl);
}

/* Opens and locks PATH.  A descriptor; -1 with errno, EAGAIN: a daemon holds
 * it, *RET_PID is what it wrote there. */
static int
lock_pidfile(const char *path, long *ret_pid)
{
	struct stat st, now;
	int fd;

	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY, 0644);
		if (fd == -1)
			return -1;
		if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
		    st.st_nlink > 1 ||
		    (st.st_uid != 0 && st.st_uid != geteuid())) {
			close(fd);
			errno = S_ISREG(st.st_mode) ? EPERM : EINVAL;
			return -1;
		}
		if (try_lock(fd) == -1) {
			*ret_pid = read_pid(fd);
			close(fd);
			errno = EAGAIN;
			return -1;
		}
		/* The one before us may have removed it meanwhile. */
		if (lstat(path, &now) == 0 && now.st_ino == st.st_ino &&
		    now.st_dev == st.st_dev)
			return fd;
		close(fd);
	}
}

/* A daemon that was killed while it started a program leaves the lock to that
 * child until its exec. */
static int
lock_patiently(const char *path, long *ret_pid)
{
	int tries, fd;

	for (tries = 0; (fd = lock_pidfile(path, ret_pid)) == -1 &&
	    errno == EAGAIN && tries < LOCK_PATIENCE_MS / 10; tries++) {
		if (*ret_pid > 0 && (kill((pid_t)*ret_pid, 0) == 0 ||
		    errno != ESRCH)) {
			errno = EAGAIN;
			return -1;
		}
		usleep(10000);
	}
	return fd;
}

static const char *
pidfile_why(int err)
{
	switch (err) {
	case ELOOP:
		return "it is a symbolic link, which is not followed";
	case EINVAL:
		return "it is not a regular file";
	case EPERM:
		return "it belongs to somebody else or has other hard links";
	default:
		return strerror(err);
	}
}

/* 0; -1: said why; 1: a daemon runs. */
static int
lock_all(struct launch *l)
{
	const struct conf_main *m = &l->conf->main;
	long pid = 0;
	int i;

	l->pidfile[0] = xasprintf("%s/mpsupd.pid", m->rundir);
	if (strcmp(l->pidfile[0], m->pidfile) != 0)
		l->pidfile[1] = xstrdup(m->pidfile);
	for (i = 0; i < PIDFILES; i++) {
		if (l->pidfile[i] == NULL)
			continue;
		l->h.fd[ROLE_PIDFILE + i] =
		    lock_patiently(l->pidfile[i], &pid);
		if (l->h.fd[ROLE_PIDFILE + i] != -1)
			continue;
		if (errno == EAGAIN) {
			if (pid > 0)
				log_warnx("already running (pid %ld)", pid);
			else
				log_warnx("already running");
			return 1;
		}
		log_warnx("pidfile %s: %s; the daemon is not started",
		    l->pidfile[i], pidfile_why(errno));
		return -1;
	}
	return 0;
}

int
daemon_pidfile_state(const char *path, long *ret_pid)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = -1;

	*ret_pid = 0;
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	*ret_pid = read_pid(fd);
	if (fcntl(fd, F_OFD_GETLK, &fl) == 0)
		r = fl.l_type == F_UNLCK ? 1 : 2;
	close(fd);
	return r;
}

static int
write_pid(const struct launch *l)
{
	char text[32];
	int i, fd, len = snprintf(text, sizeof text, "%d\n", (int)getpid());

	for (i = 0; i < PIDFILES; i++) {
		fd = l->h.fd[ROLE_PIDFILE + i];
		if (fd != -1 && (ftruncate(fd, 0) == -1 ||
		    pwrite(fd, text, (size_t)len, 0) != len))
			return -1;
	}
	return 0;
}

/* The pidfile that guards the rest goes last. */
static void
remove_paths(const struct launch *l)
{
	int i;

	if (l->h.fd[ROLE_LISTENER] != -1)
		unlink(l->conf->main.socket);
	for (i = PIDFILES; i-- > 0;)
		if (l->h.fd[ROLE_PIDFILE + i] != -1)
			unlink(l->pidfile[i]);
}

/* --- socket, board, configuration --- */

/* True if somebody listens on SA: a daemon with another run directory. */
static bool
is_served(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	bool served;

	if (fd == -1)
		return true;
	served = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return served;
}

/* Makes room for the socket: what a dead daemon left goes, nothing else. */
static int
clear_socket(const struct sockaddr_un *sa)
{
	struct stat st;

	if (lstat(sa->sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		log_warnx("control socket %s: something else has that name; "
		    "remove it", sa->sun_path);
		return -1;
	}
	if (is_served(sa)) {
		log_warnx("control socket %s: another daemon serves it; give "
		    "this one a rundir of its own", sa->sun_path);
		return -1;
	}
	unlink(sa->sun_path);
	return 0;
}

int
daemon_act_as(const struct conf_user *u, bool theirs)
{
	if (!u->known || getuid() != 0)
		return 0;
	if (theirs)
		return setegid(u->gid) == -1 || seteuid(u->uid) == -1 ? -1 : 0;
	return seteuid(0) == -1 || setegid(0) == -1 ? -1 : 0;
}

/* The mode comes from the mask at its birth and the owner from who makes it:
 * nothing is changed by name afterwards, when the name may be another's.
 * Until the keeper listens nobody can connect. */
static int
bind_socket(const struct config *conf)
{
	const struct conf_main *m = &conf->main;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	bool shared = config_is_shared(conf);
	mode_t old;
	int fd, r;

	if (str_copy(sa.sun_path, m->socket, sizeof sa.sun_path) >=
	    sizeof sa.sun_path) {
		log_warnx("control socket %s: the path is longer than %zu "
		    "bytes; set socket or rundir to a shorter one", m->socket,
		    sizeof sa.sun_path - 1);
		return -1;
	}
	if (clear_socket(&sa) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	old = umask(shared ? 0111 : 0177);
	r = fd == -1 || daemon_act_as(&m->user, true) == -1 ? -1 :
	    bind(fd, (struct sockaddr *)&sa, sizeof sa);
	if (r == -1)
		log_warn("control socket %s%s%s", m->socket,
		    m->user.known ? " as user " : "",
		    m->user.known ? m->user.name : "");
	if (daemon_act_as(&m->user, false) == -1)
		r = -1;
	umask(old);
	if (r == -1 && fd != -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Programs get it back from a daemon that protects itself. */
static int
read_oom_score(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "re");
	int score = 0;

	if (f != NULL) {
		if (fscanf(f, "%d", &score) != 1)
			score = 0;
		fclose(f);
	}
	return score;
}

static int
make_board(struct launch *l)
{
	struct rlimit rl;
	struct timespec ts;

	l->h.fd[ROLE_BOARD] = board_create(&l->board);
	if (l->h.fd[ROLE_BOARD] == -1) {
		log_warn("cannot create shared memory");
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	l->board->started_ns = ts.tv_sec * 1000000000LL + ts.tv_nsec;
	l->board->started_s = time(NULL);
	l->board->foreground = l->foreground;
	l->board->oom_score = read_oom_score();
	getrlimit(RLIMIT_NOFILE, &rl);
	l->board->nofile_cur = rl.rlim_cur;
	l->board->nofile_max = rl.rlim_max;
	getrlimit(RLIMIT_NPROC, &rl);
	l->board->nproc_cur = rl.rlim_cur;
	l->board->nproc_max = rl.rlim_max;
	return 0;
}

/* Programs of a daemon that was killed go on under this one. */
static void
adopt_programs(struct launch *l)
{
	char *path = xasprintf("%s/state", l->conf->main.rundir);
	size_t i;

	for (i = 0; i < l->conf->nprocs; i++)
		l->conf->procs[i].slot = (int32_t)i;
	l->board->found = adopt(path, l->conf, l->board, l->kept);
	l->h.fd[ROLE_STATE] = adopt_write(path, l->conf, l->board, l->kept);
	free(path);
}

static int
make_config(struct launch *l)
{
	struct buf b = BUF_INIT;

	atomic_store(&l->board->nslots, (uint32_t)l->conf->nprocs);
	config_encode(l->conf, &b);
	l->h.fd[ROLE_CONFIG] = loader_memfd(buf_head(&b), buf_len(&b));
	buf_clear(&b);
	if (l->h.fd[ROLE_CONFIG] == -1)
		log_warn("cannot store the configuration");
	return l->h.fd[ROLE_CONFIG] == -1 ? -1 : 0;
}

/* The file of this very program, for every later exec. */
static int
open_binary(struct launch *l)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n == -1) {
		log_warn("/proc/self/exe (is /proc mounted?)");
		return -1;
	}
	path[n] = '\0';
	str_copy(l->board->program, path, sizeof l->board->program);
	l->h.fd[ROLE_BINARY] = open(path, O_RDONLY | O_CLOEXEC);
	if (l->h.fd[ROLE_BINARY] == -1)
		log_warn("cannot open the program %s", path);
	return l->h.fd[ROLE_BINARY] == -1 ? -1 : 0;
}

/* supervisord's meaning: as many descriptors as that, or no start; ours goes
 * on with what there is. */
static void
check_limits(const struct launch *l)
{
	const struct conf_main *m = &l->conf->main;
	uint64_t need = 3 * (uint64_t)l->conf->nprocs + 64;

	if (m->minfds >= 0 && (uint64_t)m->minfds > l->board->nofile_max)
		log_warnx("warning: minfds = %lld is above the hard limit of "
		    "%llu open files; programs get that", (long long)m->minfds,
		    (unsigned long long)l->board->nofile_max);
	if (m->minprocs >= 0 && (uint64_t)m->minprocs > l->board->nproc_max)
		log_warnx("warning: minprocs = %lld is above the hard limit "
		    "of %llu processes; programs get that",
		    (long long)m->minprocs,
		    (unsigned long long)l->board->nproc_max);
	if (need > l->board->nofile_max)
		log_warnx("warning: %zu processes need %llu descriptors, the "
		    "hard limit is %llu; some will wait in BACKOFF",
		    l->conf->nprocs, (unsigned long long)need,
		    (unsigned long long)l->board->nofile_max);
}

/* --- becoming the keeper --- */

static int
drop_rights(const struct conf_user *u)
{
	if (!u->known || geteuid() != 0 || u->uid == 0)
		return 0;
	if (setgroups(u->ngroups, u->groups) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1 || setuid(0) != -1)
		return -1;
	return 0;
}

/* The first supervisor is executed while this process executes the keeper.
 * It starts nothing before the keeper is there and tells it to: until then
 * all of this can be taken back.  Without one the keeper starts it. */
static void
begin_supervisor(struct launch *l)
{
	sigset_t all;
	int pair[2];
	pid_t pid;

	if (launch_prepare(l->h.fd[ROLE_LISTENER]) == -1 ||
	    launch_link(l->h.fd, l->h.notify, pair) == -1)
		return;
	sigfillset(&all); /* those that are for the keeper, as it has them */
	sigprocmask(SIG_SETMASK, &all, NULL);
	l->board->keeper_pid = getpid();
	l->board->supervisor_starts = 1;
	pid = launch_supervisor(l->h.fd[ROLE_BINARY], pair[1],
	    l->board->oom_score);
	close(pair[1]);
	if (pid == -1) {
		l->board->keeper_pid = 0;
		l->board->supervisor_starts = 0;
		close(pair[0]);
		return;
	}
	l->h.link = pair[0];
	l->h.supervisor = pid;
}

static void
end_supervisor(const struct launch *l)
{
	if (l->h.supervisor == 0)
		return;
	kill(l->h.supervisor, SIGKILL);
	waitpid(l->h.supervisor, NULL, 0);
}

/* Does not return on success. */
static void
become_keeper(struct launch *l)
{
	const struct conf_main *m = &l->conf->main;
	const char *dir = m->directory != NULL ? m->directory :
	    m->foreign || l->foreground ? NULL : "/";

	umask((mode_t)m->umask);
	if (dir != NULL && chdir(dir) == -1) {
		log_warn("directory %s", dir);
		return;
	}
	if (write_pid(l) == -1) {
		log_warn("pidfile %s: cannot write", l->pidfile[0]);
		return;
	}
	if (drop_rights(&m->user) == -1) {
		log_warn("user %s: cannot become it", m->user.name);
		return;
	}
	begin_supervisor(l);
	handover_exec(&l->h, l->kept);
	log_warn("cannot execute the keeper");
	end_supervisor(l);
}

/* What the grandchild says on its way, until it is the keeper and keeps
 * silent: stderr is still the user's. */
static int
detach_stdio(void)
{
	int fd = open("/dev/null", O_RDWR), i;

	if (fd == -1)
		return -1;
	for (i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(fd, i) == -1)
			return -1;
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

/* The message goes through the pipe: the parent prints it. */
static int notify_fd = -1;

static void
log_to_parent(enum log_level level, const char *line)
{
	ssize_t n = write(notify_fd, line, strlen(line));

	(void)level;
	(void)n;
}

/* In the first child. */
static _Noreturn void
detach(struct launch *l)
{
	char text[32];
	int len;

	if (setsid() == -1)
		_exit(1);
	switch (fork()) {
	case 0:
		break;
	case -1:
		_exit(1);
	default:
		_exit(0);
	}
	notify_fd = l->h.notify;
	log_set_sink(log_to_parent);
	len = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (write(l->h.notify, text, (size_t)len) != len)
		_exit(1);
	/* Whoever reads what `start` says waits until nobody can write. */
	if (detach_stdio() == -1)
		log_warn("/dev/null");
	else
		become_keeper(l);
	_exit(1); /* the parent cleans up */
}

/* Reads what the daemon says: its pid, then a NUL byte when it serves, or the
 * reason why not. */
static int
await(int fd, const char *socket)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	char *why;

	while (len < sizeof text - 1) {
		n = read(fd, text + len, sizeof text - 1 - len);
		if (n == -1) { /* it lives, or there would be an end */
			usleep(10000);
			continue;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (text[len - 1] == '\0')
			break;
	}
	text[len] = '\0';
	why = strchr(text, '\n');
	if (why != NULL)
		*why++ = '\0';
	if (why != NULL && len > strlen(text) + 1 && text[len - 1] == '\0' &&
	    *why == '\0') {
		printf("mpsupd: started (pid %s), serving %s\n", text, socket);
		fflush(stdout);
		return 0;
	}
	log_warnx("the daemon could not start: %s", why != NULL && *why ?
	    why : "it ended without a word");
	return 1;
}

static int
launch_background(struct launch *l)
{
	int p[2];
	pid_t pid;

	fflush(NULL);
	if (pipe2(p, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_warn("cannot create a process");
		return 1;
	}
	l->h.notify = p[1];
	if (pid == 0)
		detach(l);
	close(p[1]);
	/* Whoever interrupts us now does not wait any more; the daemon begins
	 * all the same. */
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	return await(p[0], l->conf->main.socket);
}

/* --- all of it --- */

static struct launch launched;
static bool started; /* what it made is the daemon's now */

static int
load(struct launch *l)
{
	struct conf_msgs msgs = {0};
	struct conf_host host;
	size_t i;
	int r;

	confhost_init(&host);
	r = config_load(l->opts->file, &host, &l->conf, &msgs);
	for (i = 0; i < msgs.n; i++)
		cli_say_config(&msgs.v[i]);
	if (r == -1)
		log_warnx("configuration %s: %zu error%s; nothing is started",
		    l->opts->file, msgs.errors, msgs.errors == 1 ? "" : "s");
	conf_msgs_clear(&msgs);
	return r;
}

/* Nothing that whoever started us left open goes on to the daemon. */
static void
close_inherited(void)
{
	syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
}

/* Everything that the keeper is made of; said why when -1. */
static int
prepare(struct launch *l)
{
	if (make_board(l) == -1 || open_binary(l) == -1)
		return -1;
	check_limits(l);
	l->h.fd[ROLE_LISTENER] = bind_socket(l->conf);
	if (l->h.fd[ROLE_LISTENER] == -1)
		return -1;
	adopt_programs(l);
	return make_config(l);
}

static int
start(struct launch *l)
{
	int r;

	if (make_dirs(&l->conf->main) == -1)
		return CLI_FAILED;
	r = lock_all(l);
	if (r != 0)
		return r == 1 && l->opts->oknodo ? CLI_OK : CLI_FAILED;
	if (prepare(l) == -1)
		return CLI_FAILED;
	if (l->foreground)
		become_keeper(l); /* comes back only to fail */
	else if (launch_background(l) == 0)
		started = true;
	return started ? CLI_OK : CLI_FAILED;
}

/* However it ends, for want of memory too, but for SIGKILL: no socket or
 * pidfile without a daemon. */
static void
clean_up(void)
{
	if (!started && launched.conf != NULL)
		remove_paths(&launched);
}

/* Signals of people wait until there is somebody who obeys them: the keeper,
 * or nobody, and then nothing is left behind.  (As the first process of a
 * container we would not even get them.) */
static void
hold_signals(struct launch *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &l->mask);
	signal(SIGCHLD, SIG_DFL); /* ignored: children would end unseen */
}

int
daemon_start(const struct daemon_opts *opts)
{
	struct launch *l = &launched;
	int r;

	hold_signals(l);
	l->opts = opts;
	handover_init(&l->h);
	atexit(clean_up);
	close_inherited();
	r = CLI_USAGE;
	if (load(l) == 0) {
		l->foreground = opts->foreground || l->conf->main.nodaemon;
		r = start(l);
		clean_up();
		config_free(l->conf);
		l->conf = NULL;
		free(l->pidfile[0]);
		free(l->pidfile[1]);
	}
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	return r;
}
