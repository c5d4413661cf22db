/* The daemon's own log; see daemonlog.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/daemonlog.h"
#include "supervisor/logfile.h"
#include "supervisor/supervisor.h"
#include "supervisor/syslog.h"

#define LINES_AT_ONCE 16 /* in a turn; what follows is gathered */
#define LINE_MAX_BYTES 8192 /* of a message */
#define STAMP_MAX 64
#define OPEN_AGAIN_NS 1000000000LL

static struct {
	char *path; /* NULL: none; "syslog" */
	int fd; /* -1: not open */
	int64_t tried_ns; /* to open it again */
	int64_t maxbytes, backups;
	bool to_stderr, to_syslog;
	unsigned lines; /* of this turn */
	size_t len; /* gathered, not written yet */
	char waiting[16384];
} d = {.fd = -1};

static void put_waiting(void);

static int
open_log(void)
{
	enum logfile_kind kind;

	if (d.path == NULL || d.to_syslog)
		return 0;
	d.fd = logfile_open(d.path, &kind);
	if (d.fd == -1 || kind != LOGFILE_REGULAR ||
	    fcntl(d.fd, F_SETFL, O_APPEND) == 0)
		return d.fd == -1 ? -1 : 0;
	close(d.fd); /* it would be written from its beginning */
	d.fd = -1;
	return -1;
}

/* One that could not be opened is tried again for a later message. */
static void
open_again(void)
{
	int64_t now = now_ns();

	if (d.fd != -1 || now - d.tried_ns < OPEN_AGAIN_NS)
		return;
	d.tried_ns = now;
	open_log();
}

void
daemonlog_reopen(void)
{
	put_waiting(); /* belongs to the old one */
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

/* "2026-01-02 03:04:05,678 info ": the second's part is made once a second. */
static size_t
stamp(char *buf, size_t size, enum log_level level)
{
	static char second[32];
	static time_t of;
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != of || second[0] == '\0') {
		strftime(second, sizeof second, "%Y-%m-%d %H:%M:%S",
		    localtime_r(&ts.tv_sec, &tm));
		of = ts.tv_sec;
	}
	return (size_t)snprintf(buf, size, "%s,%03ld %s ", second,
	    ts.tv_nsec / 1000000, log_level_name(level));
}

/* A terminal that is held or a pipe nobody reads must not hold us: a piece is
 * not longer than what fits when poll(2) says that something does. */
static bool
has_room(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

/* The length of whole lines at P, at most PIPE_BUF bytes or one line. */
static size_t
whole_lines(const char *p, size_t len)
{
	const char *nl;

	if (len <= PIPE_BUF)
		return len;
	nl = memrchr(p, '\n', PIPE_BUF);
	if (nl == NULL)
		nl = memchr(p, '\n', len);
	return nl == NULL ? len : (size_t)(nl - p) + 1;
}

/* A full disk loses messages of the daemon, never the daemon. */
static void
put(const char *p, size_t len)
{
	ssize_t n;
	size_t part;

	if (d.fd != -1) {
		rotate_if_full();
		n = write(d.fd, p, len);
		(void)n;
	}
	while (d.to_stderr && len > 0) {
		part = whole_lines(p, len);
		if (has_room(STDERR_FILENO)) {
			n = write(STDERR_FILENO, p, part);
			(void)n;
		}
		p += part;
		len -= part;
	}
}

static void
put_waiting(void)
{
	size_t len = d.len;

	d.len = 0;
	if (len > 0)
		put(d.waiting, len);
}

void
daemonlog_flush(void)
{
	put_waiting();
	d.lines = 0;
}

/* The first lines of a turn are written at once, and so is all that is worse
 * than info.  What many programs have to say at the same moment is gathered:
 * a system call for each costs more than all else that is done for them. */
static void
write_line(enum log_level level, const char *line)
{
	size_t len = strlen(line);

	if (d.to_syslog) {
		char *text = xasprintf("%s\n", line);

		syslog_lines("mpsupd", text, len + 1, true);
		free(text);
	}
	open_again();
	if (d.fd == -1 && !d.to_stderr)
		return;
	if (len > LINE_MAX_BYTES)
		len = LINE_MAX_BYTES;
	if (sizeof d.waiting - d.len < len + STAMP_MAX)
		put_waiting();
	d.len += stamp(d.waiting + d.len, STAMP_MAX, level);
	memcpy(d.waiting + d.len, line, len);
	d.len += len;
	d.waiting[d.len++] = '\n';
	if (++d.lines <= LINES_AT_ONCE || level <= LOG_LVL_WARN)
		put_waiting();
}

int
daemonlog_init(const struct conf_main *m, bool to_stderr)
{
	static bool known;
	int r;

	if (!known)
		atexit(daemonlog_flush);
	known = true;
	put_waiting();
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
