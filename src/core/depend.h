/*
 * The order of programs: which names their keys after, requires, bound_to and
 * dependent_startup_wait_for mean, and that no circle is among them.
 *
 * A name is a process ("web_00", "web:web_00"), a program (all processes of
 * [program:web]) or a group ("web:*", "web").  A process that a wider name
 * would make its own dependency is left out of it.
 */
#ifndef CORE_DEPEND_H
#define CORE_DEPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

enum depend_kind {
	DEPEND_AFTER, /* waits until the start of the other is over */
	DEPEND_REQUIRES, /* needs it ready, stops with it */
	DEPEND_BOUND, /* the same, and ends when it ends */
	DEPEND_STATES, /* the first start waits for one of `states` */
	DEPEND_KINDS
};

/* Process FROM depends on process TO, both indices of conf->procs. */
struct depend_edge {
	uint32_t from, to;
	uint8_t kind; /* enum depend_kind */
	uint16_t states; /* bit N: enum program_state N */
};

struct depend {
	struct depend_edge *v; /* by `from` */
	size_t n;
	uint32_t *rank; /* of each process: higher than those of all that it
			 * depends on (but by DEPEND_STATES) */
};

/* Told what is wrong with KEY of process FROM. */
typedef void depend_say_fn(void *arg, uint32_t from, const char *key,
    const char *why);

/*
 * Fills RET from C; depend_clear() frees it.  Names that nobody has, and one
 * circle, are told to SAY (NULL: nobody); those edges are left out.  False if
 * there was any.  Processes that are leaving are nobody's dependency.
 */
bool depend_resolve(const struct config *c, struct depend *ret,
    depend_say_fn *say, void *arg);
void depend_clear(struct depend *d);

/* The key of a kind: "requires". */
const char *depend_key(enum depend_kind kind);

#endif
