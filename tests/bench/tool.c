/*
 * What `make bench` measures with: the bare loops that everything is compared
 * with, writers, and clients.  Each mode prints one line of numbers.
 *
 *	tool spawn fork|vfork|clone N PROG   start N, wait until all have said
 *	                    so in STAMP, end them: seconds of start and of stop
 *	tool parent PROG    start PROG again whenever it ends (bare restart)
 *	tool pump FILE splice|batch   standard input to FILE (bare log)
 *	tool write BYTES SIZE         numbered lines of 100 bytes, in writes of
 *	                    SIZE, a stamp before and after, then wait
 *	tool tick RATE      RATE lines of 100 bytes a second
 *	tool orphans N FILE N grandchildren that end alone; FILE: how long some
 *	                    of them were left after the last one was made
 *	tool init COMMAND...  as PID 1: starts it and reaps
 *	tool serve PATH     answers each request with a line of 700 bytes
 *	tool command CLIENTS SECONDS COMMAND...   runs/s, p50, p99 in us
 *	tool socket PATH CLIENTS SECONDS REQUEST  requests/s, p50, p99 in us;
 *	                    a reply ends with a newline
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE 100
#define BATCH (1 << 20)

extern char **environ;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
say(void)
{
	struct {
		uint64_t ns;
		uint32_t pid, zero;
	} rec = {0, (uint32_t)getpid(), 0};
	struct timespec ts;
	int fd = open(STAMP, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);

	clock_gettime(CLOCK_MONOTONIC, &ts);
	rec.ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	if (fd == -1 || write(fd, &rec, sizeof rec) != sizeof rec)
		die(STAMP);
	close(fd);
}

static _Noreturn void
wait_for_ever(void)
{
	for (;;)
		pause();
}

/* --- bare spawning --- */

static char *prog[2];

static int
child(void *arg)
{
	(void)arg;
	execve(prog[0], prog, environ);
	_exit(127);
}

