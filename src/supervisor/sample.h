/* What /proc says of a process, for `status`. */
#ifndef SUPERVISOR_SAMPLE_H
#define SUPERVISOR_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

struct sample {
	int32_t pid; /* whose; 0: none was taken */
	int64_t at_ns; /* when */
	bool alive; /* false: gone, or a zombie */
	bool stopped; /* by a signal; which one, /proc does not say */
	double cpu_s; /* user + system, of all its threads */
	int64_t rss_bytes;
	int64_t threads;
	int64_t tasks; /* it and its living descendants */
	int nice;
	int policy; /* sched_setscheduler(2) */
	int priority;
	char affinity[64]; /* "0-3,8"; "" unknown */
};

/* Fills S for PID unless it is younger than MAX_AGE_NS. */
void sample_take(struct sample *s, int32_t pid, int64_t now,
    int64_t max_age_ns);

/* "other", "fifo", ... */
const char *sample_policy_name(int policy);

#endif
