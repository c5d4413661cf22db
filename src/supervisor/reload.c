/* A new configuration; see reload.h. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/loader.h"
#include "core/conf.h"
#include "core/confcodec.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/order.h"
#include "supervisor/events.h"
#include "supervisor/face.h"
#include "supervisor/hooks.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"
#include "supervisor/uplink.h"

#define LOADER_PATIENCE 60. /* seconds; a user database may be slow */

struct reload {
	struct supervisor *sup;
	struct reload_client *client; /* NULL: the log */
	bool dry_run;
	bool abandoned; /* only the client knew what it concerns */
	pid_t pid; /* of the loader, a child of ours */
	int pidfd, result; /* result: memfd it writes */
	ev_io io; /* pidfd: readable at its end */
	ev_timer timer; /* LOADER_PATIENCE */
};

/* --- the plan --- */

struct plan {
	struct buf added, removed, changed;
	unsigned unchanged, nadded, nremoved, nchanged;
};

struct keys {
	struct buf names;
	bool restart;
};

static void
note_key(void *arg, const char *key, bool needs_restart)
{
	struct keys *k = arg;

	if (buf_len(&k->names) > 0)
		buf_addc(&k->names, ',');
	buf_adds_json(&k->names, key);
	k->restart |= needs_restart;
}

static void
plan_name(struct buf *b, unsigned *count, const char *label)
{
	if ((*count)++ > 0)
		buf_addc(b, ',');
	buf_adds_json(b, label);
}

static void
plan_change(struct plan *p, const struct service *s,
    const struct conf_process *next)
{
	struct keys k = {.restart = false};

	conf_process_diff(s->conf, next, note_key, &k);
	/* [mpsupd] environment is part of every program. */
	if (buf_len(&k.names) == 0 &&
	    s->conf->restart_hash != next->restart_hash)
		note_key(&k, "[mpsupd] environment", true);
	if (buf_len(&k.names) == 0) {
		p->unchanged++;
		return;
	}
	if (p->nchanged++ > 0)
		buf_addc(&p->changed, ',');
	buf_adds(&p->changed, "{\"name\":");
	buf_adds_json(&p->changed, s->label);
	buf_adds(&p->changed, ",\"keys\":[");
	buf_add(&p->changed, buf_head(&k.names), buf_len(&k.names));
	buf_addf(&p->changed, "],\"action\":\"%s\"}",
	    k.restart && s->prog.wanted && s->prog.pid != 0 &&
	    next->type != TYPE_ONESHOT ? "restart" : "live");
	buf_clear(&k.names);
}

static char *
plan_json(struct plan *p, const char *warnings)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "{\"added\":[");
	buf_add(&b, buf_head(&p->added), buf_len(&p->added));
	buf_adds(&b, "],\"removed\":[");
	buf_add(&b, buf_head(&p->removed), buf_len(&p->removed));
	buf_adds(&b, "],\"changed\":[");
	buf_add(&b, buf_head(&p->changed), buf_len(&p->changed));
	buf_addf(&b, "],\"unchanged\":%u,\"warnings\":%s}", p->unchanged,
	    warnings);
	buf_clear(&p->added);
	buf_clear(&p->removed);
	buf_clear(&p->changed);
	return buf_steal(&b);
}

static bool
concerns(const struct reload *rl, const struct conf_process *c)
{
	return rl->client == NULL || rl->client->concerns == NULL ||
	    rl->client->concerns(rl->client, c);
}

/*
 * Gives each process of NEXT its slot (that of the service it continues, or a
 * free one), and appends to it what is leaving but not down yet.  What the
 * reload does not concern stays as it is.  False: too many processes.
 */
