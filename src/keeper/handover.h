/*
 * What a keeper starts from: a sealed memfd at HANDOVER_FD, written by
 * `start`, by a supervisor whose keeper was killed, or by the keeper that it
 * replaces in an upgrade.  Descriptors are numbers in the table that the exec
 * inherits; -1: none.
 */
#ifndef KEEPER_HANDOVER_H
#define KEEPER_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/board.h"
#include "lib/link.h"

#define HANDOVER_FD 3 /* of keeper: this; of supervisor: link */
#define HANDOVER_MAGIC 0x4d505348u /* "MPSH" */
#define HANDOVER_VERSION 3
/* Entries of an array by LINK_SLOT: fd + 1; 0: none. */
#define HANDOVER_KEPT (KEPT_PER_SLOT * BOARD_SLOTS)
#define CAN_READ_OPTION "--can-read" /* mpsupd --can-read FD: cli/canread.h */

/* After it come nkept entries of struct handover_kept. */
struct handover {
	uint32_t magic, version;
	int32_t fd[LINK_ROLES]; /* by enum link_role */
	int32_t notify; /* pipe to the waiting `start` */
	int32_t previous; /* program to go back to if this one cannot read */
	/* Of the supervisor that `start` has begun, or, if there is a previous
	 * program, of the one that ran before the upgrade.  Pid 0: none. */
	int32_t link, supervisor;
	uint32_t nkept;
};

struct handover_kept {
	uint32_t index; /* LINK_SLOT(slot, stream) */
	int32_t fd;
};

/* All descriptors of H -1. */
void handover_init(struct handover *h);

/*
 * Executes ROLE_BINARY as the keeper with H and KEPT (HANDOVER_KEPT entries).
 * Returns only if it fails, with errno; then all is as before, but descriptors
 * in H and KEPT may have other numbers, and HANDOVER_FD, which the caller
 * keeps free for this, is lost.
 */
void handover_exec(struct handover *h, int *kept);

/* The same bytes in a memfd, at their beginning; for asking another program
 * whether it can read them.  -1 with errno. */
int handover_write(struct handover *h, const int *kept);

/*
 * Reads H and KEPT from FD to its end, all that it names becomes
 * close-on-exec.  False: it is damaged or of another version; H then has at
 * least `previous` and `magic` if those could be read.
 */
bool handover_read(int fd, struct handover *h, int *kept);

#endif
