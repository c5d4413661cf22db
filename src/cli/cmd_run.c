/*
 * run: a command as a transient program; its output and its status come back.
 *
 * The daemon starts it with our directory, umask, environment and, unless it
 * is a terminal, standard input.  We may be killed, the program stays, unless
 * it is bound to us.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/loader.h"
#include "cli/streams.h"
#include "core/conf.h"
#include "core/proto.h"
#include "lib/log.h"
#include "lib/xalloc.h"

static int run_exec(struct cli *cli);

const struct cmd cmd_run = {
	.name = "run",
	.args = "[--name NEWNAME] [--bind] [--rm] [-t SECONDS] [--user USER] "
	    "[--directory DIR] [--env KEY=VALUE] [--env-clear] "
	    "[--stdin-open] COMMAND [ARGUMENT...]",
	.brief = "Run a command as a program of the daemon",
	.help = "Its output comes back, and its exit status: 128+N if signal "
	    "N ended it, 124 after\n-t, 125 for failures of mpsupd, 126 or "
	    "127 if it cannot be executed or found.\n"
	    "      --name NAME      its name; run-PID if not given\n"
	    "      --bind           stop it when this command ends, however\n"
	    "      --rm             forget it and its logs when it is over\n"
	    "  -t SECONDS           stop it after that time\n"
	    "      --user USER      run it as USER (root only)\n"
	    "      --directory DIR  run it there instead of here\n"
	    "      --env KEY=VALUE  for its environment, which is this one; "
	    "can be repeated\n"
	    "      --env-clear      no environment but PATH and --env\n"
	    "      --stdin-open     its standard input is what attach writes\n"
	    "Standard input is passed on otherwise, unless it is a "
	    "terminal.\n",
	.opts = CMD_OPT(OPT_NAME) | CMD_OPT(OPT_BIND) | CMD_OPT(OPT_RM) |
	    CMD_OPT(OPT_TIMEOUT) | CMD_OPT(OPT_USER) |
	    CMD_OPT(OPT_DIRECTORY) | CMD_OPT(OPT_ENV) |
	    CMD_OPT(OPT_ENV_CLEAR) | CMD_OPT(OPT_STDIN_OPEN),
	.min = 1,
	.max = -1,
	.is_command = true,
	.exec = run_exec,
};

extern char **environ;

struct running {
	struct buf params;
	int fds[REQUEST_FDS];
	size_t nfds;
	bool late; /* -t is over */
};

/* --- what is sent --- */

static void
add_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

/* Does ENTRY set the same variable as KEY, "K" or "K=V"? */
static bool
is_key(const char *entry, const char *key)
{
	size_t len = strcspn(key, "=");

	return strncmp(entry, key, len) == 0 && entry[len] == '=';
}

/* The daemon sets these; ours are of the program that we are part of. */
static bool
is_daemons(const char *entry)
{
	return is_key(entry, "SUPERVISOR_ENABLED") ||
	    is_key(entry, "SUPERVISOR_PROCESS_NAME") ||
	    is_key(entry, "SUPERVISOR_GROUP_NAME") ||
	    is_key(entry, "SUPERVISOR_SERVER_URL");
}

static bool
is_given(const struct cli *cli, const char *entry)
{
	size_t i;

	for (i = 0; i < cli->nenv; i++)
		if (is_key(entry, cli->env[i]))
			return true;
	return false;
}

static void
add_of_user(const struct cli *cli, struct buf *b, const char *key,
    const char *value)
{
	char *entry;

	if (value == NULL)
		return;
	entry = xasprintf("%s=%s", key, value);
	if (!is_given(cli, entry))
		add_string(b, entry);
	free(entry);
}

static bool
is_of_user(const char *entry)
{
	return is_key(entry, "HOME") || is_key(entry, "USER") ||
	    is_key(entry, "LOGNAME") || is_key(entry, "SHELL");
}

static void
add_environment(const struct cli *cli, const struct conf_user *u,
    struct buf *b)
{
	size_t i;

