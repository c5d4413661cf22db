/* The supervisor's end of the keeper link (lib/link.h). */
#ifndef SUPERVISOR_UPLINK_H
#define SUPERVISOR_UPLINK_H

#include <stddef.h>
#include <stdint.h>

struct supervisor;

/*
 * Receives all that the keeper holds: sup->fd, the board, each kept pipe into
 * sup->kept.  Waits for the keeper, which sends before it does anything else.
 * 0, or -1: the keeper is gone or speaks another version.
 */
int uplink_init(struct supervisor *sup);

/* Watches the link: wake-ups, signals of people, the keeper's end. */
void uplink_start(struct supervisor *sup);

/* Gives the keeper copies of N <= LINK_FDS pipes; SLOTS[i] is the LINK_SLOT()
 * of FDS[i].  0, or -1. */
int uplink_keep(struct supervisor *sup, const uint32_t *slots, const int *fds,
    size_t n);

/* The keeper forgets the pipes of SLOT. */
void uplink_drop(struct supervisor *sup, uint32_t slot);

/* Asks the keeper whether FD, a program, could take over; it answers with
 * method_upgrade_checked().  Then: it is to do so now. */
int uplink_offer(struct supervisor *sup, int fd);
void uplink_upgrade(struct supervisor *sup);

/* FD (encoded configuration) is what the next supervisor starts from. */
int uplink_config(struct supervisor *sup, int fd);

/* `start` may return: the socket is served; or it never will be, TEXT says
 * why; or all is down and the daemon ends with CODE. */
void uplink_serving(struct supervisor *sup);
void uplink_fail(struct supervisor *sup, const char *text);
void uplink_quit(struct supervisor *sup, int code);

/* This process ends next, and another is to start at once. */
void uplink_again(struct supervisor *sup);

#endif
