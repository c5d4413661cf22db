/*
 * The keeper.  It must never fail, so it does little: no configuration, no
 * event library, no allocation after its start, no names, no log.
 *
 * It reaps.  It writes each end of a program to the board before it takes
 * the zombie away, and wakes the supervisor.  It holds the listening socket
 * and each program's output pipes, and gives them to the next supervisor when
 * one dies.  It passes on the signals that people send to the daemon.
 *
 * It never waits for the supervisor: sends do not block, and what did not fit
 * is sent when there is room.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "lib/board.h"
#include "lib/link.h"
#include "lib/sig.h"

extern char **environ;

#define MS 1000000LL
#define SEC (1000 * MS)
#define CRASH_DELAY (50 * MS) /* after the first death that was no SIGKILL */
#define CRASH_DELAY_MAX (5 * SEC)
#define CRASH_MEMORY (60 * SEC) /* so long without one forgets them */
#define EARLY_DEATHS 2000 /* kills before the first one serves */
#define KILLS_PER_SECOND 200 /* restarts at once, at most */

static struct {
	struct board *board;
	int board_fd, listener, config, binary, notify, sigfd;
	int link; /* -1: no supervisor */
	pid_t supervisor; /* 0: none */
	int64_t due; /* when the next one starts; 0: it runs */
	int64_t window; /* second in which `kills` counts */
	int kills; /* restarts after SIGKILL in that second */
	int crashes; /* other deaths in a row */
	int64_t last_crash;
	int early_deaths; /* before any supervisor served */
	bool served; /* a supervisor has served the socket */
	bool quitting;
	int exit_code;
	/* Progress of telling a new supervisor what is kept. */
	bool telling;
	uint32_t tell_next;
	int oom_score; /* of whoever started us; for the supervisor */
	sigset_t mask; /* empty */
	int kept[2 * BOARD_SLOTS]; /* fd + 1 by LINK_SLOT; 0: none */
} k;

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* --- words to the waiting `start` --- */

static void
notify_start(const char *text, size_t len)
{
	ssize_t n;

	if (k.notify == -1) {
		if (len > 1)
			n = write(STDERR_FILENO, text, len);
		return;
	}
	n = write(k.notify, text, len);
	(void)n; /* it may have gone; nothing depends on it */
	close(k.notify);
	k.notify = -1;
}

static void
give_up(const char *text)
{
	notify_start(text, strlen(text));
	k.quitting = true;
	k.exit_code = 1;
}

/* --- the supervisor's start and what it is told --- */

static void
tell_kept(void)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_KEPT};
	int fds[LINK_FDS];
	uint32_t i, nslots = atomic_load(&k.board->nslots);

	if (nslots > BOARD_SLOTS)
		nslots = BOARD_SLOTS;
	while (k.tell_next < 2 * nslots) {
		m.n = 0;
		for (i = k.tell_next; i < 2 * nslots && m.n < LINK_FDS; i++)
			if (k.kept[i] != 0) {
				m.slot[m.n] = i;
				fds[m.n++] = k.kept[i] - 1;
			}
		if (m.n > 0 && link_send(k.link, &m, fds, m.n) == -1)
			return;
		k.tell_next = i;
	}
	m.type = LINK_READY;
	m.n = 0;
	if (link_send(k.link, &m, NULL, 0) == 0)
		k.telling = false;
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return;
	n = write(fd, text, strlen(text));
	(void)n; /* not allowed: the default stays */
	close(fd);
}

static int
read_oom_score(void)
{
	char buf[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	int v = 0, sign = 1;
	char *p = buf;

	if (fd == -1)
		return 0;
	if (read(fd, buf, sizeof buf - 1) > 0) {
		if (*p == '-') {
			sign = -1;
			p++;
		}
		for (; *p >= '0' && *p <= '9'; p++)
			v = v * 10 + (*p - '0');
	}
	close(fd);
	return sign * v;
}

/* In the new process; does not return. */
static void
become_supervisor(int link)
{
	char *argv[] = {(char[]){SUPERVISOR_TITLE}, NULL};
	char path[32], score[16];

	snprintf(score, sizeof score, "%d", k.oom_score);
	write_file("/proc/self/oom_score_adj", score);
	snprintf(path, sizeof path, "/proc/self/fd/%d", k.binary);
	if (link == HANDOVER_FD)
		fcntl(link, F_SETFD, 0);
	else
		dup2(link, HANDOVER_FD);
	sigprocmask(SIG_SETMASK, &k.mask, NULL);
	execve(path, argv, environ);
	_exit(127);
}

static void
start_supervisor(void)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_HELLO};
	int pair[2], fds[3] = {k.listener, k.config, k.board_fd};

	k.due = now_ns() + CRASH_DELAY; /* if it fails here: again then */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	/* Everything it needs is in the socket before it exists. */
	m.arg = (int32_t)k.board->supervisor_starts;
	if (link_send(pair[0], &m, fds, 3) == -1)
		goto fail;
	k.supervisor = fork();
	if (k.supervisor == 0)
		become_supervisor(pair[1]);
	if (k.supervisor == -1) {
		k.supervisor = 0;
		goto fail;
	}
	close(pair[1]);
	k.due = 0;
	k.link = pair[0];
	k.board->supervisor_starts++;
	atomic_store(&k.board->wake, 0);
	atomic_store(&k.board->supervisor_pid, k.supervisor);
	k.telling = true;
	k.tell_next = 0;
	tell_kept();
	return;
