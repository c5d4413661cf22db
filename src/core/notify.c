/* A datagram of sd_notify(3); see notify.h. */
#include <string.h>

#include "core/notify.h"
#include "lib/buf.h"
#include "lib/str.h"

#define NUMBER_MAX 24 /* bytes of a number, with its NUL */

/* Rows with a WORD have no value of their own: the line must be KEY=WORD. */
static const struct row {
	const char *key, *word;
	unsigned bit;
} rows[] = {
	{"READY", "1", NOTIFY_READY},
	{"RELOADING", "1", NOTIFY_RELOADING},
	{"STOPPING", "1", NOTIFY_STOPPING},
	{"WATCHDOG", "1", NOTIFY_WATCHDOG},
	{"WATCHDOG", "trigger", NOTIFY_TRIGGER},
	{"BARRIER", "1", NOTIFY_BARRIER},
	{"STATUS", NULL, NOTIFY_STATUS},
	{"WATCHDOG_USEC", NULL, NOTIFY_WATCHDOG_USEC},
	{"EXTEND_TIMEOUT_USEC", NULL, NOTIFY_EXTEND_TIMEOUT},
	{"MONOTONIC_USEC", NULL, NOTIFY_MONOTONIC_USEC},
	{"ERRNO", NULL, NOTIFY_ERRNO},
	{"MAINPID", NULL, NOTIFY_MAINPID},
};

static bool
is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static bool
read_number(const char *s, size_t len, int64_t min, int64_t max, int64_t *ret)
{
	char text[NUMBER_MAX];

	if (len == 0 || len >= sizeof text)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	return str_to_int(text, min, max, ret);
}

/* Character by character, so that the cut is between two. */
static void
copy_status(char *out, const char *s, size_t len)
{
	struct buf b = BUF_INIT;
	size_t i, n, good = 0;

	for (i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n == 0)
			n = 1;
		str_visible(&b, s + i, n, false);
		if (buf_len(&b) > NOTIFY_STATUS_MAX)
			break;
		good = buf_len(&b);
	}
	if (good > 0)
		memcpy(out, buf_head(&b), good);
	out[good] = '\0';
	buf_clear(&b);
}

static bool
set_value(struct notify *n, unsigned bit, const char *s, size_t len)
{
	int64_t num;

	switch (bit) {
	case NOTIFY_STATUS:
		copy_status(n->status, s, len);
		return true;
	case NOTIFY_WATCHDOG_USEC:
		return read_number(s, len, 0, INT64_MAX, &n->watchdog_us);
	case NOTIFY_EXTEND_TIMEOUT:
		return read_number(s, len, 0, INT64_MAX, &n->extend_us);
	case NOTIFY_MONOTONIC_USEC:
		return read_number(s, len, 0, INT64_MAX, &n->monotonic_us);
	case NOTIFY_ERRNO:
		if (!read_number(s, len, 0, 4095, &num))
			return false;
		n->err = (int32_t)num;
		return true;
	case NOTIFY_MAINPID:
		if (!read_number(s, len, 1, INT32_MAX, &num))
			return false;
		n->mainpid = (int32_t)num;
		return true;
	}
	return true; /* a word, compared by the caller */
}

static void
parse_line(struct notify *n, const char *line, size_t len)
{
	const char *eq = memchr(line, '=', len);
	size_t key = eq == NULL ? 0 : (size_t)(eq - line), value, i;

	if (eq == NULL)
		return;
	value = len - key - 1;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];

		if (is_word(line, key, r->key) &&
		    (r->word == NULL || is_word(eq + 1, value, r->word)) &&
		    set_value(n, r->bit, eq + 1, value))
			n->set |= r->bit;
	}
}

bool
notify_parse(const void *data, size_t len, struct notify *ret)
{
	const char *p = data, *nl;
	size_t n;

	memset(ret, 0, sizeof *ret);
	if (len > NOTIFY_MAX)
		return false;
	if (len > 0 && p[len - 1] == '\0')
		len--;
	if (len > 0 && memchr(p, '\0', len) != NULL)
		return false;
	while (len > 0) {
		nl = memchr(p, '\n', len);
		n = nl == NULL ? len : (size_t)(nl - p);
		parse_line(ret, p, n);
		n += nl != NULL;
		p += n;
		len -= n;
	}
	return true;
}
