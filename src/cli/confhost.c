/* The world as config_load() sees it; see confhost.h. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/confhost.h"
#include "core/conf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

extern char **environ;

/* Trust. */

/* Why root must not believe ST (of PATH), or NULL; caller frees. */
static char *
distrust(const struct stat *st, const char *path)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (st->st_uid != 0)
		return xasprintf("%s belongs to uid %u, not to root; mend it "
		    "with: chown root '%s'", path, (unsigned)st->st_uid, path);
	if ((st->st_mode & S_IWOTH) != 0 && !sticky)
		return xasprintf("%s can be written by everybody; mend it "
		    "with: chmod o-w '%s'", path, path);
	if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && !sticky)
		return xasprintf("%s can be written by group %u; mend it "
		    "with: chmod g-w '%s'", path, (unsigned)st->st_gid, path);
	return NULL;
}

static char *
distrust_directory(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/'), *why;
	struct stat st;

	if (slash == NULL)
		memcpy(dir, ".", 2);
	else
		slash[slash == dir] = '\0';
	if (stat(dir, &st) == -1)
		why = xasprintf("%s: %s", dir, strerror(errno));
	else
		why = distrust(&st, dir);
	free(dir);
	return why;
}

/* A link is only as good as the directories of both of its ends. */
static char *
distrust_file(int fd, const char *path)
{
	char *why, *real;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return xstrdup(strerror(errno));
	if ((why = distrust(&st, path)) != NULL ||
	    (why = distrust_directory(path)) != NULL)
		return why;
	if ((real = realpath(path, NULL)) == NULL)
		return xstrdup(strerror(errno));
	if (strcmp(real, path) != 0)
		why = distrust_directory(real);
	free(real);
	return why;
}

/* Files. */

static char *
read_all(int fd, char *data, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, data + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return xstrdup(strerror(errno));
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return NULL;
}

/* One byte more than it had is asked for, to notice that it grows. */
static char *
read_fd(int fd, const char *path, char **ret_data, size_t *ret_len)
{
	struct stat st;
	char *why, *data;

	if (fstat(fd, &st) == -1)
		return xstrdup(strerror(errno));
	if (!S_ISREG(st.st_mode))
		return xstrdup("it is not a regular file");
	if (st.st_size > CONF_FILE_MAX)
		return xasprintf("it is larger than %d MB",
		    CONF_FILE_MAX / (1024 * 1024));
	if (geteuid() == 0 && (why = distrust_file(fd, path)) != NULL)
		return why;
	data = xmalloc((size_t)st.st_size + 1);
	why = read_all(fd, data, (size_t)st.st_size + 1, ret_len);
	if (why == NULL && *ret_len > (size_t)st.st_size)
		why = xstrdup("it changes while it is read");
	if (why == NULL)
		*ret_data = data;
	else
		free(data);
	return why;
}

static int
host_read_file(void *arg, const char *path, char **ret_data, size_t *ret_len,
    char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	(void)arg;
	if (fd == -1) {
		int res = errno == ENOENT ? 1 : -1;

		*ret_why = xstrdup(strerror(errno));
		return res;
	}
	*ret_why = read_fd(fd, path, ret_data, ret_len);
	close(fd);
	return *ret_why == NULL ? 0 : -1;
}

/* What the daemon wrote is its own, and root's when it was started so. */
static char *
distrust_state(const struct stat *st, const struct conf_user *owner)
{
	if (!S_ISREG(st->st_mode))
		return xstrdup("it is not a regular file");
	if (st->st_size > CONF_FILE_MAX)
		return xasprintf("it is larger than %d MB",
		    CONF_FILE_MAX / (1024 * 1024));
	if (geteuid() == 0 && st->st_uid != 0 &&
	    !(owner->known && st->st_uid == owner->uid))
		return xasprintf("it belongs to uid %u",
		    (unsigned)st->st_uid);
	if (geteuid() == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return xstrdup("others can write it");
	return NULL;
}

static int
host_read_state(void *arg, const char *path, const struct conf_user *owner,
    char **ret_data, size_t *ret_len, char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
	    O_NOFOLLOW);
	struct stat st;
	char *data;

	(void)arg;
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd == -1 || fstat(fd, &st) == -1)
		*ret_why = xstrdup(strerror(errno));
	else
		*ret_why = distrust_state(&st, owner);
	if (*ret_why == NULL) {
		data = xmalloc((size_t)st.st_size + 1);
		*ret_why = read_all(fd, data, (size_t)st.st_size, ret_len);
		if (*ret_why == NULL)
			*ret_data = data;
		else
			free(data);
	}
	if (fd != -1)
		close(fd);
	return *ret_why == NULL ? 0 : -1;
}

static int
host_glob(void *arg, const char *pattern, struct conf_strs *ret)
{
	glob_t g;
	size_t i;
	int res = glob(pattern, 0, NULL, &g);

	(void)arg;
	memset(ret, 0, sizeof *ret);
	if (res == GLOB_NOMATCH)
		return 0;
	if (res != 0)
		return -1;
	ret->v = xcalloc(g.gl_pathc + 1, sizeof *ret->v);
	for (i = 0; i < g.gl_pathc; i++)
		ret->v[ret->n++] = xstrdup(g.gl_pathv[i]);
	globfree(&g);
	return 0;
}

/* Users. */

