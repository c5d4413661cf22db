/* Connected clients; see peer.h. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/server.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

#define REQUESTS_PER_TURN 32 /* of one peer */
#define REQUESTS_MAX 64 /* under way for one peer; then it is not read */
#define READY_MAX 4 /* replies that wait for it to read; the same */
#define FILL_TARGET (64 * 1024) /* bytes kept ready for a client */
#define STALL 10. /* seconds without progress */
#define EOF_LOOK 5. /* seconds between looks at a peer that is not read */

static void peer_update(struct peer *p);

/* --- replies --- */

void
request_ready(struct request *r)
{
	if (r->ready)
		return;
	r->ready = true;
	r->peer->nready++;
	TAILQ_INSERT_TAIL(&r->peer->ready, r, ready_entry);
	if (!r->peer->in_turn)
		peer_update(r->peer);
}

static void
request_free(struct request *r)
{
	struct peer *p = r->peer;

	if (r->waiter != NULL)
		waiter_free(r->waiter);
	if (r->cleanup != NULL)
		r->cleanup(r);
	if (r->ready) {
		TAILQ_REMOVE(&p->ready, r, ready_entry);
		p->nready--;
	}
	TAILQ_REMOVE(&p->requests, r, entry);
	p->nrequests--;
	json_decref(r->params);
	buf_clear(&r->reply);
	free(r);
}

static enum fill
fill_reply(struct request *r, struct buf *out)
{
	buf_add(out, buf_head(&r->reply), buf_len(&r->reply));
	return FILL_DONE;
}

void
request_head(struct request *r, struct buf *out)
{
	buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	buf_adds(out, r->id);
	buf_adds(out, ",\"result\":");
}

static void
request_finish(struct request *r)
{
	buf_adds(&r->reply, "}\n");
	r->fill = fill_reply;
	request_ready(r);
}

void
request_result(struct request *r, struct buf *result)
{
	request_head(r, &r->reply);
	buf_add(&r->reply, buf_head(result), buf_len(result));
	buf_clear(result);
	request_finish(r);
}

static void __attribute__((format(printf, 4, 0)))
request_verror(struct request *r, enum proto_error e, const char *data,
    const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof text, fmt, ap);
	buf_adds(&r->reply, "{\"jsonrpc\":\"2.0\",\"id\":");
	buf_adds(&r->reply, r->id[0] != '\0' ? r->id : "null");
	buf_addf(&r->reply, ",\"error\":{\"code\":%d,\"message\":",
	    proto_error_code(e));
	buf_adds_json(&r->reply, text);
	buf_addf(&r->reply, ",\"data\":{\"name\":\"%s\"%s}}",
	    proto_error_name(e), data);
	if (e == PROTO_PARSE || e == PROTO_INVALID) {
		r->peer->last = true; /* never guess where the next begins */
		if (r->id[0] == '\0')
			snprintf(r->id, sizeof r->id, "null");
	}
	request_finish(r);
}

void
request_error(struct request *r, enum proto_error e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	request_verror(r, e, "", fmt, ap);
	va_end(ap);
}

void
request_error_data(struct request *r, enum proto_error e, const char *data,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	request_verror(r, e, data, fmt, ap);
	va_end(ap);
}

/* --- requests --- */

static struct request *
request_new(struct peer *p)
{
	struct request *r = xcalloc(1, sizeof *r);

	r->peer = p;
	TAILQ_INSERT_TAIL(&p->requests, r, entry);
	p->nrequests++;
	return r;
}

/* The id as JSON text, so that it goes back as it came.  False: not one. */
static bool
take_id(struct request *r, json_t *msg)
{
	json_t *id = json_object_get(msg, "id");
	char *text;
	bool ok;

	if (id == NULL)
		return true;
	if (!json_is_integer(id) && !json_is_string(id) && !json_is_null(id))
		return false;
	text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
	ok = text != NULL && strlen(text) <= PROTO_ID_MAX;
	if (ok)
		snprintf(r->id, sizeof r->id, "%s", text);
	free(text);
	return ok;
}

