/*
 * Python's %-formatting with a mapping, as far as configuration values use
 * it: %%, %(name)s, %(process_num)02d.
 *
 * Source: Python library reference, "printf-style String Formatting".
 */
#ifndef CORE_EXPAND_H
#define CORE_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define EXPAND_WIDTH_MAX 1000 /* a larger width or precision is an error */

/* What a name stands for: a text, or a number when TEXT is NULL. */
struct expand_value {
	const char *text;
	int64_t num;
};

/* Finds NAME (LEN bytes, not NUL-terminated).  false: no such name. */
typedef bool expand_lookup_fn(
    void *arg, const char *name, size_t len, struct expand_value *ret);

/*
 * Appends the NUL-terminated S to OUT with every format replaced, FN(arg,
 * ...) giving the values.  At most MAX bytes are appended.
 *
 * Returns false if S is malformed, names what FN does not know, or grows
 * beyond MAX; then WHY has the reason appended, and OUT is as it was.
 */
bool expand(const char *s, expand_lookup_fn *fn, void *arg, size_t max,
    struct buf *out, struct buf *why);

#endif
