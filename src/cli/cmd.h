/*
 * The commands: one const struct each, at the top of the cmd_*.c file that
 * carries it out; cmd.c has the list of them and of all options.
 *
 * A new command is a struct cmd, a line in cmd.c and a paragraph of the
 * manual.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"

struct buf;

struct cmd {
	const char *name;
	const char *args; /* operands and options, for the usage line */
	const char *brief; /* one line of help */
	const char *help; /* the rest of it: lines, each ending in \n */
	uint32_t opts; /* CMD_OPT() of the options it takes */
	int min, max; /* how many operands; max -1: any number */
	bool is_command; /* the operands are a command line with options of
			  * its own: the first one ends ours */
	int (*exec)(struct cli *cli); /* returns the exit code */
};

#define CMD_OPT(o) ((uint32_t)1 << (o))

/* Options before COMMAND, with their short names. */
#define CMD_FRONT                                                       \
	(CMD_OPT(OPT_CONFIG) | CMD_OPT(OPT_SOCKET) | CMD_OPT(OPT_JSON) | \
	    CMD_OPT(OPT_HELP) | CMD_OPT(OPT_VERSION))

/* Of these, what may stand behind COMMAND as well. */
#define CMD_BEHIND (CMD_FRONT & ~CMD_OPT(OPT_VERSION))

extern const struct cmd cmd_start, cmd_stop, cmd_restart, cmd_reload;
extern const struct cmd cmd_status, cmd_pid, cmd_wait, cmd_signal;
extern const struct cmd cmd_logs, cmd_reopen, cmd_check, cmd_dump_config;
extern const struct cmd cmd_events, cmd_why;
extern const struct cmd cmd_scale, cmd_enable, cmd_disable;
extern const struct cmd cmd_run, cmd_attach;
extern const struct cmd cmd_upgrade, cmd_version, cmd_help;

/* The command NAME, or NULL. */
const struct cmd *cmd_find(const char *name);

/* Says why there is no command NAME: not served yet, a word of
 * supervisorctl's, misspelt.  Returns the exit code for it. */
int cmd_unknown(const char *name);

/* What `NAME --help` and `help NAME` have to say when cmd_find() knows no
 * NAME: appends it to OUT, or returns false if there is nothing. */
bool cmd_unserved_help(const char *name, struct buf *out);

/*
 * Takes options, of those in the bit set OPTS, and operands out of ARGV into
 * CLI->opt and CLI->names, which point into ARGV; ARGV is permuted.
 * FRONT: stops at the first operand, and the global options have their short
 * names; otherwise only their long ones, and "--" ends the options.
 * Returns how many elements of ARGV were used, or -1 after a message.
 */
int cmd_parse(struct cli *cli, uint32_t opts, bool front, int argc,
    char **argv);

/* "3", "0.5", "500ms", "2m": milliseconds, 0 or more.  False if S is not. */
bool cmd_duration(const char *s, int64_t *ret_ms);

/* Appends the help of one command; of all; the short usage. */
void cmd_help_one(const struct cmd *cmd, struct buf *out);
void cmd_help_all(struct buf *out);
void cmd_usage(struct buf *out);

/*
 * Appends what the shells' completions need to know, a line for each command:
 *
 *	start TAB NAME... TAB -n -t=SECONDS --oknodo ... TAB Start the daemon...
 *
 * name, kinds of its operands ("-": none), options with the kind of their
 * value, and the line of help.  The first one, named "-", is for the options
 * in front of a command.
 */
void cmd_completion(struct buf *out);

#endif
