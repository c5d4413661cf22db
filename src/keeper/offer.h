/*
 * A program that is offered for an upgrade: it is run with a copy of the
 * handover, and says whether it could go on from that.  One at a time; the
 * last one counts.
 */
#ifndef KEEPER_OFFER_H
#define KEEPER_OFFER_H

#include <sys/types.h>

struct handover;

/* Asks the program FD, which it takes, about H and KEPT.  0, or -1: it cannot
 * be asked, and is forgotten. */
int offer_ask(int fd, struct handover *h, const int *kept);

/* It has had time enough: if it still has not answered it is killed, and that
 * is its answer. */
void offer_hurry(void);

/*
 * A child of the keeper, PID, has ended with STATUS.  NULL: it was not the one
 * that is asked; "": the program can go on, and is kept for offer_take();
 * anything else is why not, and it is forgotten.
 */
const char *offer_answer(pid_t pid, int status);

/* The program that can; the caller owns the descriptor.  -1: there is none. */
int offer_take(void);

/* Nobody wants it any more. */
void offer_forget(void);

#endif
