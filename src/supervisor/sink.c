/*
 * Sinks: the files that log bytes go to, opened on demand, by name, and
 * closed when too many are open; what happens when one takes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"

#define RETRY 1.0 /* seconds until a sink that failed is tried again */

void
sink_close(struct sink *k)
{
	struct logs *l = k->sup->logs;

	ev_io_stop(k->sup->loop, &k->room);
	k->full = false;
	buf_clear(&k->rest); /* that line comes again, it was not taken */
	k->rest_of = NULL;
	k->at_line = false;
	if (k->fd == -1)
		return;
	close(k->fd);
	k->fd = -1;
	TAILQ_REMOVE(&l->open, k, lru);
	l->nopen--;
}

bool
sink_make_room(struct logs *l)
{
	struct sink *k;

	TAILQ_FOREACH(k, &l->open, lru)
		if (k->kind == LOGFILE_REGULAR) {
			sink_close(k);
			return true;
		}
	return false;
}

int
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
	/* From here on a clock that is set matters no more. */
	k->born_ns = now_ns();
	if (k->kind == LOGFILE_REGULAR)
		k->born_ns -= (int64_t)(logfile_age(k->fd) * 1e9);
	return 0;
}

const char *
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

void
sink_complain(struct sink *k, const char *what, int err)
{
	int64_t now = now_ns();

	if (k->complained_ns != 0 && now - k->complained_ns < COMPLAIN_NS)
		return;
	k->complained_ns = now;
	log_warnx("log %s: %s: %s; it grows beyond its size", k->path, what,
	    strerror(err));
}

/* Its streams are not watched until it takes something.  Those that drop look
 * themselves how full their pipe is. */
static void
stop_streams(struct sink *k)
{
	struct stream *st;

	LIST_FOREACH(st, &k->streams, entry) {
		ev_io_stop(k->sup->loop, &st->io);
		if (st->drop && st->nap == NULL && st->pipe != -1)
			stream_nap(st);
	}
}

static const char *
what_follows(const struct sink *k)
{
	const struct stream *st;

	LIST_FOREACH(st, &k->streams, entry)
		if (!st->drop)
			return "the output waits in the pipe";
	return "output that fills half of the pipe is dropped";
}

/* It takes nothing: the bytes wait in the pipes, and it is tried again. */
void
sink_block(struct sink *k, int err)
{
	int64_t now = now_ns();

	if (k->err == 0)
		k->blocked_ns = now;
	k->err = err;
	if (k->complained_ns == 0 || now - k->complained_ns >= COMPLAIN_NS) {
		k->complained_ns = now;
		k->said = true;
		log_warnx("log %s: cannot write: %s; %s, trying again each "
		    "second", k->path, sink_why(k), what_follows(k));
	}
	if (k->fd != -1 && err != ENOSPC && err != EDQUOT)
		sink_close(k);
	stop_streams(k);
	ev_timer_again(k->sup->loop, &k->retry);
}

/* No syslog runs.  Nobody would wait for one: a container has none. */
void
sink_drop(struct sink *k, int err)
{
	int64_t now = now_ns();

	if (!k->dropping || now - k->complained_ns >= 60 * COMPLAIN_NS) {
		k->complained_ns = now;
		log_warnx("syslog: %s; the output for it is dropped",
		    strerror(err));
	}
	k->dropping = true;
}

void
sink_resume(struct sink *k)
{
	struct stream *st;

	LIST_FOREACH(st, &k->streams, entry)
		if (st->nap == NULL && st->pipe != -1)
			ev_io_start(k->sup->loop, &st->io);
}

void
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
	k->retrying = true;
	for (st = LIST_FIRST(&k->streams); st != NULL; st = next) {
		next = LIST_NEXT(st, entry);
		stream_pump(st);
	}
	k->retrying = false;
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
void
sink_wait_room(struct sink *k)
{
	if (k->full)
		return;
	k->full = true;
	k->blocked_ns = now_ns();
	stop_streams(k);
	ev_io_set(&k->room, k->fd, EV_WRITE);
	ev_io_start(k->sup->loop, &k->room);
}

struct sink *
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

void
sink_unref(struct sink *k)
{
	if (--k->refs > 0)
		return;
	sink_close(k);
	logpack_forget(k);
	ev_timer_stop(k->sup->loop, &k->retry);
	HASH_DEL(k->sup->logs->sinks, k);
	free(k->path);
	free(k);
}

/* Those who watch look again: bytes came, or the stream went elsewhere. */
void
sink_nudge(struct sink *k)
{
	struct sink_watch *w, *next;

	for (w = LIST_FIRST(&k->watches); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		w->moved(w);
	}
}
