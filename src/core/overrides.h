/*
 * statedir/overrides: what `scale`, `enable` and `disable` have set, in the
 * form of a configuration file.
 *
 *	[program:web]
 *	numprocs = 3
 *	autostart = false
 *
 * No other section and no other key: what does not fit is damage, and then
 * the whole file counts for nothing.  The same form says what is to change;
 * there an empty value takes a key out.
 *
 * Next: confstate.h, which gives the values to the sections of the files.
 */
#ifndef CORE_OVERRIDES_H
#define CORE_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define OVERRIDE_NONE (-1) /* the key is not there */
#define OVERRIDE_RESET (-2) /* its value is empty: it goes, in a change */

struct override {
	char *program; /* x of [program:x] */
	int64_t numprocs; /* 0 ... CONF_PROCESS_MAX, or of the two above */
	int64_t autostart; /* 0, 1, or of the two above */
	unsigned line; /* of the section, from 1 */
};

/* In the order of the file; one of a program. */
struct overrides {
	struct override *v;
	size_t n;
};

/*
 * Reads the LEN bytes at DATA into RET, which overrides_clear() frees.
 * False: they are no such file, RET is empty and WHY has the reason (not
 * NUL-terminated).
 */
bool overrides_parse(const char *data, size_t len, struct overrides *ret,
    struct buf *why);

/* Puts CHANGE into O.  A program without any key left goes. */
void overrides_merge(struct overrides *o, const struct overrides *change);

/* Appends O as the text of such a file, not NUL-terminated. */
void overrides_text(const struct overrides *o, struct buf *out);

/* Appends one section of a change; each value as in struct override. */
void overrides_add_text(const char *program, int64_t numprocs,
    int64_t autostart, struct buf *out);

/* That of PROGRAM, or NULL. */
struct override *overrides_find(const struct overrides *o,
    const char *program);

void overrides_clear(struct overrides *o);

#endif
