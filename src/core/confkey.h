/*
 * The table of configuration keys: one row per key and section.
 *
 * Parsing, ranges, error text, dump, encoding, comparison and the check of
 * the manual all read these rows.  A new key is a row here, a field in
 * conf.h, a paragraph in the manual and a test.
 *
 * Next: confvalue.h, what each type accepts.
 */
#ifndef CORE_CONFKEY_H
#define CORE_CONFKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Kinds of sections, as a set: a row may stand in several. */
enum confkey_section {
	SECT_MAIN = 1 << 0, /* [mpsupd], [supervisord] */
	SECT_PROGRAM = 1 << 1,
	SECT_GROUP = 1 << 2,
	SECT_INCLUDE = 1 << 3,
	SECT_EVENTLISTENER = 1 << 4,
	SECT_FCGI = 1 << 5,
	SECT_UNIX_HTTP = 1 << 6,
	SECT_INET_HTTP = 1 << 7,
	SECT_CTL = 1 << 8,
	SECT_DEFAULT = 1 << 9, /* every key of every section */
	SECT_OPAQUE = 1 << 10, /* keys are not looked at */

	SECT_PROCESS = SECT_PROGRAM | SECT_EVENTLISTENER | SECT_FCGI,
	SECT_HTTP = SECT_UNIX_HTTP | SECT_INET_HTTP,
};

/* One [section] or [section:x]. */
struct confkey_kind {
	const char *name; /* before the colon */
	enum confkey_section sect;
	enum { ARG_NONE, ARG_NEEDED, ARG_ALLOWED } arg;
	enum {
		KIND_SERVED,
		KIND_LATER, /* a warning says that it has no effect */
		KIND_CLIENT, /* for other programs; nothing is said */
	} use;
};

enum confkey_type {
	KEY_BOOL,
	KEY_INT,
	KEY_SIZE, /* bytes */
	KEY_OCTAL,
	KEY_DURATION, /* kept in ms */
	KEY_PERCENT,
	KEY_CHOICE,
	KEY_SIGNAL,
	KEY_EXITCODES,
	KEY_LIMIT, /* N/DURATION: two numbers, count and ms */
	KEY_STRING, /* empty is NULL */
	KEY_NAME, /* a process name */
	KEY_PATH,
	KEY_MAYBE_PATH, /* with a '-' in front: it may be missing */
	KEY_MAINLOG, /* path, NONE, AUTO or syslog */
	KEY_LOG, /* the same, into a struct conf_log */
	KEY_URL, /* AUTO is NULL */
	KEY_INET, /* [host:]port */
	KEY_USER,
	KEY_ACL,
	KEY_ENVIRONMENT,
	KEY_COMMAND,
	KEY_ARGV, /* the same; empty for none */
	KEY_NAMES, /* a list with commas or blanks */
	KEY_WAITS, /* NAME:STATE[,STATE] ..., with blanks */
	KEY_STOPS, /* as stopplan.h; empty is NULL */
	KEY_PROBE, /* as probe.h; "none" is NULL */
	KEY_GIVE_UP, /* none, shutdown or exec:CMD */
	KEY_SCHEDULE, /* as cron.h; empty is NULL */
	KEY_TYPES
};

enum confkey_flags {
	KF_RESTART = 1 << 0, /* a change needs a restart to apply */
	KF_EXPAND = 1 << 1, /* spent while processes are made from it */
	KF_LATER = 1 << 2, /* known, not served by this version */
	KF_OTHER = 1 << 3, /* checked only: no field */
	KF_COMPUTED = 1 << 4, /* the default is words for the manual */
	KF_POLICY = 1 << 5, /* puts the restart policy of our own in force */
	KF_REQUIRED = 1 << 6,
};

/* A word and the number it stands for; the last has a NULL word.  The first
 * word of a number is the one it is written as. */
struct confkey_choice {
	const char *word;
	int64_t num;
};

struct confkey {
	const char *name, *alias; /* alias NULL: none */
	unsigned sections; /* of enum confkey_section */
	enum confkey_type type;
	unsigned flags; /* of enum confkey_flags */
	size_t offset; /* in struct conf_main or conf_process */
	const char *def; /* default as written; NULL: not set */
	int64_t min, max; /* inclusive, in the unit kept */
	const char *unit; /* "seconds", or NULL */
	const struct confkey_choice *choices;
	const char *help; /* one line, no full stop */
};

/* All rows; *RET_N of them. */
const struct confkey *confkey_table(size_t *ret_n);

/* The row of NAME (lower case, may be the alias) in a section of kind SECT,
 * or NULL.  SECT_DEFAULT finds a row of any section. */
const struct confkey *confkey_find(enum confkey_section sect,
    const char *name);

/* The section written as NAME ("program:x", "mpsupd"), or NULL.  *RET_ARG is
 * what stands behind the colon, or NULL; whether it may is for the caller. */
const struct confkey_kind *confkey_find_kind(const char *name,
    const char **ret_arg);

/* Appends `; did you mean "startsecs"?` to OUT if a known key of SECT, or a
 * known section, is spelt nearly like NAME. */
void confkey_suggest(enum confkey_section sect, const char *name,
    struct buf *out);
void confkey_suggest_kind(const char *name, struct buf *out);

/* True if K has a field in struct conf_main or conf_process. */
static inline bool
confkey_is_kept(const struct confkey *k)
{
	return (k->flags & (KF_OTHER | KF_LATER)) == 0;
}

#endif
