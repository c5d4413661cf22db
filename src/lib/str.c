/* Strings; see str.h. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/str.h"

size_t
str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src), n = len < size ? len : size - 1;

	memcpy(dst, src, n);
	dst[n] = '\0';
	return len;
}

bool
str_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = *s == '-' ? s + 1 : s;
	int64_t v;
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	v = strtoimax(s, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

size_t
utf8_len(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	/* The second byte excludes overlong forms, surrogates, > U+10FFFF. */
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

void
str_visible(struct buf *b, const char *s, size_t len, bool keep_nl)
{
	size_t i = 0, n, run;

	while (i < len) {
		unsigned char c = (unsigned char)s[i];

		for (run = i; run < len && s[run] >= 0x20 && s[run] < 0x7f;
		    run++)
			; /* most text is plain ASCII */
		if (run > i) {
			buf_add(b, s + i, run - i);
			i = run;
			continue;
		}
		n = utf8_len(s + i, len - i);
		if (keep_nl && (c == '\n' || c == '\t')) {
			buf_addc(b, (char)c);
			i++;
		} else if (n == 0 || c < 0x20 || c == 0x7f ||
		    (n == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0)) {
			for (n = n ? n : 1; n > 0; n--, i++)
				buf_addf(b, "\\x%02X", (unsigned char)s[i]);
		} else {
			buf_add(b, s + i, n);
			i += n;
		}
	}
}

bool
str_match(const char *pat, const char *name)
{
	return fnmatch(pat, name, 0) == 0;
}

bool
str_is_pattern(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}
