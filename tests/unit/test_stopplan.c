/* Steps of a stop. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/stopplan.h"
#include "lib/buf.h"

static struct stopplan_step steps[STOPPLAN_MAX];

static unsigned
parse(const char *text)
{
	struct buf why = BUF_INIT;
	unsigned n;

	memset(steps, 0, sizeof steps);
	n = stopplan_parse(text, steps, &why);
	ck_assert((n == 0) == (buf_len(&why) > 0));
	buf_clear(&why);
	return n;
}

static void
step_is(unsigned i, int signo, int64_t wait_ms)
{
	ck_assert_int_eq(steps[i].signo, signo);
	ck_assert_int_eq(steps[i].wait_ms, wait_ms);
}

START_TEST(test_good)
{
	ck_assert_uint_eq(parse("TERM/10 INT/5 KILL"), 2);
	step_is(0, SIGTERM, 10000);
	step_is(1, SIGINT, 5000);
	ck_assert_uint_eq(parse(" sigquit/200ms,15/2m\tRTMIN+1/0 "), 3);
	step_is(0, SIGQUIT, 200);
	step_is(1, SIGTERM, 120000);
	step_is(2, SIGRTMIN + 1, 0);
	ck_assert_uint_eq(parse("USR1"), 1);
	step_is(0, SIGUSR1, 10000);
	ck_assert_uint_eq(parse("KILL/1"), 1); /* at once, then */
	ck_assert_uint_eq(parse("1 2 3 4 5 6 7"), 7);
}
END_TEST

static const char *const bad[] = {
	"", "  ", ",", "TERM/", "TERM/x", "/5", "NOSUCH/5", "TERM/5/5",
	"TERM/-1", "1 2 3 4 5 6 7 8", "TERM/99999d",
	"TERM/1000000000000000000000000000000000000000000000000000000000000",
};

START_TEST(test_bad)
{
	ck_assert_msg(parse(bad[_i]) == 0, "\"%s\"", bad[_i]);
}
END_TEST

START_TEST(test_of_a_process)
{
	struct conf_process p = {.stopsignal = SIGINT, .stopwaitsecs = 3};
	struct stopplan plan;

	ck_assert(stopplan_of(&p, &plan));
	ck_assert_uint_eq(plan.n, 1);
	ck_assert_int_eq(plan.v[0].signo, SIGINT);
	ck_assert_int_eq(plan.v[0].wait_ms, 3000);
	p.stop_command.n = 1; /* comes first */
	ck_assert(stopplan_of(&p, &plan));
	ck_assert_uint_eq(plan.n, 2);
	ck_assert_int_eq(plan.v[0].signo, 0);
	ck_assert_int_eq(plan.v[0].wait_ms, 3000);
	p.stop_schedule = (char[]){"1 2 3 4 5 6 7"}; /* all fits */
	ck_assert(stopplan_of(&p, &plan));
	ck_assert_uint_eq(plan.n, STOPPLAN_MAX);
	p.stop_schedule = (char[]){"nonsense"};
	ck_assert(!stopplan_of(&p, &plan));
	ck_assert_uint_eq(plan.n, 2); /* stopsignal stands in for it */
	ck_assert_int_eq(plan.v[1].signo, SIGINT);
	ck_assert_int_eq(stopplan_time_ms(&p), 6000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stopplan");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_good);
	tcase_add_loop_test(t, test_bad, 0,
	    (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(t, test_of_a_process);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
