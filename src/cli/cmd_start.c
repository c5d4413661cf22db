/*
 * start, stop, restart: of programs and of the daemon itself.
 *
 * Without names they mean the daemon.  It is stopped through its socket only,
 * and waited for by a pidfd of the process that listens there: a pid read
 * from a file is shown, never used.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/adopt.h"
#include "cli/cmd.h"
#include "cli/daemon.h"
#include "cli/render.h"
#include "cli/rolling.h"
#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

static int start_exec(struct cli *cli);
static int stop_exec(struct cli *cli);
static int restart_exec(struct cli *cli);

#define HELP_FOREGROUND "  -n, --foreground     it stays in the foreground\n"
#define HELP_NO_WAIT "      --no-wait        return when it has begun\n"
#define HELP_TIMEOUT                                                    \
	"  -t, --timeout SECONDS\n"                                     \
	"                       wait at most that long, then exit 124; " \
	"500ms and 2m\n"                                                \
	"                       are understood too\n"

const struct cmd cmd_start = {
	.name = "start",
	.args = "[-n] [--oknodo] | [--no-wait] [-t SECONDS] NAME...",
	.brief = "Start the daemon, or programs",
	.help = "The daemon; returns when it serves its socket:\n"
	    HELP_FOREGROUND
	    "      --oknodo         one that runs already is no error\n"
	    "Programs; returns when they are RUNNING:\n"
	    HELP_NO_WAIT HELP_TIMEOUT,
	.opts = CMD_OPT(OPT_FOREGROUND) | CMD_OPT(OPT_NO_WAIT) |
	    CMD_OPT(OPT_TIMEOUT) | CMD_OPT(OPT_OKNODO),
	.max = -1,
	.exec = start_exec,
};

const struct cmd cmd_stop = {
	.name = "stop",
	.args = "[--oknodo] [-t SECONDS] | [--no-wait] [-t SECONDS] NAME...",
	.brief = "Stop the daemon and all programs, or programs",
	.help = "Returns when all is down.\n"
	    "The daemon:\n"
	    "      --oknodo         one that does not run is no error\n"
	    "Programs:\n"
	    HELP_NO_WAIT
	    "Both:\n"
	    HELP_TIMEOUT,
	.opts = CMD_OPT(OPT_NO_WAIT) | CMD_OPT(OPT_TIMEOUT) |
	    CMD_OPT(OPT_OKNODO),
	.max = -1,
	.exec = stop_exec,
};

const struct cmd cmd_restart = {
	.name = "restart",
	.args = "[-n] | [--no-wait] [--rolling[=N]] [-t SECONDS] NAME...",
	.brief = "Restart the daemon and all programs, or programs",
	.help = "The daemon; it is not stopped when its configuration is "
	    "refused:\n"
	    HELP_FOREGROUND
	    "Programs:\n"
	    HELP_NO_WAIT
	    "      --rolling[=N]    N (1) at a time, the next when these are "
	    "RUNNING;\n                       the first failure ends it\n"
	    "Both:\n"
	    HELP_TIMEOUT,
	.opts = CMD_OPT(OPT_FOREGROUND) | CMD_OPT(OPT_NO_WAIT) |
	    CMD_OPT(OPT_TIMEOUT) | CMD_OPT(OPT_OKNODO) | CMD_OPT(OPT_ROLLING),
	.max = -1,
	.exec = restart_exec,
};

/* What is said of a program. */
struct verb {
	const char *method;
	const char *done; /* it was changed */
	const char *idle; /* nothing had to be done */
	const char *state; /* where the program is then */
};

static const struct verb verbs[] = {
	{"start", "started", "already running", "RUNNING"},
	{"stop", "stopped", "not running", "STOPPED"},
	{"restart", "restarted", "already running", "RUNNING"},
};

/* A state other than the one wanted, in words: --no-wait, or a program that
 * has ended already. */
static void
add_other_state(const char *state, struct buf *out)
{
	for (; *state != '\0'; state++)
		buf_addc(out, *state >= 'A' && *state <= 'Z' ?
		    (char)(*state - 'A' + 'a') : *state);
}

static bool
is_down(const char *state)
{
	static const char *const down[] = {"STOPPED", "EXITED", "FATAL",
	    "BACKOFF"};
	size_t i;

	for (i = 0; i < sizeof down / sizeof down[0]; i++)
		if (strcmp(state, down[i]) == 0)
			return true;
	return false;
}

static void
add_outcome(const struct verb *v, const json_t *program, struct buf *out)
{
	const char *state = reply_str(program, "state");
	bool changed = reply_true(program, "changed"), reached;
	struct buf word = BUF_INIT;

	if (state == NULL)
		state = "";
	reached = *state == '\0' || strcmp(state, v->state) == 0 ||
	    (strcmp(v->method, "stop") == 0 && is_down(state));
	if (reached) {
		buf_adds(out, changed ? v->done : v->idle);
		return;
	}
	if (changed && is_down(state))
		buf_addf(out, "%s, now ", v->done);
	add_other_state(state, &word);
	buf_addc(&word, '\0');
	render_text(out, word.data);
	buf_clear(&word);
}