static bool
assign_slots(struct reload *rl, struct config *next, struct plan *p)
{
	struct supervisor *sup = rl->sup;
	uint8_t *used = xcalloc(BOARD_SLOTS, 1);
	struct conf_process *all;
	size_t i, n = next->nprocs;
	uint32_t free_slot = 0;
	struct service *s;
	char *label;

	all = xcalloc(n + sup->nservices, sizeof *all);
	for (i = n = 0; i < next->nprocs; i++) {
		struct conf_process *c = &next->procs[i];
		bool wanted = concerns(rl, c);

		s = service_of(sup, c);
		if (s == NULL && !wanted)
			continue;
		all[n] = s != NULL && !wanted ? *s->conf : *c;
		all[n].slot = s != NULL ? (int32_t)s->slot : -1;
		if (wanted)
			all[n].leaving = false;
		all[n].stopped = s != NULL && s->conf->stopped;
		all[n].enabled_run = s != NULL ? s->conf->enabled_run : 0;
		if (s != NULL) {
			used[s->slot] = 1;
			plan_change(p, s, &all[n]);
		}
		n++;
	}
	TAILQ_FOREACH(s, &sup->services, entry) {
		if (used[s->slot])
			continue;
		used[s->slot] = 1;
		all[n] = *s->conf;
		if (concerns(rl, s->conf) && !transient_stays(s)) {
			plan_name(&p->removed, &p->nremoved, s->label);
			all[n].leaving = true;
		}
		n++;
	}
	for (i = 0; i < n; i++) {
		if (all[i].slot != -1)
			continue;
		while (free_slot < BOARD_SLOTS && used[free_slot])
			free_slot++;
		if (free_slot == BOARD_SLOTS)
			break;
		used[free_slot] = 1;
		all[i].slot = (int32_t)free_slot;
		label = conf_process_label(&all[i]);
		plan_name(&p->added, &p->nadded, label);
		free(label);
	}
	free(used);
	/* The array of NEXT belongs to its arena; ours goes after encoding. */
	next->procs = all;
	next->nprocs = n;
	return i == n;
}

/* --- putting it into force --- */

/* A copy of its own, and the same bytes with the keeper.  NULL: refused by
 * the keeper, nothing changed. */
static struct config *
commit(struct supervisor *sup, const struct config *next)
{
	struct buf b = BUF_INIT;
	struct config *copy = NULL;
	int fd;

	config_encode(next, &b);
	fd = loader_memfd(buf_head(&b), buf_len(&b));
	if (fd != -1) {
		copy = config_decode(buf_head(&b), buf_len(&b));
		if (copy != NULL && uplink_config(sup, fd) == -1) {
			config_free(copy);
			copy = NULL;
		}
		close(fd);
	}
	buf_clear(&b);
	return copy;
}

int
reload_store(struct supervisor *sup)
{
	struct config *copy = commit(sup, sup->conf);

	if (copy == NULL)
		return -1;
	config_free(copy);
	return 0;
}

/* Before the configuration is the next supervisor's: the keeper looks no
 * further than this for whose a process is. */
static void
raise_nslots(struct supervisor *sup, const struct config *next)
{
	size_t i;

	for (i = 0; i < next->nprocs; i++)
		if ((uint32_t)next->procs[i].slot >=
		    atomic_load(&sup->board->nslots))
			atomic_store(&sup->board->nslots,
			    (uint32_t)next->procs[i].slot + 1);
}

/* What a new configuration means for a service (s->todo). */
enum todo { TODO_NOTHING, TODO_BEGIN, TODO_STOP, TODO_START, TODO_RESTART };

/* S goes on as C. */
static enum todo
reconfigure(struct service *s, struct conf_process *c)
{
	bool stuck = s->prog.wanted && (s->prog.state == PROGRAM_FATAL ||
	    s->prog.state == PROGRAM_BACKOFF) &&
	    s->prog.conf_hash != c->restart_hash;
	/* It takes the name of a transient program that is over. */
	bool inherits = s->conf->transient != 0 && c->transient == 0 &&
	    program_is_down(&s->prog);
	/* Stopped by its removal, not by an operator. */
	bool back = (s->conf->leaving || inherits) && !c->leaving &&
	    c->autostart;

	service_configure(s, c);
	if (c->leaving)
		return TODO_STOP;
	if (back)
		return TODO_START;
	return stuck || (s->prog.wanted && service_is_outdated(s)) ?
	    TODO_RESTART : TODO_NOTHING;
}

