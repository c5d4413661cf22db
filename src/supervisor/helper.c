/* Commands by the way; see helper.h. */
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/helper.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

#define ROUNDS 4 /* of looking for who forked while we looked */
#define NUMBERS_MAX 4096 /* of pids tried one by one; more: /proc is read */
#define CYCLE_S 2. /* in so short a time not all numbers are given once */
#define KILL_PATIENCE 1. /* seconds from SIGKILL to telling without an end */
#define STUCK_MAX 64 /* that do not die; then no more are started */

struct helper {
	struct supervisor *sup;
	helper_fn *done; /* NULL: cancelled */
	void *arg;
	pid_t pid; /* a child of ours, not waited for yet: also the number of
		    * its group and session, and nobody else's */
	ev_tstamp since;
	bool timed_out;
	bool stuck; /* told already, counted in sup->nstuck */
	ev_io io; /* pidfd: readable at its end */
	ev_timer timer;
	LIST_ENTRY(helper) entry;
};

/* --- what it leaves behind --- */

/* Kills PID if it is of SESSION.  The descriptor is opened first and the
 * session asked then, so it is not one that got the number meanwhile. */
static bool
kill_of_session(pid_t pid, pid_t session)
{
	int fd;

	if (pid == session || getsid(pid) != session)
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd == -1)
		return false;
	if (getsid(pid) == session)
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
	return true;
}

/* The number that was given last in our pid namespace; 0: unknown. */
static pid_t
last_pid(void)
{
	char line[128] = "", *p;
	FILE *f = fopen("/proc/loadavg", "re");
	int64_t n = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p = strrchr(line, ' ');
		if (p == NULL || !str_to_int(p + 1, 1, INT32_MAX, &n))
			n = 0;
	}
	fclose(f);
	return (pid_t)n;
}

/* All processes: kills those of the session of H, or, H NULL, of any helper's.
 * Returns how many there were. */
static unsigned
kill_in_proc(struct supervisor *sup, const struct helper *h)
{
	const struct helper *it, *first = LIST_FIRST(&sup->helpers);
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;
	int64_t pid;
	pid_t session;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (!str_to_int(e->d_name, 1, INT32_MAX, &pid))
			continue;
		session = getsid((pid_t)pid);
		for (it = h != NULL ? h : first; it != NULL;
		    it = h != NULL ? NULL : LIST_NEXT(it, entry))
			if (it->pid == session)
				n += kill_of_session((pid_t)pid, session);
	}
	closedir(d);
	return n;
}

/*
 * Who belongs to the session of H but has left its process group.  Numbers are
 * given in ascending order: a descendant has one between its leader's and the
 * last one given.  That is a handful for a short command; if it is more, or
 * they may have begun anew from the lowest, all that exist are asked.
 */
static unsigned
kill_session(const struct helper *h)
{
	pid_t last = last_pid(), pid;
	unsigned n = 0;

	if (last < h->pid || last - h->pid > NUMBERS_MAX ||
	    ev_now(h->sup->loop) - h->since > CYCLE_S)
		return kill_in_proc(h->sup, h);
	for (pid = h->pid + 1; pid <= last; pid++)
		n += kill_of_session(pid, h->pid);
	return n;
}

/* H has ended and is not reaped, so its number is still its session's. */
static void
kill_rest(const struct helper *h)
{
	int i;

	kill(-h->pid, SIGKILL);
	for (i = 0; i < ROUNDS && kill_session(h) > 0; i++)
		;
}

/* --- its life --- */

static void
helper_free(struct helper *h)
{
	ev_timer_stop(h->sup->loop, &h->timer);
	ev_io_stop(h->sup->loop, &h->io);
	close(h->io.fd);
	h->sup->nstuck -= h->stuck;
	LIST_REMOVE(h, entry);
	free(h);
}

