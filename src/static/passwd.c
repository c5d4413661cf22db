/*
 * getpwnam(3) and its kin, from /etc/passwd and /etc/group alone.
 *
 * glibc's own ask the modules that /etc/nsswitch.conf names.  Most of these
 * are shared objects that need the very glibc of the program: a static one
 * would look for them at run time, in a container that has others, or none.
 * This file is linked into the static program only, and there it comes before
 * libc.a; cli/confhost.c calls the same names in both.
 */
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PASSWD "/etc/passwd"
#define GROUP "/etc/group"

/* The user NAME, or, if that is NULL, UID.  The entry is valid until the next
 * call. */
static struct passwd *
find_user(const char *name, uid_t uid)
{
	FILE *f = fopen(PASSWD, "re");
	struct passwd *pw;

	if (f == NULL)
		return NULL;
	while ((pw = fgetpwent(f)) != NULL)
		if (name != NULL ? strcmp(pw->pw_name, name) == 0 :
		    pw->pw_uid == uid)
			break;
	fclose(f);
	return pw;
}

struct passwd *
getpwnam(const char *name)
{
	return find_user(name, 0);
}

struct passwd *
getpwuid(uid_t uid)
{
	return find_user(NULL, uid);
}

struct group *
getgrnam(const char *name)
{
	FILE *f = fopen(GROUP, "re");
	struct group *gr;

	if (f == NULL)
		return NULL;
	while ((gr = fgetgrent(f)) != NULL)
		if (strcmp(gr->gr_name, name) == 0)
			break;
	fclose(f);
	return gr;
}

static bool
has_member(const struct group *gr, const char *user)
{
	char **m;

	for (m = gr->gr_mem; *m != NULL; m++)
		if (strcmp(*m, user) == 0)
			return true;
	return false;
}

/* As in getgrouplist(3): -1 when there is no room for all of them, and
 * *NGROUPS is how many they are; one that is listed twice may be counted
 * twice then. */
int
getgrouplist(const char *user, gid_t group, gid_t *groups, int *ngroups)
{
	FILE *f = fopen(GROUP, "re");
	int i, n = 0, room = *ngroups;
	struct group *gr;

	if (n < room)
		groups[n] = group;
	n++;
	while (f != NULL && (gr = fgetgrent(f)) != NULL) {
		if (!has_member(gr, user))
			continue;
		for (i = 0; i < n && i < room; i++)
			if (groups[i] == gr->gr_gid)
				break;
		if (i < n && i < room)
			continue;
		if (n < room)
			groups[n] = gr->gr_gid;
		n++;
	}
	if (f != NULL)
		fclose(f);
	*ngroups = n;
	return n > room ? -1 : n;
}
