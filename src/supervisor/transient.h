/*
 * Transient programs: made by a request (`run`), known to no file.
 *
 * They are part of the configuration that the keeper holds, so another
 * supervisor finds them, with what it needs to know in conf.h (transient,
 * run_*).  They do not start by themselves: one whose start was not recorded
 * before a supervisor died is forgotten, and its client asks again.
 *
 * In memory only, and lost with this supervisor: which clients look after one
 * (they come back within RECLAIM seconds; else one that is bound to its client
 * is stopped, and one that is over removed if it is to be), and its standard
 * input until it is spawned (then it gets /dev/null, and its client is
 * told).
 */
#ifndef SUPERVISOR_TRANSIENT_H
#define SUPERVISOR_TRANSIENT_H

#include <stdbool.h>

struct service;
struct supervisor;

/* --- for service.c: each does nothing to a program of the files --- */

/* S begins to exist; it is another supervisor's; it goes. */
void transient_new(struct service *s);
void transient_takeover(struct service *s);
void transient_free(struct service *s);

/* Descriptor 0 of its next process, borrowed; it is not needed any more. */
int transient_stdin(struct service *s);
void transient_spawned(struct service *s);

/* A reload leaves it alone: it runs, or its client is about to hear how it
 * ended. */
bool transient_stays(const struct service *s);

/* The daemon ends: logs that are to go with their programs. */
void transient_finish(struct supervisor *sup);

/* --- for method_run.c --- */

/* A client looks after S; it goes. */
void transient_claim(struct service *s);
void transient_leave(struct service *s);

/* It is over and nobody looks after it: its name may be used again. */
bool transient_is_free(const struct service *s);

/* Takes FD for standard input of its next process, or closes it when that
 * exists already. */
void transient_give_stdin(struct service *s, int fd);
bool transient_lost_stdin(const struct service *s);

/* So that the list stays short: removes the oldest of those that are over if
 * there are TRANSIENT_MAX of them, with their logs. */
#define TRANSIENT_MAX 100
void transient_make_room(struct supervisor *sup);

#endif
