/* lib: buffers, strings, the board, the link. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/board.h"
#include "lib/buf.h"
#include "lib/link.h"
#include "lib/str.h"

/* --- buf --- */

START_TEST(test_buf_add_consume)
{
	struct buf b = BUF_INIT;
	char *s;
	int i;

	for (i = 0; i < 10000; i++)
		buf_addf(&b, "%05d", i);
	ck_assert_uint_eq(buf_len(&b), 50000);
	buf_consume(&b, 5 * 9999);
	ck_assert_int_eq(memcmp(buf_head(&b), "09999", 5), 0);
	buf_adds(&b, "x");
	s = buf_steal(&b);
	ck_assert_str_eq(s, "09999x");
	ck_assert_uint_eq(buf_len(&b), 0);
	free(s);
}
END_TEST

START_TEST(test_buf_addi)
{
	static const long long n[] = {0, 1, -1, 9223372036854775807LL,
	    -9223372036854775807LL - 1};
	struct buf b = BUF_INIT;
	char *s;
	size_t i;

	for (i = 0; i < sizeof n / sizeof n[0]; i++) {
		buf_addi(&b, n[i]);
		buf_addc(&b, ' ');
	}
	s = buf_steal(&b);
	ck_assert_str_eq(s, "0 1 -1 9223372036854775807 "
	    "-9223372036854775808 ");
	free(s);
}
END_TEST

