/*
 * A service: a program of the configuration as this process sees it.  It
 * carries out what core/program.c decides, and keeps the program's record on
 * the board, from which the next supervisor goes on.
 */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "core/conf.h"
#include "core/program.h"
#include "supervisor/lastrun.h"
#include "supervisor/sample.h"

struct helper;
struct hooks;
struct order_edge;
struct ready;
struct run;
struct schedule;
struct stream;
struct supervisor;
struct wait_item;

struct service {
	struct supervisor *sup;
	struct conf_process *conf; /* borrowed from sup->conf */
	char *label; /* "name", or "group:name" when they differ */
	uint64_t label_hash; /* state_hash() of it */
	uint32_t slot;
	struct program prog; /* what the board has, too */
	ev_timer timer; /* prog.deadline_ns */
	struct stream *stream[CONF_STREAMS];
	struct sample *sample; /* of /proc, a moment old at most; NULL: none */
	struct run *run; /* of a transient program, else NULL */
	struct lastrun last; /* how the run before this one ended */
	LIST_HEAD(, wait_item) waits; /* who waits for a change of it */
	unsigned refs; /* the list's one, and those of replies under way */
	bool gone; /* no longer in the list */
	uint16_t passed; /* bit N: state N was reached by this very event */
	bool queued; /* in sup->spawn_queue */
	bool stirred; /* in sup->stirred */
	bool had_rest; /* this clearing has found something */
	int64_t told_ns; /* its group has got SIGTERM, since boot */
	uint8_t todo; /* during a reload, see there */
	struct order_edge *needs, *needed_by; /* order.h */
	uint32_t nneeds, nneeded_by;
	uint32_t looked; /* the last order_is_hopeless() that was here */
	uint32_t rank; /* higher than those of all that it needs */
	struct helper *stopper; /* its stop_command, under way, ... */
	uint32_t stopper_gen; /* ... for this run */
	struct ready *ready; /* how it shows that it is ready and well */
	struct hooks *hooks; /* its exec_* commands */
	struct schedule *schedule; /* when it runs; NULL: it has none */
	bool going_down; /* counted in sup->ngoing_down */
	bool unwritten; /* in sup->unwritten */
	bool pidfile_said; /* its pidfile could not be written, and that is
			    * logged */
	TAILQ_ENTRY(service) entry, spawn_entry, unwritten_entry,
	    stirred_entry;
	struct service *same_name; /* further ones in other groups */
	UT_hash_handle hh; /* sup->by_name */
};

/* A service for C in its slot, at the end of the list, without a process yet.
 * service_takeover() or service_begin() comes next. */
struct service *service_new(struct supervisor *sup, struct conf_process *c);

/* Takes it out of everything; its process must be gone.  Memory stays until
 * the last reference goes. */
void service_remove(struct service *s);
struct service *service_ref(struct service *s);
void service_unref(struct service *s);

/* First time ever: autostart. */
void service_begin(struct service *s);

/* After another supervisor: goes on exactly where it stood, by the record,
 * the run on the board and its end. */
void service_takeover(struct service *s);

/* The one way into the state machine: feeds EV with ARG (time, and what else
 * every event has, is filled in) and carries out what follows. */
void service_feed(struct service *s, enum program_event ev,
    struct program_arg *arg);

/* Feeds an event without an argument.  service_event_now(): ON_START or
 * ON_RESTART by an operator, whatever its schedule says. */
void service_event(struct service *s, enum program_event ev);
void service_event_now(struct service *s, enum program_event ev);

/* Feeds ON_UNFIT. */
void service_unfit(struct service *s, enum program_reason why);

/* Puts its record on the board at once, and into the state file with the next
 * service_write_states(); every event does that by itself. */
void service_store(struct service *s);

/* Brings the state file up to date.  Once a turn, before anybody is told what
 * happened in it: a stop of thousands writes one record each and not four. */
void service_write_states(struct supervisor *sup);

/* True if the change REQUEST (0: one without an id) was done to it before;
 * otherwise it is remembered, on the board with the next event. */
bool service_has_done(struct service *s, uint64_t request);

/* The keeper has recorded an end in its slot. */
void service_ended(struct service *s);

/* Its last run was not worth a quick one: it failed, or began less than a
 * second before NOW. */
bool service_is_hasty(const struct service *s, int64_t now);

/* Spawns it now, if it is still wanted; from the spawn queue. */
void service_spawn(struct service *s);

/* Nothing is left of the tree of its last run. */
void service_gone(struct service *s);

/* Its spawn is queued; or has failed before it came to that, OURS: through no
 * fault of the program. */
void service_enqueue(struct service *s);
void service_spawn_failed(struct service *s, enum spawn_step step, int err,
    bool ours);

/* During the stop of the daemon: it may be down by now. */
void service_look_stopped(struct service *s);

/* Seconds that a stop of it takes at most, SIGKILL left out. */
double service_stop_time(const struct service *s);

/* Its record in the state file, now; before that it has none. */
void service_write_state(struct service *s);
bool service_has_run(const struct service *s);

/* STREAM of it goes through a pipe of ours. */
bool service_has_pipe(const struct service *s, int stream);

/* Where a command that is run for it may write: its stdout, or -1. */
int service_output(struct service *s);

/* One of the same name in another group leaves and is not down: a program that
 * moved to another group runs once, not twice. */
bool service_has_leaving_twin(const struct service *s);

/* It is down, and not to come up again. */
bool service_is_stopped(const struct service *s);

/* The daemon stops, and this one survives SIGKILL again and again: the kernel
 * does not let it end, and nobody waits for it any more. */
bool service_is_left_behind(const struct service *s);

/* Takes C (of the same name) as its configuration from now on: logs and
 * timers at once.  The caller restarts it if that is needed. */
void service_configure(struct service *s, struct conf_process *c);

/* Its process was started with other values than it would be now. */
bool service_is_outdated(const struct service *s);

/* The worst of its streams, DESIGN 5 `log`. */
const char *service_log_status(const struct service *s);

/* Why it is in its state, and what troubles it: a sentence, or "". */
void service_reason(const struct service *s, char *buf, size_t size);

/* Exact name ("name" or "group:name"), NULL if there is none.  More of the
 * same name: ->same_name. */
struct service *service_find(struct supervisor *sup, const char *name);

/* The one that C, of another configuration perhaps, means; NULL. */
struct service *service_of(struct supervisor *sup,
    const struct conf_process *c);

#endif
