/*
 * The state file: what the next `start` must know of programs that outlived
 * both the keeper and the supervisor.
 *
 * It lies in the run directory and is never flushed: it serves as long as the
 * machine runs, and the boot id in it says which run of the machine that is.
 * Layout: a head, an array of pids at STATE_PIDS, records at STATE_RECORDS,
 * one for each slot of the board.
 *
 * The pids are mapped, and the kernel itself stores a new child's pid there
 * (CLONE_CHILD_SETTID) before the child can run; all else is written with
 * pwrite(2), so a file that was cut short or a full file system can make a
 * write fail but never a process.  A record of 512 bytes lies within a page
 * and has a CRC: it is the old one, the new one, or known to be damaged.
 */
#ifndef LIB_STATE_H
#define LIB_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/board.h"
#include "lib/proc.h"

#define STATE_MAGIC 0x4d505346u /* "MPSF" */
#define STATE_VERSION 2
#define STATE_PIDS 4096 /* offset: int32_t [BOARD_SLOTS] */
#define STATE_RECORDS (STATE_PIDS + 4 * BOARD_SLOTS)
#define STATE_LABEL 240

struct state_head {
	uint32_t magic, version, record_size, slots;
	char boot_id[40]; /* /proc/sys/kernel/random/boot_id */
	int32_t keeper_pid;
	int32_t stopping; /* the daemon was stopping: its programs are not to
			   * end for ever */
};

struct state_record {
	uint32_t crc; /* of all that follows */
	uint32_t seq; /* grows with each write */
	uint32_t gen; /* run that pid belongs to; 0: no record */
	int32_t stopsignal; /* how to end it when nobody wants it any more */
	int64_t stopwaitsecs;
	struct proc_birth birth;
	uint64_t pipe[2]; /* inodes of its output pipes; 0: none */
	char label[STATE_LABEL]; /* "group:name", cut to size */
	uint64_t label_hash; /* of all of it */
	unsigned char program[BOARD_RECORD];
};

/* A file under way.  fd -1: there is none, every call does nothing. */
struct state {
	int fd;
	int32_t *pids; /* mapped; NULL: not */
	_Atomic uint32_t *seq; /* on the board: it outlives us */
};

/* A new, empty file for this boot in PATH, which it replaces only with
 * state_publish().  The pids of the first SLOTS have room on the disk: a clone
 * that stores the first one would wait milliseconds for it.  The descriptor
 * (close-on-exec), or -1 with errno. */
int state_create(const char *path, int32_t keeper_pid, uint32_t slots);

/* Gives the file FD of state_create() its name.  0, or -1 with errno. */
int state_publish(const char *path);

/* Uses FD, of state_create(), from now on; takes it.  SEQ counts the writes. */
void state_init(struct state *st, int fd, _Atomic uint32_t *seq);

/* Address where clone is to store the pid of SLOT; NULL: nowhere. */
int32_t *state_pid(struct state *st, uint32_t slot);

/* Writes R for SLOT, crc and seq are filled in; no run (gen 0) clears it. */
void state_put(struct state *st, uint32_t slot, struct state_record *r);

/* The stop of the whole daemon begins. */
void state_set_stopping(struct state *st);

/* The pid of SLOT; 0: no process, the number may be another's soon. */
void state_set_pid(struct state *st, uint32_t slot, int32_t pid);

/* FNV-1a of a label. */
uint64_t state_hash(const char *label);

/*
 * Calls FN for each record of the file PATH that has a pid, if the file is of
 * this boot and version; *RET_STOPPING (may be NULL) is set before.  Returns
 * how many records were damaged; -1 with errno: no such file, or EINVAL, ESTALE
 * (of another boot).
 */
int state_read(const char *path,
    void (*fn)(void *arg, int32_t pid, const struct state_record *r),
    void *arg, bool *ret_stopping);

#endif
