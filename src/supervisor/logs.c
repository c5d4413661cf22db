/*
 * The log pump; see logs.h.
 *
 * Small writes are gathered: a stream that gave little is not watched for a
 * while (a nap) and then emptied at once, which costs a fraction of a wake-up
 * per write.  A stream that gives much gets a larger pipe and no nap.
 *
 * Not every target can be spliced into.  For those (sockets, append-only
 * files, syslog, and when bytes must be looked at) the bytes are duplicated
 * with tee(2), written, and only then taken from the pipe: a kill in between
 * repeats them, it never loses one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <uthash.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/logfile.h"
#include "supervisor/logs.h"
#include "supervisor/supervisor.h"
#include "supervisor/syslog.h"

#define PIPE_BIG (1024 * 1024)
#define TURN_MAX (4 * 1024 * 1024) /* bytes of one stream per loop turn */
#define COPY_MAX 65536
#define DRAIN_TURNS 64 /* pumps of one stream that is emptied */
#define MUCH 32768 /* a pump that moved so much: the program is busy */
#define HUGE_LOT (512 * 1024) /* ... and fills the pipe: no nap */
#define SOME 2048 /* a pump that moved less says it may be busy no more */
#define BUSY_PUMPS 20 /* so many of those end it */
#define NAP_SHORT 0.0005 /* seconds; of busy streams */
#define NAP_LONG 0.025
#define RETRY 1.0 /* seconds until a sink that failed is tried again */
#define COMPLAIN_NS (10 * 1000000000LL) /* between messages of one sink */
#define LINE_REACH 65536 /* rotation looks this far for a line's end */

enum { NAPS = 2 };

struct sink {
	char *path; /* "syslog" is one too */
	struct supervisor *sup;
	unsigned refs;
	enum logfile_kind kind;
	bool is_syslog;
	int fd; /* -1: not open */
	off_t size; /* of a regular file, as of the last look */
	int64_t maxbytes, backups;
	int err; /* why it takes nothing; 0: it does */
	bool full; /* a device or pipe has no room: `room` waits */
	bool dropping; /* syslog, and none runs */
	bool said; /* that it is blocked */
	int64_t blocked_ns; /* since when */
	int64_t complained_ns;
	ev_timer retry;
	ev_io room;
	LIST_HEAD(, stream) streams;
	LIST_HEAD(, sink_watch) watches;
	TAILQ_ENTRY(sink) lru; /* while open */
	UT_hash_handle hh; /* by path */
};

TAILQ_HEAD(stream_list, stream);

struct stream {
	struct supervisor *sup;
	char *name;
	struct sink *sink; /* NULL: bytes are not read */
	int pipe; /* -1: none yet */
	bool big; /* the pipe was made larger */
	uint8_t busy; /* > 0: it naps shortly */
	bool to_syslog; /* also */
	bool strip_ansi;
	uint8_t escape; /* state of the stripper */
	ev_io io;
	struct stream_list *nap; /* the list it naps in, or NULL */
	TAILQ_ENTRY(stream) nap_entry;
	LIST_ENTRY(stream) entry; /* of the sink */
	TAILQ_ENTRY(stream) all;
};

struct logs {
	struct sink *sinks; /* uthash */
	TAILQ_HEAD(, sink) open;
	unsigned nopen, max_open;
	struct stream_list streams;
	struct stream_list naps[NAPS];
	ev_timer nap_timers[NAPS];
	int scratch[2]; /* pipe for tee */
	bool ending; /* the daemon ends: unfinished lines go out too */
	char copy[COPY_MAX], out[COPY_MAX];
};

static const double nap_length[NAPS] = {NAP_SHORT, NAP_LONG};

/* --- sinks --- */

static void
sink_close(struct sink *k)
{
	struct logs *l = k->sup->logs;

	ev_io_stop(k->sup->loop, &k->room);
	k->full = false;
	if (k->fd == -1)
		return;
	close(k->fd);
	k->fd = -1;
	TAILQ_REMOVE(&l->open, k, lru);
	l->nopen--;
}

/* Out of descriptors is no error of the file: another one makes room. */
static void
sink_make_room(struct logs *l)
{
	struct sink *k;

	TAILQ_FOREACH(k, &l->open, lru)
		if (k->kind == LOGFILE_REGULAR) {
			sink_close(k);
			return;
		}
}

