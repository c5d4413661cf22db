/* Signals and the steps of a stop; see stop.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/proto.h"
#include "core/stopplan.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "supervisor/helper.h"
#include "supervisor/service.h"
#include "supervisor/stop.h"
#include "supervisor/supervisor.h"
#include "supervisor/tree.h"

/*
 * pid[slot] on the board is cleared before the keeper reaps.  The pidfd is
 * opened first and the board read then: if the number still stands, the
 * descriptor is of our process, whatever happens afterwards.  A process group
 * has no such handle; its number stays taken while the leader is not reaped.
 * One that is no child of the keeper is reaped by somebody else: the time of
 * its birth says whether the number is still its own.
 */
static int
signal_process(const _Atomic int32_t *live, pid_t pid,
    const struct proc_birth *orphan, const int *signo, int n)
{
	int fd = orphan == NULL ? (int)syscall(SYS_pidfd_open, pid, 0) :
	    proc_open(pid, orphan), i, r = -1;

	if (fd == -1)
		return -1;
	errno = ESRCH;
	if (atomic_load(live) == pid)
		for (i = 0, r = 0; i < n && r == 0; i++)
			r = (int)syscall(SYS_pidfd_send_signal, fd, signo[i],
			    NULL, 0);
	close(fd);
	return r;
}

static int
send_signals(struct service *s, const int *signo, int n, bool group)
{
	const struct board *b = s->sup->board;
	const _Atomic int32_t *live = &b->pid[s->slot];
	const struct proc_birth *orphan =
	    atomic_load(&b->orphan[s->slot]) ? &b->birth[s->slot] : NULL;
	pid_t pid = s->prog.pid;
	int i, r = 0;

	/* Without the keeper nobody says when a number is free again. */
	if (pid <= 0 || atomic_load(live) != pid || s->sup->keeper_gone) {
		errno = ESRCH;
		return -1;
	}
	if (!group)
		return signal_process(live, pid, orphan, signo, n);
	if (orphan != NULL) {
		int fd = proc_open(pid, orphan);

		if (fd == -1)
			return -1;
		close(fd);
	}
	for (i = 0; i < n && r == 0; i++)
		r = kill(-pid, signo[i]);
	return r;
}

int
stop_signal(struct service *s, int signo, bool group)
{
	return send_signals(s, &signo, 1, group);
}

/* A stopped process takes no signal but CONT and KILL: it gets both. */
static void
send_step_signal(struct service *s, int signo)
{
	const int both[] = {signo, SIGCONT};
	char num[16];

	s->prog.signalled = 1;
	if (signo == SIGTERM && s->conf->stopasgroup)
		s->told_ns = proc_boot_ns();
	if (send_signals(s, both, 2, s->conf->stopasgroup) == 0 ||
	    errno == ESRCH)
		return;
	log_warn("program %s: cannot send SIG%s to pid %d", s->label,
	    signal_name(signo, num), (int)s->prog.pid);
	if (errno == EPERM)
		return; /* nor in a moment */
	s->prog.signalled = 0;
	ev_timer_again(s->sup->loop, &s->sup->signal_timer);
}

/* --- stop_command --- */

/* In prog.signalled: it was begun, and dies with the supervisor; it has ended.
 */
enum { COMMAND_BEGUN = 1, COMMAND_ENDED };

static int
step_signal(const struct service *s)
{
	struct stopplan plan;

	/* A reload may have left it fewer steps than it has come to. */
	stopplan_of(s->conf, &plan);
	return s->prog.step < plan.n ? plan.v[s->prog.step].signo :
	    (int)s->conf->stopsignal;
}

bool
stop_is_undone(const struct service *s)
{
	const struct program *p = &s->prog;

	return p->state == PROGRAM_STOPPING && (!p->signalled ||
	    (!p->clearing && p->kills == 0 && step_signal(s) == 0 &&
	    p->signalled != COMMAND_ENDED));
}

/* With success it has as long as the step takes; without, the next step comes
 * at once. */
