/*
 * The keeper: parent of every program, holder of what must outlive the
 * supervisor.  See keeper.c for how, DESIGN in src/README.md for why.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <stdint.h>

#define KEEPER_TITLE "mpsupd: keeper" /* argv[0] that selects this mode */
#define SUPERVISOR_TITLE "mpsupd: supervisor"
#define HANDOVER_FD 3 /* of keeper: struct handover; of supervisor: link */

#define HANDOVER_MAGIC 0x4d505348u /* "MPSH" */
#define HANDOVER_VERSION 1

/*
 * What a keeper starts from, in a memfd at HANDOVER_FD.  Descriptors are
 * numbers in the table that the exec inherits; -1: none.  After it come
 * nkept entries of struct handover_kept.
 */
struct handover {
	uint32_t magic, version;
	int32_t listener; /* bound control socket, not listening yet */
	int32_t pidfile[2]; /* locked; they are only held */
	int32_t config; /* encoded configuration */
	int32_t board;
	int32_t binary; /* the program, for exec */
	int32_t notify; /* pipe to the waiting `start` */
	uint32_t nkept;
};

struct handover_kept {
	uint32_t slot;
	int32_t fd[2]; /* stdout, stderr pipe */
};

/*
 * Runs the keeper from HANDOVER_FD.  Returns the exit code of the daemon: 0
 * after an orderly stop, 1 if the supervisor could not be brought to serve.
 */
int keeper_main(void);

#endif