fail:
	close(pair[0]);
	close(pair[1]);
}

/* --- what the supervisor says --- */

static void
drop_kept(uint32_t i)
{
	if (k.kept[i] != 0)
		close(k.kept[i] - 1);
	k.kept[i] = 0;
}

static void
handle_msg(const struct link_msg *m, const int *fds, size_t nfds)
{
	size_t i, used = 0;

	switch (m->type) {
	case LINK_KEEP:
		for (i = 0; i < m->n && i < nfds; i++) {
			if (m->slot[i] >= 2 * BOARD_SLOTS)
				break;
			drop_kept(m->slot[i]);
			k.kept[m->slot[i]] = fds[i] + 1;
			used = i + 1;
		}
		break;
	case LINK_DROP:
		if (m->n == 1 && m->slot[0] < 2 * BOARD_SLOTS) {
			drop_kept(m->slot[0] & ~1u);
			drop_kept(m->slot[0] | 1u);
		}
		break;
	case LINK_CONFIG:
		if (nfds == 1) {
			close(k.config);
			k.config = fds[0];
			used = 1;
		}
		break;
	case LINK_SERVING:
		k.served = true;
		notify_start("", 1);
		break;
	case LINK_FAILED:
		if (!k.served && memchr(m->text, '\0', LINK_TEXT) != NULL)
			give_up(m->text);
		break;
	case LINK_QUIT:
		k.quitting = true;
		k.exit_code = m->arg;
		break;
	}
	for (i = used; i < nfds; i++)
		close(fds[i]);
}

/* Takes all that is queued.  Packets outlive the process that sent them. */
static void
drain_link(void)
{
	struct link_msg m;
	int fds[LINK_FDS], r;
	size_t nfds;

	if (k.link == -1)
		return;
	while ((r = link_recv(k.link, &m, fds, &nfds)) == 1 ||
	    (r == -1 && errno == EPROTO))
		if (r == 1)
			handle_msg(&m, fds, nfds);
	if (r == 0 || errno != EAGAIN) {
		close(k.link);
		k.link = -1;
		k.telling = false;
		/* Without the link it is of no use. */
		if (k.supervisor != 0)
			kill(k.supervisor, SIGKILL);
	}
}

/* --- deaths --- */

static int64_t
delay_after(int status, int64_t now)
{
	int64_t delay;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		if (now - k.window >= SEC) {
			k.window = now;
			k.kills = 0;
		}
		return ++k.kills <= KILLS_PER_SECOND ? 0 :
		    SEC / KILLS_PER_SECOND;
	}
	if (now - k.last_crash > CRASH_MEMORY)
		k.crashes = 0;
	k.last_crash = now;
	delay = CRASH_DELAY << k.crashes;
	if (k.crashes < 7)
		k.crashes++;
	return delay < CRASH_DELAY_MAX ? delay : CRASH_DELAY_MAX;
}

static void
supervisor_died(int status)
{
	int64_t now = now_ns();

	k.supervisor = 0;
	drain_link();
	if (k.link != -1)
		close(k.link);
	k.link = -1;
	k.telling = false;
	k.board->supervisor_status = status;
	atomic_store(&k.board->supervisor_pid, 0);
	if (k.quitting)
		return;
	if (!k.served && (++k.early_deaths > EARLY_DEATHS ||
	    !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))) {
		char text[96];

		snprintf(text, sizeof text,
		    "the supervisor ended before it served (%s %d)",
		    WIFSIGNALED(status) ? "signal" : "exit code",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
		give_up(text);
		return;
	}
	k.due = now + delay_after(status, now);
}

static void
wake_supervisor(void)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_WAKE};

	/* A full socket holds packets that wake it as well. */
	if (k.link != -1 && atomic_exchange(&k.board->wake, 1) == 0)
		link_send(k.link, &m, NULL, 0);
}

/* Slot of a living child, or BOARD_SLOTS. */
static uint32_t
find_slot(pid_t pid)
{
	uint32_t i, n = atomic_load(&k.board->nslots);

	for (i = 0; i < n && i < BOARD_SLOTS; i++)
		if (atomic_load_explicit(&k.board->pid[i],
		    memory_order_relaxed) == pid)
			return i;
	return BOARD_SLOTS;
}

