/* Words; see shlex.h. */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/shlex.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\n';
}

/*
 * Appends what stands between the quote at S and its twin.  Returns what
 * follows, or NULL if there is no twin.
 */
static const char *
quoted(const char *s, struct buf *out)
{
	char quote = *s;

	for (s++; *s != '\0' && *s != quote; s++) {
		if (quote == '"' && *s == '\\' &&
		    (s[1] == '"' || s[1] == '\\'))
			s++;
		buf_addc(out, *s);
	}
	return *s == '\0' ? NULL : s + 1;
}

static const char *
command_word(const char *s, struct buf *out, struct buf *why)
{
	while (*s != '\0' && !is_space(*s)) {
		if (*s == '"' || *s == '\'') {
			char quote = *s;

			if ((s = quoted(s, out)) == NULL) {
				buf_addf(why, "the quote %c is not closed",
				    quote);
				return NULL;
			}
			continue;
		}
		if (*s == '\\' && *++s == '\0') {
			buf_adds(why, "nothing follows the last backslash");
			return NULL;
		}
		buf_addc(out, *s++);
	}
	buf_addc(out, '\0');
	return s;
}

bool
shlex_split(const char *s, struct buf *out, size_t *ret_n, struct buf *why)
{
	size_t n = 0;

	for (;;) {
		while (is_space(*s))
			s++;
		if (*s == '\0')
			break;
		if ((s = command_word(s, out, why)) == NULL)
			return false;
		n++;
	}
	*ret_n = n;
	return true;
}

/* The pairs found so far, and where they stand in `text`. */
struct pair {
	size_t at, key_len;
	const char *key; /* in the source */
	UT_hash_handle hh;
};

struct pairs {
	const char *start; /* of the source, for columns */
	struct buf text;
	struct pair *hash; /* uthash keeps the order of insertion */
	struct buf *why;
};

static const char *
fail_at(struct pairs *p, const char *at, const char *reason)
{
	buf_addf(p->why, "column %zu: %s", (size_t)(at - p->start) + 1,
	    reason);
	return NULL;
}

static bool
is_key_char(char c)
{
	return c != '\0' && c != '=' && c != ',' && c != '"' && c != '\'' &&
	    !is_space(c);
}

static const char *
skip_blanks(const char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

/* The value at S; BARE_EQUALS: an unquoted '=' is plainly a lost comma. */
static const char *
environment_value(struct pairs *p, const char *s, bool bare_equals)
{
	while (*s != '\0' && *s != ',' && !is_space(*s)) {
		const char *at = s;

		if (*s == '"' || *s == '\'') {
			if ((s = quoted(s, &p->text)) == NULL)
				return fail_at(p, at,
				    "the quote is not closed");
			continue;
		}
		if (*s == '=' && !bare_equals)
			return fail_at(p, at,
			    "\"=\" in a value behind a blank: quote the "
			    "value or put a comma before the key");
		buf_addc(&p->text, *s++);
	}
	buf_addc(&p->text, '\0');
	return s;
}

static const char *
environment_pair(struct pairs *p, const char *s)
{
	const char *key = s, *key_end, *value;
	size_t at = buf_len(&p->text);
	struct pair *pair;

	while (is_key_char(*s))
		s++;
	key_end = s;
	s = skip_blanks(s);
	if (key == key_end || *s != '=')
		return fail_at(p, key == key_end ? s : key,
		    "KEY=VALUE is expected here; a value with blanks, commas "
		    "or quotes must be quoted");
	value = skip_blanks(s + 1);
	buf_add(&p->text, key, (size_t)(key_end - key));
	buf_addc(&p->text, '=');
	if ((s = environment_value(p, value, value == s + 1)) == NULL)
		return NULL;
	HASH_FIND(hh, p->hash, key, (size_t)(key_end - key), pair);
	if (pair == NULL) {
		pair = xcalloc(1, sizeof *pair);
		pair->key = key;
		pair->key_len = (size_t)(key_end - key);
		HASH_ADD_KEYPTR(hh, p->hash, pair->key, pair->key_len, pair);
	}
	pair->at = at;
	s = skip_blanks(s);
	if (*s != '\0' && *s != ',' && *s != '\n')
		return fail_at(p, s, "a comma is expected here; a value with "
				     "blanks must be quoted");
	return s;
}

static void
pairs_finish(struct pairs *p, struct buf *out, size_t *ret_n)
{
	struct pair *pair, *tmp;
	const char *text;
	size_t n = 0;

	HASH_ITER(hh, p->hash, pair, tmp) {
		if (out != NULL) {
			text = buf_head(&p->text) + pair->at;
			buf_add(out, text, strlen(text) + 1);
			n++;
		}
		HASH_DEL(p->hash, pair);
		free(pair);
	}
	buf_clear(&p->text);
	if (out != NULL)
		*ret_n = n;
}

bool
shlex_environment(const char *s, struct buf *out, size_t *ret_n,
    struct buf *why)
{
	struct pairs p = {.start = s, .why = why};

	for (;;) {
		while (is_space(*s) || *s == ',')
			s++;
		if (*s == '\0')
			break;
		if ((s = environment_pair(&p, s)) == NULL) {
			pairs_finish(&p, NULL, NULL);
			return false;
		}
	}
	pairs_finish(&p, out, ret_n);
	return true;
}

void
shlex_quote(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		buf_adds(out, word);
		return;
	}
	buf_addc(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_adds(out, "'\"'\"'");
		else
			buf_addc(out, *word);
	}
	buf_addc(out, '\'');
}

void
shlex_quote_pair(struct buf *out, const char *pair)
{
	size_t key = strcspn(pair, "=");

	buf_add(out, pair, key);
	buf_adds(out, "=\"");
	if (pair[key] == '=')
		key++;
	for (pair += key; *pair != '\0'; pair++) {
		if (*pair == '"' || *pair == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *pair);
	}
	buf_addc(out, '"');
}
