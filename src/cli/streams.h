/*
 * A program as if it ran here: its output on our own stdout and stderr, byte
 * for byte, until its run is over, and its end.  For `run` and `attach`.
 *
 * The two outputs and the word about the end come over connections of their
 * own.  An output whose reader is slow stops nothing but itself: whoever reads
 * our stdout to its end and stderr only then does not lock up.
 */
#ifndef CLI_STREAMS_H
#define CLI_STREAMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/request.h"
#include "lib/buf.h"

struct cli;
struct streams;

/* What `run` and `attach` do differently. */
struct streams_ops {
	/* Sends the request that tells of the end, on st->control; again after
	 * a lost connection.  0, or -1 with errno. */
	int (*ask)(struct streams *st);
	/* A message came there.  The exit code, or -1: it is not over. */
	int (*told)(struct streams *st, const struct reply *p);
	/* A signal came to us, or SIGPIPE: nobody reads an output any more.
	 * The exit code, or -1: go on. */
	int (*signalled)(struct streams *st, int signo);
	/* The time is over: go on until it is told. */
	void (*late)(struct streams *st);
};

/* One output. */
struct flow {
	struct request r;
	const char *stream; /* "stdout", "stderr" */
	int out; /* where it goes */
	size_t lot; /* bytes that `out` takes without waiting when it says so */
	char *position; /* behind what was taken over; NULL: nothing yet */
	struct buf piece; /* taken over, not written yet */
	bool done; /* all of it was received */
	bool shut; /* `out` is, for us */
};

struct streams {
	struct cli *cli;
	const struct streams_ops *ops;
	void *data; /* the ops' */
	char *name; /* of the program */
	bool whole; /* from the beginning of the log, not from now on */
	int input; /* what comes on our stdin goes there; < 0: nowhere, ... */
#define INPUT_UNKNOWN (-1) /* ... so far */
#define INPUT_NONE (-2)
	int64_t deadline_ms; /* of request_now_ms(); 0: none */
	/* Not for the ops: */
	struct request control;
	struct flow flow[2];
	char typed[4096]; /* of our stdin, not written yet */
	size_t ntyped;
	bool answered; /* `ask` was, once */
	bool over; /* the end is known */
	bool failed; /* output could not be written */
};

/* Runs it: the exit code.  Connects by itself; a failure has been said. */
int streams_run(struct streams *st);

#endif