/* It names programs: each of them is judged when it is selected. */
static bool
may_try(const struct request *r)
{
	return r->method->by_program &&
	    json_array_size(json_object_get(r->params, "names")) > 0 &&
	    server_permits_some(r->peer);
}

static void
dispatch(struct request *r, const char *name)
{
	const struct method *method = method_find(name);
	struct peer *p = r->peer;

	if (method == NULL) {
		request_error(r, PROTO_NO_METHOD, "no such method: %.100s",
		    name);
		return;
	}
	r->method = method;
	r->limited = !server_permits(p, method->needs);
	if (r->limited && !may_try(r)) {
		request_error(r, PROTO_NOT_PERMITTED, "user %u may not %s: "
		    "neither root, the daemon's user nor %s", (unsigned)p->uid,
		    name, method->needs == MAY_LOOK ? "in readers or operators" :
		    "in operators");
		return;
	}
	if ((p->sup->keeper_gone || p->sup->safe) &&
	    method->needs == MAY_CONTROL && !method->in_need) {
		request_error(r, PROTO_INTERNAL, "%s is not possible now: %s",
		    name, p->sup->safe ? "the supervisor crashed again and "
		    "again and runs in safe mode; programs run on; `reload` "
		    "leaves it" : "the keeper was killed and cannot be "
		    "replaced; programs run on (see the daemon's log)");
		return;
	}
	if (p->sup->stopping && !method->while_stopping) {
		request_error(r, PROTO_SHUTTING_DOWN, "the daemon is "
		    "stopping; %s is not possible any more", name);
		return;
	}
	method->exec(r);
}

int
request_take_fd(struct request *r)
{
	struct peer *p = r->peer;
	int fd;

	if (p->nfds == 0)
		return -1;
	fd = p->fds[0];
	p->nfds--;
	memmove(p->fds, p->fds + 1, (size_t)p->nfds * sizeof *p->fds);
	return fd;
}

static void
drop_fds(struct peer *p)
{
	while (p->nfds > 0)
		close(p->fds[--p->nfds]);
}

static void
handle_line(struct peer *p, const char *line, size_t len)
{
	struct request *r = request_new(p);
	json_t *msg, *method, *version, *params, *body;
	json_error_t err;

	msg = json_loadb(line, len, JSON_REJECT_DUPLICATES, &err);
	if (msg == NULL) {
		request_error(r, PROTO_PARSE, "not JSON: %s", err.text);
		return;
	}
	method = json_object_get(msg, "method");
	version = json_object_get(msg, "jsonrpc");
	params = json_object_get(msg, "params");
	body = json_object_get(params, "body");
	if (!json_is_object(msg) || !json_is_string(method) ||
	    !json_is_string(version) ||
	    strcmp(json_string_value(version), "2.0") != 0 ||
	    !take_id(r, msg) || body != NULL ||
	    (params != NULL && !json_is_object(params))) {
		request_error(r, PROTO_INVALID, "%s", body != NULL ?
		    "no method takes a body" : "not a request of JSON-RPC "
		    "2.0 with a method and named params");
	} else {
		r->params = params != NULL ? json_incref(params) :
		    json_object();
		dispatch(r, json_string_value(method));
	}
	json_decref(msg);
}

static void
look_again(struct peer *p)
{
	if (p->again)
		return;
	p->again = true;
	TAILQ_INSERT_TAIL(&p->sup->server->again, p, again_entry);
}

/* Whoever does not read its replies asks nothing more. */
static bool
may_parse(const struct peer *p)
{
	return !p->closing && !p->last && p->nrequests < REQUESTS_MAX &&
	    p->nready < READY_MAX;
}

