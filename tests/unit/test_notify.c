/* What programs say to $NOTIFY_SOCKET. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/notify.h"
#include "lib/str.h"

static struct notify
parse(const char *text)
{
	struct notify n;

	ck_assert(notify_parse(text, strlen(text), &n));
	return n;
}

START_TEST(bits)
{
	static const struct {
		const char *text;
		unsigned set;
	} rows[] = {
		{"", 0},
		{"\n\n", 0},
		{"READY=1", NOTIFY_READY},
		{"READY=1\n", NOTIFY_READY},
		{"READY=0", 0},
		{"READY=", 0},
		{"READY", 0},
		{"=1", 0},
		{"=", 0},
		{"ready=1", 0},
		{"READY=1 ", 0},
		{" READY=1", 0},
		{"READY=11", 0},
		{"XREADY=1", 0},
		{"RELOADING=1\nMONOTONIC_USEC=5",
		    NOTIFY_RELOADING | NOTIFY_MONOTONIC_USEC},
		{"STOPPING=1", NOTIFY_STOPPING},
		{"WATCHDOG=1", NOTIFY_WATCHDOG},
		{"WATCHDOG=trigger", NOTIFY_TRIGGER},
		{"WATCHDOG=Trigger", 0},
		{"BARRIER=1", NOTIFY_BARRIER},
		{"FDSTORE=1\nFDNAME=x\nX_FOO=bar\nREADY=1", NOTIFY_READY},
		{"READY=1\nSTATUS=up\nMAINPID=7",
		    NOTIFY_READY | NOTIFY_STATUS | NOTIFY_MAINPID},
		{"MAINPID=0", 0},
		{"MAINPID=-1", 0},
		{"MAINPID=2147483648", 0},
		{"MAINPID=1x", 0},
		{"ERRNO=-2", 0},
		{"ERRNO=4096", 0},
		{"ERRNO=", 0},
		{"WATCHDOG_USEC=9223372036854775808", 0},
		{"WATCHDOG_USEC=00000000000000000000000000000001", 0},
		{"EXTEND_TIMEOUT_USEC=1.5", 0},
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_msg(parse(rows[i].text).set == rows[i].set, "%s",
		    rows[i].text);
}
END_TEST

START_TEST(values)
{
	struct notify n = parse("ERRNO=2\nMAINPID=2147483647\n"
	    "WATCHDOG_USEC=9223372036854775807\nEXTEND_TIMEOUT_USEC=0\n"
	    "MONOTONIC_USEC=123\nSTATUS=one = two");

	ck_assert_int_eq(n.err, 2);
	ck_assert_int_eq(n.mainpid, INT32_MAX);
	ck_assert_int_eq(n.watchdog_us, INT64_MAX);
	ck_assert_int_eq(n.extend_us, 0);
	ck_assert_int_eq(n.monotonic_us, 123);
	ck_assert_str_eq(n.status, "one = two");
	ck_assert_uint_ne(n.set & NOTIFY_EXTEND_TIMEOUT, 0);
	ck_assert_int_eq(parse("ERRNO=1\nERRNO=5\nERRNO=x").err, 5);
	n = parse("STATUS=a\nSTATUS=");
	ck_assert_uint_eq(n.set, NOTIFY_STATUS);
	ck_assert_str_eq(n.status, "");
}
END_TEST

START_TEST(status_is_safe)
{
	static const char *const rows[][2] = {
		{"caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac"},
		{"a\033[31mb\r\tc\x7f", "a\\x1B[31mb\\x0D\\x09c\\x7F"},
		{"a\xff\xfe\xc3", "a\\xFF\\xFE\\xC3"},
		{"a\xc2\x9b", "a\\xC2\\x9B"},
	};
	char text[64] = "STATUS=";
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		str_copy(text + 7, rows[i][0], sizeof text - 7);
		ck_assert_str_eq(parse(text).status, rows[i][1]);
	}
}
END_TEST

/* CHAR N times, behind PAD letters: how much of it stays. */
static size_t
status_len(const char *ch, size_t n, size_t pad)
{
	char text[NOTIFY_MAX + 1] = "STATUS=";
	size_t len = 7, i;

	memset(text + len, 'x', pad);
	for (i = 0, len += pad; i < n; i++, len += strlen(ch))
		memcpy(text + len, ch, strlen(ch));
	return strlen(parse(text).status);
}

START_TEST(status_is_cut_between_characters)
{
	ck_assert_uint_eq(status_len("a", 200, 0), 200);
	ck_assert_uint_eq(status_len("a", 201, 0), 200);
	ck_assert_uint_eq(status_len("a", 4000, 0), 200);
	ck_assert_uint_eq(status_len("\xc3\xa9", 150, 0), 200);
	ck_assert_uint_eq(status_len("\xc3\xa9", 150, 1), 199);
	ck_assert_uint_eq(status_len("\xe2\x82\xac", 150, 0), 198);
	ck_assert_uint_eq(status_len("\xf0\x9f\x98\x80", 150, 3), 199);
	ck_assert_uint_eq(status_len("\xff", 150, 0), 200);
	ck_assert_uint_eq(status_len("\xff", 150, 3), 199);
}
END_TEST

START_TEST(refused)
{
	char big[NOTIFY_MAX + 1];
	struct notify n;

	memset(big, '\n', sizeof big);
	memcpy(big, "READY=1", 7);
	ck_assert(notify_parse(big, NOTIFY_MAX, &n));
	ck_assert_uint_eq(n.set, NOTIFY_READY);
	ck_assert(!notify_parse(big, NOTIFY_MAX + 1, &n));
	ck_assert_uint_eq(n.set, 0);
	ck_assert(!notify_parse("READY=1\0STOPPING=1", 18, &n));
	ck_assert_uint_eq(n.set, 0);
	ck_assert(notify_parse("READY=1", 8, &n)); /* its NUL came along */
	ck_assert_uint_eq(n.set, NOTIFY_READY);
	ck_assert(!notify_parse("READY=1\0", 9, &n));
	ck_assert(notify_parse(NULL, 0, &n));
	ck_assert(notify_parse("", 1, &n));
	ck_assert_uint_eq(n.set, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("notify");
	TCase *t = tcase_create("notify");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, bits);
	tcase_add_test(t, values);
	tcase_add_test(t, status_is_safe);
	tcase_add_test(t, status_is_cut_between_characters);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
