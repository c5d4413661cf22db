/*
 * When a schedule is due: the value of the key `schedule`.
 *
 *	[TZ=ZONE] MINUTE HOUR DAY-OF-MONTH MONTH DAY-OF-WEEK
 *	[TZ=ZONE] @hourly | @daily | @midnight | @weekly | @monthly | @yearly
 *	every DURATION
 *
 * A field is `*` or a list of numbers, names and ranges; `*` and ranges may
 * have a step.  A day must match both day fields if one of them begins with
 * `*`, otherwise either: as crontab(5) has it.
 *
 * Where clocks are changed: a schedule of every hour follows real time.  Any
 * other names times of the day: one that does not exist is due once, at the
 * first second after the gap; one that comes twice is due the first time.
 *
 * Pure: the time comes in as an argument.  The rules of a zone are the C
 * library's; TZ of the environment is changed while a function runs and put
 * back, so no other thread may ask for local time meanwhile.
 */
#ifndef CORE_CRON_H
#define CORE_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

#define CRON_ZONE 64 /* bytes of a zone's name, with its NUL */

struct cron {
	int64_t every_ms; /* 0: the fields below */
	/* Bit N: N matches.  dow: 0 is Sunday. */
	uint64_t minute;
	uint32_t hour, dom, month, dow;
	bool both_days; /* dom and dow must match, not either of them */
	char zone[CRON_ZONE]; /* "": that of the environment */
};

/* Reads TEXT into *RET.  false: WHY has the reason appended, which names the
 * field and what it may be; *RET is untouched.  A date that never comes is
 * refused, and so is a zone that this machine does not know. */
bool cron_parse(const char *text, struct cron *ret, struct buf *why);

/* The first time, in seconds of the wall clock since 1970, that is due later
 * than AFTER_S.  -1: none within the time that the C library can convert, or
 * C is an `every`, which is no matter of wall clocks. */
int64_t cron_next(const struct cron *c, int64_t after_s);

#endif
