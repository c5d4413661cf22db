/*
 * The programs that `make bench` has supervised.
 *
 * It says that it runs, and then waits for a signal, or, compiled with CRASH,
 * ends at once with exit code 1; compiled with READY, it writes a newline to
 * descriptor 3 before it waits.  To say means: a record of 16 bytes {monotonic ns, pid} is appended to the
 * file (or FIFO) STAMP, which is given when this is compiled.  So every time
 * that is measured ends at the program's own first instruction, not at a
 * supervisor's word.
 *
 * On x86-64 there is no C library in it: exec of a larger program would cost
 * more than what is measured.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
static long
call(long n, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r)
	    : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}
#else
#define call(n, a, b, c) syscall(n, a, b, c)
#endif

static void
say(void)
{
	struct {
		uint64_t ns;
		uint32_t pid, zero;
	} rec;
	struct timespec ts = {0};
	long fd;

	call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0);
	rec.ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	rec.pid = (uint32_t)call(SYS_getpid, 0, 0, 0);
	rec.zero = 0;
#ifdef SYS_open
	fd = call(SYS_open, (long)STAMP, O_WRONLY | O_APPEND | O_NONBLOCK, 0);
#else
	fd = open(STAMP, O_WRONLY | O_APPEND | O_NONBLOCK);
#endif
	if (fd < 0)
		return;
	call(SYS_write, fd, (long)&rec, sizeof rec);
	call(SYS_close, fd, 0, 0);
}

static _Noreturn void
run(void)
{
	struct timespec day = {86400, 0};

	say();
#ifdef CRASH
	call(SYS_exit_group, 1, 0, 0);
#endif
#ifdef READY
	call(SYS_write, 3, (long)"\n", 1);
#endif
	for (;;)
		call(SYS_nanosleep, (long)&day, 0, 0);
}

#ifdef __x86_64__
_Noreturn void _start(void);

_Noreturn void
_start(void)
{
	run();
}
#else
int
main(void)
{
	run();
}
#endif
