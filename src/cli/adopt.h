/*
 * `start` after a daemon of which nothing is left but its programs: both of
 * its processes were killed.  What still runs is found by the state file and
 * taken on as it is; nothing is ever started a second time.
 */
#ifndef CLI_ADOPT_H
#define CLI_ADOPT_H

#include <stdint.h>

struct board;
struct config;

/*
 * Puts every program of the state file PATH that still runs on B, in the slot
 * of CONF's process of the same name, and its output pipes into KEPT
 * (HANDOVER_KEPT entries, fd + 1).  The slots of CONF are numbered already.
 * One that CONF does not have is appended to it as `leaving`: the supervisor
 * stops it.  What cannot be understood or found is said on stderr.  Returns
 * how many were adopted.
 */
uint32_t adopt(const char *path, struct config *conf, struct board *b,
    int *kept);

/* A new state file PATH with what B has; a descriptor for the daemon.  -1: it
 * cannot be written, which was said; the daemon then goes without. */
int adopt_write(const char *path, const struct config *conf,
    const struct board *b, const int *kept);

/* How many programs of the state file PATH still run; 0 if it cannot be
 * read. */
unsigned adopt_count(const char *path);

#endif
