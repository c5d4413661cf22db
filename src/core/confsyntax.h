/*
 * The lines of a configuration file: sections, keys, comments, continuation.
 *
 * What a key means is not known here; see confkey.h.  libinih splits KEY and
 * VALUE and joins continuation lines; the reader it reads from does the rest.
 *
 *	[section]  ; comment
 *	key = value	# comment
 *	other: a value over
 *	    two lines
 *
 * A line whose first visible character is ; or # is a comment wherever it
 * stands.  Elsewhere a blank and ; or # start one, except between quotes;
 * a quote that its value does not close protects nothing.  A line indented
 * deeper than the key above it continues that key's value, joined by a
 * newline; empty lines between such lines are kept.  Keys are lower-cased.
 */
#ifndef CORE_CONFSYNTAX_H
#define CORE_CONFSYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#define CONFSYNTAX_KEY_MAX 49 /* bytes of a key */

/* Who is told what the file says, in its order.  Strings are borrowed for
 * the call, NUL-terminated; LINE counts from 1. */
struct confsyntax_handler {
	void *arg; /* first argument of each call */
	/* A header; NAME as written, or NULL when it was malformed: the keys
	 * that follow belong to no section. */
	void (*section)(void *arg, const char *name, unsigned line);
	/* KEY is lower case, LINE is the one KEY stands in.  Not called
	 * before the first section. */
	void (*pair)(void *arg, const char *key, const char *value,
	    unsigned line);
	/* Something is wrong in LINE; the rest is read all the same. */
	void (*problem)(void *arg, unsigned line, bool warning,
	    const char *text);
	const bool *stop; /* when it becomes true the rest is not read */
};

/* Reads the LEN bytes at DATA, calling H; a NULL member is not called, a NULL
 * stop never true. */
void confsyntax_parse(const char *data, size_t len,
    const struct confsyntax_handler *h);

#endif