static int
sink_open(struct sink *k)
{
	struct logs *l = k->sup->logs;
	struct stat st;

	if (k->fd != -1) {
		TAILQ_REMOVE(&l->open, k, lru);
		TAILQ_INSERT_TAIL(&l->open, k, lru);
		return 0;
	}
	if (l->nopen >= l->max_open)
		sink_make_room(l);
	k->fd = logfile_open(k->path, &k->kind);
	if (k->fd == -1 && (errno == EMFILE || errno == ENFILE)) {
		sink_make_room(l);
		k->fd = logfile_open(k->path, &k->kind);
	}
	if (k->fd == -1)
		return -1;
	TAILQ_INSERT_TAIL(&l->open, k, lru);
	l->nopen++;
	k->size = fstat(k->fd, &st) == 0 && S_ISREG(st.st_mode) ?
	    st.st_size : 0;
	return 0;
}

static const char *
sink_why(const struct sink *k)
{
	switch (k->err) {
	case ELOOP:
		return "it is a symbolic link, which is not followed";
	case EMLINK:
		return "it has other hard links";
	case ENXIO:
		return "nobody reads the FIFO";
	default:
		return strerror(k->err);
	}
}

static void
sink_complain(struct sink *k, const char *what, int err)
{
	int64_t now = now_ns();

	if (k->complained_ns != 0 && now - k->complained_ns < COMPLAIN_NS)
		return;
	k->complained_ns = now;
	log_warnx("log %s: %s: %s; it grows beyond its size", k->path, what,
	    strerror(err));
}

/* It takes nothing: the bytes wait in the pipes, and it is tried again. */
static void
sink_block(struct sink *k, int err)
{
	struct stream *st;
	int64_t now = now_ns();

	if (k->err == 0)
		k->blocked_ns = now;
	k->err = err;
	if (k->complained_ns == 0 || now - k->complained_ns >= COMPLAIN_NS) {
		k->complained_ns = now;
		k->said = true;
		log_warnx("log %s: cannot write: %s; the output waits in "
		    "the pipe, trying again each second", k->path,
		    sink_why(k));
	}
	if (k->fd != -1 && err != ENOSPC && err != EDQUOT)
		sink_close(k);
	LIST_FOREACH(st, &k->streams, entry)
		ev_io_stop(k->sup->loop, &st->io);
	ev_timer_again(k->sup->loop, &k->retry);
}

/* No syslog runs.  Nobody would wait for one: a container has none. */
static void
sink_drop(struct sink *k, int err)
{
	int64_t now = now_ns();

	if (!k->dropping || now - k->complained_ns >= 60 * COMPLAIN_NS)
		log_warnx("syslog: %s; the output for it is dropped",
		    strerror(err));
	if (!k->dropping)
		k->complained_ns = now;
	k->dropping = true;
}

static void
sink_resume(struct sink *k)
{
	struct stream *st;

	LIST_FOREACH(st, &k->streams, entry)
		if (st->nap == NULL && st->pipe != -1)
			ev_io_start(k->sup->loop, &st->io);
}

static void
sink_recovered(struct sink *k)
{
	if (k->err == 0)
		return;
	if (k->said)
		log_info("log %s: writing again after %lld s", k->path,
		    (long long)((now_ns() - k->blocked_ns) / 1000000000));
	k->said = false;
	k->err = 0;
	ev_timer_stop(k->sup->loop, &k->retry);
	sink_resume(k);
}

static void
on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct sink *k = w->data;
	struct stream *st, *next;

	(void)loop;
	(void)revents;
	/* The first byte that goes through ends the trouble. */
	for (st = LIST_FIRST(&k->streams); st != NULL; st = next) {
		next = LIST_NEXT(st, entry);
		stream_pump(st);
	}
}

static void
on_room(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sink *k = w->data;
	struct stream *st;

	(void)revents;
	ev_io_stop(loop, w);
	k->full = false;
	LIST_FOREACH(st, &k->streams, entry)
		if (st->pipe != -1)
			ev_io_start(loop, &st->io);
}

