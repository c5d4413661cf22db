/* A growable byte buffer; see buf.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"

void
buf_clear(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof *b);
}

char *
buf_reserve(struct buf *b, size_t len)
{
	size_t want;

	if (b->cap - b->end >= len)
		return b->data + b->end;
	if (b->off > 0) {
		memmove(b->data, b->data + b->off, buf_len(b));
		b->end -= b->off;
		b->off = 0;
	}
	if (len > SIZE_MAX / 4 || b->end > SIZE_MAX / 4)
		fatalx("buffer overflow: %zu + %zu bytes", b->end, len);
	want = b->cap ? b->cap : 256;
	while (want - b->end < len)
		want *= 2;
	if (want != b->cap) {
		b->data = xreallocarray(b->data, want, 1);
		b->cap = want;
	}
	return b->data + b->end;
}

void
buf_add(struct buf *b, const void *p, size_t len)
{
	if (len == 0)
		return;
	memcpy(buf_reserve(b, len), p, len);
	b->end += len;
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->end++;
}

void
buf_addi(struct buf *b, long long n)
{
	char tmp[24], *p = tmp + sizeof tmp;
	unsigned long long v = n < 0 ? 0ULL - (unsigned long long)n :
	    (unsigned long long)n;

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	if (n < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(tmp + sizeof tmp - p));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatalx("cannot format text");
	buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->data + b->end, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->end += (size_t)n;
}

void
buf_adds_json(struct buf *b, const char *s)
{
	if (s == NULL)
		buf_adds(b, "null");
	else
		buf_add_json(b, s, strlen(s));
}

/* ASCII that stands for itself in a JSON string. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void
buf_add_json(struct buf *b, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t i = 0, n, run;

	if (s == NULL) {
		buf_adds(b, "null");
		return;
	}
	buf_addc(b, '"');
	while (i < len) {
		unsigned char c = (unsigned char)s[i];

		for (run = i; run < len && is_plain((unsigned char)s[run]);
		    run++)
			;
		if (run > i) {
			buf_add(b, s + i, run - i);
			i = run;
			continue;
		}
		if (c < 0x80) {
			i++;
			switch (c) {
			case '"':
			case '\\':
				buf_addc(b, '\\');
				buf_addc(b, (char)c);
				break;
			case '\n':
				buf_adds(b, "\\n");
				break;
			case '\t':
				buf_adds(b, "\\t");
				break;
			default:
				buf_adds(b, "\\u00");
				buf_addc(b, hex[c >> 4]);
				buf_addc(b, hex[c & 15]);
			}
			continue;
		}
		n = utf8_len(s + i, len - i);
		if (n == 0) {
			buf_adds(b, "\\ufffd");
			i++;
		} else {
			buf_add(b, s + i, n);
			i += n;
		}
	}
	buf_addc(b, '"');
}

void
buf_consume(struct buf *b, size_t len)
{
	assert(len <= buf_len(b));
	b->off += len;
	if (b->off == b->end)
		b->off = b->end = 0;
}

char *
buf_steal(struct buf *b)
{
	char *s = xstrndup(b->data == NULL ? "" : buf_head(b), buf_len(b));

	buf_clear(b);
	return s;
}
