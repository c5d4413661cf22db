/* Encoding, comparison, hashes, and dumps that load to the same thing. */
#include <check.h>
#include <jansson.h>

#include "conf_fake.h"
#include "core/confcodec.h"
#include "core/confkey.h"
#include "lib/buf.h"

static const char *const samples[] = {
	"",
	"[mpsupd]\nrundir = /r\nlogfile = NONE\nenvironment = A=\"b ; c\"\n"
	"readers = web,@adm\noperators = @adm\nshutdown_timeout = 1500ms\n"
	"user = web\nminfds = 100\numask = 077\nloglevel = debug\n"
	"identifier = a %% b\ndirectory = ~\nnocleanup = false\n",
	"[program:x]\ncommand = a\n",
	"[program:x]\ncommand = a 'b c' \"d'e\" ''"
	" 'f\n  %(here).0s; g' %% '\\' ' #'\n"
	"environment = A=\"x \\\" y\","
	"B='a\n %(here).0s# b\n\n  c ; d ',C=,D=%%,E=\" # \"\n"
	"description = %(ENV_COMMENT)s ;\ndocumentation = \"x ; y\" %%d\n"
	"user = web:adm\nexitcodes = \nstopsignal = RTMIN+2\numask = 0\n"
	"restart_limit = 3/90s\nrestart_delay = 1500ms\nautorestart = true\n"
	"stdout_logfile = NONE\nstderr_logfile = syslog\nstderr_syslog = on\n"
	"stdout_logfile_maxbytes = 1KB\nstdout_logfile_backups = 0\n"
	"serverurl = unix:///x\ninherit_environment = off\ndirectory = d\n"
	"stopasgroup = yes\npriority = -5\nautostart = 0\nstartsecs = 0\n"
	"startretries = 0\nstopwaitsecs = 77\nredirect_stderr = false\n",
	"[program:w]\ncommand = a %(process_num)d\nnumprocs = 3\n"
	"numprocs_start = -1\nprocess_name = w%(process_num)d\n"
	"priority = %(process_num)d\n[program:w1]\ncommand = b\n"
	"process_name = v\n[program:w.1]\ncommand = c\nprocess_name=q\n",
	"[program:a]\ncommand = a\n[program:b]\ncommand = b\n"
	"process_name = a\n[program:c]\ncommand = c\nprocess_name = a\n"
	"numprocs = 1\nnumprocs_start = 5\nredirect_stderr = true\n"
	"[group:g]\nprograms = b\n[group:h]\nprograms = c\npriority = 1\n",
	"[program:a]\ncommand = a\nuser = nobody\n[group:a]\nprograms = b\n"
	"priority = 7\n[program:b]\ncommand = b\n",
	"[unix_http_server]\nfile = /s ; x\n[program:a]\ncommand = a\n",
	"[inet_http_server]\nport = :9001\n[program:\xc3\xa4]\ncommand = a\n",
	"[program:a]\ncommand = a\ndescription =\n\n  b\n\n\n  c # d\n",
};

#define NSAMPLES ((int)(sizeof samples / sizeof samples[0]))

static struct fake fake;
static struct buf bytes, again;

static void
setup(void)
{
	fake_init(&fake, "");
}

static void
teardown(void)
{
	buf_clear(&bytes);
	buf_clear(&again);
}

static struct config *
load(const char *text)
{
	struct conf_msgs msgs = {0};
	struct config *c = NULL;
	size_t i;

	fake.files[0].text = text;
	if (config_load("/etc/m.conf", &fake.host, &c, &msgs) != 0)
		for (i = 0; i < msgs.n; i++)
			fprintf(stderr, "%s\n", msgs.v[i].text);
	conf_msgs_clear(&msgs);
	ck_assert_ptr_nonnull(c);
	return c;
}

static void
count(void *arg, const char *key, bool needs_restart)
{
	(void)key;
	if (needs_restart)
		++*(size_t *)arg;
}

