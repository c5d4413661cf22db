/* Asking the next program; see offer.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/handover.h"
#include "keeper/offer.h"

extern char **environ;

static struct {
	pid_t pid; /* it is asked; 0: nobody is */
	int program, question; /* what it reads; -1: none */
} o = {0, -1, -1};

/* In the new process; does not return.  It reads its answer from the program
 * that is offered: exit code 0, after it has read all of the question. */
static _Noreturn void
become_asked(const struct handover *h, pid_t keeper)
{
	char *argv[] = {(char[]){"mpsupd"}, (char[]){CAN_READ_OPTION},
	    (char[]){"3"}, NULL};
	sigset_t none;

	fcntl(h->fd[ROLE_BOARD], F_SETFD, 0);
	fcntl(h->fd[ROLE_CONFIG], F_SETFD, 0);
	dup2(o.question, HANDOVER_FD);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may hang */
	if (getppid() != keeper)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_execveat, o.program, "", argv, environ, AT_EMPTY_PATH);
	_exit(127);
}

static void
close_question(void)
{
	if (o.question != -1)
		close(o.question);
	o.question = -1;
}

void
offer_forget(void)
{
	offer_hurry();
	o.pid = 0; /* reaped as a stranger */
	close_question();
	if (o.program != -1)
		close(o.program);
	o.program = -1;
}

int
offer_ask(int fd, struct handover *h, const int *kept)
{
	pid_t keeper = getpid(), pid = -1;

	offer_forget();
	o.program = fd;
	o.question = handover_write(h, kept);
	if (o.question != -1)
		pid = fork();
	if (pid == 0)
		become_asked(h, keeper);
	if (pid == -1) {
		offer_forget();
		return -1;
	}
	o.pid = pid;
	return 0;
}

void
offer_hurry(void)
{
	if (o.pid != 0)
		kill(o.pid, SIGKILL);
}

const char *
offer_answer(pid_t pid, int status)
{
	bool all;

	if (pid != o.pid)
		return NULL;
	o.pid = 0;
	all = lseek(o.question, 0, SEEK_CUR) == lseek(o.question, 0, SEEK_END);
	close_question();
	if (all && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return "";
	offer_forget();
	if (WIFSIGNALED(status))
		return "it was killed, or hung, when it was asked";
	if (WEXITSTATUS(status) == 127)
		return "it cannot be executed";
	return "it cannot read the state of this daemon; stop and start it";
}

int
offer_take(void)
{
	int fd = o.pid == 0 ? o.program : -1;

	if (fd != -1)
		o.program = -1;
	return fd;
}
