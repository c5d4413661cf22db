/* One question to a program; see probe.h. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/probe.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/helper.h"
#include "supervisor/probe.h"
#include "supervisor/supervisor.h"

#define CONNECT_AGAIN 0.02 /* seconds, while the queue of a socket is full */
#define LINGER 1. /* seconds in which the rest of an answer is taken, ... */
#define LINGER_MAX 65536 /* ... and bytes: a server that is cut off complains
			  * in its log each time */
#define WHY_MAX 128

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
	struct sockaddr_un un;
};

struct probe {
	struct supervisor *sup;
	probe_fn *done;
	void *arg;
	double timeout_s;
	ev_timer timer; /* timeout_s */
	ev_timer soon; /* for what must not happen inside probe_start() */
	bool ok; /* the answer, once `soon` is to tell it */
	char why[WHY_MAX];

	struct helper *helper; /* PROBE_EXEC; NULL: none runs */

	int fd; /* the others; -1: none */
	union address addr;
	socklen_t addr_len;
	ev_io io;
	bool connected;
	struct buf request; /* what is not sent yet; PROBE_TCP, _UNIX: none */
	bool asks; /* there was one */
	size_t answered; /* bytes so far */
	char answer[16]; /* the head of the status line, which is all that
			  * is looked at */
	bool lingers; /* the answer is told, the caller knows P no more */
};

/* --- its end --- */

static void
probe_free(struct probe *p)
{
	ev_timer_stop(p->sup->loop, &p->timer);
	ev_timer_stop(p->sup->loop, &p->soon);
	ev_io_stop(p->sup->loop, &p->io);
	if (p->fd != -1)
		close(p->fd);
	if (p->helper != NULL)
		helper_cancel(p->helper);
	buf_clear(&p->request);
	free(p);
}

static void
tell(struct probe *p)
{
	probe_fn *done = p->done;
	void *arg = p->arg;
	bool ok = p->ok;
	char why[WHY_MAX];

	str_copy(why, p->why, sizeof why);
	probe_free(p);
	done(arg, ok, why);
}

static void
set_answer(struct probe *p, bool ok, const char *why)
{
	p->ok = ok;
	str_copy(p->why, why, sizeof p->why);
}

static void
answer(struct probe *p, bool ok, const char *why)
{
	set_answer(p, ok, why);
	tell(p);
}

static void
on_tell(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	tell(w->data);
}

/* As answer(), but from the loop, soon. */
static void
answer_later(struct probe *p, bool ok, const char *why)
{
	set_answer(p, ok, why);
	ev_set_cb(&p->soon, on_tell);
	ev_timer_set(&p->soon, 0., 0.);
	ev_timer_start(p->sup->loop, &p->soon);
}

static void
on_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct probe *p = w->data;
	char why[WHY_MAX];

	(void)loop;
	(void)revents;
	if (p->lingers)
		probe_free(p);
	else
		answer(p, false, helper_status_text(0, true, p->timeout_s,
		    why, sizeof why));
}

/* --- sockets --- */

static void
set_address(struct probe *p, const struct probe_spec *spec)
{
	union address *a = &p->addr;

	if (spec->kind == PROBE_UNIX) {
		a->un.sun_family = AF_UNIX;
		str_copy(a->un.sun_path, spec->path, sizeof a->un.sun_path);
		p->addr_len = (socklen_t)(offsetof(struct sockaddr_un,
		    sun_path) + strlen(spec->path) + 1);
		if (spec->path[0] == '@') { /* its name has no NUL */
			a->un.sun_path[0] = '\0';
			p->addr_len--;
		}
	} else if (spec->ip6) {
		a->ip6.sin6_family = AF_INET6;
		a->ip6.sin6_port = htons(spec->port);
		memcpy(&a->ip6.sin6_addr, spec->addr, 16);
		p->addr_len = sizeof a->ip6;
	} else {
		a->ip4.sin_family = AF_INET;
		a->ip4.sin_port = htons(spec->port);
		memcpy(&a->ip4.sin_addr, spec->addr, 4);
		p->addr_len = sizeof a->ip4;
	}
}

static void
watch(struct probe *p, int events)
{
	ev_io_stop(p->sup->loop, &p->io);
	ev_io_set(&p->io, p->fd, events);
	ev_io_start(p->sup->loop, &p->io);
}

/* Where nobody listens on a port that the kernel gives to clients, it may give
 * us that very port, and we connect to ourselves. */
static bool
is_own_port(int fd)
{
	union address here, there;
	socklen_t a = sizeof here, b = sizeof there;

	memset(&here, 0, sizeof here);
	memset(&there, 0, sizeof there);
	if (getsockname(fd, &here.any, &a) == -1 ||
	    getpeername(fd, &there.any, &b) == -1)
		return false;
	return here.any.sa_family != AF_UNIX && a == b &&
	    memcmp(&here, &there, a) == 0;
}

/* The whole request fits into the socket's buffer, as good as always. */
static int
send_request(struct probe *p)
{
	ssize_t n = send(p->fd, buf_head(&p->request), buf_len(&p->request),
	    MSG_NOSIGNAL);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	buf_consume(&p->request, (size_t)n);
	if (buf_len(&p->request) == 0)
		watch(p, EV_READ);
	return 0;
}

static void
on_connected(struct probe *p)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		err = errno;
	if (err == 0 && is_own_port(p->fd))
		err = ECONNREFUSED;
	if (err != 0)
		answer(p, false, strerror(err));
	else if (!p->asks)
		answer(p, true, "connected");
	else
		p->connected = true;
}

