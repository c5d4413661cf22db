/* One run of the command; see cli.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cmd.h"
#include "cli/confhost.h"
#include "cli/daemon.h"
#include "cli/render.h"
#include "core/conf.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"

void
cli_clear(struct cli *cli)
{
	free(cli->file);
	free(cli->socket);
	free(cli->pidfile);
	free(cli->state);
	free(cli->env);
	cli->file = cli->socket = cli->pidfile = NULL;
}

/* PATH made absolute; the link it may be is left alone.  Caller frees. */
static char *
absolute(const char *path)
{
	char *cwd, *p;

	if (*path == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return xstrdup(path);
	p = xasprintf("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
	free(cwd);
	return p;
}

const struct conf_host *
cli_host(void)
{
	static struct conf_host host;
	static bool known;

	if (!known)
		confhost_init(&host);
	known = true;
	return &host;
}

const char *
cli_file(struct cli *cli)
{
	if (cli->file == NULL && cli->opt[OPT_CONFIG] != NULL)
		cli->file = absolute(cli->opt[OPT_CONFIG]);
	else if (cli->file == NULL)
		cli->file = confhost_default_file();
	return cli->file;
}

/* The name of FILE in the folder of PATH.  Caller frees. */
static char *
beside(const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(file);
	return xasprintf("%.*s/%s", (int)(slash - path), path, file);
}

/* The socket that the user named, or NULL. */
static const char *
named_socket(const struct cli *cli)
{
	const char *sock = cli->opt[OPT_SOCKET];

	if (sock == NULL)
		sock = getenv("MPSUPD_SOCKET");
	return sock != NULL && *sock != '\0' ? sock : NULL;
}

/* Asks the configuration what is not known without it. */
static void
look_into_file(struct cli *cli)
{
	struct config *conf = config_peek(cli_file(cli), cli_host());

	if (cli->socket == NULL)
		cli->socket = xstrdup(conf->main.socket);
	if (strcmp(cli->socket, conf->main.socket) == 0)
		cli->pidfile = xstrdup(conf->main.pidfile);
	else
		cli->pidfile = beside(cli->socket, "mpsupd.pid");
	cli->state = strcmp(cli->socket, conf->main.socket) == 0 ?
	    xasprintf("%s/state", conf->main.rundir) :
	    beside(cli->socket, "state");
	config_free(conf);
}

void
cli_locate(struct cli *cli)
{
	const char *sock = named_socket(cli);

	if (cli->socket != NULL)
		return;
	if (sock != NULL)
		cli->socket = xstrdup(sock); /* the file is not needed */
	else
		look_into_file(cli);
}

const char *
cli_pidfile(struct cli *cli)
{
	cli_locate(cli);
	if (cli->pidfile == NULL)
		look_into_file(cli);
	return cli->pidfile;
}

int64_t
cli_timeout_ms(const struct cli *cli)
{
	int64_t ms = -1;

	if (cli->opt[OPT_TIMEOUT] != NULL)
		cmd_duration(cli->opt[OPT_TIMEOUT], &ms);
	return ms;
}

int
cli_open(struct cli *cli, struct request *r)
{
	int rc, saved;

	cli_locate(cli);
	rc = request_open(r, cli->socket);
	saved = errno;
	cli->nobody = rc == -1 && (saved == ENOENT || saved == ECONNREFUSED);
	if (rc == -1)
		request_close(r);
	errno = saved;
	return rc;
}

bool
cli_has_ended(struct cli *cli)
{
	struct request r;
	int rc = cli_open(cli, &r), err = errno;

	if (rc == 0)
		request_close(&r);
	return rc == -1 && err == ENOENT;
}

int
cli_no_daemon(const struct cli *cli, int err)
{
	if (cli->nobody) {
		log_warnx("no daemon serves %s (is it started? mpsupd start)",
		    cli->socket);
		return CLI_NO_DAEMON;
	}
	log_warnx("cannot connect to %s: %s", cli->socket, strerror(err));
	return CLI_FAILED;
}

int
cli_request_failed(const struct cli *cli, int err)
{
	switch (err) {
	case EMSGSIZE:
		log_warnx("the request would be longer than %d bytes; give "
		    "fewer names, or a pattern", PROTO_REQUEST_MAX);
		return CLI_USAGE;
	case ETIMEDOUT:
		log_warnx("timed out after %g s; the daemon has not answered",
		    (double)cli_timeout_ms(cli) / 1000);
		return CLI_TIMED_OUT;
	case ECONNRESET:
	case ESRCH:
		log_warnx("connection to the daemon lost before it answered; "
		    "whether it was done is unknown");
		return CLI_FAILED;
	case EPROTO:
		log_warnx("%s: the answer is not of the control protocol; is "
		    "this the daemon's socket?", cli->socket);
		return CLI_FAILED;
	case EPIPE:
		return CLI_FAILED;
	}
	log_warnx("%s: %s", cli->socket, strerror(err));
	return CLI_FAILED;
}

void
cli_say_config(const struct conf_msg *m)
{
	struct buf b = BUF_INIT;

	if (m->warning)
		buf_adds(&b, "warning: ");
	render_text(&b, m->text);
	buf_addc(&b, '\n');
	fwrite(buf_head(&b), 1, buf_len(&b), stderr);
	buf_clear(&b);
}

void
cli_say_list(const json_t *list, bool warning)
{
	struct conf_msg m = {.warning = warning};
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		m.text = xstrdup(json_string_value(v));
		if (m.text != NULL)
			cli_say_config(&m);
		free(m.text);
	}
}

int
cli_reply_failed(const struct reply *p)
{
	if (p->error == PROTO_CONFIG_INVALID) {
		cli_say_list(json_object_get(p->data, "errors"), false);
		log_warnx("configuration not reloaded; nothing changed");
	} else {
		log_warnx("%s", p->message);
	}
	switch (p->error) {
	case PROTO_NO_SUCH_PROGRAM:
		return CLI_NO_PROGRAM;
	case PROTO_NOT_PERMITTED: /* of one program: for this user none */
		return json_object_get(p->data, "program") != NULL ?
		    CLI_NO_PROGRAM : CLI_FAILED;
	case PROTO_TIMEOUT:
		return CLI_TIMED_OUT;
	case PROTO_CONFIG_INVALID:
		return CLI_USAGE;
	default:
		return CLI_FAILED;
	}
}

int
cli_call(struct cli *cli, struct request *r, const char *method,
    const struct buf *params, struct reply *ret)
{
	struct reply p;
	int rc;

	if (request_call(r, method, params, &p) == -1)
		return cli_request_failed(cli, errno);
	if (p.error != PROTO_OK) {
		rc = cli_reply_failed(&p);
		reply_clear(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

int
cli_ask(struct cli *cli, const char *method, const struct buf *params,
    struct reply *ret)
{
	int64_t ms = cli_timeout_ms(cli);
	struct request r;
	int rc;

	if (cli_open(cli, &r) == -1)
		return cli_no_daemon(cli, errno);
	/* The daemon keeps the time; this is for one that is stuck. */
	if (ms >= 0)
		r.deadline_ms = request_now_ms() + ms + 1000;
	rc = cli_call(cli, &r, method, params, ret);
	if (rc == 0 && cli->opt[OPT_JSON] != NULL)
		cli_print_result(cli, ret);
	request_close(&r);
	return rc;
}

void
cli_add_names(const struct cli *cli, size_t i, struct buf *params)
{
	const char *comma = "";

	buf_adds(params, "\"names\":[");
	for (; i < cli->nnames; i++) {
		buf_adds(params, comma);
		buf_adds_json(params, cli->names[i]);
		comma = ",";
	}
	buf_addc(params, ']');
}

void
cli_add_id(struct buf *params)
{
	char id[17];

	request_new_id(id);
	buf_addf(params, "\"request_id\":\"%s\"", id);
}

void
cli_print(struct buf *out)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
	ssize_t n;

	while (buf_len(out) > 0) {
		n = write(STDOUT_FILENO, buf_head(out), buf_len(out));
		if (n >= 0) {
			buf_consume(out, (size_t)n);
		} else if (errno == EAGAIN) {
			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			if (errno != EPIPE)
				log_warn("cannot write to standard output");
			exit(CLI_FAILED);
		}
	}
	buf_clear(out);
}

void
cli_print_result(const struct cli *cli, const struct reply *p)
{
	struct buf out = BUF_INIT;
	size_t len = 0;
	const char *raw = reply_raw(p->line, "result", &len);

	if (cli->tty)
		str_visible(&out, raw, len, true);
	else
		buf_add(&out, raw, len);
	buf_addc(&out, '\n');
	cli_print(&out);
}

char *
cli_name_of(const json_t *program)
{
	const char *name = reply_str(program, "name");
	const char *group = reply_str(program, "group");

	if (name == NULL)
		name = "?";
	if (group == NULL || strcmp(group, name) == 0)
		return xstrdup(name);
	return xasprintf("%s:%s", group, name);
}

void
cli_add_name(const json_t *program, struct buf *out)
{
	char *name = cli_name_of(program);

	render_text(out, name);
	buf_adds(out, ": ");
	free(name);
}
