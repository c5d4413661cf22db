/*
 * innocent FILE: lives until SIGUSR1, and adds each other signal that anybody
 * sends it to FILE.  Of SIGKILL and SIGSTOP its state tells.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	siginfo_t si;
	sigset_t all;
	int fd;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (argc != 2 || (fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND,
	    0644)) == -1)
		return 2;
	while (sigwaitinfo(&all, &si) != SIGUSR1)
		dprintf(fd, "signal %d of pid %d\n", si.si_signo, si.si_pid);
	return 0;
}