START_TEST(test_round)
{
	struct config *c = load(samples[_i]), *d;
	size_t i, restarts = 0;

	if (c->nprocs > 0) {
		c->procs[0].slot = 17;
		c->procs[0].leaving = true;
		c->procs[0].transient = UINT64_C(0xfedcba9876543210);
		c->procs[0].run_rm = c->procs[0].run_stdin = true;
	}
	config_encode(c, &bytes);
	d = config_decode(buf_head(&bytes), buf_len(&bytes));
	ck_assert_ptr_nonnull(d);
	config_encode(d, &again);
	ck_assert_mem_eq(buf_head(&again), buf_head(&bytes), buf_len(&bytes));
	ck_assert_uint_eq(conf_main_diff(&c->main, &d->main, count,
	    &restarts), 0);
	ck_assert_uint_eq(d->nprocs, c->nprocs);
	for (i = 0; i < c->nprocs; i++) {
		struct conf_process *p = &c->procs[i], *q = &d->procs[i];

		ck_assert_uint_eq(conf_process_diff(p, q, count, &restarts),
		    0);
		ck_assert_str_eq(p->name, q->name);
		ck_assert_str_eq(p->group, q->group);
		ck_assert_str_eq(p->program, q->program);
		ck_assert_int_eq(p->process_num, q->process_num);
		ck_assert_int_eq(p->numprocs, q->numprocs);
		ck_assert_int_eq(p->group_priority, q->group_priority);
		ck_assert_mem_eq(p->expected, q->expected,
		    sizeof p->expected);
		ck_assert_uint_eq(p->restart_hash, q->restart_hash);
		ck_assert_int_eq(p->restart_window_ms, q->restart_window_ms);
		ck_assert_int_eq(p->slot, q->slot);
		ck_assert(p->leaving == q->leaving);
		ck_assert(p->transient == q->transient);
		ck_assert(p->run_rm == q->run_rm);
		ck_assert(p->run_bound == q->run_bound);
		ck_assert(p->run_stdin == q->run_stdin);
		ck_assert(p->restart_policy == q->restart_policy);
		ck_assert(p->log[0].automatic == q->log[0].automatic);
	}
	ck_assert_uint_eq(restarts, 0);
	config_free(c);
	config_free(d);
}
END_TEST

/* What a dump cannot keep: how many processes a section made. */
static void
forget_sections(struct config *c)
{
	size_t i;

	c->main.file = NULL;
	for (i = 0; i < c->nprocs; i++) {
		c->procs[i].program = c->procs[i].name;
		c->procs[i].numprocs = 1;
		c->procs[i].numprocs_start = c->procs[i].process_num;
	}
}

START_TEST(test_dump_ini)
{
	struct config *c = load(samples[_i]), *d;
	struct buf text = BUF_INIT;

	config_dump_ini(c, &text);
	buf_addc(&text, '\0');
	d = load(buf_head(&text));
	forget_sections(c);
	forget_sections(d);
	config_encode(c, &bytes);
	config_encode(d, &again);
	if (buf_len(&bytes) != buf_len(&again) || memcmp(buf_head(&bytes),
	    buf_head(&again), buf_len(&bytes)) != 0)
		ck_abort_msg("%s", buf_head(&text));
	buf_clear(&text);
	config_free(c);
	config_free(d);
}
END_TEST

START_TEST(test_dump_foreign)
{
	/* HOME of a user that is switched to is its own in our files only. */
	struct config *c = load("[supervisord]\n[program:x]\ncommand = a\n"
	    "user = web\n");
	struct config *d;
	struct buf text = BUF_INIT;
	size_t restarts = 0;

	config_dump_ini(c, &text);
	buf_addc(&text, '\0');
	d = load(buf_head(&text));
	ck_assert_uint_eq(conf_main_diff(&c->main, &d->main, count,
	    &restarts), 0);
	ck_assert_uint_eq(conf_process_diff(c->procs, d->procs, count,
	    &restarts), 0);
	ck_assert_uint_eq(c->procs->restart_hash, d->procs->restart_hash);
	ck_assert(d->main.foreign);
	buf_clear(&text);
	config_free(c);
	config_free(d);
}
END_TEST

