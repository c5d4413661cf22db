/* scale, enable, disable: what outlives the daemon, without the files. */
#include "cli/cmd.h"
#include "cli/render.h"
#include "core/conf.h"
#include "lib/log.h"
#include "lib/str.h"

static int scale_exec(struct cli *cli);
static int autostart_exec(struct cli *cli);

const struct cmd cmd_scale = {
	.name = "scale",
	.args = "[--no-wait] [-t SECONDS] PROGRAM N | --reset PROGRAM",
	.brief = "Set how many processes a program has",
	.help = "N takes the place of numprocs, now and when the daemon is "
	    "started again; other\nprocesses of the program run on.  Its name "
	    "is that of [program:NAME].\n"
	    "      --no-wait    do not wait until all are up or gone\n"
	    "  -t SECONDS       wait at most that long (exit 124)\n"
	    "      --reset      what the files say counts again\n",
	.opts = CMD_OPT(OPT_NO_WAIT) | CMD_OPT(OPT_TIMEOUT) |
	    CMD_OPT(OPT_RESET),
	.min = 1,
	.max = 2,
	.exec = scale_exec,
};

const struct cmd cmd_enable = {
	.name = "enable",
	.args = "[--reset] PROGRAM...",
	.brief = "Let programs start with the daemon",
	.help = "From the next start of the daemon on; nothing is started "
	    "now.  It takes the\nplace of autostart.\n"
	    "      --reset   what the files say counts again\n",
	.opts = CMD_OPT(OPT_RESET),
	.min = 1,
	.max = -1,
	.exec = autostart_exec,
};

const struct cmd cmd_disable = {
	.name = "disable",
	.args = "PROGRAM...",
	.brief = "Do not let programs start with the daemon",
	.help = "From the next start of the daemon on; nothing is stopped "
	    "now.  It takes the\nplace of autostart, until enable says "
	    "otherwise.\n",
	.min = 1,
	.max = -1,
	.exec = autostart_exec,
};

static void
add_autostart(const struct cli *cli, const json_t *program, struct buf *out)
{
	const char *name = reply_str(program, "name");

	render_text(out, name != NULL ? name : "?");
	if (cli->opt[OPT_RESET] != NULL)
		buf_addf(out, ": as the files say: autostart = %s\n",
		    reply_true(program, "autostart") ? "true" : "false");
	else
		buf_addf(out, ": %s\n", cli->cmd == &cmd_enable ? "enabled" :
		    "disabled");
}

/* enable and disable. */
static int
autostart_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	json_t *list, *p;
	size_t i;
	int rc;

	buf_addc(&params, '{');
	cli_add_names(cli, 0, &params);
	buf_addf(&params, ",\"reset\":%s,",
	    cli->opt[OPT_RESET] != NULL ? "true" : "false");
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, cli->cmd->name, &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	cli_say_list(json_object_get(reply.result, "warnings"), true);
	list = json_object_get(reply.result, "programs");
	json_array_foreach(list, i, p)
		add_autostart(cli, p, &out);
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return CLI_OK;
}

static void
add_process(const json_t *p, struct buf *out)
{
	const char *message = reply_str(p, "message");
	double pid = reply_num(p, "pid", 0);

	cli_add_name(p, out);
	if (!reply_true(p, "ok"))
		buf_adds(out, "failed: ");
	if (message == NULL)
		message = reply_str(p, "state");
	render_text(out, message != NULL ? message : "?");
	if (pid > 0)
		buf_addf(out, " (pid %.0f)", pid);
	buf_addc(out, '\n');
}

static int
print_scaled(struct cli *cli, const struct reply *reply)
{
	struct buf out = BUF_INIT;
	json_t *list = json_object_get(reply->result, "programs"), *p;
	double n = reply_num(reply->result, "numprocs", 0);
	int rc = CLI_OK;
	size_t i;

	cli_say_list(json_object_get(reply->result, "warnings"), true);
	json_array_foreach(list, i, p) {
		if (!reply_true(p, "ok"))
			rc = CLI_FAILED;
		add_process(p, &out);
	}
	render_text(&out, cli->names[0]);
	buf_addf(&out, ": %.0f process%s\n", n, n == 1 ? "" : "es");
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	return rc;
}

/* `"numprocs":N` or `"reset":true`.  False, and said: neither. */
static bool
add_number(const struct cli *cli, struct buf *params)
{
	bool reset = cli->opt[OPT_RESET] != NULL;
	int64_t n;

	if (reset && cli->nnames == 1) {
		buf_adds(params, "\"reset\":true");
		return true;
	}
	if (reset || cli->nnames != 2) {
		log_warnx("scale: usage: mpsupd scale %s", cmd_scale.args);
		return false;
	}
	if (!str_to_int(cli->names[1], 0, CONF_PROCESS_MAX, &n)) {
		log_warnx("scale: \"%s\" is not a number from 0 to %d",
		    cli->names[1], CONF_PROCESS_MAX);
		return false;
	}
	buf_addf(params, "\"numprocs\":%lld", (long long)n);
	return true;
}

static int
scale_exec(struct cli *cli)
{
	struct buf params = BUF_INIT;
	int64_t ms = cli_timeout_ms(cli);
	struct reply reply;
	int rc = CLI_USAGE;

	buf_adds(&params, "{\"names\":[");
	buf_adds_json(&params, cli->names[0]);
	buf_adds(&params, "],");
	if (add_number(cli, &params)) {
		buf_addf(&params, ",\"wait\":%s",
		    cli->opt[OPT_NO_WAIT] != NULL ? "false" : "true");
		if (ms >= 0)
			buf_addf(&params, ",\"timeout_s\":%.3f",
			    (double)ms / 1000);
		buf_addc(&params, ',');
		cli_add_id(&params);
		buf_addc(&params, '}');
		rc = cli_ask(cli, "scale", &params, &reply);
		if (rc == CLI_OK) {
			rc = print_scaled(cli, &reply);
			reply_clear(&reply);
		}
	}
	buf_clear(&params);
	return rc;
}