/* Tells the answer now and reads on; see LINGER. */
static void
tell_and_linger(struct probe *p, int code)
{
	char why[WHY_MAX];

	p->lingers = true;
	ev_timer_stop(p->sup->loop, &p->timer);
	ev_timer_set(&p->timer, LINGER, 0.);
	ev_timer_start(p->sup->loop, &p->timer);
	snprintf(why, sizeof why, "HTTP %d", code);
	p->done(p->arg, code >= 200 && code < 400, why);
}

/* N: as of recv(2). */
static void
judge_answer(struct probe *p, ssize_t n)
{
	int code = 0, r = probe_http_status(p->answer,
	    p->answered < sizeof p->answer ? p->answered : sizeof p->answer,
	    &code);

	if (r == 1)
		tell_and_linger(p, code);
	else if (r == -1)
		answer(p, false, "the answer is not HTTP");
	else if (n <= 0)
		answer(p, false, n == 0 ? "closed without an answer" :
		    strerror(errno));
}

static void
read_answer(struct probe *p)
{
	char chunk[4096];
	ssize_t n = recv(p->fd, chunk, sizeof chunk, 0);
	size_t room = sizeof p->answer - 1;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && p->answered < room)
		memcpy(p->answer + p->answered, chunk,
		    (size_t)n < room - p->answered ? (size_t)n :
		    room - p->answered);
	if (n > 0)
		p->answered += (size_t)n;
	if (!p->lingers)
		judge_answer(p, n);
	else if (n <= 0 || p->answered > LINGER_MAX)
		probe_free(p);
}

/* The kernel refused to watch it (memory): is it ready all the same? */
static bool
is_ready(struct probe *p, int events)
{
	struct pollfd pfd = {.fd = p->fd,
	    .events = events & EV_WRITE ? POLLOUT : POLLIN};

	watch(p, events);
	return poll(&pfd, 1, 0) == 1;
}

static void
on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct probe *p = w->data;

	(void)loop;
	if (revents & EV_ERROR &&
	    !is_ready(p, buf_len(&p->request) > 0 || !p->connected ?
	    EV_WRITE : EV_READ))
		return;
	if (!p->connected) {
		on_connected(p); /* P may be gone */
		return;
	}
	if (buf_len(&p->request) > 0) {
		if (send_request(p) == -1)
			answer(p, false, strerror(errno));
		return;
	}
	read_answer(p);
}

static void on_connect_again(struct ev_loop *loop, ev_timer *w, int revents);

/* Never tells at once. */
static void
begin_connect(struct probe *p)
{
	int r = connect(p->fd, &p->addr.any, p->addr_len);

	if (r == 0 || errno == EINPROGRESS || errno == EINTR) {
		watch(p, EV_WRITE);
	} else if (errno == EAGAIN && p->addr.any.sa_family == AF_UNIX) {
		ev_set_cb(&p->soon, on_connect_again);
		ev_timer_set(&p->soon, CONNECT_AGAIN, 0.);
		ev_timer_start(p->sup->loop, &p->soon);
	} else {
		answer_later(p, false, strerror(errno));
	}
}

static void
on_connect_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	begin_connect(w->data);
}

static int
start_socket(struct probe *p, const struct probe_spec *spec)
{
	set_address(p, spec);
	p->fd = socket(p->addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (p->fd == -1 && errno == EAFNOSUPPORT) {
		answer_later(p, false, strerror(errno));
		return 0;
	}
	if (p->fd == -1)
		return -1;
	if (spec->kind == PROBE_HTTP) {
		p->asks = true;
		buf_addf(&p->request, "GET %s HTTP/1.1\r\nHost: %s\r\n"
		    "User-Agent: mpsupd\r\nAccept: */*\r\n"
		    "Connection: close\r\n\r\n", spec->path, spec->host);
	}
	begin_connect(p);
	return 0;
}

/* --- commands --- */

static void
on_command_end(void *arg, int status, bool timed_out)
{
	struct probe *p = arg;
	char why[WHY_MAX];

	p->helper = NULL;
	helper_status_text(status, timed_out, p->timeout_s, why, sizeof why);
	answer(p, status == 0 && !timed_out, why);
}

static int
start_command(struct probe *p, const struct conf_process *c,
    const struct probe_spec *spec)
{
	const struct helper_spec h = {
		.c = c,
		.argv = spec->argv,
		.out = -1,
		.timeout_s = p->timeout_s,
	};
	char why[WHY_MAX];

	p->helper = helper_start(p->sup, &h, on_command_end, p);
	if (p->helper != NULL)
		return 0;
	if (helper_is_short(errno))
		return -1;
	snprintf(why, sizeof why, "cannot run %.60s: %s", spec->argv[0],
	    strerror(errno));
	answer_later(p, false, why);
	return 0;
}

/* --- for callers --- */

struct probe *
probe_start(struct supervisor *sup, const struct conf_process *c,
    const struct probe_spec *spec, double timeout_s, probe_fn *done, void *arg)
{
	struct probe *p = xcalloc(1, sizeof *p);
	int r, saved;

	p->sup = sup;
	p->done = done;
	p->arg = arg;
	p->timeout_s = timeout_s;
	p->fd = -1;
	ev_now_update(sup->loop);
	ev_init(&p->soon, on_tell);
	ev_init(&p->timer, on_timeout);
	ev_init(&p->io, on_io);
	p->soon.data = p->timer.data = p->io.data = p;
	r = spec->kind == PROBE_EXEC ? start_command(p, c, spec) :
	    start_socket(p, spec);
	if (r == -1) {
		saved = errno;
		probe_free(p);
		errno = saved;
		return NULL;
	}
	if (p->helper == NULL) { /* a helper has its own */
		ev_timer_set(&p->timer, timeout_s, 0.);
		ev_timer_start(sup->loop, &p->timer);
	}
	return p;
}

void
probe_cancel(struct probe *p)
{
	probe_free(p);
}
