/* The control socket: accepting, limits, who may do what. */
#ifndef SUPERVISOR_SERVER_H
#define SUPERVISOR_SERVER_H

#include <ev.h>
#include <stdbool.h>
#include <sys/queue.h>

struct conf_process;
struct peer;
struct supervisor;

TAILQ_HEAD(peer_list, peer);

struct server {
	ev_io io;
	ev_timer pause; /* out of descriptors: accept again later */
	struct peer_list peers; /* least recently active first */
	struct peer_list dead; /* freed at the end of the turn */
	struct peer_list again; /* with input left over from their turn */
	unsigned npeers, max_peers;
};

enum permission { MAY_LOOK, MAY_CONTROL };

/* Serves sup->fd[ROLE_LISTENER] with at most MAX_PEERS connections. */
void server_init(struct supervisor *sup, unsigned max_peers);

/* Frees closed peers and gives a turn to those with input left; once per turn
 * of the loop.  True: some still have, the loop must not wait. */
bool server_turn(struct supervisor *sup);

/* Sends what is queued, for at most TIMEOUT_MS in all. */
void server_flush(struct supervisor *sup, int timeout_ms);

/* True if P may WHAT: root and the daemon's own user everything, operators
 * both, readers and the operators of a program look. */
bool server_permits(const struct peer *p, enum permission what);

/* P may control the program C; some program. */
bool server_permits_program(const struct peer *p, const struct conf_process *c);
bool server_permits_some(const struct peer *p);

/* Access to the socket's path follows the configuration. */
void server_set_mode(struct supervisor *sup);

#endif
