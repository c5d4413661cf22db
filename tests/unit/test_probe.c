/* Values of `ready` and `health`. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/probe.h"
#include "lib/buf.h"

static struct probe_spec
parse(const char *text)
{
	struct buf why = BUF_INIT;
	struct probe_spec p;

	if (!probe_parse(text, &p, &why)) {
		buf_addc(&why, '\0');
		ck_abort_msg("%s: %s", text, buf_head(&why));
	}
	ck_assert_uint_eq(buf_len(&why), 0);
	return p;
}

START_TEST(plain)
{
	struct probe_spec p = parse("none");

	ck_assert_int_eq(p.kind, PROBE_NONE);
	p = parse("Notify");
	ck_assert_int_eq(p.kind, PROBE_NOTIFY);
	p = parse("fd:3");
	ck_assert_int_eq(p.kind, PROBE_FD);
	ck_assert_int_eq(p.fd, 3);
	p = parse("fd:1023");
	ck_assert_int_eq(p.fd, 1023);
	p = parse("unix:/run/x.sock");
	ck_assert_int_eq(p.kind, PROBE_UNIX);
	ck_assert_str_eq(p.path, "/run/x.sock");
	probe_spec_clear(&p);
	ck_assert_int_eq(p.kind, PROBE_NONE);
	ck_assert_ptr_null(p.path);
	p = parse("unix:@x");
	ck_assert_str_eq(p.path, "@x");
	probe_spec_clear(&p);
	p = parse("exec:curl -fsS 'a b'");
	ck_assert_int_eq(p.kind, PROBE_EXEC);
	ck_assert_str_eq(p.argv[0], "curl");
	ck_assert_str_eq(p.argv[2], "a b");
	ck_assert_ptr_null(p.argv[3]);
	probe_spec_clear(&p);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *text, *host, *path;
		bool ip6;
		uint16_t port;
		uint8_t first, last; /* of the address */
	} rows[] = {
		{"tcp:127.0.0.1:5432", "127.0.0.1:5432", NULL, 0, 5432, 127,
		    1},
		{"tcp::1", "127.0.0.1:1", NULL, 0, 1, 127, 1},
		{"tcp:*:65535", "127.0.0.1:65535", NULL, 0, 65535, 127, 1},
		{"TCP:LocalHost:80", "127.0.0.1", NULL, 0, 80, 127, 1},
		{"tcp:10.0.0.9:6379", "10.0.0.9:6379", NULL, 0, 6379, 10, 9},
		{"tcp:[::1]:80", "[::1]", NULL, 1, 80, 0, 1},
		{"tcp:[fd00::7]:8080", "[fd00::7]:8080", NULL, 1, 8080, 0xfd,
		    7},
		{"http://127.0.0.1:8080/health", "127.0.0.1:8080", "/health",
		    0, 8080, 127, 1},
		{"http://localhost", "127.0.0.1", "/", 0, 80, 127, 1},
		{"http:///x", "127.0.0.1", "/x", 0, 80, 127, 1},
		{"http://:81/", "127.0.0.1:81", "/", 0, 81, 127, 1},
		{"http://*:81?a=b", "127.0.0.1:81", "/?a=b", 0, 81, 127, 1},
		{"HTTP://[::1]:8080/a/b?c=%20d:9", "[::1]:8080",
		    "/a/b?c=%20d:9", 1, 8080, 0, 1},
		{"http://[::1]/", "[::1]", "/", 1, 80, 0, 1},
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct probe_spec p = parse(rows[i].text);

		ck_assert_str_eq(p.host, rows[i].host);
		ck_assert_int_eq(p.kind, rows[i].path == NULL ? PROBE_TCP :
		    PROBE_HTTP);
		if (rows[i].path != NULL)
			ck_assert_str_eq(p.path, rows[i].path);
		ck_assert_int_eq(p.ip6, rows[i].ip6);
		ck_assert_uint_eq(p.port, rows[i].port);
		ck_assert_uint_eq(p.addr[0], rows[i].first);
		ck_assert_uint_eq(p.addr[p.ip6 ? 15 : 3], rows[i].last);
		probe_spec_clear(&p);
	}
}
END_TEST

static void
check_refused(const char *text, const char *reason)
{
	struct buf why = BUF_INIT;
	struct probe_spec p = {.fd = 42};

	ck_assert_msg(!probe_parse(text, &p, &why), "accepted: %s", text);
	buf_addc(&why, '\0');
	ck_assert_msg(strstr(buf_head(&why), reason) != NULL, "%s: %s", text,
	    buf_head(&why));
	ck_assert_int_eq(p.fd, 42);
	buf_clear(&why);
}