	for (i = 0; cli->opt[OPT_ENV_CLEAR] == NULL && environ[i] != NULL; i++)
		if (strchr(environ[i], '=') != NULL &&
		    !is_daemons(environ[i]) && !is_given(cli, environ[i]) &&
		    !(u->known && is_of_user(environ[i])))
			add_string(b, environ[i]);
	if (u->known) {
		add_of_user(cli, b, "HOME", u->home);
		add_of_user(cli, b, "USER", u->login);
		add_of_user(cli, b, "LOGNAME", u->login);
		add_of_user(cli, b, "SHELL", u->shell);
	}
	for (i = 0; i < cli->nenv; i++)
		add_string(b, cli->env[i]);
}

/* Where it runs.  Caller frees; NULL: there is no such place. */
static char *
directory(const struct cli *cli)
{
	const char *dir = cli->opt[OPT_DIRECTORY];
	char *cwd, *full;

	if (dir != NULL && *dir == '/')
		return xstrdup(dir);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL || dir == NULL)
		return cwd;
	full = xasprintf("%s/%s", cwd, dir);
	free(cwd);
	return full;
}

/* Directory, command and environment in a sealed memfd, -1 with errno. */
static int
strings_fd(const struct cli *cli, const struct conf_user *u)
{
	char *dir = directory(cli);
	struct buf b = BUF_INIT;
	int fd = -1, saved;
	size_t i;

	if (dir != NULL) {
		add_string(&b, dir);
		for (i = 0; i < cli->nnames; i++)
			add_string(&b, cli->names[i]);
		add_environment(cli, u, &b);
		fd = loader_memfd(buf_head(&b), buf_len(&b));
	}
	saved = errno;
	buf_clear(&b);
	free(dir);
	errno = saved;
	return fd;
}

/* Nothing is read from a terminal on the behalf of a program elsewhere. */
static bool
passes_stdin(const struct cli *cli)
{
	struct stat st;

	return cli->opt[OPT_STDIN_OPEN] == NULL &&
	    fstat(STDIN_FILENO, &st) == 0 && !isatty(STDIN_FILENO) &&
	    !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode);
}

static void
add_user(const struct conf_user *u, struct buf *b)
{
	size_t i;

	buf_adds(b, ",\"user\":{\"name\":");
	buf_adds_json(b, u->name);
	buf_addf(b, ",\"uid\":%u,\"gid\":%u,\"groups\":[", u->uid, u->gid);
	for (i = 0; i < u->ngroups; i++)
		buf_addf(b, "%s%u", i > 0 ? "," : "", u->groups[i]);
	buf_adds(b, "]}");
}

static void
add_params(const struct streams *st, const struct conf_user *u, struct buf *b)
{
	const struct cli *cli = st->cli;
	mode_t mask = umask(0);

	umask(mask);
	buf_adds(b, "{\"name\":");
	buf_adds_json(b, st->name);
	buf_addf(b, ",\"strings\":%zu,\"umask\":%u,\"stdin\":%s",
	    cli->nnames, (unsigned)mask, passes_stdin(cli) ? "true" : "false");
	if (cli->opt[OPT_STDIN_OPEN] != NULL)
		buf_adds(b, ",\"stdin_open\":true");
	if (cli->opt[OPT_RM] != NULL)
		buf_adds(b, ",\"rm\":true");
	if (cli->opt[OPT_BIND] != NULL)
		buf_adds(b, ",\"bind\":true");
	if (u->known)
		add_user(u, b);
	buf_addc(b, ',');
	cli_add_id(b);
	buf_addc(b, '}');
}

/* --- while it runs --- */

/* Another request about the program, over a connection of its own. */
static void
tell(struct streams *st, const char *method, const char *more)
{
	struct buf params = BUF_INIT;
	struct reply reply;
	struct request r;

	buf_adds(&params, "{\"names\":[");
	buf_adds_json(&params, st->name);
	buf_addf(&params, "],%s,", more);
	cli_add_id(&params);
	buf_addc(&params, '}');
	if (cli_open(st->cli, &r) == -1) {
		cli_no_daemon(st->cli, errno);
	} else {
		if (cli_call(st->cli, &r, method, &params, &reply) == 0)
			reply_clear(&reply);
		request_close(&r);
	}
	buf_clear(&params);
}

static int
ask(struct streams *st)
{
	struct running *run = st->data;

	return request_send(&st->control, "run", &run->params, run->fds,
	    run->nfds);
}

