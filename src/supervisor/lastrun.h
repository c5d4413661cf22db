/*
 * How the last run of a program ended, for `why`: more than its record on the
 * board says, which forgets the end when the next run begins.  It is in memory
 * only: the next supervisor knows status and time from the board, but neither
 * how long an earlier run lived nor whether memory ran out.
 */
#ifndef SUPERVISOR_LASTRUN_H
#define SUPERVISOR_LASTRUN_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the kernel killed it for lack of memory. */
enum lastrun_oom { OOM_UNKNOWN, OOM_NO, OOM_YES };

struct lastrun {
	bool is_known; /* the rest is of a run that has ended */
	bool no_status; /* nobody knows `status` */
	int32_t status; /* wait status */
	int64_t at_ns; /* when it ended, monotonic */
	int64_t ran_ns; /* how long it lived; -1: not known */
	enum lastrun_oom oom;
	int64_t kills_before; /* oom_kill of /proc/vmstat when the present run
			       * began; -1: not known */
};

/* A run begins at NOW. */
void lastrun_begin(struct lastrun *l, int64_t now);

/* It has ended, ON REQUEST or by itself; is_known, no_status and oom are
 * filled in, the rest is the caller's. */
void lastrun_end(struct lastrun *l, bool on_request);

#endif