START_TEST(refused)
{
	static const char *const rows[][2] = {
		{"", "\"\" is none of none, notify, fd:N, tcp:HOST:PORT, "
		    "unix:PATH, http://HOST[:PORT]/PATH, exec:COMMAND"},
		{"yes", "is none of"},
		{"none ", "is none of"},
		{"notify:x", "is none of"},
		{"ftp://x", "is none of"},
		{"http:x", "is none of"},
		{"https://localhost/", "use exec:curl"},
		{"fd:", "not the number of a descriptor (3 to 1023)"},
		{"fd:2", "(3 to 1023)"},
		{"fd:1024", "(3 to 1023)"},
		{"fd:3x", "(3 to 1023)"},
		{"tcp:", "has no port"},
		{"tcp:5432", "\"5432\" has no port: HOST:PORT, or :PORT"},
		{"tcp:db:5432", "\"db\" is not an address: names are not "
		    "looked up"},
		{"tcp:db:5432", "use exec:"},
		{"tcp:127.0.0.1:", "\"\" is not a port"},
		{"tcp:127.0.0.1:0", "\"0\" is not a port (1 to 65535)"},
		{"tcp:127.0.0.1:65536", "is not a port"},
		{"tcp:127.0.0.1:-1", "is not a port"},
		{"tcp:127.0.0.1:http", "is not a port"},
		{"tcp:127.1:80", "is not an address"},
		{"tcp:127.0.0.256:80", "is not an address"},
		{"tcp:::1:80", "stand in brackets"},
		{"tcp:[::1:80", "lacks a ]"},
		{"tcp:[::1]", "has no port"},
		{"tcp:[::1]80", "is not a port"},
		{"tcp:[127.0.0.1]:80", "is not an IPv6 address"},
		{"tcp:[fe80::1%eth0]:80", "is not an IPv6 address"},
		{"unix:", "is not an absolute path"},
		{"unix:x.sock", "is not an absolute path"},
		{"unix:@", "is not an absolute path"},
		{"http://example.org/", "names are not looked up"},
		{"http://u:p@localhost/", "has a user"},
		{"http://localhost/a b", "stands as %XX"},
		{"http://localhost/#a", "stands as %XX"},
		{"http://localhost/\xc3\xa9", "stands as %XX"},
		{"http://localhost:80x/", "is not a port"},
		{"exec:", "is not a command"},
		{"exec:  ", "is not a command"},
		{"exec:'' x", "is not a command"},
		{"exec:a 'b", "quot"},
	};
	char path[PROBE_UNIX_MAX + 7] = "unix:/";
	char url[PROBE_URL_MAX + 20] = "http://*/";
	struct probe_spec p;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_refused(rows[i][0], rows[i][1]);
	memset(path + 6, 'x', PROBE_UNIX_MAX - 1);
	p = parse(path);
	ck_assert_uint_eq(strlen(p.path), PROBE_UNIX_MAX);
	probe_spec_clear(&p);
	path[5 + PROBE_UNIX_MAX] = 'x';
	check_refused(path, "too long for a socket (107 bytes)");
	memset(url + 9, 'x', PROBE_URL_MAX - 1);
	p = parse(url);
	probe_spec_clear(&p);
	url[8 + PROBE_URL_MAX] = 'x';
	check_refused(url, "is too long (1024 bytes)");
}
END_TEST

START_TEST(answers)
{
	static const struct {
		const char *text;
		int result, code;
	} rows[] = {
		{"", 0, 0},
		{"HTT", 0, 0},
		{"HTTP/1.1 20", 0, 0},
		{"HTTP/1.1 200", 0, 0},
		{"HTTP/1.1 200 ", 1, 200},
		{"HTTP/1.0 302\r", 1, 302},
		{"HTTP/1.1 503 Service Unavailable\r\n", 1, 503},
		{"HTTP/1.1 204\n", 1, 204},
		{"HTTP/1.1 2000 ", -1, 0},
		{"HTTP/1.1 099 ", -1, 0},
		{"HTTP/1.1 600 ", -1, 0},
		{"HTTP/1.1  200 ", -1, 0},
		{"http/1.1 200 ", -1, 0},
		{"HTTP/x.1 200 ", -1, 0},
		{"SSH-2.0-x\r\n", -1, 0},
		{"\r\nHTTP/1.1 200 ", -1, 0},
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int code = 0;

		ck_assert_msg(probe_http_status(rows[i].text,
		    strlen(rows[i].text), &code) == rows[i].result, "%s",
		    rows[i].text);
		if (rows[i].result == 1)
			ck_assert_int_eq(code, rows[i].code);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("probe");
	TCase *t = tcase_create("probe");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, plain);
	tcase_add_test(t, addresses);
	tcase_add_test(t, refused);
	tcase_add_test(t, answers);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
