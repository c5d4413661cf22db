/* logs and reopen: the files that programs write to. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/follow.h"
#include "lib/log.h"
#include "lib/str.h"

static int logs_exec(struct cli *cli);
static int reopen_exec(struct cli *cli);

const struct cmd cmd_logs = {
	.name = "logs",
	.args = "[-f] [-n LINES] [--stderr] [--raw] NAME",
	.brief = "Show the end of a program's log",
	.help = "  -f, --follow       go on with what is written from now on\n"
	    "  -n, --lines LINES  how many lines, 10 if not given; all is "
	    "the whole file\n"
	    "      --stderr       the log of standard error\n"
	    "      --raw          control bytes as they are, on a terminal "
	    "too\n",
	.opts = CMD_OPT(OPT_FOLLOW) | CMD_OPT(OPT_LINES) |
	    CMD_OPT(OPT_STDERR) | CMD_OPT(OPT_RAW),
	.min = 1,
	.max = 1,
	.exec = logs_exec,
};

const struct cmd cmd_reopen = {
	.name = "reopen",
	.args = "",
	.brief = "Open all log files anew, after something moved them",
	.help = "",
	.exec = reopen_exec,
};

static int
logs_exec(struct cli *cli)
{
	const char *lines = cli->opt[OPT_LINES];
	struct follow_opts opts = {
		.name = cli->names[0],
		.stream = cli->opt[OPT_STDERR] != NULL ? "stderr" : "stdout",
		.lines = 10,
		.follow = cli->opt[OPT_FOLLOW] != NULL,
		.json = cli->opt[OPT_JSON] != NULL,
		.visible = cli->tty && cli->opt[OPT_RAW] == NULL,
	};

	if (lines != NULL && strcmp(lines, "all") == 0) {
		opts.lines = -1;
	} else if (lines != NULL &&
	    !str_to_int(lines, 0, INT32_MAX, &opts.lines)) {
		log_warnx("logs: -n: \"%s\" is not a number of lines, nor "
		    "all", lines);
		return CLI_USAGE;
	}
	return follow_run(cli, &opts);
}

static int
reopen_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	int rc;

	buf_addc(&params, '{');
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "reopen", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	if (cli->opt[OPT_JSON] == NULL) {
		buf_addf(&out, "reopened: %.0f\n",
		    reply_num(reply.result, "reopened", 0));
		cli_print(&out);
	}
	reply_clear(&reply);
	return CLI_OK;
}
