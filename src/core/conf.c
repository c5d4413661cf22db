/*
 * From the merged sections to a checked configuration; see conf.h.
 *
 * confread.c has read the files by now.  Here values are expanded and typed,
 * programs become processes, and groups, AUTO logs and order are settled.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confcodec.h"
#include "core/confenv.h"
#include "core/confread.h"
#include "core/confstate.h"
#include "core/confvalue.h"
#include "core/depend.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define ARENA_MAX (4 * (size_t)CONF_TOTAL_MAX) /* bytes of all values */

/* One [group:x]. */
struct group {
	const char *name;
	int64_t priority;
	UT_hash_handle hh;
};

/* A program listed in a group. */
struct member {
	const char *program;
	const struct group *group;
	UT_hash_handle hh;
};

/* A process, with what only matters until all are known. */
struct made {
	struct conf_process p;
	const struct confread_section *section;
	size_t order; /* of the files */
	size_t group_order; /* order of the first one of its group */
};

/* A process name, or "group:name", seen before. */
struct seen {
	const char *key;
	const struct made *first;
	bool in_groups; /* in more than one */
	UT_hash_handle hh;
};

struct load {
	struct confread read;
	struct confvalue_ctx values;
	struct confenv env_files;
	struct config *c;
	struct conf_msgs *msgs;
	struct group *groups;
	struct member *members;
	struct conf_process defaults;
	struct made *made;
	size_t nmade, cap;
	bool full; /* a limit was reached, and said */
};

/* Messages. */

bool
conf_msg_fits(const struct conf_msgs *m, bool warning)
{
	return m->n < (warning ? CONF_WARNING_MAX : CONF_MSG_MAX);
}

void
conf_msg_add(struct conf_msgs *m, bool warning, const char *fmt, ...)
{
	struct buf visible = BUF_INIT;
	va_list ap;
	char *text;

	if (!warning)
		m->errors++;
	if (!conf_msg_fits(m, warning)) {
		m->suppressed++;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = xstrdup("out of memory");
	va_end(ap);
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->v = xreallocarray(m->v, m->cap, sizeof *m->v);
	}
	str_visible(&visible, text, strlen(text), false);
	m->v[m->n].warning = warning;
	m->v[m->n++].text = buf_steal(&visible);
	free(text);
}

void
conf_msgs_clear(struct conf_msgs *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		free(m->v[i].text);
	free(m->v);
	memset(m, 0, sizeof *m);
}

static void
say_section(struct load *l, const struct confread_section *s, bool warning,
    struct buf *text)
{
	buf_addc(text, '\0');
	confread_say_section(&l->read, s, warning, buf_head(text));
	buf_clear(text);
}

/* A value is complained of once, not for each process made from it. */
static void
say_entry(struct load *l, const struct confread_entry *e, bool warning,
    const char *text)
{
	if (!*e->said)
		confread_say_entry(&l->read, e, warning, text);
	*e->said = true;
}

/* Reads one entry into its field in BASE. */
static bool
load_value(struct load *l, const struct confread_entry *e,
    const struct confread_scope *scope, void *base, const char **ret_text)
{
	struct buf out = BUF_INIT, why = BUF_INIT;
	enum confvalue_result res = CONFVALUE_BAD;
	const char *text = confread_expand(e, scope, &out, &why);

	if (text != NULL)
		res = confvalue_parse(e->key, text, &l->values, base, &why,
		    ret_text);
	if (res != CONFVALUE_OK) {
		buf_addc(&why, '\0');
		say_entry(l, e, res == CONFVALUE_WARN, buf_head(&why));
	}
	buf_clear(&out);
	buf_clear(&why);
	return res != CONFVALUE_BAD;
}

static char *
path_in(struct load *l, const char *dir, const char *name)
{
	return confvalue_path(&l->values, dir, name);
}

/* [mpsupd]. */

/* Stands for "not written" until the defaults are made. */
static char unset[] = "";

