/*
 * A world for configuration tests: files in memory, three users, no syscalls.
 */
#ifndef UNIT_CONF_FAKE_H
#define UNIT_CONF_FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define FAKE_FILES 8

struct fake_file {
	const char *path;
	const char *text;
	size_t len; /* 0: strlen(text) */
};

struct fake {
	struct fake_file files[FAKE_FILES];
	struct conf_host host;
	unsigned lookups; /* calls of host.user */
};

static int
fake_read(void *arg, const char *path, char **ret_data, size_t *ret_len,
    char **ret_why)
{
	struct fake *f = arg;
	size_t i;

	for (i = 0; i < FAKE_FILES && f->files[i].path != NULL; i++) {
		if (strcmp(f->files[i].path, path) != 0)
			continue;
		*ret_len = f->files[i].len != 0 ? f->files[i].len :
						  strlen(f->files[i].text);
		*ret_data = xstrndup(f->files[i].text, *ret_len);
		return 0;
	}
	*ret_why = xstrdup("No such file or directory");
	return 1;
}

static int
fake_glob(void *arg, const char *pattern, struct conf_strs *ret)
{
	struct fake *f = arg;
	size_t i;

	ret->v = xcalloc(FAKE_FILES + 1, sizeof *ret->v);
	for (i = 0; i < FAKE_FILES && f->files[i].path != NULL; i++)
		if (str_match(pattern, f->files[i].path))
			ret->v[ret->n++] = xstrdup(f->files[i].path);
	return 0;
}

static bool
fake_user(void *arg, const char *name, struct conf_user *ret)
{
	((struct fake *)arg)->lookups++;
	if (strcmp(name, "web") != 0 && strcmp(name, "1000") != 0 &&
	    strcmp(name, "web:adm") != 0)
		return false;
	ret->uid = 1000;
	ret->gid = strchr(name, ':') != NULL ? 4 : 1001;
	ret->ngroups = 2;
	ret->groups = xcalloc(2, sizeof *ret->groups);
	ret->groups[0] = 1001;
	ret->groups[1] = 4;
	ret->home = xstrdup("/home/web");
	ret->shell = xstrdup("/bin/sh");
	ret->login = xstrdup("web");
	ret->known = true;
	return true;
}

static bool
fake_group(void *arg, const char *name, uint32_t *ret_gid)
{
	(void)arg;
	if (strcmp(name, "adm") != 0)
		return false;
	*ret_gid = 4;
	return true;
}

static char fake_env1[] = "PATH=/bin:/usr/bin";
static char fake_env2[] = "N=3";
static char fake_env3[] = "COMMENT=a ; b";
static char *fake_environ[] = {fake_env1, fake_env2, fake_env3, NULL};

static inline void
fake_init(struct fake *f, const char *text)
{
	static const struct conf_host host = {
		.read_file = fake_read,
		.glob = fake_glob,
		.user = fake_user,
		.group = fake_group,
		.environ = fake_environ,
		.hostname = "node1",
		.cwd = "/cwd",
		.home = "/home/me",
		.tmpdir = "/tmp",
		.rundir = "/run/mpsupd",
		.statedir = "/var/lib/mpsupd",
		.logdir = "/var/log/mpsupd",
	};

	memset(f, 0, sizeof *f);
	f->host = host;
	f->host.arg = f;
	f->files[0].path = "/etc/m.conf";
	f->files[0].text = text;
}

#endif
