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
 * is sent when there is room.  A supervisor that shows no sign of life is
 * ended; one that crashes again and again is started in safe mode.
 *
 * It is replaced in two ways, and the new one starts from the same handover
 * (handover.c): by itself in an upgrade, with its children; by the supervisor
 * if it was killed, and then what runs is no child of the new one (orphans.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keeper/crash.h"
#include "keeper/handover.h"
#include "keeper/keeper.h"
#include "keeper/launch.h"
#include "keeper/offer.h"
#include "keeper/orphans.h"
#include "keeper/reap.h"
#include "lib/board.h"
#include "lib/link.h"
#include "lib/sig.h"

extern char **environ;

#define MS 1000000LL
#define SEC (1000 * MS)
#define EARLY_DEATHS 2000 /* kills before the first one serves */
#define WATCHDOG (10 * SEC) /* without a sign of life */
#define PING (WATCHDOG / 2) /* without one: ask for it */
#define LATE (2 * SEC) /* we were kept from running ourselves */
#define ABORT_TIME (1 * SEC) /* from SIGABRT to SIGKILL */
#define CHECK_TIME (5 * SEC) /* for a new program to answer */
#define RETRY (100 * MS) /* of what lacked a descriptor, or its parent */
#define SOON (10 * MS) /* after a call that failed for want of memory */
#define NOTIFY_TRIES 100
#define OOM_NEVER (-1000) /* as oom_score_adj */
#define SIGNALS 8 /* more than setup_signals() asks for */

static struct {
	struct board *board;
	int fd[LINK_ROLES]; /* what the daemon is made of */
	int notify, sigfd, orphans;
	int link; /* -1: no supervisor */
	pid_t supervisor; /* 0: none */
	int64_t due; /* when the next one starts; 0: it runs */
	struct crashes crashes; /* of supervisors */
	int early_deaths; /* before any supervisor served */
	bool served; /* a supervisor has served the socket */
	bool begun; /* `start` has begun the first one */
	bool again; /* the supervisor asked for a fresh start */
	bool quitting;
	int exit_code;
	int64_t beat_due; /* when to look for its sign of life */
	int64_t grace; /* silence before this does not count */
	int64_t kill_due; /* it was aborted: when it is killed; 0: no */
	int64_t retry; /* when orphans_take() is called again; 0: never */
	int64_t offer_due; /* when offer_hurry() is called; 0: never */
	int64_t soon; /* when what could not be done is tried again; 0: no */
	bool unsaid; /* ... a wake-up */
	const char *answer; /* ... about an offer; NULL: none */
	/* Progress of telling a new supervisor what is kept. */
	bool telling;
	uint32_t tell_next;
	int kept[HANDOVER_KEPT]; /* fd + 1 by LINK_SLOT; 0: none */
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
forget_start(void)
{
	if (k.notify != -1)
		close(k.notify);
	k.notify = -1;
}

/* In the foreground nobody waits: it goes to stderr. */
static void
notify_start(const char *text)
{
	static const struct timespec pause = {.tv_nsec = SOON};
	char line[LINK_TEXT + 16];
	size_t len = strlen(text);
	int fd = k.notify, tries = NOTIFY_TRIES;

	if (fd == -1) {
		len = (size_t)snprintf(line, sizeof line, "mpsupd: %.*s\n",
		    LINK_TEXT, text);
		text = line;
		fd = STDERR_FILENO;
	}
	/* Without it `start` would take us for dead; but it may have gone. */
	while (write(fd, text, len) == -1 && errno != EPIPE && --tries > 0)
		nanosleep(&pause, NULL);
	forget_start();
}

static void
give_up(const char *text)
{
	notify_start(text);
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
	while (k.tell_next < KEPT_PER_SLOT * nslots) {
		m.n = 0;
		for (i = k.tell_next; i < KEPT_PER_SLOT * nslots && m.n < LINK_FDS; i++)
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
drop_link(void)
{
	if (k.link != -1)
		close(k.link);
	k.link = -1;
	k.telling = false;
}

/* From its birth on it is watched. */
static void
watch_supervisor(void)
{
	k.due = 0;
	atomic_store(&k.board->supervisor_pid, k.supervisor);
	k.grace = now_ns();
	k.beat_due = k.grace + PING;
}

/* Tried again, unless `start` waits for the first one. */
static void
cannot_start(const char *lacks)
{
	char text[96];

	snprintf(text, sizeof text, "there is no %s", lacks);
	if (!k.served)
		give_up(text);
}

static void
start_supervisor(void)
{
	int pair[2];

	k.due = now_ns() + RETRY; /* if it fails here: again then */
	if (launch_link(k.fd, k.notify, pair) == -1) {
		cannot_start("descriptor or memory for the supervisor's link");
		return;
	}
	k.link = pair[0];
	k.telling = true;
	k.tell_next = 0;
	tell_kept();
	k.board->supervisor_starts++;
	atomic_store(&k.board->wake, 0);
	k.supervisor = launch_supervisor(k.fd[ROLE_BINARY], pair[1],
	    k.board->oom_score);
	close(pair[1]);
	if (k.supervisor == -1) {
		k.supervisor = 0;
		drop_link();
		cannot_start("process or memory for the supervisor");
		return;
	}
	watch_supervisor();
}

static void
wake_supervisor(void)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_WAKE};

	k.unsaid = false;
	if (k.link == -1 || atomic_exchange(&k.board->wake, 1) != 0)
		return;
	if (link_send(k.link, &m, NULL, 0) == -1) {
		atomic_store(&k.board->wake, 0);
		k.unsaid = true;
		k.soon = now_ns() + SOON;
	}
}

/* A heart that beats at least every PING, because it is asked to, and does
 * not for WATCHDOG.  Time in which we did not run either (a suspended or
 * overloaded machine) counts for nobody. */
static void
watch_beat(void)
{
	int64_t now = now_ns(), beat, silence;

	if (k.supervisor == 0)
		return;
	if (k.kill_due != 0) {
		if (now >= k.kill_due) {
			k.kill_due = now + ABORT_TIME;
			kill(k.supervisor, SIGKILL);
		}
		return;
	}
	if (now < k.beat_due)
		return;
	if (now - k.beat_due > LATE)
		k.grace = now;
	beat = atomic_load(&k.board->beat_ns);
	if (beat < k.grace)
		beat = k.grace;
	silence = now - beat;
	if (silence >= WATCHDOG) {
		k.kill_due = now + ABORT_TIME;
		kill(k.supervisor, SIGABRT);
		kill(k.supervisor, SIGCONT); /* a stopped one dies, too */
		return;
	}
	k.beat_due = beat + (silence >= PING ? WATCHDOG : PING);
	if (silence >= PING)
		wake_supervisor();
}

/* --- an upgrade --- */

static void
fill_handover(struct handover *h)
{
	handover_init(h);
	memcpy(h->fd, k.fd, sizeof h->fd);
	h->notify = k.notify;
	h->link = k.link;
	h->supervisor = k.supervisor;
	h->previous = k.fd[ROLE_BINARY];
}

static void
send_answer(void)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_CHECKED};

	snprintf(m.text, sizeof m.text, "%s", k.answer);
	if (k.link != -1 && link_send(k.link, &m, NULL, 0) == -1)
		k.soon = now_ns() + SOON;
	else
		k.answer = NULL;
}

