/*
 * scale, enable, disable: what an operator sets for a program, kept in
 * statedir/overrides.
 *
 * All three let the loader read the files together with the change.  If they
 * are good it writes that file, and only then something happens here: a scale
 * is a reload of that one program, enable and disable note the new autostart.
 * A supervisor killed in between leaves a change that is kept and not in force
 * yet; the client asks again and gets it.  When the client goes away the
 * change goes on: nobody is left to be told, that is all.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confvalue.h"
#include "core/overrides.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/outcome.h"
#include "supervisor/peer.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/stopped.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

#define PATTERNS_MAX 64 /* in one request; each looks at every program */

/* A program that the change names. */
struct named {
	char *program; /* hash key */
	bool judged; /* its operators were asked */
	int autostart; /* from the files with the change; -1: no process */
	UT_hash_handle hh;
};

/* Services, referenced. */
struct crowd {
	struct service **v;
	uint32_t n;
};

struct wish {
	struct reload_client client;
	struct supervisor *sup;
	struct request *request; /* NULL: its client went away */
	bool running; /* the reload has not answered yet */
	bool wait;
	bool forget; /* enable: stops by operators */
	int64_t until_ns; /* of the waiting; 0: no limit */
	char *change;
	struct named *named; /* uthash, in order */
	/* Of scale: */
	int64_t numprocs;
	struct crowd before, made, left;
	uint8_t had[BOARD_SLOTS]; /* slots of BEFORE */
	bool *up; /* by index in MADE: it came up */
	char *warnings; /* JSON list */
};

static struct wish *
wish_of(struct reload_client *c)
{
	return (struct wish *)((char *)c - offsetof(struct wish, client));
}

static void
crowd_add(struct crowd *c, struct service *s)
{
	c->v = xreallocarray(c->v, c->n + 1, sizeof *c->v);
	c->v[c->n++] = service_ref(s);
}

static void
crowd_clear(struct crowd *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		service_unref(c->v[i]);
	free(c->v);
}

static void
wish_free(struct wish *w)
{
	struct named *n, *next;

	HASH_ITER(hh, w->named, n, next) {
		HASH_DEL(w->named, n);
		free(n->program);
		free(n);
	}
	crowd_clear(&w->before);
	crowd_clear(&w->made);
	crowd_clear(&w->left);
	free(w->up);
	free(w->warnings);
	free(w->change);
	free(w);
}

static struct named *
find_named(const struct wish *w, const char *program)
{
	struct named *n;

	HASH_FIND_STR(w->named, program, n);
	return n;
}

/* What could be the name of a program: it goes into a file. */
static bool
is_name(const char *name)
{
	struct buf why = BUF_INIT;
	bool valid = confvalue_name_is_valid(name, &why);

	buf_clear(&why);
	return valid;
}

static void
add_named(struct wish *w, const char *program)
{
	struct named *n = find_named(w, program);

	if (n != NULL)
		return;
	n = xcalloc(1, sizeof *n);
	n->program = xstrdup(program);
	n->autostart = -1;
	HASH_ADD_KEYPTR(hh, w->named, n->program, strlen(n->program), n);
}

static bool
concerns(struct reload_client *c, const struct conf_process *p)
{
	return find_named(wish_of(c), p->program) != NULL;
}

/* --- what the daemon answers --- */

/* The last of the JSON list ERRORS; the caller frees. */
static char *
last_error(const char *errors)
{
	json_t *list = json_loads(errors, 0, NULL);
	const char *text = json_string_value(json_array_get(list,
	    json_array_size(list) - 1));
	char *ret = xstrdup(text != NULL ? text : "?");

	json_decref(list);
	return ret;
}

static void
reply_missing(struct request *r, const char *program)
{
	struct service *s = service_find(r->peer->sup, program);

	if (s != NULL)
		request_error(r, PROTO_NO_SUCH_PROGRAM, "no such program: "
		    "%.200s; it is a process of the program %s: say that",
		    program, s->conf->program);
	else
		request_error(r, PROTO_NO_SUCH_PROGRAM, "no such program: "
		    "%.200s", program);
}

/* TEXT: a JSON list of errors, or NULL. */
static void
reply_refused(struct wish *w, const char *text)
{
	struct request *r = w->request;
	char *last, *data;

	if (text == NULL) {
		request_error(r, PROTO_INTERNAL, "the configuration could not "
		    "be loaded or put into force (the daemon's log has the "
		    "reason)");
		return;
	}
	last = last_error(text);
	data = xasprintf(",\"errors\":%s", text);
	if (w->client.refusal == LOADER_NO_PROGRAM)
		reply_missing(r, last);
	else if (w->client.refusal == LOADER_NOT_SAVED)
		request_error(r, PROTO_INTERNAL, "it cannot be kept: %s; "
		    "nothing changed", last);
	else
		request_error_data(r, PROTO_CONFIG_INVALID, data,
		    "the configuration is not valid with that; nothing "
		    "changed");
	free(data);
	free(last);
}