static void
add_program(const struct verb *v, const json_t *program, struct buf *out)
{
	const char *message = reply_str(program, "message");
	double pid = reply_num(program, "pid", 0);

	if (message != NULL && strcmp(message, v->idle) == 0)
		message = NULL; /* said anyway */
	cli_add_name(program, out);
	if (!reply_true(program, "ok")) {
		buf_adds(out, "failed");
		if (message == NULL)
			message = reply_str(program, "state");
	} else {
		add_outcome(v, program, out);
		if (pid > 0 && strcmp(v->method, "stop") != 0)
			buf_addf(out, " (pid %.0f)", pid);
	}
	if (message != NULL && *message != '\0') {
		buf_adds(out, ": ");
		render_text(out, message);
	}
	buf_addc(out, '\n');
}

/* start, stop, restart NAME... */
static int
programs_exec(struct cli *cli, const struct verb *v)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	int64_t ms = cli_timeout_ms(cli);
	json_t *list, *p;
	struct reply reply;
	size_t i;
	int rc;

	if (cli->opt[OPT_FOREGROUND] != NULL) {
		log_warnx("%s: -n is for the daemon, not for programs; see "
		    "mpsupd help %s", v->method, v->method);
		return CLI_USAGE;
	}
	buf_addc(&params, '{');
	cli_add_names(cli, 0, &params);
	buf_addf(&params, ",\"wait\":%s",
	    cli->opt[OPT_NO_WAIT] != NULL ? "false" : "true");
	if (ms >= 0)
		buf_addf(&params, ",\"timeout_s\":%.3f", (double)ms / 1000);
	buf_addc(&params, ',');
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, v->method, &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	list = json_object_get(reply.result, "programs");
	json_array_foreach(list, i, p) {
		if (!reply_true(p, "ok"))
			rc = CLI_FAILED;
		add_program(v, p, &out);
	}
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return rc;
}

/* Nobody serves the socket although the pidfile is locked: true, and said. */
static bool
daemon_is_mute(struct cli *cli)
{
	long pid = 0;

	if (daemon_pidfile_state(cli_pidfile(cli), &pid) != 2)
		return false;
	log_warnx("cannot %s the daemon: process %ld holds %s, but nobody "
	    "serves %s: it is starting, stopping, or stuck; if it stays so, "
	    "look at it and end it by hand: kill -TERM %ld", cli->cmd->name,
	    pid, cli->pidfile, cli->socket, pid);
	return true;
}

static void
set_deadline(const struct cli *cli, struct request *r)
{
	int64_t ms = cli_timeout_ms(cli);

	if (ms >= 0)
		r->deadline_ms = request_now_ms() + ms;
}

/* The old listener is in another pid namespace: gone is when nobody listens
 * any more. */
