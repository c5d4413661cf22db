/*
 * Lines of programs on their way into a log: finding them in what a pipe
 * holds, and putting the time, or a JSON object, around them.
 *
 * Nothing is kept here between two calls: what is not a whole line yet stays
 * where it came from.
 */
#ifndef CORE_LOGLINE_H
#define CORE_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;

#define LOGLINE_STAMP 80 /* bytes of a time stamp, NUL included */

/* Writes TM, whose tm_gmtoff counts, and MS (0 to 999) to BUF of LOGLINE_STAMP
 * bytes: "2026-11-30T17:34:27.123+01:00" (ISO 8601, as in RFC 3339). */
void logline_stamp(char *buf, const struct tm *tm, unsigned ms);

/* How the lines of one stream are written. */
struct logline {
	bool json; /* else the time, a blank and the line as it is */
	bool strip; /* escape sequences are removed */
	uint8_t escape; /* of the stripper, at the first byte; advanced */
	const char *stamp; /* NUL-terminated */
	const char *source; /* members of the object, with a comma behind each:
			     * from logline_source() */
};

/* What becomes of bytes that no newline ends. */
enum logline_rest {
	LOGLINE_WAIT, /* they are left alone */
	LOGLINE_CUT, /* the line is too long: they go, marked as partial */
	LOGLINE_LAST, /* none will come: they are a line */
};

/* Appends `"program":NAME,"stream":STREAM,` to OUT. */
void logline_source(struct buf *out, const char *name, const char *stream);

/*
 * Appends the lines of the LEN bytes at P to OUT, each as one line with a
 * newline at its end, until OUT has grown by MAX bytes or more.
 *
 * JSON: {"time":STAMP,SOURCE,"message":LINE}, and "partial":true in an object
 * whose line goes on in the next one.  It is valid whatever the bytes are:
 * control bytes become \u00XX, what is no UTF-8 becomes U+FFFD, a byte each.
 *
 * REST counts only when there is no whole line.  A line that is cut is not cut
 * inside of a UTF-8 sequence.  Returns the bytes of P that are dealt with; 0:
 * there is no whole line, and it waits.
 */
size_t logline_format(struct logline *f, const char *p, size_t len,
    enum logline_rest rest, size_t max, struct buf *out);

/* How many of the LEN bytes that logline_format() dealt with stand for the
 * first N lines it wrote. */
size_t logline_used(const char *p, size_t len, size_t n);

/* Newlines in LEN bytes. */
size_t logline_count(const char *p, size_t len);

/* Removes escape sequences (ECMA-48 CSI and two-byte ones) until LEN bytes are
 * read or MAX written; *STATE is 0 at first and carried on.  Returns the bytes
 * written; *RET_USED: bytes read. */
size_t logline_strip(uint8_t *state, const char *in, size_t len, char *out,
    size_t max, size_t *ret_used);

#endif