static void
take_warnings(struct wish *w, const char *plan)
{
	json_t *root = json_loads(plan, 0, NULL);
	char *text = json_dumps(json_object_get(root, "warnings"),
	    JSON_COMPACT);

	w->warnings = xstrdup(text != NULL ? text : "[]");
	free(text);
	json_decref(root);
}

/* True if nobody waits for an answer: W is gone then.  Otherwise a refusal is
 * answered. */
static bool
is_over(struct wish *w, bool ok, const char *text)
{
	w->running = false;
	if (w->request == NULL) {
		wish_free(w);
		return true;
	}
	if (ok)
		take_warnings(w, text);
	else
		reply_refused(w, text);
	return !ok;
}

static void
wish_cleanup(struct request *r)
{
	struct wish *w = r->state;

	w->request = NULL;
	if (!w->running)
		wish_free(w);
}

/* R may change each of the programs; otherwise it is answered.  One that has no
 * process is for those who may control the daemon. */
static bool
is_permitted(struct request *r, const struct wish *w)
{
	const struct config *conf = w->sup->conf;
	struct named *n;
	size_t i;

	for (i = 0; r->limited && i < conf->nprocs; i++) {
		n = find_named(w, conf->procs[i].program);
		if (n == NULL)
			continue;
		n->judged = true;
		if (!method_permits(r, &conf->procs[i]))
			return false;
	}
	for (n = w->named; r->limited && n != NULL; n = n->hh.next)
		if (!n->judged) {
			reply_missing(r, n->program);
			return false;
		}
	return true;
}

/* Hands W to the loader.  True; false: R has its answer. */
static bool
wish_start(struct wish *w, bool dry_run)
{
	struct request *r = w->request;
	int err;

	r->state = w;
	r->cleanup = wish_cleanup;
	w->running = true;
	if (reload_start(w->sup, dry_run, &w->client) == 0)
		return true;
	err = errno;
	w->running = false;
	request_error(r, err == EBUSY ? PROTO_BUSY : PROTO_INTERNAL,
	    "cannot %s now: %s", r->method->name, err == EBUSY ?
	    "a reload is under way" : strerror(err));
	return false;
}

static struct wish *
wish_new(struct request *r)
{
	struct wish *w = xcalloc(1, sizeof *w);

	w->sup = r->peer->sup;
	w->request = r;
	w->client.concerns = concerns;
	return w;
}

/* --- enable, disable --- */

/* The change is on the disk: what the next start will do is shown from now
 * on. */
static void
note_autostart(struct reload_client *c, const struct config *next)
{
	struct wish *w = wish_of(c);
	struct named *n;
	struct service *s;
	size_t i;

	for (i = 0; i < next->nprocs; i++) {
		const struct conf_process *p = &next->procs[i];

		n = find_named(w, p->program);
		if (n == NULL)
			continue;
		n->autostart = p->autostart;
		s = service_of(w->sup, p);
		if (s == NULL || s->conf->transient != 0)
			continue;
		s->conf->autostart = p->autostart;
		s->conf->disabled = p->disabled;
		/* An earlier stop does not keep it from starting then. */
		if (w->forget && !s->prog.wanted)
			s->conf->enabled_run = (int64_t)s->prog.gen + 1;
	}
	stopped_note(w->sup);
	if (reload_store(w->sup) == -1)
		log_warnx("the keeper does not know of a changed autostart; "
		    "the next reload tells it");
}

static void
on_kept(struct reload_client *c, bool ok, const char *text)
{
	struct wish *w = wish_of(c);
	struct buf b = BUF_INIT;
	struct named *n;

	if (is_over(w, ok, text))
		return;
	buf_adds(&b, "{\"programs\":[");
	for (n = w->named; n != NULL; n = n->hh.next) {
		buf_adds(&b, n == w->named ? "{\"name\":" : ",{\"name\":");
		buf_adds_json(&b, n->program);
		buf_addf(&b, ",\"autostart\":%s}", n->autostart == -1 ?
		    "null" : n->autostart ? "true" : "false");
	}
	buf_addf(&b, "],\"warnings\":%s}", w->warnings);
	request_result(w->request, &b);
}

/* A pattern means programs of the files that are here now; a plain name is
 * looked for in the files.  False: it means nothing. */
