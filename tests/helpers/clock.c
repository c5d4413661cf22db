/*
 * Preloaded: a wall clock that somebody sets all the time.
 *
 * CLOCK_FAKE="FROM_NS EVERY_MS SIZE_S...": from FROM_NS of the monotonic clock
 * on the wall clock is right for EVERY_MS, then wrong by the first SIZE_S for
 * EVERY_MS, then right again, then wrong by the next one, and so on around.  A
 * timer by the wall clock follows it, and is cancelled by each step if it asks
 * for that, as by timerfd_create(2).
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SEC 1000000000LL
#define SIZES 16
#define FDS 1024

static int64_t from_ns, every_ns, size_s[SIZES];
static int nsizes = -1;
static unsigned char is_wall[FDS]; /* timers by the wall clock */

static int64_t
read_clock(clockid_t clock)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, clock, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void
read_plan(void)
{
	const char *text = getenv("CLOCK_FAKE");
	char *end;
	int n = 0;

	nsizes = 0;
	if (text == NULL)
		return;
	from_ns = strtoll(text, &end, 10);
	every_ns = strtoll(end, &end, 10) * 1000000;
	while (n < SIZES && *end != '\0')
		size_s[n++] = strtoll(end, &end, 10);
	if (every_ns > 0)
		nsizes = n;
}

/* By how much the clock is wrong now, and how long it will be. */
static int64_t
wrong_ns(int64_t *ret_left)
{
	int64_t since = read_clock(CLOCK_MONOTONIC), step;

	if (nsizes == -1)
		read_plan();
	since -= from_ns;
	*ret_left = INT64_MAX;
	if (nsizes == 0 || since < 0)
		return 0;
	step = since / every_ns;
	*ret_left = every_ns - since % every_ns;
	return step % 2 == 0 ? 0 : size_s[step / 2 % nsizes] * SEC;
}

static int64_t
wall_ns(void)
{
	int64_t left;

	return read_clock(CLOCK_REALTIME) + wrong_ns(&left);
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int64_t t;

	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	t = wall_ns();
	ts->tv_sec = t / SEC;
	ts->tv_nsec = t % SEC;
	return 0;
}

time_t
time(time_t *ret)
{
	time_t t = wall_ns() / SEC;

	if (ret != NULL)
		*ret = t;
	return t;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	int64_t t = wall_ns();

	(void)zone;
	tv->tv_sec = t / SEC;
	tv->tv_usec = t % SEC / 1000;
	return 0;
}

int
timerfd_create(int clock, int flags)
{
	int fd = (int)syscall(SYS_timerfd_create,
	    clock == CLOCK_REALTIME ? CLOCK_MONOTONIC : clock, flags);

	if (fd >= 0 && fd < FDS)
		is_wall[fd] = clock == CLOCK_REALTIME;
	return fd;
}

/* By the monotonic clock: at its time, or at the next step. */
int
timerfd_settime(int fd, int flags, const struct itimerspec *new,
    struct itimerspec *old)
{
	struct itimerspec its = *new;
	int64_t t = new->it_value.tv_sec * SEC + new->it_value.tv_nsec, left;

	if (fd >= 0 && fd < FDS && is_wall[fd] &&
	    (flags & TFD_TIMER_ABSTIME) != 0) {
		int64_t wall = read_clock(CLOCK_REALTIME) + wrong_ns(&left);

		if (t != 0)
			t = t > wall ? t - wall : 1;
		if ((flags & TFD_TIMER_CANCEL_ON_SET) != 0 &&
		    left != INT64_MAX && (t == 0 || left < t))
			t = left;
		if (t != 0)
			t += read_clock(CLOCK_MONOTONIC);
		its.it_value.tv_sec = t / SEC;
		its.it_value.tv_nsec = t % SEC;
		flags = TFD_TIMER_ABSTIME;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, &its, old);
}
