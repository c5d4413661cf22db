/*
 * A client of the control socket, against the real server with programs that
 * have no process (fakes.c).
 *
 * The input is what the client sends.  A byte 0x1c begins something else that
 * happens, by the byte after it: see happen().  Every request is answered
 * once, with its id, in JSON; what is no request gets one error and the end
 * of the connection; what waits for the client is bounded.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/conf_fake.h"
#include "fuzz.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "supervisor/logs.h"
#include "supervisor/peer.h"
#include "supervisor/server.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "tmpdir.h"

#define HAPPENS 0x1c
#define FILLER 30000 /* blanks: three of them are too long for a request */
#define IDS_MAX 8192
#define TURNS_MAX 5000 /* that an input may take: then it does not end */

static const char ini[] =
    "[mpsupd]\nreaders = web\noperators = @adm\n"
    "logdir = %(ENV_T)s\n"
    "[DEFAULT]\nstderr_logfile = NONE\n"
    "[program:a]\ncommand = a\nstdout_logfile = %(ENV_T)s/a.log\n"
    "stderr_logfile = %(ENV_T)s/a.err\ndescription = \xc3\xa4 %%\n"
    "[program:b]\ncommand = b\nstdout_logfile = NONE\nautostart = no\n"
    "startsecs = 0\n"
    "[program:c]\ncommand = c\nprocess_name = n%(process_num)d\n"
    "numprocs = 3\nstdout_logfile = NONE\nautorestart = yes\n"
    "[program:d]\ncommand = d\nprocess_name = n1\nredirect_stderr = yes\n"
    "stdout_logfile = %(ENV_T)s/d.log\nrestart_delay = 0\n"
    "[group:g]\nprograms = c\n";

static struct supervisor sup;
static int keeper; /* its end of the link */

/* Ids as JSON text; "" is one that was asked without. */
struct ids {
	char *v[IDS_MAX];
	size_t n;
};

/* The client's side. */
static struct {
	int fd;
	bool eof, deaf; /* it sends no more; it does not read */
	struct buf sent, got;
	size_t body; /* raw bytes that still belong to a reply */
	struct ids replies;
	unsigned rejects; /* replies that say: no request */
} cl;

static struct peer *
the_peer(void)
{
	return TAILQ_FIRST(&sup.server->peers);
}

/* --- the daemon --- */

static void
quiet(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void
make_config(void)
{
	static char var[80];
	static char *environment[] = {var, NULL};
	struct conf_msgs msgs = {0};
	struct fake fake;
	size_t i;

	fake_init(&fake, ini);
	snprintf(var, sizeof var, "T=%s", tmpdir());
	fake.host.environ = environment;
	FUZZ_CHECK(config_load("/etc/m.conf", &fake.host, &sup.conf,
	    &msgs) == 0);
	for (i = 0; i < sup.conf->nprocs; i++)
		sup.conf->procs[i].slot = (int32_t)i;
	conf_msgs_clear(&msgs);
}

static void
init(void)
{
	int link[2];

	log_set_sink(quiet);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, link) == 0);
	sup.link = link[0];
	keeper = link[1];
	sup.state.fd = -1;
	sup.devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
	sup.fd[ROLE_LISTENER] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	FUZZ_CHECK(board_create(&sup.board) != -1);
	snprintf(sup.board->program, sizeof sup.board->program, "%s/none",
	    tmpdir());
	sup.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	TAILQ_INIT(&sup.services);
	TAILQ_INIT(&sup.spawn_queue);
	TAILQ_INIT(&sup.stirred);
	TAILQ_INIT(&sup.unwritten);
	ev_io_init(&sup.clock_io, NULL, -1, EV_READ);
	make_config();
	logs_init(&sup, 64);
	server_init(&sup, 16);
}

static void
write_file(const char *name, const char *data)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", tmpdir(), name);
	f = fopen(path, "w");
	FUZZ_CHECK(f != NULL);
	fputs(data, f);
	fclose(f);
}

static void
begin_daemon(void)
{
	size_t i;

	write_file("a.log", "eins\nzwei\n\033[1mdrei\n\nvier");
	write_file("a.log.1", "null\n\n");
	write_file("a.log.2", "aaa\nbbb\n");
	sup.stopping = sup.safe = false;
	atomic_store(&sup.board->stopping, 0);
	for (i = 0; i < sup.conf->nprocs; i++)
		service_begin(service_new(&sup, &sup.conf->procs[i]));
}