static bool
take_name(struct wish *w, const char *name)
{
	const struct config *conf = w->sup->conf;
	bool all = strcmp(name, "all") == 0, any = all;
	size_t i;

	if (!all && !str_is_pattern(name)) {
		if (is_name(name))
			add_named(w, name);
		return is_name(name);
	}
	for (i = 0; i < conf->nprocs; i++)
		if (!conf->procs[i].leaving && conf->procs[i].transient == 0 &&
		    (all ||
		    str_match(name, conf->procs[i].program))) {
			add_named(w, conf->procs[i].program);
			any = true;
		}
	return any;
}

static bool
take_names(struct wish *w, struct request *r)
{
	json_t *names = json_object_get(r->params, "names");
	const char *name;
	int patterns = 0;
	size_t i;

	if (json_array_size(names) == 0) {
		request_error(r, PROTO_BAD_PARAMS, "no names given");
		return false;
	}
	for (i = 0; i < json_array_size(names); i++) {
		name = json_string_value(json_array_get(names, i));
		if (name == NULL) {
			request_error(r, PROTO_BAD_PARAMS,
			    "a name is not a string");
			return false;
		}
		if (str_is_pattern(name) && ++patterns > PATTERNS_MAX) {
			request_error(r, PROTO_BAD_PARAMS, "more than %d "
			    "patterns among the names", PATTERNS_MAX);
			return false;
		}
		if (!take_name(w, name)) {
			reply_missing(r, name);
			return false;
		}
	}
	return true;
}

static void
make_change(struct wish *w, int64_t numprocs, int64_t autostart)
{
	struct buf b = BUF_INIT;
	struct named *n;

	for (n = w->named; n != NULL; n = n->hh.next)
		overrides_add_text(n->program, numprocs, autostart, &b);
	w->change = buf_steal(&b);
	w->client.change = w->change;
}

static void
set_autostart(struct request *r, int64_t autostart)
{
	struct wish *w;
	bool reset;

	if (!method_bool(r, "reset", false, &reset))
		return;
	w = wish_new(r);
	w->forget = autostart == 1 && !reset;
	w->client.accepted = note_autostart;
	w->client.done = on_kept;
	if (!take_names(w, r) || !is_permitted(r, w)) {
		wish_free(w);
		return;
	}
	make_change(w, OVERRIDE_NONE, reset ? OVERRIDE_RESET : autostart);
	/* The files may have more news: those are for a reload. */
	wish_start(w, true);
}

static void
enable_exec(struct request *r)
{
	set_autostart(r, 1);
}

static void
disable_exec(struct request *r)
{
	set_autostart(r, 0);
}

const struct method method_enable = {
	.name = "enable", .needs = MAY_CONTROL, .by_program = true,
	.exec = enable_exec};
const struct method method_disable = {
	.name = "disable", .needs = MAY_CONTROL, .by_program = true,
	.exec = disable_exec};

/* --- scale --- */

static void
note_before(struct reload_client *c, const struct config *next)
{
	struct wish *w = wish_of(c);
	struct service *s;
	size_t i;

	w->numprocs = 0;
	for (i = 0; i < next->nprocs; i++)
		w->numprocs += concerns(c, &next->procs[i]);
	TAILQ_FOREACH(s, &w->sup->services, entry)
		if (concerns(c, s->conf)) {
			crowd_add(&w->before, s);
			w->had[s->slot] = !s->conf->leaving;
		}
}

/* It has never been up: a supervisor that was killed may have added it for the
 * same request. */
static bool
is_coming(const struct service *s)
{
	return s->prog.gen <= 1 && s->prog.wanted &&
	    s->prog.state == PROGRAM_STARTING;
}

/* Who came and who goes. */
static void
compare(struct wish *w)
{
	struct service *s;
	uint32_t i;

	TAILQ_FOREACH(s, &w->sup->services, entry)
		if (concerns(&w->client, s->conf) && !s->conf->leaving &&
		    (!w->had[s->slot] || is_coming(s)))
			crowd_add(&w->made, s);
	for (i = 0; i < w->before.n; i++)
		if (w->before.v[i]->gone || w->before.v[i]->conf->leaving)
			crowd_add(&w->left, w->before.v[i]);
	w->up = xcalloc(w->made.n + 1, sizeof *w->up);
}

static bool
was_there(const struct wish *w, uint32_t i)
{
	return w->had[w->made.v[i]->slot] != 0;
}

static void
reply_scaled(struct wish *w)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	buf_adds(&b, "{\"name\":");
	buf_adds_json(&b, w->named->program);
	buf_addf(&b, ",\"numprocs\":%lld,\"programs\":[",
	    (long long)w->numprocs);
	for (i = 0; i < w->made.n; i++)
		outcome_add(&b, w->made.v[i], w->up[i], !was_there(w, i),
		    !w->up[i] ? NULL : was_there(w, i) ? "started" : "added",
		    i == 0);
	for (i = 0; i < w->left.n; i++)
		outcome_add(&b, w->left.v[i], true, true, "removed",
		    i == 0 && w->made.n == 0);
	buf_addf(&b, "],\"warnings\":%s}", w->warnings);
	request_result(w->request, &b);
}