START_TEST(test_dump_json)
{
	struct config *c = load(samples[_i]);
	const struct confkey *t;
	size_t i, k, n;
	json_error_t err;
	json_t *root, *m, *list, *p;

	config_dump_json(c, &bytes);
	root = json_loadb(buf_head(&bytes), buf_len(&bytes),
	    JSON_REJECT_DUPLICATES, &err);
	ck_assert_msg(root != NULL, "%s", err.text);
	m = json_object_get(root, "mpsupd");
	list = json_object_get(root, "processes");
	ck_assert_uint_eq(json_array_size(list), c->nprocs);
	t = confkey_table(&n);
	for (k = 0; k < n; k++) {
		if (!confkey_is_kept(&t[k]))
			continue;
		if (t[k].sections & SECT_MAIN)
			ck_assert_ptr_nonnull(json_object_get(m, t[k].name));
		for (i = 0; i < c->nprocs; i++) {
			p = json_array_get(list, i);
			if (t[k].sections & SECT_PROGRAM)
				ck_assert_ptr_nonnull(
				    json_object_get(p, t[k].name));
			ck_assert_str_eq(json_string_value(
			    json_object_get(p, "name")), c->procs[i].name);
			ck_assert_uint_eq(json_array_size(
			    json_object_get(p, "argv")),
			    c->procs[i].command.n);
		}
	}
	json_decref(root);
	config_free(c);
}
END_TEST

/* Makes the sum right again, so that what is behind it is reached. */
static void
seal(unsigned char *p, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len - 8; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	for (i = 0; i < 8; i++)
		p[len - 8 + i] = (unsigned char)(h >> (8 * i));
}

START_TEST(test_cut)
{
	struct config *c = load(samples[3]);
	unsigned char *copy;
	size_t len;

	config_encode(c, &bytes);
	config_free(c);
	for (len = 0; len < buf_len(&bytes); len++) {
		copy = xmalloc(len);
		memcpy(copy, buf_head(&bytes), len);
		ck_assert_ptr_null(config_decode(copy, len));
		if (len >= 8) {
			seal(copy, len);
			ck_assert_ptr_null(config_decode(copy, len));
		}
		free(copy);
	}
}
END_TEST

/* Any byte spoilt is noticed; behind a right sum it is survived. */
START_TEST(test_spoilt)
{
	static const unsigned char spoil[] = {0, 1, 2, 0x7f, 0x80, 0xff};
	struct config *c = load(samples[_i]);
	unsigned char *copy;
	size_t i, k, len;

	config_encode(c, &bytes);
	config_free(c);
	len = buf_len(&bytes);
	copy = xmalloc(len);
	for (i = 0; i < len; i++) {
		for (k = 0; k < sizeof spoil; k++) {
			memcpy(copy, buf_head(&bytes), len);
			if (copy[i] == spoil[k])
				continue;
			copy[i] = spoil[k];
			ck_assert_ptr_null(config_decode(copy, len));
			seal(copy, len);
			config_free(config_decode(copy, len));
		}
	}
	free(copy);
}
END_TEST

START_TEST(test_random)
{
	unsigned char *data;
	size_t i, len;
	int round;

	srand(1);
	for (round = 0; round < 20000; round++) {
		len = 12 + (size_t)rand() % 200;
		data = xmalloc(len);
		for (i = 0; i < len; i++)
			data[i] = (unsigned char)(rand() % 4 == 0 ? rand() :
								    rand() % 8);
		memcpy(data, "mpc1", 4);
		seal(data, len);
		ck_assert_ptr_null(config_decode(data, len));
		free(data);
	}
	ck_assert_ptr_null(config_decode("", 0));
}
END_TEST

