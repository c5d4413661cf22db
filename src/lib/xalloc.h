/*
 * Allocation that cannot fail, for small things of bounded size.
 *
 * Failure ends the process with a message; the keeper then restarts the
 * supervisor with every child and descriptor intact.  Sizes that outsiders
 * choose are bounded by the caller first.  The keeper uses none of this.
 */
#ifndef LIB_XALLOC_H
#define LIB_XALLOC_H

#include <stddef.h>

/* SIZE bytes, uninitialised; SIZE 0 gives a valid pointer.  Caller frees. */
void *xmalloc(size_t size);

/* N objects of SIZE bytes, zeroed; the product is checked.  Caller frees. */
void *xcalloc(size_t n, size_t size);

/* As realloc(3) for N objects of SIZE bytes; the product is checked. */
void *xreallocarray(void *p, size_t n, size_t size);

/* A copy of the NUL-terminated S; NULL gives NULL.  Caller frees. */
char *xstrdup(const char *s);

/* A copy of the first LEN bytes of S, NUL-terminated.  Caller frees. */
char *xstrndup(const char *s, size_t len);

/* A formatted string.  Caller frees. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Of <uthash.h>: its tables are no exception. */
#undef uthash_malloc
#define uthash_malloc(size) xmalloc(size)

#endif
