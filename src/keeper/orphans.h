/*
 * Programs that are no children of this keeper: their own was killed.  Their
 * end is seen through a pidfd; how they ended, only if the kernel tells.
 */
#ifndef KEEPER_ORPHANS_H
#define KEEPER_ORPHANS_H

#include <stdint.h>

struct board;

/* Their ends go to ENDED: STATUS is the wait status, or -1: unknown. */
typedef void orphan_ended_fn(uint32_t slot, int status);

/* Begins with none.  Returns a descriptor to poll for POLLIN. */
int orphans_init(struct board *b, orphan_ended_fn *ended);

/* All that runs, says the board, is an orphan: the keeper was killed. */
void orphans_mark(void);

/*
 * Takes on all orphans on the board, those of earlier keepers included.  One
 * that is gone, or whose number belongs to another process, has ended.  Returns
 * how many are not settled, because they could not be watched (no descriptor
 * left) or ended and are not reaped: call it again in a tenth of a second.  One
 * that nobody reaps within two seconds has no status, and the next ones are
 * waited for less.  (To start a program again that is done would be worse than
 * to start one late.)
 */
unsigned orphans_take(void);

/* Reports those that ended.  Returns how many of them nobody has reaped yet. */
unsigned orphans_turn(void);

#endif
