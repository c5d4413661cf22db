/* The graph of programs: names, circles, ranks. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/depend.h"
#include "core/program.h"

#define MAX 2048

static struct conf_process procs[MAX];
static struct config conf = {.procs = procs};
static struct depend d;
static char said[4096];
static char *words[MAX * 8];
static size_t nwords;
static char *copies[MAX * 8]; /* freed by the next setup() */
static size_t ncopies;

static char *
copy(const char *text)
{
	ck_assert_uint_lt(ncopies, MAX * 8);
	copies[ncopies] = strdup(text);
	return copies[ncopies++];
}

static void
note(void *arg, uint32_t from, const char *key, const char *why)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof said - len, "%s %s: %s\n",
	    procs[from].name, key, why);
}

/* A process of its own program and group. */
static struct conf_process *
add(const char *name)
{
	struct conf_process *p = &procs[conf.nprocs++];

	memset(p, 0, sizeof *p);
	p->name = p->group = p->program = copy(name);
	return p;
}

static void
on(struct conf_strs *s, const char *name)
{
	if (s->n == 0)
		s->v = &words[nwords];
	words[nwords++] = copy(name);
	s->n++;
	words[nwords] = NULL;
}

static void
setup(void)
{
	while (ncopies > 0)
		free(copies[--ncopies]);
	conf.nprocs = nwords = 0;
	said[0] = '\0';
}

static bool
resolve(void)
{
	size_t i;
	bool ok;

	said[0] = '\0';
	ok = depend_resolve(&conf, &d, note, NULL);
	ck_assert(ok == (said[0] == '\0'));
	/* Whatever is left of the graph has ranks that fit it. */
	for (i = 0; i < d.n; i++)
		if (d.v[i].kind != DEPEND_STATES)
			ck_assert_uint_gt(d.rank[d.v[i].from],
			    d.rank[d.v[i].to]);
	return ok;
}

START_TEST(test_none)
{
	size_t i;

	setup();
	for (i = 0; i < 100; i++)
		add("x");
	ck_assert(resolve());
	ck_assert_uint_eq(d.n, 0);
	for (i = 0; i < 100; i++) /* in the order of the file */
		ck_assert_uint_eq(d.rank[i], i);
	depend_clear(&d);
}
END_TEST

START_TEST(test_kinds)
{
	struct conf_process *web;

	setup();
	web = add("web");
	add("db");
	on(&web->after, "db");
	on(&web->requires, "db");
	on(&web->bound_to, "db");
	on(&web->wait_for, "db:running,Exited");
	ck_assert(resolve());
	ck_assert_uint_eq(d.n, 4);
	ck_assert_uint_eq(d.v[3].kind, DEPEND_STATES);
	ck_assert_uint_eq(d.v[3].states,
	    1u << PROGRAM_RUNNING | 1u << PROGRAM_EXITED);
	ck_assert_uint_eq(d.rank[0], 1);
	ck_assert_uint_eq(d.rank[1], 0);
	depend_clear(&d);
}
END_TEST

/* A program of three processes in a group, and one that needs them all. */
static struct conf_process *
add_crew(void)
{
	static const char *const names[] = {"w_0", "w_1", "w_2"};
	struct conf_process *p;
	size_t i;

	for (i = 0; i < 3; i++) {
		p = add(names[i]);
		p->program = copy("w");
		p->group = copy("crew");
	}
	return add("boss");
}

static const struct {
	const char *name;
	size_t n;
} crews[] = {
	{"w_1", 1}, {"crew:w_1", 1}, {"w", 3}, {"crew", 3}, {"crew:*", 3},
	{"boss", 0}, {"crew:", 0}, {"w_", 0}, {"*", 0},
};

START_TEST(test_names)
{
	struct conf_process *boss;

	setup();
	boss = add_crew();
	on(&boss->requires, crews[_i].name);
	ck_assert(resolve() == (crews[_i].n > 0));
	ck_assert_uint_eq(d.n, crews[_i].n);
	depend_clear(&d);
}
END_TEST

/* One of a group may name the group: the others are meant. */
START_TEST(test_own_group)
{
	setup();
	add_crew();
	on(&procs[0].after, "crew:*");
	ck_assert(resolve());
	ck_assert_uint_eq(d.n, 2);
	depend_clear(&d);
	/* All of them is a circle. */
	on(&procs[1].after, "w");
	ck_assert(!resolve());
	ck_assert_ptr_nonnull(strstr(said, "circle: w_0 -> w_1 -> w_0"));
	depend_clear(&d);
}
END_TEST

START_TEST(test_circle)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	size_t i;

	setup();
	for (i = 0; i < 4; i++)
		add(names[i]);
	on(&procs[0].after, "b");
	on(&procs[1].requires, "c");
	on(&procs[2].bound_to, "d");
	on(&procs[3].after, "b");
	ck_assert(!resolve());
	ck_assert_ptr_nonnull(strstr(said, "in a circle: b -> c -> d -> b"));
	ck_assert_uint_eq(d.n, 3); /* the last one is left out */
	depend_clear(&d);
	/* The plugin's key makes none: it waits for states only. */
	setup();
	add("a");
	add("b");
	on(&procs[0].wait_for, "b:running");
	on(&procs[1].wait_for, "a:running");
	ck_assert(resolve());
	depend_clear(&d);
}
END_TEST

START_TEST(test_leaving)
{
	setup();
	add("a");
	add("b")->leaving = true;
	on(&procs[0].after, "b");
	ck_assert(!resolve());
	ck_assert_uint_eq(d.n, 0);
	depend_clear(&d);
	procs[0].leaving = true; /* together they stop in order */
	ck_assert(resolve());
	ck_assert_uint_eq(d.n, 1);
	depend_clear(&d);
}
END_TEST

static const char *const bad_waits[] = {
	"b", "b:", ":running", "b:up", "b:running,", "b:,running",
	"c:running", "b:running;exited",
};

START_TEST(test_bad_wait)
{
	setup();
	add("a");
	add("b");
	on(&procs[0].wait_for, bad_waits[_i]);
	ck_assert_msg(!resolve(), "%s", bad_waits[_i]);
	depend_clear(&d);
}
END_TEST

/* A chain as long as there are processes: no recursion. */
START_TEST(test_long_chain)
{
	char name[16];
	size_t i;

	setup();
	for (i = 0; i < MAX; i++) {
		snprintf(name, sizeof name, "p%zu", i);
		add(name);
	}
	for (i = 0; i + 1 < MAX; i++) {
		snprintf(name, sizeof name, "p%zu", i + 1);
		on(&procs[i].requires, name);
	}
	ck_assert(resolve());
	ck_assert_uint_eq(d.rank[0], MAX - 1);
	ck_assert_uint_eq(d.rank[MAX - 1], 0);
	depend_clear(&d);
	on(&procs[MAX - 1].requires, "p0");
	ck_assert(!resolve());
	depend_clear(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("depend");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_none);
	tcase_add_test(t, test_kinds);
	tcase_add_loop_test(t, test_names, 0,
	    (int)(sizeof crews / sizeof crews[0]));
	tcase_add_test(t, test_own_group);
	tcase_add_test(t, test_circle);
	tcase_add_test(t, test_leaving);
	tcase_add_loop_test(t, test_bad_wait, 0,
	    (int)(sizeof bad_waits / sizeof bad_waits[0]));
	tcase_add_test(t, test_long_chain);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
