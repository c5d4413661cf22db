/*
 * run: a transient program (transient.h).
 *
 * The request is a stream: it is answered when the program was begun, a
 * notification tells how it ended, and the connection stands for the client:
 * when it is closed, a program with "bind" is stopped and one with "rm"
 * removed.  Repeated with the same request_id it means the same program.
 *
 * With "strings": N, a sealed memfd brings the directory, N words of the
 * command and the environment, each ended by NUL: a request line is too short
 * for what an environment may be, and JSON holds no other bytes than UTF-8.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confcodec.h"
#include "core/confkey.h"
#include "core/confvalue.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/logfile.h"
#include "supervisor/logs.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"
#include "supervisor/waiter.h"

#define STRINGS_MAX (2 * 1024 * 1024) /* bytes; the kernel takes no more */
#define VARIABLES_MAX 4096 /* each is compared with all before it at a spawn */
#define HELD_MAX (32 * 1024 * 1024) /* bytes of words and variables of all
				     * transient programs: each `run` copies
				     * the whole configuration */
#define STOPWAIT_SECS 10

/* --- the request becomes the configuration of a process --- */

struct making {
	struct request *r;
	struct conf_arena *arena;
	struct conf_process c;
	struct service *old; /* whose place it takes, or NULL */
	int stdin_fd; /* -1: none */
};

static bool
bad(struct making *m, const char *what)
{
	request_error(m->r, PROTO_BAD_PARAMS, "%s", what);
	return false;
}

/* A list of strings in params.KEY. */
static bool
take_list(struct making *m, const char *key, struct conf_strs *ret)
{
	json_t *list = json_object_get(m->r->params, key), *v;
	size_t i;

	ret->v = conf_arena_calloc(m->arena, json_array_size(list) + 1,
	    sizeof *ret->v);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			break;
		ret->v[i] = conf_arena_dup(m->arena, json_string_value(v));
	}
	ret->n = i;
	if (i == json_array_size(list) && (list == NULL ||
	    json_is_array(list)))
		return true;
	request_error(m->r, PROTO_BAD_PARAMS, "%s is not a list of strings",
	    key);
	return false;
}

/* All of FD, a memfd that nobody can change or cut any more.  NULL: it is no
 * such thing; reading anything else might wait. */
static char *
read_strings(struct conf_arena *arena, int fd, size_t *ret_len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	char *text;

	if (seals == -1 || (seals & F_SEAL_WRITE) == 0 ||
	    (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &st) == -1 ||
	    st.st_size == 0 || st.st_size > STRINGS_MAX)
		return NULL;
	text = conf_arena_alloc(arena, (size_t)st.st_size);
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size ||
	    text[st.st_size - 1] != '\0')
		return NULL;
	*ret_len = (size_t)st.st_size;
	return text;
}

/* Directory, NARGS words and the environment out of the LEN bytes at P. */
static bool
split_strings(struct making *m, const char *p, size_t len, size_t nargs)
{
	size_t n = 0, dir = strlen(p) + 1, i;
	const char *words = p + dir, *end = p + len, *q;

	for (i = 0; i < len; i++)
		n += p[i] == '\0';
	if (n < nargs + 1)
		return false;
	m->c.directory = conf_arena_dup(m->arena, p);
	conf_arena_strs(m->arena, words, nargs, &m->c.command);
	for (q = words, i = 0; i < nargs; i++)
		q += strlen(q) + 1;
	conf_arena_strs(m->arena, q, n - nargs - 1, &m->c.environment);
	return q <= end;
}

static bool
take_strings(struct making *m, double nargs)
{
	int fd = request_take_fd(m->r);
	size_t len = 0;
	char *text;
	bool ok;

	if (fd == -1)
		return bad(m, "no descriptor came with the strings");
	text = read_strings(m->arena, fd, &len);
	close(fd);
	ok = text != NULL && nargs >= 1 && nargs <= STRINGS_MAX &&
	    split_strings(m, text, len, (size_t)nargs);
	return ok || bad(m, "the strings are not in a sealed memfd of at most "
	    "2 MB, or are fewer than they should be");
}

