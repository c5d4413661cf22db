/* Readiness, health and watchdog; see ready.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/notify.h"
#include "core/probe.h"
#include "lib/buf.h"
#include "lib/link.h"
#include "lib/log.h"
#include "lib/pipe.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/probe.h"
#include "supervisor/ready.h"
#include "supervisor/service.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/uplink.h"

#define ASK_FIRST 0.01 /* seconds to the first question of readiness, ... */
#define ASK_PAUSE 0.02 /* ... to the second, growing by half ... */
#define ASK_LAST 0.5 /* ... up to this */
#define ASK_AGAIN 1. /* when there was no descriptor for a question */
#define DOG_BUSY_NS 50000000LL /* perhaps we were not running either ... */
#define DOG_GRACE_MS 1000 /* ... then it has this much more */
#define DOG_LATE_NS 1000000000LL /* we were not running either */
#define PACKETS 32 /* datagrams read at a stretch */

struct ready {
	struct service *service;
	char *ready_text, *health_text; /* what the specs were read from */
	struct probe_spec ready, health;
	int fd; /* socket or pipe; -1: none */
	bool kept; /* by the keeper, too */
	bool is_pipe;
	struct probe *probe; /* under way */
	unsigned bad; /* answers in a row */
	double pause;
	int64_t dog_due_ns;
	bool reloading;
	char status[NOTIFY_STATUS_MAX + 1];
	char why[128]; /* the last bad answer */
	char env_socket[160], env_usec[48];
	ev_io io;
	ev_timer ask, dog;
};

static void ask_again(struct ready *r, double pause);

/* --- what the program says --- */

static void
arm_dog(struct ready *r, int64_t ms)
{
	struct service *s = r->service;

	ev_timer_stop(s->sup->loop, &r->dog);
	r->dog_due_ns = now_ns() + ms * 1000000;
	ev_now_update(s->sup->loop);
	ev_timer_set(&r->dog, (double)ms / 1000., 0.);
	ev_timer_start(s->sup->loop, &r->dog);
}

static void
feed_dog(struct ready *r)
{
	struct service *s = r->service;

	ev_timer_stop(s->sup->loop, &r->dog);
	if (s->conf->watchdog_ms > 0 && s->prog.state == PROGRAM_RUNNING)
		arm_dog(r, s->conf->watchdog_ms);
}

/* Time in which this process did not run, because the machine was suspended or
 * all was stopped, is nobody's silence. */
static void
on_dog(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct ready *r = w->data;
	int64_t late = now_ns() - r->dog_due_ns;
	int64_t ms = r->service->conf->watchdog_ms;

	(void)loop;
	(void)revents;
	if (late > DOG_LATE_NS)
		feed_dog(r);
	else if (late > DOG_BUSY_NS)
		arm_dog(r, ms < DOG_GRACE_MS ? ms : DOG_GRACE_MS);
	else
		service_unfit(r->service, REASON_WATCHDOG);
}

static void
obey(struct ready *r, const struct notify *n)
{
	struct service *s = r->service;

	if (s->prog.pid == 0)
		return; /* of a run that is over */
	if (n->set & NOTIFY_STATUS)
		str_copy(r->status, n->status, sizeof r->status);
	if (n->set & NOTIFY_RELOADING)
		r->reloading = true;
	if (n->set & (NOTIFY_READY | NOTIFY_STOPPING))
		r->reloading = false;
	if (n->set & (NOTIFY_WATCHDOG | NOTIFY_READY))
		feed_dog(r);
	if ((n->set & NOTIFY_TRIGGER) && s->conf->watchdog_ms > 0)
		service_unfit(s, REASON_WATCHDOG);
	else if ((n->set & NOTIFY_READY) && r->ready.kind == PROBE_NOTIFY)
		service_event(s, ON_READY);
}

/* Descriptors that came along (BARRIER=1 waits for that) are closed. */
static void
close_passed(struct msghdr *m)
{
	struct cmsghdr *c;
	int fd;
	size_t i;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; CMSG_LEN((i + 1) * sizeof fd) <= c->cmsg_len; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			close(fd);
		}
	}
}

/* True: there may be more. */
static bool
read_datagram(struct ready *r)
{
	char data[NOTIFY_MAX + 1];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(253 * sizeof(int))];
	} control;
	struct iovec iov = {data, sizeof data};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t n = recvmsg(r->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct notify notify;

	if (n == -1)
		return false;
	close_passed(&m);
	if (notify_parse(data, (size_t)n, &notify))
		obey(r, &notify);
	else
		log_warnx("program %s: a message of %zd bytes to its "
		    "NOTIFY_SOCKET is none; ignored", r->service->label, n);
	return true;
}

