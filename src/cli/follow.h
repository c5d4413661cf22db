/* The log of a program on stdout: what is there, and what comes. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

struct cli;

struct follow_opts {
	const char *name; /* one process */
	const char *stream; /* "stdout" or "stderr" */
	int64_t lines; /* from the end; -1: all */
	bool follow; /* go on with what is written from now on */
	bool visible; /* control bytes as \xHH */
	bool json; /* every message as a line, its bytes behind it */
};

/*
 * Prints the log.  With follow it returns only when that cannot go on: a lost
 * connection is made again, and the log continues where it stood.  Returns
 * the exit code; what went wrong has been said.
 */
int follow_run(struct cli *cli, const struct follow_opts *opts);

#endif
