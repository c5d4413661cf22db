/* Tests of cli/render.c: tables, numbers for people, control bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The content of B as a string; B is empty then. */
static const char *
text(struct buf *b)
{
	static char *last;

	free(last);
	last = buf_steal(b);
	return last;
}

START_TEST(table_is_aligned)
{
	static const struct render_column cols[] = {
		{"NAME", false}, {"PID", true}, {"INFO", false},
	};
	struct render_table *t = render_table_new(cols, 3);
	struct buf out = BUF_INIT;

	render_table_cell(t, RENDER_PLAIN, "w\xc3\xb6rker");
	render_table_cell(t, RENDER_PLAIN, "7");
	render_table_cell(t, RENDER_PLAIN, NULL);
	render_table_cell(t, RENDER_PLAIN, "a");
	render_table_cell(t, RENDER_PLAIN, "");
	render_table_cell(t, RENDER_PLAIN, "late");
	render_table_cell(t, RENDER_PLAIN, "half a row is not shown");
	render_table_write(t, false, &out);
	ck_assert_str_eq(text(&out),
	    "NAME                     PID  INFO\n"
	    "w\xc3\xb6rker                     7\n"
	    "a                          -  late\n");
	render_table_free(t);
}
END_TEST

START_TEST(table_escapes_and_colours)
{
	static const struct render_column cols[] = {{"N", false}};
	struct render_table *t = render_table_new(cols, 1);
	struct buf out = BUF_INIT;

	render_table_cell(t, RENDER_RED, "\033]0;x\007\n");
	render_table_write(t, false, &out);
	ck_assert_str_eq(text(&out), "N\n\\x1B]0;x\\x07\\x0A\n");
	render_table_write(t, true, &out);
	ck_assert_str_eq(text(&out), "\033[1mN\033[0m\n"
	    "\033[31m\\x1B]0;x\\x07\\x0A\033[0m\n");
	render_table_free(t);
}
END_TEST

START_TEST(table_without_rows)
{
	static const struct render_column cols[] = {
		{"A", false}, {"B", true},
	};
	struct render_table *t = render_table_new(cols, 2);
	struct buf out = BUF_INIT;

	render_table_write(t, false, &out);
	ck_assert_str_eq(text(&out), "A  B\n");
	render_table_free(t);
}
END_TEST

START_TEST(table_grows)
{
	static const struct render_column cols[] = {
		{"A", false}, {"B", false}, {"C", false},
	};
	struct render_table *t = render_table_new(cols, 3);
	struct buf out = BUF_INIT;
	size_t i, lines = 0;

	for (i = 0; i < 3 * 5000; i++)
		render_table_cell(t, RENDER_GREEN, "x");
	render_table_write(t, false, &out);
	for (i = 0; i < buf_len(&out); i++)
		lines += out.data[i] == '\n';
	ck_assert_uint_eq(lines, 5001);
	buf_clear(&out);
	render_table_free(t);
}
END_TEST

START_TEST(width_counts_code_points)
{
	ck_assert_uint_eq(render_width(""), 0);
	ck_assert_uint_eq(render_width("abc"), 3);
	ck_assert_uint_eq(render_width("w\xc3\xb6rker"), 6);
	ck_assert_uint_eq(render_width("\xe2\x82\xac\xf0\x9f\x98\x80"), 2);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		double seconds;
		const char *text;
	} rows[] = {
		{-5, "0s"}, {0, "0s"}, {0.99, "0s"}, {59.99, "59s"},
		{60, "1m 0s"}, {125.5, "2m 5s"}, {3599, "59m 59s"},
		{3600, "1h 0m"}, {7380, "2h 3m"}, {86399, "23h 59m"},
		{86400, "1d 0h"}, {400 * 86400.0 + 7200, "400d 2h"},
		{1e300, "11574074074d 1h"},
	};
	char out[RENDER_SHORT];
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		ck_assert_str_eq(render_duration(rows[i].seconds, out),
		    rows[i].text);
}
END_TEST

START_TEST(cpu_times)
{
	char out[RENDER_SHORT];

	ck_assert_str_eq(render_cpu(-1, out), "0.00s");
	ck_assert_str_eq(render_cpu(0.256, out), "0.26s");
	ck_assert_str_eq(render_cpu(59.99, out), "59.99s");
	ck_assert_str_eq(render_cpu(59.999, out), "59s");
	ck_assert_str_eq(render_cpu(61, out), "1m 1s");
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		double bytes;
		const char *text;
	} rows[] = {
		{-1, "0B"}, {0, "0B"}, {1023, "1023B"}, {1024, "1.0K"},
		{1536, "1.5K"}, {1024 * 1024 - 1, "1.0M"},
		{12 * 1024 * 1024, "12.0M"}, {3e9, "2.8G"},
		{1e300, "888.2P"},
	};
	char out[RENDER_SHORT];
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		ck_assert_str_eq(render_size(rows[i].bytes, out),
		    rows[i].text);
}
END_TEST

/* The same text, cut in two at every place, comes out the same. */
START_TEST(log_pieces)
{
	static const char in[] = "a\tb\n\033[1m\xc3\xb6 \xe2\x82\xac "
	    "\xf0\x9f\x98\x80 \xff \xc2\x9b \xe2\x82x\r\n";
	static const char want[] = "a\tb\n\\x1B[1m\xc3\xb6 \xe2\x82\xac "
	    "\xf0\x9f\x98\x80 \\xFF \\xC2\\x9B \\xE2\\x82x\\x0D\n";
	size_t len = sizeof in - 1, cut;

	for (cut = 0; cut <= len; cut++) {
		struct render_log l = {0};
		struct buf out = BUF_INIT;

		render_log_add(&l, in, cut, &out);
		render_log_add(&l, in + cut, len - cut, &out);
		render_log_end(&l, &out);
		ck_assert_str_eq(text(&out), want);
	}
}
END_TEST

START_TEST(log_byte_by_byte)
{
	static const char in[] = "\xf0\x9f\x98\x80\xe2\x82\n";
	struct render_log l = {0};
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof in - 1; i++)
		render_log_add(&l, in + i, 1, &out);
	render_log_end(&l, &out);
	ck_assert_str_eq(text(&out), "\xf0\x9f\x98\x80\\xE2\\x82\n");
}
END_TEST

START_TEST(log_ends_inside_a_character)
{
	struct render_log l = {0};
	struct buf out = BUF_INIT;

	render_log_add(&l, "x\xe2\x82", 3, &out);
	ck_assert_uint_eq(buf_len(&out), 1);
	render_log_end(&l, &out);
	ck_assert_str_eq(text(&out), "x\\xE2\\x82");
	ck_assert_uint_eq(l.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("render");
	TCase *tc = tcase_create("render");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, table_is_aligned);
	tcase_add_test(tc, table_escapes_and_colours);
	tcase_add_test(tc, table_without_rows);
	tcase_add_test(tc, table_grows);
	tcase_add_test(tc, width_counts_code_points);
	tcase_add_test(tc, durations);
	tcase_add_test(tc, cpu_times);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, log_pieces);
	tcase_add_test(tc, log_byte_by_byte);
	tcase_add_test(tc, log_ends_inside_a_character);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