/* Never waits: the program has the pipe read-write, and may be faster than we
 * are in reading what it wrote.  O_NONBLOCK would be its own as well, so it is
 * another open file description that is read. */
static ssize_t
read_now(const struct ready *r, void *data, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d", r->fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	n = read(fd != -1 ? fd : r->fd, data, size);
	if (fd != -1)
		close(fd);
	return n;
}

/* A line is its word; what follows it is not read any more. */
static void
read_pipe(struct ready *r)
{
	char data[512];
	ssize_t n = read_now(r, data, sizeof data);

	if (n <= 0 || memchr(data, '\n', (size_t)n) == NULL)
		return;
	ev_io_stop(r->service->sup->loop, &r->io);
	service_event(r->service, ON_READY);
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ready *r = w->data;
	int i;

	watch_again(loop, w, revents);
	if (r->is_pipe) {
		read_pipe(r);
		return;
	}
	for (i = 0; i < PACKETS && r->fd != -1 && read_datagram(r); i++)
		;
}

/* --- what it is asked --- */

static void
on_ready_answer(void *arg, bool ok, const char *why)
{
	struct ready *r = arg;

	r->probe = NULL;
	str_copy(r->why, ok ? "" : why, sizeof r->why);
	if (ok) {
		service_event(r->service, ON_READY);
		return;
	}
	ask_again(r, r->pause);
	r->pause = r->pause * 1.5 < ASK_LAST ? r->pause * 1.5 : ASK_LAST;
}

static void
on_health_answer(void *arg, bool ok, const char *why)
{
	struct ready *r = arg;
	struct service *s = r->service;
	const struct conf_process *c = s->conf;

	r->probe = NULL;
	str_copy(r->why, ok ? "" : why, sizeof r->why);
	if (ok) {
		if (r->bad > 0)
			log_info("program %s: healthy again", s->label);
		r->bad = 0;
	} else {
		r->bad++;
		log_warnx("program %s: unhealthy: %s (%u of %lld)", s->label,
		    why, r->bad, (long long)c->health_retries);
	}
	if (r->bad >= (unsigned)c->health_retries)
		service_unfit(s, REASON_UNHEALTHY);
	else
		ask_again(r, (double)c->health_interval_ms / 1000.);
}

/* The question that fits the state of the service, if any. */
static const struct probe_spec *
question(const struct ready *r)
{
	const struct program *p = &r->service->prog;
	const struct probe_spec *spec = NULL;

	if (p->state == PROGRAM_STARTING && p->pid != 0 && !p->ready)
		spec = &r->ready;
	else if (p->state == PROGRAM_RUNNING)
		spec = &r->health;
	return spec != NULL && spec->kind >= PROBE_TCP ? spec : NULL;
}

static void
on_ask(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct ready *r = w->data;
	struct service *s = r->service;
	const struct probe_spec *spec = question(r);

	(void)loop;
	(void)revents;
	if (spec == NULL || r->probe != NULL)
		return;
	r->probe = probe_start(s->sup, s->conf, spec,
	    (double)s->conf->health_timeout_ms / 1000.,
	    spec == &r->ready ? on_ready_answer : on_health_answer, r);
	if (r->probe == NULL)
		ask_again(r, ASK_AGAIN);
}

static void
ask_again(struct ready *r, double pause)
{
	struct ev_loop *loop = r->service->sup->loop;

	ev_timer_stop(loop, &r->ask);
	if (question(r) == NULL)
		return;
	ev_now_update(loop);
	ev_timer_set(&r->ask, pause, 0.);
	ev_timer_start(loop, &r->ask);
}

static void
ask_no_more(struct ready *r)
{
	ev_timer_stop(r->service->sup->loop, &r->ask);
	if (r->probe != NULL)
		probe_cancel(r->probe);
	r->probe = NULL;
}

/* --- the socket and the pipe --- */

static char *
socket_dir(const struct supervisor *sup)
{
	return xasprintf("%s/notify", sup->conf->main.rundir);
}

static char *
socket_path(const struct service *s)
{
	return xasprintf("%s/notify/%u", s->sup->conf->main.rundir,
	    (unsigned)s->slot);
}

/* Also when only the user has changed. */
static int
give_socket(const struct service *s, const char *path)
{
	const struct conf_user *u = &s->conf->user;
	uid_t uid = u->known ? u->uid : geteuid();
	struct stat st;

	if (geteuid() != 0 || lstat(path, &st) == -1 || st.st_uid == uid)
		return 0;
	return lchown(path, uid, (gid_t)-1);
}

/* Nobody but the program's user and the daemon's may write to it, from the
 * first moment on. */
