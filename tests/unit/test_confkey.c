/* Every row of the table of keys: default, min, max, beyond, nonsense. */
#include <check.h>
#include <inttypes.h>

#include "conf_fake.h"
#include "core/confarena.h"
#include "core/confkey.h"
#include "core/confvalue.h"

static const struct confkey *table;
static size_t nrows;

static struct fake fake;
static struct confvalue_ctx ctx;
static struct buf why;
static union {
	struct conf_main m;
	struct conf_process p;
} base;

static void
setup(void)
{
	fake_init(&fake, "");
	memset(&base, 0, sizeof base);
	ctx.host = &fake.host;
	ctx.arena = conf_arena_new();
}

static void
teardown(void)
{
	conf_arena_free(ctx.arena);
	confvalue_ctx_clear(&ctx);
	buf_clear(&why);
}

static enum confvalue_result
parse(const struct confkey *k, const char *text)
{
	buf_clear(&why);
	return confvalue_parse(k, text, &ctx, &base, &why, NULL);
}

START_TEST(test_row)
{
	const struct confkey *k = &table[_i];

	ck_assert_ptr_nonnull(k->name);
	ck_assert_uint_le(strlen(k->name), 49);
	ck_assert_uint_eq(strspn(k->name, "abcdefghijklmnopqrstuvwxyz_"),
	    strlen(k->name));
	ck_assert_uint_ne(k->sections, 0);
	ck_assert_ptr_nonnull(k->help);
	ck_assert_int_le(k->min, k->max);
	ck_assert((k->type == KEY_CHOICE) == (k->choices != NULL));
	/* Found by its name, in its sections only. */
	ck_assert_ptr_eq(confkey_find(k->sections & -k->sections, k->name),
	    k);
	ck_assert_ptr_null(confkey_find(SECT_OPAQUE, k->name));
	if (k->alias != NULL)
		ck_assert_ptr_eq(confkey_find(k->sections, k->alias), k);
}
END_TEST

START_TEST(test_default)
{
	const struct confkey *k = &table[_i];

	if (k->def == NULL || (k->flags & (KF_COMPUTED | KF_LATER)) != 0 ||
	    k->type == KEY_NAME)
		return;
	ck_assert_msg(parse(k, k->def) == CONFVALUE_OK, "%s = %s", k->name,
	    k->def);
}
END_TEST

static void
check_int(const struct confkey *k, int64_t n, bool good)
{
	char text[32];
	int64_t *field = (void *)((char *)&base + k->offset);

	snprintf(text, sizeof text, "%" PRId64, n);
	ck_assert_msg((parse(k, text) == CONFVALUE_OK) == good,
	    "%s = %s", k->name, text);
	if (good && confkey_is_kept(k))
		ck_assert_int_eq(*field, n);
}

START_TEST(test_int)
{
	const struct confkey *k = &table[_i];
	int64_t *field = (void *)((char *)&base + k->offset);

	if (k->type != KEY_INT)
		return;
	check_int(k, k->min, true);
	check_int(k, k->max, true);
	check_int(k, k->min - 1, false);
	check_int(k, k->max + 1, false);
	check_int(k, INT64_MAX, false);
	check_int(k, INT64_MIN, false);
	if (confkey_is_kept(k)) {
		*field = 42;
		parse(k, "x");
		ck_assert_int_eq(*field, 42);
	}
}
END_TEST

