/*
 * Inside the log pump: sinks, streams, and how bytes get from one to the
 * other.  Shared by logs.c (streams and when they are looked at), sink.c
 * (files and their troubles), logmove.c (the moving itself) and logdrop.c (what
 * is thrown away), and by nobody else.
 */
#ifndef SUPERVISOR_SINK_H
#define SUPERVISOR_SINK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <uthash.h>

#include "lib/buf.h"
#include "supervisor/logfile.h"
#include "supervisor/logs.h"

#define PIPE_BIG (1024 * 1024) /* bytes of a busy stream's pipe */
#define COPY_MAX 65536 /* bytes looked at in one go */
#define COPY_PIECE 4096 /* bytes a pipe or device takes without waiting */

#define COMPLAIN_NS (10 * 1000000000LL) /* between messages of one sink */

enum { NAPS = 3 }; /* lengths of nap: short, long, for half a line */

struct helper;

struct sink {
	char *path; /* "syslog" is one too */
	struct supervisor *sup;
	unsigned refs;
	enum logfile_kind kind;
	bool is_syslog;
	int fd; /* -1: not open */
	off_t size; /* of a regular file, as of the last look */
	int64_t maxbytes, backups;
	int64_t maxage_ns; /* 0: no limit */
	int64_t born_ns; /* of the open file, on our clock */
	bool due; /* older than that, and inside of a line: only up to its end */
	bool compress; /* what is rotated */
	bool unpacked; /* a rotated file may be there that is not */
	int64_t pack_said_ns; /* when it was logged last that gzip failed */
	bool at_line; /* a formatted line was the last to go there */
	struct buf rest; /* of a line that the target has cut; at most one */
	struct stream *rest_of; /* whose line that is; NULL: nobody's now */
	size_t rest_take; /* bytes that are taken from its pipe then */
	int err; /* why it takes nothing; 0: it does */
	bool full; /* a device or pipe has no room: `room` waits */
	bool dropping; /* syslog, and none runs */
	bool said; /* that it is blocked */
	bool retrying; /* now, a second after it took nothing */
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
	uint64_t inode; /* of the pipe; 0: none */
	bool kept; /* the keeper has the pipe, too */
	bool big; /* the pipe was made larger */
	uint8_t busy; /* > 0: it naps shortly */
	bool to_syslog; /* also */
	bool strip_ansi;
	uint8_t escape; /* state of the stripper */
	int format; /* enum conf_log_format */
	char *source; /* for logline_format(); NULL: not JSON so far */
	bool flush; /* nothing follows: half a line goes out too */
	int unfinished; /* bytes that waited for a newline at the last look */
	bool idle; /* ... and at the one before */
	bool drop; /* what would block the program is thrown away */
	uint64_t dropped; /* bytes, since the sink took some last */
	int64_t dropped_ns; /* since when */
	int64_t drop_said_ns; /* when that was logged last */
	uint64_t drop_total; /* before, with no word about their end yet */
	int64_t drop_over_ns; /* when the end was logged last */
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
	struct helper *helper; /* that compresses a file, or NULL */
	struct sink *packing; /* whose file */
	int pack_fd; /* that file */
	ev_timer pack_timer; /* it is time to look for one */
	bool stale; /* it holds bytes that could not be read */
	bool ending; /* the daemon ends: unfinished lines go out too */
	char copy[COPY_MAX], out[COPY_MAX];
	struct buf lines; /* formatted; at most about a megabyte */
};

/* --- sink.c --- */

/* The sink of PATH; each sink_ref() wants a sink_unref(). */
struct sink *sink_ref(struct supervisor *sup, const char *path);
void sink_unref(struct sink *k);

/* Opens it by name, at its end, if it is not open.  0, or -1 with errno. */
int sink_open(struct sink *k);
void sink_close(struct sink *k);

/* Closes the file that was written to least recently, where descriptors run
 * short; it is opened again when a byte comes.  False: there is none. */
bool sink_make_room(struct logs *l);

/* It takes nothing because of ERR: its streams wait, it is tried again each
 * second.  sink_recovered(): it took something. */
void sink_block(struct sink *k, int err);
void sink_recovered(struct sink *k);

/* A device or pipe has no room: wait for it instead of for the streams. */
void sink_wait_room(struct sink *k);

/* Its streams are looked at again. */
void sink_resume(struct sink *k);

/* No syslog runs: what is for it is dropped, and that is said. */
void sink_drop(struct sink *k, int err);

/* Says that WHAT failed, at most once in ten seconds. */
void sink_complain(struct sink *k, const char *what, int err);

/* Those who watch it look: bytes came, or a stream went elsewhere. */
void sink_nudge(struct sink *k);

/* Why it is blocked, in words. */
const char *sink_why(const struct sink *k);

/* --- logs.c --- */

/* Its pipe is not watched for a while and then looked at. */
void stream_nap(struct stream *st);

/* Makes its pipe larger, if that is allowed. */
void stream_grow(struct stream *st);

/* --- logdrop.c --- */

/* Its sink takes nothing, and the program is not to wait: throws bytes away
 * until at most half of the pipe is in use.  True if there were any. */
bool stream_shed(struct stream *st);

/* The sink took bytes again, or the stream leaves it: says how many were
 * dropped, if any were, and counts anew. */
void stream_shed_over(struct stream *st);

/* --- logform.c --- */

void logform_configure(struct stream *st, const struct conf_log *conf);

/* Its lines are formatted on their way. */
bool logform_applies(const struct stream *st);

/* move_some() for such a stream. */
ssize_t logform_move(struct stream *st);

/* Writes what is missing of a line that K has cut.  > 0: nothing is missing;
 * 0: there is no room; -1 with errno. */
ssize_t logform_finish(struct sink *k);

/* LEN bytes at the front of ST's pipe were taken by others. */
void logform_took(struct stream *st, size_t len);

/* --- logpack.c --- */

void logpack_init(struct logs *l);

/* K may have a rotated file that is to be compressed; it is looked for soon. */
void logpack_want(struct sink *k);

/* K goes, or is not compressed any more: what is under way for it ends. */
void logpack_forget(struct sink *k);

/* Ends what is under way; the file stays as it was. */
void logpack_cancel(struct logs *l);

/* --- logmove.c --- */

/* Moves some bytes of ST to its open sink.  > 0: so many.  0: the pipe is
 * empty, or sink->full was set.  -1: errno says why the sink took none. */
ssize_t move_some(struct stream *st);

/* Bytes wait in the pipe. */
bool pipe_has_bytes(const struct stream *st);

/* Copies what waits in the pipe, at most MAX <= COPY_MAX bytes, to
 * logs->copy; nothing is taken.  Bytes copied, -1 with errno. */
ssize_t pipe_peek(struct stream *st, size_t max);

/* Takes LEN bytes that were dealt with, or fewer if there are not so many.
 * Returns how many. */
size_t pipe_take(struct stream *st, size_t len);

/* Makes the file of a regular sink ready for bytes and says how many it takes
 * before it is rotated, at least one.  -1 with errno. */
off_t sink_room(struct stream *st);

/* How many of the LEN bytes at P go where there is ROOM for fewer: up to a
 * line's end, the last one that fits or else the next, if there is one. */
size_t cut_at_line(const char *p, size_t len, size_t room);

/* Writes without waiting.  Bytes written; 0: no room, and it is waited for; -1
 * with errno. */
ssize_t copy_write(struct sink *k, const char *p, size_t len);

/* They must be looked at on their way, or cannot be spliced. */
bool needs_copy(const struct stream *st);

#endif
