/*
 * One run of the command: its options and operands, where the daemon is, and
 * what every command needs to talk to it and to the user.
 *
 * Answers go to stdout, through cli_print(); everything else is a message on
 * stderr, through lib/log.h, "mpsupd: " in front.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/request.h"

/* Exit codes; DESIGN 4. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* refused or failed; status: dead, pidfile remains */
	CLI_USAGE = 2, /* or a configuration that does not validate */
	CLI_NOT_RUNNING = 3,
	CLI_NO_PROGRAM = 4, /* status: unknown */
	CLI_NO_DAEMON = 5,
	CLI_TIMED_OUT = 124,
	CLI_OURS = 125, /* wait: not the program's status, a failure of ours */
	CLI_CANNOT_RUN = 126, /* run: the command is there, but is no program */
	CLI_NOT_FOUND = 127
};

/* Every option there is; the table in cmd.c says how they are written. */
enum opt {
	OPT_CONFIG,
	OPT_SOCKET,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION,
	OPT_FOREGROUND,
	OPT_NO_WAIT,
	OPT_TIMEOUT,
	OPT_OKNODO,
	OPT_FOR,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_STDERR,
	OPT_RAW,
	OPT_DRY_RUN,
	OPT_RESET,
	OPT_ROLLING,
	OPT_COMPLETION,
	OPT_NAME,
	OPT_BIND,
	OPT_RM,
	OPT_USER,
	OPT_DIRECTORY,
	OPT_ENV,
	OPT_ENV_CLEAR,
	OPT_STDIN_OPEN,
	OPTS
};

struct cmd;
struct conf_host;
struct conf_msg;

struct cli {
	const struct cmd *cmd;
	const char *opt[OPTS]; /* value, "" without one; NULL: not given */
	char **names; /* operands; borrowed from argv */
	size_t nnames;
	const char **env; /* each --env; borrowed from argv, the array is ours */
	size_t nenv;
	bool tty; /* stdout is a terminal */
	bool colour;
	/* Set by cli_locate() and cli_pidfile(); cli_clear() frees. */
	char *file; /* configuration, absolute */
	char *socket;
	char *pidfile;
	char *state; /* state file */
	bool nobody; /* set by cli_open(): nobody serves the socket */
};

void cli_clear(struct cli *cli);

/* The world of config_load(), found out once. */
const struct conf_host *cli_host(void);

/* The configuration file: --config made absolute, or the default. */
const char *cli_file(struct cli *cli);

/* Finds out the socket; the file is read only if no option and no variable
 * names it.  Never fails; does it once. */
void cli_locate(struct cli *cli);

/* The pidfile that belongs to it: of the file if that has the same socket. */
const char *cli_pidfile(struct cli *cli);

/* Milliseconds of --timeout; -1 if not given.  main() has checked it. */
int64_t cli_timeout_ms(const struct cli *cli);

/*
 * Connects R to the daemon.  0, or -1 with errno: CLI->nobody is set when
 * nobody serves the socket.  Nothing is said: cli_no_daemon() does.
 */
int cli_open(struct cli *cli, struct request *r);

/* After cli_open() failed with ERR: says so and returns CLI_NO_DAEMON or,
 * for other reasons, CLI_FAILED. */
int cli_no_daemon(const struct cli *cli, int err);

/* After a connection was lost: the daemon has ended in order, for it has taken
 * its socket with it.  One that was killed leaves the path behind. */
bool cli_has_ended(struct cli *cli);

/*
 * request_call() with its failures and the daemon's errors said.  0: *RET is
 * a result, reply_clear() frees.  Otherwise the exit code, and *RET is
 * untouched.
 */
int cli_call(struct cli *cli, struct request *r, const char *method,
    const struct buf *params, struct reply *ret);

/* cli_open() and cli_call() for one question; with --json the result is
 * printed as it came.  Returns as cli_call() and cli_no_daemon(). */
int cli_ask(struct cli *cli, const char *method, const struct buf *params,
    struct reply *ret);

/* Says why request_call() failed with ERR; returns the exit code. */
int cli_request_failed(const struct cli *cli, int err);

/* Says the error in P; returns the exit code for it. */
int cli_reply_failed(const struct reply *p);

/* Prints a message about a configuration on stderr, on a line of its own:
 * "FILE:LINE: ...", with "warning: " in front of a warning. */
void cli_say_config(const struct conf_msg *m);

/* The same for each string of the JSON array LIST (NULL: none). */
void cli_say_list(const json_t *list, bool warning);

/* Appends `"names":[...]` with the operands from the I-th on. */
void cli_add_names(const struct cli *cli, size_t i, struct buf *params);

/* Appends `"request_id":"..."`, new and random. */
void cli_add_id(struct buf *params);

/* Writes OUT to stdout and clears it.  A closed stdout ends the process
 * quietly, any other error with a message; exit 1. */
void cli_print(struct buf *out);

/* Prints the result of P as one line, exactly as received; on a terminal,
 * control bytes are made visible. */
void cli_print_result(const struct cli *cli, const struct reply *p);

/* "group:name", or "name" alone when the group is the same.  Caller frees. */
char *cli_name_of(const json_t *program);

/* Appends to OUT the name of PROGRAM, control bytes visible, and ": ". */
void cli_add_name(const json_t *program, struct buf *out);

#endif
