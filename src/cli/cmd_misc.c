/* signal, upgrade, version, help. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/render.h"
#include "core/conf.h"
#include "core/program.h"
#include "lib/buf.h"
#include "lib/log.h"

static int signal_exec(struct cli *cli);
static int upgrade_exec(struct cli *cli);
static int version_exec(struct cli *cli);
static int help_exec(struct cli *cli);

const struct cmd cmd_signal = {
	.name = "signal",
	.args = "SIGNAL NAME...",
	.brief = "Send a signal to programs",
	.help = "SIGNAL is HUP, SIGHUP, 1, RTMIN+2, ...\n",
	.min = 2,
	.max = -1,
	.exec = signal_exec,
};

const struct cmd cmd_upgrade = {
	.name = "upgrade",
	.args = "",
	.brief = "Go on as the program file that is installed now",
	.help = "Keeper and supervisor are replaced; no program is touched, "
	    "and no request is\nlost.  Nothing happens if the new file cannot "
	    "go on from what the daemon has.\n",
	.exec = upgrade_exec,
};

const struct cmd cmd_version = {
	.name = "version",
	.args = "",
	.brief = "Print the version, and the daemon's if it is another",
	.help = "",
	.exec = version_exec,
};

const struct cmd cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.brief = "Explain a command, or list all",
	.help = "",
	.opts = CMD_OPT(OPT_COMPLETION), /* for completion.bash and .zsh */
	.max = 1,
	.exec = help_exec,
};

static void
add_signalled(const json_t *program, const char *name, struct buf *out)
{
	const char *message = reply_str(program, "message");

	cli_add_name(program, out);
	if (reply_true(program, "ok")) {
		buf_addf(out, "signalled (%s)", name);
	} else {
		buf_adds(out, "failed");
	}
	if (message != NULL && *message != '\0') {
		buf_adds(out, ": ");
		render_text(out, message);
	}
	buf_addc(out, '\n');
}

static int
signal_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	int signo = signal_number(cli->names[0]), rc;
	char name_buf[16];
	const char *name;
	struct reply reply;
	json_t *list, *p;
	size_t i;

	if (signo == -1) {
		log_warnx("signal: there is no signal \"%s\"", cli->names[0]);
		return CLI_USAGE;
	}
	name = signal_name(signo, name_buf);
	buf_addf(&params, "{\"signal\":\"%s\",", name);
	cli_add_names(cli, 1, &params);
	buf_addc(&params, ',');
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "signal", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	list = json_object_get(reply.result, "programs");
	json_array_foreach(list, i, p) {
		if (!reply_true(p, "ok"))
			rc = CLI_FAILED;
		add_signalled(p, name, &out);
	}
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return rc;
}

#define UPGRADE_MS 10000 /* most that may pass until the new one answers */
#define UPGRADE_LOOK_MS 10

/* Waits for an answer of another supervisor than OLD. */
static int
await_upgrade(struct cli *cli, struct request *r, double old)
{
	int64_t deadline = request_now_ms() + UPGRADE_MS;
	struct buf params = BUF_INIT, out = BUF_INIT;
	const char *version;
	struct reply reply;
	int rc;

	while (request_now_ms() < deadline) {
		buf_adds(&params, "{}");
		rc = cli_call(cli, r, "hello", &params, &reply);
		buf_clear(&params);
		if (rc != CLI_OK)
			return rc;
		if (reply_num(reply.result, "supervisor_pid", old) != old) {
			if (cli->opt[OPT_JSON] != NULL) {
				cli_print_result(cli, &reply);
			} else {
				version = reply_str(reply.result, "version");
				buf_adds(&out, "mpsupd: upgraded to version ");
				render_text(&out, version != NULL ? version :
				    "?");
				buf_addf(&out, " (pid %ld); no program was "
				    "touched\n", (long)r->peer);
				cli_print(&out);
			}
			reply_clear(&reply);
			return CLI_OK;
		}
		reply_clear(&reply);
		poll(NULL, 0, UPGRADE_LOOK_MS);
	}
	log_warnx("upgrade: the new program did not take over within %d s; "
	    "see the daemon's log", UPGRADE_MS / 1000);
	return CLI_FAILED;
}

static int
upgrade_exec(struct cli *cli)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	struct request r;
	double old;
	int rc;

	if (cli_open(cli, &r) == -1)
		return cli_no_daemon(cli, errno);
	buf_addc(&params, '{');
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_call(cli, &r, "upgrade", &params, &reply);
	buf_clear(&params);
	if (rc == CLI_OK) {
		old = reply_num(reply.result, "supervisor_pid", 0);
		reply_clear(&reply);
		rc = await_upgrade(cli, &r, old);
	}
	request_close(&r);
	return rc;
}

#define HELLO_MS 1000 /* version and help wait no longer for a daemon */

/* Asks the daemon, if there is one, for its version: false if that is not to
 * be had.  RET_PID 0: not known. */
