/* status, pid, wait: looking, and waiting for what is to be seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/adopt.h"
#include "cli/cmd.h"
#include "cli/daemon.h"
#include "cli/render.h"
#include "lib/log.h"

static int status_exec(struct cli *cli);
static int pid_exec(struct cli *cli);
static int wait_exec(struct cli *cli);

const struct cmd cmd_status = {
	.name = "status",
	.args = "[NAME...]",
	.brief = "Show the daemon and the programs",
	.help = "Exit 0: the daemon serves; with NAME, all are RUNNING.  1: "
	    "it is dead and its\npidfile remains.  3: it does not run; with "
	    "NAME, some are not RUNNING.\n4: no such program; cannot tell.\n",
	.max = -1,
	.exec = status_exec,
};

const struct cmd cmd_pid = {
	.name = "pid",
	.args = "[NAME...]",
	.brief = "Print the process id of the daemon, or of programs",
	.help = "Exit 3: a program does not run.\n",
	.max = -1,
	.exec = pid_exec,
};

const struct cmd cmd_wait = {
	.name = "wait",
	.args = "[-t SECONDS] [--for STATE] NAME...",
	.brief = "Wait until programs have ended, or have reached a state",
	.help = "  -t SECONDS   wait at most that long (exit 124)\n"
	    "      --for STATE  RUNNING, STOPPED, EXITED, FATAL, ..., or "
	    "ready: exit 0 when\n                   each was in it, if only "
	    "for a moment\n"
	    "Exits as the program did, 128+N if signal N ended it, 125 if "
	    "that cannot\nbe told; of several, the first that is not 0.\n",
	.opts = CMD_OPT(OPT_TIMEOUT) | CMD_OPT(OPT_FOR),
	.min = 1,
	.max = -1,
	.exec = wait_exec,
};

static const struct {
	const char *name;
	enum render_colour colour;
} states[] = {
	{"STOPPED", RENDER_PLAIN}, {"WAITING", RENDER_YELLOW},
	{"STARTING", RENDER_YELLOW}, {"RUNNING", RENDER_GREEN},
	{"BACKOFF", RENDER_RED}, {"STOPPING", RENDER_YELLOW},
	{"EXITED", RENDER_PLAIN}, {"FATAL", RENDER_RED},
};

#define NSTATES (sizeof states / sizeof states[0])

/* The index of a state, or -1. */
static int
state_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < NSTATES; i++)
		if (strcasecmp(states[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool
state_is(const json_t *program, const char *state)
{
	const char *s = reply_str(program, "state");

	return s != NULL && strcmp(s, state) == 0;
}

/* Begins the next remark in B. */
static struct buf *
remark(struct buf *b)
{
	if (buf_len(b) > 0)
		buf_adds(b, "; ");
	return b;
}

/* How the program ended, unless REASON says it.  Of a stopped one only what
 * is unusual. */
static void
add_exit(const json_t *program, const char *reason, struct buf *b)
{
	int code = reply_int(program, "exit_code", 0);
	char name[16], text[48];

	if (!json_is_integer(json_object_get(program, "exit_code")))
		return;
	if (state_is(program, "STOPPED") && code != -9)
		return;
	if (code < 0)
		snprintf(text, sizeof text, "signal %s",
		    signal_name(-code, name));
	else
		snprintf(text, sizeof text, "exit code %d", code);
	if (reason == NULL || strstr(reason, text) == NULL)
		buf_adds(remark(b), text);
}

static void
add_log_trouble(const char *log, struct buf *b)
{
	static const struct {
		const char *value, *text;
	} troubles[] = {
		{"blocked", "log: blocked"}, {"disk_full", "log: disk full"},
		{"dropped", "log: bytes dropped"},
	};
	size_t i;

	for (i = 0; log != NULL && i < sizeof troubles / sizeof troubles[0];
	    i++)
		if (strcmp(log, troubles[i].value) == 0)
			buf_adds(remark(b), troubles[i].text);
}

/* The last column: what a person has to know. */
static void
add_info(const json_t *program, struct buf *b)
{
	const char *reason = reply_str(program, "reason");
	const char *stopped_by = reply_str(program, "stopped_by");
	double next = reply_num(program, "next_start_s", -1);
	char text[RENDER_SHORT];

	if (reason != NULL && *reason != '\0')
		buf_adds(b, reason);
	add_exit(program, reason, b);
	if (next >= 0)
		buf_addf(remark(b), "next start in %s",
		    render_duration(next + 0.5, text));
	if (stopped_by != NULL && *stopped_by != '\0')
		buf_addf(remark(b), "stopped by %s%s",
		    strncmp(stopped_by, "SIG", 3) == 0 ? "" : "SIG",
		    stopped_by);
	add_log_trouble(reply_str(program, "log"), b);
	buf_addc(b, '\0');
}

static const struct render_column columns[] = {
	{"NAME", false}, {"STATE", false}, {"PID", true}, {"UPTIME", true},
	{"RESTARTS", true}, {"CPU", true}, {"MEMORY", true}, {"INFO", false},
};

/* A cell for the number KEY of PROGRAM; none, or one below zero, is "-". */
static void
add_number(struct render_table *t, const json_t *program, const char *key,
    const char *(*format)(double, char[RENDER_SHORT]))
{
	double v = reply_num(program, key, -1);
	char text[RENDER_SHORT];

	render_table_cell(t, RENDER_PLAIN, v < 0 ? NULL : format(v, text));
}

static const char *
whole(double v, char out[RENDER_SHORT])
{
	snprintf(out, RENDER_SHORT, "%.0f", v);
	return out;
}

static void
add_row(struct render_table *t, const json_t *program)
{
	const char *state = reply_str(program, "state");
	char *name = cli_name_of(program);
	struct buf info = BUF_INIT;
	int s = state_find(state);

	render_table_cell(t, RENDER_PLAIN, name);
	render_table_cell(t, s == -1 ? RENDER_PLAIN : states[s].colour, state);
	add_number(t, program, "pid", whole);
	add_number(t, program, "uptime_s", render_duration);
	add_number(t, program, "restarts", whole);
	add_number(t, program, "cpu_s", render_cpu);
	add_number(t, program, "rss_bytes", render_size);
	add_info(program, &info);
	render_table_cell(t, RENDER_PLAIN, info.data);
	buf_clear(&info);
	free(name);
}

/* "mpsupd 0.1.0  pid 123  up 2h 3m  /etc/mpsupd/mpsupd.conf" */
static void
add_daemon(const json_t *daemon, struct buf *out)
{
	const char *version = reply_str(daemon, "version");
	const char *config = reply_str(daemon, "config");
	const char *state = reply_str(daemon, "state");
	char up[RENDER_SHORT];

	buf_adds(out, "mpsupd ");
	render_text(out, version != NULL ? version : "?");
	buf_addf(out, "  pid %.0f  up %s", reply_num(daemon, "pid", 0),
	    render_duration(reply_num(daemon, "uptime_s", 0), up));
	if (config != NULL) {
		buf_adds(out, "  ");
		render_text(out, config);
	}
	if (state != NULL && strcasecmp(state, "running") != 0) {
		buf_adds(out, "  ");
		render_text(out, state);
	}
	buf_addc(out, '\n');
}

/* Appends the text of the result and returns the exit code for it. */
static int
add_status(const struct cli *cli, const json_t *result, struct buf *out)
{
	size_t n = sizeof columns / sizeof columns[0], i;
	json_t *list = json_object_get(result, "programs"), *p;
	struct render_table *t = render_table_new(columns, n);
	int rc = CLI_OK;

	if (cli->nnames == 0)
		add_daemon(json_object_get(result, "daemon"), out);
	json_array_foreach(list, i, p) {
		if (cli->nnames > 0 && !state_is(p, "RUNNING"))
			rc = CLI_NOT_RUNNING;
		add_row(t, p);
	}
	if (json_array_size(list) > 0)
		render_table_write(t, cli->colour, out);
	render_table_free(t);
	return rc;
}

/* Nobody serves the socket: what the pidfile says then. */
static int
status_of_none(struct cli *cli, struct buf *out)
{
	unsigned left;
	long pid = 0;

	switch (daemon_pidfile_state(cli_pidfile(cli), &pid)) {
	case 1:
		buf_addf(out, "mpsupd: dead: process %ld is gone and %s "
		    "remains\n", pid, cli->pidfile);
		left = adopt_count(cli->state);
		if (left > 0)
			buf_addf(out, "%u of its programs still run; mpsupd "
			    "start adopts them\n", left);
		return CLI_FAILED;
	case 2:
		buf_addf(out, "mpsupd: unknown: process %ld holds %s, but "
		    "nobody serves %s: it is starting, stopping, or stuck\n",
		    pid, cli->pidfile, cli->socket);
		return CLI_NO_PROGRAM;
	case -1:
		buf_addf(out, "mpsupd: unknown: cannot look at %s: %s\n",
		    cli->pidfile, strerror(errno));
		return CLI_NO_PROGRAM;
	}
	buf_addf(out, "mpsupd: not running: nobody serves %s\n", cli->socket);
	return CLI_NOT_RUNNING;
}

static int
status_down(struct cli *cli, int err)
{
	struct buf out = BUF_INIT;
	int rc;

	if (!cli->nobody) {
		cli_no_daemon(cli, err);
		return CLI_NO_PROGRAM;
	}
	rc = status_of_none(cli, &out);
	if (cli->opt[OPT_JSON] != NULL)
		fwrite(buf_head(&out), 1, buf_len(&out), stderr);
	else
		cli_print(&out);
	buf_clear(&out);
	return rc;
}

static int
status_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	struct request r;
	int rc;

	if (cli_open(cli, &r) == -1)
		return status_down(cli, errno);
	buf_addc(&params, '{');
	if (cli->nnames > 0)
		cli_add_names(cli, 0, &params);
	buf_addc(&params, '}');
	rc = cli_call(cli, &r, "status", &params, &reply);
	buf_clear(&params);
	request_close(&r);
	if (rc == CLI_USAGE)
		return rc;
	if (rc != CLI_OK)
		return CLI_NO_PROGRAM; /* or unknown, which is the same */
	rc = add_status(cli, reply.result, &out);
	if (cli->opt[OPT_JSON] != NULL)
		cli_print_result(cli, &reply);
	else
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return rc;
}

static int
pid_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	json_t *list, *p;
	double pid;
	size_t i;
	int rc;

	buf_addc(&params, '{');
	if (cli->nnames > 0)
		cli_add_names(cli, 0, &params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "pid", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	if (cli->nnames == 0)
		buf_addf(&out, "%.0f\n", reply_num(reply.result, "pid", 0));
	list = json_object_get(reply.result, "programs");
	json_array_foreach(list, i, p) {
		pid = reply_num(p, "pid", 0);
		if (pid > 0) {
			buf_addf(&out, "%.0f\n", pid);
			continue;
		}
		rc = CLI_NOT_RUNNING;
		if (cli->opt[OPT_JSON] == NULL) {
			char *name = cli_name_of(p);

			log_warnx("%s: not running", name);
			free(name);
		}
	}
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return rc;
}

/* The exit code that stands for how PROGRAM ended. */
static int
ended_as(const json_t *program)
{
	const json_t *v = json_object_get(program, "exit_code");
	json_int_t code = json_integer_value(v);
	const char *state = reply_str(program, "state");
	char *name;

	if (json_is_integer(v) && code >= -127 && code <= 255)
		return code < 0 ? 128 - (int)code : (int)code;
	name = cli_name_of(program);
	log_warnx("%s: has no exit status to give (%s)", name,
	    state != NULL ? state : "?");
	free(name);
	return CLI_OURS;
}

static int
wait_result(const struct cli *cli, const json_t *result)
{
	json_t *list = json_object_get(result, "programs"), *p;
	int rc = CLI_OK, code;
	size_t i;

	if (cli->opt[OPT_FOR] != NULL)
		return CLI_OK;
	json_array_foreach(list, i, p) {
		code = ended_as(p);
		if (rc == CLI_OK)
			rc = code;
	}
	return rc;
}

static int
wait_exec(struct cli *cli)
{
	int64_t ms = cli_timeout_ms(cli);
	struct buf params = BUF_INIT;
	struct reply reply;
	const char *state = cli->opt[OPT_FOR];
	int rc;

	if (state != NULL && state_find(state) == -1 &&
	    strcasecmp(state, "ready") != 0) {
		log_warnx("wait: --for: there is no state \"%s\"; they are "
		    "STOPPED WAITING STARTING RUNNING BACKOFF STOPPING EXITED "
		    "FATAL, and ready", state);
		return CLI_USAGE;
	}
	buf_addc(&params, '{');
	cli_add_names(cli, 0, &params);
	if (ms >= 0)
		buf_addf(&params, ",\"timeout_s\":%.3f", (double)ms / 1000);
	if (state != NULL)
		buf_addf(&params, ",\"state\":\"%s\"", state);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "wait", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc == CLI_TIMED_OUT ? rc : CLI_OURS;
	rc = wait_result(cli, reply.result);
	reply_clear(&reply);
	return rc;
}
