/* What a keeper starts from; see handover.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keeper/handover.h"
#include "keeper/keeper.h"

#define BATCH 128 /* entries written at once */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define OWN_FDS 4 /* of struct handover, apart from the roles */

extern char **environ;

void
handover_init(struct handover *h)
{
	int i;

	memset(h, 0, sizeof *h);
	h->magic = HANDOVER_MAGIC;
	h->version = HANDOVER_VERSION;
	for (i = 0; i < LINK_ROLES; i++)
		h->fd[i] = -1;
	h->notify = h->previous = h->link = -1;
}

int
handover_write(struct handover *h, const int *kept)
{
	struct handover_kept v[BATCH];
	uint32_t i, n = 0;
	int fd = memfd_create("mpsupd-handover",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t len;

	if (fd == -1)
		return -1;
	h->nkept = 0;
	for (i = 0; i < HANDOVER_KEPT; i++)
		h->nkept += kept[i] != 0;
	if (write(fd, h, sizeof *h) != sizeof *h)
		goto fail;
	for (i = 0; i <= HANDOVER_KEPT; i++) {
		if (i < HANDOVER_KEPT && kept[i] != 0)
			v[n++] = (struct handover_kept){i, kept[i] - 1};
		if (n < BATCH && i < HANDOVER_KEPT)
			continue;
		len = (ssize_t)(n * sizeof v[0]);
		if (write(fd, v, (size_t)len) != len)
			goto fail;
		n = 0;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
fail:
	len = errno;
	close(fd);
	errno = (int)len;
	return -1;
}

/* Each descriptor that goes along is inherited (or no longer); none of them
 * is in the way of HANDOVER_FD. */
static int
set_inherited(int32_t *fd, bool inherited)
{
	int up;

	if (*fd < 0)
		return 0;
	if (inherited && *fd == HANDOVER_FD) {
		up = fcntl(*fd, F_DUPFD_CLOEXEC, HANDOVER_FD + 1);
		if (up == -1)
			return -1;
		close(*fd);
		*fd = up;
	}
	return fcntl(*fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

static int
set_all_inherited(struct handover *h, int *kept, bool inherited)
{
	int32_t *own[OWN_FDS] = {&h->notify, &h->previous, &h->link, NULL};
	int32_t fd;
	uint32_t i;

	for (i = 0; i < LINK_ROLES; i++)
		if (set_inherited(&h->fd[i], inherited) == -1)
			return -1;
	for (i = 0; own[i] != NULL; i++)
		if (set_inherited(own[i], inherited) == -1)
			return -1;
	for (i = 0; i < HANDOVER_KEPT; i++) {
		if (kept[i] == 0)
			continue;
		fd = kept[i] - 1;
		if (set_inherited(&fd, inherited) == -1)
			return -1;
		kept[i] = fd + 1;
	}
	return 0;
}

void
handover_exec(struct handover *h, int *kept)
{
	char *argv[] = {(char[]){KEEPER_TITLE}, NULL};
	int fd = -1, saved;

	if (set_all_inherited(h, kept, true) == 0 &&
	    (fd = handover_write(h, kept)) != -1 &&
	    (fd == HANDOVER_FD ? fcntl(fd, F_SETFD, 0) :
	    dup2(fd, HANDOVER_FD)) != -1)
		syscall(SYS_execveat, h->fd[ROLE_BINARY], "", argv, environ,
		    AT_EMPTY_PATH);
	saved = errno;
	if (fd != -1)
		close(fd);
	set_all_inherited(h, kept, false);
	errno = saved;
}

bool
handover_read(int fd, struct handover *h, int *kept)
{
	struct handover_kept e;
	int32_t *own[OWN_FDS] = {&h->notify, &h->previous, &h->link, NULL};
	char end;
	uint32_t i;

	if (read(fd, h, sizeof *h) != sizeof *h || h->magic != HANDOVER_MAGIC ||
	    h->version != HANDOVER_VERSION)
		return false;
	for (i = 0; i < LINK_ROLES; i++)
		if (h->fd[i] >= 0)
			fcntl(h->fd[i], F_SETFD, FD_CLOEXEC);
	for (i = 0; own[i] != NULL; i++)
		if (*own[i] >= 0)
			fcntl(*own[i], F_SETFD, FD_CLOEXEC);
	for (i = 0; i < h->nkept; i++) {
		if (read(fd, &e, sizeof e) != sizeof e ||
		    e.index >= HANDOVER_KEPT || e.fd < 0 || e.fd == INT32_MAX)
			return false;
		fcntl(e.fd, F_SETFD, FD_CLOEXEC);
		kept[e.index] = e.fd + 1;
	}
	return read(fd, &end, 1) == 0;
}
