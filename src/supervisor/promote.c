/* When the keeper is gone; see promote.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/conf.h"
#include "keeper/handover.h"
#include "lib/log.h"
#include "supervisor/logs.h"
#include "supervisor/promote.h"
#include "supervisor/ready.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define RETRY 1. /* seconds */

static void
on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	promote(w->data);
}

/* What somebody sent to this process, perhaps days ago, stays pending because
 * all is blocked; the keeper would take it for the daemon's. */
static void
forget_signals(void)
{
	const struct timespec now = {0};
	sigset_t all;

	sigfillset(&all);
	while (sigtimedwait(&all, NULL, &now) != -1 || errno == EINTR)
		;
}

void
promote(struct supervisor *sup)
{
	static int kept[HANDOVER_KEPT];
	struct handover h;
	struct service *s;
	uint32_t i;

	helper_kill_all(sup); /* an exec forgets them, ... */
	service_write_states(sup); /* ... and which are unwritten */
	handover_init(&h);
	memcpy(h.fd, sup->fd, sizeof h.fd);
	h.notify = sup->notify;
	memcpy(kept, sup->kept, sizeof kept);
	TAILQ_FOREACH(s, &sup->services, entry)
		for (i = 0; i < CONF_STREAMS; i++)
			kept[LINK_SLOT(s->slot, i)] =
			    stream_fd(s->stream[i]) + 1;
	TAILQ_FOREACH(s, &sup->services, entry)
		kept[LINK_SLOT(s->slot, KEPT_READY)] = ready_fd(s) + 1;
	forget_signals();
	handover_exec(&h, kept);
	log_warn("the keeper was killed, and this process cannot take its "
	    "place; programs run on, none is started or seen to end; trying "
	    "again in %.0f s", RETRY);
	memcpy(sup->fd, h.fd, sizeof h.fd);
	sup->notify = h.notify;
	sup->keeper_gone = true;
	ev_timer_stop(sup->loop, &sup->promote_timer);
	ev_init(&sup->promote_timer, on_retry);
	sup->promote_timer.data = sup;
	ev_timer_set(&sup->promote_timer, RETRY, 0.);
	ev_timer_start(sup->loop, &sup->promote_timer);
}
