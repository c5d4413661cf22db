/* Values of `ready` and `health`; see probe.h. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/confvalue.h"
#include "core/probe.h"
#include "core/shlex.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define HTTP_PORT 80

static bool
refuse(struct buf *why, const char *text, const char *reason)
{
	confvalue_quote(why, text);
	buf_addc(why, ' ');
	buf_adds(why, reason);
	return false;
}

/* --- hosts and ports --- */

static bool
is_this_machine(const char *host)
{
	return host[0] == '\0' || strcmp(host, "*") == 0 ||
	    strcasecmp(host, "localhost") == 0;
}

/* HOST without brackets. */
static bool
parse_host(struct probe_spec *p, const char *host, bool brackets,
    struct buf *why)
{
	p->ip6 = brackets;
	if (brackets)
		return inet_pton(AF_INET6, host, p->addr) == 1 ||
		    refuse(why, host, "is not an IPv6 address");
	if (inet_pton(AF_INET, is_this_machine(host) ? "127.0.0.1" : host,
	    p->addr) == 1)
		return true;
	if (strchr(host, ':') != NULL)
		return refuse(why, host, "is not an IPv4 address; IPv6 "
		    "addresses stand in brackets, as in [::1]:80");
	return refuse(why, host, "is not an address: names are not looked up "
	    "in the loop of the supervisor, which must not wait; use exec: "
	    "with a command that does it");
}

static bool
parse_port(struct probe_spec *p, const char *text, struct buf *why)
{
	int64_t n;

	if (text[0] == '+' || !str_to_int(text, 1, 65535, &n))
		return refuse(why, text, "is not a port (1 to 65535)");
	p->port = (uint16_t)n;
	return true;
}

static void
set_host_text(struct probe_spec *p)
{
	char num[INET6_ADDRSTRLEN] = "";
	char port[8] = "";

	inet_ntop(p->ip6 ? AF_INET6 : AF_INET, p->addr, num, sizeof num);
	if (p->port != HTTP_PORT)
		snprintf(port, sizeof port, ":%u", (unsigned)p->port);
	snprintf(p->host, sizeof p->host, p->ip6 ? "[%s]%s" : "%s%s", num,
	    port);
}

/* AUTHORITY = HOST[:PORT], is written to.  PORT may only be left out if
 * DEFAULT is not 0. */
static bool
parse_authority(struct probe_spec *p, char *authority, uint16_t def,
    struct buf *why)
{
	char *host = authority, *colon;
	bool brackets = *host == '[';

	if (brackets) {
		colon = strchr(++host, ']');
		if (colon == NULL)
			return refuse(why, authority, "lacks a ]");
		*colon++ = '\0';
		if (*colon != '\0' && *colon != ':')
			return refuse(why, colon, "behind the ] is not a port");
		colon = *colon == ':' ? colon : NULL;
	} else {
		colon = strrchr(host, ':');
	}
	if (colon == NULL && def == 0)
		return refuse(why, host, "has no port: HOST:PORT, or :PORT "
		    "for this machine");
	p->port = def;
	if (colon != NULL) {
		*colon = '\0';
		if (!parse_port(p, colon + 1, why))
			return false;
	}
	if (!parse_host(p, host, brackets, why))
		return false;
	set_host_text(p);
	return true;
}

/* --- the kinds --- */

static bool
parse_fd(struct probe_spec *p, const char *arg, struct buf *why)
{
	int64_t n;

	if (!str_to_int(arg, PROBE_FD_MIN, PROBE_FD_MAX, &n)) {
		refuse(why, arg, "is not the number of a descriptor");
		buf_addf(why, " (%d to %d)", PROBE_FD_MIN, PROBE_FD_MAX);
		return false;
	}
	p->fd = (int)n;
	return true;
}

static bool
parse_tcp(struct probe_spec *p, const char *arg, struct buf *why)
{
	char *copy = xstrdup(arg);
	bool ok = parse_authority(p, copy, 0, why);

	free(copy);
	return ok;
}

static bool
parse_unix(struct probe_spec *p, const char *arg, struct buf *why)
{
	if (arg[0] != '/' && (arg[0] != '@' || arg[1] == '\0'))
		return refuse(why, arg, "is not an absolute path");
	if (strlen(arg) > PROBE_UNIX_MAX) {
		refuse(why, arg, "is too long for a socket");
		buf_addf(why, " (%d bytes)", PROBE_UNIX_MAX);
		return false;
	}
	p->path = xstrdup(arg);
	return true;
}

