/* `mpsupd --can-read FD`: asked by a keeper that is to become this program. */
#ifndef CLI_CANREAD_H
#define CLI_CANREAD_H

/* 0 if this program could go on from the handover at descriptor NUMBER, its
 * board and its configuration; else 1, and the reason on stderr. */
int can_read(const char *number);

#endif