static void
main_computed(struct load *l)
{
	const struct conf_host *h = l->values.host;
	struct conf_main *m = &l->c->main;
	bool foreign = l->read.foreign, elsewhere;

	m->cwd = conf_arena_dup(l->values.arena, h->cwd);
	elsewhere = m->rundir != NULL && strcmp(m->rundir, h->rundir) != 0;
	if (m->rundir == NULL)
		m->rundir = path_in(l, h->cwd, h->rundir);
	/* Two daemons with different run directories never meet. */
	if (m->statedir == NULL && elsewhere)
		m->statedir = path_in(l, m->rundir, "lib");
	else if (m->statedir == NULL)
		m->statedir = path_in(l, h->cwd, h->statedir);
	if (m->logdir == NULL)
		m->logdir = path_in(l, h->cwd, foreign ? h->tmpdir :
							 h->logdir);
	if (m->socket == NULL)
		m->socket = path_in(l, m->rundir, "control.sock");
	if (m->pidfile == NULL)
		m->pidfile = foreign ? path_in(l, h->cwd, "supervisord.pid") :
				       path_in(l, m->rundir, "mpsupd.pid");
	if (m->logfile == unset)
		m->logfile = foreign ? path_in(l, h->cwd, "supervisord.log") :
				       path_in(l, m->logdir, "mpsupd.log");
	if (m->identifier == NULL)
		m->identifier = conf_arena_dup(l->values.arena, "supervisor");
}

/* `environment` gives names to the other values. */
static void
main_environment(struct load *l, const struct confread_section *s,
    const struct confread_scope *scope)
{
	struct confread_entry *e = confread_entry(s, "environment");
	const struct conf_strs *env = &l->c->main.environment;
	size_t i;

	if (e == NULL || !load_value(l, e, scope, &l->c->main, NULL))
		return;
	for (i = 0; i < env->n; i++)
		confread_setenv(&l->read, env->v[i]);
}

/* The state file in the run directory has that name. */
static void
check_statedir(struct load *l, const struct confread_section *s)
{
	struct confread_entry *e = s != NULL ?
	    confread_entry(s, "statedir") : NULL;
	struct conf_main *m = &l->c->main;

	if (e != NULL &&
	    strcmp(m->statedir, path_in(l, m->rundir, "state")) == 0)
		say_entry(l, e, false, "it cannot be RUNDIR/state: that is a "
		    "file");
}

static void
load_main(struct load *l)
{
	struct confread_scope scope = {.r = &l->read};
	struct confread_section *s = confread_section(&l->read, "mpsupd");
	struct confread_entry *e;

	confvalue_defaults(SECT_MAIN, &l->c->main, l->values.arena);
	l->c->main.foreign = l->read.foreign;
	l->c->main.nocleanup = !l->read.foreign;
	l->c->main.logfile = unset;
	if (s != NULL) {
		main_environment(l, s, &scope);
		for (e = s->entries; e != NULL; e = e->next)
			if (strcmp(e->key->name, "environment") != 0)
				load_value(l, e, &scope, &l->c->main, NULL);
	}
	main_computed(l);
	check_statedir(l, s);
}

/* Sections that are only checked. */

/* SUPERVISOR_SERVER_URL: the first UNIX socket, else the first port. */
static void
note_server(struct load *l, const struct confread_entry *e, const char *text)
{
	char **url = &l->c->main.serverurl;
	struct buf b = BUF_INIT;

	if (text == NULL)
		return;
	if (strcmp(e->key->name, "file") == 0 &&
	    (*url == NULL || strncmp(*url, "http:", 5) == 0))
		buf_addf(&b, "unix://%s", text);
	else if (strcmp(e->key->name, "port") == 0 && *url == NULL)
		buf_addf(&b, "http://%s", text);
	if (buf_len(&b) > 0)
		*url = conf_arena_ndup(l->values.arena, buf_head(&b),
		    buf_len(&b));
	buf_clear(&b);
}