static void
on_command_end(void *arg, int status, bool timed_out)
{
	struct service *s = arg;
	bool waits = s->prog.state == PROGRAM_STOPPING && !s->prog.clearing &&
	    s->prog.step == 0;
	char how[64];

	s->stopper = NULL;
	if (waits) {
		s->prog.signalled = COMMAND_ENDED;
		service_store(s);
	}
	if (status == 0 && !timed_out)
		return;
	log_warnx("program %s: stop_command failed (%s)%s", s->label,
	    helper_status_text(status, timed_out,
	    (double)s->conf->stopwaitsecs, how, sizeof how),
	    waits ? "; going on with the next step" : "");
	if (waits)
		service_event(s, ON_DEADLINE);
}

void
stop_forget(struct service *s)
{
	if (s->stopper != NULL)
		helper_cancel(s->stopper);
	s->stopper = NULL;
}

static void
run_command(struct service *s)
{
	char pid[32];
	char *env[] = {pid};
	struct helper_spec spec = {
		.c = s->conf,
		.argv = s->conf->stop_command.v,
		.env = env,
		.nenv = 1,
		.out = service_output(s),
		.timeout_s = (double)s->conf->stopwaitsecs,
	};

	s->prog.signalled = COMMAND_BEGUN;
	if (s->stopper != NULL && s->stopper_gen == s->prog.gen)
		return;
	stop_forget(s); /* that of a run which is over */
	s->stopper_gen = s->prog.gen;
	snprintf(pid, sizeof pid, "MAINPID=%d", (int)s->prog.pid);
	s->stopper = helper_start(s->sup, &spec, on_command_end, s);
	if (s->stopper != NULL)
		return;
	log_warn("program %s: cannot run stop_command %s; going on with the "
	    "next step", s->label, s->conf->stop_command.v[0]);
	/* From the loop, not from within this event. */
	ev_feed_event(s->sup->loop, &s->timer, EV_TIMER);
}

/* --- steps --- */

void
stop_step(struct service *s)
{
	int signo = step_signal(s);

	if (s->prog.clearing) {
		s->prog.signalled = 1;
		s->had_rest = false;
		tree_signal(s, SIGTERM);
		return;
	}
	if (s->prog.step == 0)
		tree_learn(s);
	if (signo == 0)
		run_command(s);
	else
		send_step_signal(s, signo);
}

/* Those for which there was no descriptor or memory. */
void
stop_again(struct supervisor *sup)
{
	struct service *s;

	ev_timer_stop(sup->loop, &sup->signal_timer);
	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->prog.state == PROGRAM_STOPPING && !s->prog.signalled) {
			stop_step(s);
			service_store(s);
		}
}

/* It has ended, and the news of it is on its way: whoever is the parent of one
 * that is no child of the keeper may take its time. */
static bool
is_zombie(const struct program *p)
{
	struct proc_info pi;

	return !p->clearing && proc_read(p->pid, &pi) == 0 &&
	    pi.state == 'Z' && pi.threads <= 1;
}

static void
say_kill(const struct service *s)
{
	const struct program *p = &s->prog;
	double asked = (double)(now_ns() - p->changed_ns) / 1e9;

	/* Again after 2, 4, 8 ... seconds. */
	if (is_zombie(p) || (p->kills > 2 && (p->kills & (p->kills - 1)) != 0))
		return;
	if (p->kills > 1)
		log_warnx("program %s: %s survives SIGKILL; it cannot be "
		    "killed before the kernel lets it end", s->label,
		    p->clearing ? "what it left" : "its process");
	else if (p->clearing)
		log_warnx("program %s: what its process left still runs; "
		    "sending SIGKILL", s->label);
	else
		log_warnx("program %s: pid %d still runs %.1f s after it was "
		    "asked to end; sending SIGKILL", s->label, (int)p->pid,
		    asked);
}

void
stop_kill(struct service *s)
{
	const struct program *p = &s->prog;

	say_kill(s);
	if (!p->clearing && stop_signal(s, SIGKILL, s->conf->killasgroup) ==
	    -1 && errno != ESRCH)
		log_warn("program %s: cannot kill pid %d", s->label,
		    (int)p->pid);
	if (s->conf->kill_mode != KILL_PROCESS)
		tree_signal(s, SIGKILL);
}
