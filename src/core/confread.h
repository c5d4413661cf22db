/*
 * The files of a configuration, merged: sections with the rows of their keys,
 * where each value stands, and what %(name)s means there.
 *
 * [include] and [DEFAULT] are dealt with here; what the values mean is not.
 * Next: conf.c, which makes a struct config of it.
 */
#ifndef CORE_CONFREAD_H
#define CORE_CONFREAD_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

#include "core/confkey.h"
#include "core/expand.h"

struct buf;
struct conf_arena;
struct conf_host;
struct conf_msgs;
struct conf_process;

struct confread_file {
	const char *path;
	const char *here; /* its directory, %(here)s */
	UT_hash_handle hh;
};

/* One KEY = VALUE.  In [DEFAULT] KEY is a row of any section. */
struct confread_entry {
	struct confread_entry *next;
	const struct confkey *key;
	const char *value; /* as written, not expanded */
	const char *section; /* name of the section it stands in */
	const struct confread_file *file;
	unsigned line;
	bool *said; /* for conf.c: a value is complained of once */
};

/* All sections of one name. */
struct confread_section {
	const char *id; /* "program:web"; hash key */
	const char *name; /* as first written */
	const char *arg; /* "web", or NULL */
	const struct confkey_kind *kind;
	struct confread_entry *entries; /* in the order of the files */
	struct confread_entry **end;
	const struct confread_file *file;
	unsigned line;
	bool disabled; /* by `disable` */
	UT_hash_handle hh;
};

struct confread_var;
struct confread_name;

struct confread {
	const struct conf_host *host;
	struct conf_msgs *msgs; /* NULL: nobody listens */
	struct conf_arena *arena; /* storage of all of it */
	bool peek; /* only what says where the daemon is */
	bool foreign; /* the main file has a [supervisord] section */
	const struct confread_file *main;
	struct confread_section *sections; /* uthash, in order */

	/* Of the reader alone. */
	struct confread_file *files;
	struct confread_var *vars;
	struct confread_name *names; /* of all keys */
	size_t total; /* bytes read */
	const struct confread_file *file; /* being read */
	struct confread_section *section; /* being read; NULL: skip keys */
	bool full; /* too many sections, already said */
	bool stop; /* too many mistakes: the rest is not read */
};

/* What %(name)s can mean somewhere. */
struct confread_scope {
	const struct confread *r;
	const char *here;
	const struct conf_process *process; /* NULL: outside of programs */
	bool numbered; /* process_num and numprocs are known */
};

/*
 * Reads the file PATH and what it includes into R, zeroed but for host, msgs
 * and arena.  Problems are messages; what can be read is read.  false: PATH
 * itself cannot.
 */
bool confread_read(struct confread *r, const char *path);

/* Frees what is not in the arena. */
void confread_clear(struct confread *r);

/* The section of that id, or NULL. */
struct confread_section *confread_section(const struct confread *r,
    const char *id);

/* The entry of the key NAME in S, or NULL. */
struct confread_entry *confread_entry(const struct confread_section *s,
    const char *name);

/* Gives S the key NAME, a row of its kind, as if it stood in LINE of PATH,
 * behind all files.  Strings are copied. */
void confread_override(struct confread *r, struct confread_section *s,
    const char *name, const char *value, const char *path, unsigned line);

/* Gives %(ENV_KEY)s of PAIR (KEY=VALUE, which must outlive R). */
void confread_setenv(struct confread *r, const char *pair);

/* The value of E expanded, in OUT, or in place when there is nothing to
 * expand.  NULL if that fails; WHY has the reason. */
const char *confread_expand(const struct confread_entry *e,
    const struct confread_scope *scope, struct buf *out, struct buf *why);

/* One message about a file, a section or an entry. */
void confread_say_section(const struct confread *r,
    const struct confread_section *s, bool warning, const char *text);
void confread_say_entry(const struct confread *r,
    const struct confread_entry *e, bool warning, const char *text);

#endif
