/* Python's %-formatting; see expand.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/expand.h"
#include "lib/buf.h"

/* One format, taken apart. */
struct format {
	const char *name;
	size_t name_len;
	char flags[8]; /* of "-+ #0", each at most once */
	int width, precision; /* precision -1: none */
	char conv;
};

/* The name ends at the parenthesis that closes the first one. */
static const char *
parse_name(const char *s, struct format *f)
{
	size_t depth = 1;

	for (f->name = ++s; *s != '\0'; s++) {
		if (*s == '(')
			depth++;
		else if (*s == ')' && --depth == 0)
			break;
	}
	if (*s == '\0')
		return NULL;
	f->name_len = (size_t)(s - f->name);
	return s + 1;
}

static const char *
parse_number(const char *s, int *ret)
{
	int n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		if (n <= EXPAND_WIDTH_MAX)
			n = n * 10 + (*s - '0');
	*ret = n;
	return s;
}

static const char *
parse_flags(const char *s, struct format *f)
{
	size_t n = 0;

	for (; *s != '\0' && strchr("-+ #0", *s) != NULL; s++)
		if (strchr(f->flags, *s) == NULL)
			f->flags[n++] = *s;
	return s;
}

/* S is behind the '%'.  Returns what follows the format, or NULL. */
static const char *
parse_format(const char *s, struct format *f, struct buf *why)
{
	memset(f, 0, sizeof *f);
	f->precision = -1;
	if (*s != '(') {
		buf_adds(why, "a single % must be written %%");
		return NULL;
	}
	if ((s = parse_name(s, f)) == NULL) {
		buf_adds(why, "\"%(\" without \")\"");
		return NULL;
	}
	s = parse_number(parse_flags(s, f), &f->width);
	if (*s == '.')
		s = parse_number(s + 1, &f->precision);
	if (f->width > EXPAND_WIDTH_MAX || f->precision > EXPAND_WIDTH_MAX) {
		buf_addf(why, "a width in a format is over %d",
		    EXPAND_WIDTH_MAX);
		return NULL;
	}
	if (*s == 'h' || *s == 'l' || *s == 'L')
		s++;
	f->conv = *s;
	if (*s == '\0') {
		buf_addf(why, "%%(%.*s) lacks its type: write %%(%.*s)s",
		    (int)(f->name_len > 100 ? 100 : f->name_len), f->name,
		    (int)(f->name_len > 100 ? 100 : f->name_len), f->name);
		return NULL;
	}
	return s + 1;
}

static void
pad(struct buf *out, int n)
{
	for (; n > 0; n--)
		buf_addc(out, ' ');
}

/* Width and precision count characters, not bytes. */
static size_t
utf8_prefix(const char *s, int max_chars, int *ret_chars)
{
	size_t i = 0;
	int chars = 0;

	while (s[i] != '\0' && (max_chars < 0 || chars < max_chars)) {
		i++;
		while (((unsigned char)s[i] & 0xc0) == 0x80)
			i++;
		chars++;
	}
	*ret_chars = chars;
	return i;
}

static void
format_text(const struct format *f, const char *text, struct buf *out)
{
	bool left = strchr(f->flags, '-') != NULL;
	size_t len;
	int chars;

	if (f->width == 0 && f->precision < 0) {
		buf_adds(out, text);
		return;
	}
	len = utf8_prefix(text, f->precision, &chars);
	if (!left)
		pad(out, f->width - chars);
	buf_add(out, text, len);
	if (left)
		pad(out, f->width - chars);
}

