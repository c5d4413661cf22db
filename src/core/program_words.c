/* States, steps and reasons of a program in words; see program.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/conf.h"
#include "core/program.h"
#include "core/proto.h"

static const char *const step_names[SPAWN_STEPS] = {
	[STEP_NONE] = "",
	[STEP_PREPARE] = "prepare",
	[STEP_FORK] = "fork",
	[STEP_SESSION] = "session",
	[STEP_STDIO] = "stdio",
	[STEP_LIMITS] = "limits",
	[STEP_GROUPS] = "groups",
	[STEP_GID] = "group id",
	[STEP_UID] = "user id",
	[STEP_DIRECTORY] = "directory",
	[STEP_FDS] = "descriptors",
	[STEP_CONFINE] = "confine",
	[STEP_EXEC] = "exec",
	[STEP_PRE] = "exec_start_pre",
};

const char *
spawn_step_name(enum spawn_step s)
{
	return s < SPAWN_STEPS ? step_names[s] : "unknown";
}

static void
end_words(int status, char *buf, size_t size)
{
	char num[16];
	int code = program_exit_code(status);

	if (code < 0)
		snprintf(buf, size, "signal %s%s", signal_name(-code, num),
		    (status & 0x80) != 0 ? ", core dumped" : "");
	else
		snprintf(buf, size, "exit code %d", code);
}

static void
spawn_reason(const struct program *p, const struct conf_process *c, char *buf,
    size_t size)
{
	const char *why = strerror(p->spawn_errno);
	const char *command = c->command.n ? c->command.v[0] : "";
	const char *user = c->user.name ? c->user.name : "the daemon's user";
	char end[64];

	switch (p->spawn_step) {
	case STEP_PREPARE:
		if (!c->user.known && c->user.name != NULL)
			snprintf(buf, size, "no such user: %s", user);
		else
			snprintf(buf, size, "cannot find command %s: %s",
			    command, why);
		break;
	case STEP_FORK:
		snprintf(buf, size, "cannot create a process: %s", why);
		break;
	case STEP_GROUPS:
	case STEP_GID:
	case STEP_UID:
		snprintf(buf, size, "cannot become %s (%s): %s", user,
		    spawn_step_name(p->spawn_step), why);
		break;
	case STEP_DIRECTORY:
		snprintf(buf, size, "cannot enter directory %s: %s",
		    c->directory ? c->directory : "/", why);
		break;
	case STEP_PRE:
		end_words(p->spawn_errno, end, sizeof end);
		snprintf(buf, size, "exec_start_pre failed (%s)", end);
		break;
	case STEP_EXEC:
		snprintf(buf, size, "cannot execute %s: %s", command, why);
		break;
	default:
		snprintf(buf, size, "cannot prepare the process (%s): %s",
		    spawn_step_name(p->spawn_step), why);
	}
}

void
program_reason(const struct program *p, const struct conf_process *c,
    char *buf, size_t size)
{
	char end[64];

	if (p->has_status == STATUS_UNKNOWN)
		snprintf(end, sizeof end, "status unknown");
	else
		end_words(p->status, end, sizeof end);
	switch (p->reason) {
	case REASON_SPAWN:
	case REASON_DAEMON:
		spawn_reason(p, c, buf, size);
		break;
	case REASON_QUICK:
		snprintf(buf, size, "exited too quickly (%s)", end);
		break;
	case REASON_EXIT:
		snprintf(buf, size, "%s", end);
		break;
	case REASON_TOO_FAST:
		snprintf(buf, size, "%s within a second of its start", end);
		break;
	case REASON_LATE:
		snprintf(buf, size, "not ready within %.10g s",
		    (double)c->ready_timeout_ms / 1000.);
		break;
	case REASON_UNHEALTHY:
		snprintf(buf, size, "unhealthy: %lld bad answers in a row",
		    (long long)c->health_retries);
		break;
	case REASON_WATCHDOG:
		snprintf(buf, size, "no sign of life for %.10g s (watchdog)",
		    (double)c->watchdog_ms / 1000.);
		break;
	case REASON_FORKED:
		snprintf(buf, size, "ended with exit code 0 and left processes "
		    "behind: it seems to daemonize; run it in the foreground, "
		    "or set type = forking");
		break;
	case REASON_NO_DAEMON:
		snprintf(buf, size, "ended with exit code 0 and left no "
		    "process to follow (type = forking)");
		break;
	case REASON_LIMIT:
		snprintf(buf, size, "gave up after %lld restarts in %lld s "
		    "(%s)", (long long)c->restart_limit,
		    (long long)c->restart_window_ms / 1000, end);
		break;
	default:
		buf[0] = '\0';
	}
}

static const char *const state_names[PROGRAM_STATES] = {
	[PROGRAM_STOPPED] = "STOPPED",
	[PROGRAM_WAITING] = "WAITING",
	[PROGRAM_STARTING] = "STARTING",
	[PROGRAM_RUNNING] = "RUNNING",
	[PROGRAM_BACKOFF] = "BACKOFF",
	[PROGRAM_STOPPING] = "STOPPING",
	[PROGRAM_EXITED] = "EXITED",
	[PROGRAM_FATAL] = "FATAL",
};

const char *
program_state_name(enum program_state s)
{
	return s < PROGRAM_STATES ? state_names[s] : "UNKNOWN";
}

enum program_state
program_state_from_name(const char *name)
{
	int s;

	for (s = 0; s < PROGRAM_STATES; s++)
		if (strcasecmp(name, state_names[s]) == 0)
			break;
	return (enum program_state)s;
}
