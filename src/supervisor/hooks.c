/* Commands around a run; see hooks.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include "core/conf.h"
#include "core/shlex.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/helper.h"
#include "supervisor/hooks.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define GIVE_UP_TIME 60. /* seconds for the command of on_give_up */
#define END_TIME_LEAST 1. /* seconds for exec_stop_post */
#define RECENT_NS 60000000000LL /* more than a supervisor takes to begin */
#define ENVS 4

enum { PRE, POST, STOPPED, HOOKS };

static const char *const names[HOOKS] = {
	[PRE] = "exec_start_pre",
	[POST] = "exec_start_post",
	[STOPPED] = "exec_stop_post",
};

struct hooks {
	struct helper *running[HOOKS];
	double limit[HOOKS]; /* seconds; 0: none */
	uint32_t pre_gen; /* exec_start_pre has succeeded for this run */
	bool waiting; /* a spawn waits for one to end */
};

static const struct conf_strs *
command_of(const struct service *s, int which)
{
	const struct conf_process *c = s->conf;

	return which == PRE ? &c->exec_start_pre :
	    which == POST ? &c->exec_start_post : &c->exec_stop_post;
}

/* What a hook may want to know of the run. */
static size_t
describe(const struct service *s, char *env[ENVS])
{
	const struct program *p = &s->prog;
	size_t n = 0;

	env[n++] = xasprintf("MPSUPD_STATE=%s", program_state_name(p->state));
	env[n++] = xasprintf("MAINPID=%d", (int)(p->pid != 0 ? p->pid :
	    p->last_pid));
	if (p->has_status == STATUS_KNOWN)
		env[n++] = xasprintf("MPSUPD_EXIT_CODE=%d",
		    program_exit_code(p->status));
	return n;
}

static struct helper *
run(struct service *s, char **argv, double limit, helper_fn *done)
{
	char *env[ENVS];
	struct helper_spec spec = {
		.c = s->conf,
		.argv = argv,
		.env = env,
		.nenv = describe(s, env),
		.out = service_output(s),
		.timeout_s = limit,
	};
	struct helper *h = helper_start(s->sup, &spec, done, s);
	int saved = errno;

	while (spec.nenv > 0)
		free(env[--spec.nenv]);
	errno = saved;
	return h;
}

/* A spawn that waited has its turn, or its start has failed. */
static void
go_on(struct service *s)
{
	if (!s->hooks->waiting)
		return;
	s->hooks->waiting = false;
	if (s->prog.state == PROGRAM_STARTING && s->prog.pid == 0)
		service_enqueue(s);
}

static void
ended(struct service *s, int which, int status, bool timed_out)
{
	struct hooks *h = s->hooks;
	char how[64];
	bool ok = status == 0 && !timed_out;

	h->running[which] = NULL;
	if (!ok)
		log_warnx("program %s: %s failed (%s)", s->label,
		    names[which], helper_status_text(status, timed_out,
		    h->limit[which], how, sizeof how));
	if (which == PRE && !ok) {
		h->waiting = false;
		if (s->prog.state == PROGRAM_STARTING && s->prog.pid == 0)
			service_spawn_failed(s, STEP_PRE, status, false);
		return;
	}
	if (which == PRE)
		h->pre_gen = s->prog.gen;
	go_on(s);
	service_look_stopped(s);
}

static void
on_pre(void *arg, int status, bool timed_out)
{
	ended(arg, PRE, status, timed_out);
}

static void
on_post(void *arg, int status, bool timed_out)
{
	ended(arg, POST, status, timed_out);
}

static void
on_stopped(void *arg, int status, bool timed_out)
{
	ended(arg, STOPPED, status, timed_out);
}

static struct hooks *
hooks_of(struct service *s)
{
	if (s->hooks == NULL)
		s->hooks = xcalloc(1, sizeof *s->hooks);
	return s->hooks;
}

/* False: there is nothing to run, or it cannot be. */
static bool
begin(struct service *s, int which, double limit)
{
	static helper_fn *const done[HOOKS] = {on_pre, on_post, on_stopped};
	const struct conf_strs *command = command_of(s, which);
	struct hooks *h;

	errno = 0;
	if (command->n == 0)
		return false;
	h = hooks_of(s);
	if (h->running[which] != NULL)
		helper_cancel(h->running[which]);
	h->limit[which] = limit;
	h->running[which] = run(s, command->v, limit, done[which]);
	if (h->running[which] == NULL)
		log_warn("program %s: cannot run %s %s", s->label,
		    names[which], command->v[0]);
	return h->running[which] != NULL;
}

/* A start has ready_timeout for its commands, too. */
static double
start_limit(const struct service *s)
{
	return (double)s->conf->ready_timeout_ms / 1000.;
}

/* The end has as long as a stop. */
static double
end_limit(const struct service *s)
{
	double limit = service_stop_time(s);

	return limit > END_TIME_LEAST ? limit : END_TIME_LEAST;
}

