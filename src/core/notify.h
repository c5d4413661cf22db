/*
 * One datagram that a program sends to $NOTIFY_SOCKET, as sd_notify(3)
 * describes it: lines of KEY=VALUE.  What is not known is ignored.
 *
 * Pure: who may send what, and what follows, is decided by others.
 */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_MAX 4096 /* bytes of a datagram; a longer one is refused */
#define NOTIFY_STATUS_MAX 200 /* bytes kept of STATUS=; the rest is cut */

enum notify_bit {
	NOTIFY_READY = 1 << 0,
	NOTIFY_RELOADING = 1 << 1,
	NOTIFY_STOPPING = 1 << 2,
	NOTIFY_WATCHDOG = 1 << 3, /* WATCHDOG=1: it lives */
	NOTIFY_TRIGGER = 1 << 4, /* WATCHDOG=trigger: it asks to be judged
				  * dead */
	NOTIFY_WATCHDOG_USEC = 1 << 5,
	NOTIFY_STATUS = 1 << 6,
	NOTIFY_ERRNO = 1 << 7,
	NOTIFY_MAINPID = 1 << 8,
	NOTIFY_EXTEND_TIMEOUT = 1 << 9,
	NOTIFY_MONOTONIC_USEC = 1 << 10,
	NOTIFY_BARRIER = 1 << 11, /* the descriptor with it is to be closed */
};

struct notify {
	unsigned set; /* of enum notify_bit; the fields below of bits that
		       * are not set are 0 */
	int64_t watchdog_us, extend_us, monotonic_us; /* microseconds, >= 0 */
	int32_t err; /* an errno, 0..4095 */
	int32_t mainpid; /* > 0, as the sender sees it */
	/* Valid UTF-8 on one line, no control bytes: those, and bytes that
	 * are no UTF-8, stand as \xHH.  Cut between characters. */
	char status[NOTIFY_STATUS_MAX + 1];
};

/*
 * Reads LEN bytes at DATA (no NUL needed; the last line may lack its newline)
 * into *RET.  Of a key sent twice the last good value counts.  A datagram of
 * more than NOTIFY_MAX bytes, or with a NUL anywhere but as its last byte, is
 * refused as a whole: false, and nothing is set.
 */
bool notify_parse(const void *data, size_t len, struct notify *ret);

#endif
