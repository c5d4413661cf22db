/* Stops by operators; see stopped.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/writer.h"
#include "core/conf.h"
#include "core/confstate.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/face.h"
#include "supervisor/service.h"
#include "supervisor/stopped.h"
#include "supervisor/supervisor.h"

#define PAUSE 0.05 /* seconds: many changes are written once */
#define FIRST_LOOK 1. /* seconds after a supervisor took over */
#define LAST_PATIENCE_MS 2000

struct stopped {
	struct supervisor *sup;
	struct buf text; /* the file as it is, or is to be */
	bool unknown; /* ... but it may be another: write it in any case */
	bool noted; /* TEXT may be out of date */
	bool due; /* TEXT is not written yet */
	bool complained;
	pid_t pid; /* of the writer; 0: none runs */
	int pidfd, memfd;
	ev_io io;
	ev_timer pause, look;
};

bool
stopped_has(const struct service *s)
{
	return !s->prog.wanted && !s->conf->leaving &&
	    s->conf->transient == 0 &&
	    s->conf->enabled_run != (int64_t)s->prog.gen + 1 &&
	    (s->prog.gen > 0 || s->prog.reason == REASON_STOPPED ||
	    s->conf->stopped);
}

void
stopped_reason(const struct service *s, char *buf, size_t size)
{
	buf[0] = '\0';
	if (s->prog.state != PROGRAM_STOPPED || s->prog.gen > 0 ||
	    s->prog.reason != REASON_NONE)
		return;
	if (s->conf->stopped)
		snprintf(buf, size, "stopped by an operator before the daemon "
		    "was started again; start %s starts it", s->label);
	else if (s->conf->disabled)
		snprintf(buf, size, "disabled");
}

static void
add_label(struct buf *out, const struct service *s)
{
	buf_adds(out, s->label);
	buf_addc(out, '\n');
}

static void
stopped_text(const struct supervisor *sup, struct buf *out)
{
	const struct service *s;

	TAILQ_FOREACH(s, &sup->services, entry)
		if (stopped_has(s))
			add_label(out, s);
}

/* --- the writer --- */

/* WHY: what it said, or NULL. */
static void
complain(struct stopped *st, const char *why)
{
	st->unknown = true; /* it is tried again with the next stop or start */
	if (!st->complained)
		log_warnx("stops of programs cannot be kept: %s; they are "
		    "forgotten when the daemon ends", why);
	st->complained = true;
}

static void
writer_ended(struct stopped *st, int status)
{
	char why[256] = "";
	ssize_t n = 0;

	if (status != 0 && WIFEXITED(status))
		n = pread(st->memfd, why, sizeof why - 1, 0);
	why[n > 0 ? n : 0] = '\0';
	if (status == 0)
		st->complained = false;
	else
		complain(st, n > 0 ? why : "the writer failed");
	ev_io_stop(st->sup->loop, &st->io);
	close(st->pidfd);
	close(st->memfd);
	st->pid = 0;
}

static void write_due(struct stopped *st);

static void
on_writer_end(struct ev_loop *loop, ev_io *w, int revents)
{
	struct stopped *st = w->data;
	int status = 0;

	watch_again(loop, w, revents);
	if (waitpid(st->pid, &status, WNOHANG) != st->pid)
		return;
	writer_ended(st, status);
	write_due(st);
}

static pid_t
spawn_writer(struct stopped *st)
{
	char *argv[] = {(char[]){WRITER_TITLE}, st->sup->conf->main.statedir,
	    (char[]){CONFSTATE_STOPPED}, NULL};

	return face_spawn(argv, st->memfd, WRITER_FD, &st->pidfd);
}

static int
begin_writer(struct stopped *st)
{
	size_t len = buf_len(&st->text);

	st->memfd = memfd_create("mpsupd-stopped", MFD_CLOEXEC);
	if (st->memfd == -1)
		return -1;
	if (write(st->memfd, len > 0 ? buf_head(&st->text) : "", len) !=
	    (ssize_t)len || (st->pid = spawn_writer(st)) == -1) {
		close(st->memfd);
		st->pid = 0;
		return -1;
	}
	ev_io_init(&st->io, on_writer_end, st->pidfd, EV_READ);
	st->io.data = st;
	ev_io_start(st->sup->loop, &st->io);
	return 0;
}

/* One at a time: what comes meanwhile is written once, when it has ended. */
static void
write_due(struct stopped *st)
{
	if (!st->due || st->pid != 0)
		return;
	st->due = false;
	if (begin_writer(st) == -1)
		complain(st, strerror(errno));
}

/* --- what is noted --- */

static bool
is_equal(const struct buf *a, const struct buf *b)
{
	size_t len = buf_len(a);

	return len == buf_len(b) &&
	    (len == 0 || memcmp(buf_head(a), buf_head(b), len) == 0);
}

static void
settle(struct stopped *st)
{
	struct buf text = BUF_INIT;

	if (!st->noted || st->sup->stopping)
		return;
	st->noted = false;
	stopped_text(st->sup, &text);
	st->due |= st->unknown || !is_equal(&text, &st->text);
	st->unknown = false;
	buf_clear(&st->text);
	st->text = text;
}

void
stopped_note(struct supervisor *sup)
{
	if (sup->stopped != NULL)
		sup->stopped->noted = true;
}

void
stopped_turn(struct supervisor *sup)
{
	struct stopped *st = sup->stopped;

	settle(st);
	if (st->due && st->pid == 0 && !ev_is_active(&st->pause)) {
		ev_now_update(sup->loop);
		ev_timer_set(&st->pause, PAUSE, 0.);
		ev_timer_start(sup->loop, &st->pause);
	}
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	write_due(w->data);
}

static void
on_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct stopped *st = w->data;

	(void)loop;
	(void)revents;
	st->noted = true; /* stopped_turn() does it */
}

void
stopped_settle(struct supervisor *sup)
{
	if (sup->stopped == NULL)
		return;
	sup->stopped->noted |= sup->stopped->unknown;
	settle(sup->stopped);
	write_due(sup->stopped);
}

void
stopped_flush(struct supervisor *sup)
{
	struct stopped *st = sup->stopped;
	int64_t end = now_ns() + LAST_PATIENCE_MS * 1000000LL;
	struct pollfd p = {.events = POLLIN};
	int status = 0;

	write_due(st);
	while (st->pid != 0 && now_ns() < end) {
		p.fd = st->pidfd;
		if (poll(&p, 1, 100) == 1 &&
		    waitpid(st->pid, &status, WNOHANG) == st->pid) {
			writer_ended(st, status);
			write_due(st);
		}
	}
}

void
stopped_init(struct supervisor *sup, bool fresh)
{
	struct stopped *st = xcalloc(1, sizeof *st);
	const struct service *s;

	st->sup = sup;
	sup->stopped = st;
	ev_init(&st->pause, on_pause_over);
	st->pause.data = st;
	if (fresh) {
		TAILQ_FOREACH(s, &sup->services, entry)
			if (s->conf->stopped)
				add_label(&st->text, s);
		st->noted = true;
		return;
	}
	/* The one before may have been killed before it wrote. */
	st->unknown = true;
	ev_timer_init(&st->look, on_look, FIRST_LOOK, 0.);
	st->look.data = st;
	ev_timer_start(sup->loop, &st->look);
}
