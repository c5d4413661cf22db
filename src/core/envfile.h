/*
 * Files of variables, the key env_file: KEY=VALUE lines as shells, systemd and
 * Docker have them.
 */
#ifndef CORE_ENVFILE_H
#define CORE_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct envfile_handler {
	void *arg; /* first argument */
	/* LINE, from 1, is no KEY=VALUE; REASON has no full stop. */
	void (*problem)(void *arg, unsigned line, const char *reason);
};

/*
 * Appends each KEY=VALUE of the LEN bytes at TEXT to OUT, with a NUL behind it,
 * and counts them in *RET_N.
 *
 * Blank lines and those that begin with # are skipped; a UTF-8 byte order mark,
 * `export` before a KEY and a CR at the end of a line are, too.  A KEY has
 * letters, digits and _, no digit first, and = directly behind it.  A VALUE ends
 * with its line; blanks around it, and a # behind a blank with what follows,
 * are no part of it.  What is in '...' counts as it is, in "..." a backslash
 * before ", \, $, ` or the end of the line goes; quotes may span lines and
 * stand in the middle of a value.  $ has no meaning.
 *
 * Returns false if there were problems; all of them are told.
 */
bool envfile_parse(const char *text, size_t len,
    const struct envfile_handler *h, struct buf *out, size_t *ret_n);

#endif