static int
wait_unserved(struct cli *cli, int64_t deadline_ms)
{
	const struct timespec pause = {0, 20 * 1000000};
	struct request r;

	while (cli_open(cli, &r) == 0 || !cli->nobody) {
		request_close(&r);
		if (deadline_ms != 0 && request_now_ms() >= deadline_ms)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Waits until the daemon is gone.  -1: not before the deadline. */
static int
wait_gone(struct cli *cli, const struct request *r)
{
	struct pollfd p = {.fd = r->peer_fd, .events = POLLIN};
	int64_t left = -1;

	if (r->peer_fd == -1)
		return wait_unserved(cli, r->deadline_ms);
	for (;;) {
		if (r->deadline_ms != 0) {
			left = r->deadline_ms - request_now_ms();
			if (left < 0)
				left = 0;
			if (left > 1000 * 1000)
				left = 1000 * 1000;
		}
		if (poll(&p, 1, (int)left) == 1)
			return 0;
		if (left == 0)
			return -1;
	}
}

static int
still_stopping(const struct cli *cli)
{
	log_warnx("daemon: not stopped within %g s; it goes on stopping",
	    (double)cli_timeout_ms(cli) / 1000);
	return CLI_TIMED_OUT;
}

/* Stops the daemon at the other end of R and returns when it is gone. */
static int
daemon_stop(struct cli *cli, struct request *r)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	int rc;

	if (r->peer > 0)
		r->peer_fd = (int)syscall(SYS_pidfd_open, r->peer, 0);
	buf_addc(&params, '{');
	cli_add_id(&params);
	buf_addc(&params, '}');
	set_deadline(cli, r);
	rc = request_call(r, "stop", &params, &reply);
	buf_clear(&params);
	if (rc == -1 && errno == ETIMEDOUT)
		return still_stopping(cli);
	if (rc == -1 && errno != ESRCH)
		return cli_request_failed(cli, errno);
	if (rc == 0 && reply.error != PROTO_OK &&
	    reply.error != PROTO_SHUTTING_DOWN) {
		rc = cli_reply_failed(&reply);
		reply_clear(&reply);
		return rc;
	}
	if (rc == 0 && wait_gone(cli, r) == -1) {
		reply_clear(&reply);
		return still_stopping(cli);
	}
	if (rc == 0) {
		if (cli->opt[OPT_JSON] != NULL && reply.result != NULL)
			cli_print_result(cli, &reply);
		reply_clear(&reply);
	}
	return CLI_OK;
}

static void
stop_close(struct request *r)
{
	if (r->peer_fd != -1)
		close(r->peer_fd);
	request_close(r);
}

/* `stop` of the daemon. */
static int
stop_daemon(struct cli *cli)
{
	struct buf out = BUF_INIT;
	struct request r;
	unsigned left;
	int rc;

	if (cli_open(cli, &r) == -1) {
		if (!cli->nobody) {
			cli_no_daemon(cli, errno);
			return CLI_FAILED;
		}
		if (daemon_is_mute(cli))
			return CLI_FAILED;
		if (cli->opt[OPT_OKNODO] != NULL)
			return CLI_OK;
		log_warnx("not running");
		left = adopt_count(cli->state);
		if (left > 0)
			log_warnx("%u programs of the daemon that was killed "
			    "still run; mpsupd start adopts them", left);
		return CLI_FAILED;
	}
	rc = daemon_stop(cli, &r);
	stop_close(&r);
	if (rc == CLI_OK && cli->tty && cli->opt[OPT_JSON] == NULL) {
		buf_adds(&out, "mpsupd: stopped\n");
		cli_print(&out);
	}
	return rc;
}

static int
start_daemon(struct cli *cli)
{
	struct daemon_opts opts = {
		.file = cli_file(cli),
		.foreground = cli->opt[OPT_FOREGROUND] != NULL,
		.oknodo = cli->opt[OPT_OKNODO] != NULL,
	};

	return daemon_start(&opts);
}

/* The file that the daemon at the other end of R was started with: the next
 * one gets the same, unless --config says otherwise. */
static int
take_running_file(struct cli *cli, struct request *r)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	const char *file;
	int rc;

	if (cli->opt[OPT_CONFIG] != NULL)
		return CLI_OK;
	buf_adds(&params, "{}");
	rc = cli_call(cli, r, "status", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	file = reply_str(json_object_get(reply.result, "daemon"), "config");
	if (file != NULL && *file == '/') {
		free(cli->file);
		cli->file = xstrdup(file);
	}
	reply_clear(&reply);
	return CLI_OK;
}

/* False, with everything said, if the next daemon could not start. */
static bool
config_is_good(struct cli *cli, const struct request *r)
{
	struct conf_msgs msgs = {0};
	struct config *conf;
	size_t i;
	bool good;

	good = config_load(cli_file(cli), cli_host(), &conf, &msgs) == 0;
	if (good)
		config_free(conf);
	for (i = 0; !good && i < msgs.n; i++)
		if (!msgs.v[i].warning)
			cli_say_config(&msgs.v[i]);
	conf_msgs_clear(&msgs);
	if (!good)
		log_warnx("%s is refused; the daemon (pid %ld) is not "
		    "restarted and goes on", cli_file(cli), (long)r->peer);
	return good;
}

/* `restart` of the daemon. */
static int
restart_daemon(struct cli *cli)
{
	struct request r;
	int rc;

	if (cli_open(cli, &r) == -1) {
		if (!cli->nobody) {
			cli_no_daemon(cli, errno);
			return CLI_FAILED;
		}
		return daemon_is_mute(cli) ? CLI_FAILED : start_daemon(cli);
	}
	rc = take_running_file(cli, &r);
	if (rc == CLI_OK && !config_is_good(cli, &r))
		rc = CLI_USAGE;
	if (rc == CLI_OK)
		rc = daemon_stop(cli, &r);
	stop_close(&r);
	return rc == CLI_OK ? start_daemon(cli) : rc;
}

/* Options that say nothing about the daemon are not passed over. */
static bool
needs_name(const struct cli *cli, enum opt o, const char *written)
{
	if (cli->opt[o] == NULL)
		return false;
	log_warnx("%s: %s needs a NAME; see mpsupd help %s", cli->cmd->name,
	    written, cli->cmd->name);
	return true;
}

static int
start_exec(struct cli *cli)
{
	if (cli->nnames > 0)
		return programs_exec(cli, &verbs[0]);
	return needs_name(cli, OPT_TIMEOUT, "-t") ? CLI_USAGE :
	    start_daemon(cli);
}

static int
stop_exec(struct cli *cli)
{
	if (cli->nnames > 0)
		return programs_exec(cli, &verbs[1]);
	return needs_name(cli, OPT_NO_WAIT, "--no-wait") ? CLI_USAGE :
	    stop_daemon(cli);
}

static int
restart_exec(struct cli *cli)
{
	if (cli->opt[OPT_ROLLING] != NULL)
		return rolling_restart(cli);
	if (cli->nnames > 0)
		return programs_exec(cli, &verbs[2]);
	return needs_name(cli, OPT_NO_WAIT, "--no-wait") ? CLI_USAGE :
	    restart_daemon(cli);
}