/* What no key of a type takes, or takes. */
static const struct {
	enum confkey_type type;
	bool good;
	const char *text;
} values[] = {
	{KEY_BOOL, true, "yes"}, {KEY_BOOL, true, "TRUE"},
	{KEY_BOOL, true, "On"}, {KEY_BOOL, true, "0"},
	{KEY_BOOL, true, "off"}, {KEY_BOOL, false, ""},
	{KEY_BOOL, false, "2"}, {KEY_BOOL, false, "truex"},
	{KEY_INT, false, ""}, {KEY_INT, false, "1x"},
	{KEY_INT, false, "1.5"}, {KEY_INT, false, "-"},
	{KEY_INT, false, " "}, {KEY_INT, false, "0x10"},
	{KEY_INT, false, "99999999999999999999999999"},
	{KEY_INT, false, "--1"}, {KEY_INT, false, "+-1"},
	{KEY_SIZE, true, "0"}, {KEY_SIZE, true, "1kb"},
	{KEY_SIZE, true, "50MB"}, {KEY_SIZE, true, "2gB"},
	{KEY_SIZE, true, "1 KB"}, {KEY_SIZE, false, "10M"},
	{KEY_SIZE, false, "-1"}, {KEY_SIZE, false, "MB"},
	{KEY_SIZE, false, "1.5MB"}, {KEY_SIZE, false, "1 K B"},
	{KEY_SIZE, false, "99999999999GB"}, {KEY_SIZE, false, ""},
	{KEY_OCTAL, true, "022"}, {KEY_OCTAL, true, "0o22"},
	{KEY_OCTAL, true, "777"}, {KEY_OCTAL, false, "8"},
	{KEY_OCTAL, false, ""}, {KEY_OCTAL, false, "-1"},
	{KEY_OCTAL, false, "77777777777777777777777"},
	{KEY_DURATION, true, "0"}, {KEY_DURATION, true, "5"},
	{KEY_DURATION, true, "100ms"}, {KEY_DURATION, true, "2 h"},
	{KEY_DURATION, true, "1d"}, {KEY_DURATION, true, "3M"},
	{KEY_DURATION, false, "1.5s"}, {KEY_DURATION, false, "s"},
	{KEY_DURATION, false, "-1s"}, {KEY_DURATION, false, "5w"},
	{KEY_DURATION, false, "99999999999999d"},
	{KEY_PERCENT, true, "0"}, {KEY_PERCENT, true, "100%"},
	{KEY_PERCENT, true, "10 %"}, {KEY_PERCENT, false, "101"},
	{KEY_PERCENT, false, "-1"}, {KEY_PERCENT, false, "%"},
	{KEY_CHOICE, false, ""}, {KEY_CHOICE, false, "maybe"},
	{KEY_SIGNAL, true, "TERM"}, {KEY_SIGNAL, true, "sigint"},
	{KEY_SIGNAL, true, "SIGKILL"}, {KEY_SIGNAL, true, "1"},
	{KEY_SIGNAL, true, "64"}, {KEY_SIGNAL, true, "RTMIN"},
	{KEY_SIGNAL, true, "SIGRTMIN+3"}, {KEY_SIGNAL, true, "rtmax-1"},
	{KEY_SIGNAL, false, "0"}, {KEY_SIGNAL, false, "65"},
	{KEY_SIGNAL, false, "-9"}, {KEY_SIGNAL, false, "FOO"},
	{KEY_SIGNAL, false, ""}, {KEY_SIGNAL, false, "RTMIN+99"},
	{KEY_SIGNAL, false, "RTMIN-1"}, {KEY_SIGNAL, false, "SIG"},
	{KEY_EXITCODES, true, "0"}, {KEY_EXITCODES, true, "0,2"},
	{KEY_EXITCODES, true, " 0 , 255 "}, {KEY_EXITCODES, true, ""},
	{KEY_EXITCODES, false, "256"}, {KEY_EXITCODES, false, "0,,1"},
	{KEY_EXITCODES, false, "-1"}, {KEY_EXITCODES, false, "0,"},
	{KEY_EXITCODES, false, "x"}, {KEY_LIMIT, true, "0"},
	{KEY_LIMIT, true, "5/60s"}, {KEY_LIMIT, true, "5 / 1m"},
	{KEY_LIMIT, false, "5"}, {KEY_LIMIT, false, "5/"},
	{KEY_LIMIT, false, "/5"}, {KEY_LIMIT, false, "5/0"},
	{KEY_LIMIT, false, "5/6/7"}, {KEY_LIMIT, false, "x/5s"},
	{KEY_LIMIT, false, "11111111111111111111/5s"},
	{KEY_NAME, true, "a"}, {KEY_NAME, true, "\xc3\xa4-1_[x]"},
	{KEY_NAME, true, " padded "}, {KEY_NAME, false, ""},
	{KEY_NAME, false, "a b"}, {KEY_NAME, false, "a:b"},
	{KEY_NAME, false, "a/b"}, {KEY_NAME, false, "a\tb"},
	{KEY_NAME, false, "\xff"}, {KEY_PATH, true, "/x"},
	{KEY_PATH, true, "x/../y"}, {KEY_PATH, true, "~/x"},
	{KEY_PATH, true, "~nobody/x"}, {KEY_PATH, false, "/x\n/y"},
	{KEY_MAYBE_PATH, true, ""}, {KEY_MAYBE_PATH, true, "x"},
	{KEY_MAYBE_PATH, true, "-/x"}, {KEY_MAYBE_PATH, false, "-"},
	{KEY_MAYBE_PATH, false, "-/x\n/y"},
	{KEY_INET, true, "9001"}, {KEY_INET, true, "*:9001"},
	{KEY_INET, true, "127.0.0.1:9001"}, {KEY_INET, true, ":9001"},
	{KEY_INET, true, "[::1]:9001"}, {KEY_INET, false, "x"},
	{KEY_INET, false, "x:"}, {KEY_INET, false, "99999"},
	{KEY_USER, true, "web"}, {KEY_USER, true, ""},
	{KEY_ACL, true, "web, @adm"}, {KEY_ACL, true, ""},
	{KEY_ACL, true, "web @adm,,1000"}, {KEY_ACL, false, "nobody"},
	{KEY_ACL, false, "web,@nobody"}, {KEY_ACL, false, "@"},
	{KEY_COMMAND, true, "a b"}, {KEY_COMMAND, false, ""},
	{KEY_COMMAND, false, " \n"}, {KEY_COMMAND, false, "a 'b"},
	{KEY_ENVIRONMENT, true, "A=b"}, {KEY_ENVIRONMENT, false, "A b"},
};

