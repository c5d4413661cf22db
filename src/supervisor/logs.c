/*
 * The log pump: streams, and when they are looked at; see logs.h.
 *
 * Small writes are gathered: a stream that gave little is not watched for a
 * while (a nap) and then emptied at once, which costs a fraction of a wake-up
 * per write.  A stream that gives much gets a larger pipe and short naps.
 *
 * Next: sink.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/pipe.h"
#include "lib/xalloc.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"

#define RESERVED_FDS 8 /* at the end, for clients and log files: no pipes */
#define TURN_MAX (4 * 1024 * 1024) /* bytes of one stream per loop turn */
#define DRAIN_NS 100000000LL /* for one stream that is emptied, at most */
#define MUCH 32768 /* a pump that moved so much: the program is busy */
#define HUGE_LOT (512 * 1024) /* ... and fills the pipe: no nap */
#define SOME 2048 /* a pump that moved less says it may be busy no more */
#define BUSY_PUMPS 20 /* so many of those end it */
#define NAP_SHORT 0.0005 /* seconds; of busy streams */
#define NAP_LONG 0.04
#define NAP_LINE 0.25 /* half a line waits, and nothing has been added */

static const double nap_length[NAPS] = {NAP_SHORT, NAP_LONG, NAP_LINE};

static void
wake(struct stream *st)
{
	if (st->nap == NULL)
		return;
	TAILQ_REMOVE(st->nap, st, nap_entry);
	st->nap = NULL;
}

void
stream_nap(struct stream *st)
{
	struct logs *l = st->sup->logs;
	int which = st->busy > 0 ? 0 : st->idle ? 2 : 1;

	wake(st);
	ev_io_stop(st->sup->loop, &st->io);
	st->nap = &l->naps[which];
	TAILQ_INSERT_TAIL(st->nap, st, nap_entry);
	if (!ev_is_active(&l->nap_timers[which])) {
		ev_timer_set(&l->nap_timers[which], nap_length[which], 0.);
		ev_timer_start(st->sup->loop, &l->nap_timers[which]);
	}
}

/* More than half a pipe at once: the program writes faster than we look.
 * Not allowed (64 large pipes per user) is no error. */
