/* Names and numbers of the control protocol; see proto.h. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/proto.h"
#include "lib/str.h"

static const struct {
	int code;
	const char *name;
} errors[PROTO_ERRORS] = {
	[PROTO_OK] = {0, "OK"},
	[PROTO_PARSE] = {-32700, "PARSE_ERROR"},
	[PROTO_INVALID] = {-32600, "INVALID_REQUEST"},
	[PROTO_NO_METHOD] = {-32601, "NO_SUCH_METHOD"},
	[PROTO_BAD_PARAMS] = {-32602, "BAD_PARAMS"},
	[PROTO_INTERNAL] = {-32603, "INTERNAL"},
	[PROTO_NO_SUCH_PROGRAM] = {1, "NO_SUCH_PROGRAM"},
	[PROTO_NOT_PERMITTED] = {2, "NOT_PERMITTED"},
	[PROTO_TIMEOUT] = {3, "TIMEOUT"},
	[PROTO_CONFIG_INVALID] = {6, "CONFIG_INVALID"},
	[PROTO_SHUTTING_DOWN] = {7, "SHUTTING_DOWN"},
	[PROTO_NO_LOG] = {8, "NO_LOG"},
	[PROTO_BUSY] = {9, "BUSY"},
};

static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL},
	{"TRAP", SIGTRAP}, {"ABRT", SIGABRT}, {"IOT", SIGABRT},
	{"BUS", SIGBUS}, {"FPE", SIGFPE}, {"KILL", SIGKILL},
	{"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
	{"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD}, {"CLD", SIGCHLD},
	{"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG},
	{"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
	{"POLL", SIGIO}, {"PWR", SIGPWR}, {"SYS", SIGSYS},
};

#define NSIGNALS (sizeof signals / sizeof signals[0])

int
proto_error_code(enum proto_error e)
{
	return errors[e].code;
}

const char *
proto_error_name(enum proto_error e)
{
	return errors[e].name;
}

enum proto_error
proto_error_from_code(int code)
{
	int e;

	for (e = PROTO_OK; e < PROTO_ERRORS; e++)
		if (errors[e].code == code)
			return (enum proto_error)e;
	return PROTO_INTERNAL;
}

int
signal_number(const char *name)
{
	int64_t n;
	size_t i;

	if (str_to_int(name, 1, 64, &n))
		return (int)n;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (i = 0; i < NSIGNALS; i++)
		if (strcasecmp(name, signals[i].name) == 0)
			return signals[i].number;
	if (strncasecmp(name, "RTMIN", 5) == 0) {
		if (name[5] == '\0')
			return SIGRTMIN;
		if (name[5] == '+' &&
		    str_to_int(name + 6, 0, SIGRTMAX - SIGRTMIN, &n))
			return SIGRTMIN + (int)n;
	}
	if (strncasecmp(name, "RTMAX", 5) == 0) {
		if (name[5] == '\0')
			return SIGRTMAX;
		if (name[5] == '-' &&
		    str_to_int(name + 6, 0, SIGRTMAX - SIGRTMIN, &n))
			return SIGRTMAX - (int)n;
	}
	return -1;
}

const char *
signal_name(int signo, char buf[16])
{
	size_t i;

	for (i = 0; i < NSIGNALS; i++)
		if (signals[i].number == signo)
			return signals[i].name;
	if (signo >= SIGRTMIN && signo <= SIGRTMAX)
		snprintf(buf, 16, "RTMIN+%d", signo - SIGRTMIN);
	else
		snprintf(buf, 16, "%d", signo);
	return buf;
}
