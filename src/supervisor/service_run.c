/* One run of a service: its pipes, its spawn, its end; see service.h. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/link.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/state.h"
#include "supervisor/cgroup.h"
#include "supervisor/hooks.h"
#include "supervisor/logs.h"
#include "supervisor/ready.h"
#include "supervisor/service.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"
#include "supervisor/tree.h"
#include "supervisor/uplink.h"

#define HASTY_NS 1000000000LL /* a run that is not worth a quick restart */
#define FOLLOW_TRIES 10 /* looks for the daemon of a forking program */
#define PREPARED_MAX 64 /* pipes given to the keeper in one packet */

_Static_assert(PREPARED_MAX <= LINK_FDS, "they fit into a packet");

bool
service_has_pipe(const struct service *s, int stream)
{
	return s->conf->log[stream].file != NULL ||
	    s->conf->log[stream].to_syslog;
}

static bool
is_prepared(const struct service *s)
{
	int i;

	for (i = 0; i < CONF_STREAMS; i++)
		if (service_has_pipe(s, i) && !stream_is_kept(s->stream[i]))
			return false;
	return true;
}

/* Makes the pipes that S lacks and adds them to what the keeper is to get. */
static int
make_pipes(struct service *s, struct stream **st, uint32_t *slots, int *fds,
    size_t *n)
{
	int i, fd;

	for (i = 0; i < CONF_STREAMS; i++) {
		if (!service_has_pipe(s, i) || stream_is_kept(s->stream[i]))
			continue;
		fd = stream_pipe(s->stream[i]);
		if (fd == -1)
			return -1;
		st[*n] = s->stream[i];
		slots[*n] = LINK_SLOT(s->slot, i);
		fds[(*n)++] = fd;
	}
	return 0;
}

/* Pipes go to the keeper before a child has them: of S, and because a packet
 * for each would wake it thousands of times, of those that come next. */
static int
prepare(struct service *s)
{
	struct stream *st[LINK_FDS];
	uint32_t slots[LINK_FDS];
	int fds[LINK_FDS];
	struct service *next;
	size_t n = 0, i;

	if (is_prepared(s))
		return 0;
	if (make_pipes(s, st, slots, fds, &n) == -1)
		return -1;
	TAILQ_FOREACH(next, &s->sup->spawn_queue, spawn_entry)
		if (n + CONF_STREAMS > PREPARED_MAX ||
		    make_pipes(next, st, slots, fds, &n) == -1)
			break; /* it will be told in its turn */
	if (uplink_keep(s->sup, slots, fds, n) == -1)
		return -1;
	for (i = 0; i < n; i++)
		stream_set_kept(st[i]);
	return 0;
}

/* Descriptors 0, 1, 2 of the child. */
static int
child_fds(struct service *s, int fds[3])
{
	const struct conf_process *c = s->conf;
	int i;

	fds[0] = transient_stdin(s);
	fds[1] = fds[2] = s->sup->devnull;
	if (prepare(s) == -1)
		return -1;
	for (i = 0; i < CONF_STREAMS; i++) {
		if (!service_has_pipe(s, i))
			continue;
		fds[1 + i] = stream_pipe(s->stream[i]);
		if (fds[1 + i] == -1)
			return -1;
		/* So that the program may open /dev/stdout. */
		if (c->user.known && c->user.uid != geteuid() &&
		    fchown(fds[1 + i], c->user.uid, (gid_t)-1) == -1)
			log_debug("program %s: cannot give its pipe to %s",
			    s->label, c->user.name);
	}
	if (c->redirect_stderr)
		fds[2] = fds[1];
	return 0;
}

/* Failures that say nothing about the program: out of processes, memory or
 * descriptors.  They are retried for ever and not counted. */
static bool
is_ours(int step, int err)
{
	return step == STEP_FORK || step == STEP_STDIO || err == EMFILE ||
	    err == ENFILE || err == ENOMEM;
}

bool
service_is_hasty(const struct service *s, int64_t now)
{
	return s->prog.tries > 0 ||
	    (s->prog.starts > 0 && now - s->prog.started_ns < HASTY_NS);
}

void
service_spawn_failed(struct service *s, enum spawn_step step, int err,
    bool ours)
{
	struct program_arg arg = {
		.step = (uint8_t)step, .err = err, .ours = ours};

	service_feed(s, ON_SPAWN_FAILED, &arg);
}

