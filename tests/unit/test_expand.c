/* %-formatting: every row was checked against Python 3.11. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/expand.h"
#include "lib/buf.h"

static bool
lookup(void *arg, const char *name, size_t len, struct expand_value *ret)
{
	(void)arg;
	if (len == 1 && name[0] == 's')
		ret->text = "text";
	else if (len == 1 && name[0] == 'u')
		ret->text = "\xc3\xa4\xc3\xb6";
	else if (len == 1 && name[0] == 'n')
		ret->num = 7;
	else if (len == 1 && name[0] == 'm')
		ret->num = -7;
	else if (len == 4 && memcmp(name, "a(b)", 4) == 0)
		ret->text = "nested";
	else
		return false;
	return true;
}

static const struct {
	const char *in, *out;
} good[] = {
	{"", ""},
	{"plain", "plain"},
	{"100%%", "100%"},
	{"%%(s)s", "%(s)s"},
	{"%%%(s)s%%", "%text%"},
	{"%(s)s", "text"},
	{"<%(s)6s>", "<  text>"},
	{"<%(s)-6s>", "<text  >"},
	{"<%(s)06s>", "<  text>"},
	{"<%(s).2s>", "<te>"},
	{"<%(s).0s>", "<>"},
	{"<%(s)4.1s>", "<   t>"},
	{"<%(u)3s>", "< \xc3\xa4\xc3\xb6>"},
	{"<%(u).1s>", "<\xc3\xa4>"},
	{"%(n)s", "7"},
	{"%(n)d", "7"},
	{"%(n)i", "7"},
	{"%(n)ld", "7"},
	{"%(n)02d", "07"},
	{"%(m)03d", "-07"},
	{"<%(n)-3d>", "<7  >"},
	{"%(n)+d", "+7"},
	{"<%(n) d>", "< 7>"},
	{"%(n).3d", "007"},
	{"%(n)x", "7"},
	{"%(n)#x", "0x7"},
	{"%(n)04X", "0007"},
	{"%(n)3s|", "  7|"},
	{"%(n)f", "7.000000"},
	{"%(n).1f", "7.0"},
	{"%(n)g", "7"},
	{"%(a(b))s", "nested"},
	{"%(n)d%(n)d", "77"},
};

static const char *const bad[] = {
	"%", "50% of", "%s", "%(s", "%(s)", "%()s", "%(nope)s", "%(s)d",
	"%(s)x", "%(s)f", "%(n)q", "%(n)99999d", "%(n).99999d", "%(n)*d",
	"%(s)0", "%(", "x%",
};

START_TEST(test_good)
{
	struct buf out = BUF_INIT, why = BUF_INIT;

	ck_assert(expand(good[_i].in, lookup, NULL, 100, &out, &why));
	buf_addc(&out, '\0');
	ck_assert_str_eq(buf_head(&out), good[_i].out);
	ck_assert_uint_eq(buf_len(&why), 0);
	buf_clear(&out);
}
END_TEST

START_TEST(test_bad)
{
	struct buf out = BUF_INIT, why = BUF_INIT;

	buf_adds(&out, "kept");
	ck_assert(!expand(bad[_i], lookup, NULL, 100, &out, &why));
	ck_assert_uint_eq(buf_len(&out), 4);
	ck_assert_uint_gt(buf_len(&why), 0);
	buf_clear(&out);
	buf_clear(&why);
}
END_TEST

START_TEST(test_bound)
{
	struct buf out = BUF_INIT, why = BUF_INIT;

	ck_assert(expand("%(s)s%(s)s", lookup, NULL, 8, &out, &why));
	ck_assert(!expand("%(s)s%(s)sx", lookup, NULL, 8, &out, &why));
	buf_clear(&out);
	buf_clear(&why);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("expand");
	Suite *s = suite_create("expand");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, test_good, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tc, test_bad, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tc, test_bound);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
