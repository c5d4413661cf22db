/*
 * Log lines with a time stamp, or as JSON objects.
 *
 * Bytes are looked at in the pipe, written as whole lines, and only then taken
 * from it.  A line without its end stays in the pipe; nothing is kept here.  So
 * a SIGKILL loses no line: what was written and not taken is written again by
 * the next supervisor, whole lines of it.
 *
 * Targets may cut a line.  In a file its beginning is removed at once, or by
 * the next supervisor (settle).  Only where several streams share a file it may
 * stay, with a newline: the first to come may not know the line of another.
 * For a pipe or a socket the end of the line is kept in the sink, and goes out
 * before anything else does; a SIGKILL there leaves a line without its end
 * before the same line again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/logline.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"
#include "supervisor/syslog.h"

#define OUT_MAX (256 * 1024) /* bytes made in one go, and one line more */
#define TORN_MAX (1024 * 1024) /* longest end of a file that is looked at */

void
logform_configure(struct stream *st, const struct conf_log *conf)
{
	const char *stream = strrchr(st->name, ' '); /* "group:name stdout" */
	struct buf b = BUF_INIT;
	char *name;

	st->format = (int)conf->format;
	if (st->format != LOG_FORMAT_JSON || st->source != NULL)
		return;
	name = xstrndup(st->name, stream != NULL ?
	    (size_t)(stream - st->name) : strlen(st->name));
	logline_source(&b, name, stream != NULL ? stream + 1 : "");
	st->source = buf_steal(&b);
	free(name);
}

bool
logform_applies(const struct stream *st)
{
	return st->format != LOG_FORMAT_RAW && !st->sink->is_syslog;
}

static void
stamp(char *buf)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	logline_stamp(buf, localtime_r(&ts.tv_sec, &tm),
	    (unsigned)(ts.tv_nsec / 1000000));
}

/* Whether a program that writes now would wait.  Small writes may use up a pipe
 * that holds few bytes. */
static bool
pipe_is_full(const struct stream *st)
{
	struct pollfd pfd = {.fd = st->pipe, .events = POLLOUT};

	return poll(&pfd, 1, 0) == 0;
}

/* What to do with GOT bytes that have no newline, of the WAITING ones. */
static enum logline_rest
judge_rest(struct stream *st, size_t got, size_t waiting)
{
	if (got < waiting)
		return LOGLINE_CUT;
	if (st->flush || st->sup->logs->ending)
		return LOGLINE_LAST;
	if (got == COPY_MAX)
		return LOGLINE_CUT;
	if (!pipe_is_full(st))
		return LOGLINE_WAIT;
	if (!st->big) {
		stream_grow(st);
		if (!pipe_is_full(st))
			return LOGLINE_WAIT;
	}
	return LOGLINE_CUT;
}

/* --- files --- */

/* Where the last line of the file FD begins, or -1 if it cannot be known. */
static off_t
last_line(int fd, off_t size)
{
	char buf[4096];
	off_t at = size, len;
	const char *nl;

	while (at > 0 && size - at < TORN_MAX) {
		len = at < (off_t)sizeof buf ? at : (off_t)sizeof buf;
		at -= len;
		if (pread(fd, buf, (size_t)len, at) != len)
			return -1;
		nl = memrchr(buf, '\n', (size_t)len);
		if (nl != NULL)
			return at + (nl - buf) + 1;
	}
	return at == 0 ? 0 : -1;
}

/* LEN bytes that could be the beginning of an object of ours. */
static bool
is_torn_object(const char *p, size_t len)
{
	static const char head[] = "{\"time\":\"";

	return memcmp(p, head, len < sizeof head - 1 ? len :
	    sizeof head - 1) == 0;
}

/* LEN bytes that are the beginning of one of the lines in L->lines, but for
 * the time. */
