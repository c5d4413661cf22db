/*
 * Lines that come in pieces and are formatted: put together again they are what
 * went in, and each object is JSON.
 */
#include <jansson.h>

#include "core/logline.h"
#include "fuzz.h"
#include "lib/buf.h"
#include "lib/str.h"

#define STAMP "2026-11-30T17:34:27.123+00:00"
#define ROOM 4096 /* of the pipe */

/* P with what is no UTF-8 replaced, a byte at a time. */
static void
add_text(struct buf *b, const char *p, size_t len, bool json)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = utf8_len(p, len);
		if (n == 0 && json)
			buf_adds(b, "\xef\xbf\xbd");
		else
			buf_add(b, p, n > 0 ? n : 1);
		n = n > 0 ? n : 1;
	}
}

/* Appends the message of the line at P; *RET_PARTIAL: it goes on. */
static void
add_message(struct buf *b, const char *p, size_t len, bool json,
    bool *ret_partial)
{
	size_t head = sizeof STAMP;
	json_t *o, *m;

	if (!json) {
		FUZZ_CHECK(len >= head && memcmp(p, STAMP " ", head) == 0);
		buf_add(b, p + head, len - head);
		return;
	}
	o = json_loadb(p, len, JSON_ALLOW_NUL, NULL);
	FUZZ_CHECK(o != NULL);
	m = json_object_get(o, "message");
	FUZZ_CHECK(json_is_string(m));
	buf_add(b, json_string_value(m), json_string_length(m));
	*ret_partial = json_is_true(json_object_get(o, "partial"));
	json_decref(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t how = fuzz_byte(&in);
	struct logline f = {.json = how & 1, .stamp = STAMP,
		.source = "\"program\":\"p\","};
	size_t step = fuzz_below(&in, 3 * ROOM) + 1, at = 0, have = 0, used;
	size_t max = fuzz_below(&in, 5000);
	struct buf lines = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	const char *p = (const char *)in.p, *text, *nl;

	while (at < in.left) {
		have = in.left - have > step ? have + step : in.left;
		if (have - at > ROOM)
			have = at + ROOM;
		used = logline_format(&f, p + at, have - at,
		    have == in.left ? LOGLINE_LAST : have - at == ROOM ?
		    LOGLINE_CUT : LOGLINE_WAIT, max + 1, &lines);
		FUZZ_CHECK(used <= have - at);
		FUZZ_CHECK(used > 0 || (have < in.left && have - at < ROOM &&
		    memchr(p + at, '\n', have - at) == NULL));
		at += used;
	}
	add_text(&want, p, in.left, f.json);
	if (in.left > 0 && p[in.left - 1] != '\n')
		buf_addc(&want, '\n');
	text = buf_head(&lines);
	for (at = 0; at < buf_len(&lines); at = (size_t)(nl - text) + 1) {
		bool partial = false;

		nl = memchr(text + at, '\n', buf_len(&lines) - at);
		FUZZ_CHECK(nl != NULL);
		add_message(&got, text + at, (size_t)(nl - text) - at, f.json,
		    &partial);
		if (!partial)
			buf_addc(&got, '\n');
	}
	/* Pieces of a cut line have newlines of their own without JSON. */
	if (f.json)
		FUZZ_CHECK(buf_len(&got) == buf_len(&want) &&
		    (buf_len(&got) == 0 || memcmp(buf_head(&got),
		    buf_head(&want), buf_len(&got)) == 0));
	else
		FUZZ_CHECK(buf_len(&got) >= buf_len(&want));
	buf_clear(&lines);
	buf_clear(&want);
	buf_clear(&got);
	return 0;
}