/* One key changed: does the hash, and does the comparison say restart? */
static const struct {
	const char *key, *a, *b;
	bool restart;
} changes[] = {
	{"command", "a", "b", true},
	{"environment", "A=1", "A=2", true},
	{"user", "", "web", true},
	{"directory", "/a", "/b", true},
	{"umask", "022", "077", true},
	{"redirect_stderr", "true", "false", true},
	{"serverurl", "AUTO", "http://x", true},
	{"inherit_environment", "true", "false", true},
	{"stdout_logfile", "NONE", "/x", true},
	{"stdout_logfile", "/y", "/x", false},
	{"stdout_logfile", "AUTO", "syslog", false},
	{"stdout_syslog", "true", "false", false},
	{"env_file", "", "-/nothing", false},
	{"stdout_logfile_maxage", "1", "2", false},
	{"stdout_logfile_compress", "true", "false", false},
	{"stdout_logfile_format", "raw", "json", false},
	{"stderr_logfile_on_full", "block", "drop", false},
	{"stdout_logfile_maxbytes", "1", "2", false},
	{"stderr_logfile_backups", "1", "2", false},
	{"priority", "1", "2", false},
	{"autostart", "true", "false", false},
	{"startsecs", "1", "2", false},
	{"startretries", "1", "2", false},
	{"autorestart", "true", "false", false},
	{"exitcodes", "1", "2", false},
	{"stopsignal", "INT", "HUP", false},
	{"stopwaitsecs", "1", "2", false},
	{"killasgroup", "true", "false", false},
	{"restart_delay", "1", "2", false},
	{"restart_limit", "1/2s", "1/3s", false},
	{"nochildren", "true", "false", true},
	{"description", "a", "b", false},
	{"documentation", "a", "b", false},
};

struct change {
	const char *key;
	size_t n;
	bool restart;
};

static void
note(void *arg, const char *key, bool needs_restart)
{
	struct change *c = arg;

	if (strcmp(key, c->key) == 0)
		c->n++;
	c->restart |= needs_restart;
}

START_TEST(test_change)
{
	struct change seen = {changes[_i].key, 0, false};
	const char *head = strcmp(seen.key, "command") == 0 ?
	    "[program:x]\n" : "[program:x]\ncommand = c\n";
	char *text;
	struct config *a, *b;

	text = xasprintf("%s%s = %s\n", head, seen.key, changes[_i].a);
	a = load(text);
	free(text);
	text = xasprintf("%s%s = %s\n", head, seen.key, changes[_i].b);
	b = load(text);
	free(text);
	ck_assert_uint_gt(conf_process_diff(a->procs, b->procs, note, &seen),
	    0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert(seen.restart == changes[_i].restart);
	ck_assert((a->procs->restart_hash != b->procs->restart_hash) ==
	    changes[_i].restart);
	config_free(a);
	config_free(b);
}
END_TEST

START_TEST(test_main_change)
{
	struct change seen = {"environment", 0, false};
	struct config *a = load("[mpsupd]\nenvironment = A=1\n"
	    "[program:x]\ncommand = a\n");
	struct config *b = load("[mpsupd]\nenvironment = A=2\n"
	    "[program:x]\ncommand = a\n");

	ck_assert_uint_eq(conf_main_diff(&a->main, &b->main, note, &seen), 1);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert(!seen.restart);
	ck_assert_uint_eq(conf_process_diff(a->procs, b->procs, note, &seen),
	    0);
	ck_assert(a->procs->restart_hash != b->procs->restart_hash);
	config_free(b);
	seen.key = "rundir";
	b = load("[mpsupd]\nenvironment = A=1\nrundir = /elsewhere\n");
	conf_main_diff(&a->main, &b->main, note, &seen);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert(seen.restart);
	config_free(a);
	config_free(b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("confcodec");
	Suite *s = suite_create("confcodec");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_round, 0, NSAMPLES);
	tcase_add_loop_test(tc, test_dump_ini, 0, NSAMPLES);
	tcase_add_test(tc, test_dump_foreign);
	tcase_add_loop_test(tc, test_dump_json, 0, NSAMPLES);
	tcase_add_test(tc, test_cut);
	tcase_add_loop_test(tc, test_spoilt, 0, NSAMPLES);
	tcase_add_test(tc, test_random);
	tcase_add_loop_test(tc, test_change, 0,
	    sizeof changes / sizeof changes[0]);
	tcase_add_test(tc, test_main_change);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
