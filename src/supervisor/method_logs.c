/*
 * logs, reopen: reading back what the pump wrote.
 *
 * A reader has descriptors of its own and only offsets in them, so a slow
 * client costs nothing and loses nothing as long as the rotated files exist:
 * at the end of a file it goes on with the next newer one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/daemonlog.h"
#include "supervisor/logs.h"
#include "supervisor/peer.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

#define CHUNK 32768
#define FILES_MAX 64 /* rotated files looked at, at most */
#define SCAN_MAX (16 * 1024 * 1024) /* bytes searched for the last N lines */

/* A part of a file that is still to be sent. */
struct part {
	int fd;
	off_t at, end;
};

/* Where a client stands. */
struct place {
	ino_t ino;
	off_t at;
};

struct tail {
	struct service *service; /* referenced */
	enum conf_stream which;
	char *path;
	struct part part[FILES_MAX]; /* oldest first */
	int nparts, part_now;
	bool follow, head_sent;
	bool until_end; /* of the run: from a place on, all as notifications */
	bool next_run; /* it has ended, and another begins: no further than */
	struct place limit; /* ... this, of the newest file then */
	bool compressed; /* what is older is, and not read */
	int fd; /* the file that is followed */
	ino_t ino;
	off_t at;
	uint64_t skipped; /* bytes that rotation took away */
	struct sink_watch watch; /* sink NULL: not watching */
	struct request *request;
};

static const char *const stream_names[CONF_STREAMS] = {"stdout", "stderr"};

/* --- files --- */

