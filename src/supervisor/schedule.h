/*
 * Schedules: when the runs of a service are due (core/cron.h).
 *
 * A time of the day follows the wall clock, whatever is done to that: a run
 * that fell due while the machine was suspended, or while the clock was put
 * forward by up to three hours, is made up for once; after a larger step the
 * clock was wrong, and the next time counts.  `every` follows real time.
 * The next time of the former is in the record of the service.
 */
#ifndef SUPERVISOR_SCHEDULE_H
#define SUPERVISOR_SCHEDULE_H

#include <stdint.h>

struct service;
struct supervisor;

void schedule_init(struct supervisor *sup);

/* Follows the configuration of S. */
void schedule_configure(struct service *s);

/* S has changed: its schedule runs while it is wanted up. */
void schedule_follow(struct service *s);
void schedule_stop(struct service *s);

/* The timer goes off at the first time in all records: after a takeover. */
void schedule_arm(struct supervisor *sup);

/* Nanoseconds to the next run, 0 if there is none. */
int64_t schedule_left_ns(const struct service *s);

/* The same as seconds of the wall clock. */
int64_t schedule_next_s(const struct service *s);

#endif
