/* The board; see board.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/board.h"

#define BOARD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

int
board_create(struct board **ret)
{
	struct board *b;
	int fd = memfd_create("mpsupd-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (ftruncate(fd, sizeof *b) == -1 ||
	    fcntl(fd, F_ADD_SEALS, BOARD_SEALS) == -1 ||
	    (b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0)) == MAP_FAILED) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	b->magic = BOARD_MAGIC;
	b->version = BOARD_VERSION;
	*ret = b;
	return fd;
}

struct board *
board_map(int fd)
{
	struct board *b;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	/* Sealed: a mapping of it can never fault. */
	if (seals == -1 || (seals & BOARD_SEALS) != BOARD_SEALS ||
	    fstat(fd, &st) == -1 || st.st_size != sizeof *b) {
		errno = EINVAL;
		return NULL;
	}
	b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		return NULL;
	if (b->magic != BOARD_MAGIC || b->version != BOARD_VERSION) {
		munmap(b, sizeof *b);
		errno = EINVAL;
		return NULL;
	}
	return b;
}

/* `live` is 1 + the index of the good copy, 0 when there is none: a board of
 * zeroes is an empty one. */
bool
board_load(const struct board *b, uint32_t slot, void *out, uint32_t size)
{
	const struct board_record *r = &b->rec[slot];
	uint32_t live = atomic_load(&r->live);

	if (live < 1 || live > 2)
		return false;
	memcpy(out, r->copy[live - 1], size);
	return true;
}

void
board_store(struct board *b, uint32_t slot, const void *rec, uint32_t size)
{
	struct board_record *r = &b->rec[slot];
	uint32_t next = atomic_load(&r->live) == 1 ? 2 : 1;

	memcpy(r->copy[next - 1], rec, size);
	atomic_store(&r->live, next);
}

void
board_clear(struct board *b, uint32_t slot)
{
	atomic_store(&b->rec[slot].live, 0);
	atomic_store(&b->gen[slot], 0);
	atomic_store(&b->failed[slot], 0);
	atomic_store(&b->stopped[slot], 0);
	atomic_store(&b->orphan[slot], 0);
	memset(&b->end[slot], 0, sizeof b->end[slot]);
}
