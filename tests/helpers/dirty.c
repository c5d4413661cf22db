/*
 * dirty COMMAND...: runs it from a bad place: descriptors 3 to 50 open, all
 * signals ignored and blocked, umask 000, a working directory that is gone,
 * and 1 MB of environment.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/mpsdirtyXXXXXX", name[16], *big;
	sigset_t all;
	int fd, i, s;

	if (argc < 2)
		return 2;
	fd = open("/dev/null", O_RDWR);
	for (i = 3; i <= 50; i++)
		if (i != fd)
			dup2(fd, i);
	big = malloc(100001);
	if (big == NULL)
		return 3;
	memset(big, 'x', 100000);
	big[100000] = '\0';
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "BIG%d", i);
		setenv(name, big, 1);
	}
	for (s = 1; s < NSIG; s++)
		signal(s, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	umask(0);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 || rmdir(dir) == -1)
		return 3;
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
