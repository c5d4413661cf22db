/*
 * Stops by operators, remembered over a start of the daemon.
 *
 * A process that was begun once and is not wanted any more was stopped by
 * somebody, and so was one that was not begun because it was `held`.  Both are
 * in the records and the configuration, which a killed supervisor leaves
 * behind; statedir/stopped is a copy of it for the next daemon, written by a
 * process of its own a moment later, one at a time.  A stop of the whole daemon
 * is no stop of its programs: nothing is noted from then on.
 *
 * Where that file cannot be written it is said once, and the stops are known as
 * long as the daemon runs.
 */
#ifndef SUPERVISOR_STOPS_H
#define SUPERVISOR_STOPS_H

#include <stdbool.h>
#include <stddef.h>

struct service;
struct supervisor;

/* After all services are there.  FRESH: this daemon has just been started, so
 * the file says what is `held`; otherwise it is looked at soon. */
void stops_init(struct supervisor *sup, bool fresh);

/* Some program is wanted, or not wanted any more, or is removed. */
void stops_note(struct supervisor *sup);

/* Once a turn: begins to write what stops_note() was about. */
void stops_turn(struct supervisor *sup);

/* The daemon is going to stop: what is stopped now is what counts. */
void stops_settle(struct supervisor *sup);

/* Waits until all is written, but not for long: the end of the daemon. */
void stops_flush(struct supervisor *sup);

/* An operator stopped S. */
bool stops_has(const struct service *s);

/* Why S, which was never begun, is STOPPED: a sentence in BUF, or "". */
void stops_reason(const struct service *s, char *buf, size_t size);

#endif
