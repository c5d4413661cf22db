/*
 * How a program is asked to end: steps, each a signal (or the stop_command)
 * and a time to wait, and SIGKILL after the last.
 *
 * Without stop_schedule there is one step, stopsignal and stopwaitsecs; a
 * stop_command comes before it.
 */
#ifndef CORE_STOPPLAN_H
#define CORE_STOPPLAN_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct conf_process;

#define STOPPLAN_MAX 8 /* steps of a stop before SIGKILL */

/* One step: a signal (0: stop_command), and how long to wait. */
struct stopplan_step {
	int32_t signo;
	int64_t wait_ms;
};

struct stopplan {
	struct stopplan_step v[STOPPLAN_MAX];
	unsigned n; /* at least 1 */
};

/*
 * Reads TEXT, steps "SIGNAL/TIME" with blanks (or commas) between them, as
 * "TERM/10 INT/5s KILL"; without /TIME a step takes 10 s.  A KILL at the end
 * is what comes anyway.  Returns the number of steps, at least one; 0: the
 * text is wrong, and WHY says how.
 */
unsigned stopplan_parse(const char *text,
    struct stopplan_step ret[STOPPLAN_MAX], struct buf *why);

/* The steps of P.  false: its stop_schedule is none; stopsignal stands in for
 * it. */
bool stopplan_of(const struct conf_process *p, struct stopplan *ret);

/* Milliseconds that all steps take. */
int64_t stopplan_time_ms(const struct conf_process *p);

#endif
