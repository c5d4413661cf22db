/*
 * Messages of the daemon.
 *
 * A message is one line: lower case, no full stop, from the general to the
 * particular, ending in what happens next.  Control bytes from outside are
 * made visible.  errno is preserved by every call.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LVL_CRITICAL,
	LOG_LVL_ERROR,
	LOG_LVL_WARN,
	LOG_LVL_INFO,
	LOG_LVL_DEBUG,
};

/* Receives one finished message (no newline, control bytes escaped). */
typedef void log_sink_fn(enum log_level level, const char *line);

/* Names this process in front of messages: NAME is kept, not copied. */
void log_init(const char *name);

/* Messages above LEVEL are dropped. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Sends messages to FN instead of stderr; NULL: stderr again. */
void log_set_sink(log_sink_fn *fn);

/* "critical" ... "debug"; for the file format. */
const char *log_level_name(enum log_level level);

#define LOG_PRINTF __attribute__((format(printf, 1, 2)))

void log_debug(const char *fmt, ...) LOG_PRINTF;
void log_info(const char *fmt, ...) LOG_PRINTF;
/* With ": " and strerror(errno) at the end. */
void log_warn(const char *fmt, ...) LOG_PRINTF;
void log_warnx(const char *fmt, ...) LOG_PRINTF;
/* Log at level critical and exit(1). */
void fatal(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));
void fatalx(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));

#endif
