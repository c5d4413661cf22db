/*
 * A new configuration for a running daemon.
 *
 * The files are read by a process of its own (argv[0] "mpsupd: loader"), so
 * neither a slow user database nor a huge file holds up the supervisor.  What
 * it accepts goes to the keeper first, then into force: a supervisor killed
 * at any moment continues with the old or with the new one, never with half.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <stdbool.h>

#include "cli/loader.h"

struct conf_process;
struct config;
struct supervisor;

/* Who is told the outcome; NULL: only the log. */
struct reload_client {
	/* A change of statedir/overrides that is stored if the files are good
	 * with it, or NULL.  It is carried out even if nobody waits for it any
	 * more: C then stays until `done`. */
	const char *change;
	enum loader_refusal refusal; /* of a change; set before `done` */
	/* The files are good: looks at NEXT before it is put into force, or
	 * NULL. */
	void (*accepted)(struct reload_client *c, const struct config *next);
	/* OK: TEXT is the plan as JSON.  Not: the array of errors as JSON.
	 * TEXT NULL: the loader itself failed. */
	void (*done)(struct reload_client *c, bool ok, const char *text);
	/* Only processes for which this is true are touched; NULL: all. */
	bool (*concerns)(struct reload_client *c,
	    const struct conf_process *p);
};

/*
 * Starts a reload; with DRY_RUN nothing is changed.  C must stay until its
 * `done` was called or reload_forget().  0; -1: one is under way (EBUSY) or
 * the loader cannot be started.
 */
int reload_start(struct supervisor *sup, bool dry_run,
    struct reload_client *c);

/* Gives the present configuration to the keeper, after a value in it was
 * changed that no process depends on.  0, or -1: the next supervisor will not
 * know of it. */
int reload_store(struct supervisor *sup);

/* C goes away before it was answered. */
void reload_forget(struct supervisor *sup, struct reload_client *c);

/*
 * Adds C, a process that no file knows, to the configuration of this and of
 * the next supervisor; in the place of the one that has C's slot, if any.  C's
 * strings are copied.  0, or -1: the keeper refused, nothing changed.
 */
int reload_add(struct supervisor *sup, const struct conf_process *c);

/* Removes services that are gone from the files and down; restarts none. */
void reload_sweep(struct supervisor *sup);

#endif
