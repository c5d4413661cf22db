/*
 * events: what happened in the daemon, one JSON object a line.
 *
 * Followed over lost connections: the next request begins behind the last
 * event that was printed, so none comes twice.  Another supervisor has none
 * of the old ones: it gives what it knows, and the gap is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "lib/log.h"
#include "lib/str.h"

static int events_exec(struct cli *cli);

const struct cmd cmd_events = {
	.name = "events",
	.args = "[-f] [-n LINES] [NAME...]",
	.brief = "Show what happened, one JSON object a line",
	.help = "  -f, --follow       go on with what happens from now on\n"
	    "  -n, --lines LINES  how many of the last ones, 20 if not given; "
	    "all is\n                     what the daemon remembers, at most "
	    "1000\n"
	    "With NAME, only changes of these programs.\n",
	.opts = CMD_OPT(OPT_FOLLOW) | CMD_OPT(OPT_LINES),
	.max = -1,
	.exec = events_exec,
};

struct watch {
	struct cli *cli;
	struct request r;
	bool follow;
	int64_t lines;
	int supervisor; /* that has served us; 0: none yet */
	uint64_t seq; /* last event that was printed, or passed over */
};

static void
print_event(struct watch *w, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	struct buf out = BUF_INIT;

	if (text == NULL)
		return;
	if (w->cli->tty)
		str_visible(&out, text, strlen(text), true);
	else
		buf_adds(&out, text);
	free(text);
	buf_addc(&out, '\n');
	cli_print(&out);
	w->seq = (uint64_t)json_integer_value(json_object_get(event, "seq"));
}

/* The reply, perhaps of another supervisor than before. */
static void
print_past(struct watch *w, const json_t *result)
{
	json_t *list = json_object_get(result, "events"), *event;
	int supervisor = reply_int(result, "supervisor_pid", 0);
	size_t i;

	if (w->supervisor != 0 && supervisor != w->supervisor) {
		log_warnx("events: the supervisor was replaced, it is pid %d "
		    "now; what happened in between may be missing",
		    supervisor);
		w->seq = 0;
	} else if (w->supervisor != 0) {
		log_warnx("events: the connection was lost and made again; "
		    "nothing is missing");
	}
	w->supervisor = supervisor;
	json_array_foreach(list, i, event)
		print_event(w, event);
	/* What was not asked for is not to be had later either. */
	w->seq = (uint64_t)json_integer_value(json_object_get(result, "seq"));
}

static void
add_request(const struct watch *w, struct buf *params)
{
	buf_addf(params, "{\"follow\":%s", w->follow ? "true" : "false");
	if (w->supervisor != 0)
		buf_addf(params, ",\"position\":\"%d:%" PRIu64 "\"",
		    w->supervisor, w->seq);
	else
		buf_addf(params, ",\"lines\":%" PRId64, w->lines);
	if (w->cli->nnames > 0) {
		buf_addc(params, ',');
		cli_add_names(w->cli, 0, params);
	}
	buf_addc(params, '}');
}

static int
show(void *arg, const struct reply *p)
{
	struct watch *w = arg;

	if (p->error != PROTO_OK)
		return cli_reply_failed(p);
	if (p->result != NULL)
		print_past(w, p->result);
	else
		print_event(w, p->params);
	return 0;
}

static int
watch_once(struct watch *w)
{
	struct buf params = BUF_INIT;
	int rc;

	add_request(w, &params);
	rc = request_follow(&w->r, "events", &params, w->follow, show, w);
	buf_clear(&params);
	return rc;
}

static int
watch_failed(struct watch *w, int err)
{
	switch (err) {
	case ECONNRESET: /* cli_has_ended() */
		log_warnx("events: the daemon has stopped");
		return CLI_OK;
	case ENOTCONN:
		log_warnx("events: connection to the daemon lost; they end "
		    "here");
		return CLI_FAILED;
	}
	return cli_request_failed(w->cli, err);
}

static int
events_exec(struct cli *cli)
{
	const char *lines = cli->opt[OPT_LINES];
	struct watch w = {.cli = cli, .lines = 20,
	    .follow = cli->opt[OPT_FOLLOW] != NULL};
	int rc, err;

	if (lines != NULL && strcmp(lines, "all") == 0) {
		w.lines = -1;
	} else if (lines != NULL &&
	    !str_to_int(lines, 0, INT32_MAX, &w.lines)) {
		log_warnx("events: -n: \"%s\" is not a number of lines, nor "
		    "all", lines);
		return CLI_USAGE;
	}
	if (cli_open(cli, &w.r) == -1)
		return cli_no_daemon(cli, errno);
	w.r.out_fd = w.follow ? STDOUT_FILENO : -1;
	do {
		rc = watch_once(&w);
		err = errno;
	} while (rc == -1 && err == ECONNRESET && !cli_has_ended(cli));
	if (rc == -1)
		rc = watch_failed(&w, err);
	request_close(&w.r);
	return rc;
}
