/* Schedules; see schedule.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/cron.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/xalloc.h"
#include "supervisor/schedule.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define STEP_MAX_S 10800 /* a clock set further than this was wrong */
#define STEP_MIN_S 2 /* both clocks are read in whole seconds */
#define STEP_GAP_NS 30000000000LL /* between runs that steps bring about */

struct schedule {
	char *text; /* what `cron` was read from */
	struct cron cron;
	int64_t tick_ns; /* every: when the next run is due, monotonic */
	ev_timer timer; /* every */
	int64_t fired_ns; /* by the clock, the last time, monotonic.  Lost with
			   * the supervisor: then one more run is possible */
};

/* Not time(2), which is up to some milliseconds behind the timer. */
static int64_t
clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

/* The wall clock's distance from the time since boot, which counts suspended
 * time as well: it changes only when somebody sets the clock. */
static int64_t
wall_offset_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec - proc_boot_ns() / 1000000000;
}

/* One timer for all: the earliest time, and any step of the clock. */
void
schedule_arm(struct supervisor *sup)
{
	struct itimerspec its = {.it_value = {0, 0}};
	struct service *s;
	int64_t first = INT64_MAX;

	if (sup->clock_io.fd == -1)
		return;
	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->prog.due_s != 0 && s->prog.wanted &&
		    s->prog.due_s < first)
			first = s->prog.due_s;
	if (first != INT64_MAX)
		its.it_value.tv_sec = first;
	if (timerfd_settime(sup->clock_io.fd, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &its, NULL) == -1 && errno != ECANCELED)
		log_warn("cannot set the timer of schedules");
}

static void
next_time(struct service *s)
{
	int64_t next = cron_next(&s->schedule->cron, clock_s());

	s->prog.due_s = next > 0 ? next : 0;
	service_store(s);
}

static void
fire(struct service *s)
{
	if (program_is_alive(&s->prog))
		log_info("program %s: a run is due and the last one still "
		    "runs (overlap)", s->label);
	service_event(s, ON_DUE);
}

/* True if a schedule of S by the wall clock is in force. */
static bool
follows_clock(const struct service *s)
{
	return s->schedule != NULL && s->schedule->cron.every_ms == 0 &&
	    s->prog.wanted;
}

/* A clock that is set to and fro passes the same minute again and again. */
static bool
is_repeated(const struct schedule *sc, int64_t step)
{
	return (step > STEP_MIN_S || step < -STEP_MIN_S) &&
	    sc->fired_ns != 0 && now_ns() - sc->fired_ns < STEP_GAP_NS;
}

static void
on_clock(struct ev_loop *loop, ev_io *w, int revents)
{
	struct supervisor *sup = w->data;
	int64_t offset = wall_offset_s(), step = offset - sup->wall_offset_s;
	struct service *s;
	uint64_t n;

	watch_again(loop, w, revents);
	(void)!read(w->fd, &n, sizeof n);
	sup->wall_offset_s = offset;
	TAILQ_FOREACH(s, &sup->services, entry) {
		if (!follows_clock(s))
			continue;
		if (s->prog.due_s != 0 && s->prog.due_s <= clock_s() &&
		    step <= STEP_MAX_S) {
			next_time(s);
			if (is_repeated(s->schedule, step))
				continue;
			s->schedule->fired_ns = now_ns();
			fire(s);
		} else if (step != 0) {
			next_time(s);
		}
	}
	schedule_arm(sup);
}

/* `every`: the grid of its first time stays; what was missed is one run. */
static void
on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct service *s = w->data;
	struct schedule *sc = s->schedule;
	int64_t every = sc->cron.every_ms * 1000000, now = now_ns();

	(void)loop;
	(void)revents;
	sc->tick_ns += every;
	if (sc->tick_ns <= now)
		sc->tick_ns = now + every - (now - sc->tick_ns) % every;
	ev_now_update(s->sup->loop);
	ev_timer_set(w, (double)(sc->tick_ns - now) / 1e9, 0.);
	ev_timer_start(s->sup->loop, w);
	fire(s);
}

static void
begin_ticks(struct service *s)
{
	struct schedule *sc = s->schedule;
	int64_t now = now_ns(), every = sc->cron.every_ms * 1000000;
	int64_t last = s->prog.ran && s->prog.started_ns != 0 ?
	    s->prog.started_ns : now;

	if (s->prog.state == PROGRAM_STARTING)
		last = s->prog.changed_ns; /* a run that has just begun */

	/* After a takeover: as if it had gone on. */
	sc->tick_ns = last + every > now ? last + every : now;
	ev_now_update(s->sup->loop);
	ev_timer_set(&sc->timer, (double)(sc->tick_ns - now) / 1e9, 0.);
	ev_timer_start(s->sup->loop, &sc->timer);
}

void
schedule_follow(struct service *s)
{
	struct schedule *sc = s->schedule;

	if (sc == NULL)
		return;
	if (!s->prog.wanted) {
		schedule_stop(s);
		return;
	}
	if (sc->cron.every_ms > 0) {
		if (!ev_is_active(&sc->timer))
			begin_ticks(s);
	} else if (s->prog.due_s == 0) {
		next_time(s);
		schedule_arm(s->sup);
	}
}

void
schedule_stop(struct service *s)
{
	ev_timer_stop(s->sup->loop, &s->schedule->timer);
	s->prog.due_s = 0;
}

static void
schedule_free(struct service *s)
{
	if (s->schedule == NULL)
		return;
	ev_timer_stop(s->sup->loop, &s->schedule->timer);
	free(s->schedule->text);
	free(s->schedule);
	s->schedule = NULL;
}

void
schedule_configure(struct service *s)
{
	const char *text = s->conf != NULL ? s->conf->schedule : NULL;
	struct buf why = BUF_INIT;

	if (s->schedule != NULL && text != NULL &&
	    strcmp(s->schedule->text, text) == 0)
		return;
	if (s->schedule != NULL) {
		schedule_free(s);
		s->prog.due_s = 0;
	}
	if (text != NULL) {
		s->schedule = xcalloc(1, sizeof *s->schedule);
		s->schedule->text = xstrdup(text);
		cron_parse(text, &s->schedule->cron, &why);
		ev_init(&s->schedule->timer, on_tick);
		s->schedule->timer.data = s;
		schedule_follow(s);
	}
	buf_clear(&why);
}

int64_t
schedule_left_ns(const struct service *s)
{
	int64_t left;

	if (s->schedule == NULL || !s->prog.wanted)
		return 0;
	if (s->schedule->cron.every_ms > 0)
		left = s->schedule->tick_ns - now_ns();
	else if (s->prog.due_s == 0)
		return 0;
	else
		left = (s->prog.due_s - clock_s()) * 1000000000;
	return left > 0 ? left : 1;
}

int64_t
schedule_next_s(const struct service *s)
{
	int64_t left = schedule_left_ns(s);
	struct timespec ts;

	if (left == 0 || s->schedule->cron.every_ms == 0)
		return left == 0 ? 0 : s->prog.due_s;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + (ts.tv_nsec + left + 500000000) / 1000000000;
}

void
schedule_init(struct supervisor *sup)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	sup->wall_offset_s = wall_offset_s();
	ev_io_init(&sup->clock_io, on_clock, fd, EV_READ);
	sup->clock_io.data = sup;
	if (fd == -1)
		log_warn("no timer for schedules; they are not followed");
	else
		ev_io_start(sup->loop, &sup->clock_io);
}
