/*
 * The client's end of the control socket: connect, ask, read the answer.
 *
 * A connection that is lost before the answer came is made again and the
 * request repeated as it was: the supervisor may be killed at any time, and
 * the keeper holds the listening socket meanwhile.  Nothing here prints.
 *
 * Next: cli.h (where the daemon is, what is said when it fails).
 */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "core/proto.h"
#include "lib/buf.h"

#define REQUEST_RETRY_MS 5000 /* how long a lost connection is tried again */
#define REPLY_MAX (256 * 1024 * 1024) /* bytes of one line from the daemon */

struct reply;

/* A connection to the daemon.  Read only for others, except where said. */
struct request {
	char *path; /* of the socket */
	int fd; /* -1: not connected */
	pid_t peer; /* who called listen(): the keeper; 0: not known */
	struct buf in; /* received, not yet looked at */
	uint64_t body; /* raw bytes of the last message still to be read */
	int id; /* of the last request */
	int64_t since_ms; /* when connected, monotonic */
	int64_t lost_ms; /* when the connection was lost; 0: it was not */
	/* Set by the caller after request_open(): */
	int64_t deadline_ms; /* monotonic: then ETIMEDOUT; 0: never */
	int peer_fd; /* pidfd of peer: do not retry when it has ended; -1 */
	int out_fd; /* EPIPE when nobody reads it any more; -1 */
	/* Told of each notification before the answer, or NULL. */
	void (*notified)(struct request *r, const struct reply *p);
};

/* One message of the daemon.  reply_clear() frees. */
struct reply {
	char *line; /* as received, without the newline */
	json_t *root;
	json_t *result; /* borrowed from root; NULL if there is none */
	json_t *params; /* of a notification; borrowed; NULL: it is none */
	enum proto_error error; /* PROTO_OK: result or params is set */
	const char *message; /* the sentence of an error; borrowed */
	json_t *data; /* of an error, or NULL; borrowed */
	uint64_t body; /* raw bytes that follow */
};

/* Monotonic milliseconds; never 0. */
int64_t request_now_ms(void);

/*
 * Connects R to the socket at PATH (copied).  Blocks while the daemon's queue
 * is full.  0, or -1 with errno of socket(2) or connect(2); R may be closed
 * in both cases.
 */
int request_open(struct request *r, const char *path);
void request_close(struct request *r);

/*
 * Sends METHOD with PARAMS (the text of a JSON object) and waits for the
 * answer, which may be an error of the daemon's.  Reconnects and repeats as
 * said above; a change must carry a request_id for that.  0: *RET is filled,
 * reply_clear() frees.  -1, *RET untouched, errno:
 *   EMSGSIZE    the request is longer than the protocol allows; not sent
 *   ECONNRESET  connection lost and not to be had again; outcome unknown
 *   ESRCH       the same, and the process of peer_fd has ended
 *   ETIMEDOUT   deadline_ms has passed
 *   EPIPE       nobody reads out_fd
 *   EPROTO      the answer is not of this protocol
 */
int request_call(struct request *r, const char *method,
    const struct buf *params, struct reply *ret);

/* Sends METHOD with PARAMS, and NFDS <= REQUEST_FDS descriptors with it, and
 * does not wait: the answer comes by request_next().  Connects again first if
 * the connection was lost.  0, or -1 with errno as request_call(). */
#define REQUEST_FDS 2
int request_send(struct request *r, const char *method,
    const struct buf *params, const int *fds, size_t nfds);

/* Waits for the next message, such as a notification.  The body of the last
 * one must have been read.  As request_call(), but it never reconnects:
 * ECONNRESET is a lost connection, and the next request_call() makes it
 * again. */
int request_next(struct request *r, struct reply *ret);

/*
 * Asks once for METHOD, as request_call(), and gives each message that comes
 * to SHOW: the answer, then, with FOLLOW, one after the other.  0: that was
 * all; otherwise what SHOW returned last, which with -1 sets errno, or -1 with
 * errno as above.  ECONNRESET: lost in between, to be asked again from where it
 * was; ENOTCONN: it is not to be had again.
 */
typedef int request_show_fn(void *arg, const struct reply *p);
int request_follow(struct request *r, const char *method,
    const struct buf *params, bool follow, request_show_fn *show, void *arg);

/* Reads at most SIZE > 0 bytes of the body.  Their number, 0 at the end of
 * the body, -1 with errno as request_next(). */
ssize_t request_body(struct request *r, void *p, size_t size);

void reply_clear(struct reply *p);

/* Finds the value of the member KEY of the JSON object LINE (valid JSON) as
 * it is written there.  NULL if it has none. */
const char *reply_raw(const char *line, const char *key, size_t *ret_len);

/* 16 random hex digits and a NUL. */
void request_new_id(char id[17]);

/* Members of a JSON object: the string, or NULL; the number, or DEF; a whole
 * number of which the negative is an int, too, or DEF; true only if it is the
 * word true. */
const char *reply_str(const json_t *obj, const char *key);
double reply_num(const json_t *obj, const char *key, double def);
int reply_int(const json_t *obj, const char *key, int def);
bool reply_true(const json_t *obj, const char *key);

#endif
