/*
 * What happened, for those who ask afterwards or follow it: changes of state
 * of programs, and what became of the daemon.
 *
 * The last EVENTS_KEPT are in memory, each once, and are lost with this
 * supervisor; the next one counts from 1 again.  A reader is only a place
 * among them: one that is slow costs nothing, and what it could not read
 * before it had to go is counted.
 */
#ifndef SUPERVISOR_EVENTS_H
#define SUPERVISOR_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/program.h"

#define EVENTS_KEPT 1000

struct buf;
struct event;
struct service;
struct supervisor;

enum event_kind {
	EVENT_STATE, /* of a program */
	EVENT_START, /* of the daemon; all from here on are of it */
	EVENT_TAKEOVER, /* another supervisor goes on */
	EVENT_KEEPER, /* the keeper was killed and replaced */
	EVENT_UPGRADE,
	EVENT_RELOAD,
	EVENT_STOPPING,
	EVENT_KINDS
};

/* Who reads; embedded in whoever wants to. */
struct event_reader {
	/* There is something to read; may be called for what it does not
	 * want. */
	void (*news)(struct event_reader *r);
	/* Whether it is to be told of the program GROUP:NAME; NULL NAME: of
	 * the daemon. */
	bool (*wants)(struct event_reader *r, const char *group,
	    const char *name);
	struct supervisor *sup;
	uint64_t next; /* number of the next event it looks at */
	uint64_t dropped; /* that it wanted and were gone before; not said */
	LIST_ENTRY(event_reader) entry;
};

/* S, whose program P has just changed from FROM; WHY is a sentence or "". */
void events_state(struct service *s, const struct program *p,
    enum program_state from, const char *why);

/* Something about the daemon; the text is a sentence. */
void events_daemon(struct supervisor *sup, enum event_kind kind,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Number of the last event; 0: none yet. */
uint64_t events_last(const struct supervisor *sup);

/* Begins to tell R, with `news` and `wants` set, of what comes.  It stands
 * before the last LINES events that it wants (-1: all). */
void events_open(struct supervisor *sup, struct event_reader *r,
    int64_t lines);

/* The same behind event AFTER; what is gone already of those that follow
 * counts as dropped. */
void events_open_after(struct supervisor *sup, struct event_reader *r,
    uint64_t after);

void events_close(struct event_reader *r);

/* Appends the next event that R wants, up to number UNTIL, or a word about
 * dropped ones, as a JSON object to OUT.  False: there is none. */
bool events_read(struct event_reader *r, uint64_t until, struct buf *out);

#endif
