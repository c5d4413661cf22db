/*
 * why: what a person asks who finds a program down: since when, what for,
 * what comes next, how it ended, and its last words.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/render.h"

static int why_exec(struct cli *cli);

const struct cmd cmd_why = {
	.name = "why",
	.args = "NAME",
	.brief = "Explain why a program runs or does not",
	.help = "Says what it waits for, when it is tried again, how it last "
	    "ended, and the end\nof its logs.  Exit 4: no such program.\n",
	.min = 1,
	.max = 1,
	.exec = why_exec,
};

static const struct {
	const char *state, *text;
} states[] = {
	{"STOPPED", "not running, STOPPED"},
	{"WAITING", "not running yet, WAITING"},
	{"RUNNING", "running"},
	{"BACKOFF", "not running, BACKOFF"},
	{"EXITED", "not running, EXITED"},
	{"FATAL", "not running, FATAL"},
};

static bool
is(const json_t *p, const char *key, const char *value)
{
	const char *s = reply_str(p, key);

	return s != NULL && strcmp(s, value) == 0;
}

/* "web is not running, BACKOFF for 12s: exit code 1." */
static void
add_state(const json_t *p, struct buf *out)
{
	const char *state = reply_str(p, "state"), *text = state;
	const char *reason = reply_str(p, "reason");
	double since = reply_num(p, "since_s", -1);
	double pid = reply_num(p, "pid", -1);
	char *name = cli_name_of(p), d[RENDER_SHORT];
	size_t i;

	for (i = 0; i < sizeof states / sizeof states[0]; i++)
		if (is(p, "state", states[i].state))
			text = states[i].text;
	render_text(out, name);
	buf_adds(out, " is ");
	render_text(out, text != NULL ? text : "?");
	if (since >= 0)
		buf_addf(out, " for %s", render_duration(since, d));
	if (pid >= 0)
		buf_addf(out, " as pid %.0f", pid);
	if (reason != NULL && *reason != '\0') {
		buf_adds(out, ": ");
		render_text(out, reason);
	}
	buf_adds(out, ".\n");
	free(name);
}

/* What its configuration says of it. */
static void
add_about(const json_t *p, struct buf *out)
{
	static const struct {
		const char *key, *title;
	} about[] = {
		{"description", "Description"},
		{"documentation", "Documentation"},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof about / sizeof about[0]; i++) {
		text = reply_str(p, about[i].key);
		if (text == NULL)
			continue;
		buf_addf(out, "%s: ", about[i].title);
		render_text(out, text);
		buf_addc(out, '\n');
	}
}

static void
add_waiting(const json_t *p, struct buf *out)
{
	json_t *list = json_object_get(p, "waiting_for"), *v;
	const char *sep = "It waits for ";
	const char *state;
	size_t i;

	json_array_foreach(list, i, v) {
		char *name = cli_name_of(v);

		state = reply_str(v, "state");
		buf_adds(out, sep);
		render_text(out, name);
		if (state != NULL) {
			buf_adds(out, ", which is ");
			render_text(out, state);
		}
		sep = "; for ";
		free(name);
	}
	if (json_array_size(list) > 0)
		buf_adds(out, ".\n");
}

/* Down, and nothing happened that says why. */
static void
add_stopped(const json_t *p, struct buf *out)
{
	if (is(p, "wanted", "up"))
		return;
	if (reply_num(p, "starts", 0) == 0)
		buf_adds(out, reply_true(p, "autostart") ?
		    "It was stopped before it was ever started.\n" :
		    "It was never started: it has autostart = false, and "
		    "nobody has started it.\n");
	else
		buf_adds(out, "It was stopped on request and stays down "
		    "until somebody starts it.\n");
}

static void
add_exited(const json_t *p, struct buf *out)
{
	buf_adds(out, "It ended by itself and is not started again: ");
	buf_adds(out, is(p, "autorestart", "false") ?
	    "it has autorestart = false.\n" :
	    "it has autorestart = unexpected, and this exit code is in its "
	    "exitcodes.\n");
}

