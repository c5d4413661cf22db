/*
 * writer FILE RATE [COUNT]: writes numbered 100-byte lines to stdout, RATE a
 * second (0: as many as go), until COUNT or SIGTERM.  It leaves with a whole
 * line and then says in FILE how many there were.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 100
#define BATCH 32

static volatile sig_atomic_t ended;

static void
on_term(int signo)
{
	(void)signo;
	ended = 1;
}

static int
put(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static char text[LINE * BATCH];
	unsigned long long n = 0, max = 0;
	long rate = argc > 2 ? atol(argv[2]) : 0;
	struct sigaction sa = {.sa_handler = on_term};
	struct timespec pause;
	int i, batch, r = 0;
	char line[LINE + 1];
	FILE *f;

	if (argc < 3)
		return 2;
	if (argc > 3)
		max = strtoull(argv[3], NULL, 10);
	sigaction(SIGTERM, &sa, NULL);
	batch = rate == 0 || rate >= 3200 ? BATCH : 1;
	pause.tv_sec = 0;
	pause.tv_nsec = rate == 0 ? 0 : 1000000000L / rate * batch;
	if (pause.tv_nsec > 999999999L)
		pause.tv_nsec = 999999999L;
	while (!ended && (max == 0 || n < max) && r == 0) {
		for (i = 0; i < batch && (max == 0 || n < max); i++, n++) {
			memset(line, '.', LINE);
			snprintf(line, sizeof line, "%012llu ", n);
			line[13] = '.';
			line[LINE - 1] = '\n';
			memcpy(text + i * LINE, line, LINE);
		}
		r = put(text, (size_t)i * LINE);
		if (rate != 0)
			nanosleep(&pause, NULL);
	}
	f = fopen(argv[1], "w");
	if (f == NULL)
		return 3;
	fprintf(f, "%llu\n", n);
	fclose(f);
	return r == 0 ? 0 : 4;
}
