/*
 * member DIR NAME KIND MS: one of many programs that depend on each other, and
 * its witness.  To DIR/NAME.runs it adds lines "WHAT PID NS", NS of the
 * monotonic clock: S started, R ready, E ended by itself or by SIGTERM, D
 * another one with its NAME lives.
 *
 *   run    ready at once, until SIGTERM; takes MS to end then
 *   ready  the same, ready after MS: a newline to descriptor 3
 *   once   ends with 0 after MS
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int runs;
static long pause_ms;

static void
note(char what)
{
	struct timespec ts;
	char line[64];
	int len;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	len = snprintf(line, sizeof line, "%c %d %lld\n", what, (int)getpid(),
	    ts.tv_sec * 1000000000LL + ts.tv_nsec);
	if (write(runs, line, (size_t)len) != len)
		_exit(2);
}

static int
open_in(const char *dir, const char *name, const char *ending)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s.%s", dir, name, ending);
	return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

int
main(int argc, char **argv)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	sigset_t set;
	int lock, signo;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (argc != 5 || (runs = open_in(argv[1], argv[2], "runs")) == -1 ||
	    (lock = open_in(argv[1], argv[2], "lock")) == -1)
		return 2;
	pause_ms = atol(argv[4]);
	note('S');
	if (fcntl(lock, F_SETLK, &fl) == -1)
		note('D');
	if (strcmp(argv[3], "run") != 0)
		poll(NULL, 0, (int)pause_ms);
	note('R');
	if (strcmp(argv[3], "ready") == 0 && write(3, "\n", 1) != 1)
		return 3;
	if (strcmp(argv[3], "once") != 0) {
		sigwait(&set, &signo);
		if (strcmp(argv[3], "run") == 0)
			poll(NULL, 0, (int)pause_ms);
	}
	note('E');
	return 0;
}
