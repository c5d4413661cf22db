/* What happened; see events.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/events.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define REASON_MAX 512 /* bytes of a sentence; more is cut */

struct event {
	int64_t wall_ms;
	uint8_t kind, from, to;
	bool has_exit;
	int32_t pid, exit_code;
	char *name, *reason; /* in `text`; name NULL: of the daemon */
	char text[]; /* group, name, reason */
};

struct events {
	struct event *kept[EVENTS_KEPT]; /* number N is at N % EVENTS_KEPT */
	uint64_t last; /* number of the newest; 0: none */
	LIST_HEAD(, event_reader) readers;
};

static const char *const kinds[EVENT_KINDS] = {
	[EVENT_STATE] = "state",
	[EVENT_START] = "start",
	[EVENT_TAKEOVER] = "takeover",
	[EVENT_KEEPER] = "keeper",
	[EVENT_UPGRADE] = "upgrade",
	[EVENT_RELOAD] = "reload",
	[EVENT_STOPPING] = "stopping",
};

static struct events *
events_of(struct supervisor *sup)
{
	if (sup->events == NULL)
		sup->events = xcalloc(1, sizeof *sup->events);
	return sup->events;
}

/* The number of the oldest one kept; one more than the last: none is. */
static uint64_t
oldest(const struct events *es)
{
	return es->last < EVENTS_KEPT ? 1 : es->last - EVENTS_KEPT + 1;
}

static struct event *
at(const struct events *es, uint64_t number)
{
	return es->kept[number % EVENTS_KEPT];
}

static bool
is_wanted(struct event_reader *r, struct event *e)
{
	return r->wants(r, e->text, e->name);
}

/* --- writing --- */

static int64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static struct event *
event_new(const char *group, const char *name, const char *reason)
{
	size_t ng = strlen(group) + 1;
	size_t nn = name != NULL ? strlen(name) + 1 : 0;
	size_t nr = strnlen(reason, REASON_MAX - 1) + 1;
	struct event *e = xcalloc(1, sizeof *e + ng + nn + nr);

	e->wall_ms = wall_ms();
	memcpy(e->text, group, ng);
	if (name != NULL) {
		e->name = e->text + ng;
		memcpy(e->name, name, nn);
	}
	e->reason = e->text + ng + nn;
	memcpy(e->reason, reason, nr - 1);
	return e;
}

/* The oldest goes; readers that have not come to it have lost it. */
static void
drop_oldest(struct events *es)
{
	uint64_t number = oldest(es);
	struct event *e = at(es, number);
	struct event_reader *r;

	LIST_FOREACH(r, &es->readers, entry)
		if (r->next <= number) {
			r->next = number + 1;
			r->dropped += is_wanted(r, e);
		}
	free(e);
}

static void
add(struct supervisor *sup, struct event *e)
{
	struct events *es = events_of(sup);
	struct event_reader *r;

	if (es->last >= EVENTS_KEPT)
		drop_oldest(es);
	es->last++;
	es->kept[es->last % EVENTS_KEPT] = e;
	LIST_FOREACH(r, &es->readers, entry)
		r->news(r);
}

/* This change is the end of a process, and not of a wait for the next one or
 * of an attempt that had none. */
static bool
is_end(const struct program *p, enum program_state from)
{
	if (p->pid != 0 || p->state == PROGRAM_STARTING)
		return false;
	if (from == PROGRAM_STARTING)
		return p->state != PROGRAM_STOPPED &&
		    p->reason != REASON_DAEMON && p->spawn_step == STEP_NONE;
	return from == PROGRAM_RUNNING || from == PROGRAM_STOPPING;
}

void
events_state(struct service *s, const struct program *p,
    enum program_state from, const char *why)
{
	struct event *e = event_new(s->conf->group, s->conf->name, why);
	bool end = is_end(p, from);

	e->kind = EVENT_STATE;
	e->from = (uint8_t)from;
	e->to = p->state;
	e->pid = end ? p->last_pid : p->pid;
	e->has_exit = end && p->has_status == STATUS_KNOWN;
	if (e->has_exit)
		e->exit_code = program_exit_code(p->status);
	add(s->sup, e);
}

