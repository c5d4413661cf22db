/* Files that must outlive a reboot; see writer.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/writer.h"
#include "lib/xalloc.h"

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* DIR opened, and locked against another writer.  -1: *WHY says why not. */
static int
open_dir(const char *dir, const char **why)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0755) == -1 && errno != EEXIST && errno != EROFS &&
	    access(dir, F_OK) == -1) {
		*why = strerror(errno);
		return -1;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		*why = strerror(errno);
	} else if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)) {
		*why = "it belongs to somebody else or can be written by "
		    "everybody";
	} else if (flock(fd, LOCK_EX) == -1) {
		*why = strerror(errno);
	} else {
		return fd;
	}
	if (fd != -1)
		close(fd);
	return -1;
}

/* NAME has these bytes already, and is a file of its own. */
static bool
is_same(int dir, const char *name, const char *data, size_t len)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	struct stat st;
	void *old;
	bool same;

	if (fd == -1)
		return false;
	same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size == len && st.st_uid == geteuid();
	if (same && len > 0) {
		old = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
		same = old != MAP_FAILED && memcmp(old, data, len) == 0;
		if (old != MAP_FAILED)
			munmap(old, len);
	}
	close(fd);
	return same;
}

static int
write_new(int dir, const char *tmp, const char *data, size_t len)
{
	int fd, r;

	if (unlinkat(dir, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	r = fchmod(fd, 0644) == -1 || write_all(fd, data, len) == -1 ||
	    fsync(fd) == -1 ? -1 : 0;
	if (close(fd) == -1)
		r = -1;
	return r;
}

char *
writer_replace(const char *dir, const char *name, const void *data,
    size_t len)
{
	char *tmp, *ret = NULL;
	const char *why = NULL;
	int fd = open_dir(dir, &why);

	if (fd == -1)
		return xasprintf("directory %s: %s", dir, why);
	tmp = xasprintf(".%s.new", name);
	if (!is_same(fd, name, data, len) &&
	    (write_new(fd, tmp, data, len) == -1 ||
	    renameat(fd, tmp, fd, name) == -1)) {
		ret = xasprintf("%s/%s: %s", dir, name, strerror(errno));
		unlinkat(fd, tmp, 0);
	} else if (fsync(fd) == -1 && errno != EINVAL) {
		ret = xasprintf("directory %s: %s", dir, strerror(errno));
	}
	free(tmp);
	close(fd);
	return ret;
}

bool
writer_is_volatile(const char *dir)
{
	struct statfs st;

	return statfs(dir, &st) == 0 && (st.f_type == TMPFS_MAGIC ||
	    st.f_type == RAMFS_MAGIC);
}

int
writer_main(int argc, char **argv)
{
	struct stat st;
	char *why, *data = NULL;

	/* Whoever takes over writes it again, and newer. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	if (argc != 3 || fstat(WRITER_FD, &st) == -1)
		return 2;
	if (st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    WRITER_FD, 0);
	if (data == MAP_FAILED)
		return 2;
	why = writer_replace(argv[1], argv[2], data, (size_t)st.st_size);
	if (why == NULL)
		return 0;
	if (ftruncate(WRITER_FD, 0) == -1 ||
	    lseek(WRITER_FD, 0, SEEK_SET) == -1 ||
	    write_all(WRITER_FD, why, strlen(why)) == -1)
		return 2;
	return 1;
}