/* What the keeper would take. */
static void
empty_link(void)
{
	struct link_msg m;
	int fds[LINK_FDS], r;
	size_t n;

	while ((r = link_recv(keeper, &m, fds, &n)) == 1)
		while (n > 0)
			close(fds[--n]);
	FUZZ_CHECK(r == -1 && errno == EAGAIN);
}

/* --- what a client reads --- */

static void
ids_add(struct ids *ids, const json_t *id)
{
	FUZZ_CHECK(ids->n < IDS_MAX);
	ids->v[ids->n] = id == NULL ? xstrdup("") :
	    json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
	FUZZ_CHECK(ids->v[ids->n++] != NULL);
}

static void
ids_clear(struct ids *ids)
{
	while (ids->n > 0)
		free(ids->v[--ids->n]);
}

/* Takes ID out of IDS; false if it is not there. */
static bool
ids_take(struct ids *ids, const char *id)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		if (strcmp(ids->v[i], id) == 0) {
			free(ids->v[i]);
			ids->v[i] = ids->v[--ids->n];
			return true;
		}
	return false;
}

static void
take_reply(const char *line, size_t len)
{
	json_error_t err;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &err);
	json_t *result, *error, *params, *body;
	int code;

	if (root == NULL)
		fprintf(stderr, "%s: %.*s\n", err.text, (int)len, line);
	FUZZ_CHECK(json_is_object(root));
	result = json_object_get(root, "result");
	error = json_object_get(root, "error");
	params = json_object_get(root, "params");
	FUZZ_CHECK((result != NULL) + (error != NULL) + (params != NULL) == 1);
	body = json_object_get(result != NULL ? result : params, "body");
	if (body != NULL)
		cl.body = (size_t)json_integer_value(body);
	if (params == NULL)
		ids_add(&cl.replies, json_object_get(root, "id"));
	if (params == NULL)
		FUZZ_CHECK(json_object_get(root, "id") != NULL);
	code = (int)json_integer_value(json_object_get(error, "code"));
	if (error != NULL)
		FUZZ_CHECK(code != 0 && json_is_string(json_object_get(error,
		    "message")));
	cl.rejects += code == proto_error_code(PROTO_PARSE) ||
	    code == proto_error_code(PROTO_INVALID);
	json_decref(root);
}

static void
take_replies(void)
{
	size_t n;
	char *nl;

	while (buf_len(&cl.got) > 0) {
		n = buf_len(&cl.got);
		if (cl.body > 0) {
			n = n < cl.body ? n : cl.body;
			cl.body -= n;
			buf_consume(&cl.got, n);
			continue;
		}
		nl = memchr(buf_head(&cl.got), '\n', n);
		if (nl == NULL)
			break;
		take_reply(buf_head(&cl.got), (size_t)(nl -
		    buf_head(&cl.got)));
		buf_consume(&cl.got, (size_t)(nl - buf_head(&cl.got)) + 1);
	}
}

/* True if something came. */
static bool
client_read(void)
{
	ssize_t n;
	bool any = false;

	while ((n = recv(cl.fd, buf_reserve(&cl.got, 65536), 65536,
	    MSG_DONTWAIT)) > 0) {
		cl.got.end += (size_t)n;
		any = true;
	}
	take_replies();
	return any;
}

/* --- the loop --- */

static void
check_bounds(void)
{
	const struct peer *p = the_peer();

	if (p == NULL)
		return;
	FUZZ_CHECK(buf_len(&p->out) <= PROTO_QUEUE_MAX);
	FUZZ_CHECK(buf_len(&p->in) <= PROTO_REQUEST_MAX + 4096);
}

/* Bytes that the server has not read yet. */
static int
client_unread(void)
{
	const struct peer *p = the_peer();
	int n = 0;

	if (p != NULL)
		ioctl(p->fd, FIONREAD, &n);
	return n;
}

/* One turn, as on_turn() of supervisor/main.c; true if it is not the last. */
static bool
turn(void)
{
	int before = client_unread();
	struct service *s;
	bool again;

	ev_run(sup.loop, EVRUN_NOWAIT);
	again = server_turn(&sup);
	if (sup.stopping)
		TAILQ_FOREACH(s, &sup.services, entry)
			if (!service_is_stopped(s))
				service_event(s, ON_STOP);
	empty_link();
	check_bounds();
	return (!cl.deaf && client_read()) || again ||
	    client_unread() != before;
}

static void
settle(void)
{
	int idle, n = 0;

	for (idle = 0; idle < 3; idle++) {
		if (turn())
			idle = -1;
		FUZZ_CHECK(++n < TURNS_MAX);
	}
}

