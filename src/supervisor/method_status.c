/* hello, status, pid: looking. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/proto.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/ready.h"
#include "supervisor/schedule.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define SAMPLE_AGE_NS 200000000LL /* /proc is not read more often */

static void
hello_exec(struct request *r)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "{\"protocol\":%d,\"version\":\"%s\","
	    "\"supervisor_pid\":%d}", PROTO_VERSION, MPSUPD_VERSION,
	    (int)getpid());
	request_result(r, &b);
}

const struct method method_hello = {
	.name = "hello",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = hello_exec,
};

/* --- status --- */

/* A number or null. */
static void
add_number(struct buf *b, const char *key, bool known, int64_t v)
{
	buf_adds(b, key);
	if (known)
		buf_addi(b, v);
	else
		buf_adds(b, "null");
}

static void
add_seconds(struct buf *b, const char *key, bool known, int64_t ns)
{
	buf_adds(b, key);
	if (!known) {
		buf_adds(b, "null");
		return;
	}
	if (ns < 0)
		ns = 0;
	buf_addi(b, ns / 1000000000);
	buf_addc(b, '.');
	buf_addc(b, (char)('0' + ns / 100000000 % 10));
	buf_addc(b, (char)('0' + ns / 10000000 % 10));
}

static void
add_path(struct buf *b, const char *key, const struct conf_log *log)
{
	buf_adds(b, key);
	buf_adds_json(b, log->file);
}

/* By which signal S, sampled, is held; 0: it is not.  The keeper hears that of
 * its children only. */
static int
stopped_by(const struct service *s)
{
	const struct board *b = s->sup->board;

	if (s->prog.pid == 0)
		return 0;
	if (atomic_load(&b->orphan[s->slot]) != 0)
		return s->sample->stopped ? SIGSTOP : 0;
	return atomic_load(&b->stopped[s->slot]);
}

static void
add_process(struct buf *b, struct service *s, int64_t now)
{
	struct sample *sm;
	char num[16];
	int stop;

	if (s->sample == NULL)
		s->sample = xcalloc(1, sizeof *s->sample);
	sm = s->sample;
	sample_take(sm, s->prog.pid, now, SAMPLE_AGE_NS);
	stop = stopped_by(s);
	buf_adds(b, ",\"stopped_by\":");
	buf_adds_json(b, stop != 0 ? signal_name(stop, num) : NULL);
	add_seconds(b, ",\"cpu_s\":", sm->alive, (int64_t)(sm->cpu_s * 1e9));
	add_number(b, ",\"rss_bytes\":", sm->alive, sm->rss_bytes);
	add_number(b, ",\"threads\":", sm->alive, sm->threads);
	add_number(b, ",\"tasks\":", sm->alive, sm->tasks);
	add_number(b, ",\"nice\":", sm->alive, sm->nice);
	buf_adds(b, ",\"cpu_affinity\":");
	buf_adds_json(b, sm->alive ? sm->affinity : NULL);
	buf_adds(b, ",\"sched_policy\":");
	buf_adds_json(b, sm->alive ? sample_policy_name(sm->policy) : NULL);
	add_number(b, ",\"sched_priority\":", sm->alive, sm->priority);
}

static void
add_program(struct buf *b, struct service *s, int64_t now)
{
	const struct program *p = &s->prog;
	const struct conf_process *c = s->conf;
	int64_t next = schedule_left_ns(s);
	char why[512];

	service_reason(s, why, sizeof why);
	buf_adds(b, "{\"name\":");
	buf_adds_json(b, c->name);
	buf_adds(b, ",\"group\":");
	buf_adds_json(b, c->group);
	buf_adds(b, ",\"state\":\"");
	buf_adds(b, program_state_name(p->state));
	buf_adds(b, "\",\"wanted\":\"");
	buf_adds(b, p->wanted ? "up" : "down");
	buf_addc(b, '"');
	add_number(b, ",\"pid\":", p->pid != 0, p->pid);
	buf_adds(b, p->pid != 0 &&
	    atomic_load(&s->sup->board->pid[s->slot]) == p->pid ?
	    ",\"alive\":true" : ",\"alive\":false");
	add_number(b, ",\"exit_code\":", p->has_status == STATUS_KNOWN && p->pid == 0,
	    program_exit_code(p->status));
	add_seconds(b, ",\"uptime_s\":", p->pid != 0, now - p->started_ns);
	add_number(b, ",\"restarts\":", true,
	    p->starts > 0 ? p->starts - 1 : 0);
	buf_adds(b, ",\"reason\":");
	buf_adds_json(b, why);
	buf_adds(b, program_is_ready(p, c) ? ",\"ready\":true" :
	    ",\"ready\":false");
	buf_adds(b, ",\"log\":\"");
	buf_adds(b, service_log_status(s));
	buf_addc(b, '"');
	if (p->state == PROGRAM_BACKOFF)
		next = p->deadline_ns - now;
	add_seconds(b, ",\"next_start_s\":", next > 0 ||
	    p->state == PROGRAM_BACKOFF, next);
	add_path(b, ",\"stdout_logfile\":", &c->log[CONF_STDOUT]);
	add_path(b, ",\"stderr_logfile\":", c->redirect_stderr ?
	    &c->log[CONF_STDOUT] : &c->log[CONF_STDERR]);
	add_process(b, s, now);
	buf_adds(b, ",\"description\":");
	buf_adds_json(b, c->description);
	buf_adds(b, ",\"status_text\":");
	buf_adds_json(b, ready_status(s)[0] ? ready_status(s) : NULL);
	buf_adds(b, ready_is_reloading(s) ? ",\"reloading\":true" :
	    ",\"reloading\":false");
	buf_addc(b, '}');
}