static const struct {
	const char *in, *out;
} json[] = {
	{"", "\"\""},
	{"web", "\"web\""},
	{"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
	{"\n\t\r\x01\x1b\x7f", "\"\\n\\t\\u000d\\u0001\\u001b\\u007f\""},
	{"\xe8\xbf\x99", "\"\xe8\xbf\x99\""},
	{"\xff", "\"\\ufffd\""},
	{"\xc0\xaf", "\"\\ufffd\\ufffd\""}, /* overlong */
	{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* surrogate */
	{"a\xe8\xbf", "\"a\\ufffd\\ufffd\""}, /* cut off */
};

START_TEST(test_json)
{
	struct buf b = BUF_INIT;
	char *s;

	buf_adds_json(&b, json[_i].in);
	s = buf_steal(&b);
	ck_assert_str_eq(s, json[_i].out);
	free(s);
}
END_TEST

/* --- str --- */

START_TEST(test_str_copy)
{
	char d[4];

	ck_assert(str_equal(NULL, NULL) && str_equal("a", "a"));
	ck_assert(!str_equal("a", NULL) && !str_equal(NULL, "") &&
	    !str_equal("a", "ab"));
	ck_assert_uint_eq(str_copy(d, "abc", sizeof d), 3);
	ck_assert_str_eq(d, "abc");
	ck_assert_uint_eq(str_copy(d, "abcdef", sizeof d), 6);
	ck_assert_str_eq(d, "abc");
}
END_TEST

static const struct {
	const char *s;
	bool ok;
	int64_t v;
} numbers[] = {
	{"0", true, 0}, {"-5", true, -5}, {"100", true, 100},
	{"101", false, 0}, {"-6", false, 0}, {"", false, 0}, {"-", false, 0},
	{" 1", false, 0}, {"1 ", false, 0}, {"+1", false, 0},
	{"0x1", false, 0}, {"1x", false, 0}, {"--1", false, 0},
	{"99999999999999999999", false, 0},
};

START_TEST(test_str_to_int)
{
	int64_t v = 77;

	ck_assert_int_eq(str_to_int(numbers[_i].s, -5, 100, &v),
	    numbers[_i].ok);
	ck_assert_int_eq(v, numbers[_i].ok ? numbers[_i].v : 77);
}
END_TEST

START_TEST(test_visible)
{
	struct buf b = BUF_INIT;
	unsigned char all[256];
	size_t i;

	for (i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	str_visible(&b, (char *)all, sizeof all, true);
	for (i = 0; i < buf_len(&b); i++) {
		unsigned char c = (unsigned char)buf_head(&b)[i];

		ck_assert((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t');
	}
	buf_clear(&b);
	str_visible(&b, "\xc2\x9b" "1m\xe8\xbf\x99\n", 8, false);
	buf_addc(&b, '\0');
	ck_assert_str_eq(buf_head(&b), "\\xC2\\x9B1m\xe8\xbf\x99\\x0A");
	buf_clear(&b);
}
END_TEST

/* --- board --- */

START_TEST(test_board_record)
{
	struct board *b, *again;
	char rec[BOARD_RECORD], got[BOARD_RECORD];
	int fd = board_create(&b), i;

	ck_assert_int_ne(fd, -1);
	ck_assert(!board_load(b, 3, got, sizeof got));
	for (i = 0; i < 5; i++) {
		memset(rec, 'a' + i, sizeof rec);
		board_store(b, 3, rec, sizeof rec);
		ck_assert(board_load(b, 3, got, sizeof got));
		ck_assert_mem_eq(rec, got, sizeof rec);
	}
	again = board_map(fd);
	ck_assert_ptr_nonnull(again);
	ck_assert(board_load(again, 3, got, sizeof got));
	ck_assert_mem_eq(rec, got, sizeof rec);
	board_clear(b, 3);
	ck_assert(!board_load(again, 3, got, sizeof got));
}
END_TEST

/* A store that is cut off at any byte leaves the old record. */
START_TEST(test_board_torn_store)
{
	struct board *b;
	char old[BOARD_RECORD], got[BOARD_RECORD];
	struct board_record *r;
	uint32_t spare;
	int fd = board_create(&b);

	memset(old, 'o', sizeof old);
	board_store(b, 0, old, sizeof old);
	r = &b->rec[0];
	spare = atomic_load(&r->live) == 1 ? 1 : 0;
	memset(r->copy[spare], 'n', (size_t)_i); /* what a kill leaves */
	ck_assert(board_load(b, 0, got, sizeof got));
	ck_assert_mem_eq(old, got, sizeof old);
	close(fd);
}
END_TEST

START_TEST(test_board_refuses)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING);

	ck_assert_ptr_null(board_map(fd)); /* empty, not sealed */
	ck_assert_int_eq(ftruncate(fd, sizeof(struct board)), 0);
	ck_assert_ptr_null(board_map(fd)); /* not sealed */
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW),
	    0);
	ck_assert_ptr_null(board_map(fd)); /* no board */
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* --- link --- */

START_TEST(test_link)
{
	struct link_msg m = {.version = LINK_VERSION, .type = LINK_KEEP}, got;
	int sv[2], fds[LINK_FDS], many[LINK_FDS];
	size_t n, i;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	for (i = 0; i < LINK_FDS; i++) {
		many[i] = sv[0];
		m.slot[i] = (uint32_t)i;
	}
	m.n = LINK_FDS;
	ck_assert_int_eq(link_send(sv[0], &m, many, LINK_FDS), 0);
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), 1);
	ck_assert_uint_eq(n, LINK_FDS);
	ck_assert_uint_eq(got.slot[LINK_FDS - 1], LINK_FDS - 1);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* Anything else is dropped, with its descriptors. */
	ck_assert_int_eq(send(sv[0], "junk", 4, 0), 4);
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), -1);
	ck_assert_int_eq(errno, EPROTO);
	m.version = 99;
	ck_assert_int_eq(link_send(sv[0], &m, many, 1), 0);
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_uint_eq(n, 0);
	/* What was sent outlives the sender, whatever it had not read. */
	m.version = LINK_VERSION;
	ck_assert_int_eq(link_send(sv[1], &m, NULL, 0), 0);
	ck_assert_int_eq(link_send(sv[0], &m, NULL, 0), 0);
	close(sv[0]);
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), 1);
	ck_assert_int_eq(link_recv(sv[1], &got, fds, &n), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lib");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_buf_add_consume);
	tcase_add_test(t, test_buf_addi);
	tcase_add_loop_test(t, test_json, 0,
	    (int)(sizeof json / sizeof json[0]));
	tcase_add_test(t, test_str_copy);
	tcase_add_loop_test(t, test_str_to_int, 0,
	    (int)(sizeof numbers / sizeof numbers[0]));
	tcase_add_test(t, test_visible);
	tcase_add_test(t, test_board_record);
	tcase_add_loop_test(t, test_board_torn_store, 0, BOARD_RECORD + 1);
	tcase_add_test(t, test_board_refuses);
	tcase_add_test(t, test_link);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