static int
open_socket(struct service *s)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char *dir = socket_dir(s->sup), *path = socket_path(s);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), saved = 0;
	mode_t mask;

	if (fd == -1 || (mkdir(dir, 0755) == -1 && errno != EEXIST))
		saved = errno;
	else if (str_copy(sun.sun_path, path, sizeof sun.sun_path) >=
	    sizeof sun.sun_path)
		saved = ENAMETOOLONG;
	if (saved == 0) {
		unlink(path);
		mask = umask(0177);
		if (bind(fd, (struct sockaddr *)&sun, sizeof sun) == -1)
			saved = errno;
		umask(mask);
	}
	if (saved == 0 && give_socket(s, path) == -1)
		saved = errno;
	if (saved != 0 && fd != -1) {
		close(fd);
		fd = -1;
	}
	free(dir);
	free(path);
	errno = saved;
	return fd;
}

static bool
needs_socket(const struct ready *r)
{
	return r->ready.kind == PROBE_NOTIFY ||
	    r->service->conf->watchdog_ms > 0;
}

static bool
needs_fd(const struct ready *r)
{
	return needs_socket(r) || r->ready.kind == PROBE_FD;
}

static void
close_fd(struct ready *r)
{
	char *path;

	ev_io_stop(r->service->sup->loop, &r->io);
	if (r->fd == -1)
		return;
	close(r->fd);
	r->fd = -1;
	if (r->is_pipe)
		return;
	path = socket_path(r->service);
	unlink(path);
	free(path);
}

static void
take_fd(struct ready *r, int fd)
{
	struct stat st;

	r->fd = fd;
	r->is_pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	ev_io_init(&r->io, on_readable, fd, EV_READ);
	r->io.data = r;
	/* Whoever writes to a full socket would wait: it is always read. */
	if (!r->is_pipe)
		ev_io_start(r->service->sup->loop, &r->io);
}

/* What an earlier run has left to read is not this one's. */
static void
drain(struct ready *r)
{
	char data[4096];
	int flags = fcntl(r->fd, F_GETFL);

	if (!r->is_pipe) {
		while (recv(r->fd, data, sizeof data, MSG_DONTWAIT) != -1)
			;
		return;
	}
	fcntl(r->fd, F_SETFL, flags | O_NONBLOCK);
	while (read(r->fd, data, sizeof data) > 0)
		;
	fcntl(r->fd, F_SETFL, flags & ~O_NONBLOCK);
}

/* What the run before had is of another kind, or another user's, if a reload
 * came in between. */
static int
open_fd(struct ready *r)
{
	struct service *s = r->service;
	char *path;
	int fd, ret;

	if (r->fd != -1 && r->is_pipe == needs_socket(r))
		close_fd(r);
	if (r->fd != -1 && r->is_pipe)
		return 0;
	if (r->fd != -1) {
		path = socket_path(s);
		ret = give_socket(s, path);
		free(path);
		return ret;
	}
	fd = needs_socket(r) ? open_socket(s) : pipe_whole();
	if (fd == -1)
		return -1;
	take_fd(r, fd);
	r->kept = false;
	return 0;
}

int
ready_prepare(struct service *s, struct spawn_extra *ex)
{
	struct ready *r = s->ready;
	uint32_t slot = LINK_SLOT(s->slot, KEPT_READY);

	*ex = (struct spawn_extra){.fd = -1, .number = -1, .cgroup = -1};
	if (r == NULL || !needs_fd(r))
		return 0;
	if (open_fd(r) == -1)
		return -1;
	if (!r->kept && uplink_keep(s->sup, &slot, &r->fd, 1) == -1)
		return -1;
	r->kept = true;
	drain(r);
	if (r->is_pipe) {
		ex->fd = r->fd;
		ex->number = r->ready.fd;
		return 0;
	}
	snprintf(r->env_socket, sizeof r->env_socket,
	    "NOTIFY_SOCKET=%s/notify/%u", s->sup->conf->main.rundir,
	    (unsigned)s->slot);
	ex->env[ex->nenv++] = r->env_socket;
	snprintf(r->env_usec, sizeof r->env_usec, "WATCHDOG_USEC=%lld",
	    (long long)s->conf->watchdog_ms * 1000);
	if (s->conf->watchdog_ms > 0)
		ex->env[ex->nenv++] = r->env_usec;
	return 0;
}

/* --- its life --- */

static void
begin_run(struct ready *r)
{
	r->status[0] = r->why[0] = '\0';
	r->reloading = false;
	r->bad = 0;
	r->pause = ASK_PAUSE;
}

static void
listen_and_ask(struct ready *r)
{
	struct service *s = r->service;

	if (r->fd != -1 && !(r->is_pipe && s->prog.ready))
		ev_io_start(s->sup->loop, &r->io);
	ask_no_more(r);
	ask_again(r, s->prog.state == PROGRAM_STARTING ? ASK_FIRST :
	    (double)s->conf->health_interval_ms / 1000.);
	feed_dog(r);
}

