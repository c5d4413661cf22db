/* Strings: bounded copies, strict numbers, control bytes made visible. */
#ifndef LIB_STR_H
#define LIB_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Copies the NUL-terminated SRC to DST of SIZE > 0 bytes, cut if need be,
 * always NUL-terminated.  Returns strlen(SRC): >= SIZE means it was cut. */
size_t str_copy(char *dst, const char *src, size_t size);

/* The same text, or both NULL. */
bool str_equal(const char *a, const char *b);

/* Parses the whole of S as a decimal integer in [MIN, MAX]; no blanks, one
 * optional '-'.  Returns false, leaving *RET, if it is not that. */
bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret);

/* Length of the valid UTF-8 sequence (RFC 3629) at S, at most LEN bytes; 0 if
 * there is none.  ASCII gives 1. */
size_t utf8_len(const char *s, size_t len);

/* Appends S (LEN bytes) with C0, DEL, C1 and invalid UTF-8 as \xHH, so that
 * it is safe on a terminal and on one line.  With KEEP_NL, newline and tab
 * stay as they are. */
void str_visible(struct buf *b, const char *s, size_t len, bool keep_nl);

/* True if NAME matches the shell pattern PAT (*, ?, [...]), whole string. */
bool str_match(const char *pat, const char *name);

/* True if S contains a pattern character of str_match(). */
bool str_is_pattern(const char *s);

#endif