static bool
is_torn_line(const struct logs *l, const char *p, size_t len)
{
	const char *line = buf_head(&l->lines), *nl, *end;
	size_t head, i;

	head = (size_t)((const char *)memchr(line, ' ', buf_len(&l->lines)) -
	    line);
	for (i = 0; i < len && i < head; i++)
		if (strchr("0123456789-+:.T", p[i]) == NULL || p[i] == '\0')
			return false;
	for (end = line + buf_len(&l->lines); line < end; line = nl + 1) {
		nl = memchr(line, '\n', (size_t)(end - line));
		if (len <= (size_t)(nl - line) && (len <= head ||
		    memcmp(p + head, line + head, len - head) == 0))
			return true;
	}
	return false;
}

/* The SIZE - AT bytes of FD from AT on were written by a supervisor that was
 * killed in write(2): that line is to come again. */
static bool
is_torn(const struct stream *st, int fd, off_t at, off_t size)
{
	struct logs *l = st->sup->logs;
	size_t len = size - at < COPY_MAX ? (size_t)(size - at) : COPY_MAX;

	if (pread(fd, l->out, len, at) != (ssize_t)len)
		return false;
	return st->format == LOG_FORMAT_JSON ? is_torn_object(l->out, len) :
	    is_torn_line(l, l->out, len);
}

/*
 * The next byte shall begin a line.  A supervisor that was killed, or a stream
 * that is logged raw, may have left the file inside of one: the beginning of a
 * line of ours goes, for it comes again; others get a newline.  0, or -1 with
 * errno.
 */