/* WHY: a literal. */
static void
tell_checked(const char *why)
{
	k.answer = why;
	send_answer();
}

static void
check_offer(int fd)
{
	struct handover h;

	fill_handover(&h);
	k.offer_due = now_ns() + CHECK_TIME;
	if (offer_ask(fd, &h, k.kept) == -1)
		tell_checked("no memory or process for asking it");
}

/* This process goes on as the program that was offered, with its children.
 * The supervisor of the old program is killed by the new keeper. */
static void
upgrade(void)
{
	struct handover h;
	int fd = offer_take();

	if (fd == -1)
		return;
	fill_handover(&h);
	h.fd[ROLE_BINARY] = fd;
	handover_exec(&h, k.kept);
	/* Not executed: the old program goes on, as it was. */
	memcpy(k.fd, h.fd, sizeof k.fd);
	k.fd[ROLE_BINARY] = h.previous;
	k.notify = h.notify;
	k.link = h.link;
	close(h.fd[ROLE_BINARY]);
	tell_checked("it could not be executed");
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
			if (m->slot[i] >= HANDOVER_KEPT)
				break;
			drop_kept(m->slot[i]);
			k.kept[m->slot[i]] = fds[i] + 1;
			used = i + 1;
		}
		break;
	case LINK_DROP:
		for (i = 0; i < m->n && i < LINK_FDS; i++)
			if (m->slot[i] < HANDOVER_KEPT)
				drop_kept(m->slot[i]);
		break;
	case LINK_CONFIG:
		if (nfds == 1) {
			close(k.fd[ROLE_CONFIG]);
			k.fd[ROLE_CONFIG] = fds[0];
			used = 1;
		}
		break;
	case LINK_OFFER:
		if (nfds == 1) {
			check_offer(fds[0]);
			used = 1;
		}
		break;
	case LINK_UPGRADE:
		upgrade();
		break;
	case LINK_AGAIN:
		k.again = true;
		break;
	case LINK_SERVING: /* it has told `start` itself */
		k.served = true;
		forget_start();
		break;
	case LINK_FAILED:
		if (k.served || memchr(m->text, '\0', LINK_TEXT) == NULL)
			break;
		if (k.notify != -1) /* else its log has said it */
			notify_start(m->text);
		k.quitting = true;
		k.exit_code = 1;
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
	if (r != 0)
		return; /* whatever it was, poll(2) says when to look again */
	/* Without the link it is of no use.  It dies before it sees the end
	 * of ours, for which it would take our place. */
	if (k.supervisor != 0)
		kill(k.supervisor, SIGKILL);
	drop_link();
}

