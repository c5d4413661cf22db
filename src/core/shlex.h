/*
 * Words: a command line as Python's shlex.split() in POSIX mode reads it, and
 * the KEY=VALUE list of the key `environment`.
 *
 * No shell: no variables, globs, pipes or comments.
 */
#ifndef CORE_SHLEX_H
#define CORE_SHLEX_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Splits the NUL-terminated S into words.  They are appended to OUT, each
 * with a NUL behind it, and counted in *RET_N (0 is possible).  Returns false
 * if a quote or a backslash is left open; WHY has the reason appended.
 */
bool shlex_split(const char *s, struct buf *out, size_t *ret_n,
    struct buf *why);

/*
 * Splits S = KEY=VALUE,KEY=VALUE... as shlex_split() does, each word being
 * KEY=VALUE without quotes.
 *
 * Pairs are separated by commas or newlines, blanks may surround them and
 * the '='.  A VALUE holds any bytes but blanks, commas and quotes; these stand
 * in '...' or "...", where \" and \\ in the latter are a quote and a
 * backslash.  It may be empty.  Of a KEY written twice the last value counts,
 * at the place of the first.
 */
bool shlex_environment(const char *s, struct buf *out, size_t *ret_n,
    struct buf *why);

/* Appends WORD so that shlex_split() reads it as one word again. */
void shlex_quote(struct buf *out, const char *word);

/* Appends PAIR (KEY=VALUE) so that shlex_environment() reads it again. */
void shlex_quote_pair(struct buf *out, const char *pair);

#endif
