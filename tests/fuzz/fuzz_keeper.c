/*
 * What outlives a process of the daemon, damaged: the handover a keeper
 * starts from, packets between the two, the board, the state file and what
 * `start` makes of it.
 *
 * The first byte chooses which.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "lib/proc.h"

/* No process is looked at: whether one is there, the input says. */
static int fake_proc_open(int32_t pid, const struct proc_birth *birth);

#define proc_open fake_proc_open
#define opendir(path) ((void)(path), (DIR *)NULL)
#define stat(path, st) ((void)(path), (void)(st), -1)
#include "../../src/cli/adopt.c"
#undef proc_open
#undef opendir
#undef stat

#include "../unit/conf_fake.h"
#include "core/confkey.h"
#include "lib/buf.h"
#include "tmpdir.h"

static int kept[HANDOVER_KEPT];

static void
quiet(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* --- handover --- */

static int
memfd_of(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(fd != -1 && write(fd, data, len) == (ssize_t)len &&
	    lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static bool
read_back(int fd, struct handover *h)
{
	bool ok;
	size_t i;

	memset(kept, 0, sizeof kept);
	ok = handover_read(fd, h, kept);
	close(fd);
	for (i = 0; i < HANDOVER_KEPT; i++)
		FUZZ_CHECK(kept[i] >= 0);
	return ok;
}

/* What could be read is written and read again as it was. */
static void
fuzz_handover(struct fuzz_input *in)
{
	static int before[HANDOVER_KEPT];
	struct handover h, again;
	struct buf b = BUF_INIT;
	int fd;

	handover_init(&h);
	if (fuzz_byte(in) % 2 != 0)
		buf_add(&b, &h, offsetof(struct handover, fd));
	buf_add(&b, in->p, in->left);
	fd = memfd_of(b.data, buf_len(&b));
	buf_clear(&b);
	if (!read_back(fd, &h))
		return;
	memcpy(before, kept, sizeof kept);
	fd = handover_write(&h, kept);
	FUZZ_CHECK(fd != -1 && read_back(fd, &again));
	h.nkept = again.nkept; /* one that came twice is one */
	FUZZ_CHECK(memcmp(&h, &again, sizeof h) == 0 &&
	    memcmp(before, kept, sizeof kept) == 0);
}

/* --- link --- */

static unsigned
count_fds(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 3; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
send_packet(int sock, const void *data, size_t len, size_t nfds)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(200 * sizeof(int))];
	} control;
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[200];
	size_t i;

	if (nfds > 0) {
		memset(&control, 0, sizeof control);
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (i = 0; i < nfds; i++)
			fds[i] = sock;
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds,
		    nfds * sizeof(int));
	}
	FUZZ_CHECK(sendmsg(sock, &mh, MSG_DONTWAIT) == (ssize_t)len);
}

/* A packet is taken whole, with its descriptors, or it and they are gone. */
static void
fuzz_link(struct fuzz_input *in)
{
	struct link_msg m, packet = {.version = LINK_VERSION};
	size_t nfds = fuzz_below(in, 201), len, got;
	uint8_t form = fuzz_byte(in);
	const uint8_t *p = fuzz_bytes(in, sizeof packet + 16, &len);
	unsigned before = count_fds();
	int sv[2], fds[LINK_FDS], r;

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)
	    == 0);
	if (form % 2 != 0) {
		memcpy((char *)&packet + 2, p, len < sizeof packet - 2 ? len :
		    sizeof packet - 2);
		send_packet(sv[0], &packet, sizeof packet, nfds);
	} else if (len > 0) {
		send_packet(sv[0], p, len, nfds);
	}
	r = link_recv(sv[1], &m, fds, &got);
	FUZZ_CHECK(r == 1 ? got == nfds && got <= LINK_FDS &&
	    m.version == LINK_VERSION && m.n <= LINK_FDS : got == 0);
	if (form % 2 != 0 && nfds <= LINK_FDS && packet.n <= LINK_FDS)
		FUZZ_CHECK(r == 1 && memcmp(&m, &packet, sizeof m) == 0);
	while (got > 0)
		close(fds[--got]);
	FUZZ_CHECK(link_recv(sv[1], &m, fds, &got) == -1 && errno == EAGAIN);
	close(sv[0]);
	close(sv[1]);
	FUZZ_CHECK(count_fds() == before);
}

/* --- board --- */

static void
fuzz_board(struct fuzz_input *in)
{
	static struct board *b;
	unsigned char out[BOARD_RECORD], next[BOARD_RECORD] = {0};
	uint32_t slot;
	size_t len;
	const uint8_t *p;

	if (b == NULL)
		close(board_create(&b));
	slot = (uint32_t)fuzz_below(in, BOARD_SLOTS);
	atomic_store(&b->rec[slot].live, (uint32_t)fuzz_below(in, 6) - 2);
	p = fuzz_bytes(in, sizeof b->rec[slot].copy, &len);
	memcpy(b->rec[slot].copy, p, len);
	if (board_load(b, slot, out, sizeof out))
		FUZZ_CHECK(atomic_load(&b->rec[slot].live) - 1 < 2);
	p = fuzz_bytes(in, sizeof next, &len);
	memcpy(next, p, len);
	board_store(b, slot, next, sizeof next);
	FUZZ_CHECK(board_load(b, slot, out, sizeof out) &&
	    memcmp(out, next, sizeof out) == 0);
	board_clear(b, slot);
	FUZZ_CHECK(!board_load(b, slot, out, sizeof out));
}

