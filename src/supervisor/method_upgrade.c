/*
 * upgrade: the program file of the daemon as it is now on the disk becomes
 * keeper and supervisor.  The keeper asks it first whether it can go on from
 * what there is (uplink.c, keeper.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "supervisor/method.h"
#include "supervisor/peer.h"
#include "supervisor/supervisor.h"
#include "supervisor/uplink.h"

#define FLUSH_MS 500 /* for the answers, before this process ends */

/* Why FD must not become this daemon, or NULL.  What others can write would
 * run with the daemon's rights. */
static const char *
unfit(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return "it is not an executable file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "it belongs to somebody else";
	if ((st.st_mode & S_IWOTH) != 0 ||
	    ((st.st_mode & S_IWGRP) != 0 && geteuid() == 0))
		return "others can write to it";
	return NULL;
}

static void
upgrade_cleanup(struct request *r)
{
	if (r->peer->sup->upgrade == r)
		r->peer->sup->upgrade = NULL;
}

static void
upgrade_exec(struct request *r)
{
	struct supervisor *sup = r->peer->sup;
	const char *path = sup->board->program, *why;
	int fd;

	if (sup->upgrade != NULL || sup->reload != NULL) {
		request_error(r, PROTO_BUSY, "cannot upgrade now: %s is under "
		    "way", sup->upgrade != NULL ? "another upgrade" :
		    "a reload");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	why = fd == -1 ? strerror(errno) : unfit(fd);
	if (why == NULL && uplink_offer(sup, fd) == -1)
		why = strerror(errno);
	if (fd != -1)
		close(fd);
	if (why != NULL) {
		request_error(r, PROTO_INTERNAL, "cannot upgrade to %s: %s; "
		    "nothing changed", path, why);
		return;
	}
	sup->upgrade = r;
	r->cleanup = upgrade_cleanup;
}

void
method_upgrade_checked(struct supervisor *sup, const char *why)
{
	struct request *r = sup->upgrade;
	struct buf b = BUF_INIT;

	sup->upgrade = NULL;
	if (*why != '\0') {
		log_warnx("upgrade to %s: %s; nothing changed",
		    sup->board->program, why);
		if (r != NULL)
			request_error(r, PROTO_INTERNAL, "cannot upgrade to "
			    "%s: %s; nothing changed", sup->board->program,
			    why);
		return;
	}
	if (r == NULL || sup->stopping)
		return; /* nobody wants it any more */
	log_info("upgrading to %s, asked for by pid %d of user %u",
	    sup->board->program, (int)r->peer->pid, (unsigned)r->peer->uid);
	buf_addf(&b, "{\"supervisor_pid\":%d,\"version\":\"%s\"}",
	    (int)getpid(), MPSUPD_VERSION);
	request_result(r, &b);
	server_flush(sup, FLUSH_MS);
	uplink_upgrade(sup);
}

const struct method method_upgrade = {
	.name = "upgrade", .needs = MAY_CONTROL, .exec = upgrade_exec};