/* --- deaths --- */

static int64_t
delay_after(int status, int64_t now)
{
	bool safe = false;
	int64_t delay;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	    !k.board->hung)
		return crash_killed(&k.crashes, now);
	delay = crash_noted(&k.crashes, now, &safe);
	k.board->safe |= safe;
	return delay;
}

static void
supervisor_died(int status)
{
	int64_t now = now_ns();

	k.supervisor = 0;
	k.board->hung = k.kill_due != 0;
	k.kill_due = 0;
	drain_link();
	drop_link();
	offer_forget(); /* whoever made it */
	k.answer = NULL;
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
	if (k.again) {
		memset(&k.crashes, 0, sizeof k.crashes);
		k.board->safe = 0;
		k.due = now;
	} else {
		k.due = now + delay_after(status, now);
	}
	k.again = false;
}

/* A child that is no program. */
static void
other_ended(pid_t pid, int status)
{
	const char *why;

	if (pid == k.supervisor)
		supervisor_died(status);
	else if ((why = offer_answer(pid, status)) != NULL)
		tell_checked(why);
}

/* --- signals from people --- */

static void
handle_signal(uint32_t signo)
{
	if (signo == SIGCHLD) {
		reap_soon(); /* many children, one signal */
		return;
	}
	/* On the board: it must outlive a supervisor, and a stop is for all of
	 * them. */
	atomic_fetch_or(&k.board->signals, UINT64_C(1) << signo);
	if (signo != SIGHUP && signo != SIGUSR2)
		atomic_fetch_or(&k.board->stopping, 1);
	wake_supervisor();
}

/* There are fewer kinds than SIGNALS: one read takes all that is pending. */
static void
handle_signals(void)
{
	struct signalfd_siginfo si[SIGNALS];
	ssize_t n = read(k.sigfd, si, sizeof si), i;

	for (i = 0; i < n / (ssize_t)sizeof si[0]; i++)
		handle_signal(si[i].ssi_signo);
}

/* --- start --- */

static bool
read_handover(void)
{
	struct handover h;

	if (!handover_read(HANDOVER_FD, &h, k.kept) ||
	    (k.board = board_map(h.fd[ROLE_BOARD])) == NULL) {
		/* An upgrade to a program that promised too much. */
		if (h.magic == HANDOVER_MAGIC && h.previous >= 0) {
			char *argv[] = {(char[]){KEEPER_TITLE}, NULL};

			lseek(HANDOVER_FD, 0, SEEK_SET);
			syscall(SYS_execveat, h.previous, "", argv, environ,
			    AT_EMPTY_PATH);
		}
		return false;
	}
	/* HANDOVER_FD stays: its number is free for the next handover. */
	fcntl(HANDOVER_FD, F_SETFD, FD_CLOEXEC);
	memcpy(k.fd, h.fd, sizeof k.fd);
	if (h.previous != -1)
		close(h.previous);
	k.notify = h.notify;
	k.link = h.link;
	k.supervisor = h.supervisor;
	k.begun = h.supervisor != 0 && h.previous == -1;
	k.served = k.notify == -1 && k.board->keeper_pid != 0 && !k.begun;
	return true;
}