static pid_t
spawn_one(const char *how)
{
	static char stack[65536] __attribute__((aligned(64)));
	pid_t pid;

	if (strcmp(how, "fork") == 0) {
		pid = fork();
		if (pid == 0)
			child(NULL);
	} else if (strcmp(how, "vfork") == 0) {
		pid = vfork();
		if (pid == 0) {
			execve(prog[0], prog, environ);
			_exit(127);
		}
	} else {
		pid = clone(child, stack + sizeof stack,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	}
	if (pid == -1)
		die(how);
	return pid;
}

static double
last_stamp(int n)
{
	struct {
		uint64_t ns;
		uint32_t pid, zero;
	} rec;
	uint64_t last = 0;
	double end = now() + 60;
	struct stat st = {0};
	int fd;

	while (st.st_size < (off_t)(n * (int)sizeof rec) && now() < end) {
		if (stat(STAMP, &st) == -1)
			die(STAMP);
		usleep(200);
	}
	fd = open(STAMP, O_RDONLY);
	if (fd == -1)
		die(STAMP);
	while (read(fd, &rec, sizeof rec) == sizeof rec)
		if (rec.ns > last)
			last = rec.ns;
	close(fd);
	return (double)last / 1e9;
}

static void
mode_spawn(char **v)
{
	int n = atoi(v[1]), i;
	pid_t *pids = calloc((size_t)n, sizeof *pids);
	double t, booted;

	prog[0] = v[2];
	t = now();
	for (i = 0; i < n; i++)
		pids[i] = spawn_one(v[0]);
	booted = last_stamp(n) - t;
	t = now();
	for (i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	for (i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	printf("%.6f %.6f\n", booted, now() - t);
	free(pids);
}

static void
mode_parent(char **v)
{
	prog[0] = v[0];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		spawn_one("clone");
		wait(NULL);
	}
}

/* --- bare logging --- */

static void
mode_pump(char **v)
{
	static char b[BATCH];
	int fd = open(v[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int batch = strcmp(v[1], "batch") == 0;
	ssize_t n;

	if (fd == -1)
		die(v[0]);
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, BATCH);
	for (;;) {
		if (batch) {
			n = read(STDIN_FILENO, b, sizeof b);
			if (n > 0 && write(fd, b, (size_t)n) != n)
				die("write");
			if (n > 0 && n < 65536)
				usleep(300);
		} else {
			n = splice(STDIN_FILENO, NULL, fd, NULL, BATCH,
			    SPLICE_F_MOVE);
		}
		if (n == 0 || (n == -1 && errno != EINTR))
			exit(n == -1);
	}
}

static void
put(const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, p, len);
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			die("write");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* Lines "000000000042 fgh...": nothing can be lost or doubled unseen. */
static void
fill(char *b, size_t nlines, unsigned long long first)
{
	size_t i, k;

	for (i = 0; i < nlines; i++) {
		char *l = b + i * LINE, num[24];

		for (k = 13; k < LINE - 1; k++)
			l[k] = (char)('a' + k % 26);
		snprintf(num, sizeof num, "%012llu", first + i);
		memcpy(l, num, 12);
		l[12] = ' ';
		l[LINE - 1] = '\n';
	}
}

static void
mode_write(char **v)
{
	static char b[LINE * 65536];
	unsigned long long lines = strtoull(v[0], NULL, 10) / LINE, at = 0;
	size_t size = strtoul(v[1], NULL, 10), n, off, part;

	say();
	while (at < lines) {
		n = lines - at < 65536 ? (size_t)(lines - at) : 65536;
		fill(b, n, at);
		for (off = 0; off < n * LINE; off += part) {
			part = n * LINE - off < size ? n * LINE - off : size;
			put(b + off, part);
		}
		at += n;
	}
	say();
	wait_for_ever();
}

static void
mode_tick(char **v)
{
	int rate = atoi(v[0]), i;
	char line[LINE];
	struct timespec t;

	memset(line, 'x', sizeof line);
	line[LINE - 1] = '\n';
	say();
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (;;) {
		for (i = 0; i < rate / 100; i++)
			put(line, LINE);
		t.tv_nsec += 10000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
}

/* --- orphans --- */

/* Processes of this namespace, or rather: of this /proc. */
static int
count_processes(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		die("/proc");
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	closedir(d);
	return n;
}

static void
nap_ms(long ms)
{
	struct timespec t = {0, ms * 1000000};

	nanosleep(&t, NULL);
}

/* Each ends by itself a moment after its birth.  What is measured: how long
 * some are left after the last was made. */
static void
mode_orphans(char **v)
{
	int n = atoi(v[0]), i, before = count_processes();
	double t, took;
	FILE *f;

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() == 0)
				nap_ms(20);
			_exit(0);
		}
		if (pid == -1 || waitpid(pid, NULL, 0) != pid)
			die("fork");
	}
	t = now();
	while (count_processes() > before && now() - t < 10)
		nap_ms(1);
	took = now() - t;
	f = fopen(v[1], "w");
	if (f == NULL)
		die(v[1]);
	fprintf(f, "%.6f %d\n", took, count_processes() - before);
	fclose(f);
	say();
	wait_for_ever();
}

/* As PID 1: starts COMMAND and does nothing else but reap. */
static void
mode_init(char **v)
{
	pid_t pid;

	if (posix_spawn(&pid, v[0], NULL, NULL, v, environ) != 0)
		die(v[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* --- a server that does nothing --- */

/* Answers each line with one as long as a status reply. */
static void
mode_serve(char **v)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct epoll_event ev = {.events = EPOLLIN}, got[64];
	int s = socket(AF_UNIX, SOCK_STREAM, 0), ep = epoll_create1(0), i, n;
	char b[65536], reply[700];

	memset(reply, 'x', sizeof reply);
	reply[sizeof reply - 1] = '\n';
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", v[0]);
	ev.data.fd = s;
	if (s == -1 || bind(s, (struct sockaddr *)&sa, sizeof sa) == -1 ||
	    listen(s, 64) == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev) == -1)
		die(v[0]);
	for (;;) {
		n = epoll_wait(ep, got, 64, -1);
		for (i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd == s) {
				ev.data.fd = accept(s, NULL, NULL);
				epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
			} else if (recv(fd, b, sizeof b, 0) <= 0 ||
			    send(fd, reply, sizeof reply, MSG_NOSIGNAL) < 0) {
				close(fd);
			}
		}
	}
}

/* --- clients --- */

struct client {
	pthread_t thread;
	double end;
	char **command; /* NULL: a socket */
	const char *path, *request;
	uint32_t *us;
	size_t n, cap, failed;
};

static void
client_note(struct client *c, double began, int ok)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 4096;
		c->us = realloc(c->us, c->cap * sizeof *c->us);
		if (c->us == NULL)
			die("realloc");
	}
	c->us[c->n++] = (uint32_t)((now() - began) * 1e6);
	c->failed += !ok;
}

