/*
 * Stops by operators, remembered over a start of the daemon.
 *
 * A process that was begun once, or waited for that, and is not wanted any more
 * was stopped by somebody, and so was one that was not begun because its
 * configuration says `stopped`.  All that is in the records and the
 * configuration, which a killed supervisor leaves behind; statedir/stopped is a
 * copy of it for the next daemon, written by a process of its own a moment
 * later, one at a time.  A stop of the whole daemon is no stop of its programs:
 * nothing is noted from then on.  `enable` forgets the stop of a program.
 *
 * Where that file cannot be written it is said once, and the stops are known as
 * long as the daemon runs.
 */
#ifndef SUPERVISOR_STOPPED_H
#define SUPERVISOR_STOPPED_H

#include <stdbool.h>
#include <stddef.h>

struct service;
struct supervisor;

/* After all services are there.  FRESH: this daemon has just been started, so
 * the file says what is `stopped`; otherwise it is looked at soon. */
void stopped_init(struct supervisor *sup, bool fresh);

/* Some program is wanted, or not wanted any more, or is removed. */
void stopped_note(struct supervisor *sup);

/* Once a turn: sees that it is written, in a moment, what stopped_note() was about. */
void stopped_turn(struct supervisor *sup);

/* The daemon is going to stop: what is stopped now is what counts. */
void stopped_settle(struct supervisor *sup);

/* Waits until all is written, but not for long: the end of the daemon. */
void stopped_flush(struct supervisor *sup);

/* An operator stopped S. */
bool stopped_has(const struct service *s);

/* Why S, which was never begun, is STOPPED: a sentence in BUF, or "". */
void stopped_reason(const struct service *s, char *buf, size_t size);

#endif
