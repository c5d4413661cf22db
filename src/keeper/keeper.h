/*
 * The keeper: parent of every program, holder of what must outlive the
 * supervisor.  See keeper.c for how, src/README.md for why.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#define KEEPER_TITLE "mpsupd: keeper" /* argv[0] that selects this mode */
#define SUPERVISOR_TITLE "mpsupd: supervisor"

/*
 * Runs the keeper from HANDOVER_FD (handover.h).  Returns the exit code of
 * the daemon: 0 after an orderly stop, 1 if the supervisor could not be
 * brought to serve.
 */
int keeper_main(void);

#endif