static bool
take_command(struct making *m)
{
	const char *directory;
	double nargs;
	size_t i;

	if (!method_number(m->r, "strings", 0, &nargs) ||
	    !method_string(m->r, "directory", "/", &directory))
		return false;
	if (json_object_get(m->r->params, "strings") != NULL) {
		if (!take_strings(m, nargs))
			return false;
	} else {
		m->c.directory = conf_arena_dup(m->arena, directory);
		if (!take_list(m, "command", &m->c.command) ||
		    !take_list(m, "environment", &m->c.environment))
			return false;
	}
	if (m->c.command.n == 0 || m->c.command.v[0][0] == '\0')
		return bad(m, "there is no command");
	if (m->c.directory[0] != '/')
		return bad(m, "directory is not an absolute path");
	if (m->c.environment.n > VARIABLES_MAX) {
		request_error(m->r, PROTO_BAD_PARAMS, "the environment has %zu "
		    "variables, more than %d", m->c.environment.n,
		    VARIABLES_MAX);
		return false;
	}
	for (i = 0; i < m->c.environment.n; i++)
		if (strchr(m->c.environment.v[i], '=') == NULL)
			return bad(m, "an entry of the environment has no =");
	return true;
}

/* params.user, an object: only for who may become anybody anyway. */
static bool
take_user(struct making *m, const json_t *u)
{
	const json_t *uid = json_object_get(u, "uid");
	const json_t *gid = json_object_get(u, "gid");
	json_t *groups = json_object_get(u, "groups"), *v;
	const char *name = json_string_value(json_object_get(u, "name"));
	struct conf_user *cu = &m->c.user;
	size_t i;

	if (name == NULL || !json_is_integer(uid) || !json_is_integer(gid) ||
	    json_integer_value(uid) < 0 || json_integer_value(gid) < 0 ||
	    json_integer_value(uid) >= UINT32_MAX ||
	    json_integer_value(gid) >= UINT32_MAX)
		return bad(m, "user is not an object with name, uid and gid");
	cu->name = conf_arena_dup(m->arena, name);
	cu->uid = (uint32_t)json_integer_value(uid);
	cu->gid = (uint32_t)json_integer_value(gid);
	cu->groups = conf_arena_calloc(m->arena, json_array_size(groups) + 1,
	    sizeof *cu->groups);
	json_array_foreach(groups, i, v)
		cu->groups[cu->ngroups++] = (uint32_t)json_integer_value(v);
	cu->known = true;
	return true;
}

/* The groups of the process at the other end; with fewer, files that a group
 * must not read could be read. */
static bool
take_peer_groups(struct making *m)
{
	struct conf_user *cu = &m->c.user;
	socklen_t len = 0;
	int fd = m->r->peer->fd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
		return true; /* it has none */
	if (errno != ERANGE)
		return false;
	cu->groups = conf_arena_alloc(m->arena, len);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, cu->groups, &len) == -1)
		return false;
	cu->ngroups = len / sizeof *cu->groups;
	return true;
}

/* Never more rights than the client has. */
static bool
choose_user(struct making *m)
{
	const struct peer *p = m->r->peer;
	json_t *user = json_object_get(m->r->params, "user");
	bool any = p->uid == 0 || p->uid == geteuid();
	char *text;

	if (any)
		return user == NULL || take_user(m, user);
	if (user != NULL || geteuid() != 0) {
		request_error(m->r, PROTO_NOT_PERMITTED, "user %u may not run "
		    "a command as %s", (unsigned)p->uid, user != NULL ?
		    "somebody else" : "the daemon's user, and this daemon "
		    "cannot become another");
		return false;
	}
	text = xasprintf("user %u", (unsigned)p->uid);
	m->c.user.name = conf_arena_dup(m->arena, text);
	free(text);
	m->c.user.uid = p->uid;
	m->c.user.gid = p->gid;
	m->c.user.known = take_peer_groups(m);
	return m->c.user.known || bad(m, "the groups of the client cannot be "
	    "found out");
}

