/* Lines of logs; see logline.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/logline.h"
#include "lib/buf.h"
#include "lib/str.h"

enum { ESC_NONE, ESC_SEEN, ESC_CSI };

void
logline_stamp(char *buf, const struct tm *tm, unsigned ms)
{
	bool west = tm->tm_gmtoff < 0;
	unsigned minutes = (unsigned)labs(tm->tm_gmtoff) / 60 % (24 * 60);

	snprintf(buf, LOGLINE_STAMP, "%04d-%02d-%02dT%02d:%02d:%02d.%03u"
	    "%c%02u:%02u", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,
	    tm->tm_hour, tm->tm_min, tm->tm_sec, ms % 1000,
	    west ? '-' : '+', minutes / 60, minutes % 60);
}

void
logline_source(struct buf *out, const char *name, const char *stream)
{
	buf_adds(out, "\"program\":");
	buf_adds_json(out, name);
	buf_adds(out, ",\"stream\":");
	buf_adds_json(out, stream);
	buf_addc(out, ',');
}

size_t
logline_strip(uint8_t *state, const char *in, size_t len, char *out,
    size_t max, size_t *ret_used)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (*state == ESC_SEEN) {
			*state = c == '[' ? ESC_CSI : ESC_NONE;
		} else if (*state == ESC_CSI) {
			if (c >= 0x40 && c <= 0x7e)
				*state = ESC_NONE;
		} else if (c == 0x1b) {
			*state = ESC_SEEN;
		} else {
			if (n == max)
				break;
			out[n++] = (char)c;
		}
	}
	*ret_used = i;
	return n;
}

/* One line; P may be NULL if LEN is 0. */
static void
add_line(const struct logline *f, const char *p, size_t len, bool partial,
    struct buf *out)
{
	if (f->json) {
		buf_adds(out, "{\"time\":\"");
		buf_adds(out, f->stamp);
		buf_adds(out, "\",");
		buf_adds(out, f->source);
		buf_adds(out, "\"message\":");
		buf_add_json(out, p != NULL ? p : "", len);
		buf_adds(out, partial ? ",\"partial\":true}\n" : "}\n");
	} else {
		buf_adds(out, f->stamp);
		buf_addc(out, ' ');
		buf_add(out, p, len);
		buf_addc(out, '\n');
	}
}

/* The same for a line with escape sequences. */
static void
add_stripped(struct logline *f, const char *p, size_t len, bool partial,
    struct buf *out)
{
	struct buf text = BUF_INIT;
	size_t used;

	text.end = logline_strip(&f->escape, p, len,
	    buf_reserve(&text, len + 1), len, &used);
	add_line(f, text.data, text.end, partial, out);
	buf_clear(&text);
}

static void
add(struct logline *f, const char *p, size_t len, bool partial,
    struct buf *out)
{
	if (f->strip && (f->escape != ESC_NONE ||
	    memchr(p, 0x1b, len) != NULL))
		add_stripped(f, p, len, partial, out);
	else
		add_line(f, p, len, partial, out);
	/* A sequence does not reach over the end of its line. */
	if (!partial)
		f->escape = ESC_NONE;
}

/* LEN without the beginning of a UTF-8 sequence at its end, whose rest may
 * come; never 0. */
static size_t
whole_characters(const char *p, size_t len)
{
	size_t i, want;

	for (i = 1; i <= 3 && i < len; i++) {
		unsigned char c = (unsigned char)p[len - i];

		if ((c & 0xc0) == 0x80)
			continue;
		want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
		return want > i ? len - i : len;
	}
	return len;
}

size_t
logline_format(struct logline *f, const char *p, size_t len,
    enum logline_rest rest, size_t max, struct buf *out)
{
	size_t at = 0, start = buf_len(out);
	const char *nl;

	while (at < len && buf_len(out) - start < max &&
	    (nl = memchr(p + at, '\n', len - at)) != NULL) {
		add(f, p + at, (size_t)(nl - p) - at, false, out);
		at = (size_t)(nl - p) + 1;
	}
	if (at > 0 || len == 0 || rest == LOGLINE_WAIT)
		return at;
	if (rest == LOGLINE_CUT)
		len = whole_characters(p, len);
	add(f, p, len, rest == LOGLINE_CUT, out);
	return len;
}

size_t
logline_used(const char *p, size_t len, size_t n)
{
	const char *nl;
	size_t at = 0;

	for (; n > 0 && at < len; n--) {
		nl = memchr(p + at, '\n', len - at);
		at = nl != NULL ? (size_t)(nl - p) + 1 : len;
	}
	return at;
}

size_t
logline_count(const char *p, size_t len)
{
	const char *end = p + len, *nl;
	size_t n = 0;

	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1)
		n++;
	return n;
}
