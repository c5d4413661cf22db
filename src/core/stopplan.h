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

#include "core/conf.h"

struct buf;

/*
 * Reads TEXT, steps "SIGNAL/TIME" with blanks (or commas) between them, as
 * "TERM/10 INT/5s KILL"; without /TIME a step takes 10 s.  A KILL at the end
 * is what comes anyway.  Returns the number of steps, at least one; 0: the
 * text is wrong, and WHY says how.
 */
unsigned stopplan_parse(const char *text, struct conf_stop ret[CONF_STOP_MAX],
    struct buf *why);

/* Sets p->stop and p->nstop from its keys.  false: stop_schedule is none. */
bool stopplan_set(struct conf_process *p);

#endif