static void
check_section(struct load *l, const struct confread_section *s)
{
	struct confread_scope scope = {.r = &l->read};
	struct confread_entry *e;
	const char *text;

	for (e = s->entries; e != NULL; e = e->next) {
		text = NULL;
		load_value(l, e, &scope, NULL, &text);
		note_server(l, e, text);
	}
}

static void
load_others(struct load *l)
{
	struct confread_section *s;

	for (s = l->read.sections; s != NULL; s = s->hh.next)
		if (s->kind->sect & (SECT_HTTP | SECT_CTL))
			check_section(l, s);
}

/* [group:x]. */

static void
group_add_member(struct load *l, const struct confread_section *s,
    const struct confread_entry *e, const struct group *g, const char *name)
{
	struct buf why = BUF_INIT;
	struct member *m;
	char *id = xasprintf("program:%s", name);
	char *fcgi = xasprintf("fcgi-program:%s", name);

	HASH_FIND_STR(l->members, name, m);
	if (m != NULL && m->group != g) {
		buf_addf(&why, "program %s is in group %s already", name,
		    m->group->name);
	} else if (m != NULL || confread_section(&l->read, fcgi) != NULL) {
		/* Named twice, or not served yet: nothing to do. */
	} else if (confread_section(&l->read, id) == NULL) {
		buf_adds(&why, "there is no [program:");
		str_visible(&why, name, strlen(name), false);
		buf_adds(&why, "]");
	} else {
		m = conf_arena_alloc(l->read.arena, sizeof *m);
		m->program = conf_arena_dup(l->read.arena, name);
		m->group = g;
		HASH_ADD_KEYPTR(hh, l->members, m->program,
		    strlen(m->program), m);
	}
	if (buf_len(&why) > 0) {
		buf_addc(&why, '\0');
		if (e == NULL)
			confread_say_section(&l->read, s, false, why.data);
		else
			confread_say_entry(&l->read, e, false, why.data);
	}
	buf_clear(&why);
	free(fcgi);
	free(id);
}

static void
group_members(struct load *l, const struct confread_section *s,
    const struct group *g, const struct confread_scope *scope)
{
	struct confread_entry *e = confread_entry(s, "programs");
	const char *text = NULL;
	char *list, *word, *end, *save = NULL;

	if (e == NULL) {
		confread_say_section(&l->read, s, false,
		    "the key programs is missing");
		return;
	}
	if (!load_value(l, e, scope, NULL, &text) || text == NULL)
		return;
	list = xstrdup(text);
	for (word = strtok_r(list, ",", &save); word != NULL;
	    word = strtok_r(NULL, ",", &save)) {
		word += strspn(word, " \t\r\n");
		for (end = word + strlen(word);
		    end > word && strchr(" \t\r\n", end[-1]) != NULL;)
			*--end = '\0';
		if (*word != '\0')
			group_add_member(l, s, e, g, word);
	}
	free(list);
}

/* The value of an integer key of a section without a struct. */
static int64_t
loose_int(struct load *l, const struct confread_section *s, const char *key,
    const struct confread_scope *scope, int64_t otherwise)
{
	struct confread_entry *e = confread_entry(s, key);
	struct buf out = BUF_INIT, why = BUF_INIT;
	const char *text;

	if (e == NULL || !load_value(l, e, scope, NULL, NULL))
		return otherwise;
	text = confread_expand(e, scope, &out, &why);
	if (text != NULL)
		otherwise = strtol(text, NULL, 10);
	buf_clear(&out);
	buf_clear(&why);
	return otherwise;
}

/* The name after the colon, or NULL after a message. */
static const char *
section_arg(struct load *l, const struct confread_section *s)
{
	struct buf why = BUF_INIT;

	if (confvalue_name_is_valid(s->arg, &why))
		return s->arg;
	say_section(l, s, false, &why);
	return NULL;
}