/* --- its name and its logs --- */

static bool
take_name(struct making *m)
{
	struct supervisor *sup = m->r->peer->sup;
	struct buf why = BUF_INIT;
	struct service *s;
	const char *name;
	bool ok;

	if (!method_string(m->r, "name", "", &name))
		return false;
	ok = confvalue_name_is_valid(name, &why);
	buf_addc(&why, '\0');
	if (!ok)
		bad(m, buf_head(&why));
	buf_clear(&why);
	if (!ok)
		return false;
	if (str_is_pattern(name) || strcmp(name, "all") == 0)
		return bad(m, "the name would mean several programs");
	TAILQ_FOREACH(s, &sup->services, entry) {
		if (strcmp(s->conf->name, name) != 0 &&
		    strcmp(s->conf->group, name) != 0)
			continue;
		if (!transient_is_free(s) || s->conf->leaving ||
		    m->old != NULL) {
			request_error(m->r, PROTO_BUSY, "there is a program "
			    "or group %s already: %s is %s", name, s->label,
			    program_state_name(s->prog.state));
			return false;
		}
		m->old = s;
	}
	m->c.name = m->c.group = m->c.program =
	    conf_arena_dup(m->arena, name);
	return true;
}

/* PATH is where another program's output goes. */
static bool
is_somebodys(const struct making *m, const char *path)
{
	const struct service *s;
	int i;

	TAILQ_FOREACH(s, &m->r->peer->sup->services, entry)
		for (i = 0; i < CONF_STREAMS; i++)
			if (s != m->old && s->conf->log[i].file != NULL &&
			    strcmp(s->conf->log[i].file, path) == 0)
				return true;
	return false;
}

/* An empty one, for nobody else to read; that of an earlier program of this
 * name is gone. */