static void
carry_out(struct service *s)
{
	uint8_t todo = s->todo;

	s->todo = TODO_NOTHING;
	if (todo == TODO_BEGIN)
		service_begin(s);
	else if (todo == TODO_START)
		service_event(s, ON_START);
	else if (todo == TODO_RESTART)
		service_event(s, ON_RESTART);
}

/* What leaves goes in the order of a stop, what comes in that of a start. */
static void
apply(struct supervisor *sup, struct config *next)
{
	struct config *old = sup->conf;
	struct service *s, **v;
	size_t i, n;

	sup->conf = next;
	for (i = 0; i < next->nprocs; i++) {
		struct conf_process *c = &next->procs[i];

		s = sup->by_slot[c->slot];
		if (s == NULL)
			service_new(sup, c)->todo = TODO_BEGIN;
		else
			s->todo = (uint8_t)reconfigure(s, c);
	}
	config_free(old);
	supervisor_sort(sup);
	order_build(sup);
	v = order_sorted(sup);
	n = sup->nservices;
	for (i = n; i-- > 0;)
		if (v[i]->todo == TODO_STOP)
			service_event(v[i], ON_STOP);
	for (i = 0; i < n; i++)
		carry_out(v[i]);
	free(v);
	order_changed_all(sup);
	supervisor_apply_main(sup);
	sup->changed = true;
}

int
reload_add(struct supervisor *sup, const struct conf_process *c)
{
	struct config next = *sup->conf, *old = sup->conf, *copy;
	struct service *s;
	size_t i, n = 0;

	next.procs = xcalloc(old->nprocs + 1, sizeof *next.procs);
	for (i = 0; i < old->nprocs; i++) {
		s = sup->by_slot[old->procs[i].slot];
		/* Not what was swept since, nor the one that C replaces. */
		if (s != NULL && s->conf == &old->procs[i] &&
		    old->procs[i].slot != c->slot)
			next.procs[n++] = old->procs[i];
	}
	next.procs[n++] = *c;
	next.nprocs = n;
	raise_nslots(sup, &next);
	copy = commit(sup, &next);
	free(next.procs);
	if (copy == NULL)
		return -1;
	sup->conf = copy;
	for (i = 0; i < copy->nprocs; i++) {
		s = sup->by_slot[copy->procs[i].slot];
		if (s != NULL)
			service_configure(s, &copy->procs[i]);
		else
			service_begin(service_new(sup, &copy->procs[i]));
	}
	config_free(old);
	order_build(sup);
	return 0;
}

void
reload_sweep(struct supervisor *sup)
{
	struct service *s, *next;
	bool more = false, removed = false;

	if (!sup->unswept)
		return;
	for (s = TAILQ_FIRST(&sup->services); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->conf->leaving && program_is_down(&s->prog) &&
		    !hooks_are_ending(s)) {
			log_info("program %s: removed", s->label);
			service_remove(s);
			removed = true;
		} else if (s->conf->leaving) {
			more = true;
		}
	}
	sup->unswept = more;
	if (!removed)
		return;
	order_build(sup);
	order_changed_all(sup); /* a twin of another group waits, perhaps */
	sup->changed = true;
}

/* Says which keys of [mpsupd] wait for a restart of the daemon. */
static void
warn_main_key(void *arg, const char *key, bool needs_restart)
{
	struct buf *warnings = arg;
	char *text;

	if (!needs_restart)
		return;
	text = xasprintf("section [mpsupd]: %s: takes effect when the daemon "
	    "is started again", key);
	log_warnx("%s", text);
	if (buf_len(warnings) > 1)
		buf_addc(warnings, ',');
	buf_adds_json(warnings, text);
	free(text);
}

