/* Lines of logs: where they begin and end, and how they are written. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/logline.h"
#include "lib/buf.h"

static struct buf out;

/* Formats TEXT; what was written, as a string. */
static const char *
format(struct logline *f, const char *text, size_t len,
    enum logline_rest rest, size_t want_used)
{
	out.off = out.end = 0;
	ck_assert_uint_eq(logline_format(f, text, len, rest, 1 << 20, &out),
	    want_used);
	buf_addc(&out, '\0');
	return buf_head(&out);
}

#define STAMP(text, rest, used)						\
	format(&(struct logline){.stamp = "T"}, text, sizeof(text) - 1, rest, \
	    used)
#define JSON(text, rest, used)						\
	format(&(struct logline){.json = true, .stamp = "T",		\
	    .source = "\"program\":\"p\",\"stream\":\"s\","}, text,	\
	    sizeof(text) - 1, rest, used)
#define OBJECT(message)							\
	"{\"time\":\"T\",\"program\":\"p\",\"stream\":\"s\",\"message\":\"" \
	message "\"}\n"
#define PARTIAL(message)						\
	"{\"time\":\"T\",\"program\":\"p\",\"stream\":\"s\",\"message\":\"" \
	message "\",\"partial\":true}\n"

START_TEST(test_lines)
{
	ck_assert_str_eq(STAMP("a\nbc\n", LOGLINE_WAIT, 5), "T a\nT bc\n");
	ck_assert_str_eq(STAMP("\n\n", LOGLINE_WAIT, 2), "T \nT \n");
	ck_assert_str_eq(STAMP("a\nbc", LOGLINE_WAIT, 2), "T a\n");
	ck_assert_str_eq(STAMP("a\nbc", LOGLINE_LAST, 2), "T a\n");
	ck_assert_str_eq(STAMP("", LOGLINE_LAST, 0), "");
	ck_assert_str_eq(JSON("a\nbc\n", LOGLINE_WAIT, 5),
	    OBJECT("a") OBJECT("bc"));
	ck_assert_str_eq(JSON("\n", LOGLINE_WAIT, 1), OBJECT(""));
}
END_TEST

START_TEST(test_unfinished)
{
	ck_assert_str_eq(STAMP("half", LOGLINE_WAIT, 0), "");
	ck_assert_str_eq(STAMP("half", LOGLINE_CUT, 4), "T half\n");
	ck_assert_str_eq(STAMP("half", LOGLINE_LAST, 4), "T half\n");
	ck_assert_str_eq(JSON("half", LOGLINE_WAIT, 0), "");
	ck_assert_str_eq(JSON("half", LOGLINE_CUT, 4), PARTIAL("half"));
	ck_assert_str_eq(JSON("half", LOGLINE_LAST, 4), OBJECT("half"));
	/* Not inside of a character, if there is an end of one. */
	ck_assert_str_eq(JSON("x\xc3", LOGLINE_CUT, 1), PARTIAL("x"));
	ck_assert_str_eq(JSON("x\xe6\x97", LOGLINE_CUT, 1), PARTIAL("x"));
	ck_assert_str_eq(JSON("x\xe6\x97\xa5", LOGLINE_CUT, 4),
	    PARTIAL("x\xe6\x97\xa5"));
	ck_assert_str_eq(JSON("\xf0", LOGLINE_CUT, 1), PARTIAL("\\ufffd"));
	ck_assert_str_eq(JSON("\x80\x80\x80\x80\x80", LOGLINE_CUT, 5),
	    PARTIAL("\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"));
}
END_TEST

START_TEST(test_any_bytes)
{
	ck_assert_str_eq(JSON("\"\\\t\r\001\177\xff\xe6\x97\n", LOGLINE_WAIT,
	    10), OBJECT("\\\"\\\\\\t\\u000d\\u0001\\u007f\\ufffd\\ufffd"
	    "\\ufffd"));
	format(&(struct logline){.stamp = "T"}, "a\0b\n", 4, LOGLINE_WAIT, 4);
	ck_assert_mem_eq(buf_head(&out), "T a\0b\n", 6);
}
END_TEST

START_TEST(test_bound)
{
	struct logline f = {.stamp = "T"};

	out.off = out.end = 0;
	/* The line that goes beyond it is the last. */
	ck_assert_uint_eq(logline_format(&f, "aaaa\nbbbb\ncccc\n", 15,
	    LOGLINE_WAIT, 8, &out), 10);
	ck_assert_uint_eq(buf_len(&out), 14);
	ck_assert_uint_eq(logline_count(buf_head(&out), buf_len(&out)), 2);
}
END_TEST

START_TEST(test_used)
{
	const char *p = "a\nbc\nhalf";

	ck_assert_uint_eq(logline_used(p, 9, 0), 0);
	ck_assert_uint_eq(logline_used(p, 9, 1), 2);
	ck_assert_uint_eq(logline_used(p, 9, 2), 5);
	ck_assert_uint_eq(logline_used(p, 9, 3), 9);
	ck_assert_uint_eq(logline_used(p, 9, 4), 9);
	ck_assert_uint_eq(logline_count(p, 9), 2);
	ck_assert_uint_eq(logline_count(p, 0), 0);
}
END_TEST

START_TEST(test_strip)
{
	struct logline f = {.stamp = "T", .strip = true};

	ck_assert_str_eq(format(&f, "\033[1ma\033[0m\nb\n", 12, LOGLINE_WAIT,
	    12), "T a\nT b\n");
	/* A sequence ends with its line, but goes on where a line is cut. */
	ck_assert_str_eq(format(&f, "a\033[1\n1b\n", 8, LOGLINE_WAIT, 8),
	    "T a\nT 1b\n");
	ck_assert_str_eq(format(&f, "a\033[1", 4, LOGLINE_CUT, 4), "T a\n");
	ck_assert_uint_ne(f.escape, 0);
	ck_assert_str_eq(format(&f, "1mb\n", 4, LOGLINE_WAIT, 4), "T b\n");
	ck_assert_uint_eq(f.escape, 0);
}
END_TEST

START_TEST(test_stamp)
{
	struct tm tm = {.tm_year = 126, .tm_mon = 10, .tm_mday = 3,
		.tm_hour = 7, .tm_min = 8, .tm_sec = 9};
	char text[LOGLINE_STAMP];

	logline_stamp(text, &tm, 5);
	ck_assert_str_eq(text, "2026-11-03T07:08:09.005+00:00");
	tm.tm_gmtoff = 19800;
	logline_stamp(text, &tm, 999);
	ck_assert_str_eq(text, "2026-11-03T07:08:09.999+05:30");
	tm.tm_gmtoff = -12600;
	logline_stamp(text, &tm, 0);
	ck_assert_str_eq(text, "2026-11-03T07:08:09.000-03:30");
}
END_TEST

START_TEST(test_source)
{
	out.off = out.end = 0;
	logline_source(&out, "g:\"x\"", "stdout");
	buf_addc(&out, '\0');
	ck_assert_str_eq(buf_head(&out),
	    "\"program\":\"g:\\\"x\\\"\",\"stream\":\"stdout\",");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("logline");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_lines);
	tcase_add_test(t, test_unfinished);
	tcase_add_test(t, test_any_bytes);
	tcase_add_test(t, test_bound);
	tcase_add_test(t, test_used);
	tcase_add_test(t, test_strip);
	tcase_add_test(t, test_stamp);
	tcase_add_test(t, test_source);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	buf_clear(&out);
	return failed == 0 ? 0 : 1;
}
