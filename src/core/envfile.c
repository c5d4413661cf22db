/* Files of variables; see envfile.h. */
#include <string.h>

#include "core/envfile.h"
#include "lib/buf.h"

struct reader {
	const char *p, *end;
	unsigned line;
	const struct envfile_handler *h;
	struct buf *out;
	bool ok;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_key_char(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (!first && c >= '0' && c <= '9');
}

static void
skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

static void
skip_line(struct reader *r)
{
	const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));

	r->p = nl != NULL ? nl : r->end;
}

static bool
at_line_end(const struct reader *r)
{
	return r->p == r->end || *r->p == '\n' ||
	    (*r->p == '\r' && (r->p + 1 == r->end || r->p[1] == '\n'));
}

/* What follows the quote at P up to its twin.  False: there is none. */
static bool
quoted(struct reader *r)
{
	char quote = *r->p++;
	bool escaped;

	for (; r->p < r->end && *r->p != quote; r->p++) {
		escaped = quote == '"' && *r->p == '\\' &&
		    r->p + 1 < r->end && r->p[1] != '\0' &&
		    strchr("\"\\$`\n", r->p[1]) != NULL;
		r->p += escaped;
		r->line += *r->p == '\n';
		if (!escaped || *r->p != '\n')
			buf_addc(r->out, *r->p);
	}
	return r->p++ < r->end;
}

/* NULL, or what is wrong with the value at P. */
static const char *
value(struct reader *r)
{
	size_t from = buf_len(r->out), len = from; /* without blanks behind */

	skip_blanks(r);
	while (!at_line_end(r)) {
		if (*r->p == '#' && is_blank(r->p[-1])) {
			skip_line(r);
			break;
		}
		if (*r->p == '"' || *r->p == '\'') {
			if (!quoted(r)) {
				r->p = r->end;
				return "the quote is not closed";
			}
			len = buf_len(r->out);
			continue;
		}
		buf_addc(r->out, *r->p);
		if (!is_blank(*r->p++))
			len = buf_len(r->out);
	}
	r->out->end -= buf_len(r->out) - len;
	if (len > from && memchr(buf_head(r->out) + from, '\0', len - from) !=
	    NULL)
		return "a value cannot have a NUL byte";
	return NULL;
}

/* NULL, or what is wrong with the line at P; nothing is appended then. */
static const char *
pair(struct reader *r)
{
	size_t before = buf_len(r->out);
	const char *key, *why;

	if (r->end - r->p > 7 && memcmp(r->p, "export", 6) == 0 &&
	    is_blank(r->p[6])) {
		r->p += 6;
		skip_blanks(r);
	}
	key = r->p;
	while (r->p < r->end && is_key_char(*r->p, r->p == key))
		r->p++;
	if (r->p == key || r->p == r->end || *r->p != '=')
		return "KEY=VALUE is expected here";
	r->p++;
	buf_add(r->out, key, (size_t)(r->p - key));
	why = value(r);
	if (why != NULL)
		r->out->end -= buf_len(r->out) - before;
	else
		buf_addc(r->out, '\0');
	return why;
}

bool
envfile_parse(const char *text, size_t len, const struct envfile_handler *h,
    struct buf *out, size_t *ret_n)
{
	struct reader r = {text, text + len, 1, h, out, true};
	const char *why;
	unsigned line;

	*ret_n = 0;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	for (; r.p < r.end; r.p++, r.line++) { /* over the newline */
		skip_blanks(&r);
		if (!at_line_end(&r) && *r.p != '#') {
			line = r.line;
			why = pair(&r);
			if (why != NULL) {
				h->problem(h->arg, line, why);
				r.ok = false;
			} else {
				++*ret_n;
			}
		}
		skip_line(&r);
		if (r.p == r.end)
			break;
	}
	return r.ok;
}
