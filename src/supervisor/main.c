/*
 * The supervisor's start, its loop, and its orderly end.
 *
 * It starts the same way for the first time, after its own death and after an
 * upgrade: what the keeper holds says where things stand (uplink.c), and each
 * service goes on from its record (service.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/proto.h"
#include "lib/log.h"
#include "lib/sig.h"
#include "lib/xalloc.h"
#include "supervisor/cgroup.h"
#include "supervisor/daemonlog.h"
#include "supervisor/events.h"
#include "supervisor/logs.h"
#include "supervisor/order.h"
#include "supervisor/ready.h"
#include "supervisor/reload.h"
#include "supervisor/schedule.h"
#include "supervisor/server.h"
#include "supervisor/service.h"
#include "supervisor/spawn.h"
#include "supervisor/stop.h"
#include "supervisor/stopped.h"
#include "supervisor/tree.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"
#include "supervisor/uplink.h"

#define SPAWN_TURN_NS 1000000LL /* spawning at a stretch, before others */
#define STORM_RATE 1000 /* restarts a second of what ended at once ... */
#define STORM_BURST 256 /* ... after so many in one go */
#define STORM_LOOK 0.002 /* seconds until the others are looked at again */
#define SIGNAL_AGAIN 0.1 /* seconds, where there was no descriptor for it */
#define PEERS_MAX 1024
#define FDS_MIN 32 /* fewer serve nobody */
#define SINKS_MIN 8
#define SINKS_MAX 4096
#define LAST_PATIENCE 5. /* seconds from SIGKILL to leaving one behind */
#define SAFE_TIME 60. /* seconds without a crash end safe mode */
#define LAST_DRAIN_NS 2000000000LL /* for output that waits at the end */

int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int64_t
wall_s(void)
{
	return time(NULL);
}

/* --- the orderly stop --- */

static _Noreturn void finish(struct supervisor *sup);

static void
on_stop_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct supervisor *sup = w->data;
	struct service *s;

	(void)revents;
	if (sup->forced) {
		log_warnx("programs that survive SIGKILL are left behind");
		finish(sup);
	}
	log_warnx("shutdown_timeout is over: killing what still runs");
	sup->forced = sup->stop_look = true;
	ev_timer_set(w, LAST_PATIENCE, 0.);
	ev_timer_start(loop, w);
	TAILQ_FOREACH(s, &sup->services, entry) {
		service_event(s, ON_STOP);
		stop_signal(s, SIGKILL, true);
		if (s->conf->kill_mode == KILL_TREE &&
		    program_is_alive(&s->prog))
			tree_signal(s, SIGKILL);
	}
}

void
supervisor_stop(struct supervisor *sup)
{
	int64_t ms = sup->conf->main.shutdown_timeout_ms;

	stopped_settle(sup);
	/* The next supervisor is to end with the same code. */
	if (atomic_load(&sup->board->stopping) <= 1)
		atomic_store(&sup->board->stopping,
		    1u | (uint32_t)sup->exit_code << 8);
	if (sup->stopping)
		return;
	state_set_stopping(&sup->state);
	sup->stopping = sup->changed = sup->stop_look = true;
	events_daemon(sup, EVENT_STOPPING, "all programs are stopped, then "
	    "the daemon ends");
	if (ms <= 0)
		return;
	/* It runs already if a takeover began the stop, see there. */
	ev_timer_stop(sup->loop, &sup->stop_timer);
	ev_timer_set(&sup->stop_timer, (double)ms / 1000., 0.);
	ev_timer_start(sup->loop, &sup->stop_timer);
}

/* Output that is still in the pipes reaches the logs, unless a log takes
 * nothing; then it is said. */
static void
last_drain(struct supervisor *sup)
{
	int64_t end = now_ns() + LAST_DRAIN_NS;
	unsigned left;

	while ((left = logs_drain(sup)) > 0 && now_ns() < end)
		usleep(5000);
	if (left > 0)
		log_warnx("output of %u programs could not be written to "
		    "their logs; it is lost", left);
}