static bool
daemon_version(struct cli *cli, struct buf *ret, long *ret_pid)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	const char *version;
	struct request r;
	bool known = false;

	if (cli_open(cli, &r) == -1)
		return false;
	r.deadline_ms = request_now_ms() + HELLO_MS;
	buf_adds(&params, "{}");
	if (request_call(&r, "hello", &params, &reply) == 0) {
		version = reply_str(reply.result, "version");
		known = version != NULL;
		if (known)
			buf_adds(ret, version);
		*ret_pid = (long)r.peer;
		reply_clear(&reply);
	}
	buf_clear(&params);
	request_close(&r);
	return known;
}

static int
version_exec(struct cli *cli)
{
	struct buf version = BUF_INIT, out = BUF_INIT;
	long pid = 0;
	bool known = daemon_version(cli, &version, &pid);

	buf_addc(&version, '\0');
	if (cli->opt[OPT_JSON] != NULL) {
		buf_adds(&out, "{\"version\":\"" MPSUPD_VERSION
		    "\",\"daemon\":");
		buf_adds_json(&out, known ? version.data : NULL);
		buf_adds(&out, "}\n");
	} else {
		buf_adds(&out, "mpsupd " MPSUPD_VERSION "\n");
		if (known && strcmp(version.data, MPSUPD_VERSION) != 0) {
			buf_adds(&out, "the daemon that runs is ");
			render_text(&out, version.data);
			buf_addf(&out, " (pid %ld)\n", pid);
		}
	}
	cli_print(&out);
	buf_clear(&version);
	return CLI_OK;
}

/* "web", "crew:helper", "crew:*", "all", a line each. */
static void
add_program_names(const json_t *programs, struct buf *out)
{
	const char *group, *last = "";
	json_t *p;
	char *name;
	size_t i;

	json_array_foreach(programs, i, p) {
		name = cli_name_of(p);
		render_text(out, name);
		buf_addc(out, '\n');
		group = reply_str(p, "group");
		if (strchr(name, ':') != NULL && strcmp(group, last) != 0) {
			render_text(out, group);
			buf_adds(out, ":*\n");
			last = group;
		}
		free(name);
	}
	buf_adds(out, "all\n");
}

/* No word about failures: they would stand in the line that is typed. */
static void
complete_names(struct cli *cli, struct buf *out)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	struct request r;

	if (cli_open(cli, &r) == -1)
		return;
	r.deadline_ms = request_now_ms() + HELLO_MS;
	buf_adds(&params, "{}");
	if (request_call(&r, "status", &params, &reply) == 0) {
		add_program_names(json_object_get(reply.result, "programs"),
		    out);
		reply_clear(&reply);
	}
	buf_clear(&params);
	request_close(&r);
}

/* Programs are sections of the files; the daemon tells processes. */
static void
complete_programs(struct cli *cli, struct buf *out)
{
	struct conf_msgs msgs = {0};
	const char *last = "";
	struct config *conf;
	size_t i;

	if (config_load(cli_file(cli), cli_host(), &conf, &msgs) == 0) {
		for (i = 0; i < conf->nprocs; i++) {
			if (strcmp(conf->procs[i].program, last) == 0)
				continue;
			last = conf->procs[i].program;
			render_text(out, last);
			buf_addc(out, '\n');
		}
		config_free(conf);
	}
	conf_msgs_clear(&msgs);
}

/* What there is of a KIND of operands or values, a line each; nothing if that
 * cannot be listed. */
static void
complete(struct cli *cli, const char *kind, struct buf *out)
{
	char unnamed[16];
	const char *name;
	int i;

	if (strcmp(kind, "NAME") == 0) {
		complete_names(cli, out);
	} else if (strcmp(kind, "PROGRAM") == 0) {
		complete_programs(cli, out);
	} else if (strcmp(kind, "STATE") == 0) {
		buf_adds(out, "ready\n");
		for (i = 0; i < PROGRAM_STATES; i++)
			buf_addf(out, "%s\n",
			    program_state_name((enum program_state)i));
	} else if (strcmp(kind, "SIGNAL") == 0) {
		for (i = 1; i < SIGRTMIN; i++) {
			name = signal_name(i, unnamed);
			if (name != unnamed)
				buf_addf(out, "%s\n", name);
		}
	}
}

static int
help_exec(struct cli *cli)
{
	struct buf out = BUF_INIT;
	const struct cmd *cmd;

	if (cli->opt[OPT_COMPLETION] != NULL) {
		if (cli->nnames == 0)
			cmd_completion(&out);
		else
			complete(cli, cli->names[0], &out);
	} else if (cli->nnames == 0) {
		cmd_help_all(&out);
	} else {
		cmd = cmd_find(cli->names[0]);
		if (cmd != NULL)
			cmd_help_one(cmd, &out);
		else if (!cmd_unserved_help(cli->names[0], &out))
			return cmd_unknown(cli->names[0]);
	}
	cli_print(&out);
	return CLI_OK;
}
