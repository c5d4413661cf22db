/*
 * The board: memory that the keeper and the supervisor share, and that
 * outlives the supervisor.
 *
 * It is a memfd sealed against changes of size, mapped by both.  Each process
 * of the configuration has a slot for as long as it is configured.  Its two
 * sides:
 *
 *   the supervisor writes gen[slot] and then clones with CLONE_PARENT_SETTID
 *   aimed at pid[slot]: the kernel itself stores the pid before the child can
 *   run, so there is no moment at which a child exists and the keeper, its
 *   parent, could not say whose it is; nor one that a SIGKILL could hit.
 *
 *   the keeper, on the end of pid[slot], fills end[slot], clears pid[slot],
 *   sets the bit in ended[] and only then reaps.  pid[slot] != 0 therefore
 *   means: not reaped, the number is still ours to signal.
 *
 * rec[slot] is the supervisor's own memory (a struct program), opaque to the
 * keeper.  It has two copies, and `live` names the good one, so a SIGKILL in
 * the middle of a write leaves the old one.  An end is handled once because
 * the record and end[slot] both carry the run's number: see takeover in
 * supervisor/service.c.
 *
 * On x86 and ARM, stores that a dead process made are seen in the order of
 * the atomic operations below; the board never reaches a disk.
 */
#ifndef LIB_BOARD_H
#define LIB_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/proc.h"

#define BOARD_MAGIC 0x4d505342u /* "MPSB" */
#define BOARD_VERSION 3
#define BOARD_SLOTS 16384 /* processes; == CONF_PROCESS_MAX */
#define BOARD_RECORD 208 /* bytes of a record, at most */
#define BOARD_PROGRAM 512 /* bytes of the path of mpsupd, at most */

/* How a run ended.  Written by the keeper alone. */
struct board_end {
	uint32_t gen; /* the run; 0: none yet */
	int32_t status; /* wait status */
	int32_t pid; /* that it had */
	uint8_t unknown; /* it was no child and nobody knows its status */
	int64_t at_ns; /* monotonic, when it was seen */
};

struct board_record {
	_Atomic uint32_t live; /* 0: none yet; else 1 + the good copy */
	uint32_t pad;
	unsigned char copy[2][BOARD_RECORD];
};

struct board {
	uint32_t magic, version;

	/* Set once, before the keeper starts. */
	int64_t started_ns, started_s; /* monotonic, wall clock */
	uint64_t nofile_cur, nofile_max; /* limits of whoever started it */
	uint64_t nproc_cur, nproc_max;
	uint8_t foreground; /* -n: no daemon, logs also to stderr */
	int32_t oom_score; /* oom_score_adj of whoever started it */
	char program[BOARD_PROGRAM]; /* path of mpsupd, for an upgrade */
	uint32_t found; /* programs that outlived the daemon before us */
	uint8_t unclean; /* that one was killed: what its programs had left
			  * may live, too */

	/* The keeper's. */
	int32_t keeper_pid;
	_Atomic int32_t supervisor_pid;
	uint32_t supervisor_starts;
	int32_t supervisor_status; /* wait status of the one before */
	uint8_t hung; /* ... which was ended because it did not answer */
	uint8_t safe; /* the present one is to run in safe mode */
	uint32_t promotions; /* keepers that were killed and replaced */
	uint32_t upgrades;
	_Atomic uint32_t wake; /* a wake-up is on its way */
	_Atomic uint64_t signals; /* bit N: signal N of people, to be obeyed */

	/* The supervisor's. */
	_Atomic uint32_t nslots; /* slots in use are below this */
	_Atomic uint32_t stopping; /* an orderly stop is under way: 1, and the
				    * exit code of the daemon << 8 */
	_Atomic int64_t beat_ns; /* monotonic: its last sign of life */
	struct board_said {
		uint32_t promotions, upgrades; /* in the log, so many */
	} said;
	_Atomic uint32_t state_seq; /* writes to the state file */

	_Atomic uint64_t ended[BOARD_SLOTS / 64]; /* bit: end[] is news */
	_Atomic int32_t pid[BOARD_SLOTS]; /* 0: none, or reaped */
	_Atomic uint32_t gen[BOARD_SLOTS]; /* run that pid belongs to */
	_Atomic uint32_t failed[BOARD_SLOTS]; /* step << 16 | errno, by the
					       * child of that run; 0: none */
	_Atomic uint8_t stopped[BOARD_SLOTS]; /* by this signal; 0: no.  The
					       * keeper's */
	_Atomic uint8_t orphan[BOARD_SLOTS]; /* pid is no child of the keeper:
					      * its parent was killed.  The
					      * keeper's */
	int64_t spawned_ns[BOARD_SLOTS]; /* just before the clone, monotonic */
	struct proc_birth birth[BOARD_SLOTS]; /* from: before the clone; to:
					       * the child's first act */
	struct board_end end[BOARD_SLOTS];
	struct board_record rec[BOARD_SLOTS];
};

/* A new board in a sealed memfd.  Returns the descriptor (close-on-exec) or
 * -1 with errno; *RET is the mapping. */
int board_create(struct board **ret);

/* Maps FD, a board of this version.  NULL with errno (EINVAL: it is not). */
struct board *board_map(int fd);

/* The record of SLOT into OUT of SIZE <= BOARD_RECORD bytes; false if none
 * was stored. */
bool board_load(const struct board *b, uint32_t slot, void *out, uint32_t size);

/* Stores a record: afterwards, or after a kill at any moment, board_load()
 * gives either the old or the new one. */
void board_store(struct board *b, uint32_t slot, const void *rec,
    uint32_t size);

/* Forgets all of SLOT, so that another process may have it. */
void board_clear(struct board *b, uint32_t slot);

#endif
