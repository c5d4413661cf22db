/* The pidfile of a program; see pidfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "supervisor/pidfile.h"
#include "supervisor/service.h"

#define TMP ".%s.new"
#define TMP_EXTRA 5 /* bytes that it is longer */

/* A file in an open directory. */
struct place {
	int dir;
	char name[NAME_MAX + 1 - TMP_EXTRA];
	char tmp[NAME_MAX + 1];
};

/* Only we could have put a link there. */
static bool
is_ours(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 &&
	    (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    (st.st_mode & S_IWOTH) == 0 &&
	    ((st.st_mode & S_IWGRP) == 0 || st.st_gid == 0);
}

/* A link such as /var/run is followed, one in a directory that others can
 * write is not: it may lead into one that they cannot. */
static int
open_component(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (fd == -1 && errno == ENOTDIR && is_ours(dir))
		fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

/* PATH is absolute.  0; -1 with errno. */
static int
place_open(struct place *p, const char *path)
{
	char part[NAME_MAX + 1];
	int next, err = 0;
	size_t len;

	p->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (p->dir != -1) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0 || len >= (path[len] == '\0' ? sizeof p->name :
		    sizeof part)) {
			err = len == 0 ? EISDIR : ENAMETOOLONG;
			break;
		}
		memcpy(part, path, len);
		part[len] = '\0';
		path += len;
		if (*path == '\0') {
			memcpy(p->name, part, len + 1);
			snprintf(p->tmp, sizeof p->tmp, TMP, p->name);
			return 0;
		}
		next = open_component(p->dir, part);
		err = errno;
		close(p->dir);
		p->dir = next;
	}
	if (p->dir != -1)
		close(p->dir);
	errno = err != 0 ? err : errno;
	return -1;
}

static int
place_close(struct place *p, int r)
{
	int saved = errno;

	close(p->dir);
	errno = saved;
	return r;
}

static int
write_number(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d\n", (int)pid), r;

	/* Whatever the mask of the daemon is. */
	r = fchmod(fd, 0644) == -1 || write(fd, text, (size_t)len) != len ?
	    -1 : 0;
	if (close(fd) == -1)
		r = -1;
	return r;
}

static int
pidfile_write(const char *path, pid_t pid)
{
	struct place p;
	int fd, r = -1;

	if (place_open(&p, path) == -1)
		return -1;
	unlinkat(p.dir, p.tmp, 0);
	fd = openat(p.dir, p.tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	if (fd != -1 && write_number(fd, pid) == 0)
		r = renameat(p.dir, p.tmp, p.dir, p.name);
	if (fd != -1 && r == -1) {
		int saved = errno;

		unlinkat(p.dir, p.tmp, 0);
		errno = saved;
	}
	return place_close(&p, r);
}

static int
pidfile_remove(const char *path)
{
	struct place p;

	if (place_open(&p, path) == -1 ||
	    place_close(&p, unlinkat(p.dir, p.name, 0)) == -1)
		return errno == ENOENT ? 0 : -1;
	return 0;
}

static void
set(struct service *s, const char *path, pid_t pid)
{
	int r;

	if (path == NULL)
		return;
	r = pid != 0 ? pidfile_write(path, pid) : pidfile_remove(path);
	if (r == -1 && !s->pidfile_said)
		log_warn("program %s: cannot %s pidfile %s", s->label,
		    pid != 0 ? "write" : "remove", path);
	s->pidfile_said = r == -1;
}

void
pidfile_update(struct service *s)
{
	set(s, s->conf->pidfile, s->prog.pid);
}

void
pidfile_move(struct service *s, const struct conf_process *c)
{
	const char *now = s->conf->pidfile, *next = c->pidfile;

	if (s->prog.pid == 0 || now == next ||
	    (now != NULL && next != NULL && strcmp(now, next) == 0))
		return;
	set(s, now, 0);
	set(s, next, s->prog.pid);
}
