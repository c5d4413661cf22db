/*
 * escaper MODE COUNT TAG: a program that leaves COUNT processes behind, each
 * with TAG in its command line, and then waits for signals.
 *
 *   double   their parents are gone
 *   setsid   in sessions of their own
 *   both     parents gone, sessions of their own
 *   clear    sessions of their own, without an environment
 *   orphans  parents gone, without an environment
 *   hidden   all of that: nothing tells whose they are
 *   thread   sessions of their own, the first thread is gone
 *   deaf     sessions of their own, SIGTERM ignored, by the program as well
 *   bomb     never more than COUNT that live, fork and end, all the time
 *   deafbomb the same, SIGTERM ignored
 *
 * All of them end by themselves after LIFE_S.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LIFE_S 60

static atomic_int *alive; /* those of a bomb; those that are killed count on */
static time_t over;

static void
nap(long ms)
{
	struct timespec ts = {.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static time_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static _Noreturn void
wait_for_the_end(void)
{
	alarm(LIFE_S);
	for (;;)
		pause();
}

static void *
run_thread(void *arg)
{
	(void)arg;
	wait_for_the_end();
}

/* What looks like a zombie, and is none. */
static void
lose_first_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run_thread, NULL) == 0)
		pthread_exit(NULL);
	_exit(1);
}

/* The one that stays, without anything in its environment. */
static void
forget_environment(char *self, char *tag)
{
	char hold[] = "hold", none[] = "0";
	char *argv[] = {self, hold, none, tag, NULL}, *env[] = {NULL};

	execve(self, argv, env);
	_exit(1);
}

static void
leave_one(char *self, const char *mode, char *tag)
{
	bool orphan = strcmp(mode, "double") == 0 ||
	    strcmp(mode, "both") == 0 || strcmp(mode, "orphans") == 0 ||
	    strcmp(mode, "hidden") == 0;
	bool clear = strcmp(mode, "clear") == 0 ||
	    strcmp(mode, "orphans") == 0 || strcmp(mode, "hidden") == 0;

	if (fork() != 0)
		return;
	if (strcmp(mode, "double") != 0 && strcmp(mode, "orphans") != 0)
		setsid();
	if (orphan && fork() != 0)
		_exit(0);
	if (clear)
		forget_environment(self, tag);
	if (strcmp(mode, "thread") == 0)
		lose_first_thread();
	wait_for_the_end();
}

/* Forks while there is room; ends after some rounds, but for the first. */
static void
explode(int count, bool first)
{
	int round;

	for (round = 0; now_s() < over && (first || round < 4); round++) {
		if (atomic_fetch_add(alive, 1) >= count) {
			atomic_fetch_sub(alive, 1);
		} else if (fork() == 0) {
			if (getpid() % 3 == 0)
				setsid();
			first = false;
			round = 0;
		}
		nap(first ? 3 : 50 + getpid() % 50);
	}
	atomic_fetch_sub(alive, 1);
	_exit(0);
}

int
main(int argc, char **argv)
{
	const char *mode = argc == 4 ? argv[1] : "";
	int count = argc == 4 ? atoi(argv[2]) : 0, i;

	if (strcmp(mode, "hold") == 0)
		wait_for_the_end();
	if (count <= 0 || count > 1000)
		return 2;
	if (strncmp(mode, "deaf", 4) == 0)
		signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	over = now_s() + LIFE_S;
	if (strstr(mode, "bomb") != NULL) {
		alive = mmap(NULL, sizeof *alive, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (alive == MAP_FAILED)
			return 1;
		atomic_store(alive, 1);
		explode(count, true);
	}
	for (i = 0; i < count; i++)
		leave_one(argv[0], mode, argv[3]);
	wait_for_the_end();
}
