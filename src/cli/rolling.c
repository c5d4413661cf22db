/* restart --rolling; see rolling.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/render.h"
#include "cli/rolling.h"
#include "lib/log.h"
#include "lib/str.h"

#define BLANK "\r\033[K" /* back to the beginning of an empty line */

/* One line that is written over. */
static void
show_progress(struct request *r, const struct reply *p)
{
	const json_t *program = json_object_get(p->params, "program");
	struct buf out = BUF_INIT;

	(void)r;
	if (program == NULL)
		return;
	buf_addf(&out, BLANK "%.0f of %.0f: ", reply_num(p->params, "done", 0),
	    reply_num(p->params, "of", 0));
	cli_add_name(program, &out);
	buf_adds(&out, reply_true(program, "ok") ? "restarted" : "failed");
	fwrite(buf_head(&out), 1, buf_len(&out), stderr);
	buf_clear(&out);
}

/* How many at a time; false, and said, if that is no number. */
static bool
take_step(const struct cli *cli, int64_t *ret)
{
	const char *text = cli->opt[OPT_ROLLING];

	*ret = 1;
	if (cli->nnames == 0)
		log_warnx("restart: --rolling needs a NAME; see mpsupd help "
		    "restart");
	else if (cli->opt[OPT_NO_WAIT] != NULL ||
	    cli->opt[OPT_FOREGROUND] != NULL)
		log_warnx("restart: --rolling waits for each step; it goes "
		    "neither with --no-wait nor with -n");
	else if (*text != '\0' && !str_to_int(text, 1, 16384, ret))
		log_warnx("restart: --rolling: \"%s\" is not a number from 1 "
		    "to 16384", text);
	else
		return true;
	return false;
}

static void
add_program(const json_t *p, struct buf *out)
{
	const char *message = reply_str(p, "message");
	double pid = reply_num(p, "pid", 0);

	cli_add_name(p, out);
	if (reply_true(p, "ok")) {
		buf_adds(out, "restarted");
		if (pid > 0)
			buf_addf(out, " (pid %.0f)", pid);
	} else {
		if (reply_true(p, "changed"))
			buf_adds(out, "failed: ");
		if (message == NULL)
			message = reply_str(p, "state");
		render_text(out, message != NULL ? message : "?");
	}
	buf_addc(out, '\n');
}

static int
print_outcome(struct cli *cli, const struct reply *reply)
{
	json_t *list = json_object_get(reply->result, "programs"), *p;
	struct buf out = BUF_INIT;
	int rc = CLI_OK;
	size_t i;

	json_array_foreach(list, i, p) {
		if (!reply_true(p, "ok"))
			rc = CLI_FAILED;
		add_program(p, &out);
	}
	if (cli->opt[OPT_JSON] != NULL)
		cli_print_result(cli, reply);
	else
		cli_print(&out);
	buf_clear(&out);
	return rc;
}

int
rolling_restart(struct cli *cli)
{
	bool tty = isatty(STDERR_FILENO) == 1;
	struct buf params = BUF_INIT;
	int64_t step, ms = cli_timeout_ms(cli);
	struct request r;
	struct reply reply;
	int rc;

	if (!take_step(cli, &step))
		return CLI_USAGE;
	if (cli_open(cli, &r) == -1)
		return cli_no_daemon(cli, errno);
	if (ms >= 0)
		r.deadline_ms = request_now_ms() + ms + 1000;
	r.notified = tty ? show_progress : NULL;
	buf_addc(&params, '{');
	cli_add_names(cli, 0, &params);
	buf_addf(&params, ",\"rolling\":%lld,\"progress\":%s,",
	    (long long)step, tty ? "true" : "false");
	if (ms >= 0)
		buf_addf(&params, "\"timeout_s\":%.3f,", (double)ms / 1000);
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = request_call(&r, "restart", &params, &reply) == -1 ?
	    -errno : 0;
	if (tty)
		fputs(BLANK, stderr);
	if (rc != 0) {
		rc = cli_request_failed(cli, -rc);
	} else {
		rc = reply.error != PROTO_OK ? cli_reply_failed(&reply) :
		    print_outcome(cli, &reply);
		reply_clear(&reply);
	}
	buf_clear(&params);
	request_close(&r);
	return rc;
}