void
stream_grow(struct stream *st)
{
	st->big = true;
	if (fcntl(st->pipe, F_SETPIPE_SZ, PIPE_BIG) == -1)
		log_debug("log of %s: the pipe stays small: %s", st->name,
		    strerror(errno));
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
		n = move_some(st);
		if (n > 0)
			moved += (size_t)n;
		if (n > 0 && n < MUCH && !needs_copy(st))
			n = 0; /* that was all, but for what came meanwhile */
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

/* The sink takes nothing.  A program that is not to wait gets room in its
 * pipe, and the pipe a nap: a short one while it fills fast. */
static void
wait_for_sink(struct stream *st)
{
	/* One that came later is stopped here. */
	ev_io_stop(st->sup->loop, &st->io);
	if (!st->drop)
		return;
	if (stream_shed(st)) {
		st->busy = BUSY_PUMPS;
		if (!st->big)
			stream_grow(st);
	} else if (st->busy > 0) {
		st->busy--;
	}
	stream_nap(st);
}

/* A sink that failed is tried each second, not whenever a pipe of those that
 * drop is looked at. */
static bool
is_hopeless(const struct stream *st)
{
	return st->drop && st->sink->err != 0 && !st->sink->retrying &&
	    !st->sup->logs->ending;
}

/* Half a line is there, as it was at the last look: what is for others to
 * end need not be looked at often. */
static void
note_unfinished(struct stream *st, size_t moved)
{
	int n = 0;

	if (needs_copy(st) && ioctl(st->pipe, FIONREAD, &n) == -1)
		n = 0;
	st->idle = moved == 0 && n > 0 && n == st->unfinished;
	st->unfinished = n;
}

/* Returns the bytes moved. */
static size_t
look_at(struct stream *st)
{
	size_t moved = 0;
	bool empty = false;

	wake(st);
	if (st->sink == NULL || st->pipe == -1)
		return 0;
	if (!is_hopeless(st))
		moved = pump(st, &empty);
	if (st->sink->full || st->sink->err != 0) {
		wait_for_sink(st);
		return moved;
	}
	if (moved > 0)
		stream_shed_over(st);
	if (moved >= MUCH && !st->big)
		stream_grow(st);
	if (moved >= MUCH)
		st->busy = BUSY_PUMPS;
	else if (moved < SOME && st->busy > 0)
		st->busy--;
	note_unfinished(st, moved);
	/* An unfinished line that is looked at waits in the pipe. */
	if (empty && moved < HUGE_LOT && (moved > 0 || st->busy > 0 ||
	    (needs_copy(st) && pipe_has_bytes(st))))
		stream_nap(st);
	else
		ev_io_start(st->sup->loop, &st->io);
	return moved;
}

void
stream_pump(struct stream *st)
{
	look_at(st);
}

/* FLUSH: half a line goes out, too. */
static unsigned
drain(struct stream *st, bool flush)
{
	int64_t end = now_ns() + DRAIN_NS;
	int n = 0;

	if (st->pipe == -1 || st->sink == NULL)
		return 0;
	st->flush = flush;
	/* A file that is rotated each few lines takes many looks. */
	while (pipe_has_bytes(st) && look_at(st) > 0 && now_ns() < end)
		;
	st->flush = false;
	ioctl(st->pipe, FIONREAD, &n);
	return n > 0 ? (unsigned)n : 0;
}

unsigned
stream_drain(struct stream *st)
{
	return drain(st, true);
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	if (revents & EV_ERROR)
		stream_nap(w->data); /* it cannot be watched now */
	else
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
	stream_shed_over(st);
	if (st->sink->rest_of == st)
		st->sink->rest_of = NULL;
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
	free(st->source);
	free(st->name);
	free(st);
}

/* Files that were rotated while this was off are compressed too, and those that
 * a supervisor before this one has left. */
static void
configure_packing(struct sink *k, bool compress)
{
	bool before = k->compress;

	k->compress = compress;
	if (compress && !before)
		logpack_want(k);
	else if (before && !compress)
		logpack_forget(k);
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
	st->drop = conf->on_full == ON_FULL_DROP;
	logform_configure(st, conf);
	k->maxbytes = conf->maxbytes;
	k->backups = conf->backups;
	k->maxage_ns = conf->maxage_ms * 1000000;
	configure_packing(k, conf->compress);
	if (st->pipe != -1)
		ev_io_start(st->sup->loop, &st->io);
}

void
stream_adopt(struct stream *st, int fd)
{
	struct stat sb;

	st->pipe = fd;
	st->inode = fstat(fd, &sb) == 0 ? sb.st_ino : 0;
	ev_io_set(&st->io, fd, EV_READ);
	if (st->sink != NULL)
		ev_io_start(st->sup->loop, &st->io);
}

bool
stream_is_kept(const struct stream *st)
{
	return st->kept;
}

void
stream_set_kept(struct stream *st)
{
	st->kept = true;
}

int
stream_fd(const struct stream *st)
{
	return st->pipe;
}

uint64_t
stream_inode(const struct stream *st)
{
	return st->inode;
}

int
stream_pipe(struct stream *st)
{
	struct rlimit rl;
	int fd, saved;

	if (st->pipe != -1) {
		/* A child may have made it non-blocking for the next one. */
		fcntl(st->pipe, F_SETFL, 0);
		return st->pipe;
	}
	/* Whole: whoever writes never sees a pipe without a reader. */
	fd = pipe_whole();
	saved = errno;
	if (fd != -1 && getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    (rlim_t)fd + RESERVED_FDS >= rl.rlim_cur) {
		close(fd);
		fd = -1;
		saved = EMFILE;
	}
	if (fd == -1) {
		errno = saved;
		return -1;
	}
	stream_adopt(st, fd);
	return fd;
}

const char *
stream_status(const struct stream *st)
{
	if (st->sink == NULL)
		return "none";
	if (st->dropped > 0)
		return "dropped";
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
	int64_t now = now_ns();
	int n;

	buf[0] = '\0';
	if (k == NULL || (k->err == 0 && !k->full))
		return;
	n = snprintf(buf, size, "log %s: %s since %lld s; ",
	    k->path, k->err != 0 ? sink_why(k) : "no room",
	    (long long)((now - k->blocked_ns) / 1000000000));
	if (n < 0 || (size_t)n >= size)
		return;
	if (st->dropped == 0)
		snprintf(buf + n, size - (size_t)n, "the output waits");
	else
		snprintf(buf + n, size - (size_t)n, "%llu bytes of the "
		    "output were dropped in the last %lld s",
		    (unsigned long long)st->dropped,
		    (long long)((now - st->dropped_ns) / 1000000000));
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
	logpack_init(l);
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
	if (sup->stopping)
		logpack_cancel(sup->logs);
	TAILQ_FOREACH(st, &sup->logs->streams, all) {
		if (drain(st, sup->stopping) > 0)
			left++;
	}
	return left;
}
