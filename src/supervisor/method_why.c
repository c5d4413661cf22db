/* why: all that explains the state of one program. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/proto.h"
#include "supervisor/logs.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/order.h"
#include "supervisor/schedule.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define TAIL_LINES 10
#define TAIL_BYTES 16384 /* of the end of a log that are looked at */

/* --- the last lines of a log --- */

/* Puts the last bytes of PATH in front of the LEN ones at the end of BUF.
 * Returns how many there are then. */
static size_t
read_end(const char *path, char buf[TAIL_BYTES], size_t len)
{
	size_t want = TAIL_BYTES - len;
	struct stat st;
	int fd;

	/* A FIFO is not even opened: its writer would see a reader. */
	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return len;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return len;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((off_t)want > st.st_size)
			want = (size_t)st.st_size;
		if (pread(fd, buf + TAIL_BYTES - len - want, want,
		    st.st_size - (off_t)want) == (ssize_t)want)
			len += want;
	}
	close(fd);
	return len;
}

/* The last lines among the LEN bytes at P, as JSON strings. */
static void
add_lines(struct buf *b, const char *p, size_t len)
{
	const char *end = p + len, *from, *nl;
	int n = 0;

	if (len == 0)
		return;
	if (end[-1] == '\n')
		end--; /* no line begins behind it */
	for (from = end; from > p; from--)
		if (from[-1] == '\n' && ++n == TAIL_LINES)
			break;
	for (;; from = nl + 1) {
		nl = memchr(from, '\n', (size_t)(end - from));
		if (nl == NULL)
			nl = end;
		buf_add_json(b, from, (size_t)(nl - from));
		if (nl == end)
			break;
		buf_addc(b, ',');
	}
}

static void
add_tail(struct buf *b, struct stream *st)
{
	const char *path = stream_path(st);
	static char text[TAIL_BYTES];
	char older[PATH_MAX];
	size_t len;

	buf_addc(b, '[');
	if (path != NULL) {
		stream_pump(st); /* what was written is in the file */
		len = read_end(path, text, 0);
		snprintf(older, sizeof older, "%s.1", path);
		if (len < TAIL_BYTES) /* it was rotated a moment ago */
			len = read_end(older, text, len);
		add_lines(b, text + TAIL_BYTES - len, len);
	}
	buf_addc(b, ']');
}

/* --- what is known --- */

static void
add_seconds(struct buf *b, const char *key, bool known, int64_t ns)
{
	if (known)
		buf_addf(b, "%s%.2f", key, ns > 0 ? (double)ns / 1e9 : 0.);
	else
		buf_addf(b, "%snull", key);
}

/* What the board knows of the last end, if we have not seen it ourselves. */
static struct lastrun
last_run(const struct service *s)
{
	const struct board_end *e = &s->sup->board->end[s->slot];
	const struct program *p = &s->prog;
	struct lastrun l = s->last;
	bool same = e->gen == p->gen;

	if (l.is_known || e->gen == 0 ||
	    (same && (p->pid != 0 || p->spawn_step != STEP_NONE)))
		return l;
	l.is_known = true;
	l.no_status = e->unknown;
	l.status = e->status;
	l.at_ns = e->at_ns;
	l.ran_ns = same ? e->at_ns - p->started_ns : -1;
	l.oom = WIFSIGNALED(e->status) && WTERMSIG(e->status) == SIGKILL &&
	    p->reason != REASON_STOPPED ? OOM_UNKNOWN : OOM_NO;
	return l;
}

