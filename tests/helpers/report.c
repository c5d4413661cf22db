/*
 * report FILE [ARG...]: writes to FILE how this process was started: one
 * "KEY VALUE" a line.  With REPORT_STAY in the environment it then waits for
 * a signal, else it exits 0.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void
report_fds(FILE *f)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	fprintf(f, "fds");
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d) &&
		    atoi(e->d_name) != fileno(f))
			fprintf(f, " %s", e->d_name);
	fprintf(f, "\n");
	if (d != NULL)
		closedir(d);
}

static void
report_signals(FILE *f)
{
	FILE *st = fopen("/proc/self/status", "r");
	char line[256], hex[64];

	while (st != NULL && fgets(line, sizeof line, st) != NULL) {
		if (sscanf(line, "SigBlk: %63s", hex) == 1)
			fprintf(f, "blocked %s\n", hex);
		if (sscanf(line, "SigIgn: %63s", hex) == 1)
			fprintf(f, "ignored %s\n", hex);
	}
	if (st != NULL)
		fclose(st);
}

int
main(int argc, char **argv)
{
	char path[4096], tmp[4096], cwd[4096];
	struct rlimit rl;
	ssize_t n;
	mode_t mask;
	FILE *f;
	int i;

	if (argc < 2)
		return 2;
	snprintf(tmp, sizeof tmp, "%s.%d", argv[1], (int)getpid());
	f = fopen(tmp, "w");
	if (f == NULL)
		return 3;
	report_fds(f);
	report_signals(f);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", i);
		n = readlink(path, cwd, sizeof cwd - 1);
		cwd[n > 0 ? n : 0] = '\0';
		fprintf(f, "fd%d %s\n", i, cwd);
	}
	mask = umask(0);
	umask(mask);
	getrlimit(RLIMIT_NOFILE, &rl);
	fprintf(f, "umask %03o\n", (unsigned)mask);
	fprintf(f, "nofile %lld\n", (long long)rl.rlim_cur);
	fprintf(f, "pid %d\nppid %d\nsid %d\npgid %d\n", (int)getpid(),
	    (int)getppid(), (int)getsid(0), (int)getpgrp());
	fprintf(f, "uid %d\ngid %d\n", (int)getuid(), (int)getgid());
	fprintf(f, "tty %s\n", open("/dev/tty", O_RDWR) == -1 ? "no" : "yes");
	fprintf(f, "cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
	fprintf(f, "argc %d\n", argc);
	for (i = 0; i < argc; i++)
		fprintf(f, "arg%d <%s>\n", i, argv[i]);
	for (i = 0; environ[i] != NULL; i++)
		fprintf(f, "env %s\n", environ[i]);
	if (fclose(f) != 0 || rename(tmp, argv[1]) == -1)
		return 3;
	while (getenv("REPORT_STAY") != NULL)
		pause();
	return 0;
}
