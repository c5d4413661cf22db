/* The daemon's own log; see daemonlog.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/daemonlog.h"
#include "supervisor/logfile.h"
#include "supervisor/syslog.h"

static struct {
	char *path; /* NULL: none; "syslog" */
	int fd; /* -1: not open */
	int64_t maxbytes, backups;
	bool to_stderr, to_syslog;
} d = {.fd = -1};

static int
open_log(void)
{
	enum logfile_kind kind;

	if (d.path == NULL || d.to_syslog)
		return 0;
	d.fd = logfile_open(d.path, &kind);
	if (d.fd == -1)
		return -1;
	if (kind == LOGFILE_REGULAR)
		fcntl(d.fd, F_SETFL, O_APPEND);
	return 0;
}

void
daemonlog_reopen(void)
{
	if (d.fd != -1)
		close(d.fd);
	d.fd = -1;
	open_log();
}

static void
rotate_if_full(void)
{
	struct stat st;

	if (d.maxbytes <= 0 || fstat(d.fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_size < d.maxbytes)
		return;
	if (logfile_rotate(d.path, d.backups) == 0)
		daemonlog_reopen();
}

static size_t
stamp(char *buf, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	n = strftime(buf, size, "%Y-%m-%d %H:%M:%S",
	    localtime_r(&ts.tv_sec, &tm));
	n += (size_t)snprintf(buf + n, size - n, ",%03ld %s ",
	    ts.tv_nsec / 1000000, log_level_name(level));
	return n;
}

/* A terminal that is held or a pipe nobody reads must not hold us: a line is
 * shorter than what fits when poll(2) says that something does. */
static bool
has_room(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

/* A full disk loses messages of the daemon, never the daemon. */
static void
write_line(enum log_level level, const char *line)
{
	char head[64], nl = '\n';
	struct iovec iov[3] = {
		{head, stamp(head, sizeof head, level)},
		{(void *)(uintptr_t)line, strlen(line)},
		{&nl, 1},
	};
	ssize_t n;

	if (d.fd != -1) {
		rotate_if_full();
		n = writev(d.fd, iov, 3);
		(void)n;
	}
	if (d.to_syslog) {
		char *text = xasprintf("%s\n", line);

		syslog_lines("mpsupd", text, strlen(text), true);
		free(text);
	}
	if (d.to_stderr && has_room(STDERR_FILENO)) {
		n = writev(STDERR_FILENO, iov, 3);
		(void)n;
	}
}

int
daemonlog_init(const struct conf_main *m, bool to_stderr)
{
	int r;

	if (d.fd != -1)
		close(d.fd);
	free(d.path);
	d.fd = -1;
	d.path = xstrdup(m->logfile);
	d.to_syslog = d.path != NULL && strcmp(d.path, "syslog") == 0;
	d.maxbytes = m->logfile_maxbytes;
	d.backups = m->logfile_backups;
	d.to_stderr = to_stderr;
	r = open_log();
	log_set_level((enum log_level)m->loglevel);
	log_set_sink(write_line);
	return r;
}