/* Handles what is complete in the input buffer. */
static void
peer_parse(struct peer *p)
{
	int n;

	for (n = 0; n < REQUESTS_PER_TURN; n++) {
		char *head = buf_head(&p->in), *nl;
		size_t len = buf_len(&p->in);

		if (len == 0 || !may_parse(p))
			return;
		nl = memchr(head, '\n', len);
		if ((nl == NULL && len > PROTO_REQUEST_MAX) ||
		    (nl != NULL && nl - head > PROTO_REQUEST_MAX)) {
			request_error(request_new(p), PROTO_PARSE,
			    "request too long: more than %d bytes",
			    PROTO_REQUEST_MAX);
			return;
		}
		if (nl == NULL)
			return;
		handle_line(p, head, (size_t)(nl - head));
		buf_consume(&p->in, (size_t)(nl - head) + 1);
		/* The kernel gives no bytes behind those that descriptors came
		 * with: without any left, they were for this request. */
		if (buf_len(&p->in) == 0)
			drop_fds(p);
	}
	look_again(p); /* more may be complete: others first */
}

/* --- bytes --- */

/* Lets requests say what they have, as long as the client reads. */
static void
peer_fill(struct peer *p)
{
	struct request *r;

	while (buf_len(&p->out) < FILL_TARGET &&
	    (r = TAILQ_FIRST(&p->ready)) != NULL) {
		if (r->id[0] == '\0') { /* a notification has no reply */
			request_free(r);
			continue;
		}
		switch (r->fill(r, &p->out)) {
		case FILL_MORE:
			break;
		case FILL_YIELD:
			TAILQ_REMOVE(&p->ready, r, ready_entry);
			TAILQ_INSERT_TAIL(&p->ready, r, ready_entry);
			break;
		case FILL_IDLE:
			TAILQ_REMOVE(&p->ready, r, ready_entry);
			r->ready = false;
			p->nready--;
			break;
		case FILL_DONE:
			request_free(r);
			break;
		}
	}
}

static bool
has_stream(const struct peer *p)
{
	struct request *r;

	TAILQ_FOREACH(r, &p->requests, entry)
		if (r->stream)
			return true;
	return false;
}

