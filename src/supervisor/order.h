/*
 * The order of services: what waits for what, in both directions.
 *
 * A service begins when all that it needs is ready and is WAITING before; it
 * is asked to end when all that needs it, and is to end too, has ended.  What
 * follows from a change of a service is done once a turn (order_turn), never
 * from within it.  Nothing of this is remembered: it follows from the records
 * of the services, so the next supervisor comes to the same.
 */
#ifndef SUPERVISOR_ORDER_H
#define SUPERVISOR_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct service;
struct supervisor;

/* One side of a dependency. */
struct order_edge {
	struct service *other;
	uint8_t kind; /* enum depend_kind */
	uint16_t states; /* DEPEND_STATES */
};

/* Builds it from sup->conf; after each change of the set of services. */
void order_build(struct supervisor *sup);

/* S may not begin yet.  RUN_NOW: an operator does not wait for states that
 * only the first start waits for. */
bool order_is_blocked(const struct service *s, bool run_now);

/* What S requires has been given up or stopped: it waits for an operator. */
bool order_is_hopeless(struct service *s);

/* S is to be left running for now: what needs it still runs and is to end. */
bool order_is_held(const struct service *s);

/* What S requires and is not wanted up is wanted, too: call it before
 * ON_START.  ASKED: an operator asked for S; otherwise what an operator has
 * stopped stays so, and S waits. */
void order_pull(struct service *s, bool asked);

/*
 * Adds to *V (N, malloc'ed) the services that require one of it, directly or
 * not, and sorts all: what needs others first.  With ALL also those that only
 * start after one of it.  The new N.
 */
uint32_t order_dependants(struct supervisor *sup, struct service ***v,
    uint32_t n, bool all);

/* All services, what others need first; caller frees. */
struct service **order_sorted(struct supervisor *sup);

/* What S waits for, "db (STARTING), cache (BACKOFF)", in BUF; "": nothing. */
void order_waiting(const struct service *s, char *buf, size_t size);

/* The same as a JSON list of {"name","state"}. */
void order_waiting_json(const struct service *s, struct buf *out);

/* S has changed: order_turn() will look at those that depend on it. */
void order_changed(struct service *s);
void order_turn(struct supervisor *sup);

/* All of them: after a takeover, and with a new configuration. */
void order_changed_all(struct supervisor *sup);

#endif
