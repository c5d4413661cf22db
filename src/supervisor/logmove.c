/*
 * Moving log bytes.
 *
 * splice(2) does it in the kernel and in one step.  Not every target can be
 * spliced into.  For the others (sockets, append-only files, syslog, and when
 * bytes must be looked at) the bytes are duplicated with tee(2), written, and
 * only then taken from the pipe: a kill in between repeats them, it never
 * loses one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/logline.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"
#include "supervisor/syslog.h"

#define LINE_REACH 65536 /* rotation looks this far for a line's end */
#define UNLIMITED INT64_MAX

/* A pipe whose writer uses packets gives them one by one, so it is read until
 * all of it is there: the scratch pipe is empty afterwards. */
ssize_t
pipe_peek(struct stream *st, size_t max)
{
	struct logs *l = st->sup->logs;
	ssize_t n, r, got = 0;

	while (l->stale) {
		r = read(l->scratch[0], l->copy, sizeof l->copy);
		if (r == -1 && errno != EAGAIN)
			return -1;
		l->stale = r > 0;
	}
	n = tee(st->pipe, l->scratch[1], max, SPLICE_F_NONBLOCK);
	while (got < n) {
		r = read(l->scratch[0], l->copy + got, (size_t)(n - got));
		if (r <= 0)
			break;
		got += r;
	}
	l->stale = n > 0 && got < n; /* what is left there is not what waits next */
	return n <= 0 ? n : got;
}

/* The program may have read some of them itself: never wait for them. */
size_t
pipe_take(struct stream *st, size_t len)
{
	size_t took = 0;
	ssize_t n;

	while (took < len) {
		n = splice(st->pipe, NULL, st->sup->devnull, NULL, len - took,
		    SPLICE_F_NONBLOCK);
		if (n <= 0)
			break;
		took += (size_t)n;
	}
	return took;
}

size_t
cut_at_line(const char *p, size_t len, size_t room)
{
	const char *nl = memrchr(p, '\n', room);

	if (nl == NULL)
		nl = memchr(p + room, '\n', len - room);
	return nl != NULL ? (size_t)(nl - p) + 1 : room;
}

/* The file is older than it may be.  An empty one is not: its age counts from
 * the first byte. */
static bool
is_old(struct sink *k)
{
	if (k->size == 0)
		k->born_ns = now_ns();
	return k->maxage_ns > 0 && now_ns() - k->born_ns >= k->maxage_ns;
}

/* Makes room by rotation.  Bytes that the new file takes, or -1 with errno. */
static off_t
rotate(struct sink *k)
{
	if (logfile_rotate(k->path, k->backups) == -1) {
		sink_complain(k, "cannot be rotated", errno);
		return UNLIMITED; /* better too long than blocked */
	}
	logpack_want(k);
	sink_close(k);
	if (sink_open(k) == -1)
		return -1;
	if (k->maxbytes <= 0 || k->size >= k->maxbytes)
		return UNLIMITED; /* or somebody fills it meanwhile */
	return k->maxbytes - k->size;
}

off_t
sink_room(struct stream *st)
{
	struct sink *k = st->sink;
	struct stat sb;

	k->due = false;
	if (fstat(k->fd, &sb) == -1)
		return -1;
	if (sb.st_nlink == 0) { /* somebody removed it: a new one */
		sink_close(k);
		if (sink_open(k) == -1)
			return -1;
		sb.st_size = k->size;
	}
	k->size = sb.st_size; /* others may append or truncate */
	if (k->maxbytes > 0 && k->size >= k->maxbytes)
		return rotate(k);
	if (is_old(k)) {
		if (k->at_line || logfile_ends_line(k->fd, k->size))
			return rotate(k);
		k->due = true;
	}
	return k->maxbytes <= 0 ? UNLIMITED : k->maxbytes - k->size;
}

/* The first of the LEN bytes at P that end a line which makes K wait with its
 * rotation; all of them if none does. */
static size_t
cut_if_due(const struct sink *k, const char *p, size_t len)
{
	const char *nl = k->due ? memchr(p, '\n', len) : NULL;

	return nl != NULL ? (size_t)(nl - p) + 1 : len;
}

/* The same for bytes that are spliced: the last ones before the rotation are
 * always looked at, in the pipe; nothing is taken from it. */
static ssize_t
splice_room(struct stream *st)
{
	off_t room = sink_room(st);
	ssize_t got;

	if (room != -1 && st->sink->due) {
		got = pipe_peek(st, LINE_REACH);
		if (got > 0)
			room = (off_t)cut_if_due(st->sink,
			    st->sup->logs->copy, (size_t)got);
	} else if (room > LINE_REACH) {
		room -= LINE_REACH / 2;
	} else if (room != -1) {
		got = pipe_peek(st, LINE_REACH);
		if (got > room)
			room = (off_t)cut_at_line(st->sup->logs->copy,
			    (size_t)got, (size_t)room);
	}
	return room < PIPE_BIG ? (ssize_t)room : PIPE_BIG;
}