static void
reply_late(struct wish *w)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	for (i = 0; i < w->made.n; i++)
		if (!w->up[i])
			buf_addf(&b, ", %s is %s", w->made.v[i]->label,
			    program_state_name(w->made.v[i]->prog.state));
	for (i = 0; i < w->left.n; i++)
		if (!w->left.v[i]->gone &&
		    !program_is_down(&w->left.v[i]->prog))
			buf_addf(&b, ", %s is %s", w->left.v[i]->label,
			    program_state_name(w->left.v[i]->prog.state));
	buf_addc(&b, '\0');
	request_error(w->request, PROTO_TIMEOUT, "timed out: %s",
	    buf_len(&b) > 1 ? buf_head(&b) + 2 : "");
	buf_clear(&b);
}

static double
seconds_left(const struct wish *w)
{
	int64_t left = w->until_ns - now_ns();

	return w->until_ns == 0 ? -1 : left > 0 ? (double)left / 1e9 : 0;
}

static void
on_left(struct waiter *waiter, bool timed_out)
{
	struct wish *w = waiter->data;

	if (timed_out)
		reply_late(w);
	else
		reply_scaled(w);
}

static void
await_left(struct wish *w)
{
	struct request *r = w->request;

	r->waiter = waiter_new(w->sup, GOAL_DOWN, w->left.v, w->left.n);
	waiter_arm(r->waiter, seconds_left(w), on_left, w);
}

/* Those that are not to start by themselves are there, and that is all. */
static void
note_up(struct wish *w, const struct waiter *waiter)
{
	uint32_t i;

	for (i = 0; i < waiter->n; i++)
		w->up[i] = waiter->items[i].result == WAIT_OK ||
		    (!w->made.v[i]->gone && !w->made.v[i]->prog.wanted);
}

static void
on_made(struct waiter *waiter, bool timed_out)
{
	struct wish *w = waiter->data;

	note_up(w, waiter);
	if (timed_out) {
		reply_late(w);
		return;
	}
	w->request->waiter = NULL;
	waiter_free(waiter);
	await_left(w);
}

static void
on_scaled(struct reload_client *c, bool ok, const char *text)
{
	struct wish *w = wish_of(c);
	struct request *r = w->request;

	if (is_over(w, ok, text))
		return;
	compare(w);
	if (!w->wait) {
		memset(w->up, true, w->made.n * sizeof *w->up);
		reply_scaled(w);
		return;
	}
	r->waiter = waiter_new(w->sup, GOAL_UP, w->made.v, w->made.n);
	waiter_arm(r->waiter, seconds_left(w), on_made, w);
}

/* numprocs, or OVERRIDE_RESET. */
static bool
take_number(struct request *r, int64_t *ret)
{
	double n;
	bool reset;

	if (!method_bool(r, "reset", false, &reset) ||
	    !method_number(r, "numprocs", -1, &n))
		return false;
	*ret = OVERRIDE_RESET;
	if (reset)
		return true;
	if (n >= 0 && n <= CONF_PROCESS_MAX && n == floor(n)) {
		*ret = (int64_t)n;
		return true;
	}
	request_error(r, PROTO_BAD_PARAMS, "numprocs is not a whole number "
	    "from 0 to %d", CONF_PROCESS_MAX);
	return false;
}

static void
scale_exec(struct request *r)
{
	json_t *names = json_object_get(r->params, "names");
	const char *name = json_string_value(json_array_get(names, 0));
	int64_t numprocs;
	double timeout;
	struct wish *w;
	bool wait;

	if (!take_number(r, &numprocs) ||
	    !method_bool(r, "wait", true, &wait) ||
	    !method_number(r, "timeout_s", -1, &timeout))
		return;
	if (json_array_size(names) != 1 || name == NULL) {
		request_error(r, PROTO_BAD_PARAMS, "scale takes the name of "
		    "one program");
		return;
	}
	if (!is_name(name)) {
		reply_missing(r, name);
		return;
	}
	w = wish_new(r);
	w->wait = wait;
	if (timeout >= 0 && timeout < 1e9)
		w->until_ns = now_ns() + (int64_t)(timeout * 1e9);
	w->client.accepted = note_before;
	w->client.done = on_scaled;
	add_named(w, name);
	if (!is_permitted(r, w)) {
		wish_free(w);
		return;
	}
	make_change(w, numprocs, OVERRIDE_NONE);
	wish_start(w, false);
}

const struct method method_scale = {
	.name = "scale", .needs = MAY_CONTROL, .by_program = true,
	.exec = scale_exec};
