/* A program as if it ran here; see streams.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/streams.h"
#include "lib/log.h"
#include "lib/xalloc.h"

#define PIECE ((size_t)64 * 1024)
#define LOT ((size_t)4096) /* PIPE_BUF: room for it is all or nothing */

/* --- one output --- */

/* A pipe or terminal that says it has room takes a page without making us
 * wait; a file takes all. */
static size_t
lot_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? PIECE : LOT;
}

static int
flow_ask(struct streams *st, struct flow *f)
{
	struct buf params = BUF_INIT;
	int rc, saved;

	buf_adds(&params, "{\"names\":[");
	buf_adds_json(&params, st->name);
	buf_addf(&params, "],\"stream\":\"%s\",\"until_end\":true,"
	    "\"lines\":%d", f->stream, st->whole ? -1 : 0);
	if (f->position != NULL) {
		buf_adds(&params, ",\"position\":");
		buf_adds_json(&params, f->position);
	}
	buf_addc(&params, '}');
	rc = request_send(&f->r, "logs", &params, NULL, 0);
	saved = errno;
	buf_clear(&params);
	errno = saved;
	return rc;
}

/* The SIZE bytes behind a message.  -1: the connection is lost, nothing of
 * them was taken over. */
static int
take_piece(struct flow *f, uint64_t size)
{
	ssize_t n;

	while (size > 0) {
		n = request_body(&f->r, buf_reserve(&f->piece, PIECE), PIECE);
		if (n <= 0) {
			buf_clear(&f->piece);
			return -1;
		}
		f->piece.end += (size_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

/* It goes where the other output goes: that one has all of it. */
static bool
is_same(const struct flow *f, const json_t *info)
{
	const char *stream = reply_str(info, "stream");

	return stream != NULL && strcmp(stream, f->stream) != 0;
}

static int
flow_message(struct streams *st, struct flow *f, const struct reply *p)
{
	const json_t *info = p->result != NULL ? p->result : p->params;
	const char *position = reply_str(info, "position");

	if (p->error != PROTO_OK) {
		/* Removed: it is told by `control` as well. */
		if (p->error != PROTO_NO_SUCH_PROGRAM)
			log_warnx("%s: %s is not shown: %s", st->name,
			    f->stream, p->message);
		f->done = true;
		return 0;
	}
	if (is_same(f, info)) {
		f->done = true;
		return 0;
	}
	if (take_piece(f, p->body) == -1)
		return -1;
	if (position != NULL) {
		free(f->position);
		f->position = xstrdup(position);
	}
	f->done |= reply_true(info, "end");
	return 0;
}

/* A message, or a lost connection, which is made again.  -1 with errno: it
 * cannot be. */
static int
flow_read(struct streams *st, struct flow *f)
{
	struct reply p;
	int rc = request_next(&f->r, &p);

	if (rc == 0) {
		rc = flow_message(st, f, &p);
		reply_clear(&p);
		if (rc == 0)
			return 0;
		errno = ECONNRESET;
	}
	while (rc == -1 && errno == ECONNRESET) {
		rc = flow_ask(st, f);
		if (rc == -1 && errno == ECONNRESET && f->r.fd == -1 &&
		    request_now_ms() - f->r.lost_ms > REQUEST_RETRY_MS) {
			errno = ENOTCONN;
			return -1;
		}
	}
	return rc;
}

/* Writes what may be written without waiting.  The exit code, or -1. */
static int
flow_write(struct streams *st, struct flow *f)
{
	size_t n = buf_len(&f->piece);
	ssize_t done;

	done = write(f->out, buf_head(&f->piece), n < f->lot ? n : f->lot);
	if (done >= 0) {
		buf_consume(&f->piece, (size_t)done);
		return -1;
	}
	if (errno == EINTR || errno == EAGAIN)
		return -1;
	buf_clear(&f->piece);
	f->done = true;
	request_close(&f->r);
	f->r.fd = -1;
	if (errno == EPIPE)
		return st->ops->signalled(st, SIGPIPE);
	log_warn("cannot write to %s; the rest of it is lost", f->stream);
	st->failed = true;
	return -1;
}

/* --- its input --- */

/* Our stdin has ended, or the program takes nothing any more. */
static void
input_close(struct streams *st)
{
	close(st->input);
	st->input = INPUT_NONE;
	st->ntyped = 0;
}

/* What is written from now on is shown. */
static bool
is_seen(const struct flow *f)
{
	return f->done || f->position != NULL;
}

static struct pollfd
input_poll(const struct streams *st)
{
	/* Not before its answers are seen. */
	if (st->input < 0 || st->over || !is_seen(&st->flow[0]) ||
	    !is_seen(&st->flow[1]))
		return (struct pollfd){-1, 0, 0};
	if (st->ntyped > 0)
		return (struct pollfd){st->input, POLLOUT, 0};
	return (struct pollfd){STDIN_FILENO, POLLIN, 0};
}

static void
input_move(struct streams *st)
{
	ssize_t n;

	if (st->ntyped == 0) {
		n = read(STDIN_FILENO, st->typed, sizeof st->typed);
		if (n > 0)
			st->ntyped = (size_t)n;
		else if (n == 0 || errno != EINTR)
			input_close(st);
		return;
	}
	n = write(st->input, st->typed, st->ntyped);
	if (n > 0) {
		st->ntyped -= (size_t)n;
		memmove(st->typed, st->typed + n, st->ntyped);
	} else if (n == -1 && errno != EAGAIN && errno != EINTR) {
		log_warn("%s: takes no input any more", st->name);
		input_close(st);
	}
}

/* --- all of it --- */

/* Its reader shall see its end although the other one is not read yet. */
static void
flow_shut(struct flow *f)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	f->shut = true;
	if (null == -1)
		return; /* at our exit, then */
	dup2(null, f->out);
	close(null);
}

static bool
is_finished(struct streams *st)
{
	bool all = st->over;
	int i;

	for (i = 0; i < 2 && st->over; i++) {
		struct flow *f = &st->flow[i];

		if (!f->done || buf_len(&f->piece) > 0)
			all = false;
		else if (!f->shut)
			flow_shut(f);
	}
	return all;
}

static int
lost(const struct streams *st, int err)
{
	if (err == ENOTCONN || err == ECONNRESET)
		log_warnx("%s: connection to the daemon lost; what became of "
		    "it is not known", st->name);
	else
		cli_request_failed(st->cli, err);
	return CLI_OURS;
}

/* The exit code, or -1: it is not over. */
static int
control_read(struct streams *st)
{
	struct reply p;
	int rc;

	if (request_next(&st->control, &p) == -1) {
		while (errno == ECONNRESET) {
			if (st->ops->ask(st) == 0)
				return -1;
			if (st->control.fd == -1 && request_now_ms() -
			    st->control.lost_ms > REQUEST_RETRY_MS)
				break;
		}
		return st->over ? -1 : lost(st, errno);
	}
	st->answered = true;
	rc = st->ops->told(st, &p);
	reply_clear(&p);
	return rc;
}

enum { AT_CONTROL, AT_SIGNAL, AT_INPUT, AT_FLOW, POLLS = AT_FLOW + 2 };

/* What is waited for: input, or room for what came in.  True: some input is
 * here already. */
static bool
prepare(struct streams *st, int sigfd, struct pollfd *p)
{
	bool ready = buf_len(&st->control.in) > 0;
	int i;

	/* Also when it is over: the connection is what keeps the logs. */
	p[AT_CONTROL] = (struct pollfd){st->control.fd, POLLIN, 0};
	p[AT_SIGNAL] = (struct pollfd){sigfd, POLLIN, 0};
	p[AT_INPUT] = input_poll(st);
	for (i = 0; i < 2; i++) {
		struct flow *f = &st->flow[i];

		if (buf_len(&f->piece) > 0)
			p[AT_FLOW + i] = (struct pollfd){f->out, POLLOUT, 0};
		else
			p[AT_FLOW + i] = (struct pollfd){f->done ? -1 :
			    f->r.fd, POLLIN, 0};
		ready |= !f->done && buf_len(&f->piece) == 0 &&
		    (buf_len(&f->r.in) > 0 || f->r.fd == -1);
	}
	return ready;
}

static int
time_left(const struct streams *st)
{
	int64_t left = st->deadline_ms - request_now_ms();

	if (st->deadline_ms == 0 || st->over)
		return -1;
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

/* The exit code, or -1. */
static int
serve_signal(struct streams *st, int sigfd)
{
	struct signalfd_siginfo si;

	if (read(sigfd, &si, sizeof si) != (ssize_t)sizeof si)
		return -1;
	return st->ops->signalled(st, (int)si.ssi_signo);
}

static int
serve_flow(struct streams *st, struct flow *f, short revents)
{
	if (buf_len(&f->piece) > 0)
		return revents != 0 ? flow_write(st, f) : -1;
	if (f->done || (revents == 0 && buf_len(&f->r.in) == 0 &&
	    f->r.fd != -1))
		return -1;
	return flow_read(st, f) == -1 ? lost(st, errno) : -1;
}

static int
loop(struct streams *st, int sigfd)
{
	struct pollfd p[POLLS];
	int code = -1, now, i;

	while (!is_finished(st)) {
		if (poll(p, POLLS, prepare(st, sigfd, p) ? 0 :
		    time_left(st)) == -1 && errno != EINTR)
			return lost(st, errno);
		if (time_left(st) == 0) {
			st->deadline_ms = 0;
			st->ops->late(st);
		}
		if (p[AT_SIGNAL].revents != 0 &&
		    (now = serve_signal(st, sigfd)) != -1)
			return now;
		if (p[AT_INPUT].revents != 0)
			input_move(st);
		for (i = 0; i < 2; i++)
			if ((now = serve_flow(st, &st->flow[i],
			    p[AT_FLOW + i].revents)) != -1)
				return now;
		if (st->control.fd == -1 || (p[AT_CONTROL].revents == 0 &&
		    buf_len(&st->control.in) == 0))
			continue;
		now = control_read(st);
		if (st->over || now == -1)
			continue;
		code = now;
		st->over = true;
	}
	return st->failed ? CLI_OURS : code;
}

/* Signals come as input; none of them ends us in the middle of a line. */
static int
take_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
flow_init(struct flow *f, const char *stream, int out)
{
	f->stream = stream;
	f->out = out;
	f->lot = lot_of(out);
}

/* The first message is the answer to `ask`: only then the program is there. */
static int
begin(struct streams *st)
{
	int i, code;

	if (st->ops->ask(st) == -1 && errno != ECONNRESET)
		return lost(st, errno);
	do
		code = control_read(st);
	while (code == -1 && !st->answered);
	st->over = code != -1;
	if (st->over)
		return code;
	for (i = 0; i < 2; i++) {
		if (request_open(&st->flow[i].r, st->cli->socket) == -1 &&
		    errno != ECONNREFUSED && errno != ENOENT)
			return lost(st, errno);
		if (flow_ask(st, &st->flow[i]) == -1 && errno != ECONNRESET)
			return lost(st, errno);
	}
	return -1;
}

int
streams_run(struct streams *st)
{
	int code, sigfd, i;

	if (cli_open(st->cli, &st->control) == -1) {
		cli_no_daemon(st->cli, errno);
		return CLI_OURS;
	}
	sigfd = take_signals();
	flow_init(&st->flow[0], "stdout", STDOUT_FILENO);
	flow_init(&st->flow[1], "stderr", STDERR_FILENO);
	code = begin(st);
	if (code == -1)
		code = loop(st, sigfd);
	for (i = 0; i < 2; i++) {
		if (st->flow[i].r.path != NULL)
			request_close(&st->flow[i].r);
		buf_clear(&st->flow[i].piece);
		free(st->flow[i].position);
	}
	request_close(&st->control);
	if (sigfd != -1)
		close(sigfd);
	return code;
}