/* PATH is the pidfile that this daemon has locked, as FD. */
static bool
owns_pidfile(int fd, const char *path)
{
	struct stat ours, now;

	return fd != -1 && fstat(fd, &ours) == 0 && lstat(path, &now) == 0 &&
	    ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

/* Removes what this daemon has in the file system.  A supervisor killed on its
 * last lines may come here twice: nothing of a successor is touched, so the
 * pidfile that guards the rest goes last. */
static void
remove_paths(struct supervisor *sup)
{
	const struct conf_main *m = &sup->conf->main;
	char *locked = xasprintf("%s/mpsupd.pid", m->rundir);

	if (owns_pidfile(sup->fd[ROLE_PIDFILE], locked)) {
		char *state = xasprintf("%s/state", m->rundir);

		unlink(m->socket);
		ready_clean(sup);
		cgroup_clean(sup);
		if (!sup->forced) /* nothing is left behind */
			unlink(state);
		free(state);
		if (owns_pidfile(sup->fd[ROLE_PIDFILE2], m->pidfile))
			unlink(m->pidfile);
		unlink(locked);
	}
	free(locked);
}

static _Noreturn void
finish(struct supervisor *sup)
{
	helper_kill_all(sup);
	last_drain(sup);
	stopped_flush(sup);
	server_flush(sup, 1000);
	transient_finish(sup);
	remove_paths(sup);
	log_info("all programs are stopped; the daemon ends");
	daemonlog_flush();
	uplink_quit(sup, sup->exit_code);
	exit(0);
}

void
supervisor_abandon(struct supervisor *sup)
{
	helper_kill_all(sup);
	logs_drain(sup);
	service_write_states(sup);
	sup->forced = true; /* the state file stays: the next start adopts */
	remove_paths(sup);
	log_warnx("the daemon ends without its keeper; programs that still "
	    "run are left behind");
	exit(1);
}

static bool
is_over(const struct service *s)
{
	return service_is_stopped(s) || service_is_left_behind(s);
}

/* Groups go down in descending priority, those of one priority at once; the
 * next begin when they are down.  Within a priority the first process goes
 * first: it is the one that the kernel finds fastest among the zombies.
 * All services are looked at only when a step is over, see note_stopped(). */
static void
shutdown_step(struct supervisor *sup)
{
	struct service *s, **v;
	uint32_t n = 0, i;
	int64_t priority = INT64_MIN; /* of what is going down now */
	bool stuck = false;

	sup->stop_look = false;
	/* Whatever its priority, what has no process gets none any more. */
	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->prog.pid == 0 && s->prog.wanted)
			service_event(s, ON_STOP);
	TAILQ_FOREACH(s, &sup->services, entry) {
		stuck |= service_is_left_behind(s);
		if (!is_over(s) && s->conf->group_priority > priority)
			priority = s->conf->group_priority;
	}
	v = xcalloc(sup->nservices + 1, sizeof *v);
	TAILQ_FOREACH(s, &sup->services, entry) {
		s->going_down = false;
		if (!is_over(s) && (sup->forced ||
		    s->conf->group_priority == priority))
			v[n++] = s;
	}
	/* What needs one of them goes first, whatever its own priority. */
	n = order_dependants(sup, &v, n, true);
	sup->ngoing_down = 0;
	for (i = 0; i < n; i++) {
		if (is_over(v[i]))
			continue;
		if (v[i]->prog.state != PROGRAM_STOPPING ||
		    v[i]->prog.wanted)
			service_event(v[i], ON_STOP);
		v[i]->going_down = !service_is_stopped(v[i]);
		sup->ngoing_down += v[i]->going_down;
	}
	free(v);
	if (sup->ngoing_down == 0 && priority == INT64_MIN) {
		/* The next start finds what is left, by the state file. */
		if (stuck)
			log_warnx("programs that survive SIGKILL are left "
			    "behind");
		sup->forced |= stuck;
		finish(sup);
	}
	sup->stop_look |= sup->ngoing_down == 0;
}

/* --- the loop --- */

/*
 * Programs that end as soon as they begin, and have no delay configured, would
 * take all processors if there are many: clients, logs and the other programs
 * would wait.  Together they get so many starts a second, whoever lived for a
 * second or begins for the first time is not counted.
 */
