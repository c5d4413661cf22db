/*
 * dirty COMMAND...: runs it from a bad place: descriptors 3 to 300 open, all
 * signals ignored and blocked, umask 000, a working directory that is gone, 1
 * MB of environment, and what makes a linker, a shell or malloc do odd things.
 * dirty -0 COMMAND: with no argument at all, not even a name.
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
	char *nothing[] = {NULL};
	sigset_t all;
	int fd, i, s;

	if (argc == 3 && strcmp(argv[1], "-0") == 0) {
		execv(argv[2], nothing);
		return 127;
	}
	if (argc < 2)
		return 2;
	fd = open("/dev/null", O_RDWR);
	for (i = 3; i <= 300; i++)
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
	setenv("LD_LIBRARY_PATH", "/nonexistent", 1);
	setenv("LD_BIND_NOW", "1", 1);
	setenv("LD_DEBUG", "nonsense", 1);
	setenv("MALLOC_PERTURB_", "7", 1);
	setenv("LIBEV_FLAGS", "1", 1);
	setenv("IFS", "/", 1);
	setenv("LC_ALL", "nonsense", 1);
	putenv((char[]){"no equals sign"});
	putenv((char[]){"=no name"});
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
