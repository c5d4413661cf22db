/* The supervisor's end of the keeper link; see uplink.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "keeper/handover.h"
#include "lib/board.h"
#include "lib/link.h"
#include "lib/log.h"
#include "lib/str.h"
#include "supervisor/daemonlog.h"
#include "supervisor/logs.h"
#include "supervisor/method.h"
#include "supervisor/promote.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/tree.h"
#include "supervisor/uplink.h"

#define LOOK_MS 10
#define NOTIFY_TRIES 100 /* LOOK_MS apart */
#define PATIENCE_MS 5000 /* for a keeper that does not read; it always does */

static int
uplink_send(struct supervisor *sup, const struct link_msg *m, const int *fds,
    size_t nfds)
{
	struct pollfd pfd = {.fd = sup->link, .events = POLLOUT};
	int left = PATIENCE_MS;

	while (link_send(sup->link, m, fds, nfds) == -1) {
		/* Too many descriptors in flight drain away, and what lacks
		 * memory is tried again. */
		if (errno != EAGAIN && errno != ETOOMANYREFS &&
		    errno != ENOMEM && errno != ENOBUFS)
			return -1;
		if (left <= 0)
			return -1;
		left -= LOOK_MS;
		if (errno == EAGAIN)
			poll(&pfd, 1, LOOK_MS);
		else
			poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

static struct link_msg
message(enum link_type type)
{
	return (struct link_msg){
		.version = LINK_VERSION,
		.type = (uint16_t)type,
	};
}

/* --- start --- */

static void
take_kept(struct supervisor *sup, const struct link_msg *m, const int *fds,
    size_t nfds)
{
	size_t i;

	for (i = 0; i < nfds; i++) {
		uint32_t slot = m->slot[i] / KEPT_PER_SLOT;

		if (i < m->n && slot < BOARD_SLOTS &&
		    sup->kept[slot][m->slot[i] % KEPT_PER_SLOT] == 0)
			sup->kept[slot][m->slot[i] % KEPT_PER_SLOT] = fds[i] + 1;
		else
			close(fds[i]);
	}
}

/* Waits for one packet.  1, or 0 when the keeper is gone. */
static int
next_packet(struct supervisor *sup, struct link_msg *m, int *fds,
    size_t *ret_nfds)
{
	struct pollfd pfd = {.fd = sup->link, .events = POLLIN};
	int r;

	while ((r = link_recv(sup->link, m, fds, ret_nfds)) == -1)
		poll(&pfd, 1, -1);
	return r;
}

static int
take_hello(struct supervisor *sup, const struct link_msg *m, const int *fds,
    size_t nfds)
{
	size_t i;

	for (i = 0; i < nfds; i++)
		if (i < m->n && m->slot[i] < LINK_ROLES &&
		    sup->fd[m->slot[i]] == -1)
			sup->fd[m->slot[i]] = fds[i];
		else if (i < m->n && m->slot[i] == HELLO_NOTIFY &&
		    sup->notify == -1)
			sup->notify = fds[i];
		else
			close(fds[i]);
	if (sup->fd[ROLE_LISTENER] == -1 || sup->fd[ROLE_CONFIG] == -1 ||
	    sup->fd[ROLE_BINARY] == -1)
		return -1;
	sup->board = board_map(sup->fd[ROLE_BOARD]);
	return sup->board == NULL ? -1 : 0;
}

int
uplink_init(struct supervisor *sup)
{
	struct link_msg m;
	int fds[LINK_FDS], i;
	size_t nfds;

	sup->link = HANDOVER_FD;
	for (i = 0; i < LINK_ROLES; i++)
		sup->fd[i] = -1;
	sup->notify = -1;
	while (next_packet(sup, &m, fds, &nfds) == 1) {
		switch (m.type) {
		case LINK_HELLO:
			if (take_hello(sup, &m, fds, nfds) == -1)
				return -1;
			break;
		case LINK_KEPT:
			take_kept(sup, &m, fds, nfds);
			break;
		case LINK_READY:
			return sup->board == NULL ? -1 : 0;
		default:
			break; /* a wake-up: the board is looked at anyway */
		}
	}
	return -1;
}

/* --- afterwards --- */

/* Ends that the keeper recorded.  The bit goes first: an end that comes while
 * we look sets it again. */
static void
look_at_board(struct supervisor *sup)
{
	struct board *b = sup->board;
	uint32_t i, n = atomic_load(&b->nslots);
	uint64_t bits;

	atomic_store(&b->wake, 0);
	tree_stale(sup);
	for (i = 0; i < (n + 63) / 64; i++) {
		if (atomic_load_explicit(&b->ended[i],
		    memory_order_relaxed) == 0)
			continue;
		bits = atomic_exchange(&b->ended[i], 0);
		while (bits != 0) {
			struct service *s =
			    sup->by_slot[i * 64 +
			    (uint32_t)__builtin_ctzll(bits)];

			bits &= bits - 1;
			if (s != NULL)
				service_ended(s);
		}
	}
}

static void
on_signal(struct supervisor *sup, int signo)
{
	unsigned n;

	switch (signo) {
	case SIGHUP:
		log_info("SIGHUP: reloading");
		reload_start(sup, false, NULL);
		break;
	case SIGUSR2:
		n = logs_reopen(sup);
		daemonlog_reopen();
		log_info("SIGUSR2: %u log files reopened", n);
		break;
	default:
		log_info("stop signal: stopping all programs");
		supervisor_stop(sup);
	}
}

static void
look_at_signals(struct supervisor *sup)
{
	uint64_t bits = atomic_exchange(&sup->board->signals, 0);

	for (; bits != 0; bits &= bits - 1)
		on_signal(sup, __builtin_ctzll(bits));
}

static void
on_link(struct ev_loop *loop, ev_io *w, int revents)
{
	struct supervisor *sup = w->data;
	struct link_msg m;
	int fds[LINK_FDS], r;
	size_t nfds;
	bool gone;

	watch_again(loop, w, revents);
	while ((r = link_recv(sup->link, &m, fds, &nfds)) == 1) {
		while (nfds > 0)
			close(fds[--nfds]);
		if (m.type == LINK_CHECKED && memchr(m.text, '\0', LINK_TEXT))
			method_upgrade_checked(sup, m.text);
	}
	/* Only an end is one: a keeper that lives has no second one. */
	gone = r == 0;
	look_at_board(sup);
	look_at_signals(sup);
	if (gone) {
		ev_io_stop(loop, w);
		daemonlog_flush(); /* an exec forgets what was gathered */
		promote(sup);
	}
}

void
uplink_start(struct supervisor *sup)
{
	ev_io_init(&sup->link_io, on_link, sup->link, EV_READ);
	sup->link_io.data = sup;
	ev_set_priority(&sup->link_io, EV_MAXPRI);
	ev_io_start(sup->loop, &sup->link_io);
	look_at_board(sup);
	look_at_signals(sup);
}

int
uplink_keep(struct supervisor *sup, const uint32_t *slots, const int *fds,
    size_t n)
{
	struct link_msg m = message(LINK_KEEP);

	m.n = (uint32_t)n;
	memcpy(m.slot, slots, n * sizeof *slots);
	return uplink_send(sup, &m, fds, n);
}

void
uplink_drop(struct supervisor *sup, uint32_t slot)
{
	struct link_msg m = message(LINK_DROP);

	for (m.n = 0; m.n < KEPT_PER_SLOT; m.n++)
		m.slot[m.n] = LINK_SLOT(slot, m.n);
	uplink_send(sup, &m, NULL, 0);
}

/* The keeper's copy decides; ours is for taking its place. */
int
uplink_config(struct supervisor *sup, int fd)
{
	struct link_msg m = message(LINK_CONFIG);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own == -1)
		return -1;
	if (uplink_send(sup, &m, &fd, 1) == -1) {
		close(own);
		return -1;
	}
	close(sup->fd[ROLE_CONFIG]);
	sup->fd[ROLE_CONFIG] = own;
	return 0;
}

int
uplink_offer(struct supervisor *sup, int fd)
{
	struct link_msg m = message(LINK_OFFER);

	return uplink_send(sup, &m, &fd, 1);
}

void
uplink_upgrade(struct supervisor *sup)
{
	struct link_msg m = message(LINK_UPGRADE);

	uplink_send(sup, &m, NULL, 0);
}

/* `start` hears it from us: between two processes there would be a moment in
 * which the keeper dies, `start` takes that for the daemon's end and removes
 * its files, and the daemon lives. */
void
uplink_serving(struct supervisor *sup)
{
	struct link_msg m = message(LINK_SERVING);
	int tries = NOTIFY_TRIES;

	if (sup->notify != -1) {
		/* It may have gone; else it would take us for dead. */
		while (write(sup->notify, "", 1) == -1 && errno != EPIPE &&
		    --tries > 0)
			poll(NULL, 0, LOOK_MS);
		close(sup->notify);
		sup->notify = -1;
	}
	uplink_send(sup, &m, NULL, 0);
}

void
uplink_fail(struct supervisor *sup, const char *text)
{
	struct link_msg m = message(LINK_FAILED);

	str_copy(m.text, text, sizeof m.text);
	uplink_send(sup, &m, NULL, 0);
}

void
uplink_quit(struct supervisor *sup, int code)
{
	struct link_msg m = message(LINK_QUIT);

	m.arg = code;
	uplink_send(sup, &m, NULL, 0);
}

void
uplink_again(struct supervisor *sup)
{
	struct link_msg m = message(LINK_AGAIN);

	uplink_send(sup, &m, NULL, 0);
}
