/* What the daemon keeps in statedir, and what it makes of a configuration. */
#include <check.h>

#include "conf_fake.h"
#include "core/overrides.h"
#include "lib/buf.h"

#define OVERRIDES "/var/lib/mpsupd/overrides"
#define STOPPED "/var/lib/mpsupd/stopped"
#define FILES \
	"[program:w]\ncommand = c\nprocess_name = w%(process_num)d\n" \
	"numprocs = 2\n[program:x]\ncommand = c\n" \
	"[program:y]\ncommand = c\nautostart = false\n" \
	"[group:g]\nprograms = y\n"

static struct fake fake;
static struct config *conf;
static struct conf_msgs msgs;

static int
fake_read_state(void *arg, const char *path, const struct conf_user *owner,
    char **ret_data, size_t *ret_len, char **ret_why)
{
	(void)owner;
	if (fake_read(arg, path, ret_data, ret_len, ret_why) == 0)
		return 0;
	free(*ret_why);
	*ret_why = NULL;
	if (strstr(path, "/bad/") == NULL)
		return 1;
	*ret_why = xstrdup("Input/output error");
	return -1;
}

static void
teardown(void)
{
	config_free(conf);
	conf = NULL;
	conf_msgs_clear(&msgs);
}

static int
load(const char *files, const char *overrides, const char *stopped)
{
	teardown();
	fake_init(&fake, files);
	fake.host.read_state = fake_read_state;
	if (overrides != NULL)
		fake.files[1] = (struct fake_file){OVERRIDES, overrides, 0};
	if (stopped != NULL)
		fake.files[overrides != NULL ? 2 : 1] =
		    (struct fake_file){STOPPED, stopped, 0};
	return config_load("/etc/m.conf", &fake.host, &conf, &msgs);
}

static const struct conf_process *
proc(const char *name)
{
	size_t i;

	for (i = 0; i < conf->nprocs; i++)
		if (strcmp(conf->procs[i].name, name) == 0)
			return &conf->procs[i];
	ck_abort_msg("no process %s", name);
	return NULL;
}

START_TEST(test_applied)
{
	ck_assert_int_eq(load(FILES, "; a word\n"
	    "[program:w]\nnumprocs = 3\n[program:x]\nautostart = false\n"
	    "[program:y]\nautostart = true\n[program:gone]\nnumprocs = 4\n",
	    NULL), 0);
	ck_assert_uint_eq(msgs.n, 0);
	ck_assert_uint_eq(conf->nprocs, 5);
	ck_assert_int_eq(proc("w2")->numprocs, 3);
	ck_assert(!proc("x")->autostart && proc("x")->disabled);
	ck_assert(proc("y")->autostart && !proc("y")->disabled);
	ck_assert(proc("w0")->autostart && !proc("w0")->disabled);
	ck_assert_int_eq(load(FILES, "[program:w]\nnumprocs = 0\n", NULL), 0);
	ck_assert_uint_eq(conf->nprocs, 2);
	/* [DEFAULT] stands before. */
	ck_assert_int_eq(load("[DEFAULT]\nautostart = false\n" FILES,
	    "[program:x]\nautostart = true\n", NULL), 0);
	ck_assert(proc("x")->autostart && !proc("w0")->autostart);
	ck_assert(!proc("w0")->disabled);
}
END_TEST

static const char *const damaged[] = {
	"x", "[program:w", "[program:w]\nnumprocs = 3", "[mpsupd]\n",
	"[program:w]\ncommand = x\n", "[program:w]\nnumprocs = -1\n",
	"[program:w]\nnumprocs = 16385\n", "[program:w]\nautostart = yes\n",
	"[program:w]\nnumprocs = 3\nnumprocs = 4\n",
	"[program:w]\nnumprocs = 3\n[program:w]\nautostart = true\n",
	"[program:]\n", "[program:a/b]\n", "numprocs\n",
};

START_TEST(test_damaged)
{
	ck_assert_int_eq(load(FILES, damaged[_i], NULL), 0);
	ck_assert_uint_eq(msgs.n, 1);
	ck_assert(msgs.v[0].warning);
	ck_assert_ptr_nonnull(strstr(msgs.v[0].text, OVERRIDES ": damaged"));
	ck_assert_int_eq(proc("w1")->numprocs, 2);
}
END_TEST

START_TEST(test_nul)
{
	teardown();
	fake_init(&fake, FILES);
	fake.host.read_state = fake_read_state;
	fake.files[1] = (struct fake_file){OVERRIDES,
	    "[program:w]\nnumprocs = 3\n\0\n", 27};
	ck_assert_int_eq(config_load("/etc/m.conf", &fake.host, &conf,
	    &msgs), 0);
	ck_assert_uint_eq(msgs.n, 1);
	ck_assert_uint_eq(conf->nprocs, 4);
}
END_TEST

START_TEST(test_unreadable)
{
	struct buf merged = BUF_INIT;
	struct conf_change change = {"[program:x]\nautostart = true\n",
	    &merged, NULL};

	ck_assert_int_eq(load("[mpsupd]\nstatedir = /bad/x\n" FILES, NULL,
	    NULL), 0);
	ck_assert_uint_eq(msgs.n, 2); /* of each file */
	ck_assert(msgs.v[0].warning && msgs.v[1].warning);
	/* It must not be written over. */
	conf_msgs_clear(&msgs);
	fake.host.change = &change;
	config_free(conf);
	conf = NULL;
	ck_assert_int_eq(config_load("/etc/m.conf", &fake.host, &conf,
	    &msgs), -1);
	buf_clear(&merged);
}
END_TEST