static void
add_next(const json_t *p, struct buf *out)
{
	double next = reply_num(p, "next_start_s", -1);
	double tries = reply_num(p, "tries", 0);
	char d[RENDER_SHORT];

	if (tries > 1)
		buf_addf(out, "The last %.0f starts failed.\n", tries);
	if (next >= 0)
		buf_addf(out, "It is started again in %s.\n",
		    render_cpu(next, d));
	if (is(p, "state", "STOPPED"))
		add_stopped(p, out);
	else if (is(p, "state", "EXITED"))
		add_exited(p, out);
	else if (is(p, "state", "FATAL"))
		buf_adds(out, "It is not tried again until somebody starts "
		    "it.\n");
	else if (is(p, "state", "STOPPING"))
		buf_adds(out, "It was told to end and has not ended yet.\n");
	else if (is(p, "state", "STARTING") && reply_num(p, "pid", -1) < 0)
		buf_adds(out, "Its process is about to be made.\n");
}

static void
add_daemon(const json_t *p, struct buf *out)
{
	if (is(p, "daemon", "stopping"))
		buf_adds(out, "The daemon is stopping: nothing is started any "
		    "more.\n");
	else if (is(p, "daemon", "safe mode"))
		buf_adds(out, "The daemon is in safe mode: it starts nothing "
		    "before a reload, or a minute without a crash.\n");
	else if (is(p, "daemon", "keeper gone"))
		buf_adds(out, "The keeper of the daemon was killed and could "
		    "not be replaced: it starts nothing.\n");
}

/* "It last ended 12s ago, by signal KILL, after 2m 3s" */
static void
add_last_exit(const json_t *p, struct buf *out)
{
	const json_t *e = json_object_get(p, "last_exit");
	double ran = reply_num(e, "ran_s", -1);
	const char *signo = reply_str(e, "signal");
	char d[RENDER_SHORT];

	if (!json_is_object(e))
		return;
	buf_addf(out, "It last ended %s ago", render_duration(reply_num(e,
	    "ended_ago_s", 0), d));
	if (signo != NULL) {
		buf_adds(out, ", by signal ");
		render_text(out, signo);
		if (reply_true(e, "core_dumped"))
			buf_adds(out, " (core dumped)");
	} else if (json_is_integer(json_object_get(e, "exit_code"))) {
		buf_addf(out, ", with exit code %d", reply_int(e, "exit_code",
		    0));
	} else {
		buf_adds(out, ", how is not known");
	}
	if (ran >= 0)
		buf_addf(out, ", after %s", render_cpu(ran, d));
	buf_adds(out, ".\n");
	if (reply_true(e, "oom"))
		buf_adds(out, "Memory ran out: nobody here sent that signal, "
		    "and the kernel has killed a process for\nmemory since "
		    "that run began (its log, dmesg, has the details).\n");
}

static void
add_tail(const json_t *p, const char *key, const char *title, struct buf *out)
{
	json_t *list = json_object_get(p, key), *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_addf(out, "\nThe end of its %s:\n", title);
	json_array_foreach(list, i, v) {
		buf_adds(out, "  ");
		render_text(out, json_string_value(v));
		buf_addc(out, '\n');
	}
}

static int
why_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	const json_t *p;
	int rc;

	buf_addc(&params, '{');
	cli_add_names(cli, 0, &params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "why", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	p = reply.result;
	add_state(p, &out);
	add_waiting(p, &out);
	add_next(p, &out);
	add_daemon(p, &out);
	add_last_exit(p, &out);
	add_about(p, &out);
	if (!is(p, "state", "RUNNING")) {
		add_tail(p, "stdout_tail", "standard output", &out);
		add_tail(p, "stderr_tail", "standard error", &out);
	}
	if (cli->opt[OPT_JSON] == NULL)
		cli_print(&out);
	buf_clear(&out);
	reply_clear(&reply);
	return CLI_OK;
}
