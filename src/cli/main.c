/*
 * The program mpsupd: by the name it was given it is one of the daemon's
 * processes, otherwise the command.  What the commands do is in cmd_*.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/canread.h"
#include "cli/cli.h"
#include "cli/cmd.h"
#include "cli/loader.h"
#include "cli/writer.h"
#include "keeper/handover.h"
#include "keeper/keeper.h"
#include "lib/log.h"
#include "supervisor/supervisor.h"

/* The processes of the daemon exec this binary under these names. */
static const struct {
	const char *argv0;
	int (*main)(void);
} faces[] = {
	{"mpsupd: keeper", keeper_main},
	{"mpsupd: supervisor", supervisor_main},
};

/* Nothing we open may become a standard descriptor that the caller closed:
 * each is filled with something that fails when it is used. */
static void
fill_std_fds(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", modes[fd]) != fd)
			exit(CLI_FAILED);
}

static int
help_for(const struct cmd *cmd)
{
	struct buf out = BUF_INIT;

	if (cmd != NULL)
		cmd_help_one(cmd, &out);
	else
		cmd_help_all(&out);
	cli_print(&out);
	return CLI_OK;
}

/* Checks what is the same for every command. */
static int
check_args(const struct cli *cli)
{
	const struct cmd *cmd = cli->cmd;
	int64_t ms;

	if ((int)cli->nnames < cmd->min)
		log_warnx("%s: too few arguments; usage: mpsupd %s %s",
		    cmd->name, cmd->name, cmd->args);
	else if (cmd->max != -1 && (int)cli->nnames > cmd->max)
		log_warnx("%s: unexpected argument \"%s\"; usage: mpsupd "
		    "%s%s%s", cmd->name, cli->names[cmd->max], cmd->name,
		    *cmd->args ? " " : "", cmd->args);
	else if (cli->opt[OPT_TIMEOUT] != NULL &&
	    !cmd_duration(cli->opt[OPT_TIMEOUT], &ms))
		log_warnx("%s: -t: \"%s\" is not a time, such as 10, 0.5, "
		    "500ms or 2m", cmd->name, cli->opt[OPT_TIMEOUT]);
	else
		return CLI_OK;
	return CLI_USAGE;
}

static bool
asks_for_help(int argc, char **argv)
{
	return argc > 0 && (strcmp(argv[0], "--help") == 0 ||
	    strcmp(argv[0], "-h") == 0);
}

/* A command that cmd_find() does not know. */
static int
run_unknown(int argc, char **argv)
{
	struct buf out = BUF_INIT;

	if (asks_for_help(argc - 1, argv + 1) &&
	    cmd_unserved_help(argv[0], &out)) {
		cli_print(&out);
		return CLI_OK;
	}
	return cmd_unknown(argv[0]);
}

static int
run(struct cli *cli, int argc, char **argv)
{
	struct buf out = BUF_INIT;
	int used, rc;

	used = cmd_parse(cli, CMD_FRONT, true, argc, argv);
	if (used == -1)
		return CLI_USAGE;
	if (cli->opt[OPT_HELP] != NULL)
		return help_for(NULL);
	if (cli->opt[OPT_VERSION] != NULL) {
		buf_addf(&out, "mpsupd %s\n", MPSUPD_VERSION);
		cli_print(&out);
		return CLI_OK;
	}
	if (used == argc) {
		cmd_usage(&out);
		fwrite(buf_head(&out), 1, buf_len(&out), stderr);
		buf_clear(&out);
		return CLI_USAGE;
	}
	cli->cmd = cmd_find(argv[used]);
	if (cli->cmd == NULL)
		return run_unknown(argc - used, argv + used);
	used++;
	if (cmd_parse(cli, cli->cmd->opts | CMD_BEHIND, false, argc - used,
	    argv + used) == -1)
		return CLI_USAGE;
	if (cli->opt[OPT_HELP] != NULL)
		return help_for(cli->cmd);
	rc = check_args(cli);
	return rc == CLI_OK ? cli->cmd->exec(cli) : rc;
}

int
main(int argc, char **argv)
{
	struct cli cli = {0};
	const char *no_color = getenv("NO_COLOR");
	size_t i;
	int rc;

	if (argc == 0 || argv[0] == NULL)
		return CLI_USAGE;
	for (i = 0; i < sizeof faces / sizeof faces[0]; i++)
		if (strcmp(argv[0], faces[i].argv0) == 0)
			return faces[i].main();
	if (strcmp(argv[0], LOADER_TITLE) == 0)
		return loader_main(argc, argv);
	if (strcmp(argv[0], WRITER_TITLE) == 0)
		return writer_main(argc, argv);
	if (argc == 3 && strcmp(argv[1], CAN_READ_OPTION) == 0)
		return can_read(argv[2]);
	fill_std_fds();
	log_init("mpsupd");
	cli.tty = isatty(STDOUT_FILENO);
	cli.colour = cli.tty && (no_color == NULL || *no_color == '\0');
	rc = run(&cli, argc - 1, argv + 1);
	cli_clear(&cli);
	return rc;
}