static void *
run_commands(void *arg)
{
	struct client *c = arg;
	posix_spawn_file_actions_t fa;
	double t;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, 1, 2);
	while ((t = now()) < c->end) {
		if (posix_spawnp(&pid, c->command[0], &fa, NULL, c->command,
		    environ) != 0 || waitpid(pid, &status, 0) != pid)
			die(c->command[0]);
		client_note(c, t, status == 0);
	}
	posix_spawn_file_actions_destroy(&fa);
	return NULL;
}

static void *
run_requests(void *arg)
{
	struct client *c = arg;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(c->request);
	char b[65536];
	double t;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", c->path);
	if (s == -1 || connect(s, (struct sockaddr *)&sa, sizeof sa) == -1)
		die(c->path);
	while ((t = now()) < c->end) {
		ssize_t n;

		if (send(s, c->request, len, MSG_NOSIGNAL) != (ssize_t)len)
			die("send");
		do {
			n = read(s, b, sizeof b);
			if (n <= 0)
				die("read");
		} while (b[n - 1] != '\n');
		client_note(c, t, strstr(b, "\"error\"") == NULL);
	}
	close(s);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
run_clients(const struct client *model, int n, void *(*run)(void *))
{
	struct client *c = calloc((size_t)n, sizeof *c);
	size_t total = 0, failed = 0;
	uint32_t *all;
	double t = now();
	int i;

	for (i = 0; i < n; i++) {
		c[i] = *model;
		if (pthread_create(&c[i].thread, NULL, run, &c[i]) != 0)
			die("pthread_create");
	}
	for (i = 0; i < n; i++) {
		pthread_join(c[i].thread, NULL);
		total += c[i].n;
		failed += c[i].failed;
	}
	t = now() - t;
	all = calloc(total + 1, sizeof *all);
	total = 0;
	for (i = 0; i < n; i++) {
		memcpy(all + total, c[i].us, c[i].n * sizeof *all);
		total += c[i].n;
		free(c[i].us);
	}
	qsort(all, total, sizeof *all, by_size);
	printf("%.1f %u %u %zu\n", (double)total / t, all[total / 2],
	    all[total * 99 / 100], failed);
	free(all);
	free(c);
}

static void
mode_command(char **v)
{
	struct client c = {
		.end = now() + atof(v[1]),
		.command = v + 2,
	};

	run_clients(&c, atoi(v[0]), run_commands);
}

static void
mode_socket(char **v)
{
	struct client c = {
		.end = now() + atof(v[2]),
		.path = v[0],
	};
	size_t len = strlen(v[3]);
	char *request = malloc(len + 2);

	memcpy(request, v[3], len);
	memcpy(request + len, "\n", 2);
	c.request = request;
	run_clients(&c, atoi(v[1]), run_requests);
	free(request);
}

static const struct {
	const char *name;
	int nargs;
	void (*run)(char **v);
} modes[] = {
	{"spawn", 3, mode_spawn}, {"parent", 1, mode_parent},
	{"pump", 2, mode_pump}, {"write", 2, mode_write},
	{"tick", 1, mode_tick}, {"orphans", 2, mode_orphans},
	{"init", 1, mode_init}, {"serve", 1, mode_serve},
	{"command", 3, mode_command}, {"socket", 4, mode_socket},
};

int
main(int argc, char **argv)
{
	struct rlimit rl;
	size_t i;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	for (i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(argv[1], modes[i].name) == 0 &&
		    argc - 2 >= modes[i].nargs) {
			modes[i].run(argv + 2);
			return 0;
		}
	fprintf(stderr, "tool: see the top of tool.c\n");
	return 2;
}
