/*
 * What the daemon keeps in statedir, seen by whoever loads the configuration.
 *
 *   overrides  numprocs and autostart of programs, as if they stood at the
 *              end of the files (overrides.h)
 *   stopped    processes that an operator has stopped, one label a line: a
 *              daemon that is started leaves them alone
 *
 * Both are less than a configuration: what is damaged, unreadable, or of a
 * program that there is not, is passed over, with a warning where it may be
 * missed.
 */
#ifndef CORE_CONFSTATE_H
#define CORE_CONFSTATE_H

#include <stddef.h>

struct conf_main;
struct conf_process;
struct confread;

#define CONFSTATE_OVERRIDES "overrides" /* names of the files */
#define CONFSTATE_STOPPED "stopped"

/* Gives the overrides, and the change that the host of R has, to the sections
 * of R.  M tells statedir. */
void confstate_override(struct confread *r, const struct conf_main *m);

/* Sets `stopped` of those of the N processes at P that are in the other file. */
void confstate_stopped(const struct confread *r, const struct conf_main *m,
    struct conf_process *p, size_t n);

#endif