/* The files were changed since: that is no reason to refuse them. */
START_TEST(test_misfit)
{
	ck_assert_int_eq(load(FILES, "[program:x]\nnumprocs = 2\n"
	    "autostart = false\n", NULL), 0);
	ck_assert_uint_eq(msgs.n, 1);
	ck_assert_ptr_nonnull(strstr(msgs.v[0].text,
	    OVERRIDES ":1: section [program:x]: numprocs"));
	ck_assert_uint_eq(conf->nprocs, 4);
	ck_assert(proc("x")->disabled);
}
END_TEST

static int
try(const char *overrides, const char *text, struct buf *merged,
    char **missing)
{
	struct conf_change change = {text, merged, NULL};
	int res;

	teardown();
	fake_init(&fake, FILES);
	fake.host.read_state = fake_read_state;
	fake.host.change = &change;
	if (overrides != NULL)
		fake.files[1] = (struct fake_file){OVERRIDES, overrides, 0};
	res = config_load("/etc/m.conf", &fake.host, &conf, &msgs);
	buf_addc(merged, '\0');
	*missing = change.missing;
	return res;
}

START_TEST(test_change)
{
	struct buf b = BUF_INIT;
	char *missing;

	ck_assert_int_eq(try("[program:x]\nautostart = false\n"
	    "[program:gone]\nnumprocs = 7\n", "[program:w]\nnumprocs = 5\n",
	    &b, &missing), 0);
	ck_assert_uint_eq(conf->nprocs, 7);
	ck_assert_ptr_null(missing);
	ck_assert_str_eq(strchr(buf_head(&b), '['),
	    "[program:x]\nautostart = false\n[program:gone]\nnumprocs = 7\n"
	    "[program:w]\nnumprocs = 5\n");
	buf_clear(&b);
	/* Back to the files. */
	ck_assert_int_eq(try("[program:w]\nnumprocs = 5\nautostart = true\n"
	    "[program:x]\nautostart = false\n",
	    "[program:w]\nnumprocs =\n[program:x]\nautostart =\n", &b,
	    &missing), 0);
	ck_assert_uint_eq(conf->nprocs, 4);
	ck_assert(proc("x")->autostart);
	ck_assert_str_eq(strchr(buf_head(&b), '['),
	    "[program:w]\nautostart = true\n");
	buf_clear(&b);
	ck_assert_int_eq(try(NULL, "[program:nope]\nnumprocs = 1\n", &b,
	    &missing), 0);
	ck_assert_str_eq(missing, "nope");
	free(missing);
	buf_clear(&b);
	/* Refused as if it stood in the files. */
	ck_assert_int_eq(try(NULL, "[program:x]\nnumprocs = 2\n", &b,
	    &missing), -1);
	ck_assert_ptr_nonnull(strstr(msgs.v[0].text, "%(process_num)"));
	buf_clear(&b);
}
END_TEST

START_TEST(test_statedir_now)
{
	fake_init(&fake, "[mpsupd]\nstatedir = /new\n" FILES);
	fake.host.read_state = fake_read_state;
	fake.host.statedir_now = "/var/lib/mpsupd";
	fake.files[1] = (struct fake_file){OVERRIDES,
	    "[program:w]\nnumprocs = 1\n", 0};
	ck_assert_int_eq(config_load("/etc/m.conf", &fake.host, &conf,
	    &msgs), 0);
	ck_assert_uint_eq(conf->nprocs, 3);
}
END_TEST

START_TEST(test_stopped)
{
	ck_assert_int_eq(load(FILES, NULL, "w:w1\ng:y\nx\nnone\n\n:\n"), 0);
	ck_assert_uint_eq(msgs.n, 0);
	ck_assert(proc("w1")->stopped && proc("y")->stopped && proc("x")->stopped);
	ck_assert(!proc("w0")->stopped);
	ck_assert_int_eq(load(FILES, NULL, "w1\ny\n"), 0); /* no labels */
	ck_assert(!proc("w1")->stopped && !proc("y")->stopped);
	ck_assert_int_eq(load(FILES, NULL, "x"), 0);
	ck_assert(proc("x")->stopped);
}
END_TEST

START_TEST(test_many)
{
	struct overrides o, change;
	struct buf text = BUF_INIT, again = BUF_INIT, why = BUF_INIT;
	char name[16];
	int i;

	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "p%d", i);
		overrides_add_text(name, i, i % 2, &text);
	}
	ck_assert(overrides_parse(buf_head(&text), buf_len(&text), &o, &why));
	ck_assert_uint_eq(o.n, 2000);
	ck_assert_int_eq(overrides_find(&o, "p1999")->numprocs, 1999);
	ck_assert(overrides_parse("", 0, &change, &why));
	overrides_merge(&change, &o);
	overrides_text(&change, &again);
	ck_assert_uint_eq(change.n, 2000);
	overrides_clear(&change);
	ck_assert(overrides_parse(buf_head(&again), buf_len(&again), &change,
	    &why));
	ck_assert_int_eq(overrides_find(&change, "p7")->autostart, 1);
	overrides_clear(&change);
	overrides_clear(&o);
	buf_clear(&text);
	buf_clear(&again);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("overrides");
	Suite *s = suite_create("overrides");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_applied);
	tcase_add_loop_test(tc, test_damaged, 0,
	    sizeof damaged / sizeof damaged[0]);
	tcase_add_test(tc, test_nul);
	tcase_add_test(tc, test_unreadable);
	tcase_add_test(tc, test_misfit);
	tcase_add_test(tc, test_change);
	tcase_add_test(tc, test_statedir_now);
	tcase_add_test(tc, test_stopped);
	tcase_add_test(tc, test_many);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
