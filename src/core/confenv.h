/* The files that env_file names, each read once per configuration. */
#ifndef CORE_CONFENV_H
#define CORE_CONFENV_H

#include <stdbool.h>

struct conf_arena;
struct conf_strs;
struct confenv_file;
struct confread;
struct confread_entry;

struct confenv { /* zero-initialise, then set the first two */
	struct confread *read; /* host, messages, and the sum of all bytes */
	struct conf_arena *arena; /* takes the variables */
	struct confenv_file *files; /* uthash */
};

/*
 * Sets *RET to the variables of PATH, which may have a '-' in front, the value
 * of E; a file that may be missing and is has none.  false: there are
 * mistakes, told the first time it is read, with its own name and line.
 */
bool confenv_load(struct confenv *c, const struct confread_entry *e,
    const char *path, struct conf_strs *ret);

/* Frees what is not in an arena. */
void confenv_clear(struct confenv *c);

#endif