static void
load_group(struct load *l, const struct confread_section *s)
{
	struct confread_scope scope = {.r = &l->read};
	struct group *g;

	if (section_arg(l, s) == NULL)
		return;
	g = conf_arena_alloc(l->read.arena, sizeof *g);
	g->name = s->arg;
	g->priority = loose_int(l, s, "priority", &scope, 999);
	HASH_ADD_KEYPTR(hh, l->groups, g->name, strlen(g->name), g);
	group_members(l, s, g, &scope);
}

static void
load_groups(struct load *l)
{
	struct confread_section *s;

	for (s = l->read.sections; s != NULL; s = s->hh.next)
		if (s->kind->sect == SECT_GROUP)
			load_group(l, s);
}

/* [program:x]. */

/* The keys that are the same for all processes of a program. */
static bool
is_common(const struct confread_entry *e)
{
	return (e->key->flags & KF_EXPAND) != 0 && e->key->type == KEY_INT;
}

/* Sets group and group_priority; false when PRIORITY decides the latter. */
static bool
find_group(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	struct buf why = BUF_INIT;
	struct member *m;
	struct group *g;

	HASH_FIND_STR(l->members, s->arg, m);
	if (m != NULL) {
		p->group = conf_arena_dup(l->values.arena, m->group->name);
		p->group_priority = m->group->priority;
		return true;
	}
	p->group = p->program;
	HASH_FIND_STR(l->groups, s->arg, g);
	if (g == NULL || s->kind->sect != SECT_PROGRAM)
		return false;
	p->group_priority = g->priority;
	buf_addf(&why, "not listed in [group:%s], yet joins it for its name",
	    g->name);
	say_section(l, s, true, &why);
	return true;
}

static void
process_logs(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	static const char *const keys[CONF_STREAMS][2] = {
		{"stdout_events_enabled", "stdout_capture_maxbytes"},
		{"stderr_events_enabled", "stderr_capture_maxbytes"},
	};
	static const char *const formats[CONF_STREAMS] = {
		"stdout_logfile_format", "stderr_logfile_format"};
	const struct confread_entry *e;
	size_t i, k;

	for (i = 0; i < CONF_STREAMS; i++) {
		bool set[2] = {p->log[i].events_enabled,
			p->log[i].capture_maxbytes > 0};

		for (k = 0; k < 2; k++)
			if (set[k] &&
			    (e = confread_entry(s, keys[i][k])) != NULL)
				say_entry(l, e, true,
				    "events are not served yet; the output is "
				    "logged whole");
		if (p->log[i].format != LOG_FORMAT_RAW &&
		    p->log[i].file != NULL &&
		    strcmp(p->log[i].file, "syslog") == 0 &&
		    (e = confread_entry(s, formats[i])) != NULL)
			say_entry(l, e, true,
			    "syslog gets the lines as they are");
	}
	if (p->redirect_stderr) {
		p->log[CONF_STDERR].file = NULL;
		p->log[CONF_STDERR].automatic = false;
	}
}

/* Keys that mean nothing for a program of this type. */
static void
process_idle_keys(struct load *l, const struct confread_section *s,
    const struct conf_process *p)
{
	const bool oneshot = p->type == TYPE_ONESHOT;
	const struct {
		const char *key, *why;
		bool idle;
	} keys[] = {
		{"health", "a oneshot is never RUNNING, so nobody asks it",
		    oneshot && p->health != NULL},
		{"watchdog", "a oneshot is never RUNNING, so nobody listens",
		    oneshot && p->watchdog_ms > 0},
		{"exec_start_post", "a oneshot is never RUNNING, so it is not "
		    "run", oneshot && p->exec_start_post.n > 0},
		{"overlap", "has no effect without a schedule",
		    p->schedule == NULL && p->overlap != OVERLAP_SKIP},
	};
	const struct confread_entry *e;
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].idle &&
		    (e = confread_entry(s, keys[i].key)) != NULL)
			say_entry(l, e, true, keys[i].why);
}

