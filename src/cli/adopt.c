/* `start` after a daemon of which only its programs are left; see adopt.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "cli/adopt.h"
#include "cli/daemon.h"
#include "core/conf.h"
#include "core/confarena.h"
#include "core/confkey.h"
#include "core/confvalue.h"
#include "core/program.h"
#include "keeper/handover.h"
#include "lib/board.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/state.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define LABEL_MAX (2 * CONF_NAME_MAX + 2)

struct label {
	uint64_t hash;
	uint32_t index; /* in conf->procs */
	UT_hash_handle hh;
};

struct adoption {
	struct config *conf;
	struct board *board;
	int *kept;
	struct label *labels; /* uthash */
	struct label *storage;
	bool stopping; /* that daemon was about to end */
	uint32_t n, pipes_lost;
	int damaged; /* records that say what cannot be */
	/* Those that the configuration does not have. */
	struct conf_process *left;
	uint32_t nleft;
};

/* The name of a process as the supervisor writes it: service_new(). */
static void
label_of(const struct conf_process *c, char out[LABEL_MAX])
{
	if (strcmp(c->name, c->group) == 0)
		str_copy(out, c->name, LABEL_MAX);
	else
		snprintf(out, LABEL_MAX, "%s:%s", c->group, c->name);
}

/* --- the pipes of one --- */

static bool
is_pipe(int fd, uint64_t inode)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    st.st_ino == inode;
}

