/* attach: the output of a running program, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/streams.h"
#include "lib/log.h"

static int attach_exec(struct cli *cli);

const struct cmd cmd_attach = {
	.name = "attach",
	.args = "NAME",
	.brief = "Show both outputs of a program from now on, until it ends",
	.help = "Exits as the program does, as wait.  Ctrl-C ends attach only; "
	    "the program goes on.\nWhat comes on standard input goes to that of "
	    "a program for which run has kept it\nopen; others have /dev/null, "
	    "or what run passed on.\n",
	.min = 1,
	.max = 1,
	.exec = attach_exec,
};

static int
ask(struct streams *st)
{
	struct buf params = BUF_INIT;
	int rc, saved;

	buf_adds(&params, "{\"names\":[");
	buf_adds_json(&params, st->name);
	buf_adds(&params, "]}");
	/* pid is answered at once: then the program is known to be there. */
	rc = request_send(&st->control, "pid", &params, NULL, 0);
	if (rc == 0)
		rc = request_send(&st->control, "wait", &params, NULL, 0);
	saved = errno;
	buf_clear(&params);
	errno = saved;
	return rc;
}

/* The pipe that the program has for its standard input is opened as that of
 * its process: so it is there as long as the program, whoever else is not. */
static void
open_input(struct streams *st, const json_t *program)
{
	double pid = reply_num(program, "pid", 0);
	char path[64];
	struct stat is;
	int fd;

	if (st->input != INPUT_UNKNOWN)
		return; /* after a lost connection it goes on as before */
	st->input = INPUT_NONE;
	if (!reply_true(program, "stdin_open")) {
		if (isatty(STDIN_FILENO))
			log_warnx("%s: output only, it reads no terminal; "
			    "Ctrl-C leaves it running", st->name);
		return;
	}
	snprintf(path, sizeof path, "/proc/%.0f/fd/0", pid);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		log_warn("%s: its standard input (pid %.0f) cannot be opened; "
		    "output only", st->name, pid);
	} else if (fstat(fd, &is) == -1 || !S_ISFIFO(is.st_mode)) {
		log_warnx("%s: it has put something else in the place of its "
		    "standard input; output only", st->name);
		close(fd);
	} else {
		st->input = fd;
	}
}

/* The answer to pid: one program, and it runs. */
static int
told_pid(struct streams *st, const json_t *list)
{
	if (json_array_size(list) != 1) {
		log_warnx("attach takes one program, %s means %zu", st->name,
		    json_array_size(list));
		return CLI_OURS;
	}
	open_input(st, json_array_get(list, 0));
	return -1;
}

static int
told(struct streams *st, const struct reply *p)
{
	json_t *list = json_object_get(p->result, "programs");
	json_t *program = json_array_get(list, 0), *code;
	json_int_t n;

	if (st->over)
		return -1;
	if (p->error != PROTO_OK) {
		cli_reply_failed(p);
		return CLI_OURS;
	}
	if (reply_str(program, "state") == NULL)
		return told_pid(st, list);
	code = json_object_get(program, "exit_code");
	n = json_integer_value(code);
	if (!json_is_integer(code) || n < -127 || n > 255) {
		log_warnx("%s: has no exit status to give (%s)", st->name,
		    reply_str(program, "state"));
		return CLI_OURS;
	}
	return n < 0 ? 128 - (int)n : (int)n;
}

static int
signalled(struct streams *st, int signo)
{
	if (signo != SIGPIPE)
		log_warnx("%s goes on", st->name);
	return 128 + signo;
}

static const struct streams_ops ops = {
	.ask = ask, .told = told, .signalled = signalled};

static int
attach_exec(struct cli *cli)
{
	struct streams st = {.cli = cli, .ops = &ops, .input = INPUT_UNKNOWN};

	if (cli->opt[OPT_JSON] != NULL) {
		log_warnx("attach: --json: the output is the program's own");
		return CLI_USAGE;
	}
	st.name = cli->names[0];
	return streams_run(&st);
}