static void
add_last_exit(struct buf *b, const struct service *s, int64_t now)
{
	static const char *const oom[] = {"null", "false", "true"};
	const struct lastrun l = last_run(s);
	int code = program_exit_code(l.status);
	time_t ended;
	char num[16], text[32];
	struct tm tm;

	buf_adds(b, ",\"last_exit\":");
	if (!l.is_known) {
		buf_adds(b, "null");
		return;
	}
	ended = wall_s() - (now - l.at_ns) / 1000000000;
	gmtime_r(&ended, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (l.no_status)
		buf_adds(b, "{\"exit_code\":null");
	else
		buf_addf(b, "{\"exit_code\":%d", code);
	buf_adds(b, ",\"signal\":");
	buf_adds_json(b, !l.no_status && code < 0 ? signal_name(-code, num) :
	    NULL);
	buf_addf(b, ",\"core_dumped\":%s,\"ended\":\"%s\"",
	    !l.no_status && WIFSIGNALED(l.status) && WCOREDUMP(l.status) ?
	    "true" : "false", text);
	add_seconds(b, ",\"ended_ago_s\":", true, now - l.at_ns);
	add_seconds(b, ",\"ran_s\":", l.ran_ns != -1, l.ran_ns);
	buf_addf(b, ",\"oom\":%s}", oom[l.oom]);
}

static void
add_state(struct buf *b, const struct service *s, int64_t now)
{
	const struct program *p = &s->prog;
	int64_t next = schedule_left_ns(s);
	char why[512];

	service_reason(s, why, sizeof why);
	buf_adds(b, "{\"name\":");
	buf_adds_json(b, s->conf->name);
	buf_adds(b, ",\"group\":");
	buf_adds_json(b, s->conf->group);
	buf_addf(b, ",\"state\":\"%s\",\"wanted\":\"%s\"",
	    program_state_name(p->state), p->wanted ? "up" : "down");
	if (p->pid != 0)
		buf_addf(b, ",\"pid\":%d", (int)p->pid);
	else
		buf_adds(b, ",\"pid\":null");
	add_seconds(b, ",\"since_s\":", p->changed_ns != 0,
	    now - p->changed_ns);
	buf_adds(b, ",\"reason\":");
	buf_adds_json(b, why);
	buf_adds(b, ",\"waiting_for\":");
	order_waiting_json(s, b);
	if (p->state == PROGRAM_BACKOFF)
		next = p->deadline_ns - now;
	add_seconds(b, ",\"next_start_s\":", next > 0, next);
	buf_addf(b, ",\"starts\":%u,\"restarts\":%u,\"tries\":%u", p->starts,
	    p->starts > 0 ? p->starts - 1 : 0, p->tries);
}

static void
add_policy(struct buf *b, const struct service *s)
{
	static const char *const words[] = {
		[AUTORESTART_NO] = "false",
		[AUTORESTART_UNEXPECTED] = "unexpected",
		[AUTORESTART_YES] = "true",
	};
	const struct conf_process *c = s->conf;

	buf_addf(b, ",\"autostart\":%s,\"autorestart\":\"%s\"",
	    c->autostart ? "true" : "false", words[c->autorestart]);
	buf_addf(b, ",\"daemon\":\"%s\"", s->sup->keeper_gone ?
	    "keeper gone" : s->sup->safe ? "safe mode" :
	    s->sup->stopping ? "stopping" : "running");
	buf_adds(b, ",\"description\":");
	buf_adds_json(b, c->description);
	buf_adds(b, ",\"documentation\":");
	buf_adds_json(b, c->documentation);
}

static void
why_exec(struct request *r)
{
	struct buf b = BUF_INIT;
	int64_t now = now_ns();
	struct service **v, *s;
	uint32_t n;

	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	s = n == 1 ? v[0] : NULL;
	free(v);
	if (s == NULL) {
		request_error(r, PROTO_BAD_PARAMS, "why takes one program, "
		    "the names mean %u", n);
		return;
	}
	add_state(&b, s, now);
	add_last_exit(&b, s, now);
	add_policy(&b, s);
	buf_adds(&b, ",\"stdout_tail\":");
	add_tail(&b, s->stream[CONF_STDOUT]);
	buf_adds(&b, ",\"stderr_tail\":");
	add_tail(&b, s->stream[CONF_STDERR]);
	buf_addf(&b, ",\"log\":\"%s\"}", service_log_status(s));
	request_result(r, &b);
}

const struct method method_why = {
	.name = "why",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = why_exec,
};
