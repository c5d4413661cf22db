/* Lines to syslog; see syslog.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/syslog.h"

#define LINE_MAX_BYTES 1000
#define PRIORITY (3 << 3 | 6) /* daemon.info */

static int sock = -1;

static int
connect_syslog(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

	if (sock != -1)
		return 0;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock == -1)
		return -1;
	if (connect(sock, (struct sockaddr *)&sa, sizeof sa) == -1) {
		int saved = errno;

		close(sock);
		sock = -1;
		errno = saved;
		return -1;
	}
	return 0;
}

static int
send_line(const char *name, const char *line, size_t len)
{
	char msg[LINE_MAX_BYTES + 300], stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (connect_syslog() == -1)
		return -1;
	strftime(stamp, sizeof stamp, "%b %e %H:%M:%S",
	    localtime_r(&now, &tm));
	n = snprintf(msg, sizeof msg - LINE_MAX_BYTES, "<%d>%s %.200s: ",
	    PRIORITY, stamp, name);
	memcpy(msg + n, line, len); /* it may have NUL bytes */
	if (send(sock, msg, (size_t)n + len, MSG_NOSIGNAL) == -1) {
		int saved = errno;

		if (saved != EAGAIN) { /* syslog was restarted */
			close(sock);
			sock = -1;
		}
		errno = saved;
		return -1;
	}
	return 0;
}

ssize_t
syslog_lines(const char *name, const char *text, size_t len, bool all)
{
	size_t done = 0, n;

	while (done < len) {
		size_t left = len - done;
		const char *nl = memchr(text + done, '\n',
		    left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES);

		if (nl == NULL && left < LINE_MAX_BYTES && !all)
			break;
		n = nl != NULL ? (size_t)(nl - (text + done)) :
		    left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES;
		if (n > 0 && send_line(name, text + done, n) == -1)
			return done > 0 ? (ssize_t)done : -1;
		done += n + (nl != NULL);
	}
	return (ssize_t)done;
}
