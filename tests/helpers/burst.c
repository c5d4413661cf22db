/*
 * burst wait GATE CODE: a child of a burst.  Opens the FIFO GATE, says so with
 * an "x", waits until its last writer is gone and exits with CODE.
 * burst bare N GATE: reaps N such children in a bare loop and prints how long
 * that took, in us, from the moment GATE was closed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000L + ts.tv_nsec / 1000;
}

static int
child(const char *gate, const char *code)
{
	int fd = open(gate, O_RDONLY);
	char c;

	if (fd == -1 || write(STDOUT_FILENO, "x\n", 2) != 2)
		return 255;
	while (read(fd, &c, 1) > 0)
		;
	return atoi(code);
}

static int
bare(char *self, int n, char *gate)
{
	int fd = open(gate, O_RDWR | O_CLOEXEC), i, ready[2], status;
	char code[16], c[512];
	pid_t pid;
	long t;

	if (fd == -1 || pipe(ready) == -1)
		return 2;
	for (i = 0; i < n; i++) {
		snprintf(code, sizeof code, "%d", i % 256);
		pid = fork();
		if (pid == -1)
			return 2;
		if (pid == 0) {
			dup2(ready[1], STDOUT_FILENO);
			execl(self, self, "wait", gate, code, (char *)NULL);
			_exit(255);
		}
	}
	close(ready[1]);
	for (i = 0; i < 2 * n;) {
		ssize_t got = read(ready[0], c, sizeof c);

		if (got <= 0)
			return 2;
		i += (int)got;
	}
	t = now_us();
	close(fd);
	for (i = 0; i < n; i++)
		if (waitpid(-1, &status, 0) == -1 || !WIFEXITED(status))
			return 2;
	printf("%ld\n", now_us() - t);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "wait") == 0)
		return child(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "bare") == 0)
		return bare(argv[0], atoi(argv[2]), argv[3]);
	return 2;
}
