/* The state file; see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/state.h"
#include "lib/xalloc.h"

#define MAP_SIZE (STATE_RECORDS)
#define FILE_SIZE (STATE_RECORDS + (off_t)BOARD_SLOTS * \
    (off_t)sizeof(struct state_record))

_Static_assert(sizeof(struct state_record) == 512,
    "a record lies within a page");
_Static_assert(STATE_RECORDS % 4096 == 0, "records begin with a page");

static off_t
record_at(uint32_t slot)
{
	return STATE_RECORDS + (off_t)slot * (off_t)sizeof(struct state_record);
}

/* CRC-32 as in ISO 3309 and zip. */
static uint32_t
crc32(const void *data, size_t len)
{
	static uint32_t table[256];
	const unsigned char *p = data;
	uint32_t c, i, bit;

	for (i = 0; i < 256 && table[255] == 0; i++) {
		for (c = i, bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? 0xedb88320 ^ (c >> 1) : c >> 1;
		table[i] = c;
	}
	for (c = ~0u; len > 0; len--)
		c = table[(c ^ *p++) & 0xff] ^ (c >> 8);
	return ~c;
}

static uint32_t
record_crc(const struct state_record *r)
{
	return crc32(&r->seq, sizeof *r - offsetof(struct state_record, seq));
}

uint64_t
state_hash(const char *label)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	while (*label != '\0')
		h = (h ^ (unsigned char)*label++) * UINT64_C(0x100000001b3);
	return h;
}

static bool
boot_id(char out[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(out, 0, 40);
	if (fd == -1)
		return false;
	n = read(fd, out, 39);
	close(fd);
	if (n <= 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static char *
new_name(const char *path)
{
	return xasprintf("%s.new", path);
}

int
state_create(const char *path, int32_t keeper_pid, uint32_t slots)
{
	static const char zeros[4096];
	struct state_head h = {
		.magic = STATE_MAGIC,
		.version = STATE_VERSION,
		.record_size = sizeof(struct state_record),
		.slots = BOARD_SLOTS,
		.keeper_pid = keeper_pid,
	};
	char *tmp = new_name(path);
	bool failed = false;
	off_t at;
	int fd, saved;

	boot_id(h.boot_id); /* without one nothing is adopted */
	/* The pidfile's lock is held: what has this name is a dead one's. */
	unlink(tmp);
	fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	for (at = STATE_PIDS; fd != -1 && !failed &&
	    at < STATE_PIDS + 4 * (off_t)slots; at += sizeof zeros)
		failed = pwrite(fd, zeros, sizeof zeros, at) != sizeof zeros;
	if (fd != -1 && (failed || pwrite(fd, &h, sizeof h, 0) != sizeof h ||
	    ftruncate(fd, FILE_SIZE) == -1)) {
		saved = errno;
		close(fd);
		unlink(tmp);
		errno = saved;
		fd = -1;
	}
	saved = errno;
	free(tmp);
	errno = saved;
	return fd;
}

int
state_publish(const char *path)
{
	char *tmp = new_name(path);
	int r = rename(tmp, path), saved = errno;

	free(tmp);
	errno = saved;
	return r;
}

void
state_init(struct state *st, int fd, _Atomic uint32_t *seq)
{
	void *p;

	st->fd = fd;
	st->pids = NULL;
	st->seq = seq;
	if (fd == -1)
		return;
	p = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		st->pids = (int32_t *)((char *)p + STATE_PIDS);
}

int32_t *
state_pid(struct state *st, uint32_t slot)
{
	return st->pids == NULL ? NULL : &st->pids[slot];
}

void
state_put(struct state *st, uint32_t slot, struct state_record *r)
{
	ssize_t n;

	if (st->fd == -1)
		return;
	r->seq = atomic_fetch_add(st->seq, 1) + 1;
	r->crc = record_crc(r);
	n = pwrite(st->fd, r, sizeof *r, record_at(slot));
	(void)n; /* a full file system: adoption is lost, nothing else */
}

void
state_set_pid(struct state *st, uint32_t slot, int32_t pid)
{
	ssize_t n;

	if (st->fd == -1)
		return;
	n = pwrite(st->fd, &pid, sizeof pid,
	    STATE_PIDS + (off_t)slot * (off_t)sizeof pid);
	(void)n;
}

void
state_set_stopping(struct state *st)
{
	int32_t yes = 1;
	ssize_t n;

	if (st->fd == -1)
		return;
	n = pwrite(st->fd, &yes, sizeof yes,
	    offsetof(struct state_head, stopping));
	(void)n;
}

/* A file that a daemon of this user, or root, made in this boot. */
static int
check_file(int fd, bool *ret_stopping)
{
	struct state_head h;
	struct stat st;
	char boot[40];

	errno = EINVAL;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    pread(fd, &h, sizeof h, 0) != sizeof h ||
	    h.magic != STATE_MAGIC || h.version != STATE_VERSION ||
	    h.record_size != sizeof(struct state_record) ||
	    h.slots != BOARD_SLOTS || h.boot_id[0] == '\0')
		return -1;
	errno = ESTALE;
	if (!boot_id(boot) || memcmp(boot, h.boot_id, sizeof boot) != 0)
		return -1;
	if (ret_stopping != NULL)
		*ret_stopping = h.stopping != 0;
	return 0;
}

int
state_read(const char *path,
    void (*fn)(void *arg, int32_t pid, const struct state_record *r),
    void *arg, bool *ret_stopping)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct state_record r;
	int32_t *pids;
	int damaged = 0, saved;
	uint32_t i;
	ssize_t n;

	if (fd == -1)
		return -1;
	if (check_file(fd, ret_stopping) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	pids = xcalloc(BOARD_SLOTS, sizeof *pids);
	n = pread(fd, pids, BOARD_SLOTS * sizeof *pids, STATE_PIDS);
	for (i = 0; n > 0 && i < (size_t)n / sizeof *pids; i++) {
		if (pids[i] <= 0)
			continue;
		if (pread(fd, &r, sizeof r, record_at(i)) != sizeof r ||
		    r.crc != record_crc(&r) || r.gen == 0 ||
		    memchr(r.label, '\0', sizeof r.label) == NULL)
			damaged++;
		else
			fn(arg, pids[i], &r);
	}
	free(pids);
	close(fd);
	return damaged;
}
