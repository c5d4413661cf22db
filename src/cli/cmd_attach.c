/* attach: the output of a running program, and its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
	    "the program goes on.\nIts standard input is not to be had: it is "
	    "/dev/null, or what run passed on.\n",
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

/* The answer to pid: one program, and it runs. */
static int
told_pid(struct streams *st, const json_t *list)
{
	if (json_array_size(list) != 1) {
		log_warnx("attach takes one program, %s means %zu", st->name,
		    json_array_size(list));
		return CLI_OURS;
	}
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
	struct streams st = {.cli = cli, .ops = &ops};

	if (cli->opt[OPT_JSON] != NULL) {
		log_warnx("attach: --json: the output is the program's own");
		return CLI_USAGE;
	}
	st.name = cli->names[0];
	if (isatty(STDIN_FILENO))
		log_warnx("%s: output only, it reads no terminal; Ctrl-C "
		    "leaves it running", st.name);
	return streams_run(&st);
}