void
events_daemon(struct supervisor *sup, enum event_kind kind, const char *fmt,
    ...)
{
	char text[REASON_MAX];
	struct event *e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	e = event_new("", NULL, text);
	e->kind = (uint8_t)kind;
	add(sup, e);
}

/* --- reading --- */

uint64_t
events_last(const struct supervisor *sup)
{
	return sup->events != NULL ? sup->events->last : 0;
}

static void
open_at(struct supervisor *sup, struct event_reader *r, uint64_t next)
{
	r->sup = sup;
	r->next = next;
	r->dropped = 0;
	LIST_INSERT_HEAD(&events_of(sup)->readers, r, entry);
}

void
events_open(struct supervisor *sup, struct event_reader *r, int64_t lines)
{
	struct events *es = events_of(sup);
	uint64_t next = es->last + 1;

	while (next > oldest(es) && lines != 0) {
		next--;
		if (lines > 0 && is_wanted(r, at(es, next)))
			lines--;
	}
	open_at(sup, r, next);
}

void
events_open_after(struct supervisor *sup, struct event_reader *r,
    uint64_t after)
{
	struct events *es = events_of(sup);
	uint64_t next = after <= es->last ? after + 1 : 1;

	open_at(sup, r, next > oldest(es) ? next : oldest(es));
	r->dropped = r->next - next;
}

void
events_close(struct event_reader *r)
{
	LIST_REMOVE(r, entry);
}

/* `"time":"2026-11-30T17:40:00.123Z"` */
static void
add_time(struct buf *out, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(out, "\"time\":\"%s.%03dZ\"", text, (int)(ms % 1000));
}

static void
add_number(struct buf *out, const char *key, bool known, int64_t n)
{
	buf_adds(out, key);
	if (known)
		buf_addi(out, n);
	else
		buf_adds(out, "null");
}

/* As commands take it: the group only if it is another name. */
static void
add_program(struct buf *out, const char *group, const char *name)
{
	char label[2 * CONF_NAME_MAX + 2];

	snprintf(label, sizeof label, "%s:%s", group, name);
	buf_adds(out, ",\"program\":");
	buf_adds_json(out, strcmp(group, name) == 0 ? name : label);
	buf_adds(out, ",\"name\":");
	buf_adds_json(out, name);
	buf_adds(out, ",\"group\":");
	buf_adds_json(out, group);
}

static void
add_event(struct buf *out, uint64_t number, const struct event *e)
{
	buf_addc(out, '{');
	add_time(out, e->wall_ms);
	buf_addf(out, ",\"seq\":%llu,\"supervisor_pid\":%d,\"event\":\"%s\"",
	    (unsigned long long)number, (int)getpid(), kinds[e->kind]);
	if (e->name != NULL) {
		add_program(out, e->text, e->name);
		buf_addf(out, ",\"from\":\"%s\",\"to\":\"%s\"",
		    program_state_name(e->from), program_state_name(e->to));
		add_number(out, ",\"pid\":", e->pid != 0, e->pid);
		add_number(out, ",\"exit_code\":", e->has_exit, e->exit_code);
	}
	buf_adds(out, ",\"reason\":");
	buf_adds_json(out, e->reason);
	buf_addc(out, '}');
}

/* The number is that of the event before the next one that can be had. */
static void
add_dropped(struct buf *out, struct event_reader *r)
{
	buf_addc(out, '{');
	add_time(out, wall_ms());
	buf_addf(out, ",\"seq\":%llu,\"supervisor_pid\":%d,"
	    "\"event\":\"dropped\",\"count\":%llu}",
	    (unsigned long long)r->next - 1, (int)getpid(),
	    (unsigned long long)r->dropped);
	r->dropped = 0;
}

bool
events_read(struct event_reader *r, uint64_t until, struct buf *out)
{
	const struct events *es = r->sup->events;

	if (r->dropped > 0) {
		add_dropped(out, r);
		return true;
	}
	while (r->next <= until && r->next <= es->last) {
		struct event *e = at(es, r->next++);

		if (!is_wanted(r, e))
			continue;
		add_event(out, r->next - 1, e);
		return true;
	}
	return false;
}
