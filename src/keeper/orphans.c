/* Programs that are no children of this keeper; see orphans.h. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "keeper/orphans.h"
#include "lib/board.h"
#include "lib/proc.h"

#define EVENTS 64
/* Calls of orphans_take() for whoever has to reap; and when the one before was
 * never reaped, as in a container whose first process does not care. */
#define PATIENCE 20
#define PATIENCE_LOST 5

static struct {
	struct board *board;
	orphan_ended_fn *ended;
	int epoll;
	int pidfd[BOARD_SLOTS]; /* fd + 1; 0: not watched */
	/* It ended, and whoever got it has not reaped it: until then the
	 * kernel does not say how.  Counts those calls. */
	uint8_t unreaped[BOARD_SLOTS];
	uint8_t patience;
} o;

int
orphans_init(struct board *b, orphan_ended_fn *ended)
{
	o.board = b;
	o.ended = ended;
	o.patience = PATIENCE;
	o.epoll = epoll_create1(EPOLL_CLOEXEC);
	return o.epoll;
}

/* 0: watched, or its end is reported; -1: cannot be watched now. */
static int
take(uint32_t slot, int32_t pid)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = slot};
	int fd = proc_open(pid, &o.board->birth[slot]);

	if (fd == -1 && errno != ESRCH)
		return -1;
	if (fd == -1) {
		o.ended(slot, -1);
		return 0;
	}
	if (epoll_ctl(o.epoll, EPOLL_CTL_ADD, fd, &ev) == -1) {
		close(fd);
		return -1;
	}
	o.pidfd[slot] = fd + 1;
	return 0;
}

static void
settle(uint32_t slot, int status)
{
	int fd = o.pidfd[slot] - 1;

	o.pidfd[slot] = 0;
	o.unreaped[slot] = 0;
	o.ended(slot, status);
	epoll_ctl(o.epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

void
orphans_mark(void)
{
	uint32_t slot, n = atomic_load(&o.board->nslots);

	for (slot = 0; slot < n && slot < BOARD_SLOTS; slot++)
		if (atomic_load(&o.board->pid[slot]) > 0)
			atomic_store(&o.board->orphan[slot], 1);
}

unsigned
orphans_take(void)
{
	uint32_t slot, n = atomic_load(&o.board->nslots);
	unsigned left = 0;
	int32_t pid;

	for (slot = 0; slot < n && slot < BOARD_SLOTS; slot++) {
		if (o.unreaped[slot] >= o.patience) {
			settle(slot, -1);
			o.patience = PATIENCE_LOST;
		} else if (o.unreaped[slot] != 0) {
			o.unreaped[slot]++;
			left++;
		}
		/* In this order: a new run clears the mark before its pid. */
		pid = atomic_load(&o.board->pid[slot]);
		if (pid <= 0 || atomic_load(&o.board->orphan[slot]) == 0 ||
		    o.pidfd[slot] != 0)
			continue;
		/* The keeper was killed between the two steps of an end; a run
		 * whose daemon is followed has had that of another process. */
		if (o.board->end[slot].pid == pid && o.board->end[slot].gen ==
		    atomic_load(&o.board->gen[slot])) {
			o.ended(slot, o.board->end[slot].unknown ? -1 :
			    o.board->end[slot].status);
			continue;
		}
		if (take(slot, pid) == -1)
			left++;
	}
	return left;
}

unsigned
orphans_turn(void)
{
	struct epoll_event ev[EVENTS];
	int i, r, status, n = epoll_wait(o.epoll, ev, EVENTS, 0);
	unsigned left = 0;

	for (i = 0; i < n; i++) {
		uint32_t slot = ev[i].data.u32;

		r = proc_exit_status(o.pidfd[slot] - 1, &status);
		if (r != 0 || (ev[i].events & EPOLLHUP) != 0) {
			settle(slot, r == 1 ? status : -1);
			o.patience = PATIENCE;
			continue;
		}
		o.unreaped[slot] = 1;
		left++;
		ev[i].events = 0; /* EPOLLHUP comes when it is reaped */
		epoll_ctl(o.epoll, EPOLL_CTL_MOD, o.pidfd[slot] - 1, &ev[i]);
	}
	return left;
}