static int
wait_status(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED)
		return (si->si_status & 0xff) << 8;
	return (si->si_status & 0x7f) |
	    (si->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* The end is on the board before the zombie is gone: whenever the supervisor
 * or the keeper itself is interrupted, nothing is forgotten. */
static void
record_end(uint32_t slot, const siginfo_t *si)
{
	struct board_end *e = &k.board->end[slot];

	e->status = wait_status(si);
	e->pid = si->si_pid;
	e->at_ns = now_ns();
	e->gen = atomic_load(&k.board->gen[slot]);
	atomic_store(&k.board->pid[slot], 0);
	atomic_fetch_or(&k.board->ended[slot / 64],
	    UINT64_C(1) << (slot % 64));
}

/* Job control: who is held by which signal. */
static void
note_stops(void)
{
	siginfo_t si;
	uint32_t slot;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WSTOPPED | WCONTINUED | WNOHANG) ==
		    -1 || si.si_pid == 0)
			return;
		slot = find_slot(si.si_pid);
		if (slot < BOARD_SLOTS)
			atomic_store(&k.board->stopped[slot],
			    si.si_code == CLD_CONTINUED ? 0 :
			    (uint8_t)si.si_status);
	}
}

static void
reap(void)
{
	note_stops();
	for (;;) {
		siginfo_t si = {.si_pid = 0};
		uint32_t slot;
		int status;

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0)
			break;
		slot = si.si_pid == k.supervisor ? BOARD_SLOTS :
		    find_slot(si.si_pid);
		if (slot < BOARD_SLOTS) {
			record_end(slot, &si);
			wake_supervisor();
		}
		if (waitpid(si.si_pid, &status, 0) == si.si_pid &&
		    si.si_pid == k.supervisor)
			supervisor_died(status);
	}
}

/* --- signals from people --- */

static void
handle_signals(void)
{
	struct signalfd_siginfo si;

	while (read(k.sigfd, &si, sizeof si) == sizeof si) {
		if (si.ssi_signo == SIGCHLD)
			continue; /* many children, one signal: reap() looks */
		/* On the board: it must outlive a supervisor, and a stop is
		 * for all of them. */
		atomic_fetch_or(&k.board->signals,
		    UINT64_C(1) << si.ssi_signo);
		if (si.ssi_signo != SIGHUP && si.ssi_signo != SIGUSR2)
			atomic_store(&k.board->stopping, 1);
		wake_supervisor();
	}
}

/* --- start --- */

static int
take_fd(int32_t fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static bool
read_handover(void)
{
	struct handover h;
	struct handover_kept e;

	if (read(HANDOVER_FD, &h, sizeof h) != sizeof h ||
	    h.magic != HANDOVER_MAGIC || h.version != HANDOVER_VERSION)
		return false;
	k.listener = take_fd(h.listener);
	k.config = take_fd(h.config);
	k.board_fd = take_fd(h.board);
	k.binary = take_fd(h.binary);
	k.notify = take_fd(h.notify);
	take_fd(h.pidfile[0]);
	take_fd(h.pidfile[1]);
	while (h.nkept-- > 0) {
		if (read(HANDOVER_FD, &e, sizeof e) != sizeof e ||
		    e.slot >= BOARD_SLOTS)
			return false;
		k.kept[LINK_SLOT(e.slot, 0)] = take_fd(e.fd[0]) + 1;
		k.kept[LINK_SLOT(e.slot, 1)] = take_fd(e.fd[1]) + 1;
	}
	close(HANDOVER_FD);
	k.board = board_map(k.board_fd);
	return k.board != NULL;
}

/* Nothing inherited stays: each signal is either read here or harmless. */
static bool
setup_signals(void)
{
	sigset_t set;

	signals_default();
	sigemptyset(&k.mask);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	k.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k.sigfd != -1;
}

static int
poll_timeout(void)
{
	int64_t left;

	if (k.due == 0)
		return -1;
	left = k.due - now_ns();
	return left <= 0 ? 0 : (int)(left / MS) + 1;
}

static void
turn(void)
{
	struct pollfd pfd[2] = {
		{.fd = k.sigfd, .events = POLLIN},
		{.fd = k.link,
		    .events = (short)(POLLIN | (k.telling ? POLLOUT : 0))},
	};

	if (poll(pfd, 2, poll_timeout()) == -1 && errno != EINTR)
		return;
	handle_signals();
	reap();
	if (k.link != -1 && (pfd[1].revents & (POLLIN | POLLHUP)) != 0)
		drain_link();
	if (k.link != -1 && k.telling)
		tell_kept();
	if (k.due != 0 && !k.quitting && now_ns() >= k.due)
		start_supervisor();
}

int
keeper_main(void)
{
	static const char bad[] = "mpsupd: keeper: bad handover; it is "
	    "started by `mpsupd start` only\n";
	struct rlimit rl;

	k.notify = -1;
	if (!read_handover() || !setup_signals()) {
		notify_start(bad, sizeof bad - 1);
		return 1;
	}
	prctl(PR_SET_NAME, "mpsupd");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	k.oom_score = read_oom_score();
	write_file("/proc/self/oom_score_adj", "-1000");
	/* From here on the peer that clients see is this process. */
	if (listen(k.listener, SOMAXCONN) == -1) {
		give_up("cannot listen on the control socket");
		return k.exit_code;
	}
	k.board->keeper_pid = getpid();
	k.link = -1;
	start_supervisor();
	while (!(k.quitting && k.supervisor == 0))
		turn();
	return k.exit_code;
}
