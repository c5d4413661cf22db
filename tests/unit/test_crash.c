/* When the next supervisor begins. */
#include <check.h>
#include <stdlib.h>

#include "keeper/crash.h"

#define MS 1000000LL
#define SEC (1000 * MS)

START_TEST(kills_are_free_until_there_are_many)
{
	struct crashes c = {0};
	int64_t now = 7 * SEC;
	int i;

	for (i = 0; i < 200; i++)
		ck_assert_int_eq(crash_killed(&c, now + i), 0);
	ck_assert_int_gt(crash_killed(&c, now + 999 * MS), 0);
	ck_assert_int_eq(crash_killed(&c, now + SEC), 0);
}
END_TEST

START_TEST(crashes_double_the_delay)
{
	static const int64_t delay_ms[] = {50, 100, 200, 400, 800, 1600, 3200,
	    5000, 5000, 5000};
	struct crashes c = {0};
	int64_t now = 5 * SEC;
	size_t i;

	for (i = 0; i < sizeof delay_ms / sizeof delay_ms[0]; i++) {
		bool safe = false;

		ck_assert_int_eq(crash_noted(&c, now, &safe), delay_ms[i] * MS);
		ck_assert_int_eq(safe, i >= CRASH_SAFE - 1);
		now += SEC;
	}
}
END_TEST

START_TEST(a_minute_forgets)
{
	struct crashes c = {0};
	int64_t now = 5 * SEC;
	bool safe = false;
	int i;

	for (i = 0; i < CRASH_SAFE - 1; i++)
		crash_noted(&c, now, &safe);
	now += 60 * SEC;
	ck_assert_int_eq(crash_noted(&c, now, &safe), 50 * MS);
	ck_assert(!safe);
}
END_TEST

START_TEST(slow_crashes_are_not_five_in_a_minute)
{
	struct crashes c = {0};
	bool safe = false;
	int i;

	for (i = 0; i < 20; i++)
		crash_noted(&c, 5 * SEC + i * 16 * SEC, &safe);
	ck_assert(!safe);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, kills_are_free_until_there_are_many);
	tcase_add_test(t, crashes_double_the_delay);
	tcase_add_test(t, a_minute_forgets);
	tcase_add_test(t, slow_crashes_are_not_five_in_a_minute);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