/* A device or pipe is full: wait for it instead of the streams. */
static void
sink_wait_room(struct sink *k)
{
	struct stream *st;

	if (k->full)
		return;
	k->full = true;
	k->blocked_ns = now_ns();
	LIST_FOREACH(st, &k->streams, entry)
		ev_io_stop(k->sup->loop, &st->io);
	ev_io_set(&k->room, k->fd, EV_WRITE);
	ev_io_start(k->sup->loop, &k->room);
}

static struct sink *
sink_ref(struct supervisor *sup, const char *path)
{
	struct sink *k;

	HASH_FIND_STR(sup->logs->sinks, path, k);
	if (k != NULL) {
		k->refs++;
		return k;
	}
	k = xcalloc(1, sizeof *k);
	k->path = xstrdup(path);
	k->sup = sup;
	k->refs = 1;
	k->fd = -1;
	k->is_syslog = strcmp(path, "syslog") == 0;
	LIST_INIT(&k->streams);
	LIST_INIT(&k->watches);
	ev_init(&k->retry, on_retry);
	k->retry.repeat = RETRY;
	k->retry.data = k;
	ev_init(&k->room, on_room);
	k->room.data = k;
	HASH_ADD_KEYPTR(hh, sup->logs->sinks, k->path, strlen(k->path), k);
	return k;
}

static void
sink_unref(struct sink *k)
{
	if (--k->refs > 0)
		return;
	sink_close(k);
	ev_timer_stop(k->sup->loop, &k->retry);
	HASH_DEL(k->sup->logs->sinks, k);
	free(k->path);
	free(k);
}

/* Those who watch look again: bytes came, or the stream went elsewhere. */
static void
sink_nudge(struct sink *k)
{
	struct sink_watch *w, *next;

	for (w = LIST_FIRST(&k->watches); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		w->moved(w);
	}
}

/* --- moving bytes --- */

/*
 * Copies what waits in the pipe, at most MAX bytes, to L->copy; nothing is
 * taken.  A pipe whose writer uses packets gives them one by one, so it is
 * read until all of it is there: the scratch pipe is empty afterwards.
 */
static ssize_t
peek(struct stream *st, size_t max)
{
	struct logs *l = st->sup->logs;
	ssize_t n, r, got = 0;

	n = tee(st->pipe, l->scratch[1], max, SPLICE_F_NONBLOCK);
	while (got < n) {
		r = read(l->scratch[0], l->copy + got, (size_t)(n - got));
		if (r <= 0)
			break;
		got += r;
	}
	return n <= 0 ? n : got;
}

/* Takes LEN bytes that were dealt with.  The program may have read some of
 * them itself: never wait for them. */
static void
take(struct stream *st, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = splice(st->pipe, NULL, st->sup->devnull, NULL, len,
		    SPLICE_F_NONBLOCK);
		if (n <= 0)
			break;
		len -= (size_t)n;
	}
}

/* The bytes left before rotation, ending at a line's end when there is one
 * within reach.  The pipe is looked into, nothing is taken from it. */
static size_t
room_to_line_end(struct stream *st, size_t room)
{
	struct logs *l = st->sup->logs;
	ssize_t got = peek(st, LINE_REACH);
	char *nl;

	if (got <= 0 || (size_t)got <= room)
		return room; /* all of it fits */
	nl = memrchr(l->copy, '\n', room);
	if (nl != NULL)
		return (size_t)(nl - l->copy) + 1;
	nl = memchr(l->copy + room, '\n', (size_t)got - room);
	return nl != NULL ? (size_t)(nl - l->copy) + 1 : room;
}

/* Makes the file of a regular sink ready for bytes and says how many it takes
 * before it is rotated.  -1 with errno. */
static ssize_t
regular_room(struct stream *st)
{
	struct sink *k = st->sink;
	struct stat sb;
	size_t room;

	if (fstat(k->fd, &sb) == -1)
		return -1;
	if (sb.st_nlink == 0) { /* somebody removed it: a new one */
		sink_close(k);
		if (sink_open(k) == -1)
			return -1;
		sb.st_size = k->size;
	}
	k->size = sb.st_size; /* others may append or truncate */
	if (k->maxbytes <= 0)
		return PIPE_BIG;
	if (k->size >= k->maxbytes) {
		if (logfile_rotate(k->path, k->backups) == -1) {
			sink_complain(k, "cannot be rotated", errno);
			return PIPE_BIG; /* better too long than blocked */
		}
		sink_close(k);
		if (sink_open(k) == -1)
			return -1;
		if (k->size >= k->maxbytes)
			return PIPE_BIG; /* somebody fills it meanwhile */
	}
	room = (size_t)(k->maxbytes - k->size);
	/* The last bytes before the rotation are always looked at. */
	if (room > LINE_REACH)
		room -= LINE_REACH / 2;
	else
		room = room_to_line_end(st, room);
	return room < PIPE_BIG ? (ssize_t)room : PIPE_BIG;
}