/* The exit code of one that has not run at all. */
static int
not_run(const struct streams *st, const json_t *info)
{
	const char *step = reply_str(info, "failed_step");
	const char *reason = reply_str(info, "reason");
	int err = reply_int(info, "errno", 0);

	log_warnx("%s: %s", st->name, reason != NULL && *reason != '\0' ?
	    reason : "its exit status is not known");
	if (step == NULL || (strcmp(step, "exec") != 0 &&
	    strcmp(step, "prepare") != 0))
		return CLI_OURS;
	return err == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_RUN;
}

static int
told(struct streams *st, const struct reply *p)
{
	struct running *run = st->data;
	const json_t *code;
	json_int_t n;

	if (st->over)
		return -1; /* said again, after a lost connection */
	if (p->error != PROTO_OK) {
		cli_reply_failed(p);
		return CLI_OURS;
	}
	if (p->params == NULL)
		return -1; /* it has begun */
	if (reply_true(p->params, "stdin_lost"))
		log_warnx("%s: its standard input was lost with the "
		    "supervisor before it was started; it had /dev/null",
		    st->name);
	if (run->late) {
		log_warnx("%s: stopped after %s", st->name,
		    st->cli->opt[OPT_TIMEOUT]);
		return CLI_TIMED_OUT;
	}
	code = json_object_get(p->params, "exit_code");
	n = json_integer_value(code);
	if (!json_is_integer(code) || n < -127 || n > 255)
		return not_run(st, p->params);
	return n < 0 ? 128 - (int)n : (int)n;
}

/* To all of its process group, as a terminal would. */
static int
signalled(struct streams *st, int signo)
{
	char num[16], more[64];

	snprintf(more, sizeof more, "\"signal\":\"%s\",\"group\":true",
	    signal_name(signo, num));
	tell(st, "signal", more);
	return -1;
}

static void
late(struct streams *st)
{
	struct running *run = st->data;

	run->late = true;
	tell(st, "stop", "\"wait\":false");
}

static const struct streams_ops ops = {
	.ask = ask, .told = told, .signalled = signalled, .late = late};

/* --- the command --- */

static int
check_options(const struct cli *cli)
{
	size_t i;

	if (cli->opt[OPT_JSON] != NULL) {
		log_warnx("run: --json: the output is the command's own");
		return CLI_USAGE;
	}
	for (i = 0; i < cli->nenv; i++)
		if (strchr(cli->env[i], '=') == NULL || cli->env[i][0] == '=') {
			log_warnx("run: --env: \"%s\" is not KEY=VALUE",
			    cli->env[i]);
			return CLI_USAGE;
		}
	return CLI_OK;
}

static int
find_user(const struct cli *cli, struct conf_user *u)
{
	const struct conf_host *h = cli_host();

	if (cli->opt[OPT_USER] == NULL)
		return CLI_OK;
	if (!h->user(h->arg, cli->opt[OPT_USER], u)) {
		log_warnx("run: --user: there is no user \"%s\"",
		    cli->opt[OPT_USER]);
		return CLI_OURS;
	}
	u->name = xstrdup(cli->opt[OPT_USER]);
	u->known = true;
	return CLI_OK;
}

static int
run_exec(struct cli *cli)
{
	struct streams st = {.input = INPUT_NONE, .cli = cli,
	    .ops = &ops, .whole = true};
	struct running run = {.nfds = 0};
	struct conf_user u = {0};
	int64_t ms = cli_timeout_ms(cli);
	int rc = check_options(cli), fd;

	if (rc == CLI_OK)
		rc = find_user(cli, &u);
	if (rc != CLI_OK)
		return rc;
	st.data = &run;
	st.name = cli->opt[OPT_NAME] != NULL ? xstrdup(cli->opt[OPT_NAME]) :
	    xasprintf("run-%d", (int)getpid());
	if (passes_stdin(cli))
		run.fds[run.nfds++] = STDIN_FILENO;
	fd = strings_fd(cli, &u);
	if (fd == -1) {
		log_warn("run: cannot pass the command on");
		return CLI_OURS;
	}
	run.fds[run.nfds++] = fd;
	add_params(&st, &u, &run.params);
	if (ms >= 0)
		st.deadline_ms = request_now_ms() + ms;
	rc = streams_run(&st);
	close(fd);
	buf_clear(&run.params);
	free(st.name);
	return rc;
}
