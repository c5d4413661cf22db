/*
 * The supervisor: one struct that main.c owns and everything is reached
 * from.  Read service.h next: what a program is here.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/board.h"
#include "lib/link.h"
#include "lib/state.h"
#include "supervisor/helper.h"

struct config;
struct service;
struct server;
struct logs;
struct reload;
struct request;
struct stopped;
struct tree;
struct events;

TAILQ_HEAD(service_list, service);

struct supervisor {
	struct ev_loop *loop; /* of our own: the default loop takes SIGCHLD */
	struct config *conf;
	struct board *board;
	int link; /* to the keeper */
	int fd[LINK_ROLES]; /* the same as the keeper's */
	int notify; /* to the waiting `start`; -1: it has its answer */
	struct state state; /* for the next daemon, should both be killed */
	int devnull;

	struct service_list services; /* in the order of conf->procs */
	size_t nservices;
	struct service *by_name; /* uthash; more of a name by ->same_name */
	struct service *by_slot[BOARD_SLOTS];
	int kept[BOARD_SLOTS][KEPT_PER_SLOT]; /* from the keeper; fd + 1 */
	struct service_list spawn_queue; /* STARTING, not spawned yet */
	struct service_list stirred; /* order_turn() is to look at them */
	struct service_list unwritten; /* the state file lacks their news */

	char *cgroup, *cgroup_path; /* directory of the groups of programs, and
				     * its path in the hierarchy; NULL: none */
	bool cgroup_refused; /* no more programs get one; those that have one
			      * keep it */
	struct tree *tree; /* who descends from whom */
	struct server *server;
	struct events *events; /* NULL: nothing has happened */
	struct logs *logs;
	struct reload *reload; /* under way, or NULL */
	bool reload_again; /* when it is over */
	struct stopped *stopped;

	struct request *upgrade; /* waits for the keeper's word, or NULL */
	struct helper_list helpers; /* commands that run by the way */
	unsigned nstuck; /* of them: survive SIGKILL */

	bool keeper_gone; /* it was killed, and we cannot take its place */
	bool safe; /* safe mode: no logs are read, no program is started */
	bool changed; /* a service did: turn() looks what follows */
	bool unswept; /* some service leaves: reload_sweep() has to look */
	bool stopping; /* orderly stop of the daemon */
	bool stop_look; /* ... and it is time for its next step */
	uint32_t ngoing_down; /* services that this step waits for */
	bool forced; /* shutdown_timeout is over: SIGKILL was sent */
	uint32_t looks; /* calls of order_is_hopeless() */
	bool finding; /* the table of processes shows what a daemon before us
		       * has left */
	bool has_order; /* some service depends on another */
	int exit_code; /* of the daemon, when all is down */
	int64_t storm_ns; /* budget of restarts, see is_affordable() */
	ev_io clock_io; /* a schedule is due, or somebody set the clock */
	int64_t wall_offset_s; /* of the wall clock from the time since boot */
	ev_timer storm_timer; /* ... to look again when there is none left */
	ev_timer stop_timer; /* shutdown_timeout */
	ev_timer signal_timer; /* stop signals that could not be sent */
	ev_timer safe_timer; /* end of safe mode */
	ev_timer promote_timer; /* trying again */
	ev_io link_io;
	ev_prepare turn; /* before each wait of the loop: spawns, waiters */
	ev_idle busy; /* keeps the loop from waiting */
};

/* Runs the supervisor; its descriptors come over HANDOVER_FD. */
int supervisor_main(void);

/* Begins the orderly stop of the whole daemon: groups in descending priority,
 * those of the same priority at once.  When all is down the supervisor ends. */
void supervisor_stop(struct supervisor *sup);

/* Ends a supervisor whose keeper is gone; programs are left as they are. */
void supervisor_abandon(struct supervisor *sup) __attribute__((noreturn));

/* Leaves safe mode: this process ends, and the keeper starts another. */
void supervisor_leave_safe_mode(struct supervisor *sup)
    __attribute__((noreturn));

/* Settings of [mpsupd] that apply at once: log level, access. */
void supervisor_apply_main(struct supervisor *sup);

/* Brings the list of services into the order of sup->conf. */
void supervisor_sort(struct supervisor *sup);

/* For callbacks of watchers (EV_READ) that must not fail: the kernel had no memory, or
 * no watch left for this user, and libev has stopped W.  It is tried again in
 * the next turn; until then what W is for is only looked at once a turn. */
static inline void
watch_again(struct ev_loop *loop, ev_io *w, int revents)
{
	if ((revents & EV_ERROR) == 0)
		return;
	/* Set anew, or libev believes that the kernel has it already. */
	ev_io_set(w, w->fd, EV_READ);
	ev_io_start(loop, w);
}

/* Monotonic nanoseconds; wall clock seconds, for people. */
int64_t now_ns(void);
int64_t wall_s(void);

#endif