bool
hooks_hold(struct service *s)
{
	struct hooks *h = s->hooks;

	if (h != NULL && (h->running[STOPPED] != NULL ||
	    h->running[PRE] != NULL)) {
		h->waiting = true;
		return true;
	}
	if (s->conf->exec_start_pre.n == 0 ||
	    (h != NULL && h->pre_gen == s->prog.gen))
		return false;
	h = hooks_of(s);
	h->waiting = true;
	if (!begin(s, PRE, start_limit(s))) {
		h->waiting = false;
		service_spawn_failed(s, STEP_PRE, 127 << 8,
		    helper_is_short(errno));
	}
	return true;
}

/* --- giving up --- */

static void
on_give_up_end(void *arg, int status, bool timed_out)
{
	struct service *s = arg;
	char how[64];

	if (status != 0 || timed_out)
		log_warnx("program %s: on_give_up failed (%s)", s->label,
		    helper_status_text(status, timed_out, GIVE_UP_TIME, how,
		    sizeof how));
	service_unref(s);
}

static void
run_give_up(struct service *s, const char *text)
{
	struct buf words = BUF_INIT, why = BUF_INIT;
	char **argv, *word;
	size_t n = 0, i;

	if (!shlex_split(text, &words, &n, &why) || n == 0)
		n = 0; /* checked when the file was read */
	argv = xcalloc(n + 1, sizeof *argv);
	for (i = 0, word = buf_head(&words); i < n;
	    i++, word += strlen(word) + 1)
		argv[i] = word;
	service_ref(s);
	if (n == 0 || run(s, argv, GIVE_UP_TIME, on_give_up_end) == NULL) {
		log_warn("program %s: cannot run on_give_up %s", s->label,
		    text);
		service_unref(s);
	}
	free(argv);
	buf_clear(&words);
	buf_clear(&why);
}

/* As a shell shows it: the daemon ends like its essential program. */
static int
exit_code_of(const struct program *p)
{
	int code = p->has_status == STATUS_KNOWN ?
	    program_exit_code(p->status) : 1;

	if (p->reason == REASON_SPAWN)
		return 127;
	if (code < 0)
		return 128 - code;
	/* Given up is no success, whatever its last words were. */
	return code == 0 && p->state == PROGRAM_FATAL ? 1 : code;
}

/* on_give_up; NULL: nothing.  What has done its work is not given up. */
static const char *
action_of(const struct service *s)
{
	return s->prog.state == PROGRAM_EXITED &&
	    program_has_succeeded(&s->prog, s->conf) ? NULL :
	    s->conf->on_give_up;
}

/* The end of S is perhaps that of the daemon. */
static void
end_with(struct service *s)
{
	const char *action = action_of(s);

	if (!s->conf->essential && (action == NULL ||
	    strcasecmp(action, "shutdown") != 0))
		return;
	if (!s->sup->stopping) {
		log_warnx("program %s: %s; the daemon stops", s->label,
		    s->conf->essential ? "it is essential and has ended" :
		    "it is given up");
		s->sup->exit_code = exit_code_of(&s->prog);
	}
	supervisor_stop(s->sup);
}

static void
give_up(struct service *s)
{
	const char *action = action_of(s);

	if (action != NULL && strncasecmp(action, "exec:", 5) == 0)
		run_give_up(s, action + 5);
	end_with(s);
}

/* The one before us may have been killed between the record and the stop.  Not
 * what is given up for longer: a reload may have made it essential since. */
void
hooks_takeover(struct service *s)
{
	if (!s->sup->stopping && program_has_given_up(&s->prog) &&
	    now_ns() - s->prog.changed_ns < RECENT_NS)
		end_with(s);
}

static bool
has_ended(const struct program *p, const struct program *before)
{
	return program_is_alive(before) && !program_is_alive(p);
}

void
hooks_follow(struct service *s, const struct program *before)
{
	const struct program *p = &s->prog;
	bool entered = p->state != before->state || p->gen != before->gen;

	if (p->state == PROGRAM_RUNNING && before->state == PROGRAM_STARTING)
		begin(s, POST, start_limit(s));
	if (has_ended(p, before))
		begin(s, STOPPED, end_limit(s));
	if (s->hooks != NULL && s->hooks->running[PRE] != NULL &&
	    p->state != PROGRAM_STARTING) {
		helper_cancel(s->hooks->running[PRE]);
		s->hooks->running[PRE] = NULL;
		s->hooks->waiting = false;
	}
	if (entered && program_has_given_up(p) &&
	    !program_has_given_up(before))
		give_up(s);
}

bool
hooks_are_ending(const struct service *s)
{
	return s->hooks != NULL && s->hooks->running[STOPPED] != NULL;
}

void
hooks_free(struct service *s)
{
	int i;

	if (s->hooks == NULL)
		return;
	for (i = 0; i < HOOKS; i++)
		if (s->hooks->running[i] != NULL)
			helper_cancel(s->hooks->running[i]);
	free(s->hooks);
	s->hooks = NULL;
}