/* The pipe INODE through /proc/PID/fd/NAME; -1: it is something else. */
static int
open_through(const char *pid, const char *name, uint64_t inode)
{
	char *path = xasprintf("/proc/%s/fd/%s", pid, name);
	char is[64], wanted[64];
	ssize_t n = readlink(path, is, sizeof is - 1);
	int fd = -1;

	/* Not stat(2): that could wait for a file system. */
	snprintf(wanted, sizeof wanted, "pipe:[%llu]",
	    (unsigned long long)inode);
	is[n > 0 ? n : 0] = '\0';
	if (strcmp(is, wanted) == 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	free(path);
	if (fd != -1 && !is_pipe(fd, inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int
search_process(const char *pid, uint64_t inode)
{
	char *path = xasprintf("/proc/%s/fd", pid);
	DIR *d = opendir(path);
	struct dirent *e;
	int fd = -1;

	free(path);
	if (d == NULL)
		return -1;
	while (fd == -1 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			fd = open_through(pid, e->d_name, inode);
	closedir(d);
	return fd;
}

/* A program may have closed or redirected it; a descendant may have it yet.
 * The inode is the proof, so any process will do. */
static int
search_everywhere(uint64_t inode)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int fd = -1;

	if (d == NULL)
		return -1;
	while (fd == -1 && (e = readdir(d)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			fd = search_process(e->d_name, inode);
	closedir(d);
	return fd;
}

/* With the rights of the daemon's user: that user can write to the state file
 * through the daemon, and must not get pipes of others by it. */
static int
find_pipe(const struct conf_user *user, int32_t pid, int stream,
    uint64_t inode)
{
	char number[16], name[16];
	int fd;

	if (daemon_act_as(user, true) == -1)
		return -1;
	snprintf(number, sizeof number, "%d", (int)pid);
	snprintf(name, sizeof name, "%d", STDOUT_FILENO + stream);
	fd = open_through(number, name, inode);
	if (fd == -1)
		fd = search_process(number, inode);
	if (fd == -1)
		fd = search_everywhere(inode);
	if (daemon_act_as(user, false) == -1)
		fatal("cannot become root again");
	return fd;
}

/* --- one program --- */

/* A process that nobody configures any more: only to be stopped.  Strings
 * live as long as the configuration. */
static uint32_t
add_leaving(struct adoption *a, const struct state_record *r)
{
	struct conf_arena *arena = a->conf->arena;
	const char *colon = strchr(r->label, ':');
	struct conf_process *c;

	a->left = xreallocarray(a->left, a->nleft + 1, sizeof *a->left);
	c = &a->left[a->nleft];
	confvalue_defaults(SECT_PROGRAM, c, arena);
	c->name = conf_arena_dup(arena, colon != NULL ? colon + 1 : r->label);
	c->group = colon == NULL ? c->name : conf_arena_ndup(arena, r->label,
	    (size_t)(colon - r->label));
	c->program = c->name;
	conf_arena_strs(arena, "(not configured)", 1, &c->command);
	c->group_priority = 999;
	c->stopsignal = r->stopsignal;
	c->stopwaitsecs = r->stopwaitsecs;
	c->slot = (int32_t)(a->conf->nprocs + a->nleft);
	c->leaving = true;
	return (uint32_t)a->conf->nprocs + a->nleft++;
}

static int64_t
mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static bool
is_in_range(const char *key, int64_t n)
{
	const struct confkey *k = confkey_find(SECT_PROGRAM, key);

	return n >= k->min && n <= k->max;
}

/* The checksum is right, and yet no supervisor of this version wrote it. */
static bool
is_sane(const struct state_record *r)
{
	struct program p;

	memcpy(&p, r->program, sizeof p);
	return program_is_valid(&p) &&
	    is_in_range("stopsignal", r->stopsignal) &&
	    is_in_range("stopwaitsecs", r->stopwaitsecs);
}

/* The end of a whole daemon is no stop of its programs, also if it was killed
 * on the way, or left one behind that survived SIGKILL. */
static void
store_record(struct adoption *a, uint32_t slot, const void *record)
{
	const struct conf_process *c = slot < a->conf->nprocs ?
	    &a->conf->procs[slot] : NULL;

	struct program p;

	memcpy(&p, record, sizeof p);
	if (a->stopping && c != NULL && c->autostart && !c->stopped)
		p.wanted = 1;
	board_store(a->board, slot, &p, sizeof p);
}

static void
adopt_one(void *arg, int32_t pid, const struct state_record *r)
{
	struct adoption *a = arg;
	struct board *b = a->board;
	struct label *l;
	uint32_t slot;
	int fd, i;

	if (!is_sane(r)) {
		a->damaged++;
		return;
	}
	fd = proc_open(pid, &r->birth);
	if (fd == -1) {
		if (errno == ESRCH)
			return;
		/* Nothing is sent to it before that is possible. */
		log_warn("program %s: pid %d may be it and cannot be looked "
		    "at; no second one is started", r->label, (int)pid);
	} else {
		close(fd);
	}
	HASH_FIND(hh, a->labels, &r->label_hash, sizeof r->label_hash, l);
	slot = l != NULL ? l->index :
	    a->conf->nprocs + a->nleft < BOARD_SLOTS ? add_leaving(a, r) :
	    BOARD_SLOTS;
	if (slot == BOARD_SLOTS || atomic_load(&b->pid[slot]) != 0) {
		log_warnx("program %s: pid %d still runs and has no place in "
		    "the configuration; end it by hand", r->label, (int)pid);
		return;
	}
	if (l == NULL)
		log_warnx("program %s: pid %d still runs and is not "
		    "configured any more; it is stopped", r->label, (int)pid);
	for (i = 0; i < CONF_STREAMS; i++) {
		if (r->pipe[i] == 0)
			continue;
		fd = find_pipe(&a->conf->main.user, pid, i, r->pipe[i]);
		a->kept[LINK_SLOT(slot, i)] = fd + 1;
		a->pipes_lost += fd == -1;
	}
	b->birth[slot] = r->birth;
	b->spawned_ns[slot] = mono_ns() - (proc_boot_ns() - r->birth.from_ns);
	store_record(a, slot, r->program);
	atomic_store(&b->gen[slot], r->gen);
	atomic_store(&b->orphan[slot], 1);
	atomic_store(&b->pid[slot], pid);
	a->n++;
}

/* --- all of them --- */

static void
index_labels(struct adoption *a)
{
	char text[LABEL_MAX];
	struct label *l, *other;
	size_t i;

	a->storage = xcalloc(a->conf->nprocs + 1, sizeof *a->storage);
	for (i = 0; i < a->conf->nprocs; i++) {
		l = &a->storage[i];
		label_of(&a->conf->procs[i], text);
		l->hash = state_hash(text);
		l->index = (uint32_t)i;
		HASH_FIND(hh, a->labels, &l->hash, sizeof l->hash, other);
		if (other == NULL)
			HASH_ADD(hh, a->labels, hash, sizeof l->hash, l);
	}
}

/* The array of a configuration lies in its arena; the longer one does, too. */
static void
append_left(struct adoption *a)
{
	struct config *c = a->conf;
	struct conf_process *all;

	if (a->nleft == 0)
		return;
	all = conf_arena_calloc(c->arena, c->nprocs + a->nleft, sizeof *all);
	memcpy(all, c->procs, c->nprocs * sizeof *all);
	memcpy(all + c->nprocs, a->left, a->nleft * sizeof *all);
	c->procs = all;
	c->nprocs += a->nleft;
}

uint32_t
adopt(const char *path, struct config *conf, struct board *b, int *kept)
{
	struct adoption a = {.conf = conf, .board = b, .kept = kept};
	int damaged;

	index_labels(&a);
	damaged = state_read(path, adopt_one, &a, &a.stopping);
	append_left(&a);
	b->unclean = damaged >= 0;
	if (damaged >= 0)
		damaged += a.damaged;
	if (damaged > 0)
		log_warnx("state file %s: %d damaged records; programs of the "
		    "daemon before may run a second time", path, damaged);
	else if (damaged == -1 && errno != ENOENT && errno != ESTALE)
		log_warnx("state file %s: %s; what the daemon before left "
		    "running is not found", path, errno == EINVAL ?
		    "of another version, or none" : strerror(errno));
	if (a.n > 0)
		log_warnx("the daemon before was killed; %u of its programs "
		    "still run and are adopted", a.n);
	if (a.pipes_lost > 0)
		log_warnx("%u output pipes were not found again; that output "
		    "is not logged until its program is restarted",
		    a.pipes_lost);
	HASH_CLEAR(hh, a.labels);
	free(a.storage);
	free(a.left);
	return a.n;
}

static uint64_t
inode_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int
adopt_write(const char *path, const struct config *conf,
    const struct board *b, const int *kept)
{
	_Atomic uint32_t seq = 0;
	struct state st = {
		.fd = state_create(path, 0, (uint32_t)conf->nprocs),
		.seq = &seq,
	};
	char text[LABEL_MAX];
	size_t i;
	int k;

	if (st.fd == -1) {
		log_warn("state file %s: programs will not be found again if "
		    "both processes of the daemon are killed", path);
		return -1;
	}
	for (i = 0; i < conf->nprocs; i++) {
		const struct conf_process *c = &conf->procs[i];
		uint32_t slot = (uint32_t)c->slot;
		struct state_record r = {
			.gen = atomic_load(&b->gen[slot]),
			.stopsignal = (int32_t)c->stopsignal,
			.stopwaitsecs = c->stopwaitsecs,
			.birth = b->birth[slot],
		};

		if (atomic_load(&b->pid[slot]) == 0 || !board_load(b, slot,
		    r.program, sizeof(struct program)))
			continue;
		label_of(c, text);
		r.label_hash = state_hash(text);
		str_copy(r.label, text, sizeof r.label);
		for (k = 0; k < CONF_STREAMS; k++)
			r.pipe[k] = inode_of(kept[LINK_SLOT(slot, k)] - 1);
		state_put(&st, slot, &r);
		state_set_pid(&st, slot, atomic_load(&b->pid[slot]));
	}
	if (state_publish(path) == -1) {
		log_warn("state file %s", path);
		close(st.fd);
		return -1;
	}
	return st.fd;
}

static void
count_one(void *arg, int32_t pid, const struct state_record *r)
{
	unsigned *n = arg;
	int fd = proc_open(pid, &r->birth);

	*n += fd != -1;
	if (fd != -1)
		close(fd);
}

unsigned
adopt_count(const char *path)
{
	unsigned n = 0;

	state_read(path, count_one, &n, NULL);
	return n;
}