/* Opens number I of PATH (0: PATH itself) for reading; regular files only. */
static int
open_numbered(const char *path, int i, struct stat *st)
{
	char name[PATH_MAX];
	int fd;

	if (i == 0)
		snprintf(name, sizeof name, "%s", path);
	else
		snprintf(name, sizeof name, "%s.%d", path, i);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* Number I of PATH exists, but compressed. */
static bool
is_compressed(const char *path, int i)
{
	char name[PATH_MAX];

	return snprintf(name, sizeof name, "%s.%d.gz", path, i) <
	    (int)sizeof name && access(name, F_OK) == 0;
}

/* The number that file INO has now, or -1. */
static int
find_number(const char *path, ino_t ino)
{
	struct stat st;
	int i, fd;

	for (i = 0; i < FILES_MAX; i++) {
		fd = open_numbered(path, i, &st);
		if (fd == -1) {
			if (i > 0)
				break;
			continue;
		}
		close(fd);
		if (st.st_ino == ino)
			return i;
	}
	return -1;
}

/*
 * Where the last *LINES lines of FD begin, at most *BUDGET bytes back; takes
 * what it found off both.  NEWEST: no bytes follow; otherwise a newline at
 * its end begins the first line of what follows, and without one that line
 * begins here.
 */
static off_t
last_lines(int fd, off_t size, bool newest, int64_t *lines, off_t *budget)
{
	static char buf[CHUNK];
	off_t at = size, len;

	while (at > 0 && *budget > 0) {
		len = at < CHUNK ? at : CHUNK;
		at -= len;
		*budget -= len;
		if (pread(fd, buf, (size_t)len, at) != len)
			return size;
		while (len > 0) {
			char *nl = memrchr(buf, '\n', (size_t)len);

			if (nl == NULL)
				break;
			len = nl - buf;
			/* The newline that ends the last line is no start. */
			if (newest && at + len + 1 == size)
				continue;
			if (--*lines == 0)
				return at + len + 1;
		}
	}
	return at;
}

/* Fills T->part with the last LINES lines (-1: everything kept). */
static void
choose_parts(struct tail *t, int64_t lines)
{
	struct part found[FILES_MAX];
	off_t budget = lines < 0 ? 0 : SCAN_MAX;
	bool newest = true;
	struct stat st;
	int i, n = 0;

	for (i = 0; i < FILES_MAX && lines != 0; i++) {
		int fd = open_numbered(t->path, i, &st);

		if (fd == -1 && i > 0) {
			t->compressed = is_compressed(t->path, i);
			break;
		}
		if (fd == -1)
			continue;
		found[n].fd = fd;
		found[n].end = st.st_size;
		found[n].at = lines < 0 ? 0 :
		    last_lines(fd, st.st_size, newest, &lines, &budget);
		newest &= st.st_size == 0;
		n++;
		if (lines >= 0 && budget <= 0)
			break;
	}
	while (n > 0)
		t->part[t->nparts++] = found[--n];
}

/* Takes "INODE:OFFSET" apart, as add_where() writes it. */
static bool
read_position(const char *text, struct place *ret)
{
	unsigned long long ino;
	long long at;
	int end;

	if (sscanf(text, "%llu:%lld%n", &ino, &at, &end) != 2 ||
	    text[end] != '\0' || at < 0)
		return false;
	ret->ino = (ino_t)ino;
	ret->at = (off_t)at;
	return true;
}

/* From where a client stood before its connection was lost. */
static void
choose_from(struct tail *t, const struct place *from)
{
	int i = find_number(t->path, from->ino);
	off_t at = from->at;
	struct stat st;

	if (i == -1) { /* rotated away: all that is left */
		choose_parts(t, -1);
		return;
	}
	for (; i >= 0; i--) {
		int fd = open_numbered(t->path, i, &st);

		if (fd == -1)
			continue;
		t->part[t->nparts++] = (struct part){fd,
		    at < st.st_size ? at : st.st_size, st.st_size};
		at = 0;
	}
}

/* --- output --- */

static bool
has_moved_on(const struct tail *t)
{
	const char *path;

	if (t->service->gone)
		return true;
	path = stream_path(t->service->stream[t->which]);
	return path == NULL || strcmp(path, t->path) != 0;
}

static void
add_where(struct tail *t, struct buf *out)
{
	buf_adds(out, "{\"name\":");
	buf_adds_json(out, t->service->gone ? t->service->label :
	    t->service->conf->name);
	buf_addf(out, ",\"stream\":\"%s\",\"position\":\"%llu:%lld\"",
	    stream_names[t->which], (unsigned long long)t->ino,
	    (long long)t->at);
}

static enum fill
fill_head(struct request *r, struct buf *out)
{
	struct tail *t = r->state;
	off_t total = 0;
	int i;

	for (i = 0; i < t->nparts; i++)
		total += t->part[i].end - t->part[i].at;
	request_head(r, out);
	add_where(t, out);
	buf_adds(out, ",\"path\":");
	buf_adds_json(out, t->path);
	if (t->compressed)
		buf_adds(out, ",\"compressed\":true");
	buf_addf(out, ",\"body\":%lld}}\n", (long long)total);
	t->head_sent = true;
	return FILL_MORE;
}

static enum fill
fill_body(struct request *r, struct buf *out)
{
	struct tail *t = r->state;
	struct part *p = &t->part[t->part_now];
	size_t want = CHUNK;
	ssize_t n;

	if (p->at == p->end) {
		t->part_now++;
		return FILL_MORE;
	}
	if ((off_t)want > p->end - p->at)
		want = (size_t)(p->end - p->at);
	n = pread(p->fd, buf_reserve(out, want), want, p->at);
	if (n <= 0) { /* truncated: the promised bytes are gone */
		peer_close(r->peer);
		return FILL_IDLE;
	}
	out->end += (size_t)n;
	p->at += n;
	return FILL_MORE;
}

static bool
is_older(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ?
	    a->st_mtim.tv_sec < b->st_mtim.tv_sec :
	    a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* The next newer file after the one that was followed to its end.  False:
 * there is none, it is still the newest. */
static bool
next_file(struct tail *t)
{
	struct stat st, old;
	int i = find_number(t->path, t->ino), fd;
	bool gone;

	if (i == 0)
		return false;
	/* Removed by somebody, or compressed: what was written later is next. */
	gone = t->fd != -1 && i == -1 && fstat(t->fd, &old) == 0 &&
	    old.st_nlink == 0;
	for (i = i == -1 ? FILES_MAX - 1 : i - 1; i >= 0; i--) {
		fd = open_numbered(t->path, i, &st);
		if (fd == -1)
			continue;
		if (gone && i > 0 && is_older(&st, &old)) {
			close(fd);
			continue;
		}
		if (t->fd != -1)
			close(t->fd);
		t->fd = fd;
		t->ino = st.st_ino;
		t->at = 0;
		return true;
	}
	return false;
}

/* The run has ended and nothing of its output is on its way. */
static bool
is_over(const struct tail *t)
{
	const struct service *s = t->service;
	int waiting = 0;

	if (s->gone || t->next_run)
		return true;
	if (s->prog.pid != 0 || s->prog.state == PROGRAM_STARTING ||
	    (s->prog.state == PROGRAM_BACKOFF &&
	    s->prog.reason == REASON_DAEMON))
		return false;
	stream_pump(s->stream[t->which]);
	return stream_fd(s->stream[t->which]) == -1 ||
	    ioctl(stream_fd(s->stream[t->which]), FIONREAD, &waiting) == -1 ||
	    waiting == 0;
}

/* It is in the last file of its run. */
static bool
is_at_limit(const struct tail *t)
{
	return t->next_run && t->ino == t->limit.ino;
}

/* How many of the N bytes that follow are of its run. */
static ssize_t
within_limit(const struct tail *t, ssize_t n)
{
	off_t left = t->limit.at - t->at;

	if (!is_at_limit(t) || n <= left)
		return n;
	return left > 0 ? (ssize_t)left : 0;
}

static enum fill
fill_end(struct tail *t, struct buf *out)
{
	buf_adds(out, "{\"jsonrpc\":\"2.0\",\"method\":\"logs\",\"params\":");
	add_where(t, out);
	buf_adds(out, ",\"end\":true,\"body\":0}}\n");
	return FILL_DONE;
}

static enum fill
fill_follow(struct request *r, struct buf *out)
{
	struct tail *t = r->state;
	bool over = t->until_end && is_over(t);
	static char buf[CHUNK];
	struct stat st;
	ssize_t n;

	do {
		n = t->fd == -1 ? 0 : pread(t->fd, buf, sizeof buf, t->at);
		if (n == 0 && t->fd != -1 && fstat(t->fd, &st) == 0 &&
		    st.st_size < t->at)
			t->at = 0; /* truncated */
		n = within_limit(t, n);
	} while (n == 0 && !is_at_limit(t) && next_file(t));
	if (n <= 0 && over)
		return fill_end(t, out);
	if (n <= 0) {
		if (has_moved_on(t)) /* the client asks again where */
			r->peer->last = true;
		return has_moved_on(t) ? FILL_DONE : FILL_IDLE;
	}
	t->at += n;
	buf_adds(out, "{\"jsonrpc\":\"2.0\",\"method\":\"logs\",\"params\":");
	add_where(t, out);
	buf_addf(out, ",\"body\":%zd}}\n", n);
	buf_add(out, buf, (size_t)n);
	return FILL_YIELD;
}

static enum fill
tail_fill(struct request *r, struct buf *out)
{
	struct tail *t = r->state;

	if (!t->head_sent)
		return fill_head(r, out);
	if (t->part_now < t->nparts)
		return fill_body(r, out);
	if (!t->follow)
		return FILL_DONE;
	r->stream = true;
	return fill_follow(r, out);
}

static void
on_moved(struct sink_watch *w)
{
	struct tail *t = (struct tail *)((char *)w -
	    offsetof(struct tail, watch));

	request_ready(t->request);
}

static void
tail_cleanup(struct request *r)
{
	struct tail *t = r->state;
	int i;

	if (t->watch.sink != NULL)
		stream_unwatch(&t->watch);
	for (i = 0; i < t->nparts; i++)
		close(t->part[i].fd);
	if (t->fd != -1)
		close(t->fd);
	service_unref(t->service);
	free(t->path);
	free(t);
}

/* --- the command --- */

static const char *
log_path(struct request *r, struct service *s, enum conf_stream *which)
{
	const struct conf_process *c = s->conf;
	const char *path;
	struct stat st;

	if (*which == CONF_STDERR && c->redirect_stderr)
		*which = CONF_STDOUT;
	path = stream_path(s->stream[*which]);
	if (path == NULL) {
		request_error(r, PROTO_NO_LOG, "%s of %s is not kept: its "
		    "logfile is %s", stream_names[*which], s->label,
		    c->log[*which].file != NULL ? c->log[*which].file :
		    "NONE");
		return NULL;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		request_error(r, PROTO_NO_LOG, "%s of %s goes to %s, which is "
		    "no file and cannot be read back", stream_names[*which],
		    s->label, path);
		return NULL;
	}
	return path;
}

/* Where a follower until the end begins: at FROM, or at the beginning (LINES
 * negative) or the end of the newest file. */
static void
stand_at(struct tail *t, const struct place *from, int64_t lines)
{
	int i = from != NULL ? find_number(t->path, from->ino) : 0;
	bool gone = i == -1;
	struct stat st;

	for (i = gone ? FILES_MAX - 1 : i; i >= 0 && t->fd == -1; i--)
		t->fd = open_numbered(t->path, i, &st);
	if (t->fd == -1)
		return;
	t->ino = st.st_ino;
	t->at = gone ? 0 : from != NULL ? from->at : lines < 0 ? 0 :
	    st.st_size;
}

static void
on_end(struct waiter *w, bool timed_out)
{
	struct request *r = w->data;
	struct tail *t = r->state;
	const struct service *s = t->service;
	struct stat st;

	(void)timed_out;
	/* Its last words are in the file, and the next process is not there
	 * yet: what follows is not of this run. */
	t->next_run = !s->gone && s->prog.state == PROGRAM_STARTING;
	if (t->next_run && stat(t->path, &st) == 0) {
		t->limit.ino = st.st_ino;
		t->limit.at = st.st_size;
	}
	request_ready(r);
}

/* The end of the run brings no byte that would wake the follower. */
static void
await_end(struct request *r)
{
	struct tail *t = r->state;

	r->waiter = waiter_new(r->peer->sup, GOAL_END, &t->service, 1);
	waiter_arm(r->waiter, -1, on_end, r);
}

static void
tail_start(struct request *r, struct service *s, enum conf_stream which,
    const char *path, int64_t lines, const struct place *from, bool follow,
    bool until_end)
{
	struct tail *t = xcalloc(1, sizeof *t);
	struct stat st;

	t->service = service_ref(s);
	t->which = which;
	t->path = xstrdup(path);
	t->follow = follow;
	t->request = r;
	t->fd = -1;
	r->state = t;
	t->until_end = until_end;
	stream_pump(s->stream[which]); /* what was written is in the file */
	if (until_end)
		stand_at(t, from, lines);
	else if (from != NULL)
		choose_from(t, from);
	else
		choose_parts(t, lines);
	if (until_end) {
		await_end(r);
	} else if (t->nparts > 0) {
		t->fd = fcntl(t->part[t->nparts - 1].fd, F_DUPFD_CLOEXEC, 3);
		t->at = t->part[t->nparts - 1].end;
	} else {
		t->fd = open_numbered(path, 0, &st);
		t->at = t->fd != -1 ? st.st_size : 0;
	}
	if (t->fd != -1 && fstat(t->fd, &st) == 0)
		t->ino = st.st_ino;
	if (follow) {
		t->watch.moved = on_moved;
		stream_watch(s->stream[which], &t->watch);
	}
	r->fill = tail_fill;
	r->cleanup = tail_cleanup;
	request_ready(r);
}

static void
logs_exec(struct request *r)
{
	const char *stream, *position, *path;
	enum conf_stream which;
	struct service **v, *s;
	struct place from;
	double lines;
	bool follow, until_end;
	uint32_t n;

	if (!method_bool(r, "until_end", false, &until_end) ||
	    !method_string(r, "stream", "stdout", &stream) ||
	    !method_string(r, "position", NULL, &position) ||
	    !method_number(r, "lines", 10, &lines) ||
	    !method_bool(r, "follow", false, &follow))
		return;
	which = strcmp(stream, "stderr") == 0 ? CONF_STDERR : CONF_STDOUT;
	if (which == CONF_STDOUT && strcmp(stream, "stdout") != 0) {
		request_error(r, PROTO_BAD_PARAMS, "stream is neither stdout "
		    "nor stderr");
		return;
	}
	if (position != NULL && !read_position(position, &from)) {
		request_error(r, PROTO_BAD_PARAMS, "position is none that the "
		    "daemon gave");
		return;
	}
	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	s = n == 1 ? v[0] : NULL;
	free(v);
	if (s == NULL) {
		request_error(r, PROTO_BAD_PARAMS, "logs takes one program, "
		    "the names mean %u", n);
		return;
	}
	path = log_path(r, s, &which);
	if (path != NULL)
		tail_start(r, s, which, path, lines < 0 ? -1 :
		    lines > 1e9 ? 1000000000 : (int64_t)lines,
		    position != NULL ? &from : NULL, follow || until_end,
		    until_end);
}

const struct method method_logs = {
	.name = "logs",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = logs_exec,
};

/* --- reopen --- */

static void
reopen_exec(struct request *r)
{
	struct buf b = BUF_INIT;
	unsigned n = logs_reopen(r->peer->sup);

	daemonlog_reopen();
	log_info("%u log files reopened", n);
	buf_addf(&b, "{\"reopened\":%u}", n);
	request_result(r, &b);
}

const struct method method_reopen = {
	.name = "reopen", .needs = MAY_CONTROL, .exec = reopen_exec};