void
service_spawn(struct service *s)
{
	struct spawn_result r = {0};
	struct program_arg arg = {0};
	struct spawn_extra extra;
	int fds[3];

	s->queued = false;
	TAILQ_REMOVE(&s->sup->spawn_queue, s, spawn_entry);
	if (s->prog.state != PROGRAM_STARTING || s->prog.pid != 0)
		return; /* stopped before its turn */
	if (child_fds(s, fds) == -1 || ready_prepare(s, &extra) == -1) {
		/* The keeper is gone: this process takes its place next, and
		 * another one spawns what its record says is STARTING. */
		if (errno == EPIPE)
			return;
		r.step = STEP_STDIO;
		r.err = errno;
	} else if (hooks_hold(s)) {
		return;
	} else {
		/* The state file knows of it before it exists. */
		if (service_has_run(s))
			state_set_pid(&s->sup->state, s->slot, 0);
		spawn_prepare(s->sup->board, s->slot, s->prog.gen);
		service_store(s);
		service_write_state(s);
		lastrun_begin(&s->last, now_ns());
		extra.cgroup = cgroup_open(s);
		spawn(&s->sup->conf->main, s->conf, s->sup->board, s->slot,
		    fds, &extra, state_pid(&s->sup->state, s->slot), &r);
		if (extra.cgroup != -1)
			close(extra.cgroup);
		if (extra.cgroup != -1 && r.pid != 0 && !r.grouped)
			s->sup->cgroup_refused = true;
	}
	if (r.pid != 0 || !is_ours(r.step, r.err))
		transient_spawned(s);
	if (r.pid != 0) {
		arg.pid = r.pid;
		s->prog.grouped = r.grouped;
		service_feed(s, ON_SPAWNED, &arg);
		return;
	}
	service_spawn_failed(s, r.step, r.err, is_ours(r.step, r.err));
}

/* PID, a child of the keeper, is the program from now on.  False: it has ended
 * meanwhile.  The keeper looks for its end by the pid on the board. */
static bool
follow(struct service *s, pid_t pid)
{
	struct board *b = s->sup->board;
	struct proc_info pi;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool lives;

	if (fd == -1 || proc_read(pid, &pi) == -1) {
		if (fd != -1)
			close(fd);
		return false;
	}
	b->birth[s->slot] = (struct proc_birth){.from_ns = pi.start_ns};
	atomic_store(&b->pid[s->slot], pid);
	/* Reaped before it stood there: nobody would tell its end. */
	lives = syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;
	close(fd);
	if (!lives && b->end[s->slot].pid != pid)
		atomic_store(&b->pid[s->slot], 0);
	if (lives)
		state_set_pid(&s->sup->state, s->slot, pid);
	return lives;
}

/* What the process that ended has left: the daemon that it was to start, or
 * what has to be cleared away before anything else. */
static void
look_at_rest(struct service *s, struct program_arg *arg)
{
	const struct program *p = &s->prog;
	/* With startsecs = 0 it may be RUNNING and not be all of it yet. */
	bool begins = p->state == PROGRAM_STARTING ||
	    (p->state == PROGRAM_RUNNING && s->conf->type == TYPE_FORKING &&
	    now_ns() - p->started_ns < HASTY_NS);
	bool done = !arg->unknown && arg->status == 0 && begins &&
	    s->conf->type != TYPE_ONESHOT;
	pid_t pid;
	int tries;

	arg->left = tree_is_left(s, false);
	arg->forked = arg->left;
	if (!done)
		return;
	arg->forked |= tree_is_left(s, true);
	if (s->conf->type != TYPE_FORKING)
		return;
	/* One that forks again and ends meanwhile has left another; one that
	 * executes just now is not known as ours. */
	for (tries = 0; arg->forked && arg->follow == 0 && tries < FOLLOW_TRIES;
	    tries++) {
		pid = tree_daemon(s);
		if (pid != 0 && follow(s, pid))
			arg->follow = (int32_t)pid;
	}
}

/* For `why`: of a run that began. */
static void
note_last_run(struct service *s)
{
	const struct board_end *e = &s->sup->board->end[s->slot];

	s->last.no_status = e->unknown;
	s->last.status = e->status;
	s->last.at_ns = e->at_ns;
	s->last.ran_ns = e->at_ns - s->prog.started_ns;
	lastrun_end(&s->last, s->prog.state == PROGRAM_STOPPING);
}

/* The board's word about how run prog.gen ended. */
static void
feed_end(struct service *s)
{
	const struct board *b = s->sup->board;
	uint32_t failed = atomic_load(&b->failed[s->slot]);
	struct program_arg arg = {
		.status = b->end[s->slot].status,
		.unknown = b->end[s->slot].unknown,
		.step = (uint8_t)(failed >> 16),
		.err = (int32_t)(failed & 0xffff),
	};
	int i;

	for (i = 0; i < CONF_STREAMS; i++)
		stream_drain(s->stream[i]); /* its last words come first */
	if (arg.step == STEP_NONE) {
		note_last_run(s);
		look_at_rest(s, &arg);
	}
	service_feed(s, ON_ENDED, &arg);
}

void
service_ended(struct service *s)
{
	const struct board *b = s->sup->board;

	/* The keeper writes the end first and clears the pid then; before
	 * that its work on the slot is not over, and it wakes us after. */
	if (s->prog.pid != 0 && b->end[s->slot].gen == s->prog.gen &&
	    atomic_load(&b->pid[s->slot]) == 0)
		feed_end(s);
}

int
service_output(struct service *s)
{
	/* exec_start_pre comes before the first process. */
	if (!service_has_pipe(s, CONF_STDOUT) ||
	    (s->prog.pid == 0 && prepare(s) == -1))
		return -1;
	return stream_fd(s->stream[CONF_STDOUT]);
}
