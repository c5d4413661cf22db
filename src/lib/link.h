/*
 * The link between keeper and supervisor: a SOCK_SEQPACKET pair that carries
 * fixed-size records of this machine and build, and descriptors.
 *
 * What can be shared memory is on the board (board.h); the link is for what
 * cannot: descriptors to keep, wake-ups, and the words around start and end.
 * Every packet is one struct link_msg; anything else is ignored.
 */
#ifndef LIB_LINK_H
#define LIB_LINK_H

#include <stddef.h>
#include <stdint.h>

#define LINK_VERSION 3
#define LINK_FDS 128 /* descriptors in one packet, at most */
#define LINK_TEXT 512

enum link_type {
	/* keeper to supervisor */
	LINK_HELLO = 1, /* n of slot[], each an enum link_role, and its fd */
	LINK_KEPT, /* n of slot[] with one fd each, in order */
	LINK_READY, /* that was all */
	LINK_WAKE, /* look at board->ended and board->signals; beat */
	LINK_CHECKED, /* of the program offered: text says why not, or "" */

	/* supervisor to keeper */
	LINK_SERVING, /* the socket is served: `start` may return */
	LINK_FAILED, /* it never will be: text says why */
	LINK_KEEP, /* n of slot[] with one fd each */
	LINK_DROP, /* close what is kept as n of slot[] */
	LINK_CONFIG, /* fd: the configuration from now on */
	LINK_QUIT, /* all is down; arg: exit code of the daemon */
	LINK_AGAIN, /* it ends now and wants to be started anew */
	LINK_OFFER, /* fd: program to upgrade to; is it fit? */
	LINK_UPGRADE, /* do it: that program becomes keeper and supervisor */
};

/* Which descriptor of the daemon.  Each process holds all of them: whichever
 * is left can go on. */
enum link_role {
	ROLE_LISTENER, /* control socket */
	ROLE_CONFIG, /* encoded configuration */
	ROLE_BOARD,
	ROLE_BINARY, /* the program, for exec */
	ROLE_STATE, /* state file */
	ROLE_PIDFILE, /* locked; ... */
	ROLE_PIDFILE2, /* ... and the one configured elsewhere */
	LINK_ROLES,
	/* In HELLO, too, while `start` waits: the pipe to it. */
	HELLO_NOTIFY = LINK_ROLES
};

/* Which descriptor of a slot: LINK_SLOT(slot, which). */
enum link_kept { KEPT_STDOUT, KEPT_STDERR, KEPT_READY, KEPT_PER_SLOT };
#define LINK_SLOT(slot, which) \
	((uint32_t)(slot) * KEPT_PER_SLOT + (uint32_t)(which))

struct link_msg {
	uint16_t version; /* LINK_VERSION */
	uint16_t type; /* enum link_type */
	int32_t arg;
	uint32_t n; /* entries of slot[], <= LINK_FDS */
	union {
		uint32_t slot[LINK_FDS];
		char text[LINK_TEXT]; /* NUL-terminated */
	};
};

/*
 * Sends one packet with NFDS descriptors.  Never blocks and never raises
 * SIGPIPE.  0, or -1 with errno: EAGAIN when the socket is full, EPIPE when the
 * other end is gone.
 */
int link_send(int sock, const struct link_msg *m, const int *fds, size_t nfds);

/*
 * Receives one packet.  Returns 1; 0 at the end of the stream; -1 with errno
 * (EAGAIN: none waits; EPROTO: a packet that is not ours was dropped).
 * *RET_NFDS descriptors are in FDS (LINK_FDS of room), close-on-exec; the
 * caller owns them.
 */
int link_recv(int sock, struct link_msg *m, int *fds, size_t *ret_nfds);

#endif
