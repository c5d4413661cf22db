/* Files in, configurations or messages out. */
#include <check.h>
#include <time.h>

#include "conf_fake.h"

static struct fake fake;
static struct config *conf;
static struct conf_msgs msgs;

static void
setup(void)
{
	fake_init(&fake, "");
}

static void
teardown(void)
{
	config_free(conf);
	conf = NULL;
	conf_msgs_clear(&msgs);
}

static int
load(const char *text)
{
	teardown();
	fake.files[0].text = text;
	return config_load("/etc/m.conf", &fake.host, &conf, &msgs);
}

/* The message that has PART, or NULL. */
static const struct conf_msg *
find_msg(const char *part)
{
	size_t i;

	for (i = 0; i < msgs.n; i++)
		if (strstr(msgs.v[i].text, part) != NULL)
			return &msgs.v[i];
	return NULL;
}

static void
show_msgs(void)
{
	size_t i;

	for (i = 0; i < msgs.n; i++)
		fprintf(stderr, "%s\n", msgs.v[i].text);
}

/* Loads without any message. */
static void
load_clean(const char *text)
{
	int res = load(text);

	if (msgs.n > 0)
		show_msgs();
	ck_assert_int_eq(res, 0);
	ck_assert_uint_eq(msgs.n, 0);
}

static void
load_warned(const char *text, const char *part)
{
	int res = load(text);

	if (res != 0 || find_msg(part) == NULL)
		show_msgs();
	ck_assert_int_eq(res, 0);
	ck_assert_ptr_nonnull(find_msg(part));
	ck_assert(find_msg(part)->warning);
}

static void
load_refused(const char *text, const char *part)
{
	int res = load(text);

	if (res == 0 || find_msg(part) == NULL)
		show_msgs();
	ck_assert_int_eq(res, -1);
	ck_assert_ptr_null(conf);
	ck_assert_ptr_nonnull(find_msg(part));
	ck_assert(!find_msg(part)->warning);
}

static struct conf_process *
proc(const char *name)
{
	size_t i;

	for (i = 0; i < conf->nprocs; i++)
		if (strcmp(conf->procs[i].name, name) == 0)
			return &conf->procs[i];
	ck_abort_msg("no process %s", name);
	return NULL;
}

#define X "[program:x]\ncommand = a\n"

START_TEST(test_empty)
{
	load_clean("");
	ck_assert_uint_eq(conf->nprocs, 0);
	ck_assert_str_eq(conf->main.socket, "/run/mpsupd/control.sock");
	ck_assert_str_eq(conf->main.pidfile, "/run/mpsupd/mpsupd.pid");
	ck_assert_str_eq(conf->main.logfile, "/var/log/mpsupd/mpsupd.log");
	ck_assert_str_eq(conf->main.file, "/etc/m.conf");
	ck_assert(conf->main.nocleanup);
	ck_assert(!conf->main.foreign);
	ck_assert_int_eq(conf->main.minfds, -1);
	ck_assert_int_eq(conf->main.umask, 022);
	ck_assert_str_eq(conf->main.cwd, "/cwd");
	load_clean("; nothing\n\n# at all\n");
	load_clean("\xef\xbb\xbf[mpsupd]\r\nrundir = /r\r\n");
	ck_assert_str_eq(conf->main.socket, "/r/control.sock");
	ck_assert_str_eq(conf->main.pidfile, "/r/mpsupd.pid");
	ck_assert_str_eq(conf->main.statedir, "/r/lib");
	load_refused("[mpsupd]\nrundir = /r\nstatedir = /r//state\n",
	    "statedir: it cannot be RUNDIR/state");
}
END_TEST

START_TEST(test_missing)
{
	ck_assert_int_eq(config_load("/nope", &fake.host, &conf, &msgs), -1);
	ck_assert_ptr_nonnull(find_msg("/nope: "));
}
END_TEST

START_TEST(test_foreign)
{
	load_clean("[supervisord]\n");
	ck_assert(conf->main.foreign);
	ck_assert(!conf->main.nocleanup);
	ck_assert_str_eq(conf->main.pidfile, "/cwd/supervisord.pid");
	ck_assert_str_eq(conf->main.logfile, "/cwd/supervisord.log");
	ck_assert_str_eq(conf->main.logdir, "/tmp");
	load_clean("[supervisord]\nchildlogdir = /logs\nlogfile = NONE\n" X);
	ck_assert_str_eq(proc("x")->log[CONF_STDOUT].file,
	    "/logs/x.stdout.log");
	ck_assert_ptr_null(conf->main.logfile);
	load_warned("[supervisord]\nnonsense = 1\n", "nonsense");
	load_warned("[supervisord]\n[foo:bar]\na = b\n", "[foo:bar]");
	load_warned("[supervisord]\n" X "nice = 5\n", "no effect");
	load_refused("[supervisord]\nminfds = x\n", "minfds");
}
END_TEST