static int
settle(struct stream *st)
{
	struct sink *k = st->sink;
	char name[32];
	off_t at;
	int fd, res = 0;

	if (k->at_line || k->size == 0)
		return 0;
	snprintf(name, sizeof name, "/proc/self/fd/%d", k->fd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0; /* not ours to read: as it is */
	at = last_line(fd, k->size);
	if (at == k->size) {
		; /* as it should be */
	} else if (at != -1 && is_torn(st, fd, at, k->size)) {
		res = ftruncate(k->fd, at);
		k->size = res == 0 ? at : k->size;
	} else {
		res = pwrite(k->fd, "\n", 1, k->size) == 1 ? 0 : -1;
		k->size += res == 0;
	}
	close(fd);
	return res;
}

/* Whole lines of the LEN bytes at P to a regular file.  The bytes written, or
 * -1 with errno. */
static ssize_t
lines_to_file(struct stream *st, const char *p, size_t len)
{
	struct sink *k = st->sink;
	off_t room = sink_room(st);
	const char *nl;
	ssize_t w;

	if (room == -1 || settle(st) == -1)
		return -1;
	k->at_line = k->due;
	if (k->due && (room = sink_room(st)) == -1) /* it ends a line now */
		return -1;
	k->at_line = false;
	if (room < (off_t)len)
		len = cut_at_line(p, len, (size_t)room);
	w = pwrite(k->fd, p, len, k->size);
	if (w <= 0)
		return -1;
	nl = memrchr(p, '\n', (size_t)w);
	len = nl != NULL ? (size_t)(nl - p) + 1 : 0;
	/* Half a line was the last that the disk took. */
	if (len < (size_t)w && ftruncate(k->fd, k->size + (off_t)len) == -1)
		return -1;
	k->size += (off_t)len;
	k->at_line = true;
	if (len > 0)
		return (ssize_t)len;
	errno = ENOSPC;
	return -1;
}

/* --- pipes, devices, sockets --- */

/* As much as goes in one piece, whole lines if it has any. */
static size_t
piece(const char *p, size_t len)
{
	const char *nl;

	if (len <= COPY_PIECE)
		return len;
	nl = memrchr(p, '\n', COPY_PIECE);
	return nl != NULL ? (size_t)(nl - p) + 1 : COPY_PIECE;
}

/* Lines of the LEN bytes at P; *RET_TORN: what is missing of a line that was
 * begun after them is in K->rest.  The bytes of whole lines written; 0: there
 * is no room; -1 with errno. */
static ssize_t
lines_to_stream(struct sink *k, const char *p, size_t len, bool *ret_torn)
{
	size_t done = 0, n;
	const char *nl;
	ssize_t w;

	while (done < len) {
		n = piece(p + done, len - done);
		w = copy_write(k, p + done, n);
		if (w <= 0)
			return done > 0 ? (ssize_t)done : w;
		nl = memrchr(p + done, '\n', (size_t)w);
		if (nl != NULL && nl + 1 == p + done + w) {
			done += (size_t)w;
			continue;
		}
		n = done + (size_t)w;
		done = nl != NULL ? (size_t)(nl - p) + 1 : done;
		nl = memchr(p + n, '\n', len - n);
		buf_add(&k->rest, p + n, (size_t)(nl - p) + 1 - n);
		*ret_torn = true;
		break;
	}
	return (ssize_t)done;
}

/* What is missing of a line that was begun.  > 0: it is out; 0: there is no
 * room yet; -1 with errno. */
static ssize_t
finish_line(struct sink *k)
{
	ssize_t w;

	while (buf_len(&k->rest) > 0) {
		w = copy_write(k, buf_head(&k->rest),
		    piece(buf_head(&k->rest), buf_len(&k->rest)));
		if (w <= 0)
			return w;
		buf_consume(&k->rest, (size_t)w);
	}
	if (k->rest_of != NULL)
		pipe_take(k->rest_of, k->rest_take);
	k->rest_of = NULL;
	return 1;
}

ssize_t
logform_finish(struct sink *k)
{
	return buf_len(&k->rest) == 0 ? 1 : finish_line(k);
}

void
logform_took(struct stream *st, size_t len)
{
	struct sink *k = st->sink;

	if (k == NULL || k->rest_of != st)
		return;
	k->rest_take -= len < k->rest_take ? len : k->rest_take;
	if (k->rest_take == 0)
		k->rest_of = NULL;
}

/* --- both --- */

/* The lines that were made of the LEN bytes in logs->copy.  Bytes of those
 * that are dealt with; 0: no room; -1 with errno. */
static ssize_t
lines_out(struct stream *st, size_t len)
{
	struct logs *l = st->sup->logs;
	struct sink *k = st->sink;
	const char *p = buf_head(&l->lines);
	bool torn = false;
	size_t lines, used;
	ssize_t w;

	if (k->kind == LOGFILE_REGULAR)
		w = lines_to_file(st, p, buf_len(&l->lines));
	else
		w = lines_to_stream(k, p, buf_len(&l->lines), &torn);
	if (w == -1)
		return -1;
	lines = logline_count(p, (size_t)w);
	used = logline_used(l->copy, len, lines);
	if (torn) {
		k->rest_of = st;
		k->rest_take = logline_used(l->copy, len, lines + 1) - used;
	}
	if (st->to_syslog && used > 0) /* the file is what counts */
		syslog_lines(st->name, l->copy, used, true);
	return (ssize_t)used;
}

ssize_t
logform_move(struct stream *st)
{
	struct logs *l = st->sup->logs;
	char time_text[LOGLINE_STAMP];
	struct logline f = {.json = st->format == LOG_FORMAT_JSON,
		.strip = st->strip_ansi, .escape = st->escape,
		.stamp = time_text, .source = st->source};
	enum logline_rest rest = LOGLINE_WAIT;
	int waiting = 0;
	ssize_t n, done;
	size_t len;

	ioctl(st->pipe, FIONREAD, &waiting);
	n = pipe_peek(st, COPY_MAX);
	if (n <= 0)
		return n == -1 && errno != EAGAIN ? -1 : 0;
	if (memchr(l->copy, '\n', (size_t)n) == NULL)
		rest = judge_rest(st, (size_t)n, (size_t)waiting);
	stamp(time_text);
	l->lines.off = l->lines.end = 0;
	len = logline_format(&f, l->copy, (size_t)n, rest, OUT_MAX, &l->lines);
	if (len == 0)
		return 0; /* its newline is still to come */
	done = lines_out(st, len);
	if (done > 0) {
		st->escape = (size_t)done == len ? f.escape : 0;
		pipe_take(st, (size_t)done);
	}
	if (buf_len(&st->sink->rest) > 0)
		sink_wait_room(st->sink);
	return done;
}
