/* When the next supervisor begins; see crash.h. */
#include <string.h>

#include "keeper/crash.h"

#define MS 1000000LL
#define SEC (1000 * MS)
#define DELAY (50 * MS)
#define DELAY_MAX (5 * SEC)
#define MEMORY (60 * SEC) /* so long without one forgets them */
#define KILLS_PER_SECOND 200

int64_t
crash_killed(struct crashes *c, int64_t now)
{
	if (now - c->window >= SEC) {
		c->window = now;
		c->kills = 0;
	}
	return ++c->kills <= KILLS_PER_SECOND ? 0 : SEC / KILLS_PER_SECOND;
}

int64_t
crash_noted(struct crashes *c, int64_t now, bool *ret_safe)
{
	int64_t delay = DELAY;
	int i;

	if (c->at[0] == 0 || now - c->at[0] >= MEMORY)
		c->count = 0;
	for (i = 0; i < c->count && delay < DELAY_MAX; i++)
		delay *= 2;
	if (delay < DELAY_MAX)
		c->count++;
	memmove(&c->at[1], &c->at[0], (CRASH_SAFE - 1) * sizeof c->at[0]);
	c->at[0] = now;
	if (c->at[CRASH_SAFE - 1] != 0 && now - c->at[CRASH_SAFE - 1] < MEMORY)
		*ret_safe = true;
	return delay < DELAY_MAX ? delay : DELAY_MAX;
}
