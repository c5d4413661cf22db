/* The supervisor's end of the keeper link (lib/link.h). */
#ifndef SUPERVISOR_UPLINK_H
#define SUPERVISOR_UPLINK_H

#include <stdint.h>

struct supervisor;

/*
 * Receives all that the keeper holds: listener, configuration and board into
 * SUP, each kept pipe into sup->kept.  *RET_CONFIG is the descriptor of the
 * encoded configuration; the caller closes it.  Waits for the keeper, which
 * sends before it does anything else.  0, or -1: the keeper is gone or
 * speaks another version.
 */
int uplink_init(struct supervisor *sup, int *ret_config);

/* Watches the link: wake-ups, signals of people, the keeper's end. */
void uplink_start(struct supervisor *sup);

/* Gives the keeper a copy of FD, pipe of STREAM of SLOT.  0, or -1. */
int uplink_keep(struct supervisor *sup, uint32_t slot, int stream, int fd);

/* The keeper forgets the pipes of SLOT. */
void uplink_drop(struct supervisor *sup, uint32_t slot);

/* FD (encoded configuration) is what the next supervisor starts from. */
int uplink_config(struct supervisor *sup, int fd);

/* `start` may return: the socket is served; or it never will be, TEXT says
 * why; or all is down and the daemon ends with CODE. */
void uplink_serving(struct supervisor *sup);
void uplink_fail(struct supervisor *sup, const char *text);
void uplink_quit(struct supervisor *sup, int code);

#endif