static void
add_daemon(struct buf *b, const struct supervisor *sup, int64_t now)
{
	static pid_t self;

	if (self == 0)
		self = getpid();
	buf_adds(b, "{\"pid\":");
	buf_addi(b, sup->board->keeper_pid);
	buf_adds(b, ",\"supervisor_pid\":");
	buf_addi(b, self);
	buf_adds(b, ",\"broker_pid\":null,\"version\":\"" MPSUPD_VERSION "\"");
	add_seconds(b, ",\"uptime_s\":", true,
	    now - sup->board->started_ns);
	buf_adds(b, ",\"config\":");
	buf_adds_json(b, sup->conf->main.file);
	buf_adds(b, ",\"state\":\"");
	buf_adds(b, sup->keeper_gone ? "keeper gone" :
	    sup->safe ? "safe mode" :
	    sup->stopping ? "stopping" : "running");
	buf_adds(b, "\"}");
}

/* A status on its way to a client: services are referenced, for a reload may
 * come before the client has read all of it. */
struct status {
	struct service **v;
	uint32_t n, next;
	bool started, any; /* the head, a program was said */
};

static enum fill
status_fill(struct request *r, struct buf *out)
{
	struct status *st = r->state;
	int64_t now = now_ns();

	if (!st->started) {
		st->started = true;
		request_head(r, out);
		buf_adds(out, "{\"daemon\":");
		add_daemon(out, r->peer->sup, now);
		buf_adds(out, ",\"programs\":[");
	}
	while (st->next < st->n && buf_len(out) < PROTO_QUEUE_MAX / 4) {
		struct service *s = st->v[st->next++];

		if (s->gone)
			continue;
		if (st->any)
			buf_addc(out, ',');
		st->any = true;
		add_program(out, s, now);
	}
	if (st->next < st->n)
		return FILL_MORE;
	buf_adds(out, "]}}\n");
	return FILL_DONE;
}

static void
status_cleanup(struct request *r)
{
	struct status *st = r->state;
	uint32_t i;

	for (i = 0; i < st->n; i++)
		service_unref(st->v[i]);
	free(st->v);
	free(st);
}

static void
status_exec(struct request *r)
{
	struct status *st;
	struct service **v;
	uint32_t i, n;

	v = method_select(r, true, &n);
	if (v == NULL)
		return;
	st = xcalloc(1, sizeof *st);
	st->v = v;
	st->n = n;
	for (i = 0; i < n; i++)
		service_ref(v[i]);
	r->state = st;
	r->fill = status_fill;
	r->cleanup = status_cleanup;
	request_ready(r);
}

const struct method method_status = {
	.name = "status",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = status_exec,
};

/* --- pid --- */

static void
pid_exec(struct request *r)
{
	struct buf b = BUF_INIT;
	struct service **v;
	uint32_t i, n;

	if (json_array_size(json_object_get(r->params, "names")) == 0) {
		buf_addf(&b, "{\"pid\":%d}",
		    (int)r->peer->sup->board->keeper_pid);
		request_result(r, &b);
		return;
	}
	v = method_select(r, false, &n);
	if (v == NULL)
		return;
	buf_adds(&b, "{\"programs\":[");
	for (i = 0; i < n; i++) {
		buf_adds(&b, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_adds_json(&b, v[i]->conf->name);
		buf_adds(&b, ",\"group\":");
		buf_adds_json(&b, v[i]->conf->group);
		add_number(&b, ",\"pid\":", v[i]->prog.pid != 0,
		    v[i]->prog.pid);
		buf_adds(&b, v[i]->conf->run_stdin_open ?
		    ",\"stdin_open\":true}" : "}");
	}
	buf_adds(&b, "]}");
	free(v);
	request_result(r, &b);
}

const struct method method_pid = {
	.name = "pid",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = pid_exec,
};
