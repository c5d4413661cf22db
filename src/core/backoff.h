/* How long to wait before the next start. */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdint.h>

/* supervisord's: N seconds after the Nth failure in a row (N >= 1). */
int64_t backoff_linear_ns(uint32_t n);

/*
 * Exponential: BASE_MS x 2^LEVEL, at most MAX_MS, then spread evenly over
 * +-JITTER percent by RANDOM (any value).  BASE_MS 0 gives 0.  Nanoseconds.
 */
int64_t backoff_exponential_ns(int64_t base_ms, int64_t max_ms,
    uint32_t level, int jitter, uint32_t random);

#endif
