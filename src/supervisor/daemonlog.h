/* The daemon's own log: messages of lib/log.h with date and level in front. */
#ifndef SUPERVISOR_DAEMONLOG_H
#define SUPERVISOR_DAEMONLOG_H

#include <stdbool.h>

struct conf_main;

/*
 * Sends messages to the log file of M from now on (rotated by its size), and
 * to stderr as well with TO_STDERR.  M is borrowed until the next call.  0, or
 * -1 with errno: the file cannot be opened, messages go to stderr only.
 */
int daemonlog_init(const struct conf_main *m, bool to_stderr);

/* Writes what was gathered; at the end of each turn of the loop, and before
 * the process ends.  A SIGKILL in a turn with many messages loses those after
 * the first few: what happened is on the board, and no program's byte is
 * among them. */
void daemonlog_flush(void);

/* Opens the file again by its name. */
void daemonlog_reopen(void);

#endif
