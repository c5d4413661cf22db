/*
 * A growable byte buffer: append at the end, consume at the front.
 *
 * It sets no bound of its own; whoever fills it from outside checks buf_len()
 * against the limit first.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* allocated storage, or NULL */
	size_t off; /* first byte not yet consumed */
	size_t end; /* one past the last byte */
	size_t cap; /* size of data */
};

#define BUF_INIT {0}

/* The bytes waiting in B: buf_head() points at buf_len() of them. */
static inline size_t
buf_len(const struct buf *b)
{
	return b->end - b->off;
}

static inline char *
buf_head(const struct buf *b)
{
	return b->off > 0 ? b->data + b->off : b->data; /* may be NULL */
}

/* Frees the storage; B is empty and usable again. */
void buf_clear(struct buf *b);

/* Makes room for LEN more bytes and returns where they go; the caller adds
 * what it wrote to b->end. */
char *buf_reserve(struct buf *b, size_t len);

/* Appends LEN bytes, a string, one byte, formatted text. */
void buf_add(struct buf *b, const void *p, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addi(struct buf *b, long long n); /* decimal */
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends S (LEN bytes) as a JSON string, quoted.  Invalid UTF-8 becomes
 * U+FFFD, control bytes \u00XX: the result is always valid JSON.  A NULL S is
 * the word null. */
void buf_add_json(struct buf *b, const char *s, size_t len);
void buf_adds_json(struct buf *b, const char *s);

/* Drops LEN bytes at the front; LEN <= buf_len(). */
void buf_consume(struct buf *b, size_t len);

/* The content as a NUL-terminated string the caller frees; B is cleared. */
char *buf_steal(struct buf *b);

#endif