/* Keys that do not go together. */
static void
process_life(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	const struct confread_entry *type = confread_entry(s, "type");
	const struct confread_entry *e;

	if (p->schedule != NULL && type != NULL && p->type != TYPE_ONESHOT)
		say_entry(l, type, false,
		    "must be oneshot for a program with a schedule");
	if (p->schedule != NULL)
		p->type = TYPE_ONESHOT;
	if (p->type == TYPE_ONESHOT &&
	    (e = confread_entry(s, "ready")) != NULL && p->ready != NULL)
		say_entry(l, e, false,
		    "a oneshot is ready when it has ended with success");
	if (p->health != NULL && (strcasecmp(p->health, "notify") == 0 ||
	    strncasecmp(p->health, "fd:", 3) == 0))
		say_entry(l, confread_entry(s, "health"), false,
		    "is asked by us; for a program that speaks by itself "
		    "there is watchdog");
	if (p->type == TYPE_ONESHOT && p->autorestart == AUTORESTART_YES)
		say_entry(l, confread_entry(s, "autorestart"), false,
		    "cannot be true for a oneshot, which is to end; a "
		    "schedule runs it again");
	if (p->watchdog_ms > 0 && p->ready != NULL &&
	    strncasecmp(p->ready, "fd:", 3) == 0)
		say_entry(l, confread_entry(s, "watchdog"), false,
		    "needs messages of the program; with ready = fd:N it has "
		    "no way to send them");
}

static void
process_rules(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	const struct confread_entry *kill = confread_entry(s, "killasgroup");

	if (kill == NULL)
		p->killasgroup = p->stopasgroup;
	else if (p->stopasgroup && !p->killasgroup)
		say_entry(l, kill, false,
		    "cannot be false when stopasgroup is true");
	if (p->nochildren && !CONF_HAS_NOCHILDREN)
		say_entry(l, confread_entry(s, "nochildren"), false,
		    "is not supported on this machine");
	confvalue_set_expected(p);
	process_life(l, s, p);
	process_idle_keys(l, s, p);
	process_logs(l, s, p);
}

/* The variables of a file come first: `environment` may speak of them. */
static bool
process_env_file(struct load *l, const struct confread_entry *e,
    const struct confread_scope *scope, struct conf_process *p)
{
	return load_value(l, e, scope, p, NULL) && (p->env_file == NULL ||
	    confenv_load(&l->env_files, e, p->env_file,
		&p->file_environment));
}

/* Fills P, which has the common part, with all other keys. */
static bool
load_process(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	struct confread_scope scope = {&l->read, NULL, p, true};
	struct confread_entry *env = confread_entry(s, "environment"), *e;
	struct confread_entry *file = confread_entry(s, "env_file");
	struct conf_process before;
	bool ok = true;

	if (file != NULL)
		ok = process_env_file(l, file, &scope, p);
	/* Its own names are not known in `environment` itself. */
	before = *p;
	if (env != NULL) {
		scope.process = &before;
		ok &= load_value(l, env, &scope, p, NULL);
		scope.process = p;
	}
	for (e = s->entries; e != NULL; e = e->next) {
		if (e == env || e == file || is_common(e))
			continue;
		ok &= load_value(l, e, &scope, p, NULL);
		if (e->key->flags & KF_POLICY)
			p->restart_policy = true;
	}
	if (p->name == NULL)
		p->name = p->program;
	process_rules(l, s, p);
	return ok;
}

static void
made_add(struct load *l, const struct confread_section *s,
    const struct conf_process *p)
{
	if (l->nmade == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->made = xreallocarray(l->made, l->cap, sizeof *l->made);
	}
	l->made[l->nmade].p = *p;
	l->made[l->nmade].section = s;
	l->made[l->nmade].order = l->nmade;
	l->nmade++;
}