static bool
host_group(void *arg, const char *name, uint32_t *ret_gid)
{
	const struct group *gr = getgrnam(name);
	int64_t id;

	(void)arg;
	if (gr != NULL)
		*ret_gid = gr->gr_gid;
	else if (str_to_int(name, 0, UINT32_MAX - 1, &id))
		*ret_gid = (uint32_t)id;
	else
		return false;
	return true;
}

static const struct passwd *
find_user(const char *name)
{
	const struct passwd *pw = getpwnam(name);
	int64_t id;

	if (pw == NULL && str_to_int(name, 0, UINT32_MAX - 1, &id))
		pw = getpwuid((uid_t)id);
	return pw;
}

static void
find_groups(const char *login, struct conf_user *u)
{
	int n = 32, had;
	gid_t *v = NULL;
	size_t i;

	do {
		had = n;
		v = xreallocarray(v, (size_t)n, sizeof *v);
	} while (getgrouplist(login, u->gid, v, &n) == -1 && n > had);
	u->ngroups = n > 0 ? (size_t)n : 0;
	u->groups = xcalloc(u->ngroups, sizeof *u->groups);
	for (i = 0; i < u->ngroups; i++)
		u->groups[i] = v[i];
	free(v);
}

/* A number without an entry is a user too: it has no name and no home. */
static bool
find_number(const char *name, struct conf_user *u)
{
	int64_t id;

	if (!str_to_int(name, 0, UINT32_MAX - 1, &id))
		return false;
	u->uid = u->gid = (uint32_t)id;
	u->groups = xcalloc(1, sizeof *u->groups);
	u->groups[0] = u->gid;
	u->ngroups = 1;
	return true;
}

static bool
fill_user(const char *name, struct conf_user *u)
{
	const struct passwd *pw = find_user(name);

	if (pw == NULL)
		return find_number(name, u);
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	u->home = xstrdup(pw->pw_dir);
	u->shell = xstrdup(pw->pw_shell);
	u->login = xstrdup(pw->pw_name);
	find_groups(u->login, u);
	return true;
}

static bool
host_user(void *arg, const char *name, struct conf_user *ret)
{
	char *user = xstrdup(name), *group = strchr(user, ':');
	struct conf_user u = {0};
	uint32_t gid = 0;
	bool ok;

	if (group != NULL)
		*group++ = '\0';
	ok = (group == NULL || host_group(arg, group, &gid)) &&
	    fill_user(user, &u);
	free(user);
	if (!ok)
		return false;
	if (group != NULL)
		u.gid = gid;
	u.known = true;
	u.name = ret->name;
	*ret = u;
	return true;
}

/* Directories. */

/* Strings that live as long as the program. */
static struct {
	char *cwd, *home, *hostname, *rundir, *statedir, *logdir;
} kept;

static const char *
env_or_null(const char *name)
{
	const char *s = getenv(name);

	return s == NULL || *s != '/' ? NULL : s;
}

static const char *
home_directory(void)
{
	const char *home = env_or_null("HOME");
	const struct passwd *pw;

	if (home == NULL && kept.home == NULL) {
		pw = getpwuid(getuid());
		kept.home = xstrdup(pw == NULL || pw->pw_dir[0] != '/' ?
		    "/" : pw->pw_dir);
	}
	return home != NULL ? home : kept.home;
}

static const char *
host_name(void)
{
	char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof name) == -1)
		str_copy(name, "localhost", sizeof name);
	name[sizeof name - 1] = '\0';
	return kept.hostname = xstrdup(name);
}

static void
root_directories(struct conf_host *h)
{
	h->rundir = "/run/mpsupd";
	h->statedir = "/var/lib/mpsupd";
	h->logdir = "/var/log/mpsupd";
}

static void
user_directories(struct conf_host *h)
{
	const char *run = env_or_null("XDG_RUNTIME_DIR");
	const char *state = env_or_null("XDG_STATE_HOME");

	kept.rundir = run != NULL ? xasprintf("%s/mpsupd", run) :
	    xasprintf("/tmp/mpsupd-%u", (unsigned)geteuid());
	kept.statedir = state != NULL ? xasprintf("%s/mpsupd", state) :
	    xasprintf("%s/.local/state/mpsupd", h->home);
	kept.logdir = xasprintf("%s/log", kept.statedir);
	h->rundir = kept.rundir;
	h->statedir = kept.statedir;
	h->logdir = kept.logdir;
}

void
confhost_init(struct conf_host *host)
{
	kept.cwd = getcwd(NULL, 0);
	memset(host, 0, sizeof *host);
	host->read_file = host_read_file;
	host->read_state = host_read_state;
	host->glob = host_glob;
	host->user = host_user;
	host->group = host_group;
	host->environ = environ;
	host->hostname = host_name();
	host->cwd = kept.cwd == NULL || *kept.cwd != '/' ? "/" : kept.cwd;
	host->home = home_directory();
	host->tmpdir = env_or_null("TMPDIR");
	if (host->tmpdir == NULL)
		host->tmpdir = "/tmp";
	if (geteuid() == 0)
		root_directories(host);
	else
		user_directories(host);
}

char *
confhost_default_file(void)
{
	const char *config = env_or_null("XDG_CONFIG_HOME");

	if (geteuid() == 0)
		return xstrdup("/etc/mpsupd/mpsupd.conf");
	if (config != NULL)
		return xasprintf("%s/mpsupd/mpsupd.conf", config);
	return xasprintf("%s/.config/mpsupd/mpsupd.conf", home_directory());
}