/* Nothing inherited stays: each signal is either read here or harmless. */
static bool
setup_signals(void)
{
	sigset_t set;

	signals_default();
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
	const int64_t at[] = {
		k.quitting ? 0 : k.due,
		k.supervisor == 0 ? 0 : k.kill_due != 0 ? k.kill_due :
		    k.beat_due,
		k.offer_due,
		k.retry,
		k.soon,
	};
	int64_t first = 0, left;
	size_t i;

	for (i = 0; i < sizeof at / sizeof at[0]; i++)
		if (at[i] != 0 && (first == 0 || at[i] < first))
			first = at[i];
	if (first == 0)
		return -1;
	left = first - now_ns();
	return left <= 0 ? 0 : (int)(left / MS) + 1;
}

/* What a call could not do; reap() is called in each turn. */
static void
try_again(void)
{
	k.soon = 0;
	if (k.unsaid)
		wake_supervisor();
	if (k.answer != NULL)
		send_answer();
}

static void
do_what_is_due(void)
{
	int64_t now = now_ns();

	watch_beat();
	if (k.soon != 0 && now >= k.soon)
		try_again();
	if (k.offer_due != 0 && now >= k.offer_due) {
		k.offer_due = 0;
		offer_hurry();
	}
	if (k.retry != 0 && now >= k.retry)
		k.retry = orphans_take() > 0 ? now + RETRY : 0;
	if (k.due != 0 && !k.quitting && now >= k.due)
		start_supervisor();
}

static void
turn(void)
{
	struct pollfd pfd[] = {
		{.fd = k.sigfd, .events = POLLIN},
		{.fd = k.orphans, .events = POLLIN},
		{.fd = k.link,
		    .events = (short)(POLLIN | (k.telling ? POLLOUT : 0))},
	};

	if (poll(pfd, 3, poll_timeout()) == -1 && errno != EINTR)
		return;
	handle_signals();
	if (!reap())
		k.soon = now_ns() + SOON;
	if (pfd[1].revents != 0 && orphans_turn() > 0 && k.retry == 0)
		k.retry = now_ns() + RETRY;
	if (k.link != -1 && (pfd[2].revents & (POLLIN | POLLHUP)) != 0)
		drain_link();
	if (k.link != -1 && k.telling)
		tell_kept();
	do_what_is_due();
}

/* The pid of whoever is the keeper now, for people and scripts. */
static void
write_pidfiles(void)
{
	char text[16];
	int i, len = snprintf(text, sizeof text, "%d\n", (int)getpid());

	for (i = ROLE_PIDFILE; i <= ROLE_PIDFILE2; i++)
		if (k.fd[i] != -1 && (ftruncate(k.fd[i], 0) == -1 ||
		    pwrite(k.fd[i], text, (size_t)len, 0) != len))
			continue; /* it informs, nothing depends on it */
}

/* This process is the keeper from now on, whoever was it before. */
static void
take_office(void)
{
	struct board *b = k.board;
	bool is_new = b->keeper_pid != getpid();

	if (b->keeper_pid != 0 && is_new) {
		b->promotions++;
		b->supervisor_status = SIGKILL; /* became this process */
		orphans_mark();
	}
	b->keeper_pid = getpid();
	k.retry = now_ns(); /* when there is a supervisor: it takes longer */
	if (k.begun) { /* it waits for our word */
		k.telling = true;
		tell_kept();
		watch_supervisor();
	} else if (k.supervisor != 0) { /* the old one served until now */
		b->upgrades++;
		kill(k.supervisor, SIGKILL);
	} else {
		drop_link(); /* it died in that moment */
		start_supervisor();
	}
	/* Last: whoever kills this process knows it from there, and by then
	 * it has a successor. */
	if (is_new)
		write_pidfiles();
}

int
keeper_main(void)
{
	static const char bad[] = "keeper: bad handover; it is started by "
	    "`mpsupd start` only";

	k.notify = k.link = -1;
	if (!read_handover() || !setup_signals()) {
		notify_start(bad);
		return 1;
	}
	prctl(PR_SET_NAME, "mpsupd");
	launch_oom_score(OOM_NEVER);
	k.orphans = orphans_init(k.board, reap_record);
	if (k.orphans == -1 || launch_prepare(k.fd[ROLE_LISTENER]) == -1) {
		give_up("cannot listen on the control socket");
		return k.exit_code;
	}
	reap_init(k.board, wake_supervisor, other_ended);
	reap_soon(); /* one may have ended before signals were read */
	take_office();
	while (!(k.quitting && k.supervisor == 0))
		turn();
	return k.exit_code;
}
