/*
 * How a program tells that it is ready, or is asked for its health: the values
 * of the keys `ready` and `health`.
 *
 *	none | notify | fd:N | tcp:HOST:PORT | unix:PATH |
 *	http://HOST[:PORT]/PATH | exec:COMMAND
 *
 * HOST is an IPv4 address, an IPv6 address in brackets, or `localhost`, `*` or
 * nothing for 127.0.0.1.  No other name: to look one up could take minutes, and
 * the supervisor's loop waits for nobody.
 *
 * Pure: supervisor/probe.h does the asking.
 */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define PROBE_UNIX_MAX 107 /* bytes of a socket's path: sun_path less a NUL */
#define PROBE_URL_MAX 1024 /* bytes of the path of a URL */
#define PROBE_FD_MIN 3
#define PROBE_FD_MAX 1023

enum probe_kind {
	PROBE_NONE,
	PROBE_NOTIFY, /* it says so: notify.h */
	PROBE_FD, /* it writes a line to a descriptor */
	PROBE_TCP, /* it accepts a connection */
	PROBE_UNIX,
	PROBE_HTTP, /* it answers 2xx or 3xx */
	PROBE_EXEC, /* a command exits with 0 */
	PROBE_KINDS
};

struct probe_spec {
	enum probe_kind kind;
	int fd; /* PROBE_FD: its number in the program */
	/* PROBE_TCP, PROBE_HTTP */
	bool ip6;
	uint8_t addr[16]; /* network order; IPv4: the first four */
	uint16_t port; /* host order, > 0 */
	char host[64]; /* for "Host:", with the port unless that is 80 */
	/* PROBE_UNIX: of the socket, absolute or @ABSTRACT; PROBE_HTTP: path
	 * and query, begins with '/', printable ASCII without blanks. */
	char *path;
	char **argv; /* PROBE_EXEC: NULL-terminated, at least one word */
};

/* Reads TEXT into *RET, which probe_spec_clear() frees.  false: WHY has the
 * reason appended, *RET is untouched. */
bool probe_parse(const char *text, struct probe_spec *ret, struct buf *why);

/* Frees what RET of probe_parse() holds and makes it PROBE_NONE. */
void probe_spec_clear(struct probe_spec *p);

/*
 * What an HTTP server answered so far: LEN bytes at DATA.  1: *RET_CODE is the
 * status (100 to 599); 0: more is needed; -1: that is no HTTP.
 * Source: RFC 9112, 4.
 */
int probe_http_status(const char *data, size_t len, int *ret_code);

#endif
