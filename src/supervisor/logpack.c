/*
 * Rotated files are compressed, by gzip in a helper process, one at a time.
 *
 * FILE.3 is read through the descriptor that we have of it, so that a rotation
 * meanwhile does not matter, and written to FILE.gz.tmp.  That becomes the .gz
 * of whatever number the file has by then, and only then the file goes.  A kill
 * at any point leaves the file itself, and what is left of the work is done
 * again: nothing is remembered here, each look is at the directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "supervisor/helper.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"

#define NICE 19
#define NUMBERS_MAX 64 /* of rotated files that are looked at */

static void start_next(struct logs *l);

static bool
number_name(const struct sink *k, int i, const char *suffix, char *buf)
{
	return snprintf(buf, PATH_MAX, "%s.%d%s", k->path, i, suffix) <
	    PATH_MAX;
}

static bool
temp_name(const struct sink *k, char *buf)
{
	return snprintf(buf, PATH_MAX, "%s.gz.tmp", k->path) < PATH_MAX;
}

/* A regular file of ours that nobody else has a name for. */
static bool
is_log(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    (st->st_uid == 0 || st->st_uid == geteuid());
}

/* Opens the newest file that is not compressed; -1: there is none. */
static int
open_plain(const struct sink *k, struct stat *ret_st)
{
	char name[PATH_MAX];
	int i, fd;

	for (i = 1; i <= NUMBERS_MAX && i <= k->backups; i++) {
		if (!number_name(k, i, "", name))
			return -1;
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY);
		if (fd != -1 && fstat(fd, ret_st) == 0 && is_log(ret_st))
			return fd;
		if (fd != -1)
			close(fd);
		if (fd == -1 && (errno != ENOENT ||
		    !number_name(k, i, ".gz", name) ||
		    access(name, F_OK) == -1))
			return -1;
	}
	return -1;
}

/* The file that is open as FD is called number *RET now.  False: it is gone. */
static bool
find_number(const struct sink *k, int fd, int *ret)
{
	struct stat ours, st;
	char name[PATH_MAX];
	int i;

	if (fstat(fd, &ours) == -1 || ours.st_nlink == 0)
		return false;
	for (i = 1; i <= 2 * NUMBERS_MAX && number_name(k, i, "", name); i++)
		if (lstat(name, &st) == 0 && st.st_dev == ours.st_dev &&
		    st.st_ino == ours.st_ino) {
			*ret = i;
			return true;
		}
	return false;
}

/* Where the compressed bytes go; with the mode and owner of the file. */
static int
open_temp(const struct sink *k, const struct stat *like)
{
	char name[PATH_MAX];
	int fd;

	if (!temp_name(k, name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return -1;
	if ((like->st_uid != geteuid() || like->st_gid != getegid()) &&
	    fchown(fd, like->st_uid, like->st_gid) == -1)
		log_debug("log %s: %s", name, strerror(errno));
	fchmod(fd, like->st_mode & 0777);
	return fd;
}

static void
remove_temp(const struct sink *k)
{
	char name[PATH_MAX];

	if (temp_name(k, name))
		unlink(name);
}

/* Nothing more is tried before the next rotation. */
static void
give_up(struct sink *k, const char *why)
{
	int64_t now = now_ns();

	k->unpacked = false;
	if (k->pack_said_ns != 0 && now - k->pack_said_ns < COMPLAIN_NS)
		return;
	k->pack_said_ns = now;
	log_warnx("log %s: a rotated file cannot be compressed: %s; it stays "
	    "as it is", k->path, why);
}

/* The compressed file takes the place of the other one. */
static void
put_in_place(struct sink *k, int fd)
{
	char from[PATH_MAX], to[PATH_MAX], plain[PATH_MAX];
	int i;

	if (!temp_name(k, from) || !find_number(k, fd, &i) ||
	    !number_name(k, i, ".gz", to) || !number_name(k, i, "", plain)) {
		remove_temp(k); /* it was rotated away meanwhile */
		return;
	}
	if (rename(from, to) == -1) {
		give_up(k, strerror(errno));
		remove_temp(k);
		return;
	}
	unlink(plain);
}

static void
on_packed(void *arg, int status, bool timed_out)
{
	struct logs *l = arg;
	struct sink *k = l->packing;
	int fd = l->pack_fd;
	char why[64];

	l->helper = NULL;
	l->packing = NULL;
	if (status == 0) {
		put_in_place(k, fd);
	} else {
		give_up(k, helper_status_text(status, timed_out, 0, why,
		    sizeof why));
		remove_temp(k);
	}
	close(fd);
	start_next(l);
}

/* Starts gzip on the file FD of K.  0, or -1 with errno. */
static int
start(struct logs *l, struct sink *k, int fd, const struct stat *st)
{
	static char gzip[] = "gzip", flags[] = "-qc";
	char in[48];
	char *argv[] = {gzip, flags, in, NULL};
	struct helper_spec spec = {.argv = argv, .as_daemon = true,
		.nice = NICE};

	snprintf(in, sizeof in, "/proc/%d/fd/%d", (int)getpid(), fd);
	spec.out = open_temp(k, st);
	if (spec.out == -1)
		return -1;
	l->helper = helper_start(k->sup, &spec, on_packed, l);
	close(spec.out);
	if (l->helper == NULL) {
		int saved = errno;

		remove_temp(k);
		errno = saved;
		return -1;
	}
	l->packing = k;
	l->pack_fd = fd;
	return 0;
}

static void
start_next(struct logs *l)
{
	struct sink *k;
	struct stat st;
	int fd;

	for (k = l->sinks; k != NULL && l->helper == NULL; k = k->hh.next) {
		if (!k->unpacked)
			continue;
		fd = open_plain(k, &st);
		if (fd == -1) {
			k->unpacked = false;
			continue;
		}
		if (start(l, k, fd, &st) == -1) {
			give_up(k, errno == ENOENT ? "there is no gzip" :
			    strerror(errno));
			close(fd);
		}
	}
}

static void
on_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	start_next(w->data);
}

void
logpack_init(struct logs *l)
{
	ev_init(&l->pack_timer, on_time);
	l->pack_timer.data = l;
}

void
logpack_want(struct sink *k)
{
	struct logs *l = k->sup->logs;

	if (!k->compress || k->kind != LOGFILE_REGULAR || k->is_syslog)
		return;
	k->unpacked = true;
	/* Not from inside of a rotation, and not while one is packed. */
	if (l->helper == NULL && !ev_is_active(&l->pack_timer)) {
		ev_timer_set(&l->pack_timer, 0., 0.);
		ev_timer_start(k->sup->loop, &l->pack_timer);
	}
}

void
logpack_cancel(struct logs *l)
{
	if (l->helper == NULL)
		return;
	helper_cancel(l->helper);
	l->helper = NULL;
	remove_temp(l->packing);
	l->packing = NULL;
	close(l->pack_fd);
}

void
logpack_forget(struct sink *k)
{
	struct logs *l = k->sup->logs;

	k->unpacked = false;
	if (l->packing != k)
		return;
	logpack_cancel(l);
	start_next(l);
}