/* One value of `description` per row. */
static const struct {
	const char *in, *out;
} texts[] = {
	{"description = a b", "a b"},
	{"description: a b", "a b"},
	{"DESCRIPTION = a", "a"},
	{"[program:x]\n  description = a\n  startsecs = 1", "a"},
	{"description=a=b:c", "a=b:c"},
	{"description = a ; b", "a"},
	{"description = a # b", "a"},
	{"description = a\t;b", "a"},
	{"description = a;b#c", "a;b#c"},
	{"description =;a", ";a"},
	{"description = ;a", NULL},
	{"description = \"a ; b\" ; c", "\"a ; b\""},
	{"description = 'a # b'# c", "'a # b'# c"},
	{"description = 'a # b' # c", "'a # b'"},
	{"description = \"a \\\" ; b\" ; c", "\"a \\\" ; b\""},
	{"description = don't ; c", "don't"},
	{"description = \"a ; b", "\"a"},
	{"description = a\n b\n  c", "a\nb\nc"},
	{"description = a\n\n b\n\n", "a\n\nb"},
	{"description = a\n ; gone\n b", "a\nb"},
	{"description = a\n# gone\n b", "a\nb"},
	{"description = a ; x\n b ; y", "a\nb"},
	{"description =\n a", "\na"},
	{"description = \"a\n b ; c\" ; d", "\"a\nb ; c\""},
	{"description = a\n [b]\n c = d", "a\n[b]\nc = d"},
	{"description =\nautostart = true", NULL},
	{"description = 100%%", "100%"},
	{"description = %(here)s", "/etc"},
	{"description = %(ENV_PATH)s", "/bin:/usr/bin"},
	{"description = %(ENV_COMMENT)s", "a ; b"},
	{"description = %(program_name)s %(group_name)s %(process_num)02d "
	 "%(numprocs)d %(host_node_name)s", "x x 00 1 node1"},
	{"description = \xff\xfe", "\xff\xfe"},
};

START_TEST(test_text)
{
	char *text = xasprintf(X "%s\n", texts[_i].in);

	ck_assert_int_eq(load(text), 0);
	if (texts[_i].out == NULL)
		ck_assert_ptr_null(proc("x")->description);
	else
		ck_assert_str_eq(proc("x")->description, texts[_i].out);
	free(text);
}
END_TEST

