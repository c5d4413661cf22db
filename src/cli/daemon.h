/* `mpsupd start` without names: the way from a command to a daemon. */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <stdbool.h>

struct conf_user;
struct config;

struct daemon_opts {
	const char *file; /* configuration, absolute */
	bool foreground; /* -n */
	bool oknodo; /* --oknodo: already running is success */
};

/*
 * Loads the configuration, prints its messages, and becomes or starts the
 * daemon.  In the foreground it does not return on success: this process is
 * the keeper from then on.  Returns the exit code of DESIGN 4: 0 the daemon
 * serves its socket, 1 it runs already or could not start (said on stderr),
 * 2 the configuration is refused.
 */
int daemon_start(const struct daemon_opts *opts);

/*
 * What the pidfile says when no daemon answers.  Returns 1 if it remains
 * without an owner, 2 if a living daemon holds its lock, 0 if there is none,
 * -1 if it cannot be looked at (errno).  *RET_PID is the number in it, for
 * display only.
 */
int daemon_pidfile_state(const char *path, long *ret_pid);

/* Takes the effective rights of U, the user of a daemon that root starts, or
 * gives them back.  Nothing to do, for others.  0, or -1 with errno. */
int daemon_act_as(const struct conf_user *u, bool theirs);

#endif
