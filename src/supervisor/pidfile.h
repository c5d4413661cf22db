/*
 * The pidfile of a program: written for scripts, never read.
 *
 * It is there while the program has a process.  Its file is made beside it and
 * renamed, so nobody reads half a number, and no link that somebody has put
 * there is followed; nothing is synced.  A supervisor killed in between leaves
 * it to the next one, which writes or removes it when it takes over.  (Killed
 * between a new configuration and its effect, a file of the old path is left.)
 */
#ifndef SUPERVISOR_PIDFILE_H
#define SUPERVISOR_PIDFILE_H

struct conf_process;
struct service;

/* S has got a process, or none any more.  Failures are logged, once until it
 * works again. */
void pidfile_update(struct service *s);

/* S is about to get the configuration C: the file goes to another place. */
void pidfile_move(struct service *s, const struct conf_process *c);

#endif