/* What is refused, and a part of the message. */
static const struct {
	const char *in, *part;
} refused[] = {
	{"a = b\n", ":1: a key stands before"},
	{"[mpsupd]\nfoo\n", ":2: KEY = VALUE"},
	{"[mpsupd\n", ":1: a section header lacks"},
	{"[]\n", ":1: a section header names nothing"},
	{"[mpsupd]\n= x\n", ":2: there is no key"},
	{"[mpsupd]\nrun\xff" "dir = x\n", ":2: the key is not valid UTF-8"},
	{"[pro\xff" "gram:x]\n", ":1: the section name is not valid UTF-8"},
	{"[mpsupd]\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "= 1\n", "longer than 49"},
	{"[mpsupd]\nfoo = 1\n", ":2: section [mpsupd]: foo: no such key"},
	{"[foo]\n", ":1: section [foo]: no such section"},
	{"[mpsupd:x]\n", "no such section"},
	{"[program]\n", "no such section"},
	{"[program:]\n", "empty"},
	{"[program:a b]\ncommand = a\n", "blank"},
	{"[porgram:a]\n", "did you mean [program:a]?"},
	{X "startsec = 1\n", "did you mean \"startsecs\"?"},
	{X "startsecs = 1x\n", "/etc/m.conf:3: section [program:x]: startsecs: "
	 "\"1x\" is not a whole number of seconds"},
	{X "startsecs = 1.5\n", "startsecs"},
	{X "autorestart = maybe\n", "unexpected, true, false"},
	{X "stdout_logfile_maxbytes = 10M\n", "NKB"},
	{X "stopsignal = FOO\n", "stopsignal"},
	{X "exitcodes = 0,256\n", "exitcodes"},
	{X "umask = 9\n", "umask"},
	{X "stopasgroup = true\nkillasgroup = false\n", "killasgroup"},
	{X "numprocs = 2\n", "process_num"},
	{X "numprocs = 2\nprocess_name = %(program_name)s\n", "process_num"},
	{X "numprocs = 99999\nprocess_name = %(process_num)d\n", "range"},
	{X "numprocs = %(numprocs)d\n", "numprocs"},
	{X "process_name = a:b\n", "colon"},
	{X "description = 50% of\n", "description"},
	{X "description = %(nope)s\n", "nope"},
	{X "environment = A=%(ENV_A)s\n", "ENV_A"},
	{X "environment = A=a b\n", "column 5"},
	{X "nice = 5\n", "nice: not served by this version"},
	{X "after = y\n", "there is no program, process or group y"},
	{X "requires = x\n", "names the program itself"},
	{X "stop_schedule = TERM/x\n", "is no step"},
	{X "on_give_up = reboot\n", "none of none, shutdown"},
	{X "health = notify\n", "health: is asked by us"},
	{X "health = FD:3\n", "health: is asked by us"},
	{X "ready = fd:3\nwatchdog = 1\n", "watchdog: needs messages"},
	{X "type = oneshot\nready = notify\n", "ready: a oneshot is ready when"},
	{X "schedule = @daily\ntype = forking\n", "type: must be oneshot"},
	{"[program:x]\n", "command is missing"},
	{"[program:x]\ncommand =\n", "command"},
	{"[program:x]\ncommand = a 'b\n", "command"},
	{"[mpsupd]\nuser = nobody\n", "user"},
	{"[mpsupd]\nreaders = nobody\n", "readers"},
	{"[group:g]\n", "programs is missing"},
	{"[group:g]\nprograms = y\n", "there is no [program:y]"},
	{X "[group:g]\nprograms = x\n[group:h]\nprograms = x\n",
	 "in group g already"},
	{X "[program:y]\ncommand = b\nprocess_name = x\n"
	 "[group:g]\nprograms = x,y\n", "made twice"},
	{"[include]\n", "files is missing"},
	{"[DEFAULT]\nfoo = 1\n", "foo: no such key"},
	{"[inet_http_server]\nport = x\n", "port"},
	{"[eventlistener:e]\ncommand = a\nstartsecs = x\n", "startsecs"},
};

START_TEST(test_refused)
{
	load_refused(refused[_i].in, refused[_i].part);
}
END_TEST

/* What loads all the same. */
static const struct {
	const char *in, *part;
} warned[] = {
	{X "[program:x]\ncommand = b\n", "also at /etc/m.conf:1"},
	{X "command = b\n", "written again"},
	{X "user = nobody\n", "no user or group \"nobody\""},
	{X "stdout_events_enabled = true\n", "logged whole"},
	{X "stderr_capture_maxbytes = 1KB\n", "logged whole"},
	{X "type = oneshot\nhealth = tcp::80\n", "health: a oneshot is never"},
	{X "schedule = @daily\nwatchdog = 1\n", "watchdog: a oneshot is never"},
	{X "type = oneshot\nexec_start_post = a\n", "exec_start_post: a one"},
	{X "overlap = kill\n", "no effect without a schedule"},
	{"[mpsupd] foo\n", "behind the section header"},
	{"[eventlistener:e]\ncommand = a\nevents = TICK_5\n",
	 "section [eventlistener:e]: not served yet"},
	{"[fcgi-program:e]\ncommand = a\nsocket = tcp://a:1\n",
	 "not served yet"},
	{"[pool:p]\nanything = 1\n", "section [pool:p]: not served yet"},
	{"[http]\n", "not served yet"},
	{"[unix_http_server]\nfile = /s\n", "not served yet"},
	{"[include]\nfiles = /none/x.conf\n", "no file matches"},
	{X "[program:y]\ncommand = b\n[group:x]\nprograms = y\n",
	 "joins it for its name"},
};

START_TEST(test_warned)
{
	load_warned(warned[_i].in, warned[_i].part);
}
END_TEST

START_TEST(test_silent)
{
	load_clean("[supervisorctl]\nserverurl = unix:///s\n"
	    "[rpcinterface:supervisor]\nany.thing = x\n"
	    "[ctlplugin:x]\nfoo = bar\n");
	load_clean("[mpsupd]\n[supervisord]\nrundir = /r\n");
	ck_assert(conf->main.foreign);
	ck_assert_str_eq(conf->main.rundir, "/r");
}
END_TEST

/* All mistakes are reported at once. */
START_TEST(test_all_errors)
{
	ck_assert_int_eq(load("[mpsupd]\nminfds = x\nfoo\n"
	    X "startsecs = x\nnumprocs = 1\numask = 9\n"), -1);
	ck_assert_uint_eq(msgs.errors, 4);
}
END_TEST

START_TEST(test_defaults)
{
	const struct conf_process *p;

	load_clean(X);
	p = proc("x");
	ck_assert_str_eq(p->group, "x");
	ck_assert_int_eq(p->priority, 999);
	ck_assert_int_eq(p->group_priority, 999);
	ck_assert(p->autostart);
	ck_assert_int_eq(p->startsecs, 1);
	ck_assert_int_eq(p->startretries, 3);
	ck_assert_int_eq(p->autorestart, AUTORESTART_UNEXPECTED);
	ck_assert_uint_eq(p->exitcodes.n, 1);
	ck_assert_uint_eq(p->expected[0], 1);
	ck_assert_int_eq(p->stopsignal, 15);
	ck_assert_int_eq(p->stopwaitsecs, 10);
	ck_assert(!p->killasgroup);
	ck_assert_int_eq(p->log[0].maxbytes, 50 << 20);
	ck_assert_int_eq(p->log[0].backups, 10);
	ck_assert(p->log[0].automatic);
	ck_assert_str_eq(p->log[0].file, "/var/log/mpsupd/x.stdout.log");
	ck_assert_str_eq(p->log[1].file, "/var/log/mpsupd/x.stderr.log");
	ck_assert_ptr_null(p->directory);
	ck_assert_int_eq(p->umask, -1);
	ck_assert(p->inherit_environment);
	ck_assert(!p->restart_policy);
	ck_assert_int_eq(p->restart_delay_ms, 100);
	ck_assert_int_eq(p->slot, -1);
	ck_assert_ptr_null(p->user.name);
}
END_TEST

START_TEST(test_numprocs)
{
	load_clean("[program:w]\ncommand = c %(process_num)d of %(numprocs)d\n"
	    "process_name = %(program_name)s_%(process_num)02d\n"
	    "numprocs = %(ENV_N)s\nnumprocs_start = 9\n"
	    "environment = P=%(process_num)d,Q=\"%(ENV_N)s\"\n"
	    "directory = /d/%(ENV_P)s\nstopsignal = %(ENV_Q)s\n");
	ck_assert_uint_eq(conf->nprocs, 3);
	ck_assert_str_eq(conf->procs[0].name, "w_09");
	ck_assert_str_eq(conf->procs[2].name, "w_11");
	ck_assert_str_eq(conf->procs[1].command.v[1], "10");
	ck_assert_str_eq(conf->procs[1].command.v[3], "3");
	ck_assert_str_eq(conf->procs[1].environment.v[0], "P=10");
	ck_assert_str_eq(conf->procs[1].directory, "/d/10");
	ck_assert_int_eq(conf->procs[1].stopsignal, 3);
	ck_assert_str_eq(conf->procs[1].group, "w");
	load_clean(X "numprocs = 0\n");
	ck_assert_uint_eq(conf->nprocs, 0);
	/* A mistake is told once, not for each process. */
	ck_assert_int_eq(load(X "numprocs = 5\nstartsecs = x\n"
	    "process_name = %(process_num)d\n"), -1);
	ck_assert_uint_eq(msgs.n, 1);
	ck_assert_int_eq(load(X "numprocs = 5\nuser = nobody\n"
	    "process_name = %(process_num)d\n"), 0);
	ck_assert_uint_eq(msgs.n, 1);
}
END_TEST

START_TEST(test_environment)
{
	load_clean("[mpsupd]\nenvironment = M=1,PATH=\"/m\"\n"
	    "identifier = %(ENV_M)s\n"
	    X "environment = A=%(ENV_M)s%%\n"
	    "description = %(ENV_PATH)s %(ENV_A)s\n");
	ck_assert_str_eq(conf->main.environment.v[0], "M=1");
	ck_assert_str_eq(conf->main.identifier, "1");
	ck_assert_str_eq(proc("x")->environment.v[0], "A=1%");
	ck_assert_str_eq(proc("x")->description, "/m 1%");
}
END_TEST

/* The second file is the one of variables. */
static void
put_env_file(const char *text)
{
	fake.files[1].path = "/cwd/e";
	fake.files[1].text = text;
}

START_TEST(test_env_file)
{
	put_env_file("A=file\nB=\"b c\"\n");
	load_clean("[mpsupd]\nenvironment = A=main,C=main\n"
	    X "environment = B2=\"%(ENV_B)s2\",D=%(ENV_A)s\n"
	    "env_file = e\n"
	    "description = %(ENV_A)s %(ENV_C)s %(ENV_D)s\n"
	    "[program:y]\ncommand = y\nenv_file = -e\n"
	    "[program:z]\ncommand = z\nenv_file = -nope\n");
	ck_assert_str_eq(proc("x")->env_file, "/cwd/e");
	ck_assert_uint_eq(proc("x")->file_environment.n, 2);
	ck_assert_str_eq(proc("x")->file_environment.v[1], "B=b c");
	ck_assert_str_eq(proc("x")->environment.v[0], "B2=b c2");
	ck_assert_str_eq(proc("x")->environment.v[1], "D=file");
	ck_assert_str_eq(proc("x")->description, "file main file");
	ck_assert_str_eq(proc("y")->env_file, "-/cwd/e");
	ck_assert_uint_eq(proc("y")->file_environment.n, 2);
	ck_assert_uint_eq(proc("z")->file_environment.n, 0);
}
END_TEST

START_TEST(test_env_file_refused)
{
	put_env_file("A=1\nB\n\nC='\n");
	ck_assert_int_eq(load(X "env_file = e\n[program:y]\ncommand = y\n"
	    "env_file = e\n"), -1);
	ck_assert_uint_eq(msgs.n, 2); /* told once */
	ck_assert_ptr_nonnull(find_msg("/cwd/e:2: KEY=VALUE is expected"));
	ck_assert_ptr_nonnull(find_msg("/cwd/e:4: the quote is not closed"));
	ck_assert_int_eq(load(X "env_file = nope\n"), -1);
	ck_assert_ptr_nonnull(find_msg("env_file: cannot read /cwd/nope: No"));
}
END_TEST

/* What it says counts, not what it is called. */
START_TEST(test_env_file_changes)
{
	uint64_t hash;

	load_clean(X);
	hash = proc("x")->restart_hash;
	put_env_file("");
	load_clean(X "env_file = e\n");
	ck_assert_uint_eq(proc("x")->restart_hash, hash);
	put_env_file("A=1\n");
	load_clean(X "env_file = e\n");
	ck_assert_uint_ne(proc("x")->restart_hash, hash);
	hash = proc("x")->restart_hash;
	fake.files[1].path = "/other";
	load_clean(X "env_file = -/other\n");
	ck_assert_uint_eq(proc("x")->restart_hash, hash);
	put_env_file("A=2\n");
	load_clean(X "env_file = e\n");
	ck_assert_uint_ne(proc("x")->restart_hash, hash);
}
END_TEST

START_TEST(test_default_section)
{
	load_clean("[DEFAULT]\nstartsecs = 7\nstopsignal = INT\n"
	    "priority = 5\n"
	    X "stopsignal = HUP\n[program:y]\ncommand = b\n"
	    "[group:g]\nprograms = y\n[mpsupd]\n");
	ck_assert_int_eq(proc("x")->startsecs, 7);
	ck_assert_int_eq(proc("x")->stopsignal, 1);
	ck_assert_int_eq(proc("y")->stopsignal, 2);
	ck_assert_int_eq(proc("y")->priority, 5);
	ck_assert_int_eq(proc("y")->group_priority, 5);
	/* A mistake there is told once. */
	ck_assert_int_eq(load("[DEFAULT]\nstartsecs = x\n" X
	    "[program:y]\ncommand = b\n"), -1);
	ck_assert_uint_eq(msgs.n, 1);
	ck_assert_ptr_nonnull(find_msg(":2: section [DEFAULT]: startsecs"));
}
END_TEST

START_TEST(test_groups)
{
	load_clean("[program:c]\ncommand = c\npriority = 1\n"
	    "[program:b]\ncommand = b\n[program:a]\ncommand = a\n"
	    "priority = 5\n[group:g]\nprograms = b, a\npriority = 3\n"
	    "[program:z]\ncommand = z\ndescription = %(group_name)s\n"
	    "[group:h]\nprograms=z\n");
	ck_assert_uint_eq(conf->nprocs, 4);
	ck_assert_str_eq(conf->procs[0].name, "c");
	ck_assert_int_eq(conf->procs[0].group_priority, 1);
	ck_assert_str_eq(conf->procs[1].name, "a");
	ck_assert_str_eq(conf->procs[2].name, "b");
	ck_assert_str_eq(conf->procs[2].group, "g");
	ck_assert_str_eq(conf->procs[2].program, "b");
	ck_assert_int_eq(conf->procs[2].group_priority, 3);
	ck_assert_str_eq(conf->procs[3].description, "h");
}
END_TEST

START_TEST(test_logs)
{
	load_clean(X "stdout_logfile = none\nstderr_logfile = SYSLOG\n");
	ck_assert_ptr_null(proc("x")->log[0].file);
	ck_assert(!proc("x")->log[0].automatic);
	ck_assert_str_eq(proc("x")->log[1].file, "syslog");
	load_clean(X "redirect_stderr = true\nstdout_logfile = l/o\n");
	ck_assert_str_eq(proc("x")->log[0].file, "/cwd/l/o");
	ck_assert_ptr_null(proc("x")->log[1].file);
	/* One name in two groups. */
	load_clean(X "[program:y]\ncommand = b\nprocess_name = x\n"
	    "[group:g]\nprograms = y\n");
	ck_assert_str_eq(conf->procs[0].log[0].file,
	    "/var/log/mpsupd/x.stdout.log");
	ck_assert_str_eq(conf->procs[1].log[0].file,
	    "/var/log/mpsupd/g.x.stdout.log");
}
END_TEST

START_TEST(test_users)
{
	load_clean(X "user = web\n[program:y]\ncommand = b\nuser = web\n"
	    "[mpsupd]\noperators = web, @adm\n");
	ck_assert_uint_eq(proc("x")->user.uid, 1000);
	ck_assert_uint_eq(proc("x")->user.ngroups, 2);
	ck_assert_str_eq(proc("y")->user.home, "/home/web");
	ck_assert(proc("y")->user.known);
	ck_assert_uint_eq(conf->main.operators.uids[0], 1000);
	ck_assert_uint_eq(conf->main.operators.gids[0], 4);
	ck_assert_uint_eq(fake.lookups, 1);
	load(X "user = nobody\n");
	ck_assert(!proc("x")->user.known);
	ck_assert_str_eq(proc("x")->user.name, "nobody");
}
END_TEST

START_TEST(test_operators)
{
	load_clean(X);
	ck_assert(!config_is_shared(conf));
	load_clean(X "operators = web, @adm\n[program:y]\ncommand = b\n");
	ck_assert(config_is_shared(conf));
	ck_assert_uint_eq(proc("x")->operators.nuids, 1);
	ck_assert_uint_eq(proc("x")->operators.uids[0], 1000);
	ck_assert_uint_eq(proc("x")->operators.gids[0], 4);
	ck_assert_ptr_null(proc("y")->operators.text);
	ck_assert_ptr_null(conf->main.operators.text);
	load_clean("[mpsupd]\nreaders = web\n" X);
	ck_assert(config_is_shared(conf));
	load_refused(X "operators = nobody\n", "operators: there is no user");
}
END_TEST

START_TEST(test_pidfile)
{
	load_clean(X);
	ck_assert_ptr_null(proc("x")->pidfile);
	load_clean(X "numprocs = 2\nprocess_name = x%(process_num)d\n"
	    "pidfile = run/%(program_name)s%(process_num)d.pid\n");
	ck_assert_str_eq(proc("x1")->pidfile, "/cwd/run/x1.pid");
	load_refused(X "numprocs = 3\nprocess_name = x%(process_num)d\n"
	    "pidfile = /run/x.pid\n",
	    "section [program:x]: pidfile: pidfile /run/x.pid is also that of "
	    "x0");
	ck_assert_uint_eq(msgs.n, 1);
	load_refused(X "pidfile = /a//b\n[program:y]\ncommand = a\n"
	    "pidfile = /a/./b\n", "also that of x");
	load_refused(X "pidfile = /run/mpsupd/mpsupd.pid\n", "the daemon");
	load_refused("[mpsupd]\npidfile = /p\n" X "pidfile = /p\n",
	    "the daemon");
}
END_TEST

START_TEST(test_serverurl)
{
	load("[inet_http_server]\nport = *:9001\n");
	ck_assert_str_eq(conf->main.serverurl, "http://localhost:9001");
	load("[inet_http_server]\nport = 127.0.0.1:9001\n"
	    "[unix_http_server]\nfile = %(here)s/s.sock\n");
	ck_assert_str_eq(conf->main.serverurl, "unix:///etc/s.sock");
	load_clean(X "serverurl = auto\n");
	ck_assert_ptr_null(proc("x")->serverurl);
}
END_TEST

START_TEST(test_policy)
{
	load_clean(X "restart_limit = 5/1m\n");
	ck_assert(proc("x")->restart_policy);
	ck_assert_int_eq(proc("x")->restart_limit, 5);
	ck_assert_int_eq(proc("x")->restart_window_ms, 60000);
	load_clean(X "stopasgroup = true\n");
	ck_assert(proc("x")->killasgroup);
	load_clean(X "exitcodes = 0,2,255\n");
	ck_assert_uint_eq(proc("x")->expected[0], 5);
	ck_assert_uint_eq(proc("x")->expected[7], UINT32_C(1) << 31);
}
END_TEST

START_TEST(test_include)
{
	fake.files[1].path = "/etc/d/a.conf";
	fake.files[1].text = "[program:a]\ncommand = %(here)s/a\n"
	    "[include]\nfiles = /never\n";
	fake.files[2].path = "/etc/d/b.conf";
	fake.files[2].text = "[program:b]\ncommand = b\nfoo = 1\n";
	load_warned("[supervisord]\n[include]\nfiles = d/*.conf\n",
	    "not followed");
	ck_assert_uint_eq(conf->nprocs, 2);
	ck_assert_str_eq(proc("a")->command.v[0], "/etc/d/a");
	/* The main file decides whether unknown keys are errors. */
	ck_assert_ptr_nonnull(find_msg("/etc/d/b.conf:3: "));
	ck_assert(find_msg("/etc/d/b.conf:3: ")->warning);
	load_refused("[include]\nfiles = d/a.conf %(here)s/d/b.conf\n",
	    "/etc/d/b.conf:3: ");
	fake.files[1].text = "[program:a]\ncommand = 1\n";
	fake.files[2].text = "[program:a]\ncommand = 2\n";
	load_warned("[include]\nfiles = d/a.conf d/*.conf\n",
	    "also at /etc/d/a.conf:1");
	ck_assert_str_eq(proc("a")->command.v[0], "2");
}
END_TEST

START_TEST(test_long_names)
{
	char name[CONF_NAME_MAX + 2], *text;

	memset(name, 'n', sizeof name);
	name[CONF_NAME_MAX] = '\0';
	text = xasprintf("[program:%s]\ncommand = a\n", name);
	load_clean(text);
	ck_assert_str_eq(conf->procs[0].name, name);
	free(text);
	name[CONF_NAME_MAX] = 'n';
	name[CONF_NAME_MAX + 1] = '\0';
	text = xasprintf("[program:%s]\ncommand = a\n", name);
	load_refused(text, "longer than 200");
	free(text);
}
END_TEST

START_TEST(test_nul)
{
	static const char text[] = "[mpsupd]\nrun\0dir = /r\n";

	fake.files[0].len = sizeof text - 1;
	load_refused(text, ":2: the line has a NUL byte");
}
END_TEST

START_TEST(test_control_bytes)
{
	load_refused("[mpsupd]\n\033[31m = x\n", "\\x1B");
}
END_TEST

START_TEST(test_peek)
{
	struct config *c;

	fake.files[0].text = "[mpsupd]\nrundir = /r\nfoo\nminfds = x\n"
	    "[program:x]\n";
	c = config_peek("/etc/m.conf", &fake.host);
	ck_assert_str_eq(c->main.socket, "/r/control.sock");
	config_free(c);
	c = config_peek("/nope", &fake.host);
	ck_assert_str_eq(c->main.socket, "/run/mpsupd/control.sock");
	config_free(c);
	fake.files[0].text = "[supervisord]\nrundir = %(nope)s\n";
	c = config_peek("/etc/m.conf", &fake.host);
	ck_assert_str_eq(c->main.pidfile, "/cwd/supervisord.pid");
	config_free(c);
}
END_TEST

static const char sample[] =
    "\xef\xbb\xbf; sample\r\n[mpsupd]\r\nrundir = /r ; x\n"
    "environment = A=\"b ; c\",\n  D='e'\n[DEFAULT]\nstartsecs = 2\n"
    "[program:x] # y\ncommand : a \"b %(process_num)02d\" \\\n\n   c\n"
    "numprocs = 2\nprocess_name = %(program_name)s_%(process_num)d\n"
    "user = web\nexitcodes = 0,2\nrestart_limit = 5/60s\n"
    "[program:\xc3\xa4]\ncommand=b\nstdout_logfile=/dev/stdout\n"
    "[group:g]\nprograms = x,\xc3\xa4\n[unix_http_server]\nfile=/s\n"
    "[include]\nfiles = /etc/d/*.conf %(here)s/e.conf\n";

/* Cut at each byte, with each byte spoilt: an answer, never a crash. */
START_TEST(test_truncated)
{
	size_t len;

	for (len = 1; len < sizeof sample; len++) {
		fake.files[0].len = len;
		if (load(sample) != 0)
			ck_assert_uint_gt(msgs.errors, 0);
	}
}
END_TEST

START_TEST(test_spoilt)
{
	static const char bytes[] = "\0\n\r\t =:;#[]%(\"'\\,\xff";
	char text[sizeof sample];
	size_t i, k;

	fake.files[0].len = sizeof sample - 1;
	for (i = 0; i < sizeof sample - 1; i++) {
		for (k = 0; k < sizeof bytes - 1; k++) {
			memcpy(text, sample, sizeof sample);
			text[i] = bytes[k];
			load(text);
		}
	}
}
END_TEST

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* REPEAT for about LEN bytes. */
static char *
repeat(const char *head, const char *unit, size_t len)
{
	size_t n = strlen(unit), at = strlen(head);
	char *text = xmalloc(len + at + n + 1);

	memcpy(text, head, at + 1);
	for (len += at; at < len; at += n)
		memcpy(text + at, unit, n + 1);
	return text;
}

/* Text that makes a careless reader quadratic; the time is generous. */
static const struct {
	const char *head, *unit;
} garbage[] = {
	{"", "[a]\n"},
	{"", "\n"},
	{"[mpsupd]\n", "a=\n"},
	{"[mpsupd]\n", "rundir=\n"},
	{"[supervisord]\n", "a=\n"},
	{X "description = a\n", " \n"},
	{X "description = a\n", " \" '\n"},
	{X "description = a\n", " \\\"\n"},
	{X "description = ", "\n\n\n %(here)s"},
	{X "environment = ", "\n A=b,"},
	{"", "[program:x]\n"},
	{"", "\x01\xff garbage "},
};

START_TEST(test_garbage)
{
	char *text = repeat(garbage[_i].head, garbage[_i].unit, 1 << 20);
	double start = seconds();

	load(text);
	ck_assert(seconds() - start < 10);
	free(text);
}
END_TEST

START_TEST(test_too_many_mistakes)
{
	char *text = repeat("[mpsupd]\n", "a=\n", 1 << 20);

	ck_assert_int_eq(load(text), -1);
	ck_assert_uint_eq(msgs.n, CONF_MSG_MAX);
	ck_assert_uint_eq(msgs.errors, msgs.n + msgs.suppressed);
	free(text);
}
END_TEST

/* Why it is refused is said, however many warnings there are. */
START_TEST(test_warnings_leave_room)
{
	char *text = repeat("", "[program:x]\n", 1 << 20);
	size_t i, errors = 0;

	ck_assert_int_eq(load(text), -1);
	for (i = 0; i < msgs.n; i++)
		errors += !msgs.v[i].warning;
	ck_assert_uint_gt(msgs.suppressed, 0);
	ck_assert_uint_eq(errors, msgs.errors);
	free(text);
}
END_TEST

START_TEST(test_many_programs)
{
	char *text = xmalloc(10000 * 64), *p = text;
	int i;

	for (i = 0; i < 10000; i++)
		p += sprintf(p, "[program:p%d]\ncommand = /bin/p %d\n", i, i);
	load_clean(text);
	ck_assert_uint_eq(conf->nprocs, 10000);
	ck_assert_str_eq(conf->procs[2].name, "p2");
	free(text);
}
END_TEST

START_TEST(test_too_many_processes)
{
	load_refused("[program:x]\ncommand = a\nnumprocs = 16384\n"
	    "process_name = %(process_num)d\n[program:y]\ncommand = b\n",
	    "more than 16384");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conf");
	Suite *s = suite_create("conf");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_missing);
	tcase_add_test(tc, test_foreign);
	tcase_add_loop_test(tc, test_text, 0, sizeof texts / sizeof texts[0]);
	tcase_add_loop_test(tc, test_refused, 0,
	    sizeof refused / sizeof refused[0]);
	tcase_add_loop_test(tc, test_warned, 0,
	    sizeof warned / sizeof warned[0]);
	tcase_add_test(tc, test_silent);
	tcase_add_test(tc, test_all_errors);
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_numprocs);
	tcase_add_test(tc, test_environment);
	tcase_add_test(tc, test_env_file);
	tcase_add_test(tc, test_env_file_refused);
	tcase_add_test(tc, test_env_file_changes);
	tcase_add_test(tc, test_default_section);
	tcase_add_test(tc, test_groups);
	tcase_add_test(tc, test_logs);
	tcase_add_test(tc, test_users);
	tcase_add_test(tc, test_operators);
	tcase_add_test(tc, test_pidfile);
	tcase_add_test(tc, test_serverurl);
	tcase_add_test(tc, test_policy);
	tcase_add_test(tc, test_include);
	tcase_add_test(tc, test_long_names);
	tcase_add_test(tc, test_nul);
	tcase_add_test(tc, test_control_bytes);
	tcase_add_test(tc, test_peek);
	tcase_add_test(tc, test_truncated);
	tcase_add_test(tc, test_spoilt);
	tcase_add_loop_test(tc, test_garbage, 0,
	    sizeof garbage / sizeof garbage[0]);
	tcase_add_test(tc, test_too_many_mistakes);
	tcase_add_test(tc, test_warnings_leave_room);
	tcase_add_test(tc, test_many_programs);
	tcase_add_test(tc, test_too_many_processes);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
