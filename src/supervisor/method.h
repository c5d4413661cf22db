/* The methods that the control socket serves, one table. */
#ifndef SUPERVISOR_METHOD_H
#define SUPERVISOR_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/server.h"

struct conf_process;
struct request;
struct service;
struct supervisor;

struct method {
	const char *name; /* method and command-line word */
	enum permission needs;
	bool by_program; /* operators of the programs that it names may, too:
			  * see method_permits() */
	bool while_stopping; /* also served during the daemon's stop */
	bool in_need; /* ... and in safe mode or without a keeper; what only
		       * looks always is */
	/* Answers R by request_result(), request_error() or later. */
	void (*exec)(struct request *r);
};

/* NULL if there is none. */
const struct method *method_find(const char *name);

/*
 * The services that params.names means: names, "group:name", "group:*",
 * patterns, "all".  No "names" means all if ALL_BY_DEFAULT, else it is an
 * error.  Returns an array of *RET_N (caller frees; each once, in order), or
 * NULL after answering R with an error.
 */
struct service **method_select(struct request *r, bool all_by_default,
    uint32_t *ret_n);

/* R may change the program C; otherwise it is answered.  method_select() has
 * asked that for each. */
bool method_permits(struct request *r, const struct conf_process *c);

/* True if PATTERN (a name, "group:name", either with *, ? and [], or "all")
 * means C. */
bool method_matches(const struct conf_process *c, const char *pattern);

/* The same of a program that may be gone. */
bool method_matches_name(const char *group, const char *name,
    const char *pattern);

/* params.KEY; the default when it is missing.  A wrong type answers R with an
 * error and returns false. */
bool method_bool(struct request *r, const char *key, bool dflt, bool *ret);
bool method_number(struct request *r, const char *key, double dflt, double *ret);
bool method_string(struct request *r, const char *key, const char *dflt,
    const char **ret);

/* A number for params.request_id of this user and method; 0: none given.  A
 * program keeps that of its last change (program.h), so a repetition is known
 * even to another supervisor, program by program. */
uint64_t method_request(struct request *r);

/* One file per family. */
extern const struct method method_hello, method_status, method_pid;
extern const struct method method_start, method_stop, method_restart, method_wait;
extern const struct method method_signal, method_logs, method_reopen, method_reload;
extern const struct method method_upgrade, method_events, method_why;
extern const struct method method_scale, method_enable, method_disable;
extern const struct method method_run;

/* restart with params.rolling; method_rolling.c. */
void method_rolling(struct request *r);

/* The keeper has asked the new program: WHY not, or "". */
void method_upgrade_checked(struct supervisor *sup, const char *why);

#endif