static bool
is_affordable(struct supervisor *sup, const struct service *s, int64_t now)
{
	static const int64_t cost = 1000000000LL / STORM_RATE;

	if (!service_is_hasty(s, now))
		return true;
	/* `storm_ns`: when all starts so far are paid for. */
	if (sup->storm_ns < now - STORM_BURST * cost)
		sup->storm_ns = now - STORM_BURST * cost;
	if (sup->storm_ns + cost > now)
		return false;
	sup->storm_ns += cost;
	return true;
}

static void
on_storm_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents; /* on_turn() does it */
}

static void
on_signal_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	stop_again(w->data);
}

/* True: more can be spawned at once, it is only the turn of others. */
static bool
spawn_some(struct supervisor *sup)
{
	int64_t now = now_ns(), end = now + SPAWN_TURN_NS;
	struct service *s, *next;
	bool waits = false;

	for (s = TAILQ_FIRST(&sup->spawn_queue); s != NULL; s = next) {
		next = TAILQ_NEXT(s, spawn_entry);
		if (now >= end)
			return true;
		if (is_affordable(sup, s, now)) {
			service_spawn(s);
			now = now_ns();
		} else {
			waits = true;
		}
	}
	if (waits && !ev_is_active(&sup->storm_timer)) {
		ev_timer_set(&sup->storm_timer, STORM_LOOK, 0.);
		ev_timer_start(sup->loop, &sup->storm_timer);
	}
	return false;
}

static void
on_busy(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents; /* it only keeps the loop from waiting */
}

/* Once before each wait: effects that were queued, in one place. */
static void
on_turn(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct supervisor *sup = w->data;
	bool again;

	(void)revents;
	service_write_states(sup);
	again = server_turn(sup);
	while (sup->changed) {
		sup->changed = false;
		order_turn(sup);
		reload_sweep(sup);
		if (sup->stopping && sup->stop_look)
			shutdown_step(sup);
	}
	stopped_turn(sup);
	atomic_store(&sup->board->beat_ns, now_ns());
	/* Once: then clients, logs and exits have a turn. */
	if (!sup->safe)
		again |= spawn_some(sup);
	service_write_states(sup);
	daemonlog_flush();
	if (again || sup->changed)
		ev_idle_start(loop, &sup->busy);
	else
		ev_idle_stop(loop, &sup->busy);
}

void
supervisor_sort(struct supervisor *sup)
{
	struct service *s;
	size_t i;

	for (i = 0; i < sup->conf->nprocs; i++) {
		s = sup->by_slot[sup->conf->procs[i].slot];
		if (s == NULL)
			continue;
		TAILQ_REMOVE(&sup->services, s, entry);
		TAILQ_INSERT_TAIL(&sup->services, s, entry);
	}
}

void
supervisor_apply_main(struct supervisor *sup)
{
	daemonlog_init(&sup->conf->main, sup->board->foreground &&
	    !sup->conf->main.silent);
	server_set_mode(sup);
}

/* --- start --- */

static void
block_signals(void)
{
	static const int fatal_signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL,
	    SIGFPE, SIGSYS, SIGTRAP};
	sigset_t all;
	size_t i;

	signals_default();
	sigfillset(&all);
	for (i = 0; i < sizeof fatal_signals / sizeof fatal_signals[0]; i++)
		sigdelset(&all, fatal_signals[i]);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* Output files that the shell opened are shared with programs' output: each
 * writes at the end. */
static void
append_stdio(void)
{
	struct stat st;
	int fd;

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_APPEND);
}

/* FD stays open: it is passed on. */
static struct config *
read_config(int fd)
{
	struct config *c = NULL;
	struct stat st;
	void *data;

	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    fd, 0);
		if (data != MAP_FAILED) {
			c = config_decode(data, (size_t)st.st_size);
			munmap(data, (size_t)st.st_size);
		}
	}
	return c;
}

/* Old AUTO logs go at a fresh start, as supervisord's do, where the
 * configuration wants that. */
static void
clean_auto_logs(struct supervisor *sup)
{
	struct stat st;
	size_t i;
	int k;

	if (sup->conf->main.nocleanup || sup->board->found > 0)
		return;
	for (i = 0; i < sup->conf->nprocs; i++)
		for (k = 0; k < CONF_STREAMS; k++) {
			const struct conf_log *l = &sup->conf->procs[i].log[k];

			if (l->automatic && l->file != NULL &&
			    lstat(l->file, &st) == 0 &&
			    (st.st_uid == 0 || st.st_uid == geteuid()))
				unlink(l->file);
		}
}

