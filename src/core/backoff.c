/* Restart delays; see backoff.h. */
#include "core/backoff.h"

#define MS 1000000LL

int64_t
backoff_linear_ns(uint32_t n)
{
	return (int64_t)n * 1000 * MS;
}

int64_t
backoff_exponential_ns(int64_t base_ms, int64_t max_ms, uint32_t level,
    int jitter, uint32_t random)
{
	int64_t delay = base_ms < max_ms ? base_ms : max_ms, spread;

	while (level-- > 0 && delay > 0 && delay < max_ms)
		delay = delay > max_ms / 2 ? max_ms : delay * 2;
	delay *= MS;
	spread = delay / 100 * jitter;
	if (spread > 0)
		delay += (int64_t)random % (2 * spread + 1) - spread;
	return delay < 0 ? 0 : delay;
}
