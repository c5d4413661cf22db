/* Log files; see logfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/str.h"
#include "supervisor/logfile.h"

int
logfile_make_dirs(const char *path)
{
	char dir[PATH_MAX];
	char *p;

	if (str_copy(dir, path, sizeof dir) >= sizeof dir) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (p = dir + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(dir, 0755) == -1 && errno != EEXIST &&
		    errno != EROFS && access(dir, F_OK) == -1)
			return -1;
	}
	return 0;
}

/* The descriptor that PATH names in this process, or -1. */
static int
own_descriptor(const char *path)
{
	int64_t fd;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	if (strncmp(path, "/dev/fd/", 8) == 0 &&
	    str_to_int(path + 8, 0, 2, &fd))
		return (int)fd;
	if (strncmp(path, "/proc/self/fd/", 14) == 0 &&
	    str_to_int(path + 14, 0, 2, &fd))
		return (int)fd;
	return -1;
}

static enum logfile_kind
kind_of(const struct stat *st, bool append)
{
	if (S_ISSOCK(st->st_mode) || append)
		return LOGFILE_COPY;
	return S_ISREG(st->st_mode) ? LOGFILE_REGULAR : LOGFILE_STREAM;
}

/* A description of our own, so that O_NONBLOCK is not forced on those who
 * share the old one.  Sockets cannot be reopened; they are sent to without
 * waiting.  A regular file that the shell opened is a stream here: somebody
 * else's, never rotated. */
static int
open_own(int own, enum logfile_kind *ret_kind)
{
	char path[32];
	struct stat st;
	int fd = -1;

	if (fstat(own, &st) == -1)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", own);
	if (!S_ISSOCK(st.st_mode))
		fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY |
		    (S_ISREG(st.st_mode) ? O_APPEND : 0));
	if (fd != -1) {
		*ret_kind = kind_of(&st, S_ISREG(st.st_mode));
		return fd;
	}
	*ret_kind = LOGFILE_COPY; /* written only when poll(2) says so */
	return fcntl(own, F_DUPFD_CLOEXEC, 3);
}

static int
refuse(int fd, int err)
{
	close(fd);
	errno = err;
	return -1;
}

/* A file of somebody else in a directory that everybody can write: it was put
 * there to be written, or read, by whoever put it there. */
static bool
is_planted(const char *path, const struct stat *st)
{
	char dir[PATH_MAX];
	struct stat sd;
	char *slash;

	if (st->st_uid == 0 || st->st_uid == geteuid())
		return false;
	str_copy(dir, path, sizeof dir);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return true;
	slash[slash == dir] = '\0';
	return stat(dir, &sd) == -1 || (sd.st_mode & S_IWOTH) != 0;
}

int
logfile_open(const char *path, enum logfile_kind *ret_kind)
{
	int own = own_descriptor(path), fd, follow = O_NOFOLLOW;
	struct stat st;

	if (own != -1)
		return open_own(own, ret_kind);
	if ((strncmp(path, "/dev/", 5) == 0 &&
	    strncmp(path, "/dev/shm/", 9) != 0) ||
	    strncmp(path, "/proc/", 6) == 0)
		follow = 0;
	fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC |
	    O_NOCTTY | follow, 0644);
	if (fd == -1 && errno == ENOENT && logfile_make_dirs(path) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC |
		    O_NOCTTY | follow, 0644);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return refuse(fd, errno);
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return refuse(fd, EMLINK);
	if (S_ISREG(st.st_mode) && is_planted(path, &st))
		return refuse(fd, EPERM);
	*ret_kind = kind_of(&st, false);
	return fd;
}

double
logfile_age(int fd)
{
	struct statx st;
	struct timespec now;
	double age;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) == -1 ||
	    (st.stx_mask & STATX_BTIME) == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	age = (double)(now.tv_sec - st.stx_btime.tv_sec) +
	    (double)(now.tv_nsec - (long)st.stx_btime.tv_nsec) / 1e9;
	return age > 0 ? age : 0;
}

bool
logfile_ends_line(int fd, off_t size)
{
	char path[32], last = '\n';
	int in;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	in = size > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (in == -1)
		return true;
	if (pread(in, &last, 1, size - 1) != 1)
		last = '\n';
	close(in);
	return last == '\n';
}

/* Number K of PATH, or PATH itself for 0; a compressed one with SUFFIX ".gz". */
static const char *
numbered(char *buf, const char *path, int64_t k, const char *suffix)
{
	if (k == 0)
		snprintf(buf, PATH_MAX, "%s", path);
	else
		snprintf(buf, PATH_MAX, "%s.%lld%s", path, (long long)k,
		    suffix);
	return buf;
}

static bool
is_free(const char *path, int64_t k)
{
	char name[PATH_MAX];

	return access(numbered(name, path, k, ""), F_OK) == -1 &&
	    access(numbered(name, path, k, ".gz"), F_OK) == -1;
}

/* Number K - 1 becomes number K.  A file that a kill has left in both forms
 * keeps them.  0, or -1 with errno. */
static int
move_up(const char *path, int64_t k)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (rename(numbered(from, path, k - 1, ""),
	    numbered(to, path, k, "")) == -1 && errno != ENOENT)
		return -1;
	if (k > 1 && rename(numbered(from, path, k - 1, ".gz"),
	    numbered(to, path, k, ".gz")) == -1 && errno != ENOENT)
		return -1;
	return 0;
}

/*
 * The first free number k takes what moves up; above it nothing changes.  A
 * run that was cut off leaves a gap, and the next run fills that gap instead
 * of pushing the oldest file out.  When there is none the oldest goes, whatever
 * its form is: the one that takes its number may have another.
 */
int
logfile_rotate(const char *path, int64_t backups)
{
	char name[PATH_MAX];
	int64_t k;

	if (strlen(path) + sizeof ".9223372036854775807.gz" > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (backups <= 0)
		return unlink(path) == -1 && errno != ENOENT ? -1 : 0;
	for (k = 1; k < backups; k++)
		if (is_free(path, k))
			break;
	if ((unlink(numbered(name, path, k, "")) == -1 && errno != ENOENT) ||
	    (unlink(numbered(name, path, k, ".gz")) == -1 && errno != ENOENT))
		return -1;
	for (; k >= 1; k--)
		if (move_up(path, k) == -1)
			return -1;
	return 0;
}
