/* Commands as Python's shlex.split() reads them, and `environment`. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/shlex.h"
#include "lib/buf.h"

#define FAIL NULL

/* Words are written with | behind each. */
struct row {
	const char *in, *out;
};

static const struct row commands[] = {
	{"", ""},
	{"  \t\n ", ""},
	{"a b  c", "a|b|c|"},
	{"a\nb\tc\r", "a|b|c|"},
	{"a 'b c' \"d e\"", "a|b c|d e|"},
	{"a'b'\"c\"d", "abcd|"},
	{"''", "|"},
	{"a \"\" b", "a||b|"},
	{"a\\ b", "a b|"},
	{"\"a\\\"b\"", "a\"b|"},
	{"\"a\\\\b\"", "a\\b|"},
	{"\"a\\nb\"", "a\\nb|"},
	{"'a\\'", "a\\|"},
	{"'a\nb'", "a\nb|"},
	{"a # b", "a|#|b|"},
	{"a#b $HOME ~ * | > x", "a#b|$HOME|~|*|||>|x|"},
	{"a \\\nb", "a|\nb|"},
	{"'a", FAIL},
	{"\"a", FAIL},
	{"a'b\"c\"", FAIL},
	{"a\\", FAIL},
	{"\"a\\\"", FAIL},
};

static const struct row environments[] = {
	{"", ""},
	{" \n ", ""},
	{"A=b", "A=b|"},
	{"A=b,C=d", "A=b|C=d|"},
	{"A=b,C=d,", "A=b|C=d|"},
	{"A=b , C=d", "A=b|C=d|"},
	{"A=b\nC=d", "A=b|C=d|"},
	{"A=b,\n  C=d\n", "A=b|C=d|"},
	{"\nA=b", "A=b|"},
	{"A=\"b c\",C='d,e'", "A=b c|C=d,e|"},
	{"A='b=c'", "A=b=c|"},
	{"A=$HOME", "A=$HOME|"},
	{"A=http://x/y?z=1", "A=http://x/y?z=1|"},
	{"A=a@b", "A=a@b|"},
	{"A=x;y", "A=x;y|"},
	{"A=", "A=|"},
	{"A=,B=c", "A=|B=c|"},
	{"A=\nB=c", "A=|B=c|"},
	{"A=\"\"", "A=|"},
	{"A=''", "A=|"},
	{"A = b", "A=b|"},
	{"A = \"b c\" , B = d", "A=b c|B=d|"},
	{"A=\"a\\\"b\"", "A=a\"b|"},
	{"A=\"a\\\\b\"", "A=a\\b|"},
	{"A=\"a\\nb\"", "A=a\\nb|"},
	{"A='a\\'", "A=a\\|"},
	{"A=C:\\x", "A=C:\\x|"},
	{"A=a'b c'd", "A=ab cd|"},
	{"A=\"two\nlines\"", "A=two\nlines|"},
	{"A=1,B=2,A=3", "A=3|B=2|"},
	{"a.b/c-d+e:f(g)=h", "a.b/c-d+e:f(g)=h|"},
	{"A=\xff", "A=\xff|"},
	{"A=a b", FAIL},
	{"A=1 B=2", FAIL},
	{"A= B=2", FAIL},
	{"A", FAIL},
	{"A,B=c", FAIL},
	{"=b", FAIL},
	{"A=\"b", FAIL},
	{"A='b", FAIL},
	{"A=b,\"C\"=d", FAIL},
	{"A=\"b\" c", FAIL},
	{"'A=b'", FAIL},
};

static void
check_row(const struct row *r,
    bool (*split)(const char *, struct buf *, size_t *, struct buf *))
{
	struct buf out = BUF_INIT, why = BUF_INIT;
	size_t n = 0, i, bars = 0;
	bool ok = split(r->in, &out, &n, &why);

	ck_assert_msg(ok == (r->out != NULL), "%s: %.*s", r->in,
	    (int)buf_len(&why), buf_len(&why) ? buf_head(&why) : "");
	if (ok) {
		for (i = 0; i < buf_len(&out); i++) {
			if (buf_head(&out)[i] == '\0') {
				buf_head(&out)[i] = '|';
				bars++;
			}
		}
		ck_assert_uint_eq(bars, n);
		buf_addc(&out, '\0');
		ck_assert_str_eq(buf_head(&out), r->out);
	} else {
		ck_assert_uint_gt(buf_len(&why), 0);
	}
	buf_clear(&out);
	buf_clear(&why);
}

START_TEST(test_command)
{
	check_row(&commands[_i], shlex_split);
}
END_TEST

START_TEST(test_environment)
{
	check_row(&environments[_i], shlex_environment);
}
END_TEST

START_TEST(test_column)
{
	struct buf out = BUF_INIT, why = BUF_INIT;
	size_t n;

	ck_assert(!shlex_environment("A=a b", &out, &n, &why));
	buf_addc(&why, '\0');
	ck_assert_ptr_nonnull(strstr(buf_head(&why), "column 5"));
	buf_clear(&out);
	buf_clear(&why);
}
END_TEST

/* Every byte survives quoting, in a word and in a pair. */
START_TEST(test_quote)
{
	struct buf quoted = BUF_INIT, out = BUF_INIT, why = BUF_INIT;
	char word[16];
	size_t n;

	snprintf(word, sizeof word, "A=%c\\%c'\"%c", _i, _i, _i);
	shlex_quote(&quoted, word);
	buf_addc(&quoted, '\0');
	ck_assert(shlex_split(buf_head(&quoted), &out, &n, &why));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(buf_head(&out), word);
	buf_clear(&quoted);
	buf_clear(&out);

	shlex_quote_pair(&quoted, word);
	buf_addc(&quoted, '\0');
	ck_assert(shlex_environment(buf_head(&quoted), &out, &n, &why));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(buf_head(&out), word);
	buf_clear(&quoted);
	buf_clear(&out);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("shlex");
	Suite *s = suite_create("shlex");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, test_command, 0,
	    sizeof commands / sizeof commands[0]);
	tcase_add_loop_test(tc, test_environment, 0,
	    sizeof environments / sizeof environments[0]);
	tcase_add_test(tc, test_column);
	tcase_add_loop_test(tc, test_quote, 1, 256);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