bool
pipe_has_bytes(const struct stream *st)
{
	int n = 0;

	return ioctl(st->pipe, FIONREAD, &n) == 0 && n > 0;
}

/* One splice.  >0 bytes moved, 0 nothing to do now, -1 with errno. */
static ssize_t
splice_once(struct stream *st)
{
	struct sink *k = st->sink;
	ssize_t room = PIPE_BIG, n;
	loff_t at;

	if (k->kind == LOGFILE_REGULAR) {
		room = splice_room(st);
		if (room == -1)
			return -1;
		at = k->size;
	}
	n = splice(st->pipe, NULL, k->fd,
	    k->kind == LOGFILE_REGULAR ? &at : NULL, (size_t)room,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0) {
		k->size += n;
		return n;
	}
	if (n == -1 && errno == EAGAIN) {
		if (k->kind == LOGFILE_STREAM && pipe_has_bytes(st))
			sink_wait_room(k);
		return 0;
	}
	if (n == -1 && errno == EINVAL) { /* cannot be spliced into */
		k->kind = LOGFILE_COPY;
		if (lseek(k->fd, 0, SEEK_END) == -1)
			errno = 0;
		return 0;
	}
	return n;
}

ssize_t
copy_write(struct sink *k, const char *p, size_t len)
{
	struct pollfd pfd = {.fd = k->fd, .events = POLLOUT};
	struct stat st;
	ssize_t n;

	if (len == 0)
		return 0;
	if (fstat(k->fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
		n = send(k->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		if (!S_ISREG(st.st_mode) && (poll(&pfd, 1, 0) != 1 ||
		    (pfd.revents & POLLOUT) == 0)) {
			sink_wait_room(k);
			return 0;
		}
		n = write(k->fd, p, S_ISREG(st.st_mode) || len < COPY_PIECE ?
		    len : COPY_PIECE);
	}
	if (n == -1 && errno == EAGAIN) {
		sink_wait_room(k);
		return 0;
	}
	return n;
}

/* Bytes of CHUNK that the sink took; -1 with errno. */
static ssize_t
copy_to_file(struct stream *st, const char *chunk, size_t len)
{
	struct logs *l = st->sup->logs;
	struct sink *k = st->sink;
	uint8_t escape = st->escape;
	size_t used = len, n = len;
	off_t room;
	ssize_t w;

	if (st->strip_ansi) {
		n = logline_strip(&escape, chunk, len, l->out, len, &used);
		chunk = l->out;
	}
	if (k->kind == LOGFILE_REGULAR) {
		room = sink_room(st);
		if (room == -1)
			return -1;
		if (room < (off_t)n)
			n = cut_at_line(chunk, n, (size_t)room);
		n = cut_if_due(k, chunk, n);
		w = n == 0 ? 0 : pwrite(k->fd, chunk, n, k->size);
		if (w > 0)
			k->size += w;
	} else {
		w = copy_write(k, chunk, n);
	}
	if (w == -1 || !st->strip_ansi)
		return w;
	if (w == 0 && n > 0)
		return 0;
	/* How much of the input those bytes stand for. */
	logline_strip(&st->escape, l->copy, len, l->out, (size_t)w, &used);
	return (ssize_t)used;
}

/* LEN bytes in logs->copy, for syslog alone.  Bytes dealt with, -1 errno. */
static ssize_t
copy_to_syslog(struct stream *st, size_t len)
{
	struct logs *l = st->sup->logs;
	ssize_t done = syslog_lines(st->name, l->copy, len, l->ending ||
	    st->flush);

	if (done == -1 && (errno == ENOENT || errno == ECONNREFUSED)) {
		sink_drop(st->sink, errno);
		return (ssize_t)len;
	}
	if (done != -1)
		st->sink->dropping = false;
	return done;
}

/* One round of look, write, take.  As splice_once(). */
static ssize_t
copy_once(struct stream *st)
{
	struct logs *l = st->sup->logs;
	ssize_t n, done;

	n = pipe_peek(st, COPY_MAX);
	if (n <= 0)
		return n == -1 && errno != EAGAIN ? -1 : 0;
	if (st->sink->is_syslog)
		done = copy_to_syslog(st, (size_t)n);
	else
		done = copy_to_file(st, l->copy, (size_t)n);
	/* The file is what counts; syslog gets what the file got. */
	if (done > 0 && st->to_syslog)
		syslog_lines(st->name, l->copy, (size_t)done, true);
	if (done > 0)
		pipe_take(st, (size_t)done);
	return done;
}

bool
needs_copy(const struct stream *st)
{
	return st->sink->is_syslog || st->to_syslog || st->strip_ansi ||
	    st->sink->kind == LOGFILE_COPY || logform_applies(st);
}

ssize_t
move_some(struct stream *st)
{
	ssize_t n = logform_finish(st->sink);

	if (n <= 0)
		return n;
	if (logform_applies(st))
		return logform_move(st);
	st->sink->at_line = false;
	if (needs_copy(st))
		return copy_once(st);
	n = splice_once(st);
	/* It turned out to need the other way. */
	return n == 0 && needs_copy(st) ? copy_once(st) : n;
}
