/*
 * soaker DIR NAME LIFE_MS: a program that keeps a record of itself for a
 * referee, so that nobody has to believe the daemon.  To DIR/NAME.runs it adds
 * "S PID" when it starts and "E PID" when it ends by itself or by SIGTERM; it
 * holds a lock on DIR/NAME.lock as long as it lives, and adds "D PID" if
 * another one has it.  Prints a line now and then.  LIFE_MS 0: until SIGTERM;
 * else about so long, and then an exit code of any kind.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MS 1000

static volatile sig_atomic_t ended;

static void
on_term(int signo)
{
	(void)signo;
	ended = 1;
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

static int
open_in(const char *dir, const char *name, const char *ending)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s.%s", dir, name, ending);
	return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int
note(int fd, char what)
{
	char line[32];
	int len = snprintf(line, sizeof line, "%c %d\n", what, (int)getpid());

	return write(fd, line, (size_t)len) == len ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_term};
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	long n, end, left;
	int runs, lock;

	sigaction(SIGTERM, &sa, NULL);
	if (argc != 4 || (runs = open_in(argv[1], argv[2], "runs")) == -1 ||
	    (lock = open_in(argv[1], argv[2], "lock")) == -1 ||
	    note(runs, 'S') == -1)
		return 2;
	if (fcntl(lock, F_SETLK, &fl) == -1)
		note(runs, 'D');
	srandom((unsigned)now_ms() ^ (unsigned)getpid());
	end = atol(argv[3]);
	if (end != 0)
		end = now_ms() + end / 2 + random() % end;
	for (n = 0; !ended && (end == 0 || now_ms() < end); n++) {
		printf("%s %d line %ld\n", argv[2], (int)getpid(), n);
		fflush(stdout);
		left = end == 0 ? LINE_MS : end - now_ms();
		if (left > 0)
			poll(NULL, 0, left < LINE_MS ? (int)left : LINE_MS);
	}
	if (note(runs, 'E') == -1)
		return 2;
	if (!ended && random() % 4 == 0)
		abort();
	return ended ? 0 : (int)(random() % 256);
}
