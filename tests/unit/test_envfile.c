/* Files of KEY=VALUE lines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/envfile.h"
#include "lib/buf.h"

/* Pairs, or "!LINE" for each problem, are written with | behind each. */
static const struct {
	const char *in, *out;
} rows[] = {
	{"", ""},
	{"\n \n\t# comment\n#A=b\n", ""},
	{"A=b", "A=b|"},
	{"A=b\nC=d\n", "A=b|C=d|"},
	{"A=b\r\nC=d\r\n\r\n", "A=b|C=d|"},
	{"\xef\xbb\xbf" "A=b", "A=b|"},
	{"export A=b\nexport\t B=c", "A=b|B=c|"},
	{"export=x", "export=x|"},
	{"  A=  b c \t\n", "A=b c|"},
	{"A=\nB=''\nC=\"\"", "A=|B=|C=|"},
	{"A=b # c\nB=b#c\nC= # x\nD=#x", "A=b|B=b#c|C=|D=#x|"},
	{"A='b # c' # d", "A=b # c|"},
	{"A=' b ' ", "A= b |"},
	{"A=b' c 'd", "A=b c d|"},
	{"A=$HOME ~ * %(x)s", "A=$HOME ~ * %(x)s|"},
	{"A='\\n\\''", "!1|"},
	{"A='a\\n'", "A=a\\n|"},
	{"A=\"a\\\"b\\\\c\\$d\\`e\\nf\"", "A=a\"b\\c$d`e\\nf|"},
	{"A=a\\nb\\", "A=a\\nb\\|"},
	{"A=\"a\nb\"\nB=c", "A=a\nb|B=c|"},
	{"A=\"a\\\nb\"\nB=c", "A=ab|B=c|"},
	{"A=\"a\\\\\nb\"", "A=a\\\nb|"},
	{"A='a\\\nb'", "A=a\\\nb|"},
	{"_a1=x", "_a1=x|"},
	{"A=1\nA=2", "A=1|A=2|"},
	{"A=\xff\xe6", "A=\xff\xe6|"},
	{"A", "!1|"},
	{"=b\nB=c", "!1|B=c|"},
	{"A =b", "!1|"},
	{"1A=b", "!1|"},
	{"A-B=c", "!1|"},
	{"A='x\ny\nB=c", "!1|"},
	{"\nA=\"two\nlines\"\nx\nB=c\n\ny", "A=two\nlines|!4|B=c|!7|"},
};

static void
on_problem(void *arg, unsigned line, const char *reason)
{
	ck_assert_uint_gt(strlen(reason), 5);
	buf_addf(arg, "!%u", line);
	buf_addc(arg, '\0');
}

START_TEST(test_rows)
{
	struct buf out = BUF_INIT;
	struct envfile_handler h = {&out, on_problem};
	bool ok;
	size_t n, i, want = 0;

	ok = envfile_parse(rows[_i].in, strlen(rows[_i].in), &h, &out, &n);
	for (i = 0; i < buf_len(&out); i++)
		if (out.data[i] == '\0')
			out.data[i] = '|';
	for (i = 0; rows[_i].out[i] != '\0'; i++)
		want += rows[_i].out[i] == '|';
	buf_addc(&out, '\0');
	ck_assert_str_eq(out.data, rows[_i].out);
	ck_assert(ok == (strchr(rows[_i].out, '!') == NULL));
	if (ok)
		ck_assert_uint_eq(n, want);
	buf_clear(&out);
}
END_TEST

START_TEST(test_nul)
{
	struct buf out = BUF_INIT;
	struct envfile_handler h = {&out, on_problem};
	size_t n;

	ck_assert(!envfile_parse("A=b\0c\nB=\"x\0\"\nC=d\n", 18, &h, &out,
	    &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_mem_eq(out.data, "!1\0!2\0C=d", 10);
	buf_clear(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("envfile");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, test_rows, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, test_nul);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
