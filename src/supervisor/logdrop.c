/*
 * Output that is thrown away, of programs that must never wait for their log
 * (on_full = drop).
 *
 * While the sink takes nothing the pipe is kept half empty, at the cost of
 * what is oldest in it; when the sink takes bytes again it gets the newest
 * ones.  The count is kept here alone: the next supervisor, should this one be
 * killed, counts from its own start.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/log.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"

#define SAY_NS (10 * 1000000000LL) /* between messages of one stream */

/*
 * How many bytes must go.  Writes that do not fill their pages use up a pipe
 * long before it has as many bytes as it could: the kernel is asked whether
 * there is a page left.
 */
static size_t
too_much(const struct stream *st)
{
	struct pollfd pfd = {.fd = st->pipe, .events = POLLOUT};
	int n = 0, size = fcntl(st->pipe, F_GETPIPE_SZ);

	if (ioctl(st->pipe, FIONREAD, &n) == -1 || n <= 0 || size <= 0)
		return 0;
	if (n > size / 2)
		return (size_t)(n - size / 2);
	if (poll(&pfd, 1, 0) == 0)
		return (size_t)(n + 1) / 2;
	return 0;
}

/* Takes LEN bytes, and what follows up to the end of a line, if one is near:
 * what is logged later begins with a whole line. */
static size_t
take_lines(struct stream *st, size_t len)
{
	size_t took = 0;
	const char *nl;
	ssize_t got;

	if (len > COPY_MAX / 2) {
		took = pipe_take(st, len - COPY_MAX / 2);
		len -= took;
	}
	got = pipe_peek(st, COPY_MAX);
	if (got > 0 && (size_t)got >= len) {
		nl = memchr(st->sup->logs->copy + len - 1, '\n',
		    (size_t)got - (len - 1));
		if (nl != NULL)
			len = (size_t)(nl - st->sup->logs->copy) + 1;
	}
	return took + pipe_take(st, len);
}

static void
say_dropped(struct stream *st)
{
	const struct sink *k = st->sink;
	int64_t now = now_ns();

	if (st->drop_said_ns != 0 && now - st->drop_said_ns < SAY_NS)
		return;
	st->drop_said_ns = now;
	log_warnx("log %s: %s; %llu bytes of %s dropped so far, the oldest "
	    "first", k->path, k->err != 0 ? sink_why(k) : "no room",
	    (unsigned long long)st->dropped, st->name);
}

bool
stream_shed(struct stream *st)
{
	uint64_t before = st->dropped;
	size_t len, took;

	while ((len = too_much(st)) > 0) {
		took = take_lines(st, len);
		if (took == 0)
			break;
		logform_took(st, took);
		if (st->dropped == 0)
			st->dropped_ns = now_ns();
		st->dropped += took;
		if (st->dropped - before > PIPE_BIG)
			break; /* it writes as fast as we take: others wait */
	}
	if (st->dropped == before)
		return false;
	say_dropped(st);
	return true;
}

/* A sink that takes a little each second would fill the daemon's log: what is
 * not said now is part of the next total. */
void
stream_shed_over(struct stream *st)
{
	int64_t now = now_ns();

	if (st->dropped == 0)
		return;
	st->drop_total += st->dropped;
	st->dropped = 0;
	if (st->drop_over_ns != 0 && now - st->drop_over_ns < SAY_NS)
		return;
	log_warnx("log %s: takes output again; %llu bytes of %s were dropped",
	    st->sink->path, (unsigned long long)st->drop_total, st->name);
	st->drop_over_ns = now;
	st->drop_total = 0;
}
