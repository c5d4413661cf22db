/*
 * killer KEEPER TIMES MIN_US MAX_US: kills the supervisor of KEEPER that many
 * times with SIGKILL, each a random time after it was first seen.  Only a
 * child of KEEPER with the supervisor's title is ever signalled.  Prints the
 * longest time, in us, until the next one was there; exits 1 if none came
 * within 10 s.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char children[64];

static long long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static int
slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf[0] = '\0';
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? 0 : -1;
}

#define PF_FORKNOEXEC 0x40 /* of linux/sched.h: has not executed anything */

/* A program between clone and exec shares the supervisor's memory and so its
 * title: that is not the one. */
static int
is_supervisor(long pid)
{
	char path[64], text[512], *p;
	unsigned flags;

	/* In this order: once it has executed, the title is its own. */
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	if (slurp(path, text, sizeof text) == -1 ||
	    (p = strrchr(text, ')')) == NULL ||
	    sscanf(p, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 ||
	    (flags & PF_FORKNOEXEC) != 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
	return slurp(path, text, sizeof text) == 0 &&
	    strcmp(text, "mpsupd: supervisor") == 0;
}

/* The supervisor, or 0. */
static long
find(long not_this)
{
	static char list[65536];
	char *p = list, *end;
	long pid;

	if (slurp(children, list, sizeof list) == -1)
		return 0;
	while ((pid = strtol(p, &end, 10)) > 1) {
		p = end;
		if (pid != not_this && is_supervisor(pid))
			return pid;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	long keeper, times, min, max, i, pid, old = 0;
	long long t0, worst = 0;

	if (argc != 5)
		return 2;
	keeper = atol(argv[1]);
	times = atol(argv[2]);
	min = atol(argv[3]);
	max = atol(argv[4]);
	if (keeper < 2 || max < min)
		return 2;
	snprintf(children, sizeof children, "/proc/%ld/task/%ld/children",
	    keeper, keeper);
	srandom((unsigned)(now_us() ^ getpid()));
	for (i = 0; i <= times; i++) {
		t0 = now_us();
		while ((pid = find(old)) == 0)
			if (now_us() - t0 > 10000000) {
				printf("no supervisor after kill %ld\n", i);
				return 1;
			}
		if (i > 0 && now_us() - t0 > worst)
			worst = now_us() - t0;
		if (i == times)
			break;
		t0 = now_us() + min + random() % (max - min + 1);
		while (now_us() < t0)
			if (t0 - now_us() > 2000)
				usleep(1000);
		kill((pid_t)pid, SIGKILL);
		old = pid;
	}
	printf("%lld\n", worst);
	return 0;
}
