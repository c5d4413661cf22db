/* Ends of children; see reap.h. */
#include <errno.h>
#include <sys/wait.h>
#include <time.h>

#include "keeper/reap.h"
#include "lib/board.h"

#define MS 1000000LL
#define REAP_BATCH 64 /* ends, at most, before the supervisor hears of them */
#define STORM_WINDOW (2 * MS) /* more ends than that in it: */
#define STORM_ENDS 32
#define STORM_NAP (MS / 5) /* ... look so much later */

static struct {
	struct board *board;
	void (*wake)(void);
	reap_other_fn *other;
	bool look; /* children may have ended */
	int64_t storm_window; /* since when `storm_ends` counts */
	unsigned storm_ends;
} r;

void
reap_init(struct board *b, void (*wake)(void), reap_other_fn *other)
{
	r.board = b;
	r.wake = wake;
	r.other = other;
}

void
reap_soon(void)
{
	r.look = true;
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* Slot of a living child, or BOARD_SLOTS.  An orphan's number is not ours:
 * after its end, before we hear of it, a child of ours may have got it. */
static uint32_t
find_slot(pid_t pid)
{
	uint32_t i, n = atomic_load(&r.board->nslots);

	for (i = 0; i < n && i < BOARD_SLOTS; i++)
		if (atomic_load_explicit(&r.board->pid[i],
		    memory_order_relaxed) == pid &&
		    atomic_load(&r.board->orphan[i]) == 0)
			return i;
	return BOARD_SLOTS;
}

static int
wait_status(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED)
		return (si->si_status & 0xff) << 8;
	return (si->si_status & 0x7f) |
	    (si->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* The end is on the board before the zombie is gone: whenever the supervisor
 * or the keeper itself is interrupted, nothing is forgotten.  STATUS -1:
 * unknown. */
static void
put_end(uint32_t slot, int status)
{
	struct board_end *e = &r.board->end[slot];

	e->status = status == -1 ? 0 : status;
	e->unknown = status == -1;
	e->pid = atomic_load(&r.board->pid[slot]);
	e->at_ns = now_ns();
	e->gen = atomic_load(&r.board->gen[slot]);
	atomic_store(&r.board->pid[slot], 0);
	atomic_fetch_or(&r.board->ended[slot / 64],
	    UINT64_C(1) << (slot % 64));
}

void
reap_record(uint32_t slot, int status)
{
	put_end(slot, status);
	r.wake();
}

/* Job control: by which signal PID is held, or that it goes on. */
static void
note_stop(pid_t pid)
{
	siginfo_t si = {.si_pid = 0};
	uint32_t slot;

	if (waitid(P_PID, (id_t)pid, &si, WSTOPPED | WCONTINUED | WNOHANG) ==
	    -1 || si.si_pid == 0)
		return;
	slot = find_slot(si.si_pid);
	if (slot < BOARD_SLOTS)
		atomic_store(&r.board->stopped[slot],
		    si.si_code == CLD_CONTINUED ? 0 : (uint8_t)si.si_status);
}

/* Takes the zombie away.  True: it was a program's. */
static bool
take_end(const siginfo_t *si, bool tell)
{
	uint32_t slot = find_slot(si->si_pid);
	int status;

	if (slot < BOARD_SLOTS)
		put_end(slot, wait_status(si));
	if (slot < BOARD_SLOTS && tell)
		r.wake();
	if (waitpid(si->si_pid, &status, 0) == si->si_pid &&
	    slot == BOARD_SLOTS)
		r.other(si->si_pid, status);
	return slot < BOARD_SLOTS;
}

/* Hundreds end at once: to run for each of them would take the time in which
 * the others could end. */
static void
nap_in_storm(void)
{
	static const struct timespec nap = {.tv_nsec = STORM_NAP};
	int64_t now = now_ns();

	if (now - r.storm_window >= STORM_WINDOW) {
		r.storm_window = now;
		r.storm_ends = 0;
	}
	if (r.storm_ends > STORM_ENDS)
		nanosleep(&nap, NULL);
}

bool
reap(void)
{
	unsigned ends = 0;

	if (!r.look)
		return true;
	nap_in_storm();
	r.look = false;
	for (;;) {
		siginfo_t si = {.si_pid = 0};

		if (waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | WCONTINUED |
		    WNOHANG | WNOWAIT) == -1) {
			r.look = errno != ECHILD;
			break;
		}
		if (si.si_pid == 0)
			break;
		if (si.si_code == CLD_STOPPED || si.si_code == CLD_TRAPPED ||
		    si.si_code == CLD_CONTINUED) {
			note_stop(si.si_pid);
			continue;
		}
		r.storm_ends++;
		ends += take_end(&si, ends % REAP_BATCH == 0);
	}
	if (ends > 1)
		r.wake();
	return !r.look;
}
