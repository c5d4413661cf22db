/*
 * The loader: a process that reads the configuration for the supervisor.
 *
 * It is the program itself, run as LOADER_TITLE with the main file, the
 * directory that relative paths begin at, and the daemon's statedir; it writes
 * its result to LOADER_FD, a memfd, and ends with 0.
 *
 * What the memfd has before is a change of statedir/overrides (in the form of
 * core/overrides.h): if the files are accepted with it, that file is written
 * before the result is.
 */
#ifndef CLI_LOADER_H
#define CLI_LOADER_H

#include <stddef.h>

#define LOADER_TITLE "mpsupd: loader"
#define LOADER_FD 3

struct config;

enum loader_refusal {
	LOADER_INVALID, /* the configuration has errors */
	LOADER_NO_PROGRAM, /* the change is of one that there is not */
	LOADER_NOT_SAVED, /* the change could not be written */
};

struct loader_result {
	struct config *config; /* NULL: refused */
	enum loader_refusal refusal; /* ... and why */
	char *errors, *warnings; /* JSON lists of strings, never NULL */
};

/* The result in FD.  0, *RET must be cleared; -1: there is none. */
int loader_read(int fd, struct loader_result *ret);
void loader_result_clear(struct loader_result *res);

/* A sealed memfd of LEN bytes; -1 with errno. */
int loader_memfd(const void *data, size_t len);

/* Runs the loader; ARGC and ARGV are the program's. */
int loader_main(int argc, char **argv);

#endif
