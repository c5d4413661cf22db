/*
 * The commands around a run: exec_start_pre, exec_start_post, exec_stop_post,
 * and what happens when a program is given up (on_give_up, essential).
 *
 * They run as helpers (helper.h), with the user, directory and environment of
 * the program, and write to its stdout.  A supervisor that is killed takes
 * them along: the next one runs exec_start_pre again, the others not.
 */
#ifndef SUPERVISOR_HOOKS_H
#define SUPERVISOR_HOOKS_H

#include <stdbool.h>

struct program;
struct service;

/* S is to be spawned: true if that has to wait for a command.  The service is
 * queued again, or its start has failed, when that is over. */
bool hooks_hold(struct service *s);

/* S has changed and was as BEFORE: runs what follows from that. */
void hooks_follow(struct service *s, const struct program *before);

/* After a takeover: the daemon ends with S if it was to. */
void hooks_takeover(struct service *s);

/* exec_stop_post is under way. */
bool hooks_are_ending(const struct service *s);

/* Ends and forgets them. */
void hooks_free(struct service *s);

#endif