/* A file that says that it is a board. */
static void
fuzz_board_map(struct fuzz_input *in)
{
	uint32_t head[2] = {BOARD_MAGIC, BOARD_VERSION};
	uint8_t form = fuzz_byte(in);
	struct board *b;
	size_t len;
	const uint8_t *p = fuzz_bytes(in, 64, &len);
	int fd = memfd_of(p, len);

	if (form & 1)
		FUZZ_CHECK(pwrite(fd, head, sizeof head, 0) == sizeof head);
	if (form & 2)
		FUZZ_CHECK(ftruncate(fd, sizeof *b) == 0);
	if (form & 4)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	b = board_map(fd);
	close(fd);
	if (b == NULL)
		return;
	FUZZ_CHECK((form & 6) == 6 && b->magic == BOARD_MAGIC);
	munmap(b, sizeof *b);
}

/* --- state file and adoption --- */

static uint8_t alive; /* what of the processes is there */

static int
fake_proc_open(int32_t pid, const struct proc_birth *birth)
{
	(void)birth;
	if ((alive >> (pid & 7)) & 1)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	errno = pid & 8 ? EACCES : ESRCH;
	return -1;
}

static const char ini[] =
    "[program:a]\ncommand = a\n[program:b]\ncommand = b\n"
    "process_name = b%(process_num)d\nnumprocs = 2\n";

static struct config *
make_config(void)
{
	struct conf_msgs msgs = {0};
	struct config *c = NULL;
	struct fake fake;
	size_t i;

	fake_init(&fake, ini);
	FUZZ_CHECK(config_load("/etc/m.conf", &fake.host, &c, &msgs) == 0);
	for (i = 0; i < c->nprocs; i++)
		c->procs[i].slot = (int32_t)i;
	return c;
}

/* A record that begins as a good one of a program that runs. */
static void
put_record(struct state *st, struct fuzz_input *in)
{
	static const char *const labels[] = {"a", "b:b0", "b:b1", "gone",
	    "g:gone"};
	struct program p = {.state = PROGRAM_RUNNING, .wanted = 1, .gen = 1};
	struct state_record r = {.gen = 1, .stopsignal = 15,
	    .stopwaitsecs = 10};
	uint32_t slot = fuzz_byte(in);
	int32_t pid = (int32_t)fuzz_below(in, 65536);
	size_t at, len;
	const uint8_t *bytes;

	str_copy(r.label, labels[fuzz_byte(in) % 5], sizeof r.label);
	memcpy(r.program, &p, sizeof p);
	at = fuzz_below(in, sizeof r);
	bytes = fuzz_bytes(in, fuzz_byte(in) % 32, &len);
	memcpy((char *)&r + at, bytes, len < sizeof r - at ? len :
	    sizeof r - at);
	r.label_hash = state_hash(r.label[STATE_LABEL - 1] == '\0' ? r.label :
	    "");
	state_put(st, slot, &r);
	state_set_pid(st, slot, pid);
}

/* What `start` makes of it can be handed over. */
static void
check_adoption(const char *path)
{
	static struct board *b;
	struct config *c = make_config(), *d;
	struct buf bytes = BUF_INIT;
	struct program p;
	uint32_t n, found = 0;
	size_t i;

	if (b == NULL)
		close(board_create(&b));
	memset(kept, 0, sizeof kept);
	n = adopt(path, c, b, kept);
	for (i = 0; i < c->nprocs; i++) {
		FUZZ_CHECK(c->procs[i].slot == (int32_t)i);
		if (atomic_load(&b->pid[i]) == 0)
			continue;
		found++;
		FUZZ_CHECK(atomic_load(&b->gen[i]) != 0);
		FUZZ_CHECK(board_load(b, (uint32_t)i, &p, sizeof p));
		FUZZ_CHECK(program_is_valid(&p));
		atomic_store(&b->pid[i], 0);
		board_clear(b, (uint32_t)i);
	}
	FUZZ_CHECK(found == n);
	config_encode(c, &bytes);
	d = config_decode(buf_head(&bytes), buf_len(&bytes));
	FUZZ_CHECK(d != NULL && d->nprocs == c->nprocs);
	buf_clear(&bytes);
	config_free(d);
	config_free(c);
}

static void
fuzz_state(struct fuzz_input *in)
{
	_Atomic uint32_t seq = 0;
	struct state st = {.seq = &seq};
	char path[128];
	uint8_t form = fuzz_byte(in), n = fuzz_byte(in) % 8;
	size_t at, len;
	const uint8_t *p;

	alive = fuzz_byte(in);
	snprintf(path, sizeof path, "%s/state", tmpdir());
	st.fd = state_create(path, 1, BOARD_SLOTS);
	FUZZ_CHECK(st.fd != -1 && state_publish(path) == 0);
	while (n-- > 0)
		put_record(&st, in);
	if (form & 1) { /* damaged: in its head, the pids, or the records */
		at = fuzz_below(in, 65536);
		at += form & 2 ? STATE_RECORDS : form & 4 ? STATE_PIDS : 0;
		p = fuzz_bytes(in, 64, &len);
		FUZZ_CHECK(pwrite(st.fd, p, len, (off_t)at) == (ssize_t)len);
	}
	if (form & 8) /* torn */
		FUZZ_CHECK(ftruncate(st.fd, (off_t)fuzz_below(in, 65536) +
		    (form & 16 ? STATE_RECORDS : 0)) == 0);
	close(st.fd);
	check_adoption(path);
	adopt_count(path);
	unlink(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(struct fuzz_input *) = {fuzz_handover,
	    fuzz_link, fuzz_board, fuzz_board_map, fuzz_state, fuzz_state};
	struct fuzz_input in = {data, size};

	log_set_sink(quiet);
	what[fuzz_byte(&in) % (sizeof what / sizeof what[0])](&in);
	return 0;
}
