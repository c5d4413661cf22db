/* Transient programs; see transient.h. */
#include <stdlib.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/pipe.h"
#include "lib/xalloc.h"
#include "supervisor/logs.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient.h"

#define RECLAIM 5. /* seconds for a client to come back */
#define KEEP 60. /* seconds between looks whether one without client is over */
#define KEEP_STOPPED 1. /* the same after it was told to end */

struct run {
	unsigned clients;
	ev_timer timer; /* runs while there is no client */
	int stdin_fd; /* -1: none */
	bool had_stdin;
};

static void
remove_it(struct service *s)
{
	/* In memory only: the next supervisor finds no record of it, or one
	 * that is over, and does the same. */
	s->conf->leaving = true;
	s->sup->unswept = s->sup->changed = true;
}

static void
look_again_in(struct service *s, double seconds)
{
	ev_timer_stop(s->sup->loop, &s->run->timer);
	ev_timer_set(&s->run->timer, seconds, 0.);
	ev_timer_start(s->sup->loop, &s->run->timer);
}

/* Nobody looks after it: what that means for it. */
static void
look_after(struct service *s)
{
	const struct conf_process *c = s->conf;
	bool over = program_is_down(&s->prog);

	if (c->transient == 0 || c->leaving || s->run->clients > 0)
		return;
	if (over && c->run_rm)
		remove_it(s);
	else if (!over && c->run_bound) {
		log_info("program %s: its client has gone", s->label);
		service_event(s, ON_STOP);
		if (c->run_rm)
			look_again_in(s, KEEP_STOPPED);
	} else if (c->run_rm) {
		/* STOPPING: its children are asked to end, too. */
		look_again_in(s, s->prog.state == PROGRAM_STOPPING ?
		    KEEP_STOPPED : KEEP);
	}
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	look_after(w->data);
}

void
transient_new(struct service *s)
{
	if (s->conf->transient == 0)
		return;
	s->run = xcalloc(1, sizeof *s->run);
	s->run->stdin_fd = -1;
	ev_init(&s->run->timer, on_timer);
	s->run->timer.data = s;
}

void
transient_takeover(struct service *s)
{
	struct program p = {0};

	if (s->run == NULL)
		return;
	if (!board_load(s->sup->board, s->slot, &p, sizeof p) || p.gen == 0)
		remove_it(s);
	else if (s->conf->run_bound || s->conf->run_rm)
		look_again_in(s, RECLAIM);
}

static void
remove_log(struct service *s, enum conf_stream which)
{
	stream_drain(s->stream[which]); /* or it would be made again */
	if (s->conf->log[which].file != NULL)
		unlink(s->conf->log[which].file);
}

void
transient_free(struct service *s)
{
	if (s->run == NULL)
		return;
	if (s->conf->transient != 0 && s->conf->run_rm) {
		remove_log(s, CONF_STDOUT);
		remove_log(s, CONF_STDERR);
	}
	ev_timer_stop(s->sup->loop, &s->run->timer);
	if (s->run->stdin_fd != -1)
		close(s->run->stdin_fd);
	free(s->run);
	s->run = NULL;
}

void
transient_finish(struct supervisor *sup)
{
	struct service *s;

	TAILQ_FOREACH(s, &sup->services, entry)
		transient_free(s);
}

/* That it had no standard input is remembered as a change that was done. */
static uint64_t
lost_id(const struct service *s)
{
	return s->conf->transient ^ UINT64_C(0x9e3779b97f4a7c15);
}

/* Whole, and the program has the only one: nobody else must live for it, and
 * attach opens it through /proc. */
static int
open_stdin(struct service *s)
{
	const struct conf_user *u = &s->conf->user;
	int fd = pipe_whole();

	if (fd == -1)
		log_warn("program %s: no pipe for its standard input; it gets "
		    "/dev/null", s->label);
	else if (u->known && u->uid != geteuid() &&
	    fchown(fd, u->uid, (gid_t)-1) == -1)
		log_debug("program %s: cannot give its standard input to %s",
		    s->label, u->name);
	return fd;
}

int
transient_stdin(struct service *s)
{
	if (s->run == NULL)
		return s->sup->devnull;
	if (s->run->stdin_fd == -1 && s->conf->run_stdin_open)
		s->run->stdin_fd = open_stdin(s);
	if (s->run->stdin_fd != -1)
		return s->run->stdin_fd;
	/* On the board before the spawn, for the client may only be there when
	 * this supervisor is not any more. */
	if (s->conf->run_stdin && !s->run->had_stdin &&
	    !service_has_done(s, lost_id(s)))
		log_warnx("program %s: its standard input was lost with the "
		    "supervisor before; it gets /dev/null", s->label);
	return s->sup->devnull;
}

void
transient_spawned(struct service *s)
{
	if (s->run == NULL || s->run->stdin_fd == -1)
		return;
	close(s->run->stdin_fd);
	s->run->stdin_fd = -1;
}

bool
transient_stays(const struct service *s)
{
	return s->run != NULL && s->conf->transient != 0 &&
	    !s->conf->leaving &&
	    (s->run->clients > 0 || !program_is_down(&s->prog));
}

void
transient_claim(struct service *s)
{
	s->run->clients++;
	ev_timer_stop(s->sup->loop, &s->run->timer);
}

void
transient_leave(struct service *s)
{
	if (s->run == NULL) /* it was removed meanwhile */
		return;
	s->run->clients--;
	look_after(s);
}

bool
transient_is_free(const struct service *s)
{
	return s->run != NULL && s->conf->transient != 0 &&
	    s->run->clients == 0 && program_is_down(&s->prog);
}

void
transient_give_stdin(struct service *s, int fd)
{
	if (s->run->stdin_fd == -1 && s->prog.pid == 0 &&
	    !program_is_down(&s->prog)) {
		s->run->stdin_fd = fd;
		s->run->had_stdin = true;
	} else {
		close(fd);
	}
}

bool
transient_lost_stdin(const struct service *s)
{
	int i;

	for (i = 0; s->run != NULL && i < PROGRAM_REQUESTS; i++)
		if (s->prog.request[i] == lost_id(s))
			return true;
	return false;
}

void
transient_make_room(struct supervisor *sup)
{
	struct service *s, *oldest = NULL;
	unsigned n = 0;

	TAILQ_FOREACH(s, &sup->services, entry) {
		if (!transient_is_free(s) || s->conf->leaving)
			continue;
		n++;
		if (oldest == NULL ||
		    s->prog.changed_ns < oldest->prog.changed_ns)
			oldest = s;
	}
	if (n < TRANSIENT_MAX)
		return;
	oldest->conf->run_rm = true;
	remove_it(oldest);
}
