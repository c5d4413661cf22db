/* The client's end of the control socket; see request.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/request.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define READ_SIZE ((size_t)64 * 1024)
#define RETRY_PAUSE_MS 50
#define LASTED_MS 1000 /* a connection this old was a real one */

int64_t
request_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + 1;
}

static void
pause_ms(int ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void
disconnect(struct request *r)
{
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
	r->body = 0;
	buf_clear(&r->in);
}

static int
request_connect(struct request *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ucred cred;
	socklen_t len = sizeof cred;
	int saved;

	if (str_copy(sa.sun_path, r->path, sizeof sa.sun_path) >=
	    sizeof sa.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd == -1)
		return -1;
	if (connect(r->fd, (struct sockaddr *)&sa, sizeof sa) == -1) {
		saved = errno;
		disconnect(r);
		errno = saved;
		return -1;
	}
	r->peer = 0;
	if (getsockopt(r->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		r->peer = cred.pid;
	r->since_ms = request_now_ms();
	return 0;
}

/* Without memory jansson may crash in the middle of a text; ours says so and
 * ends. */
static void *
json_memory(size_t size)
{
	return xreallocarray(NULL, 1, size);
}

int
request_open(struct request *r, const char *path)
{
	json_set_alloc_funcs(json_memory, free);
	/* Replies come from our own daemon: nobody chooses keys that collide,
	 * and no file of random numbers need be opened. */
	json_object_seed((size_t)request_now_ms());
	memset(r, 0, sizeof *r);
	r->fd = r->peer_fd = r->out_fd = -1;
	r->path = xstrdup(path);
	return request_connect(r);
}

void
request_close(struct request *r)
{
	disconnect(r);
	free(r->path);
	r->path = NULL;
}

static bool
peer_has_ended(const struct request *r)
{
	struct pollfd p = {.fd = r->peer_fd, .events = POLLIN};

	return r->peer_fd != -1 && poll(&p, 1, 0) == 1;
}

/* Time left until a deadline (0: none), for poll(2). */
static int
time_left(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms == 0)
		return -1;
	left = deadline_ms - request_now_ms();
	if (left > 1000 * 1000)
		left = 1000 * 1000;
	return left > 0 ? (int)left : 0;
}

/* Connects again.  A connection that lasted starts a new period of trying;
 * one that was closed at once continues the old one. */
static int
request_reconnect(struct request *r)
{
	int64_t now = request_now_ms();

	disconnect(r);
	if (r->lost_ms == 0 || now - r->since_ms > LASTED_MS)
		r->lost_ms = now;
	else
		pause_ms(RETRY_PAUSE_MS);
	for (;;) {
		if (time_left(r->deadline_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (request_now_ms() - r->lost_ms > REQUEST_RETRY_MS) {
			errno = ECONNRESET;
			return -1;
		}
		if (request_connect(r) == 0)
			return 0;
		if (peer_has_ended(r)) {
			errno = ESRCH;
			return -1;
		}
		pause_ms(RETRY_PAUSE_MS);
	}
}

/* Waits until there is something to read. */
static int
wait_readable(const struct request *r)
{
	struct pollfd p[2] = {
		{.fd = r->fd, .events = POLLIN},
		{.fd = r->out_fd},
	};
	int n;

	do {
		n = poll(p, 2, time_left(r->deadline_ms));
		if (n == 0 && time_left(r->deadline_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	} while (n == 0 || (n == -1 && errno == EINTR));
	if (n == -1)
		return -1;
	if (p[1].revents & (POLLERR | POLLHUP)) {
		errno = EPIPE;
		return -1;
	}
	return 0;
}

/* Receives at most SIZE bytes; the end is a lost connection, and so is every
 * error of the socket. */
static ssize_t
receive(struct request *r, void *p, size_t size)
{
	ssize_t n;

	if (wait_readable(r) == -1)
		return -1;
	do
		n = recv(r->fd, p, size, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		return n;
	disconnect(r);
	errno = ECONNRESET;
	return -1;
}

static int
send_all(struct request *r, const struct buf *b)
{
	const char *p = buf_head(b);
	size_t left = buf_len(b);
	ssize_t n;

	while (left > 0) {
		n = send(r->fd, p, left, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			disconnect(r);
			errno = ECONNRESET;
			return -1;
		}
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

/* Sorts the members of P->root.  False: it is not a message. */
static bool
reply_sort(struct reply *p)
{
	json_t *err = json_object_get(p->root, "error");
	json_t *body;

	p->result = json_object_get(p->root, "result");
	p->params = json_object_get(p->root, "params");
	if (json_is_object(err)) {
		p->error = proto_error_from_code(reply_int(err, "code", 0));
		if (p->error == PROTO_OK)
			p->error = PROTO_INTERNAL;
		p->message = reply_str(err, "message");
		if (p->message == NULL)
			p->message = proto_error_name(p->error);
		p->data = json_object_get(err, "data");
		p->result = p->params = NULL;
		return true;
	}
	if (p->result == NULL && p->params == NULL)
		return false;
	body = json_object_get(p->result != NULL ? p->result : p->params,
	    "body");
	if (json_is_integer(body) && json_integer_value(body) > 0)
		p->body = (uint64_t)json_integer_value(body);
	return true;
}

static int
reply_parse(struct reply *p, const char *line, size_t len)
{
	json_error_t err;

	memset(p, 0, sizeof *p);
	p->root = json_loadb(line, len, JSON_ALLOW_NUL, &err);
	if (!json_is_object(p->root) || !reply_sort(p)) {
		json_decref(p->root);
		errno = EPROTO;
		return -1;
	}
	p->line = xstrndup(line, len);
	return 0;
}

int
request_next(struct request *r, struct reply *ret)
{
	size_t seen = 0, len;
	char *nl = NULL;
	ssize_t n;
	int rc;

	if (r->fd == -1) {
		errno = ECONNRESET;
		return -1;
	}
	for (;;) {
		len = buf_len(&r->in);
		if (len > seen)
			nl = memchr(buf_head(&r->in) + seen, '\n', len - seen);
		if (nl != NULL)
			break;
		seen = len;
		if (len > REPLY_MAX) {
			errno = EPROTO;
			return -1;
		}
		n = receive(r, buf_reserve(&r->in, READ_SIZE), READ_SIZE);
		if (n == -1)
			return -1;
		r->in.end += (size_t)n;
	}
	len = (size_t)(nl - buf_head(&r->in));
	rc = reply_parse(ret, buf_head(&r->in), len);
	buf_consume(&r->in, len + 1);
	if (rc == 0)
		r->body = ret->body;
	return rc;
}

ssize_t
request_body(struct request *r, void *p, size_t size)
{
	ssize_t n;

	if (size > r->body)
		size = (size_t)r->body;
	if (size == 0)
		return 0;
	if (buf_len(&r->in) > 0) {
		if (size > buf_len(&r->in))
			size = buf_len(&r->in);
		memcpy(p, buf_head(&r->in), size);
		buf_consume(&r->in, size);
		n = (ssize_t)size;
	} else {
		n = receive(r, p, size);
		if (n == -1)
			return -1;
	}
	r->body -= (uint64_t)n;
	return n;
}

/* Waits for the answer to the request r->id. */
static int
request_answer(struct request *r, struct reply *ret)
{
	json_t *id;

	for (;;) {
		if (request_next(r, ret) == -1)
			return -1;
		id = json_object_get(ret->root, "id");
		if (json_is_integer(id) && json_integer_value(id) == r->id)
			return 0;
		/* A request that could not be read is answered without. */
		if (ret->error != PROTO_OK && json_is_null(id))
			return 0;
		if (ret->body > 0) {
			reply_clear(ret);
			errno = EPROTO;
			return -1;
		}
		if (r->notified != NULL && ret->params != NULL)
			r->notified(r, ret);
		reply_clear(ret);
	}
}

/* 0, or -1 with EMSGSIZE. */
static int
add_line(struct request *r, const char *method, const struct buf *params,
    struct buf *line)
{
	buf_addf(line, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\","
	    "\"params\":", ++r->id, method);
	buf_add(line, buf_head(params), buf_len(params));
	buf_adds(line, "}\n");
	errno = EMSGSIZE;
	return buf_len(line) > PROTO_REQUEST_MAX ? -1 : 0;
}

/* The first byte of LINE, with descriptors. */
static int
send_fds(struct request *r, struct buf *line, const int *fds, size_t nfds)
{
	union {
		char bytes[CMSG_SPACE(REQUEST_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {buf_head(line), 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_SPACE(nfds * sizeof *fds)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfds * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, nfds * sizeof *fds);
	do
		n = sendmsg(r->fd, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		disconnect(r);
		errno = ECONNRESET;
		return -1;
	}
	buf_consume(line, (size_t)n);
	return 0;
}

int
request_send(struct request *r, const char *method, const struct buf *params,
    const int *fds, size_t nfds)
{
	struct buf line = BUF_INIT;
	int rc = -1, saved;

	if ((r->fd != -1 || request_reconnect(r) == 0) &&
	    add_line(r, method, params, &line) == 0 &&
	    (nfds == 0 || send_fds(r, &line, fds, nfds) == 0))
		rc = send_all(r, &line);
	saved = errno;
	buf_clear(&line);
	errno = saved;
	return rc;
}

int
request_call(struct request *r, const char *method,
    const struct buf *params, struct reply *ret)
{
	struct buf line = BUF_INIT;
	struct reply p;
	int rc = -1, saved;

	if (add_line(r, method, params, &line) == -1)
		goto out;
	do {
		if (r->fd == -1 && request_reconnect(r) == -1)
			break;
		if (send_all(r, &line) == 0 && request_answer(r, &p) == 0)
			rc = 0;
	} while (rc == -1 && errno == ECONNRESET);
	if (rc == 0)
		*ret = p;
out:
	saved = errno;
	buf_clear(&line);
	errno = saved;
	return rc;
}

int
request_follow(struct request *r, const char *method,
    const struct buf *params, bool follow, request_show_fn *show, void *arg)
{
	struct reply p;
	int rc;

	if (request_call(r, method, params, &p) == -1) {
		if (errno == ECONNRESET)
			errno = ENOTCONN;
		return -1;
	}
	for (;;) {
		rc = show(arg, &p);
		reply_clear(&p);
		if (rc != 0 || !follow)
			return rc;
		if (request_next(r, &p) == -1)
			return -1;
	}
}

void
reply_clear(struct reply *p)
{
	json_decref(p->root);
	free(p->line);
	memset(p, 0, sizeof *p);
}

/* The end of the JSON value at P: the comma or bracket behind it. */
static const char *
value_end(const char *p)
{
	bool quoted = false;
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (quoted) {
			if (*p == '\\' && p[1] != '\0')
				p++;
			else if (*p == '"')
				quoted = false;
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (depth-- == 0)
				break;
		} else if (*p == ',' && depth == 0) {
			break;
		}
	}
	return p;
}

const char *
reply_raw(const char *line, const char *key, size_t *ret_len)
{
	static const char blank[] = " \t\r\n";
	const char *p = line + strspn(line, blank), *q;
	size_t n = strlen(key);
	bool hit;

	if (*p++ != '{')
		return NULL;
	for (;;) {
		p += strspn(p, blank);
		if (*p != '"')
			return NULL;
		hit = strncmp(p + 1, key, n) == 0 && p[n + 1] == '"';
		for (p++; *p != '"' && *p != '\0'; p++)
			if (*p == '\\' && p[1] != '\0')
				p++;
		p += strcspn(p, ":");
		if (*p == '\0')
			return NULL;
		p++;
		p += strspn(p, blank);
		q = value_end(p);
		if (hit) {
			while (q > p && strchr(blank, q[-1]) != NULL)
				q--;
			*ret_len = (size_t)(q - p);
			return p;
		}
		if (*q != ',')
			return NULL;
		p = q + 1;
	}
}

void
request_new_id(char id[17])
{
	uint64_t n;

	if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n)
		n = (uint64_t)request_now_ms() << 22 ^ (uint64_t)getpid();
	snprintf(id, 17, "%016llx", (unsigned long long)n);
}

const char *
reply_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

double
reply_num(const json_t *obj, const char *key, double def)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_number(v) ? json_number_value(v) : def;
}

int
reply_int(const json_t *obj, const char *key, int def)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n = json_integer_value(v);

	return json_is_integer(v) && n >= -INT_MAX && n <= INT_MAX ? (int)n :
	    def;
}

bool
reply_true(const json_t *obj, const char *key)
{
	return json_is_true(json_object_get(obj, key));
}
