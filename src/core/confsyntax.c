/* The lines of a configuration file; see confsyntax.h. */
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/confsyntax.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

/* A piece of the input or of a line. */
struct span {
	const char *p;
	size_t len;
};

/*
 * One run.  The reader takes a header or a whole value at a time and hands it
 * to libinih in lines it cannot misread: "[s]", "key=first line", " next
 * line".  `section`, `key_line` and `blanks` say what such a line leaves out.
 */
struct syntax {
	const struct confsyntax_handler *h;
	struct span rest; /* input not yet read */
	unsigned line; /* number of the line last taken */
	bool in_section; /* false: keys belong nowhere */
	bool told_outside; /* keys before the first section were reported */
	unsigned key_line;
	struct buf value; /* lines of the value being handed out */
	size_t value_at; /* next line of it */
	bool in_value;
	size_t blanks; /* empty lines before the line handed out */
	struct buf out; /* bytes libinih has not asked for yet */
	struct buf pair_key, pair_value; /* what libinih has said so far */
	bool have_pair;
};

static void
problem(struct syntax *x, unsigned line, bool warning, const char *text)
{
	if (x->h->problem != NULL)
		x->h->problem(x->h->arg, line, warning, text);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_comment_char(char c)
{
	return c == ';' || c == '#';
}

static struct span
span_strip(struct span s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool
span_is_utf8(struct span s)
{
	size_t i, n;

	for (i = 0; i < s.len; i += n)
		if ((n = utf8_len(s.p + i, s.len - i)) == 0)
			return false;
	return true;
}

/* One line of the input, without its newline. */
struct line {
	struct span text; /* stripped */
	size_t indent;
	bool comment, bad;
};

/* Looks at the next line without taking it; false at the end. */
static bool
line_peek(const struct syntax *x, struct line *ret, size_t *ret_size)
{
	const char *nl;
	struct span raw = x->rest;

	if (raw.len == 0)
		return false;
	nl = memchr(raw.p, '\n', raw.len);
	if (nl != NULL)
		raw.len = (size_t)(nl - raw.p);
	*ret_size = raw.len + (nl != NULL);
	ret->text = span_strip(raw);
	ret->indent = (size_t)(ret->text.p - raw.p);
	ret->comment = ret->text.len > 0 && is_comment_char(ret->text.p[0]);
	ret->bad = raw.len > CONF_LINE_MAX ||
	    memchr(raw.p, '\0', raw.len) != NULL;
	return true;
}

/* Takes the line of SIZE bytes that line_peek() showed. */
static void
line_take(struct syntax *x, const struct line *l, size_t size)
{
	x->line++;
	if (l->bad)
		problem(x, x->line, false,
		    size > CONF_LINE_MAX ? "the line is too long" :
					   "the line has a NUL byte");
	x->rest.p += size;
	x->rest.len -= size;
}

/* Where a comment starts in a line without quotes, or its length. */
static size_t
plain_comment(struct span s)
{
	size_t i;

	for (i = 1; i < s.len; i++)
		if (is_comment_char(s.p[i]) && is_space(s.p[i - 1]))
			return i;
	return s.len;
}

static bool
read_header(struct syntax *x, struct span s, char **ret_name)
{
	struct span name, tail;
	size_t end;

	s.len = plain_comment(s);
	for (end = s.len; end > 1 && s.p[end - 1] != ']'; end--)
		;
	if (end <= 2) {
		problem(x, x->line, false,
		    end <= 1 ? "a section header lacks its \"]\"" :
			       "a section header names nothing");
		return false;
	}
	name = (struct span){s.p + 1, end - 2};
	tail = span_strip((struct span){s.p + end, s.len - end});
	if (tail.len > 0)
		problem(x, x->line, true,
		    "text behind the section header is ignored");
	if (!span_is_utf8(name)) {
		problem(x, x->line, false,
		    "the section name is not valid UTF-8");
		return false;
	}
	*ret_name = xstrndup(name.p, name.len);
	return true;
}

static void
header(struct syntax *x, const struct line *l)
{
	char *name = NULL;

	x->in_section = read_header(x, l->text, &name);
	if (x->h->section != NULL)
		x->h->section(x->h->arg, name, x->line);
	free(name);
	x->told_outside = true;
	buf_adds(&x->out, "[s]\n");
}

/* Length of KEY in "KEY = VALUE"; 0 with a message if it is not that. */
static size_t
find_key(struct syntax *x, struct span s)
{
	size_t end, limit = plain_comment(s);
	struct span key;

	for (end = 0; end < limit && s.p[end] != '=' && s.p[end] != ':';)
		end++;
	key = span_strip((struct span){s.p, end});
	if (end == limit)
		problem(x, x->line, false, "KEY = VALUE is expected");
	else if (key.len == 0)
		problem(x, x->line, false, "there is no key before the \"=\"");
	else if (key.len > CONFSYNTAX_KEY_MAX)
		problem(x, x->line, false, "the key is longer than 49 bytes");
	else if (!span_is_utf8(key))
		problem(x, x->line, false, "the key is not valid UTF-8");
	else
		return end;
	return 0;
}

/* Adds to x->value the lines that continue the one indented by INDENT. */
static void
collect_lines(struct syntax *x, size_t indent)
{
	struct line l;
	size_t size;

	while (line_peek(x, &l, &size)) {
		if (l.text.len > 0 && !l.comment && l.indent <= indent)
			break;
		line_take(x, &l, size);
		if (l.bad || l.comment || x->h->pair == NULL)
			continue;
		buf_addc(&x->value, '\n');
		buf_add(&x->value, l.text.p, l.text.len);
	}
}

/* Index of the quote that closes the one at P[I], or LEN. */
static size_t
closing_quote(const char *p, size_t i, size_t len)
{
	char quote = p[i];

	for (i++; i < len && p[i] != quote; i++)
		if (quote == '"' && p[i] == '\\')
			i++;
	return i < len ? i : len;
}

/*
 * Drops the comments of a value in place, quotes protecting.  OPEN remembers
 * that a kind of quote has no twin any more, so that nothing is searched
 * twice.
 */
static void
drop_comments(struct buf *b)
{
	char *p = b->data == NULL ? NULL : buf_head(b);
	size_t i = 0, to = 0, end, len = buf_len(b);
	bool open[2] = {false, false};

	while (i < len) {
		end = i + 1;
		if (p[i] == '\\' && end < len && p[end] != '\n') {
			end++;
		} else if ((p[i] == '"' || p[i] == '\'') &&
		    !open[p[i] == '"']) {
			end = closing_quote(p, i, len) + 1;
			if (end > len) {
				open[p[i] == '"'] = true;
				end = i + 1;
			}
		} else if (is_comment_char(p[i]) && i > 0 &&
		    is_space(p[i - 1])) {
			while (i < len && p[i] != '\n')
				i++;
			continue;
		}
		memmove(p + to, p + i, end - i);
		to += end - i;
		i = end;
	}
	b->end = b->off + to;
}

static void
drop_trailing_space(struct buf *b)
{
	while (buf_len(b) > 0 && is_space(b->data[b->end - 1]))
		b->end--;
}

/* Takes a key line and all of its value. */
static void
key_line(struct syntax *x, const struct line *l)
{
	size_t end;
	bool good;

	x->key_line = x->line;
	end = find_key(x, l->text);
	good = end > 0 && x->h->pair != NULL;
	buf_consume(&x->value, buf_len(&x->value));
	if (good)
		buf_add(&x->value, l->text.p + end + 1,
		    l->text.len - end - 1);
	collect_lines(x, l->indent);
	if (!good)
		return;
	if (!x->in_section) {
		if (!x->told_outside)
			problem(x, x->key_line, false,
			    "a key stands before the first [section]");
		x->told_outside = true;
		return;
	}
	drop_comments(&x->value);
	drop_trailing_space(&x->value);
	x->in_value = true;
	x->value_at = 0;
	x->blanks = 0;
	buf_add(&x->out, l->text.p, end);
	buf_addc(&x->out, '=');
}

/* Hands out the next line of the value that is not empty. */
static void
value_line(struct syntax *x)
{
	struct span s;
	const char *p, *nl;
	bool first = x->value_at == 0;

	for (x->blanks = 0;; x->blanks++) {
		size_t left = buf_len(&x->value) > x->value_at ?
		    buf_len(&x->value) - x->value_at : 0;

		if (left == 0) {
			s = (struct span){"", 0};
			x->in_value = false;
			break;
		}
		p = buf_head(&x->value) + x->value_at;
		nl = memchr(p, '\n', left);
		s.p = p;
		s.len = nl == NULL ? left : (size_t)(nl - p);
		x->value_at += s.len + 1;
		s = span_strip(s);
		if (s.len > 0 || first)
			break;
	}
	if (!first && s.len == 0)
		return;
	if (!first)
		buf_addc(&x->out, ' ');
	buf_add(&x->out, s.p, s.len);
	buf_addc(&x->out, '\n');
}

/* Prepares the next line for libinih; false at the end. */
static bool
fill(struct syntax *x)
{
	struct line l;
	size_t size;

	while (buf_len(&x->out) == 0) {
		if (!x->in_value) {
			if (x->h->stop != NULL && *x->h->stop)
				return false;
			if (!line_peek(x, &l, &size))
				return false;
			line_take(x, &l, size);
			if (l.bad || l.comment || l.text.len == 0)
				continue;
			if (l.text.p[0] == '[')
				header(x, &l);
			else
				key_line(x, &l);
		}
		if (x->in_value)
			value_line(x);
	}
	return true;
}

/* fgets() for libinih. */
static char *
reader(char *str, int num, void *stream)
{
	struct syntax *x = stream;
	size_t n, max = (size_t)num - 1;
	const char *nl;

	if (num < 2 || !fill(x))
		return NULL;
	n = buf_len(&x->out) < max ? buf_len(&x->out) : max;
	nl = memchr(buf_head(&x->out), '\n', n);
	if (nl != NULL)
		n = (size_t)(nl - buf_head(&x->out)) + 1;
	memcpy(str, buf_head(&x->out), n);
	str[n] = '\0';
	buf_consume(&x->out, n);
	return str;
}

static void
flush_pair(struct syntax *x)
{
	if (!x->have_pair)
		return;
	x->have_pair = false;
	buf_addc(&x->pair_value, '\0');
	if (x->h->pair != NULL)
		x->h->pair(x->h->arg, x->pair_key.data, x->pair_value.data,
		    x->key_line);
	buf_consume(&x->pair_value, buf_len(&x->pair_value));
}

/* libinih calls this for the first line of a value and for each next one. */
static int
on_line(void *arg, const char *section, const char *name, const char *value)
{
	struct syntax *x = arg;
	size_t i;

	(void)section;
	if (!x->have_pair) {
		x->have_pair = true;
		buf_consume(&x->pair_key, buf_len(&x->pair_key));
		for (i = 0; name[i] != '\0'; i++)
			buf_addc(&x->pair_key,
			    (char)(name[i] >= 'A' && name[i] <= 'Z' ?
			    name[i] - 'A' + 'a' : name[i]));
		buf_addc(&x->pair_key, '\0');
	} else {
		for (i = 0; i <= x->blanks; i++)
			buf_addc(&x->pair_value, '\n');
	}
	buf_adds(&x->pair_value, value);
	if (!x->in_value || x->value_at >= buf_len(&x->value))
		flush_pair(x);
	return 1;
}

/* Debian's libinih takes its limits at run time. */
static void
inih_setup(void)
{
	ini_use_stack = false;
	ini_allow_realloc = true;
	ini_initial_alloc = 4096;
	ini_max_line = INT_MAX / 2;
	ini_allow_multiline = true;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
}

void
confsyntax_parse(const char *data, size_t len,
    const struct confsyntax_handler *h)
{
	struct syntax x = {.h = h, .rest = {data, len}};

	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		x.rest.p += 3;
		x.rest.len -= 3;
	}
	inih_setup();
	if (ini_parse_stream(reader, &x, on_line, &x) != 0)
		problem(&x, x.line, false, "the file cannot be read on");
	flush_pair(&x);
	buf_clear(&x.value);
	buf_clear(&x.out);
	buf_clear(&x.pair_key);
	buf_clear(&x.pair_value);
}