/* What the running daemon stands on stays as it is until it is restarted. */
static void
keep_foundations(struct conf_main *next, const struct conf_main *now)
{
	next->rundir = now->rundir;
	next->statedir = now->statedir;
	next->socket = now->socket;
	next->pidfile = now->pidfile;
	next->user = now->user;
	next->directory = now->directory;
	next->nodaemon = now->nodaemon;
	next->nocleanup = now->nocleanup;
}

/* A reload of named programs is none of [mpsupd]. */
static void
keep_main(struct config *next, const struct conf_main *now)
{
	size_t i;

	next->main = *now;
	for (i = 0; i < next->nprocs; i++)
		next->procs[i].restart_hash =
		    confcodec_restart_hash(now, &next->procs[i]);
}

/* The loader accepted the files: plan, commit, apply.  The plan, or NULL. */
static char *
accept_config(struct reload *rl, struct config *next, struct buf *warnings)
{
	struct supervisor *sup = rl->sup;
	struct plan p = {.unchanged = 0};
	struct conf_process *procs = next->procs;
	struct config *copy = NULL;
	char *json = NULL;
	bool fits;

	/* `warnings` is an open JSON list here: "[...". */
	if (rl->client == NULL || rl->client->concerns == NULL)
		conf_main_diff(&sup->conf->main, &next->main, warn_main_key,
		    warnings);
	buf_adds(warnings, "]");
	buf_addc(warnings, '\0');
	if (rl->client != NULL && rl->client->concerns != NULL)
		keep_main(next, &sup->conf->main);
	else
		keep_foundations(&next->main, &sup->conf->main);
	fits = assign_slots(rl, next, &p);
	if (fits && !rl->dry_run) {
		raise_nslots(sup, next);
		copy = commit(sup, next);
	}
	if (fits && (copy != NULL || rl->dry_run))
		json = plan_json(&p, buf_head(warnings));
	else
		free(plan_json(&p, "[]"));
	if (copy != NULL) {
		log_info("configuration reloaded: %u added, %u removed, "
		    "%u changed, %u unchanged", p.nadded, p.nremoved,
		    p.nchanged, p.unchanged);
		events_daemon(sup, EVENT_RELOAD, "%u added, %u removed, "
		    "%u changed, %u unchanged", p.nadded, p.nremoved,
		    p.nchanged, p.unchanged);
		apply(sup, copy);
	}
	free(next->procs);
	next->procs = procs;
	return json;
}

/* --- the loader process --- */

static void
reload_free(struct reload *rl)
{
	struct supervisor *sup = rl->sup;

	sup->reload = NULL;
	ev_timer_stop(sup->loop, &rl->timer);
	ev_io_stop(sup->loop, &rl->io);
	close(rl->pidfd);
	close(rl->result);
	free(rl);
	/* A SIGHUP came meanwhile: the files may have changed since. */
	if (sup->reload_again) {
		sup->reload_again = false;
		reload_start(sup, false, NULL);
	}
}

/* ERRORS: a JSON list of strings, or NULL. */
static void
log_errors(const char *errors)
{
	json_t *list = errors == NULL ? NULL : json_loads(errors, 0, NULL);
	json_t *text;
	size_t i;

	json_array_foreach(list, i, text)
		log_warnx("%s", json_string_value(text));
	log_warnx("configuration not reloaded; nothing changed");
	json_decref(list);
}

static void
report(struct reload *rl, bool ok, const char *text)
{
	if (rl->client != NULL)
		rl->client->done(rl->client, ok, text);
	else if (!ok)
		log_errors(text);
}

