/*
 * Ends of children.  That of a program is on the board before its zombie is
 * taken away: whoever is interrupted, nothing is forgotten.
 *
 * Source: waitid(2).
 */
#ifndef KEEPER_REAP_H
#define KEEPER_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct board;

/* A child that has no slot, PID, has ended with STATUS and is gone. */
typedef void reap_other_fn(pid_t pid, int status);

/* WAKE tells the supervisor to look at the board. */
void reap_init(struct board *b, void (*wake)(void), reap_other_fn *other);

/* A SIGCHLD came: the next reap() looks.  A look walks over all children. */
void reap_soon(void);

/* Takes what has ended, and notes who is stopped or goes on.  The first end is
 * told at once, the others of a batch together: a wake-up costs more than an
 * end.  False: a call failed, call it again soon. */
bool reap(void);

/* The run in SLOT ended with STATUS; -1: nobody knows how. */
void reap_record(uint32_t slot, int status);

#endif
