/*
 * Waiting for programs: one mechanism for start, stop, restart and wait.
 *
 * A waiter belongs to whoever made it (a request of a peer) and watches a set
 * of services for one goal each.  It calls `done` once, when every goal is
 * reached or failed, or the time is over; a closing peer frees it instead.
 */
#ifndef SUPERVISOR_WAITER_H
#define SUPERVISOR_WAITER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct service;
struct supervisor;
struct waiter;

enum wait_goal {
	GOAL_UP, /* RUNNING by run GEN or later; failed: BACKOFF, down */
	GOAL_DOWN, /* STOPPED, EXITED or FATAL */
	GOAL_END, /* run GEN has ended */
	GOAL_STATE, /* the state of waiter->state, if only for a moment */
};

enum wait_result { WAIT_PENDING, WAIT_OK, WAIT_FAILED };

/* One service of a waiter. */
struct wait_item {
	struct waiter *waiter;
	struct service *service; /* referenced */
	enum wait_result result;
	uint32_t gen;
	bool changed; /* the request did something to it; the maker's */
	const char *note; /* "already running"; the maker's, or NULL */
	char *words; /* what `note` says, if it was made for this; freed */
	LIST_ENTRY(wait_item) entry; /* of service->waits, while pending */
};

struct waiter {
	struct supervisor *sup;
	enum wait_goal goal;
	uint8_t state; /* enum program_state, of GOAL_STATE */
	struct wait_item *items;
	uint32_t n, pending;
	bool armed; /* pending items are in the lists of their services */
	ev_timer timer;
	void (*done)(struct waiter *w, bool timed_out);
	void *data;
};

/* A waiter for N services; DONE is not called before waiter_arm(). */
struct waiter *waiter_new(struct supervisor *sup, enum wait_goal goal,
    struct service *const *services, uint32_t n);

/* Looks at each goal now and waits for the rest, at most TIMEOUT_S seconds
 * (< 0: for ever).  DONE may be called, and W freed by it, before this
 * returns. */
void waiter_arm(struct waiter *w, double timeout_s,
    void (*done)(struct waiter *w, bool timed_out), void *data);

void waiter_free(struct waiter *w);

/* A service has changed its state: its waiters look. */
void waiter_notify(struct service *s);

#endif