void
ready_follow(struct service *s, const struct program *before)
{
	struct ready *r = s->ready;
	const struct program *p = &s->prog;

	if (r == NULL || (p->state == before->state && p->pid == before->pid))
		return;
	if (p->pid == 0 || p->state == PROGRAM_STOPPING) {
		ask_no_more(r);
		ev_timer_stop(s->sup->loop, &r->dog);
		if (p->pid == 0 && r->is_pipe)
			ev_io_stop(s->sup->loop, &r->io);
		return;
	}
	if (p->pid != before->pid)
		begin_run(r);
	r->bad = 0;
	listen_and_ask(r);
}

void
ready_takeover(struct service *s)
{
	if (s->ready != NULL && s->prog.pid != 0 &&
	    s->prog.state != PROGRAM_STOPPING) {
		begin_run(s->ready);
		listen_and_ask(s->ready);
	}
}

static void
read_spec(const char *text, char **old, struct probe_spec *spec)
{
	struct buf why = BUF_INIT;

	probe_spec_clear(spec);
	free(*old);
	*old = text != NULL ? xstrdup(text) : NULL;
	if (text != NULL)
		probe_parse(text, spec, &why);
	buf_clear(&why);
}

static struct ready *
ready_new(struct service *s)
{
	struct ready *r = xcalloc(1, sizeof *r);

	r->service = s;
	r->fd = -1;
	ev_init(&r->io, on_readable);
	ev_init(&r->ask, on_ask);
	ev_init(&r->dog, on_dog);
	r->io.data = r->ask.data = r->dog.data = r;
	return r;
}

void
ready_configure(struct service *s, int fd)
{
	const struct conf_process *c = s->conf;
	struct ready *r = s->ready;
	bool health_changed;

	if (c->ready == NULL && c->health == NULL && c->watchdog_ms <= 0 &&
	    fd == -1 && (r == NULL || s->prog.pid == 0)) {
		ready_free(s);
		return;
	}
	if (r == NULL)
		r = s->ready = ready_new(s);
	if (!str_equal(c->ready, r->ready_text))
		read_spec(c->ready, &r->ready_text, &r->ready);
	health_changed = !str_equal(c->health, r->health_text);
	if (health_changed) {
		ask_no_more(r);
		read_spec(c->health, &r->health_text, &r->health);
		r->bad = 0;
		r->why[0] = '\0';
	}
	if (fd != -1) {
		take_fd(r, fd);
		r->kept = true;
	}
	/* A kind of its own for the next run. */
	if (r->fd != -1 && s->prog.pid == 0 &&
	    (!needs_fd(r) || r->is_pipe == needs_socket(r)))
		close_fd(r);
	if (health_changed && s->prog.state == PROGRAM_RUNNING)
		ask_again(r, (double)c->health_interval_ms / 1000.);
}

int
ready_fd(const struct service *s)
{
	return s->ready != NULL ? s->ready->fd : -1;
}

const char *
ready_status(const struct service *s)
{
	return s->ready != NULL && s->prog.pid != 0 ? s->ready->status : "";
}

bool
ready_is_reloading(const struct service *s)
{
	return s->ready != NULL && s->prog.pid != 0 && s->ready->reloading;
}

void
ready_trouble(const struct service *s, char *buf, size_t size)
{
	const struct ready *r = s->ready;

	buf[0] = '\0';
	if (r == NULL)
		return;
	if (s->prog.state == PROGRAM_STARTING && s->prog.pid != 0 &&
	    r->ready.kind != PROBE_NONE && !s->prog.ready)
		snprintf(buf, size, "not ready yet%s%s", r->why[0] ? ": " : "",
		    r->why);
	else if (s->prog.state == PROGRAM_RUNNING && r->bad > 0)
		snprintf(buf, size, "health: %s (%u of %lld)", r->why, r->bad,
		    (long long)s->conf->health_retries);
}

void
ready_free(struct service *s)
{
	struct ready *r = s->ready;

	if (r == NULL)
		return;
	ask_no_more(r);
	ev_timer_stop(s->sup->loop, &r->dog);
	close_fd(r);
	probe_spec_clear(&r->ready);
	probe_spec_clear(&r->health);
	free(r->ready_text);
	free(r->health_text);
	free(r);
	s->ready = NULL;
}

void
ready_clean(struct supervisor *sup)
{
	char *dir = socket_dir(sup), *path;
	struct service *s;

	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->ready != NULL && s->ready->fd != -1 &&
		    !s->ready->is_pipe) {
			path = socket_path(s);
			unlink(path);
			free(path);
		}
	rmdir(dir);
	free(dir);
}
