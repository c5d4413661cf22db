/* A service in words, for people; see service.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "supervisor/logs.h"
#include "supervisor/order.h"
#include "supervisor/ready.h"
#include "supervisor/schedule.h"
#include "supervisor/service.h"
#include "supervisor/stopped.h"
#include "supervisor/supervisor.h"

/* Adopted, and the program had redirected it; or it was not configured when
 * the program was started. */
static bool
is_lost(const struct service *s, int stream)
{
	return s->prog.pid != 0 && service_has_pipe(s, stream) &&
	    stream_fd(s->stream[stream]) == -1;
}

static const char *
log_status(const struct service *s, int stream)
{
	return is_lost(s, stream) ? "lost" : stream_status(s->stream[stream]);
}

const char *
service_log_status(const struct service *s)
{
	const char *out = log_status(s, CONF_STDOUT);
	const char *err = log_status(s, CONF_STDERR);

	if (strcmp(out, "none") == 0 ||
	    (strcmp(out, "ok") == 0 && strcmp(err, "none") != 0))
		return err;
	return out;
}

static void
add_next_run(const struct service *s, char *buf, size_t size)
{
	time_t t = (time_t)schedule_next_s(s);
	size_t len = strlen(buf);
	char text[32];
	struct tm tm;

	if (t == 0 || s->prog.state != PROGRAM_WAITING)
		return;
	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return;
	snprintf(buf + len, size - len, "%snext run %s", len ? "; " : "",
	    text);
}

void
service_reason(const struct service *s, char *buf, size_t size)
{
	size_t len;
	int i;

	order_waiting(s, buf, size);
	if (buf[0] != '\0') {
		memmove(buf + 10, buf, strlen(buf) < size - 11 ?
		    strlen(buf) + 1 : size - 11);
		memcpy(buf, "waits for ", 10);
		buf[size - 1] = '\0';
		return;
	}
	program_reason(&s->prog, s->conf, buf, size);
	if (buf[0] == '\0')
		stopped_reason(s, buf, size);
	if (buf[0] == '\0')
		ready_trouble(s, buf, size);
	for (i = 0; i < CONF_STREAMS && buf[0] == '\0'; i++)
		stream_trouble(s->stream[i], buf, size);
	for (i = 0; i < CONF_STREAMS && buf[0] == '\0'; i++)
		if (is_lost(s, i))
			snprintf(buf, size, "%s is not logged before a "
			    "restart: its pipe is not known", i == CONF_STDOUT ?
			    "stdout" : "stderr");
	if (buf[0] == '\0')
		snprintf(buf, size, "%s%s%s", ready_is_reloading(s) ?
		    "reloading" : "", ready_is_reloading(s) &&
		    ready_status(s)[0] != '\0' ? ": " : "",
		    ready_status(s));
	add_next_run(s, buf, size);
	len = strlen(buf);
	if (s->prog.state == PROGRAM_STOPPING && s->prog.kills > 1)
		snprintf(buf + len, size - len, "%scannot be killed, for %.0f "
		    "s now", len ? "; " : "",
		    (double)(now_ns() - s->prog.changed_ns) / 1e9 -
		    service_stop_time(s));
	else if (s->prog.state == PROGRAM_STOPPING && s->prog.clearing)
		snprintf(buf + len, size - len, "%sending what it has left",
		    len ? "; " : "");
	else if (!s->prog.wanted && s->prog.pid != 0 &&
	    s->prog.state != PROGRAM_STOPPING)
		snprintf(buf + len, size - len, "%sstops when what needs it "
		    "has stopped", len ? "; " : "");
}