/* --- what happens --- */

static struct service *
nth_service(unsigned n)
{
	struct service *s = TAILQ_FIRST(&sup.services);

	for (n %= (unsigned)sup.nservices; n > 0; n--)
		s = TAILQ_NEXT(s, entry);
	return s;
}

static void
end_of(struct service *s, int status)
{
	struct board *b = sup.board;

	if (s->prog.pid == 0)
		return;
	b->end[s->slot].gen = s->prog.gen;
	b->end[s->slot].status = status;
	b->end[s->slot].pid = s->prog.pid;
	atomic_store(&b->pid[s->slot], 0);
	service_ended(s);
}

static void
send_bytes(const void *data, size_t len)
{
	ssize_t n;

	if (cl.eof)
		return;
	while (len > 0) {
		n = send(cl.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			return; /* full, or closed: it never arrives */
		buf_add(&cl.sent, data, (size_t)n);
		data = (const char *)data + n;
		len -= (size_t)n;
	}
}

static void
print(struct service *s, size_t len)
{
	int fd = stream_pipe(s->stream[CONF_STDOUT]);
	char line[256];

	memset(line, 'x', sizeof line);
	line[len % 7] = '\n';
	if (fd != -1 && write(fd, line, len % sizeof line) > 0)
		stream_pump(s->stream[CONF_STDOUT]);
}

/* Asks for the log from a place in a file that there is; the rest of the line
 * is what stands behind its number. */
static void
ask_from(struct fuzz_input *in)
{
	const uint8_t *nl = in->left > 0 ? memchr(in->p, '\n', in->left) : NULL;
	size_t len = nl == NULL ? in->left : (size_t)(nl - in->p), n;
	char path[128], line[256];
	struct stat st;

	snprintf(path, sizeof path, "%s/a.log", tmpdir());
	if (stat(path, &st) == -1)
		return;
	n = (size_t)snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\","
	    "\"id\":\"from\",\"method\":\"logs\",\"params\":{\"names\":"
	    "[\"a\"],\"position\":\"%llu", (unsigned long long)st.st_ino);
	send_bytes(line, n);
	send_bytes(fuzz_bytes(in, len, &n), len);
}

static void
happen(struct fuzz_input *in)
{
	static char blanks[FILLER];
	struct service *s;
	struct peer *p = the_peer();
	uint8_t what = fuzz_byte(in);

	switch (what) {
	case 's': /* programs that are to start do */
		while ((s = TAILQ_FIRST(&sup.spawn_queue)) != NULL)
			service_spawn(s);
		break;
	case 'e': /* one ends */
		s = nth_service(fuzz_byte(in));
		end_of(s, fuzz_byte(in) << 8);
		break;
	case 'd': /* its time is over */
		s = nth_service(fuzz_byte(in));
		if (s->prog.deadline_ns != 0)
			ev_feed_event(sup.loop, &s->timer, EV_TIMER);
		break;
	case 'p': /* it prints something */
		s = nth_service(fuzz_byte(in));
		print(s, fuzz_byte(in));
		break;
	case 'u': /* the client is somebody else */
		if (p != NULL)
			p->uid = fuzz_byte(in) % 2 ? 1000 : 1234;
		break;
	case 'z': /* a long request */
		memset(blanks, ' ', sizeof blanks);
		send_bytes(blanks, sizeof blanks);
		break;
	case 'n':
		cl.deaf = true;
		break;
	case 'r':
		cl.deaf = false;
		break;
	case 'h': /* a half-close */
		shutdown(cl.fd, SHUT_WR);
		cl.eof = true;
		break;
	case 'm': /* safe mode */
		sup.safe = !sup.safe;
		break;
	case 'f':
		ask_from(in);
		break;
	case 'l':
		logs_reopen(&sup);
		break;
	}
	settle();
}

/* --- what should have come --- */

/* What one line is: a request (*RET_ID, NULL for a notification), or not. */
static bool
is_request(const json_t *msg, json_t **ret_id)
{
	json_t *method = json_object_get(msg, "method");
	json_t *version = json_object_get(msg, "jsonrpc");
	json_t *params = json_object_get(msg, "params");
	char *id;
	bool ok;

	*ret_id = json_object_get(msg, "id");
	if (!json_is_object(msg) || !json_is_string(method) ||
	    !json_is_string(version) ||
	    strcmp(json_string_value(version), "2.0") != 0 ||
	    (params != NULL && !json_is_object(params)) ||
	    json_object_get(params, "body") != NULL)
		return false;
	if (*ret_id == NULL)
		return true;
	if (!json_is_integer(*ret_id) && !json_is_string(*ret_id) &&
	    !json_is_null(*ret_id))
		return false;
	id = json_dumps(*ret_id, JSON_ENCODE_ANY | JSON_COMPACT);
	ok = id != NULL && strlen(id) <= PROTO_ID_MAX;
	free(id);
	return ok;
}