static bool
check_url_path(const char *path, struct buf *why)
{
	const char *s;

	if (strlen(path) > PROBE_URL_MAX) {
		refuse(why, path, "is too long");
		buf_addf(why, " (%d bytes)", PROBE_URL_MAX);
		return false;
	}
	for (s = path; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || *s == '#')
			return refuse(why, path, "has a byte that stands as "
			    "%XX in a URL");
	return true;
}

static bool
parse_http(struct probe_spec *p, const char *arg, struct buf *why)
{
	size_t len = strcspn(arg, "/?#");
	const char *path = arg + len;
	char *authority;
	bool ok;

	if (!check_url_path(path, why))
		return false;
	authority = xstrndup(arg, len);
	if (strchr(authority, '@') != NULL)
		ok = refuse(why, authority, "has a user, which is not sent; "
		    "use exec:curl");
	else
		ok = parse_authority(p, authority, HTTP_PORT, why);
	free(authority);
	if (ok)
		p->path = *path == '/' ? xstrdup(path) :
		    xasprintf("/%s", path);
	return ok;
}

static bool
parse_https(struct probe_spec *p, const char *arg, struct buf *why)
{
	(void)p;
	(void)arg;
	buf_adds(why, "https is not spoken here; use exec:curl -fsS "
	    "https://...");
	return false;
}

static bool
parse_exec(struct probe_spec *p, const char *arg, struct buf *why)
{
	struct buf words = BUF_INIT;
	const char *w;
	size_t n, i;
	bool ok = shlex_split(arg, &words, &n, why);

	if (ok && (n == 0 || *buf_head(&words) == '\0'))
		ok = refuse(why, arg, "is not a command");
	if (ok) {
		p->argv = xcalloc(n + 1, sizeof *p->argv);
		w = buf_head(&words);
		for (i = 0; i < n; i++, w += strlen(w) + 1)
			p->argv[i] = xstrdup(w);
	}
	buf_clear(&words);
	return ok;
}

static const struct {
	const char *prefix, *help;
	enum probe_kind kind;
	bool (*parse)(struct probe_spec *p, const char *arg, struct buf *why);
} kinds[] = {
	{"none", "none", PROBE_NONE, NULL}, /* NULL: all of the word */
	{"notify", "notify", PROBE_NOTIFY, NULL},
	{"fd:", "fd:N", PROBE_FD, parse_fd},
	{"tcp:", "tcp:HOST:PORT", PROBE_TCP, parse_tcp},
	{"unix:", "unix:PATH", PROBE_UNIX, parse_unix},
	{"http://", "http://HOST[:PORT]/PATH", PROBE_HTTP, parse_http},
	{"exec:", "exec:COMMAND", PROBE_EXEC, parse_exec},
	{"https://", NULL, PROBE_HTTP, parse_https},
};
#define NKINDS (sizeof kinds / sizeof kinds[0])

bool
probe_parse(const char *text, struct probe_spec *ret, struct buf *why)
{
	struct probe_spec p;
	size_t i, len;

	memset(&p, 0, sizeof p);
	for (i = 0; i < NKINDS; i++) {
		len = strlen(kinds[i].prefix);
		if (strncasecmp(text, kinds[i].prefix, len) != 0 ||
		    (kinds[i].parse == NULL && text[len] != '\0'))
			continue;
		p.kind = kinds[i].kind;
		if (kinds[i].parse != NULL &&
		    !kinds[i].parse(&p, text + len, why))
			return false;
		*ret = p;
		return true;
	}
	refuse(why, text, "is none of ");
	for (i = 0; i < NKINDS && kinds[i].help != NULL; i++)
		buf_addf(why, "%s%s", i > 0 ? ", " : "", kinds[i].help);
	return false;
}

void
probe_spec_clear(struct probe_spec *p)
{
	size_t i;

	for (i = 0; p->argv != NULL && p->argv[i] != NULL; i++)
		free(p->argv[i]);
	free(p->argv);
	free(p->path);
	memset(p, 0, sizeof *p);
}

int
probe_http_status(const char *data, size_t len, int *ret_code)
{
	static const char form[] = "HTTP/d.d ddd";
	size_t i;

	for (i = 0; i < sizeof form - 1; i++) {
		if (i == len)
			return 0;
		if (form[i] == 'd' ? data[i] < '0' || data[i] > '9' :
		    data[i] != form[i])
			return -1;
	}
	if (i == len)
		return 0;
	if (data[i] != ' ' && data[i] != '\r' && data[i] != '\n')
		return -1;
	*ret_code = (data[9] - '0') * 100 + (data[10] - '0') * 10 + data[11] -
	    '0';
	return *ret_code >= 100 && *ret_code <= 599 ? 1 : -1;
}