/* -1: there are too few to serve anybody. */
static int
divide_descriptors(unsigned *ret_sinks, unsigned *ret_peers, uint32_t nslots)
{
	struct rlimit rl;
	int64_t spare;

	getrlimit(RLIMIT_NOFILE, &rl);
	*ret_peers = rl.rlim_cur / 4 < PEERS_MAX ?
	    (unsigned)rl.rlim_cur / 4 : PEERS_MAX;
	spare = (int64_t)rl.rlim_cur - 2 * (int64_t)nslots - *ret_peers - 64;
	*ret_sinks = spare < SINKS_MIN ? SINKS_MIN :
	    spare > SINKS_MAX ? SINKS_MAX : (unsigned)spare;
	return rl.rlim_cur < FDS_MIN ? -1 : 0;
}

static void
say_hello(struct supervisor *sup)
{
	const struct board *b = sup->board;
	struct board_said *said = &sup->board->said;
	int status = b->supervisor_status;

	if (b->supervisor_starts <= 1) {
		log_info("mpsupd started, keeper pid %d, supervisor pid %d, "
		    "%zu programs", (int)b->keeper_pid, (int)getpid(),
		    sup->conf->nprocs);
		if (b->found > 0)
			log_warnx("the daemon before was killed; %u programs "
			    "outlived it and are adopted", b->found);
		events_daemon(sup, EVENT_START, "version %s, keeper pid %d",
		    MPSUPD_VERSION, (int)b->keeper_pid);
		return;
	}
	if (b->promotions > said->promotions)
		log_warnx("the keeper was killed; pid %d took its place, "
		    "supervisor pid %d; no program was touched",
		    (int)b->keeper_pid, (int)getpid());
	else if (b->upgrades > said->upgrades)
		log_info("upgraded to version %s, supervisor pid %d; no "
		    "program was touched", MPSUPD_VERSION, (int)getpid());
	else
		log_warnx("supervisor pid %d took over: the one before ended "
		    "by %s %d%s; no program was touched", (int)getpid(),
		    WIFSIGNALED(status) ? "signal" : "exit code",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status), b->hung ? ", because it did not "
		    "answer for 10 s" : "");
	events_daemon(sup, b->promotions > said->promotions ? EVENT_KEEPER :
	    b->upgrades > said->upgrades ? EVENT_UPGRADE : EVENT_TAKEOVER,
	    "version %s, keeper pid %d%s", MPSUPD_VERSION,
	    (int)b->keeper_pid, sup->safe ? ", safe mode" : "");
	said->promotions = b->promotions;
	said->upgrades = b->upgrades;
	if (sup->safe)
		log_warnx("safe mode: the supervisor crashes again and again; "
		    "logs are not read and no program is started for %.0f s, "
		    "or until a reload", SAFE_TIME);
}

static void
on_safe_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	supervisor_leave_safe_mode(w->data);
}

void
supervisor_leave_safe_mode(struct supervisor *sup)
{
	log_info("safe mode ends");
	helper_kill_all(sup);
	server_flush(sup, 500);
	uplink_again(sup);
	exit(0);
}

static int
fail(struct supervisor *sup, const char *text)
{
	log_warnx("%s", text);
	uplink_fail(sup, text);
	return 1;
}

static void
take_over(struct supervisor *sup)
{
	struct service *s, **v;
	size_t i;

	for (i = 0; i < sup->conf->nprocs; i++) {
		uint32_t slot = (uint32_t)sup->conf->procs[i].slot;

		if (slot >= atomic_load(&sup->board->nslots))
			atomic_store(&sup->board->nslots, slot + 1);
		service_new(sup, &sup->conf->procs[i]);
	}
	order_build(sup);
	sup->finding = sup->board->unclean &&
	    sup->board->supervisor_starts <= 1;
	if (sup->finding)
		tree_look(sup);
	v = order_sorted(sup);
	/* What leaves first: a twin of it in another group waits for it. */
	for (i = 0; i < sup->nservices; i++)
		if (v[i]->conf->leaving)
			service_takeover(v[i]);
	for (i = 0; i < sup->nservices; i++)
		if (!v[i]->conf->leaving)
			service_takeover(v[i]);
	free(v);
	sup->finding = false;
	schedule_arm(sup);
	order_changed_all(sup);
	TAILQ_FOREACH(s, &sup->services, entry) {
		/* What the one before could not finish of a reload. */
		if (s->conf->leaving)
			service_event(s, ON_STOP);
		else if (s->prog.wanted && service_is_outdated(s) &&
		    s->prog.state != PROGRAM_STOPPING)
			service_event(s, ON_RESTART);
	}
}

