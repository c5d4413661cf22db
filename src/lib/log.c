/* Messages of the daemon; see log.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/str.h"

static const char *proc_name = "mpsupd";
static enum log_level max_level = LOG_LVL_INFO;
static log_sink_fn *sink;

void
log_init(const char *name)
{
	proc_name = name;
}

void
log_set_level(enum log_level level)
{
	max_level = level;
}

enum log_level
log_level(void)
{
	return max_level;
}

void
log_set_sink(log_sink_fn *fn)
{
	sink = fn;
}

const char *
log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LVL_CRITICAL] = "critical",
		[LOG_LVL_ERROR] = "error",
		[LOG_LVL_WARN] = "warn",
		[LOG_LVL_INFO] = "info",
		[LOG_LVL_DEBUG] = "debug",
	};

	return names[level];
}

/* A line is bounded: what does not fit is cut, never allocated for. */
static void __attribute__((format(printf, 3, 0)))
log_vadd(enum log_level level, int err, const char *fmt, va_list ap)
{
	int saved = errno;
	struct buf line = BUF_INIT;
	char text[2048];
	size_t len;

	if (level > max_level)
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	len = strlen(text);
	if (err >= 0)
		snprintf(text + len, sizeof text - len, ": %s", strerror(err));
	str_visible(&line, text, strlen(text), false);
	buf_addc(&line, '\0');
	if (sink != NULL)
		sink(level, line.data);
	else
		fprintf(stderr, "%s: %s\n", proc_name, line.data);
	buf_clear(&line);
	errno = saved;
}

#define LOG_BODY(level, err)                                            \
	do {                                                            \
		va_list ap;                                             \
		va_start(ap, fmt);                                      \
		log_vadd(level, err, fmt, ap);                          \
		va_end(ap);                                             \
	} while (0)

void
log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_DEBUG, -1);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_INFO, -1);
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_WARN, errno);
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_WARN, -1);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_CRITICAL, errno);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY(LOG_LVL_CRITICAL, -1);
	exit(1);
}