/* True when there is room for another process; says so once if not. */
static bool
has_room(struct load *l, const struct confread_section *s)
{
	struct buf why = BUF_INIT;

	if (l->full)
		return false;
	if (l->nmade >= CONF_PROCESS_MAX)
		buf_addf(&why, "more than %d processes", CONF_PROCESS_MAX);
	else if (conf_arena_bytes(l->values.arena) > ARENA_MAX)
		buf_addf(&why, "all values together have more than %zu MB",
		    ARENA_MAX >> 20);
	else
		return true;
	l->full = true;
	say_section(l, s, false, &why);
	return false;
}

/* The numbers that say how many processes there are. */
static bool
load_common(struct load *l, const struct confread_section *s,
    struct conf_process *p)
{
	struct confread_scope scope = {&l->read, NULL, p, false};
	const struct confread_entry *name = confread_entry(s, "process_name");
	struct confread_entry *e;
	bool ok = true;

	for (e = s->entries; e != NULL; e = e->next)
		if (is_common(e))
			ok &= load_value(l, e, &scope, p, NULL);
	e = confread_entry(s, "numprocs");
	if (!ok || p->numprocs <= 1 || e == NULL ||
	    (name != NULL && strstr(name->value, "%(process_num)") != NULL))
		return ok;
	say_entry(l, name != NULL ? name : e, false,
	    "process_name must have %(process_num) when numprocs is over 1");
	return false;
}

static void
load_processes(struct load *l, const struct confread_section *s,
    const struct conf_process *common, bool grouped)
{
	struct conf_process p;
	int64_t i;
	bool ok = true;

	for (i = 0; ok && i < common->numprocs && has_room(l, s); i++) {
		p = *common;
		p.process_num = common->numprocs_start + i;
		p.disabled = s->disabled;
		ok = load_process(l, s, &p);
		if (!grouped)
			p.group_priority = l->nmade > 0 && i > 0 ?
			    l->made[l->nmade - 1].p.group_priority :
			    p.priority;
		if (s->kind->sect != SECT_PROGRAM)
			break;
		made_add(l, s, &p);
	}
}

static void
load_program(struct load *l, const struct confread_section *s)
{
	struct conf_process common = l->defaults;
	bool grouped;

	if (section_arg(l, s) == NULL)
		return;
	common.program = conf_arena_dup(l->values.arena, s->arg);
	grouped = find_group(l, s, &common);
	/* With an error there the other keys are looked at all the same. */
	if (confread_entry(s, "command") == NULL)
		confread_say_section(&l->read, s, false,
		    "the key command is missing");
	if (!load_common(l, s, &common))
		common.numprocs = 1;
	load_processes(l, s, &common, grouped);
}

static void
load_programs(struct load *l)
{
	struct confread_section *s;

	confvalue_defaults(SECT_PROGRAM, &l->defaults, l->values.arena);
	for (s = l->read.sections; s != NULL; s = s->hh.next)
		if (s->kind->sect & SECT_PROCESS)
			load_program(l, s);
}

/* All processes together. */

static struct seen *
seen_add(struct load *l, struct seen **hash, const char *key,
    const struct made *m)
{
	struct seen *s;

	HASH_FIND_STR(*hash, key, s);
	if (s != NULL)
		return s;
	s = conf_arena_alloc(l->read.arena, sizeof *s);
	s->key = conf_arena_dup(l->read.arena, key);
	s->first = m;
	HASH_ADD_KEYPTR(hh, *hash, s->key, strlen(s->key), s);
	return NULL;
}

/* Names are unique in a group. */
static void
check_names(struct load *l)
{
	struct seen *hash = NULL, *s;
	struct buf why = BUF_INIT;
	struct made *m;
	size_t i;
	char *key;

	for (i = 0; i < l->nmade; i++) {
		m = &l->made[i];
		key = xasprintf("%s:%s", m->p.group, m->p.name);
		s = seen_add(l, &hash, key, m);
		free(key);
		if (s == NULL)
			continue;
		buf_addf(&why, "process %s of group %s is made twice, also "
		    "at %s:%u", m->p.name, m->p.group,
		    s->first->section->file->path, s->first->section->line);
		say_section(l, m->section, false, &why);
	}
	HASH_CLEAR(hh, hash);
}