/* libev would abort. */
static void *
ev_alloc(void *p, long size)
{
	if (size > 0)
		return xreallocarray(p, 1, (size_t)size);
	free(p);
	return NULL;
}

static int
init(struct supervisor *sup)
{
	unsigned sinks, peers;
	char text[256];

	/* First: these get low numbers. */
	sup->devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sup->devnull == -1 || spawn_init(sup->devnull) == -1)
		return fail(sup, "cannot open /dev/null");
	if (uplink_init(sup) == -1)
		return fail(sup, "the keeper does not answer");
	state_init(&sup->state, sup->fd[ROLE_STATE], &sup->board->state_seq);
	sup->safe = sup->board->safe;
	sup->conf = read_config(sup->fd[ROLE_CONFIG]);
	if (sup->conf == NULL)
		return fail(sup, "the configuration handed over is damaged");
	if (daemonlog_init(&sup->conf->main, sup->board->foreground &&
	    !sup->conf->main.silent) == -1 &&
	    sup->board->supervisor_starts <= 1) {
		snprintf(text, sizeof text, "logfile %.160s: %s",
		    sup->conf->main.logfile, strerror(errno));
		return fail(sup, text);
	}
	ev_set_allocator(ev_alloc);
	sup->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (sup->loop == NULL)
		return fail(sup, "cannot create the event loop");
	ev_init(&sup->signal_timer, on_signal_again);
	sup->signal_timer.repeat = SIGNAL_AGAIN;
	sup->signal_timer.data = sup;
	ev_init(&sup->stop_timer, on_stop_timeout);
	sup->stop_timer.data = sup;
	TAILQ_INIT(&sup->services);
	TAILQ_INIT(&sup->spawn_queue);
	TAILQ_INIT(&sup->unwritten);
	TAILQ_INIT(&sup->stirred);
	tree_init(sup);
	cgroup_init(sup);
	schedule_init(sup);
	if (divide_descriptors(&sinks, &peers, (uint32_t)sup->conf->nprocs) ==
	    -1 && sup->board->supervisor_starts <= 1)
		return fail(sup, "the limit of open files is below 32");
	logs_init(sup, sinks);
	server_init(sup, peers);
	return 0;
}

int
supervisor_main(void)
{
	static struct supervisor sup;
	struct timespec ts;

	log_init("mpsupd");
	prctl(PR_SET_NAME, "mpsupd");
	block_signals();
	append_stdio();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	srandom((unsigned)ts.tv_nsec ^ (unsigned)getpid());
	if (init(&sup) != 0)
		return 1;
	say_hello(&sup);
	if (sup.board->supervisor_starts <= 1)
		clean_auto_logs(&sup);
	sup.stopping = atomic_load(&sup.board->stopping) != 0;
	sup.exit_code = (int)(atomic_load(&sup.board->stopping) >> 8);
	take_over(&sup);
	stopped_init(&sup, sup.board->supervisor_starts <= 1);
	/* Going on with a stop; or an essential program ended while nobody was
	 * there, and what operators stopped is to be settled, too. */
	if (sup.stopping) {
		sup.stopping = false;
		supervisor_stop(&sup);
	}
	ev_prepare_init(&sup.turn, on_turn);
	sup.turn.data = &sup;
	ev_prepare_start(sup.loop, &sup.turn);
	ev_idle_init(&sup.busy, on_busy);
	ev_init(&sup.storm_timer, on_storm_look);
	if (sup.safe) {
		ev_timer_init(&sup.safe_timer, on_safe_time, SAFE_TIME, 0.);
		sup.safe_timer.data = &sup;
		ev_timer_start(sup.loop, &sup.safe_timer);
	}
	uplink_start(&sup);
	uplink_serving(&sup);
	ev_run(sup.loop, 0);
	return 1; /* the loop never ends by itself */
}
