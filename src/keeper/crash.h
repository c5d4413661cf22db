/*
 * When the next supervisor begins, after a death of the one before.  Time comes
 * in as an argument: nanoseconds of the monotonic clock.
 */
#ifndef KEEPER_CRASH_H
#define KEEPER_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#define CRASH_SAFE 5 /* in a minute: the next one is in safe mode */

/* All zero: none died yet. */
struct crashes {
	int64_t at[CRASH_SAFE]; /* crashes, newest first; 0: none */
	int count; /* without a minute of rest, as far as the delay grows */
	int64_t window; /* second in which `kills` counts */
	int kills;
};

/*
 * One died of SIGKILL: nobody's fault.  Nanoseconds until the next one begins:
 * 0, or a little when that came 200 times in this second.
 */
int64_t crash_killed(struct crashes *c, int64_t now_ns);

/*
 * One died of anything else.  Nanoseconds until the next one begins: 50 ms,
 * doubled with each crash up to 5 s; a minute without one forgets them.
 * *RET_SAFE: there were five within a minute; false is not stored.
 */
int64_t crash_noted(struct crashes *c, int64_t now_ns, bool *ret_safe);

#endif
