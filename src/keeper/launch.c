/* A supervisor's start; see launch.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/handover.h"
#include "keeper/keeper.h"
#include "keeper/launch.h"

extern char **environ;

int
launch_prepare(int listener)
{
	struct rlimit rl;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	return listen(listener, SOMAXCONN);
}

int
launch_link(const int fd[LINK_ROLES], int notify, int pair[2])
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_HELLO};
	int both[2], fds[LINK_ROLES + 1];
	uint32_t i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == -1)
		return -1;
	for (i = 0; i < LINK_ROLES; i++)
		if (fd[i] != -1) {
			m.slot[m.n] = i;
			fds[m.n++] = fd[i];
		}
	if (notify != -1) {
		m.slot[m.n] = HELLO_NOTIFY;
		fds[m.n++] = notify;
	}
	if (link_send(both[0], &m, fds, m.n) == -1) {
		close(both[0]);
		close(both[1]);
		return -1;
	}
	pair[0] = both[0];
	pair[1] = both[1];
	return 0;
}

void
launch_oom_score(int score)
{
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int len = snprintf(text, sizeof text, "%d", score);
	ssize_t n;

	if (fd == -1)
		return;
	n = write(fd, text, (size_t)len);
	(void)n;
	close(fd);
}

/* In the new process. */
static _Noreturn void
become_supervisor(int binary, int link, int oom_score)
{
	char *argv[] = {(char[]){SUPERVISOR_TITLE}, NULL};
	char path[32];
	sigset_t all;

	launch_oom_score(oom_score);
	if (binary == HANDOVER_FD)
		binary = fcntl(binary, F_DUPFD_CLOEXEC, HANDOVER_FD + 1);
	snprintf(path, sizeof path, "/proc/self/fd/%d", binary);
	if (link == HANDOVER_FD)
		fcntl(link, F_SETFD, 0);
	else
		dup2(link, HANDOVER_FD);
	prctl(PR_SET_PDEATHSIG, SIGCONT); /* a stopped one is to go on then */
	sigfillset(&all); /* what a terminal sends is for the keeper */
	sigprocmask(SIG_SETMASK, &all, NULL);
	execve(path, argv, environ);
	_exit(127);
}

pid_t
launch_supervisor(int binary, int link, int oom_score)
{
	pid_t pid = fork();

	if (pid == 0)
		become_supervisor(binary, link, oom_score);
	return pid;
}
