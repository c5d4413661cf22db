/* The table of methods, and what they share; see method.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

static const struct method *const table[] = {
	&method_status, /* most frequent first */
	&method_hello,
	&method_start,
	&method_stop,
	&method_restart,
	&method_reload,
	&method_pid,
	&method_wait,
	&method_signal,
	&method_logs,
	&method_events,
	&method_why,
	&method_run,
	&method_reopen,
	&method_upgrade,
	&method_scale,
	&method_enable,
	&method_disable,
};

const struct method *
method_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

#define PATTERNS_MAX 64 /* in one request; each looks at every program */

/* --- parameters --- */

bool
method_bool(struct request *r, const char *key, bool dflt, bool *ret)
{
	json_t *v = json_object_get(r->params, key);

	*ret = dflt;
	if (v == NULL)
		return true;
	*ret = json_is_true(v);
	if (json_is_boolean(v))
		return true;
	request_error(r, PROTO_BAD_PARAMS, "%s is not true or false", key);
	return false;
}

bool
method_number(struct request *r, const char *key, double dflt, double *ret)
{
	json_t *v = json_object_get(r->params, key);

	*ret = dflt;
	if (v == NULL)
		return true;
	*ret = json_number_value(v);
	if (json_is_number(v))
		return true;
	request_error(r, PROTO_BAD_PARAMS, "%s is not a number", key);
	return false;
}

bool
method_string(struct request *r, const char *key, const char *dflt,
    const char **ret)
{
	json_t *v = json_object_get(r->params, key);

	*ret = v == NULL ? dflt : json_string_value(v);
	if (v == NULL || json_is_string(v))
		return true;
	request_error(r, PROTO_BAD_PARAMS, "%s is not a string", key);
	return false;
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t
hash(uint64_t h, const void *p, size_t len)
{
	const unsigned char *b = p;

	while (len-- > 0)
		h = (h ^ *b++) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
method_request(struct request *r)
{
	const char *id = json_string_value(json_object_get(r->params,
	    "request_id"));
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	if (id == NULL)
		return 0;
	h = hash(h, &r->peer->uid, sizeof r->peer->uid);
	h = hash(h, r->method->name, strlen(r->method->name));
	return hash(h, id, strlen(id)) | 1;
}

/* --- names --- */

struct selection {
	struct supervisor *sup;
	struct service **v;
	uint32_t n, cap;
	uint8_t *taken; /* by slot, when more than one name is given */
};

static void
take(struct selection *sel, struct service *s)
{
	if (sel->taken != NULL) {
		if (sel->taken[s->slot])
			return;
		sel->taken[s->slot] = 1;
	}
	if (sel->n == sel->cap) {
		sel->cap = sel->cap ? sel->cap * 2 : 4;
		sel->v = xreallocarray(sel->v, sel->cap, sizeof *sel->v);
	}
	sel->v[sel->n++] = s;
}

bool
method_matches_name(const char *group, const char *name, const char *pattern)
{
	const char *colon = strchr(pattern, ':');
	size_t len;

	if (strcmp(pattern, "all") == 0)
		return true;
	if (colon == NULL)
		return str_match(pattern, name);
	len = (size_t)(colon - pattern);
	return strlen(group) == len && strncmp(group, pattern, len) == 0 &&
	    str_match(colon + 1, name);
}

bool
method_matches(const struct conf_process *c, const char *pattern)
{
	return method_matches_name(c->group, c->name, pattern);
}

/* Takes what NAME means.  False: nothing. */
static bool
take_name(struct selection *sel, const char *name)
{
	uint32_t before = sel->n;
	struct service *s;
	bool found = false;

	if (strcmp(name, "all") == 0 || str_is_pattern(name)) {
		TAILQ_FOREACH(s, &sel->sup->services, entry)
			if (method_matches(s->conf, name)) {
				found = true;
				take(sel, s);
			}
		/* No program at all is not a mistake of "all". */
		return found || (strcmp(name, "all") == 0 && before == sel->n);
	}
	s = service_find(sel->sup, name);
	if (s == NULL)
		return false;
	do
		take(sel, s);
	while (strchr(name, ':') == NULL && (s = s->same_name) != NULL);
	return true;
}

static void
no_such(struct request *r, const char *name)
{
	struct service *s;

	TAILQ_FOREACH(s, &r->peer->sup->services, entry)
		if (strcmp(s->conf->group, name) == 0) {
			request_error(r, PROTO_NO_SUCH_PROGRAM, "no such "
			    "program: %s; it is a group: say %s:*", name,
			    name);
			return;
		}
	request_error(r, PROTO_NO_SUCH_PROGRAM, "no such program: %.200s",
	    name);
}

bool
method_permits(struct request *r, const struct conf_process *c)
{
	struct buf data = BUF_INIT;

	if (!r->limited || server_permits_program(r->peer, c))
		return true;
	buf_adds(&data, ",\"program\":");
	buf_adds_json(&data, c->program);
	buf_addc(&data, '\0');
	request_error_data(r, PROTO_NOT_PERMITTED, buf_head(&data), "user %u "
	    "may not %s %s: it is not in its operators; nothing was done",
	    (unsigned)r->peer->uid, r->method->name, c->name);
	buf_clear(&data);
	return false;
}

struct service **
method_select(struct request *r, bool all_by_default, uint32_t *ret_n)
{
	struct selection sel = {.sup = r->peer->sup};
	json_t *names = json_object_get(r->params, "names");
	size_t i, n = json_array_size(names);
	const char *name;
	int patterns = 0;

	if (names != NULL && !json_is_array(names)) {
		request_error(r, PROTO_BAD_PARAMS, "names is not a list");
		return NULL;
	}
	if (n == 0 && !all_by_default) {
		request_error(r, PROTO_BAD_PARAMS, "no names given");
		return NULL;
	}
	sel.v = xcalloc(sel.cap = 4, sizeof *sel.v);
	if (n != 1)
		sel.taken = xcalloc(BOARD_SLOTS, 1);
	if (n == 0)
		take_name(&sel, "all");
	for (i = 0; i < n; i++) {
		name = json_string_value(json_array_get(names, i));
		if (name != NULL && str_is_pattern(name) &&
		    ++patterns > PATTERNS_MAX) {
			request_error(r, PROTO_BAD_PARAMS, "more than %d "
			    "patterns among the names", PATTERNS_MAX);
			goto fail;
		}
		if (name == NULL) {
			request_error(r, PROTO_BAD_PARAMS,
			    "a name is not a string");
			goto fail;
		}
		if (!take_name(&sel, name)) {
			no_such(r, name);
			goto fail;
		}
	}
	for (i = 0; i < sel.n; i++)
		if (!method_permits(r, sel.v[i]->conf))
			goto fail;
	free(sel.taken);
	*ret_n = sel.n;
	return sel.v;
fail:
	free(sel.taken);
	free(sel.v);
	return NULL;
}