/* Two cannot have the same file, nor the daemon's. */
static void
check_pidfiles(struct load *l)
{
	const struct conf_main *main = &l->c->main;
	char *locked = path_in(l, main->rundir, "mpsupd.pid");
	struct seen *hash = NULL, *s;
	struct buf why = BUF_INIT;
	struct made *m;
	size_t i;

	for (i = 0; i < l->nmade; i++) {
		m = &l->made[i];
		if (m->p.pidfile == NULL)
			continue;
		s = seen_add(l, &hash, m->p.pidfile, m);
		if (strcmp(m->p.pidfile, locked) == 0 ||
		    strcmp(m->p.pidfile, main->pidfile) == 0)
			buf_addf(&why, "pidfile %s is that of the daemon",
			    m->p.pidfile);
		else if (s != NULL)
			buf_addf(&why, "pidfile %s is also that of %s",
			    m->p.pidfile, s->first->p.name);
		if (buf_len(&why) == 0)
			continue;
		buf_addc(&why, '\0');
		say_entry(l, confread_entry(m->section, "pidfile"), false,
		    buf_head(&why));
		buf_clear(&why);
	}
	HASH_CLEAR(hh, hash);
}

static void
auto_path(struct load *l, struct conf_process *p, bool with_group)
{
	static const char *const suffix[CONF_STREAMS] = {"stdout", "stderr"};
	char *name;
	size_t i;

	for (i = 0; i < CONF_STREAMS; i++) {
		if (!p->log[i].automatic)
			continue;
		name = xasprintf("%s%s%s.%s.log", with_group ? p->group : "",
		    with_group ? "." : "", p->name, suffix[i]);
		p->log[i].file = path_in(l, l->c->main.logdir, name);
		free(name);
	}
}

/* AUTO is LOGDIR/NAME.stdout.log; GROUP.NAME where NAME alone would be
 * shared with another group. */
static void
resolve_logs(struct load *l)
{
	struct seen *hash = NULL, *s;
	struct made *m;
	size_t i;

	for (i = 0; i < l->nmade; i++) {
		m = &l->made[i];
		s = seen_add(l, &hash, m->p.name, m);
		if (s != NULL && strcmp(s->first->p.group, m->p.group) != 0)
			s->in_groups = true;
	}
	for (i = 0; i < l->nmade; i++) {
		m = &l->made[i];
		HASH_FIND_STR(hash, m->p.name, s);
		auto_path(l, &m->p, s->in_groups &&
		    strcmp(m->p.group, m->p.program) != 0);
	}
	HASH_CLEAR(hh, hash);
}