static bool
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
		room = regular_room(st);
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

enum { ESC_NONE, ESC_SEEN, ESC_CSI };

/* Removes escape sequences (ECMA-48 CSI and two-byte ones) until LEN bytes
 * are read or MAX written.  Returns bytes written; *RET_USED bytes read. */
static size_t
strip(uint8_t *state, const char *in, size_t len, char *out, size_t max,
    size_t *ret_used)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (*state == ESC_SEEN) {
			*state = c == '[' ? ESC_CSI : ESC_NONE;
		} else if (*state == ESC_CSI) {
			if (c >= 0x40 && c <= 0x7e)
				*state = ESC_NONE;
		} else if (c == 0x1b) {
			*state = ESC_SEEN;
		} else {
			if (n == max)
				break;
			out[n++] = (char)c;
		}
	}
	*ret_used = i;
	return n;
}

/* Writes without waiting.  Bytes written, 0 full, -1 errno. */
static ssize_t
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
		n = write(k->fd, p, S_ISREG(st.st_mode) || len < 4096 ? len :
		    4096);
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
	ssize_t w;

	if (st->strip_ansi) {
		n = strip(&escape, chunk, len, l->out, len, &used);
		chunk = l->out;
	}
	if (k->kind == LOGFILE_REGULAR) {
		w = regular_room(st);
		if (w == -1)
			return -1;
		if ((size_t)w < n)
			n = (size_t)w;
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
	strip(&st->escape, l->copy, len, l->out, (size_t)w, &used);
	return (ssize_t)used;
}

/* One round of look, write, take.  As splice_once(). */
static ssize_t
copy_once(struct stream *st)
{
	struct logs *l = st->sup->logs;
	ssize_t n, done;

	n = peek(st, COPY_MAX);
	if (n <= 0)
		return n == -1 && errno != EAGAIN ? -1 : 0;
	done = n;
	if (st->sink->is_syslog || st->to_syslog) {
		done = syslog_lines(st->name, l->copy, (size_t)n, l->ending);
		if (done == -1 && st->sink->is_syslog &&
		    (errno == ENOENT || errno == ECONNREFUSED)) {
			sink_drop(st->sink, errno);
			done = n;
		} else if (done == -1 && st->sink->is_syslog) {
			return -1;
		} else {
			st->sink->dropping = false;
		}
		if (done == -1 || !st->sink->is_syslog)
			done = n; /* the file is what counts */
	}
	if (!st->sink->is_syslog)
		done = copy_to_file(st, l->copy, (size_t)done);
	if (done > 0)
		take(st, (size_t)done);
	return done;
}

static void
nap(struct stream *st)
{
	struct logs *l = st->sup->logs;
	int which = st->busy == 0;

	ev_io_stop(st->sup->loop, &st->io);
	st->nap = &l->naps[which];
	TAILQ_INSERT_TAIL(st->nap, st, nap_entry);
	if (!ev_is_active(&l->nap_timers[which])) {
		ev_timer_set(&l->nap_timers[which], nap_length[which], 0.);
		ev_timer_start(st->sup->loop, &l->nap_timers[which]);
	}
}

static void
wake(struct stream *st)
{
	if (st->nap == NULL)
		return;
	TAILQ_REMOVE(st->nap, st, nap_entry);
	st->nap = NULL;
}

/* More than half a pipe at once: the program writes faster than we look.
 * Not allowed (64 large pipes per user) is no error. */
static void
grow_pipe(struct stream *st)
{
	st->big = true;
	if (fcntl(st->pipe, F_SETPIPE_SZ, PIPE_BIG) == -1)
		log_debug("log of %s: the pipe stays small: %s", st->name,
		    strerror(errno));
}

static bool
needs_copy(const struct stream *st)
{
	return st->sink->is_syslog || st->to_syslog || st->strip_ansi ||
	    st->sink->kind == LOGFILE_COPY;
}