static void
on_end(struct ev_loop *loop, ev_io *w, int revents)
{
	struct helper *h = w->data;
	helper_fn *done = h->done;
	void *arg = h->arg;
	bool timed_out = h->timed_out;
	siginfo_t si = {.si_pid = 0};
	int status = 0;

	watch_again(loop, w, revents);
	if (waitid(P_PID, (id_t)h->pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    -1 || si.si_pid != h->pid)
		return;
	kill_rest(h);
	waitpid(h->pid, &status, 0);
	helper_free(h);
	if (done != NULL)
		done(arg, status, timed_out);
}

/* The kernel does not let it die (a dead network file system): whoever waits
 * is told all the same. */
static void
on_stuck(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct helper *h = w->data;
	helper_fn *done = h->done;

	(void)loop;
	(void)revents;
	log_warnx("a command that took too long, pid %d, survives SIGKILL",
	    (int)h->pid);
	h->stuck = true;
	h->sup->nstuck++;
	h->done = NULL;
	if (done != NULL)
		done(h->arg, SIGKILL, true);
}

static void
kill_now(struct helper *h)
{
	kill(-h->pid, SIGKILL);
	ev_timer_stop(h->sup->loop, &h->timer);
	ev_set_cb(&h->timer, on_stuck);
	ev_now_update(h->sup->loop);
	ev_timer_set(&h->timer, KILL_PATIENCE, 0.);
	ev_timer_start(h->sup->loop, &h->timer);
}

static void
on_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct helper *h = w->data;

	(void)loop;
	(void)revents;
	h->timed_out = true;
	kill_now(h);
}

static pid_t
run(struct supervisor *sup, const struct helper_spec *spec, int *ret_pidfd)
{
	int out = spec->out == -1 ? sup->devnull : spec->out;
	const int fds[3] = {sup->devnull, out, out};
	struct spawn_command cmd = {
		.c = spec->as_daemon ? NULL : spec->c,
		.argv = spec->argv,
		.env = spec->env,
		.nenv = spec->nenv,
		.fds = fds,
		.nice = spec->nice,
	};
	struct spawn_result r;

	spawn_command(&sup->conf->main, sup->board, &cmd, ret_pidfd, &r);
	errno = r.err;
	return r.pid;
}

struct helper *
helper_start(struct supervisor *sup, const struct helper_spec *spec,
    helper_fn *done, void *arg)
{
	struct helper *h;
	int pidfd = -1;
	pid_t pid;

	errno = EAGAIN;
	if (sup->nstuck >= STUCK_MAX ||
	    (pid = run(sup, spec, &pidfd)) == 0)
		return NULL;
	h = xcalloc(1, sizeof *h);
	h->sup = sup;
	h->done = done;
	h->arg = arg;
	h->pid = pid;
	ev_io_init(&h->io, on_end, pidfd, EV_READ);
	h->io.data = h;
	ev_io_start(sup->loop, &h->io);
	ev_init(&h->timer, on_timeout);
	h->timer.data = h;
	ev_now_update(sup->loop);
	h->since = ev_now(sup->loop);
	if (spec->timeout_s > 0) {
		ev_timer_set(&h->timer, spec->timeout_s, 0.);
		ev_timer_start(sup->loop, &h->timer);
	}
	LIST_INSERT_HEAD(&sup->helpers, h, entry);
	return h;
}

bool
helper_is_short(int err)
{
	return err == EAGAIN || err == EMFILE || err == ENFILE ||
	    err == ENOMEM;
}

void
helper_cancel(struct helper *h)
{
	h->done = NULL;
	kill_now(h);
}

void
helper_kill_all(struct supervisor *sup)
{
	struct helper *h;

	LIST_FOREACH(h, &sup->helpers, entry)
		kill(-h->pid, SIGKILL);
	if (!LIST_EMPTY(&sup->helpers))
		kill_in_proc(sup, NULL);
}

const char *
helper_status_text(int status, bool timed_out, double timeout_s, char *buf,
    size_t size)
{
	if (timed_out)
		snprintf(buf, size, "no answer in %g s", timeout_s);
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "signal %d", WTERMSIG(status));
	else
		snprintf(buf, size, "exit code %d", WEXITSTATUS(status));
	return buf;
}