static void
handle_result(struct reload *rl)
{
	struct loader_result res;
	struct buf warnings = BUF_INIT;
	char *json = NULL;

	if (loader_read(rl->result, &res) == -1) {
		report(rl, false, NULL);
		return;
	}
	if (rl->abandoned) {
		log_warnx("reload of single programs: its client went away; "
		    "nothing changed");
	} else if (res.config == NULL) {
		if (rl->client != NULL)
			rl->client->refusal = res.refusal;
		report(rl, false, res.errors);
	} else {
		if (rl->client != NULL && rl->client->accepted != NULL)
			rl->client->accepted(rl->client, res.config);
		buf_add(&warnings, res.warnings, strlen(res.warnings) - 1);
		json = accept_config(rl, res.config, &warnings);
		report(rl, json != NULL, json);
		if (json != NULL && !rl->dry_run && rl->sup->safe)
			supervisor_leave_safe_mode(rl->sup);
	}
	free(json);
	buf_clear(&warnings);
	loader_result_clear(&res);
}

static void
on_loader_end(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reload *rl = w->data;
	int status = 0;

	watch_again(loop, w, revents);
	if (waitpid(rl->pid, &status, WNOHANG) != rl->pid)
		return;
	if (status != 0) {
		log_warnx("the loader of the configuration ended with "
		    "status %d", status);
		report(rl, false, NULL);
	} else {
		handle_result(rl);
	}
	reload_free(rl);
}

static void
on_loader_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct reload *rl = w->data;

	(void)loop;
	(void)revents;
	log_warnx("the loader of the configuration took longer than %.0f s; "
	    "killing it", LOADER_PATIENCE);
	kill(rl->pid, SIGKILL); /* our child, not waited for yet */
}

static pid_t
spawn_loader(struct reload *rl, const struct conf_main *m)
{
	char *argv[] = {(char[]){LOADER_TITLE}, m->file, m->cwd, m->statedir,
	    NULL};

	return face_spawn(argv, rl->result, LOADER_FD, &rl->pidfd);
}

static int
put_change(const struct reload *rl)
{
	const char *text = rl->client != NULL ? rl->client->change : NULL;
	size_t len = text != NULL ? strlen(text) : 0;

	return len == 0 || write(rl->result, text, len) == (ssize_t)len ? 0 :
	    -1;
}

int
reload_start(struct supervisor *sup, bool dry_run, struct reload_client *c)
{
	struct reload *rl;

	if (sup->reload != NULL || sup->stopping) {
		errno = EBUSY;
		if (c == NULL && !sup->stopping)
			sup->reload_again = true;
		if (c == NULL)
			log_warnx("reload: %s", sup->stopping ?
			    "refused, the daemon is stopping" :
			    "one is under way, another follows");
		return -1;
	}
	rl = xcalloc(1, sizeof *rl);
	rl->sup = sup;
	rl->client = c;
	rl->dry_run = dry_run;
	rl->pidfd = -1;
	rl->result = memfd_create("mpsupd-loader", MFD_CLOEXEC);
	if (rl->result == -1 || put_change(rl) == -1)
		goto fail;
	rl->pid = spawn_loader(rl, &sup->conf->main);
	if (rl->pid == -1)
		goto fail;
	sup->reload = rl;
	ev_init(&rl->timer, on_loader_late);
	rl->timer.data = rl;
	ev_timer_set(&rl->timer, LOADER_PATIENCE, 0.);
	ev_timer_start(sup->loop, &rl->timer);
	ev_io_init(&rl->io, on_loader_end, rl->pidfd, EV_READ);
	rl->io.data = rl;
	ev_io_start(sup->loop, &rl->io);
	return 0;
fail:
	if (c == NULL)
		log_warn("reload: cannot start the loader; nothing changed");
	if (rl->result != -1)
		close(rl->result);
	free(rl);
	return -1;
}

void
reload_forget(struct supervisor *sup, struct reload_client *c)
{
	if (sup->reload == NULL || sup->reload->client != c)
		return;
	sup->reload->abandoned = c->concerns != NULL;
	sup->reload->client = NULL;
}
