/*
 * When the keeper is gone: this process becomes the keeper, with every
 * descriptor it has, and starts a new supervisor, which goes on from the
 * board.  Programs notice nothing.
 */
#ifndef SUPERVISOR_PROMOTE_H
#define SUPERVISOR_PROMOTE_H

struct supervisor;

/* Executes the keeper in place of this process.  Returns only if it cannot:
 * then the daemon says so, starts nothing, and tries again every second. */
void promote(struct supervisor *sup);

#endif
