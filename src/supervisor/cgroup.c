/* Groups of processes in the kernel; see cgroup.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/state.h"
#include "lib/xalloc.h"
#include "supervisor/cgroup.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define NAME_MAX_BYTES 200 /* of a label in the name of a directory */
#define DEPTH_MAX 16 /* groups below a program's that are looked at */

/* --- where --- */

/* The mount point of the version 2 hierarchy, malloc'ed, if its root is the
 * whole hierarchy as this process sees it; NULL. */
static char *
mount_point(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *type, *root, *point, *save, *ret = NULL;
	size_t cap = 0;

	while (f != NULL && ret == NULL && getline(&line, &cap, f) > 0) {
		type = strstr(line, " - ");
		if (type == NULL || strncmp(type, " - cgroup2 ", 11) != 0)
			continue;
		strtok_r(line, " ", &save); /* id */
		strtok_r(NULL, " ", &save); /* parent */
		strtok_r(NULL, " ", &save); /* device */
		root = strtok_r(NULL, " ", &save);
		point = strtok_r(NULL, " ", &save);
		if (root != NULL && point != NULL && strcmp(root, "/") == 0)
			ret = xstrdup(point);
	}
	if (f != NULL)
		fclose(f);
	free(line);
	return ret;
}

/* The path of our group in that hierarchy ("/..."), malloc'ed; NULL. */
static char *
path_of(const char *pid)
{
	char *file = xasprintf("/proc/%s/cgroup", pid), *ret = NULL;
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t cap = 0;

	free(file);
	while (f != NULL && ret == NULL && getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			ret = xstrdup(line + 3);
	}
	if (f != NULL)
		fclose(f);
	free(line);
	return ret;
}

/* A path that leads out of what is mounted begins with "/..". */
static bool
is_inside(const char *path)
{
	return strncmp(path, "/..", 3) != 0;
}

/* Not what somebody has mounted over it. */
static bool
is_cgroup(const char *mount)
{
	struct statfs fs;

	return statfs(mount, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static void
give_up(struct supervisor *sup)
{
	free(sup->cgroup);
	free(sup->cgroup_path);
	sup->cgroup = sup->cgroup_path = NULL;
}

void
cgroup_init(struct supervisor *sup)
{
	char *mount = mount_point(), *path = path_of("self"), *own;

	if (mount != NULL && path != NULL && is_inside(path)) {
		if (strcmp(path, "/") == 0)
			*path = '\0';
		own = xasprintf("%s/mpsupd-%016llx", path, (unsigned long long)
		    state_hash(sup->conf->main.rundir));
		sup->cgroup = xasprintf("%s%s", mount, own);
		sup->cgroup_path = own;
		if (!is_cgroup(mount) || (mkdir(sup->cgroup, 0755) == -1 &&
		    (errno != EEXIST || access(sup->cgroup, W_OK) == -1)))
			give_up(sup);
	}
	free(mount);
	free(path);
}

/* --- one program's --- */

static char *
name_of(const struct service *s)
{
	if (strlen(s->label) <= NAME_MAX_BYTES)
		return xasprintf("program-%s", s->label);
	return xasprintf("program-%016llx", (unsigned long long)s->label_hash);
}

/* The path of FILE in its group; "" for the group. */
static char *
file_of(const struct service *s, const char *file)
{
	char *name = name_of(s);
	char *path = xasprintf("%s/%s%s%s", s->sup->cgroup, name,
	    *file != '\0' ? "/" : "", file);

	free(name);
	return path;
}

int
cgroup_open(struct service *s)
{
	char *dir;
	int fd = -1;

	/* What may be left behind would keep the group for ever. */
	if (s->sup->cgroup == NULL || s->sup->cgroup_refused ||
	    s->conf->kill_mode != KILL_TREE)
		return -1;
	dir = file_of(s, "");
	if (s->prog.starts == 0)
		s->prog.regroup = 1; /* one that was killed may have killed it */
	if (s->prog.regroup && rmdir(dir) == -1 && errno != ENOENT) {
		free(dir);
		return -1; /* something is in it: not this time */
	}
	s->prog.regroup = 0;
	/* The first time it is not there. */
	if (s->prog.starts > 0 || mkdir(dir, 0755) == 0 || errno == EEXIST)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT && mkdir(dir, 0755) == 0)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return fd;
}

bool
cgroup_has(const struct service *s, pid_t pid)
{
	char number[16], *path, *name, *own;
	bool has;

	if (s->sup->cgroup == NULL || pid <= 0)
		return false;
	snprintf(number, sizeof number, "%d", (int)pid);
	path = path_of(number);
	name = name_of(s);
	own = xasprintf("%s/%s", s->sup->cgroup_path, name);
	has = path != NULL && strncmp(path, own, strlen(own)) == 0 &&
	    (path[strlen(own)] == '\0' || path[strlen(own)] == '/');
	free(path);
	free(name);
	free(own);
	return has;
}

bool
cgroup_is_populated(const struct service *s)
{
	char text[256], *path;
	ssize_t n = -1;
	int fd;

	if (s->sup->cgroup == NULL)
		return false;
	path = file_of(s, "cgroup.events");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	free(path);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "populated 1") != NULL;
}

static void
each_below(const char *dir, int depth, void (*fn)(void *arg, int32_t pid),
    void *arg)
{
	char *path = xasprintf("%s/cgroup.procs", dir), line[32];
	FILE *f = fopen(path, "re");
	struct dirent *e;
	DIR *d;

	free(path);
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		fn(arg, (int32_t)strtol(line, NULL, 10));
	if (f != NULL)
		fclose(f);
	d = depth > 0 ? opendir(dir) : NULL;
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		each_below(path, depth - 1, fn, arg);
		free(path);
	}
	if (d != NULL)
		closedir(d);
}

void
cgroup_each(const struct service *s, void (*fn)(void *arg, int32_t pid),
    void *arg)
{
	char *dir;

	if (s->sup->cgroup == NULL)
		return;
	dir = file_of(s, "");
	each_below(dir, DEPTH_MAX, fn, arg);
	free(dir);
}

bool
cgroup_kill(struct service *s)
{
	char *path;
	int fd;
	bool ok;

	if (s->sup->cgroup == NULL)
		return false;
	path = file_of(s, "cgroup.kill");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd == -1)
		return false;
	s->prog.regroup = 1;
	service_store(s);
	ok = write(fd, "1", 1) == 1;
	close(fd);
	return ok;
}

void
cgroup_remove(struct service *s)
{
	char *dir;

	if (s->sup->cgroup == NULL)
		return;
	dir = file_of(s, "");
	rmdir(dir); /* one that is in use stays */
	free(dir);
}

void
cgroup_clean(struct supervisor *sup)
{
	struct service *s;

	if (sup->cgroup == NULL)
		return;
	TAILQ_FOREACH(s, &sup->services, entry)
		cgroup_remove(s);
	rmdir(sup->cgroup);
}
