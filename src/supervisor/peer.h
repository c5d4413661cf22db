/*
 * Connected clients and their requests.
 *
 * A *peer* is one connection.  A *request* is one line it sent; it ends with
 * one reply, at once or later, and a stream goes on after its reply.  Replies
 * are produced as the client reads them: a request gives its output piece by
 * piece through `fill`, at most PROTO_QUEUE_MAX bytes wait for a client, and a
 * client that reads nothing for a while is closed.
 *
 * A peer is never freed under a caller: peer_close() marks it, and it goes at
 * the end of the loop's turn, with its requests and their waiters.
 */
#ifndef SUPERVISOR_PEER_H
#define SUPERVISOR_PEER_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/proto.h"
#include "lib/buf.h"

struct method;
struct peer;
struct server;
struct supervisor;
struct waiter;

/* Descriptors of one request.  They come with its first bytes and are for
 * `run`; others are closed, and so is every one of a peer that may not
 * control. */
#define PEER_FDS 2

/* What a request has to say now. */
enum fill {
	FILL_MORE, /* more of the same message: call again, nobody else's */
	FILL_YIELD, /* a whole message; more may come, others first */
	FILL_IDLE, /* nothing until request_ready() */
	FILL_DONE, /* that was all: the request is freed */
};

struct request {
	struct peer *peer;
	const struct method *method;
	json_t *params; /* an object; owned */
	char id[PROTO_ID_MAX + 1]; /* as JSON text; "" for a notification */
	struct buf reply; /* for the default fill */
	enum fill (*fill)(struct request *r, struct buf *out);
	void (*cleanup)(struct request *r); /* frees `state`, or NULL */
	void *state; /* of the command */
	struct waiter *waiter; /* freed with it, or NULL */
	bool stream; /* a follow: exempt from stall limits */
	bool limited; /* only programs that have its user as operator */
	bool ready; /* in peer->ready */
	TAILQ_ENTRY(request) entry, ready_entry;
};

TAILQ_HEAD(request_list, request);

struct peer {
	struct supervisor *sup;
	int fd;
	ev_io io;
	ev_timer stall; /* runs while output waits, or it is not read */
	double watch; /* seconds `stall` was set to; 0: it does not run */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	struct buf in, out;
	struct request_list requests; /* all */
	struct request_list ready; /* with something to say, in order */
	unsigned nrequests, nready;
	bool closing; /* free it at the end of the turn */
	bool last; /* close it when all is answered: it sent garbage */
	bool eof; /* it sends no more */
	bool in_turn; /* peer_resume() is at work and will see to interest */
	bool again; /* in server->again: input waits to be looked at */
	int64_t active_ns; /* last time it did something */
	int fds[PEER_FDS]; /* descriptors that came with what it sends */
	int nfds;
	TAILQ_ENTRY(peer) entry; /* least recently active first */
	TAILQ_ENTRY(peer) again_entry;
};

/* Takes the connected FD (non-blocking). */
struct peer *peer_new(struct supervisor *sup, int fd);
void peer_close(struct peer *p);
void peer_free(struct peer *p);

/* Sends what can be sent now; for the end of the daemon. */
void peer_flush(struct peer *p);

/* Goes on with input that is already here. */
void peer_resume(struct peer *p);

/* It has neither a request under way nor a stream. */
bool peer_is_idle(const struct peer *p);

/* --- for commands --- */

/* R has something to say: its fill is called soon. */
void request_ready(struct request *r);

/* The next descriptor that came with R, now the caller's; -1: there is none. */
int request_take_fd(struct request *r);

/* Ends R with RESULT (JSON text, taken over and cleared). */
void request_result(struct request *r, struct buf *result);

/* Ends R with an error. */
void request_error(struct request *r, enum proto_error e, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* The same with DATA, JSON text of further members of "data" (",..."). */
void request_error_data(struct request *r, enum proto_error e,
    const char *data, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Appends `{"jsonrpc":"2.0","id":ID,"result":` resp. the whole head of a
 * notification up to its params. */
void request_head(struct request *r, struct buf *out);

#endif