static bool
has_hung_up(const struct peer *p)
{
	struct pollfd pfd = {.fd = p->fd};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

/* Looks at P again in so many SECONDS, 0: never; the same ones go on. */
static void
peer_watch(struct peer *p, double seconds)
{
	if (p->watch == seconds)
		return;
	p->watch = seconds;
	ev_timer_stop(p->sup->loop, &p->stall);
	if (seconds > 0) {
		ev_timer_set(&p->stall, seconds, 0.);
		ev_timer_start(p->sup->loop, &p->stall);
	}
}

/* One helping a turn: a long reply to a fast reader leaves room for others. */
static void
peer_write(struct peer *p)
{
	ssize_t n;

	peer_fill(p);
	while (buf_len(&p->out) > 0) {
		n = send(p->fd, buf_head(&p->out), buf_len(&p->out),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				peer_close(p);
			return;
		}
		buf_consume(&p->out, (size_t)n);
		peer_watch(p, 0);
	}
	if (p->out.cap > 4096)
		buf_clear(&p->out);
}

static void
take_fds(struct peer *p, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (p->nfds < PEER_FDS)
				p->fds[p->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static ssize_t
receive(struct peer *p, void *data, size_t size)
{
	union {
		char bytes[CMSG_SPACE(PEER_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {data, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	/* Without room for them the kernel drops descriptors itself; a
	 * close(2) of ours may wait for a file system of the client's own. */
	if (server_permits(p, MAY_CONTROL)) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof control;
	}
	n = recvmsg(p->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n != -1 && msg.msg_controllen > 0)
		take_fds(p, &msg);
	return n;
}

static void
peer_read(struct peer *p)
{
	ssize_t n;

	n = receive(p, buf_reserve(&p->in, 4096), 4096);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			peer_close(p);
		return;
	}
	if (n == 0) {
		/* It is gone, or only sends no more (a half-close). */
		p->eof = true;
		if (has_hung_up(p)) {
			peer_close(p);
			return;
		}
	}
	p->in.end += (size_t)n;
	p->active_ns = now_ns();
	TAILQ_REMOVE(&p->sup->server->peers, p, entry);
	TAILQ_INSERT_TAIL(&p->sup->server->peers, p, entry);
}

/* Interest, the stall timer and the end of a peer: in this place only. */
static void
peer_update(struct peer *p)
{
	struct ev_loop *loop = p->sup->loop;
	int want = 0;

	if (p->closing)
		return;
	if (buf_len(&p->in) == 0) /* idle peers cost little */
		buf_clear(&p->in);
	if (p->last)
		; /* what it sends is not read any more */
	else if (!p->eof && p->nrequests < REQUESTS_MAX &&
	    buf_len(&p->in) <= PROTO_REQUEST_MAX)
		want |= EV_READ;
	if (buf_len(&p->out) > 0 || !TAILQ_EMPTY(&p->ready))
		want |= EV_WRITE;
	else if ((p->last && p->nrequests == 0) ||
	    (p->eof && !has_stream(p) && p->nrequests == 0)) {
		peer_close(p);
		return;
	}
	if (want != (p->io.events & (EV_READ | EV_WRITE)) ||
	    !ev_is_active(&p->io)) {
		ev_io_stop(loop, &p->io);
		ev_io_set(&p->io, p->fd, want);
		if (want != 0)
			ev_io_start(loop, &p->io);
	}
	/* One that is not read would go unseen: it has said all that it will,
	 * or must wait before it may say more. */
	peer_watch(p, buf_len(&p->out) > 0 && !has_stream(p) ? STALL :
	    (want & EV_READ) == 0 ? EOF_LOOK : 0);
}

void
peer_resume(struct peer *p)
{
	/* A reply that is written at once needs no look for room, and so no
	 * call of the kernel's to begin and to end looking. */
	p->in_turn = true;
	if (!p->closing)
		peer_parse(p);
	if (!p->closing)
		peer_write(p);
	p->in_turn = false;
	/* Requests that ended may have made room for waiting ones. */
	if (buf_len(&p->in) > 0 && may_parse(p) &&
	    memchr(buf_head(&p->in), '\n', buf_len(&p->in)) != NULL)
		look_again(p);
	peer_update(p);
}

static void
on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct peer *p = w->data;

	(void)loop;
	if (revents & EV_ERROR)
		peer_close(p); /* it cannot be watched */
	if (!p->closing && (revents & EV_READ) != 0)
		peer_read(p);
	peer_resume(p);
}

static void
on_stall(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct peer *p = w->data;
	bool stalled = p->watch == STALL;

	(void)loop;
	(void)revents;
	p->watch = 0;
	if (stalled || has_hung_up(p))
		peer_close(p); /* it asks and does not read, or is gone */
	else
		peer_update(p);
}

/* --- life --- */

struct peer *
peer_new(struct supervisor *sup, int fd)
{
	struct peer *p = xcalloc(1, sizeof *p);
	struct ucred cred = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof cred;

	p->sup = sup;
	p->fd = fd;
	TAILQ_INIT(&p->requests);
	TAILQ_INIT(&p->ready);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.uid = (uid_t)-1; /* nobody */
	p->uid = cred.uid;
	p->gid = cred.gid;
	p->pid = cred.pid;
	p->active_ns = now_ns();
	ev_init(&p->stall, on_stall);
	p->stall.data = p;
	ev_io_init(&p->io, on_io, fd, EV_READ);
	p->io.data = p;
	ev_io_start(sup->loop, &p->io);
	TAILQ_INSERT_TAIL(&sup->server->peers, p, entry);
	sup->server->npeers++;
	return p;
}

void
peer_close(struct peer *p)
{
	if (p->closing)
		return;
	p->closing = true;
	ev_io_stop(p->sup->loop, &p->io);
	ev_timer_stop(p->sup->loop, &p->stall);
	TAILQ_REMOVE(&p->sup->server->peers, p, entry);
	TAILQ_INSERT_TAIL(&p->sup->server->dead, p, entry);
	p->sup->server->npeers--;
}

void
peer_free(struct peer *p)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&p->requests)) != NULL)
		request_free(r);
	ev_clear_pending(p->sup->loop, &p->io);
	close(p->fd);
	drop_fds(p);
	buf_clear(&p->in);
	buf_clear(&p->out);
	free(p);
}

void
peer_flush(struct peer *p)
{
	if (!p->closing)
		peer_write(p);
}

bool
peer_is_idle(const struct peer *p)
{
	return p->nrequests == 0;
}