static int
make_log(const char *path)
{
	int fd;

	if (logfile_make_dirs(path) == -1 ||
	    (unlink(path) == -1 && errno != ENOENT))
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static bool
make_logs(struct making *m)
{
	static const char *const names[] = {"stdout", "stderr"};
	const char *dir = m->r->peer->sup->conf->main.logdir;
	bool ok = true;
	char *path;
	int i;

	for (i = 0; i < CONF_STREAMS && ok; i++) {
		path = xasprintf("%s/%s.%s.log", dir, m->c.name, names[i]);
		errno = EBUSY;
		ok = !is_somebodys(m, path) && make_log(path) == 0;
		if (!ok)
			request_error(m->r, PROTO_INTERNAL, "cannot create "
			    "log file %.300s: %s", path, errno == EBUSY ?
			    "another program writes to it" :
			    strerror(errno));
		m->c.log[i].file = conf_arena_dup(m->arena, path);
		m->c.log[i].automatic = true;
		m->c.log[i].maxbytes = m->c.log[i].backups = 0;
		free(path);
	}
	return ok;
}

/* --- all of it --- */

static bool
take_options(struct making *m)
{
	struct conf_process *c = &m->c;
	struct request *r = m->r;
	double mask;

	if (!method_bool(r, "rm", false, &c->run_rm) ||
	    !method_bool(r, "bind", false, &c->run_bound) ||
	    !method_bool(r, "stdin", false, &c->run_stdin) ||
	    !method_bool(r, "stdin_open", false, &c->run_stdin_open) ||
	    !method_number(r, "umask", -1, &mask))
		return false;
	if (mask > 0777)
		return bad(m, "umask is not one");
	if (c->run_stdin && c->run_stdin_open)
		return bad(m, "stdin and stdin_open exclude each other");
	c->umask = mask < 0 ? -1 : (int64_t)mask;
	if (!c->run_stdin)
		return true;
	m->stdin_fd = request_take_fd(r);
	return m->stdin_fd != -1 || bad(m, "no descriptor came for stdin");
}

/* What no request says: it runs once, and all of its group gets the signals. */
static void
set_defaults(struct making *m)
{
	struct conf_process *c = &m->c;

	confvalue_defaults(SECT_PROGRAM, c, m->arena);
	c->group_priority = c->priority;
	c->numprocs = 1;
	c->autostart = false;
	c->autorestart = AUTORESTART_NO;
	c->startsecs = c->startretries = 0;
	c->stopwaitsecs = STOPWAIT_SECS;
	c->stopasgroup = c->killasgroup = true;
	c->inherit_environment = false;
	c->transient = method_request(m->r);
	if (c->transient == 0)
		c->transient = (uint64_t)random() << 32 | 1;
}

static int32_t
free_slot(const struct supervisor *sup)
{
	int32_t i;

	for (i = 0; i < BOARD_SLOTS; i++)
		if (sup->by_slot[i] == NULL)
			return i;
	return -1;
}

/* What runs may be asked for again at any time; a new one may not begin. */
static bool
may_begin(struct making *m)
{
	const struct supervisor *sup = m->r->peer->sup;

	if (sup->stopping)
		request_error(m->r, PROTO_SHUTTING_DOWN, "the daemon is "
		    "stopping; run is not possible any more");
	else if (sup->safe || sup->keeper_gone)
		request_error(m->r, PROTO_INTERNAL, "run is not possible now: "
		    "%s", sup->safe ? "the supervisor runs in safe mode" :
		    "the keeper was killed and cannot be replaced");
	return !sup->stopping && !sup->safe && !sup->keeper_gone;
}

static size_t
bytes_of(const struct conf_process *c)
{
	const struct conf_strs *lists[] = {&c->command, &c->environment};
	size_t i, k, n = 0;

	for (k = 0; k < 2; k++)
		for (i = 0; i < lists[k]->n; i++)
			n += strlen(lists[k]->v[i]) + sizeof(char *) + 1;
	return n;
}

/* Otherwise R was answered. */
static bool
has_room(struct making *m)
{
	const struct service *s;
	size_t held = bytes_of(&m->c);

	TAILQ_FOREACH(s, &m->r->peer->sup->services, entry)
		if (s->conf->transient != 0 && s != m->old)
			held += bytes_of(s->conf);
	if (held > HELD_MAX)
		request_error(m->r, PROTO_BUSY, "words and environments of "
		    "transient programs would take more than %d MB; a reload "
		    "removes those that are over", HELD_MAX >> 20);
	return held <= HELD_MAX;
}

/* NULL: R was answered with an error. */
static struct service *
make_service(struct making *m)
{
	struct supervisor *sup = m->r->peer->sup;

	if (!may_begin(m) || !take_command(m) || !choose_user(m) ||
	    !take_name(m) || !has_room(m))
		return NULL;
	m->c.slot = m->old != NULL ? (int32_t)m->old->slot : free_slot(sup);
	if (m->c.slot == -1) {
		request_error(m->r, PROTO_INTERNAL, "there are %d programs "
		    "already", BOARD_SLOTS);
		return NULL;
	}
	if (!make_logs(m))
		return NULL;
	transient_make_room(sup);
	if (m->old != NULL)
		logs_reopen(sup); /* it may have its old ones open */
	m->c.restart_hash = confcodec_restart_hash(&sup->conf->main, &m->c);
	if (reload_add(sup, &m->c) == -1) {
		request_error(m->r, PROTO_INTERNAL, "the keeper does not take "
		    "the program: %s", strerror(errno));
		return NULL;
	}
	log_info("program %s: made for pid %d of user %u",
	    m->c.name, (int)m->r->peer->pid, (unsigned)m->r->peer->uid);
	return sup->by_slot[m->c.slot];
}

/* The one that this very request made before its connection was lost. */
static struct service *
made_before(const struct making *m)
{
	struct service *s;

	TAILQ_FOREACH(s, &m->r->peer->sup->services, entry)
		if (s->run != NULL && s->conf->transient == m->c.transient &&
		    !s->conf->leaving)
			return s;
	return NULL;
}

/* --- the stream --- */

struct running {
	struct service *service; /* referenced */
	bool replied, over, told;
};

static void
on_over(struct waiter *w, bool timed_out)
{
	struct request *r = w->data;
	struct running *run = r->state;

	(void)timed_out;
	run->over = true;
	request_ready(r);
}

static void
add_reply(struct request *r, const struct service *s, struct buf *out)
{
	request_head(r, out);
	buf_adds(out, "{\"name\":");
	buf_adds_json(out, s->label);
	if (!s->gone) {
		buf_adds(out, ",\"stdout_logfile\":");
		buf_adds_json(out, s->conf->log[CONF_STDOUT].file);
		buf_adds(out, ",\"stderr_logfile\":");
		buf_adds_json(out, s->conf->log[CONF_STDERR].file);
	}
	buf_adds(out, "}}\n");
}

static void
add_end(const struct service *s, struct buf *out)
{
	const struct program *p = &s->prog;
	bool failed = p->state == PROGRAM_FATAL && p->reason == REASON_SPAWN;
	char why[512] = "";

	if (!s->gone)
		program_reason(p, s->conf, why, sizeof why);
	buf_adds(out, "{\"jsonrpc\":\"2.0\",\"method\":\"run\",\"params\":"
	    "{\"name\":");
	buf_adds_json(out, s->label);
	buf_addf(out, ",\"state\":\"%s\",\"exit_code\":",
	    program_state_name(p->state));
	if (!failed && p->pid == 0 && p->has_status == STATUS_KNOWN)
		buf_addi(out, program_exit_code(p->status));
	else
		buf_adds(out, "null");
	buf_addf(out, ",\"failed_step\":%s%s%s,\"errno\":%d", failed ? "\"" :
	    "", failed ? spawn_step_name(p->spawn_step) : "null", failed ?
	    "\"" : "", failed ? p->spawn_errno : 0);
	buf_adds(out, ",\"reason\":");
	buf_adds_json(out, why);
	buf_addf(out, ",\"stdin_lost\":%s}}\n",
	    transient_lost_stdin(s) ? "true" : "false");
}

/* It never ends by itself: as long as the connection is there, the program
 * has its client. */
static enum fill
run_fill(struct request *r, struct buf *out)
{
	struct running *run = r->state;

	r->stream = true;
	if (!run->replied) {
		run->replied = true;
		add_reply(r, run->service, out);
		return FILL_YIELD;
	}
	if (run->over && !run->told) {
		run->told = true;
		add_end(run->service, out);
	}
	return FILL_IDLE;
}

static void
run_cleanup(struct request *r)
{
	struct running *run = r->state;

	transient_leave(run->service);
	service_unref(run->service);
	free(run);
}

static void
begin(struct making *m, struct service *s)
{
	struct request *r = m->r;
	struct running *run = xcalloc(1, sizeof *run);

	if (!service_has_done(s, m->c.transient) && !s->sup->stopping)
		service_event(s, ON_START);
	if (m->stdin_fd != -1)
		transient_give_stdin(s, m->stdin_fd);
	m->stdin_fd = -1;
	transient_claim(s);
	run->service = service_ref(s);
	r->state = run;
	r->fill = run_fill;
	r->cleanup = run_cleanup;
	request_ready(r);
	r->waiter = waiter_new(r->peer->sup, GOAL_END, &s, 1);
	waiter_arm(r->waiter, -1, on_over, r);
}

static void
run_exec(struct request *r)
{
	struct making m = {.r = r, .arena = conf_arena_new(), .stdin_fd = -1};
	struct service *s = NULL;

	set_defaults(&m);
	if (take_options(&m)) {
		s = made_before(&m);
		if (s == NULL)
			s = make_service(&m);
	}
	if (s != NULL)
		begin(&m, s);
	if (m.stdin_fd != -1)
		close(m.stdin_fd);
	conf_arena_free(m.arena);
}

const struct method method_run = {
	.name = "run",
	.needs = MAY_CONTROL,
	.while_stopping = true,
	.in_need = true,
	.exec = run_exec,
};
