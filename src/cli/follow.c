/*
 * The log of a program on stdout; see follow.h.
 *
 * Every piece of the log comes with the position behind it.  A piece is
 * printed when it is there as a whole, and only then is its position ours:
 * after a lost connection the next request begins at the last one, so that
 * nothing is shown twice or left out.  A first piece of more than HOLD_MAX
 * bytes is printed as it comes; it cannot be continued when it breaks off.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/render.h"
#include "lib/log.h"
#include "lib/xalloc.h"

#define HOLD_MAX ((size_t)1024 * 1024)
#define PIECE ((size_t)64 * 1024)

struct follow {
	struct cli *cli;
	const struct follow_opts *opts;
	struct request r;
	char *position; /* behind what was printed; NULL: nothing yet */
	struct render_log part;
	struct buf held; /* a piece that is not complete */
};

static void
print_held(struct follow *f)
{
	struct buf out = BUF_INIT;

	if (f->opts->visible) {
		render_log_add(&f->part, buf_head(&f->held),
		    buf_len(&f->held), &out);
		cli_print(&out);
	} else {
		cli_print(&f->held);
	}
	buf_clear(&f->held);
}

static void
say_skipped(const json_t *info)
{
	double skipped = reply_num(info, "skipped", 0);
	const char *path = reply_str(info, "path");

	if (skipped > 0)
		log_warnx("... %.0f bytes skipped", skipped);
	if (json_is_true(json_object_get(info, "compressed")))
		log_warnx("what is older is compressed, and not shown: %s.*.gz",
		    path != NULL ? path : "");
}

/* Reads the SIZE bytes behind the message INFO and prints them.  -1: errno of
 * request_body(), or EIO if some of them have been printed. */
static int
print_body(struct follow *f, const json_t *info, uint64_t size)
{
	bool hold = size <= HOLD_MAX, printed = false;
	ssize_t n;

	for (;;) {
		n = request_body(&f->r, buf_reserve(&f->held, PIECE), PIECE);
		if (n == -1) {
			buf_clear(&f->held);
			if (printed && errno == ECONNRESET)
				errno = EIO;
			return -1;
		}
		f->held.end += (size_t)n;
		if (n == 0 || (!hold && buf_len(&f->held) >= HOLD_MAX)) {
			if (!printed)
				say_skipped(info);
			print_held(f);
			printed = true;
		}
		if (n == 0)
			return 0;
	}
}

/* One message of the log, a result or a notification. */
static int
show(void *arg, const struct reply *p)
{
	struct follow *f = arg;
	const json_t *info = p->result != NULL ? p->result : p->params;
	const char *position = reply_str(info, "position");
	size_t len = 0;
	const char *raw;

	if (p->error != PROTO_OK)
		return cli_reply_failed(p);
	if (f->opts->json) {
		raw = reply_raw(p->line, p->result != NULL ? "result" :
		    "params", &len);
		buf_add(&f->held, raw, len);
		buf_addc(&f->held, '\n');
	}
	if (print_body(f, info, p->body) == -1)
		return -1;
	if (position != NULL) {
		free(f->position);
		f->position = xstrdup(position);
	}
	return 0;
}

static void
add_request(const struct follow *f, struct buf *params)
{
	const struct follow_opts *o = f->opts;

	buf_adds(params, "{\"names\":[");
	buf_adds_json(params, o->name);
	buf_addf(params, "],\"stream\":\"%s\",\"follow\":%s", o->stream,
	    o->follow ? "true" : "false");
	if (f->position != NULL) {
		buf_adds(params, ",\"position\":");
		buf_adds_json(params, f->position);
	} else {
		buf_addf(params, ",\"lines\":%" PRId64, o->lines);
	}
	buf_addc(params, '}');
}

static int
follow_once(struct follow *f)
{
	struct buf params = BUF_INIT;
	int rc;

	add_request(f, &params);
	rc = request_follow(&f->r, "logs", &params, f->opts->follow, show, f);
	buf_clear(&params);
	return rc;
}

static int
follow_failed(const struct follow *f, int err)
{
	switch (err) {
	case ENOTCONN:
		log_warnx("%s: connection to the daemon lost; the log ends "
		    "here", f->opts->name);
		return CLI_FAILED;
	case EIO:
		log_warnx("%s: connection to the daemon lost in the middle "
		    "of the log; the rest is missing", f->opts->name);
		return CLI_FAILED;
	}
	return cli_request_failed(f->cli, err);
}

int
follow_run(struct cli *cli, const struct follow_opts *opts)
{
	struct follow f = {.cli = cli, .opts = opts};
	struct buf out = BUF_INIT;
	int rc, err;

	if (cli_open(cli, &f.r) == -1)
		return cli_no_daemon(cli, errno);
	f.r.out_fd = opts->follow ? STDOUT_FILENO : -1;
	do {
		rc = follow_once(&f);
		err = errno;
	} while (rc == -1 && err == ECONNRESET);
	render_log_end(&f.part, &out);
	cli_print(&out);
	if (rc == -1)
		rc = follow_failed(&f, err);
	free(f.position);
	buf_clear(&f.held);
	request_close(&f.r);
	return rc;
}
