/*
 * What each type of key accepts: text -> typed field, and back.
 *
 * A value comes here expanded.  How a field is stored follows from the type
 * alone (confvalue_storage()), which is what encoding and comparison go by.
 */
#ifndef CORE_CONFVALUE_H
#define CORE_CONFVALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/confkey.h"
#include "lib/buf.h"

struct conf_arena;
struct conf_host;
struct conf_process;
struct confvalue_user;

/* What values are read with; zero-initialise, then set host and arena. */
struct confvalue_ctx {
	const struct conf_host *host; /* NULL: only defaults are read */
	struct conf_arena *arena; /* takes all strings */
	struct confvalue_user *users; /* looked up so far */
};

enum confvalue_result {
	CONFVALUE_OK,
	CONFVALUE_WARN, /* stored, but WHY says what is doubtful */
	CONFVALUE_BAD, /* WHY says what is wrong; the field is untouched */
};

/* How a field is kept. */
enum confvalue_storage {
	STORE_BOOL,
	STORE_INT, /* int64_t */
	STORE_LIMIT, /* int64_t[2] */
	STORE_STR, /* char * */
	STORE_STRS, /* struct conf_strs */
	STORE_LOG, /* file and automatic of a struct conf_log */
	STORE_USER, /* struct conf_user */
	STORE_ACL, /* struct conf_acl */
};

enum confvalue_storage confvalue_storage(enum confkey_type type);

/*
 * Reads TEXT as a value of K into the field of BASE, a struct conf_main or
 * conf_process; of rows without a field the value is only checked, and its
 * text, if it is one, is put into *RET_TEXT unless that is NULL.
 */
enum confvalue_result confvalue_parse(const struct confkey *k,
    const char *text, struct confvalue_ctx *ctx, void *base, struct buf *why,
    const char **ret_text);

/* Frees what CTX has looked up, not its arena. */
void confvalue_ctx_clear(struct confvalue_ctx *ctx);

/* Fills BASE with the defaults of the rows of SECT (SECT_MAIN or
 * SECT_PROGRAM), computed ones excepted; what is no key becomes 0, -1 for
 * the slot.  Strings go to ARENA. */
void confvalue_defaults(enum confkey_section sect, void *base,
    struct conf_arena *arena);

/* Sets p->expected from p->exitcodes.  false: a code is none. */
bool confvalue_set_expected(struct conf_process *p);

/* PATH with ~ expanded, made absolute from BASE_DIR, without //, . and .. */
char *confvalue_path(const struct confvalue_ctx *ctx, const char *base_dir,
    const char *path);

/* A duration ("10s", "500 ms", "3": seconds) in ms.  false: TEXT is none. */
bool confvalue_duration(const char *text, int64_t *ret_ms);

/* Number of a signal ("TERM", "sigterm", "15", "RTMIN+1"), or -1. */
int confvalue_signal(const char *name);

/* Name of a signal without SIG ("TERM", "RTMIN+1") in BUF of 16 bytes. */
const char *confvalue_signal_name(int sig, char *buf);

/* Bytes of TEXT for a message: quoted, cut when long. */
void confvalue_quote(struct buf *out, const char *text);

/* True if NAME can name a program, group or process; else WHY says why not. */
bool confvalue_name_is_valid(const char *name, struct buf *why);

#endif