/* Rebuilds the format for the C library, LEN being its length modifier. */
static void
c_format(const struct format *f, const char *len, char conv, char *ret,
    size_t size)
{
	if (f->precision < 0)
		snprintf(ret, size, "%%%s%.0d%s%c", f->flags, f->width, len,
		    conv);
	else
		snprintf(ret, size, "%%%s%.0d.%d%s%c", f->flags, f->width,
		    f->precision, len, conv);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
format_int(const struct format *f, int64_t num, struct buf *out)
{
	char fmt[64], text[EXPAND_WIDTH_MAX + 64];

	c_format(f, PRId64, '\0', fmt, sizeof fmt);
	snprintf(text, sizeof text, fmt, num);
	buf_adds(out, text);
}

/* Python writes a negative number as -ff, C as a large positive one. */
static void
format_unsigned(const struct format *f, int64_t num, struct buf *out)
{
	char fmt[64], text[EXPAND_WIDTH_MAX + 64];
	char len[8] = {PRIx64[0], '\0'};

	if (strlen(PRIx64) == 3) /* "llx" */
		memcpy(len, "ll", 3);
	c_format(f, len, f->conv, fmt, sizeof fmt);
	snprintf(text, sizeof text, fmt, num);
	buf_adds(out, text);
}

static void
format_float(const struct format *f, int64_t num, struct buf *out)
{
	char fmt[64], text[EXPAND_WIDTH_MAX * 2 + 400];

	c_format(f, "", f->conv, fmt, sizeof fmt);
	snprintf(text, sizeof text, fmt, (double)num);
	buf_adds(out, text);
}
#pragma GCC diagnostic pop

static bool
format_number(const struct format *f, int64_t num, struct buf *out)
{
	char text[32];

	if (f->conv == 's') {
		snprintf(text, sizeof text, "%" PRId64, num);
		format_text(f, text, out);
	} else if (strchr("diu", f->conv) != NULL) {
		format_int(f, num, out);
	} else if (strchr("xXo", f->conv) != NULL && num >= 0) {
		format_unsigned(f, num, out);
	} else if (strchr("eEfFgG", f->conv) != NULL) {
		format_float(f, num, out);
	} else {
		return false;
	}
	return true;
}

static bool
format_value(const struct format *f, const struct expand_value *v,
    struct buf *out, struct buf *why)
{
	int name_len = (int)(f->name_len > 100 ? 100 : f->name_len);

	if (v->text == NULL) {
		if (format_number(f, v->num, out))
			return true;
	} else if (f->conv == 's') {
		format_text(f, v->text, out);
		return true;
	} else if (strchr("diuxXoeEfFgG", f->conv) != NULL) {
		buf_addf(why, "%%(%.*s)%c: the value is no number", name_len,
		    f->name, f->conv);
		return false;
	}
	buf_addf(why, "%%(%.*s)%c: unknown format type", name_len, f->name,
	    f->conv);
	return false;
}

/* One format behind its '%'. */
static const char *
expand_one(const char *s, expand_lookup_fn *fn, void *arg, struct buf *out,
    struct buf *why)
{
	struct expand_value v = {0};
	struct format f;

	if (*s == '%') {
		buf_addc(out, '%');
		return s + 1;
	}
	if ((s = parse_format(s, &f, why)) == NULL)
		return NULL;
	if (!fn(arg, f.name, f.name_len, &v)) {
		buf_addf(why, "%%(%.*s)%c names nothing that is known here",
		    (int)(f.name_len > 100 ? 100 : f.name_len), f.name,
		    f.conv);
		return NULL;
	}
	return format_value(&f, &v, out, why) ? s : NULL;
}

bool
expand(const char *s, expand_lookup_fn *fn, void *arg, size_t max,
    struct buf *out, struct buf *why)
{
	size_t before = buf_len(out), run;

	while (*s != '\0') {
		run = strcspn(s, "%");
		buf_add(out, s, run);
		s += run;
		if (*s == '%')
			s = expand_one(s + 1, fn, arg, out, why);
		if (s != NULL && buf_len(out) - before > max) {
			buf_addf(why, "longer than %zu bytes once expanded",
			    max);
			s = NULL;
		}
		if (s == NULL) {
			out->end = out->off + before;
			return false;
		}
	}
	return true;
}