START_TEST(test_value)
{
	size_t i, used = 0;

	for (i = 0; i < nrows; i++) {
		if (table[i].type != values[_i].type)
			continue;
		used++;
		/* A duration may have a lower limit of its own. */
		if (table[i].min > 0 && values[_i].text[0] == '0')
			continue;
		ck_assert_msg((parse(&table[i], values[_i].text) ==
		    CONFVALUE_OK) == values[_i].good, "%s = \"%s\": %.*s",
		    table[i].name, values[_i].text, (int)buf_len(&why),
		    buf_len(&why) > 0 ? buf_head(&why) : "");
		ck_assert((buf_len(&why) == 0) == values[_i].good);
	}
	ck_assert_uint_gt(used, 0);
}
END_TEST

START_TEST(test_message)
{
	parse(confkey_find(SECT_PROGRAM, "startsecs"), "1x");
	buf_addc(&why, '\0');
	ck_assert_str_eq(buf_head(&why),
	    "\"1x\" is not a whole number of seconds");
	parse(confkey_find(SECT_PROGRAM, "numprocs"), "-1");
	buf_addc(&why, '\0');
	ck_assert_str_eq(buf_head(&why),
	    "-1 is out of range (0 to 16384)");
}
END_TEST

START_TEST(test_suggest)
{
	static const struct {
		const char *word, *hint;
	} rows[] = {
		{"startsec", "; did you mean \"startsecs\"?"},
		{"autorestrat", "; did you mean \"autorestart\"?"},
		{"comand", "; did you mean \"command\"?"},
		{"wholly_different", ""},
		{"x", ""},
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&why);
		confkey_suggest(SECT_PROGRAM, rows[i].word, &why);
		buf_addc(&why, '\0');
		ck_assert_str_eq(buf_head(&why), rows[i].hint);
	}
}
END_TEST

START_TEST(test_path)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"/a/b", "/a/b"}, {"a", "/cwd/a"}, {"./a//b/", "/cwd/a/b"},
		{"../x", "/cwd/../x"}, {"/../x", "/../x"}, {"/", "/"},
		{"~", "/home/me"}, {"~/a", "/home/me/a"},
		{"~web/a", "/home/web/a"}, {"~nobody/a", "/cwd/~nobody/a"},
		{"a/~", "/cwd/a/~"}, {"/a/./b/../c", "/a/b/../c"},
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(confvalue_path(&ctx, "/cwd", rows[i].in),
		    rows[i].out);
}
END_TEST

/* Each signal has a name that reads as the same signal. */
START_TEST(test_signal)
{
	char name[16];

	if (_i == 32 || _i == 33) /* taken by the C library */
		return;
	ck_assert_int_eq(confvalue_signal(confvalue_signal_name(_i, name)),
	    _i);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("confkey");
	Suite *s = suite_create("confkey");
	SRunner *sr;
	int failed;

	table = confkey_table(&nrows);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_row, 0, (int)nrows);
	tcase_add_loop_test(tc, test_default, 0, (int)nrows);
	tcase_add_loop_test(tc, test_int, 0, (int)nrows);
	tcase_add_loop_test(tc, test_value, 0,
	    sizeof values / sizeof values[0]);
	tcase_add_test(tc, test_message);
	tcase_add_test(tc, test_suggest);
	tcase_add_test(tc, test_path);
	tcase_add_loop_test(tc, test_signal, 1, 65);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
