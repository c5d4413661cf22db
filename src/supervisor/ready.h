/*
 * How a service shows that it is ready and stays well: the keys ready, health
 * and watchdog.
 *
 * A program that speaks gets a socket of its own (NOTIFY_SOCKET) or the write
 * end of a pipe (fd:N); the keeper holds it too, so what was said while no
 * supervisor ran is read by the next.  One that does not is asked (probe.h),
 * one question at a time.  Answers so far, STATUS= and the watchdog's clock are
 * of this supervisor only: the next one begins to ask anew.
 */
#ifndef SUPERVISOR_READY_H
#define SUPERVISOR_READY_H

#include <stdbool.h>
#include <stddef.h>

struct program;
struct service;
struct spawn_extra;
struct supervisor;

/* Follows the configuration of S; FD is what the keeper kept for it, -1:
 * nothing.  Takes FD. */
void ready_configure(struct service *s, int fd);

/* Before a spawn: what its child needs for this is in *EX, borrowed from S
 * until the next call.  0, or -1 with errno (EPIPE: the keeper is gone). */
int ready_prepare(struct service *s, struct spawn_extra *ex);

/* S has changed and was as BEFORE: asks, listens, or stops that. */
void ready_follow(struct service *s, const struct program *before);

/* After a takeover: the same for what runs. */
void ready_takeover(struct service *s);

/* What is kept by the keeper; -1: nothing. */
int ready_fd(const struct service *s);

/* STATUS= of the program, or "". */
const char *ready_status(const struct service *s);
bool ready_is_reloading(const struct service *s);

/* What is wrong so far, "health: Connection refused (1 of 3)", in BUF; "". */
void ready_trouble(const struct service *s, char *buf, size_t size);

/* Ends all of it; the socket is removed. */
void ready_free(struct service *s);

/* The directory of sockets, empty by now, goes. */
void ready_clean(struct supervisor *sup);

#endif