/* The ids of the requests that were sent, until one that is none: then
 * false. */
static bool
expect(struct ids *ids)
{
	char *p = cl.sent.data == NULL ? NULL : buf_head(&cl.sent), *nl;
	size_t left = buf_len(&cl.sent);
	json_error_t err;
	json_t *msg, *id;
	bool ok = true;

	while (ok && left > 0 && (nl = memchr(p, '\n', left)) != NULL) {
		msg = nl - p > PROTO_REQUEST_MAX ? NULL : json_loadb(p,
		    (size_t)(nl - p), JSON_REJECT_DUPLICATES, &err);
		ok = msg != NULL && is_request(msg, &id);
		if (ok && id != NULL)
			ids_add(ids, id);
		json_decref(msg);
		left -= (size_t)(nl - p) + 1;
		p = nl + 1;
	}
	return ok && left <= PROTO_REQUEST_MAX;
}

/* Requests that wait have no reply yet, and are there for a reason. */
static void
count_pending(const struct peer *p, struct ids *ids)
{
	const struct request *r;

	TAILQ_FOREACH(r, &p->requests, entry) {
		FUZZ_CHECK(r->waiter != NULL || r->stream || r->ready);
		if (r->id[0] != '\0' && !r->stream)
			FUZZ_CHECK(ids_take(ids, r->id));
	}
}

static void
check_replies(void)
{
	static struct ids ids;
	struct peer *p = the_peer();
	bool good = expect(&ids), crowded;
	size_t i;

	crowded = p != NULL && buf_len(&p->in) > 0 &&
	    memchr(buf_head(&p->in), '\n', buf_len(&p->in)) != NULL;
	for (i = 0; i < cl.replies.n; i++) {
		if (!ids_take(&ids, cl.replies.v[i]))
			FUZZ_CHECK(!good && cl.rejects == 1);
	}
	FUZZ_CHECK(cl.rejects <= 1);
	if (p != NULL) {
		count_pending(p, &ids);
		/* What it said last was no request, or it says too much. */
		FUZZ_CHECK(good || cl.rejects == 1 || p->nrequests >= 64);
		FUZZ_CHECK(!good || (crowded ? p->nrequests >= 64 :
		    ids.n == 0));
	} else {
		/* Only for a reason. */
		FUZZ_CHECK(good ? cl.eof && ids.n == 0 : cl.rejects == 1);
		FUZZ_CHECK(cl.body == 0 && buf_len(&cl.got) == 0);
	}
	ids_clear(&ids);
}

static void
end_daemon(void)
{
	struct service *s;
	struct peer *p;

	/* Its end is seen at once, or soon. */
	close(cl.fd);
	cl.deaf = true;
	settle();
	p = the_peer();
	if (p != NULL) {
		FUZZ_CHECK(ev_is_active(&p->stall));
		ev_feed_event(sup.loop, &p->stall, EV_TIMER);
		settle();
		FUZZ_CHECK(the_peer() == NULL);
	}
	while (server_turn(&sup))
		;
	while ((s = TAILQ_FIRST(&sup.services)) != NULL) {
		atomic_store(&sup.board->pid[s->slot], 0);
		service_remove(s);
		empty_link();
	}
	FUZZ_CHECK(sup.nservices == 0 && sup.by_name == NULL);
	tmpdir_empty();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	const uint8_t *next;
	int sv[2];

	if (sup.loop == NULL)
		init();
	begin_daemon();
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, sv) == 0);
	memset(&cl, 0, sizeof cl);
	cl.fd = sv[0];
	peer_new(&sup, sv[1]);
	while (in.left > 0) {
		next = memchr(in.p, HAPPENS, in.left);
		if (next != in.p) {
			size_t n = next == NULL ? in.left :
			    (size_t)(next - in.p);

			send_bytes(in.p, n);
			in.p += n;
			in.left -= n;
			settle();
		} else {
			fuzz_byte(&in);
			happen(&in);
		}
	}
	cl.deaf = false;
	settle();
	check_replies();
	end_daemon();
	buf_clear(&cl.sent);
	buf_clear(&cl.got);
	ids_clear(&cl.replies);
	return 0;
}
