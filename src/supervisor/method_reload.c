/* reload: the files again. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/reload.h"

struct waiting {
	struct reload_client client;
	struct request *request;
	bool answered;
	bool touched; /* the names mean something */
};

static void
on_reloaded(struct reload_client *c, bool ok, const char *text)
{
	struct waiting *w = (struct waiting *)((char *)c -
	    offsetof(struct waiting, client));
	struct buf b = BUF_INIT;
	char *data;

	w->answered = true;
	if (ok && c->concerns != NULL && !w->touched) {
		request_error(w->request, PROTO_NO_SUCH_PROGRAM, "no such "
		    "program, neither in the files nor running");
	} else if (ok) {
		buf_adds(&b, text);
		request_result(w->request, &b);
	} else if (text == NULL) {
		request_error(w->request, PROTO_INTERNAL, "the configuration "
		    "could not be loaded; nothing changed (the daemon's log "
		    "has the reason)");
	} else {
		data = xasprintf(",\"errors\":%s", text);
		request_error_data(w->request, PROTO_CONFIG_INVALID, data,
		    "the configuration is not valid; nothing changed");
		free(data);
	}
}

static bool
is_named(struct reload_client *c, const struct conf_process *p)
{
	struct waiting *w = (struct waiting *)((char *)c -
	    offsetof(struct waiting, client));
	json_t *names = json_object_get(w->request->params, "names"), *name;
	size_t i;

	json_array_foreach(names, i, name)
		if (method_matches(p, json_string_value(name)))
			return w->touched = true;
	return false;
}

/* A list of strings, or nothing. */
static bool
names_are_valid(struct request *r)
{
	json_t *names = json_object_get(r->params, "names"), *name;
	size_t i;

	if (names == NULL)
		return true;
	json_array_foreach(names, i, name)
		if (!json_is_string(name))
			break;
	if (json_is_array(names) && i == json_array_size(names))
		return true;
	request_error(r, PROTO_BAD_PARAMS, "names is not a list of strings");
	return false;
}

static void
reload_cleanup(struct request *r)
{
	struct waiting *w = r->state;

	if (!w->answered)
		reload_forget(r->peer->sup, &w->client);
	free(w);
}

static void
reload_exec(struct request *r)
{
	struct waiting *w;
	bool dry_run;

	if (!method_bool(r, "dry_run", false, &dry_run) || !names_are_valid(r))
		return;
	w = xcalloc(1, sizeof *w);
	w->client.done = on_reloaded;
	if (json_array_size(json_object_get(r->params, "names")) > 0)
		w->client.concerns = is_named;
	w->request = r;
	r->state = w;
	r->cleanup = reload_cleanup;
	if (reload_start(r->peer->sup, dry_run, &w->client) == -1) {
		w->answered = true;
		request_error(r, errno == EBUSY ? PROTO_BUSY : PROTO_INTERNAL,
		    "cannot reload now: %s", errno == EBUSY ?
		    "another reload is under way" : strerror(errno));
	}
}

const struct method method_reload = {
	.name = "reload", .needs = MAY_CONTROL, .in_need = true,
	.exec = reload_exec};
