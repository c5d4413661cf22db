/*
 * The log pump: bytes of programs move from their pipes to files.
 *
 * A *stream* is one output of one program: a pipe that the keeper holds too,
 * so it outlives both ends.  A *sink* is where bytes go: one open file per
 * path, shared by all streams that name it.
 *
 * Bytes move by splice(2), in the kernel and in one step: a SIGKILL of the
 * supervisor neither loses nor repeats one.  What a sink cannot take waits in
 * the pipe, the program with it, and everything else goes on.
 */
#ifndef SUPERVISOR_LOGS_H
#define SUPERVISOR_LOGS_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct conf_log;
struct service;
struct sink;
struct stream;
struct supervisor;

/* Told after bytes arrived in a sink; embedded in whoever wants to know. */
struct sink_watch {
	void (*moved)(struct sink_watch *w);
	struct sink *sink; /* set by stream_watch() */
	LIST_ENTRY(sink_watch) entry;
};

/* Starts with no stream.  At most MAX_OPEN log files are open at a time; the
 * least recently written one is closed first. */
void logs_init(struct supervisor *sup, unsigned max_open);

/* Closes every log file; each is opened again by name when a byte comes.
 * Returns how many sinks there are. */
unsigned logs_reopen(struct supervisor *sup);

/* Moves what waits in every pipe, as far as the sinks take it.  Returns how
 * many pipes still hold bytes. */
unsigned logs_drain(struct supervisor *sup);

/* The stream of SVC named NAME in messages ("web stdout").  It has no pipe
 * and no sink yet.  stream_free() closes both (the keeper's copy stays). */
struct stream *stream_new(struct supervisor *sup, const char *name);
void stream_free(struct stream *st);

/* Where it goes from now on.  CONF->file NULL: nowhere, nothing is read. */
void stream_configure(struct stream *st, const struct conf_log *conf,
    bool strip_ansi);

/* Takes the open pipe FD (read-write) of an earlier supervisor. */
void stream_adopt(struct stream *st, int fd);

/* The pipe for a child's stdout or stderr, made if need be; -1 with errno.
 * The stream keeps it. */
int stream_pipe(struct stream *st);

/* The keeper has a copy of the pipe; without it no child may have it. */
bool stream_is_kept(const struct stream *st);
void stream_set_kept(struct stream *st);

/* Its pipe, and the pipe's inode: -1 and 0 if it has none. */
int stream_fd(const struct stream *st);
uint64_t stream_inode(const struct stream *st);

/* Moves what waits in its pipe now. */
void stream_pump(struct stream *st);

/* Moves until nothing waits in its pipe, half a line included, or the sink
 * takes no more, for 0.1 s at most.  Returns the bytes left. */
unsigned stream_drain(struct stream *st);

/* "ok", "blocked", "disk_full", "dropped", "none": DESIGN 5, `log`. */
const char *stream_status(const struct stream *st);

/* How long it has been blocked, with the reason, as a sentence in BUF. */
void stream_trouble(const struct stream *st, char *buf, size_t size);

/* Its sink's path, NULL when it has none or it is no file that can be read
 * back. */
const char *stream_path(const struct stream *st);

/* Begins and ends telling W about bytes that arrive in ST's sink. */
void stream_watch(struct stream *st, struct sink_watch *w);
void stream_unwatch(struct sink_watch *w);

#endif
