/* events: what happened, and what happens from now on. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/events.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/supervisor.h"

#define AT_ONCE 8192 /* bytes of past events in one helping */
#define NAMES_MAX 256 /* of one request: all are compared with each event */
#define PATTERNS_MAX 64 /* among them */

struct watching {
	struct event_reader reader;
	struct request *request;
	uint64_t until; /* what is part of the reply */
	bool follow;
	bool begun, any, replied; /* the head, an event, all of it */
};

static void
on_news(struct event_reader *er)
{
	struct watching *w = (struct watching *)((char *)er -
	    offsetof(struct watching, reader));

	if (w->replied)
		request_ready(w->request);
}

/* With names, it is programs that are asked for. */
static bool
is_named(struct event_reader *er, const char *group, const char *name)
{
	struct watching *w = (struct watching *)((char *)er -
	    offsetof(struct watching, reader));
	json_t *names = json_object_get(w->request->params, "names"), *v;
	size_t i;

	if (json_array_size(names) == 0)
		return true;
	json_array_foreach(names, i, v)
		if (name != NULL &&
		    method_matches_name(group, name, json_string_value(v)))
			return true;
	return false;
}

/* The events that were there when it was asked. */
static enum fill
fill_reply(struct request *r, struct buf *out)
{
	struct watching *w = r->state;
	size_t before = buf_len(out);

	if (!w->begun) {
		request_head(r, out);
		buf_addf(out, "{\"supervisor_pid\":%d,\"seq\":%llu,"
		    "\"events\":[", (int)getpid(),
		    (unsigned long long)w->until);
	}
	w->begun = true;
	while (buf_len(out) - before < AT_ONCE) {
		struct buf one = BUF_INIT;

		if (!events_read(&w->reader, w->until, &one)) {
			buf_adds(out, "]}}\n");
			w->replied = true;
			return w->follow ? FILL_YIELD : FILL_DONE;
		}
		if (w->any)
			buf_addc(out, ',');
		w->any = true;
		buf_add(out, buf_head(&one), buf_len(&one));
		buf_clear(&one);
	}
	return FILL_MORE;
}

static enum fill
events_fill(struct request *r, struct buf *out)
{
	static const char head[] =
	    "{\"jsonrpc\":\"2.0\",\"method\":\"events\",\"params\":";
	struct watching *w = r->state;
	struct buf one = BUF_INIT;

	if (!w->replied)
		return fill_reply(r, out);
	r->stream = true;
	if (!events_read(&w->reader, UINT64_MAX, &one))
		return FILL_IDLE;
	buf_adds(out, head);
	buf_add(out, buf_head(&one), buf_len(&one));
	buf_adds(out, "}\n");
	buf_clear(&one);
	return FILL_YIELD;
}

static void
events_cleanup(struct request *r)
{
	struct watching *w = r->state;

	events_close(&w->reader);
	free(w);
}

/* "SUPERVISOR_PID:SEQ" of the last event that the client has.  Those of
 * another supervisor are no more: then it gets all that there are. */
static bool
read_position(struct request *r, uint64_t *ret_after)
{
	unsigned long long seq;
	const char *text;
	int pid, end;

	if (!method_string(r, "position", "", &text))
		return false;
	if (sscanf(text, "%d:%llu%n", &pid, &seq, &end) != 2 ||
	    text[end] != '\0') {
		request_error(r, PROTO_BAD_PARAMS, "position is not that of "
		    "an event, SUPERVISOR_PID:SEQ");
		return false;
	}
	*ret_after = pid == (int)getpid() ? seq : 0;
	return true;
}

static bool
are_few_names(struct request *r, const json_t *names)
{
	size_t i, patterns = 0;

	if (!json_is_array(names)) {
		request_error(r, PROTO_BAD_PARAMS, "names is not a list");
		return false;
	}
	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name == NULL) {
			request_error(r, PROTO_BAD_PARAMS,
			    "a name is not a string");
			return false;
		}
		patterns += str_is_pattern(name);
	}
	if (i <= NAMES_MAX && patterns <= PATTERNS_MAX)
		return true;
	request_error(r, PROTO_BAD_PARAMS, "more than %d names, or %d "
	    "patterns among them", NAMES_MAX, PATTERNS_MAX);
	return false;
}

/* A name that means nothing is a mistake, unless the client only goes on. */
static bool
names_are_valid(struct request *r, bool goes_on)
{
	json_t *names = json_object_get(r->params, "names");
	struct service **services;
	uint32_t n;

	if (names == NULL)
		return true;
	if (!are_few_names(r, names))
		return false;
	if (goes_on)
		return true;
	services = method_select(r, true, &n);
	free(services);
	return services != NULL;
}

static void
events_exec(struct request *r)
{
	bool follow, goes_on = json_object_get(r->params, "position") != NULL;
	struct watching *w;
	uint64_t after = 0;
	double lines;

	if (!method_bool(r, "follow", false, &follow) ||
	    !method_number(r, "lines", 20, &lines) ||
	    (goes_on && !read_position(r, &after)) ||
	    !names_are_valid(r, goes_on))
		return;
	w = xcalloc(1, sizeof *w);
	w->request = r;
	w->follow = follow;
	w->until = events_last(r->peer->sup);
	w->reader.news = on_news;
	w->reader.wants = is_named;
	if (goes_on)
		events_open_after(r->peer->sup, &w->reader, after);
	else
		events_open(r->peer->sup, &w->reader, lines < 0 ? -1 :
		    lines > EVENTS_KEPT ? EVENTS_KEPT : (int64_t)lines);
	r->state = w;
	r->fill = events_fill;
	r->cleanup = events_cleanup;
	request_ready(r);
}

const struct method method_events = {
	.name = "events",
	.needs = MAY_LOOK,
	.while_stopping = true,
	.exec = events_exec,
};
