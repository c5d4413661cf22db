/* Numbers and names of the protocol, delays of the restart policy. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/backoff.h"
#include "core/proto.h"

START_TEST(test_errors_both_ways)
{
	int e;

	for (e = PROTO_OK; e < PROTO_ERRORS; e++) {
		ck_assert_ptr_nonnull(
		    proto_error_name((enum proto_error)e));
		ck_assert_int_eq(proto_error_from_code(
		    proto_error_code((enum proto_error)e)), e);
	}
	ck_assert_int_eq(proto_error_from_code(123456), PROTO_INTERNAL);
}
END_TEST

START_TEST(test_signals_both_ways)
{
	char buf[16], num[16];

	snprintf(num, sizeof num, "%d", _i);
	ck_assert_int_eq(signal_number(num), _i);
	ck_assert_int_eq(signal_number(signal_name(_i, buf)), _i);
}
END_TEST

START_TEST(test_signal_spellings)
{
	ck_assert_int_eq(signal_number("term"), SIGTERM);
	ck_assert_int_eq(signal_number("SigHup"), SIGHUP);
	ck_assert_int_eq(signal_number("RTMIN+1"), SIGRTMIN + 1);
	ck_assert_int_eq(signal_number("rtmax-1"), SIGRTMAX - 1);
	ck_assert_int_eq(signal_number("0"), -1);
	ck_assert_int_eq(signal_number("65"), -1);
	ck_assert_int_eq(signal_number(""), -1);
	ck_assert_int_eq(signal_number("SIG"), -1);
	ck_assert_int_eq(signal_number("RTMIN+99"), -1);
	ck_assert_int_eq(signal_number("TERMINATE"), -1);
}
END_TEST

START_TEST(test_linear)
{
	ck_assert_int_eq(backoff_linear_ns(1), 1000000000LL);
	ck_assert_int_eq(backoff_linear_ns(3), 3000000000LL);
}
END_TEST

/* A day of doubling, in a microsecond. */
START_TEST(test_exponential)
{
	uint32_t level;
	int64_t want = 100;

	for (level = 0; level < 1000; level++) {
		ck_assert_int_eq(backoff_exponential_ns(100, 60000, level, 0,
		    0), want * 1000000);
		want = want * 2 > 60000 ? 60000 : want * 2;
	}
	ck_assert_int_eq(backoff_exponential_ns(0, 60000, 9, 10, 7), 0);
	ck_assert_int_eq(backoff_exponential_ns(500, 100, 0, 0, 0),
	    100000000);
}
END_TEST

START_TEST(test_jitter_is_within_bounds)
{
	int64_t lo = INT64_MAX, hi = 0, d;
	int i;

	srandom(1);
	for (i = 0; i < 10000; i++) {
		d = backoff_exponential_ns(1000, 60000, 0, 10,
		    (uint32_t)random());
		lo = d < lo ? d : lo;
		hi = d > hi ? d : hi;
	}
	ck_assert_int_ge(lo, 900000000);
	ck_assert_int_le(hi, 1100000000);
	ck_assert_int_lt(lo, 910000000);
	ck_assert_int_gt(hi, 1090000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("proto");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_errors_both_ways);
	tcase_add_loop_test(t, test_signals_both_ways, 1, 65);
	tcase_add_test(t, test_signal_spellings);
	tcase_add_test(t, test_linear);
	tcase_add_test(t, test_exponential);
	tcase_add_test(t, test_jitter_is_within_bounds);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
