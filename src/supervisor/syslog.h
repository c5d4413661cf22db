/* Lines to the host's syslog, without waiting for it. */
#ifndef SUPERVISOR_SYSLOG_H
#define SUPERVISOR_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Sends each complete line of TEXT (LEN bytes) as one message of facility
 * daemon, priority info, tagged NAME (RFC 3164 section 4.1, as local syslog
 * daemons read it).  A line of over 1,000 bytes is sent in pieces; a last line
 * without newline waits unless it is that long, or ALL is set.
 *
 * Returns the bytes dealt with, or -1 with errno when the first message could
 * not be sent (ENOENT: no syslog runs; EAGAIN: it does not keep up).
 */
ssize_t syslog_lines(const char *name, const char *text, size_t len,
    bool all);

#endif