/* Moves until the pipe is empty, the sink is full, or it is the turn of
 * others.  Returns the bytes moved; *RET_EMPTY: nothing is left. */
static size_t
pump(struct stream *st, bool *ret_empty)
{
	struct sink *k = st->sink;
	size_t moved = 0;
	ssize_t n;

	*ret_empty = false;
	if (k->full)
		return 0;
	if (!k->is_syslog && k->fd == -1) {
		if (!pipe_has_bytes(st)) {
			*ret_empty = true;
			return 0;
		}
		if (sink_open(k) == -1) {
			sink_block(k, errno);
			return 0;
		}
	}
	do {
		bool copy = needs_copy(st);

		n = copy ? copy_once(st) : splice_once(st);
		if (n > 0)
			moved += (size_t)n;
		if (n > 0 && n < SOME && !copy)
			n = 0; /* that was all; if not, the nap is short */
		else if (n == 0 && !copy && needs_copy(st))
			n = 1; /* it turned out to need the other way */
	} while (n > 0 && moved < TURN_MAX);
	if (n == -1 && errno != EINTR)
		sink_block(k, errno);
	else if (moved > 0)
		sink_recovered(k);
	if (n == 0 && !k->full)
		*ret_empty = true;
	if (moved > 0)
		sink_nudge(k);
	return moved;
}

void
stream_pump(struct stream *st)
{
	size_t moved;
	bool empty;

	wake(st);
	if (st->sink == NULL || st->pipe == -1)
		return;
	moved = pump(st, &empty);
	if (st->sink->full || st->sink->err != 0) {
		/* One that came later is stopped here. */
		ev_io_stop(st->sup->loop, &st->io);
		return;
	}
	if (moved >= MUCH && !st->big)
		grow_pipe(st);
	if (moved >= MUCH)
		st->busy = BUSY_PUMPS;
	else if (moved < SOME && st->busy > 0)
		st->busy--;
	/* An unfinished line on its way to syslog waits in the pipe. */
	if (empty && moved < HUGE_LOT && (moved > 0 || st->busy > 0 ||
	    (needs_copy(st) && pipe_has_bytes(st))))
		nap(st);
	else
		ev_io_start(st->sup->loop, &st->io);
}

unsigned
stream_drain(struct stream *st)
{
	int turns, n = 0;

	if (st->pipe == -1 || st->sink == NULL)
		return 0;
	for (turns = 0; turns < DRAIN_TURNS && pipe_has_bytes(st) &&
	    !st->sink->full; turns++) {
		stream_pump(st);
		if (st->sink->err != 0)
			break;
	}
	ioctl(st->pipe, FIONREAD, &n);
	return n > 0 ? (unsigned)n : 0;
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	stream_pump(w->data);
}

static void
on_nap_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct stream_list *naps = w->data;
	struct stream_list due = TAILQ_HEAD_INITIALIZER(due);
	struct stream *st;

	(void)loop;
	(void)revents;
	TAILQ_CONCAT(&due, naps, nap_entry);
	TAILQ_FOREACH(st, &due, nap_entry)
		st->nap = &due;
	while ((st = TAILQ_FIRST(&due)) != NULL)
		stream_pump(st);
}

/* --- streams --- */

struct stream *
stream_new(struct supervisor *sup, const char *name)
{
	struct stream *st = xcalloc(1, sizeof *st);

	st->sup = sup;
	st->name = xstrdup(name);
	st->pipe = -1;
	ev_init(&st->io, on_readable);
	st->io.data = st;
	TAILQ_INSERT_TAIL(&sup->logs->streams, st, all);
	return st;
}

static void
stream_detach(struct stream *st)
{
	ev_io_stop(st->sup->loop, &st->io);
	wake(st);
	if (st->sink == NULL)
		return;
	LIST_REMOVE(st, entry);
	sink_nudge(st->sink);
	sink_unref(st->sink);
	st->sink = NULL;
}

void
stream_free(struct stream *st)
{
	stream_detach(st);
	if (st->pipe != -1)
		close(st->pipe);
	TAILQ_REMOVE(&st->sup->logs->streams, st, all);
	free(st->name);
	free(st);
}