static int
compare_made(const void *va, const void *vb)
{
	const struct made *a = va, *b = vb;

	if (a->p.group_priority != b->p.group_priority)
		return a->p.group_priority < b->p.group_priority ? -1 : 1;
	if (a->group_order != b->group_order)
		return a->group_order < b->group_order ? -1 : 1;
	if (a->p.priority != b->p.priority)
		return a->p.priority < b->p.priority ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* Processes of a group stand together, at the place of the first. */
static void
order_groups(struct load *l)
{
	struct seen *hash = NULL, *s;
	size_t i;

	for (i = 0; i < l->nmade; i++) {
		s = seen_add(l, &hash, l->made[i].p.group, &l->made[i]);
		l->made[i].group_order =
		    s != NULL ? s->first->order : l->made[i].order;
	}
	HASH_CLEAR(hh, hash);
}

/* The same words of all processes of a program are told once. */
static void
say_depend(void *arg, uint32_t from, const char *key, const char *why)
{
	struct load *l = arg;
	const struct confread_section *s = l->made[from].section;
	const struct confread_entry *e = confread_entry(s, key);

	if (from > 0 && l->made[from - 1].section == s &&
	    strstr(why, "in a circle") == NULL)
		return;
	if (e != NULL)
		confread_say_entry(&l->read, e, false, why);
	else
		confread_say_section(&l->read, s, false, why);
}

static void
check_order(struct load *l)
{
	struct depend d;

	depend_resolve(l->c, &d, say_depend, l);
	depend_clear(&d);
}

static void
finish(struct load *l)
{
	struct config *c = l->c;
	size_t i;

	check_names(l);
	check_pidfiles(l);
	resolve_logs(l);
	order_groups(l);
	if (l->nmade > 0)
		qsort(l->made, l->nmade, sizeof *l->made, compare_made);
	c->procs = conf_arena_calloc(l->values.arena, l->nmade,
	    sizeof *c->procs);
	c->nprocs = l->nmade;
	for (i = 0; i < l->nmade; i++) {
		c->procs[i] = l->made[i].p;
		c->procs[i].restart_hash =
		    confcodec_restart_hash(&c->main, &c->procs[i]);
	}
	check_order(l);
}

/* The interface. */

static void
load_init(struct load *l, const struct conf_host *host,
    struct conf_msgs *msgs)
{
	memset(l, 0, sizeof *l);
	l->msgs = msgs;
	l->c = xcalloc(1, sizeof *l->c);
	l->c->arena = conf_arena_new();
	l->values.host = host;
	l->values.arena = l->c->arena;
	l->read.host = host;
	l->read.msgs = msgs;
	l->read.arena = conf_arena_new();
	l->env_files.read = &l->read;
	l->env_files.arena = l->c->arena;
}

static void
load_clear(struct load *l)
{
	HASH_CLEAR(hh, l->members);
	HASH_CLEAR(hh, l->groups);
	confvalue_ctx_clear(&l->values);
	confenv_clear(&l->env_files);
	confread_clear(&l->read);
	conf_arena_free(l->read.arena);
	free(l->made);
}

int
config_load(const char *path, const struct conf_host *host,
    struct config **ret, struct conf_msgs *msgs)
{
	size_t errors = msgs->errors;
	struct load l;

	load_init(&l, host, msgs);
	if (confread_read(&l.read, path)) {
		load_main(&l);
		l.c->main.file = conf_arena_dup(l.c->arena, path);
		l.c->main.cwd = conf_arena_dup(l.c->arena, host->cwd);
		confstate_override(&l.read, &l.c->main);
		load_others(&l);
		load_groups(&l);
		load_programs(&l);
		finish(&l);
		confstate_stopped(&l.read, &l.c->main, l.c->procs,
		    l.c->nprocs);
	}
	load_clear(&l);
	if (msgs->errors > errors) {
		config_free(l.c);
		return -1;
	}
	*ret = l.c;
	return 0;
}

struct config *
config_peek(const char *path, const struct conf_host *host)
{
	struct load l;

	load_init(&l, host, NULL);
	l.read.peek = true;
	confread_read(&l.read, path);
	load_main(&l);
	l.c->main.file = conf_arena_dup(l.c->arena, path);
	l.c->main.cwd = conf_arena_dup(l.c->arena, host->cwd);
	load_clear(&l);
	return l.c;
}

char *
conf_process_label(const struct conf_process *p)
{
	return strcmp(p->name, p->group) == 0 ? xstrdup(p->name) :
	    xasprintf("%s:%s", p->group, p->name);
}

bool
config_is_shared(const struct config *c)
{
	size_t i;

	for (i = 0; i < c->nprocs; i++)
		if (c->procs[i].operators.text != NULL)
			return true;
	return c->main.readers.text != NULL || c->main.operators.text != NULL;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	conf_arena_free(c->arena);
	free(c);
}
