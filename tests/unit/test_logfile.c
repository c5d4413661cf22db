/* Log files: opening, and rotation that a kill may cut off anywhere. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/logfile.h"

static char dir[64], path[PATH_MAX];

static const char *
name(const char *suffix)
{
	static char bufs[2][PATH_MAX + 16]; /* two names in one call */
	static int i;
	char *buf = bufs[i = !i];

	snprintf(buf, sizeof bufs[0], "%s%s", path, suffix);
	return buf;
}

static void
put(const char *suffix, const char *text)
{
	FILE *f = fopen(name(suffix), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *
get(const char *suffix)
{
	static char buf[64];
	FILE *f = fopen(name(suffix), "r");
	size_t n;

	if (f == NULL)
		return "-";
	n = fread(buf, 1, sizeof buf - 1, f);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

static void
setup(void)
{
	strcpy(dir, "/tmp/mpslogXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
}

static void
teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

START_TEST(test_rotate)
{
	int i;

	for (i = 0; i < 6; i++) {
		char text[16];

		snprintf(text, sizeof text, "%d", i);
		put("", text);
		ck_assert_int_eq(logfile_rotate(path, 3), 0);
		ck_assert_str_eq(get(""), "-");
		ck_assert_str_eq(get(".1"), text);
	}
	ck_assert_str_eq(get(".2"), "4");
	ck_assert_str_eq(get(".3"), "3");
	ck_assert_str_eq(get(".4"), "-");
}
END_TEST

START_TEST(test_rotate_keeps_none)
{
	put("", "x");
	ck_assert_int_eq(logfile_rotate(path, 0), 0);
	ck_assert_str_eq(get(""), "-");
	ck_assert_str_eq(get(".1"), "-");
	ck_assert_int_eq(logfile_rotate(path, 0), 0);
}
END_TEST

/* Cut off after any of its renames and run again: only the oldest goes, and
 * only when the numbers are full. */
START_TEST(test_rotate_after_a_kill)
{
	put("", "0");
	put(".1", "1");
	put(".2", "2");
	put(".3", "3");
	/* The first renames of a run with 4 backups: .3 -> .4, .2 -> .3 */
	if (_i >= 1)
		ck_assert_int_eq(rename(name(".3"), name(".4")), 0);
	if (_i >= 2)
		ck_assert_int_eq(rename(name(".2"), name(".3")), 0);
	if (_i >= 3)
		ck_assert_int_eq(rename(name(".1"), name(".2")), 0);
	ck_assert_int_eq(logfile_rotate(path, 4), 0);
	ck_assert_str_eq(get(""), "-");
	ck_assert_str_eq(get(".1"), "0");
	ck_assert_str_eq(get(".2"), "1");
	ck_assert_str_eq(get(".3"), "2");
	ck_assert_str_eq(get(".4"), "3");
}
END_TEST

/* Compressed files move with the others; at the last number neither form of
 * what was there stays. */
START_TEST(test_rotate_compressed)
{
	put("", "0");
	put(".1.gz", "1");
	put(".2", "2");
	ck_assert_int_eq(logfile_rotate(path, 3), 0);
	ck_assert_str_eq(get(".1"), "0");
	ck_assert_str_eq(get(".1.gz"), "-");
	ck_assert_str_eq(get(".2.gz"), "1");
	ck_assert_str_eq(get(".3"), "2");
	put("", "new");
	ck_assert_int_eq(logfile_rotate(path, 3), 0);
	ck_assert_str_eq(get(".1"), "new");
	ck_assert_str_eq(get(".2"), "0");
	ck_assert_str_eq(get(".2.gz"), "-");
	ck_assert_str_eq(get(".3"), "-");
	ck_assert_str_eq(get(".3.gz"), "1");
	put("", "newer");
	ck_assert_int_eq(logfile_rotate(path, 3), 0);
	ck_assert_str_eq(get(".3"), "0");
	ck_assert_str_eq(get(".3.gz"), "-");
}
END_TEST

/* A kill has left both forms of one. */
START_TEST(test_rotate_both_forms)
{
	put("", "0");
	put(".1", "1");
	put(".1.gz", "1z");
	ck_assert_int_eq(logfile_rotate(path, 3), 0);
	ck_assert_str_eq(get(".1"), "0");
	ck_assert_str_eq(get(".1.gz"), "-");
	ck_assert_str_eq(get(".2"), "1");
	ck_assert_str_eq(get(".2.gz"), "1z");
}
END_TEST

START_TEST(test_ends_line)
{
	int fd;

	put("", "a\nb");
	fd = open(path, O_WRONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert(logfile_ends_line(fd, 0));
	ck_assert(logfile_ends_line(fd, 2));
	ck_assert(!logfile_ends_line(fd, 3));
	ck_assert(logfile_age(fd) >= 0 && logfile_age(fd) < 60);
	close(fd);
}
END_TEST

START_TEST(test_open_appends_and_makes_dirs)
{
	enum logfile_kind kind;
	char deep[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(deep, sizeof deep, "%s/a/b/c.log", dir);
	fd = logfile_open(deep, &kind);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(kind, LOGFILE_REGULAR);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	put("", "before");
	fd = logfile_open(path, &kind);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 6); /* never truncated */
	close(fd);
}
END_TEST

START_TEST(test_open_is_not_led_astray)
{
	enum logfile_kind kind;

	put(".target", "t");
	ck_assert_int_eq(symlink(name(".target"), path), 0);
	ck_assert_int_eq(logfile_open(path, &kind), -1);
	ck_assert_int_eq(errno, ELOOP);
	unlink(path);
	ck_assert_int_eq(link(name(".target"), path), 0);
	ck_assert_int_eq(logfile_open(path, &kind), -1);
	ck_assert_int_eq(errno, EMLINK);
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(logfile_open(path, &kind), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_str_eq(get(".target"), "t");
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(logfile_open(path, &kind), -1);
	ck_assert_int_eq(errno, ENXIO); /* nobody reads it */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("logfile");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_rotate);
	tcase_add_test(t, test_rotate_keeps_none);
	tcase_add_loop_test(t, test_rotate_after_a_kill, 0, 4);
	tcase_add_test(t, test_rotate_compressed);
	tcase_add_test(t, test_rotate_both_forms);
	tcase_add_test(t, test_ends_line);
	tcase_add_test(t, test_open_appends_and_makes_dirs);
	tcase_add_test(t, test_open_is_not_led_astray);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