void
stream_configure(struct stream *st, const struct conf_log *conf,
    bool strip_ansi)
{
	struct sink *k;

	if (conf->file == NULL && !conf->to_syslog) {
		stream_detach(st);
		return;
	}
	k = sink_ref(st->sup, conf->file != NULL ? conf->file : "syslog");
	stream_detach(st);
	st->sink = k;
	LIST_INSERT_HEAD(&k->streams, st, entry);
	st->to_syslog = conf->to_syslog && !k->is_syslog;
	st->strip_ansi = strip_ansi;
	k->maxbytes = conf->maxbytes;
	k->backups = conf->backups;
	if (st->pipe != -1)
		ev_io_start(st->sup->loop, &st->io);
}

void
stream_adopt(struct stream *st, int fd)
{
	st->pipe = fd;
	ev_io_set(&st->io, fd, EV_READ);
	if (st->sink != NULL)
		ev_io_start(st->sup->loop, &st->io);
}

int
stream_pipe(struct stream *st, bool *ret_new)
{
	char path[32];
	int p[2], fd, saved;

	*ret_new = false;
	if (st->pipe != -1) {
		/* A child may have made it non-blocking for the next one. */
		fcntl(st->pipe, F_SETFL, 0);
		return st->pipe;
	}
	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	/* Read-write: whoever writes never sees a pipe without a reader. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	saved = errno;
	close(p[0]);
	close(p[1]);
	if (fd == -1) {
		errno = saved;
		return -1;
	}
	*ret_new = true;
	stream_adopt(st, fd);
	return fd;
}

const char *
stream_status(const struct stream *st)
{
	if (st->sink == NULL)
		return "none";
	if (st->sink->err == ENOSPC || st->sink->err == EDQUOT)
		return "disk_full";
	if (st->sink->dropping)
		return "dropped";
	return st->sink->err != 0 || st->sink->full ? "blocked" : "ok";
}

void
stream_trouble(const struct stream *st, char *buf, size_t size)
{
	const struct sink *k = st->sink;

	buf[0] = '\0';
	if (k == NULL || (k->err == 0 && !k->full))
		return;
	snprintf(buf, size, "log %s: %s since %lld s; the output waits",
	    k->path, k->err != 0 ? sink_why(k) : "no room",
	    (long long)((now_ns() - k->blocked_ns) / 1000000000));
}

const char *
stream_path(const struct stream *st)
{
	return st->sink == NULL || st->sink->is_syslog ? NULL :
	    st->sink->path;
}

void
stream_watch(struct stream *st, struct sink_watch *w)
{
	LIST_INSERT_HEAD(&st->sink->watches, w, entry);
	st->sink->refs++; /* released by hand: see stream_unwatch */
	w->sink = st->sink;
}

void
stream_unwatch(struct sink_watch *w)
{
	LIST_REMOVE(w, entry);
	sink_unref(w->sink);
	w->sink = NULL;
}

/* --- all of them --- */

void
logs_init(struct supervisor *sup, unsigned max_open)
{
	struct logs *l = xcalloc(1, sizeof *l);
	int i;

	sup->logs = l;
	l->max_open = max_open;
	TAILQ_INIT(&l->open);
	TAILQ_INIT(&l->streams);
	for (i = 0; i < NAPS; i++) {
		TAILQ_INIT(&l->naps[i]);
		ev_init(&l->nap_timers[i], on_nap_over);
		l->nap_timers[i].data = &l->naps[i];
	}
	if (pipe2(l->scratch, O_CLOEXEC | O_NONBLOCK) == -1)
		fatal("cannot create a pipe");
	fcntl(l->scratch[1], F_SETPIPE_SZ, PIPE_BIG);
}

unsigned
logs_reopen(struct supervisor *sup)
{
	struct sink *k;
	struct stream *st;
	unsigned n = 0;

	TAILQ_FOREACH(st, &sup->logs->streams, all)
		stream_pump(st); /* what came before belongs to the old file */
	for (k = sup->logs->sinks; k != NULL; k = k->hh.next) {
		sink_close(k);
		sink_resume(k);
		n++;
	}
	return n;
}

unsigned
logs_drain(struct supervisor *sup)
{
	struct stream *st;
	unsigned left = 0;

	sup->logs->ending = sup->stopping;
	TAILQ_FOREACH(st, &sup->logs->streams, all) {
		if (stream_drain(st) > 0)
			left++;
	}
	return left;
}
