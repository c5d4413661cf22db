/*
 * The control protocol: names, numbers and limits shared by the daemon and
 * its clients.  JSON-RPC 2.0, one object per line, over a UNIX stream socket;
 * "body": N in params or result announces N raw bytes after the newline.
 * mpsupd-protocol(7) is the whole text.
 */
#ifndef CORE_PROTO_H
#define CORE_PROTO_H

#include <stddef.h>

#define MPSUPD_VERSION "0.1.0"
#define PROTO_VERSION 1 /* 1: hello status start ... reopen, logs stream */

#define PROTO_REQUEST_MAX (64 * 1024) /* bytes of a request line */
#define PROTO_QUEUE_MAX (256 * 1024) /* bytes queued for one client */
#define PROTO_ID_MAX 64 /* bytes of an "id" or "request_id" as text */

enum proto_error {
	PROTO_OK,
	PROTO_PARSE, /* not JSON, or too long: the connection is closed */
	PROTO_INVALID, /* not a request: the connection is closed */
	PROTO_NO_METHOD,
	PROTO_BAD_PARAMS,
	PROTO_INTERNAL,
	PROTO_NO_SUCH_PROGRAM,
	PROTO_NOT_PERMITTED,
	PROTO_TIMEOUT,
	PROTO_CONFIG_INVALID, /* data.errors: [string] */
	PROTO_SHUTTING_DOWN,
	PROTO_NO_LOG, /* the stream is not kept in a file */
	PROTO_BUSY, /* another reload is under way */
	PROTO_ERRORS
};

/* The JSON-RPC code ("code") and name ("data.name") of E. */
int proto_error_code(enum proto_error e);
const char *proto_error_name(enum proto_error e);

/* The error of CODE; PROTO_INTERNAL if there is none. */
enum proto_error proto_error_from_code(int code);

/* Signals: number of "TERM", "SIGTERM", "15", "RTMIN+1" in any case, or -1;
 * the name without SIG of a number ("RTMIN+1"), in BUF of 16 bytes if need
 * be. */
int signal_number(const char *name);
const char *signal_name(int signo, char buf[16]);

#endif
