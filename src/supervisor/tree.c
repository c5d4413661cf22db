/* The tree of a program; see tree.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uthash.h>

#include "lib/board.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/state.h"
#include "lib/str.h"
#include "lib/xalloc.h"
#include "supervisor/cgroup.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"
#include "supervisor/tree.h"

#define LOOK_FIRST 0.002 /* seconds; looks at what is left become rarer ... */
#define LOOK_LAST 0.05 /* ... up to this */
#define LOOK_COST 5 /* all processes are read for 1/N of the time at most */
#define SEEN_MAX 65536 /* processes remembered; then all are forgotten */
#define DOUBTS 6 /* looks at a process before it is called a stranger: while
		  * it executes another program, or ends, it has no environment */
#define EXEC_US 300 /* from one look at an empty environment to the next, */
#define EXEC_TRIES 4 /* so many of them */
#define LIST_TRIES 8 /* of the keeper's children, until two are the same */
#define GONE_TRIES 5 /* looks at a list of which some end meanwhile */
#define KILL_ROUNDS 50 /* looks for more to stop before they are killed */
#define ENVIRON_MAX (256 * 1024) /* bytes of an environment searched */
#define TICK_NS 10000000LL

/* Owners that are no slot: nobody knows; a command that we run ourselves; it
 * has ended. */
enum { NOBODY = -1, HELPER = -2, GONE = -3 };

/* A process that was looked at: whose it is does not change, once it is known.
 */
struct seen {
	int32_t pid;
	int32_t slot; /* or NOBODY */
	int64_t start_ns; /* since boot */
	uint32_t look; /* the last one that found it */
	uint8_t doubts; /* looks that said NOBODY */
	bool told; /* it has got SIGTERM */
	UT_hash_handle hh;
};

/* A line of the table of all processes. */
struct entry {
	int32_t pid, ppid, group, session;
	int32_t slot; /* its owner, NOBODY or HELPER */
	bool resolved;
	int64_t start_ns; /* since boot */
};

/* A process that we started, the first of its session. */
struct leader {
	int32_t pid, slot;
};

struct tree {
	struct seen *seen; /* uthash by pid */
	uint32_t look;
	bool fresh; /* left[] is of now */
	bool doubtful; /* ... but for one that executes or ends just now */
	bool wide; /* orphans may be children of anybody */
	uint64_t left[BOARD_SLOTS / 64]; /* slots with processes without
					  * parents */
	char *children; /* of the keeper, as text; NULL: never read */
	size_t cap;
	struct entry *v; /* all processes, by pid */
	size_t n, vcap;
	struct leader *leaders; /* by pid */
	size_t nleaders, leaders_cap;
	int64_t read_ns, read_cost; /* when that was read, how long it took */
	double pause;
	ev_timer timer;
	char mark[34]; /* begins as every mark of this daemon, ... */
	size_t mark_len; /* ... so far */
};

void
tree_mark(const char *rundir, uint64_t hash, char out[34])
{
	snprintf(out, 34, "%016llx.%016llx",
	    (unsigned long long)state_hash(rundir), (unsigned long long)hash);
}

/* The kernel has the list of its tree, and we can read it. */
static bool
is_grouped(const struct service *s)
{
	return s->prog.grouped && s->sup->cgroup != NULL;
}

/* --- whose is a process --- */

/* A process whose first thread has ended looks like a zombie while others run.
 */
static bool
is_living(const struct proc_info *pi)
{
	return (pi->state != 'Z' && pi->state != 'X') || pi->threads > 1;
}

static struct service *
by_label(struct supervisor *sup, uint64_t hash)
{
	struct service *s;

	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->label_hash == hash)
			return s;
	return NULL;
}

/* The whole file PATH, NUL-terminated, into a buffer to be freed; NULL. */
static char *
read_text(const char *path, size_t max, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t len = 0, cap = 0;
	ssize_t n;

	if (fd == -1)
		return NULL;
	do {
		if (len + 1 >= cap) {
			cap = cap ? cap * 2 : 4096;
			text = xreallocarray(text, cap, 1);
		}
		n = read(fd, text + len, cap - len - 1);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < max);
	close(fd);
	text[len] = '\0';
	*ret_len = len;
	return text;
}

/* The slot that the mark in the environment of PID names.  A process that
 * executes or ends just now has none, which says nothing; one that we may not
 * read is none that we have started. */
static int32_t
slot_of_mark(struct supervisor *sup, int32_t pid, bool *ret_sure)
{
	struct tree *t = sup->tree;
	char path[40], *text, *p, *end;
	struct service *s = NULL;
	size_t len = 0;
	int tries;

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	for (tries = 0;; tries++) {
		text = read_text(path, ENVIRON_MAX, &len);
		*ret_sure = len > 0 || (text == NULL && errno == EACCES);
		if (*ret_sure || tries == EXEC_TRIES ||
		    (text == NULL && errno == ENOENT))
			break;
		free(text);
		usleep(EXEC_US);
	}
	for (p = text; p != NULL && p < text + len; p = end + 1) {
		end = p + strlen(p);
		if (strncmp(p, TREE_MARK "=", sizeof TREE_MARK) != 0)
			continue;
		p = strstr(p, t->mark);
		if (p != NULL)
			s = by_label(sup, strtoull(p + t->mark_len, NULL, 16));
		break;
	}
	free(text);
	return s != NULL ? (int32_t)s->slot : NOBODY;
}

static int
compare_pids(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sessions are named after the processes that we started: which those are. */
static void
index_leaders(struct supervisor *sup)
{
	struct tree *t = sup->tree;
	struct service *s;

	if (t->leaders_cap < 2 * sup->nservices) {
		t->leaders_cap = 2 * sup->nservices;
		t->leaders = xreallocarray(t->leaders, t->leaders_cap,
		    sizeof *t->leaders);
	}
	t->nleaders = 0;
	TAILQ_FOREACH(s, &sup->services, entry) {
		const struct program *p = &s->prog;
		int32_t live = atomic_load(&sup->board->pid[s->slot]);

		if (live != 0 || p->pid != 0)
			t->leaders[t->nleaders++] = (struct leader){
			    live != 0 ? live : p->pid, (int32_t)s->slot};
		if (p->last_pid != 0 && (p->clearing || p->followed))
			t->leaders[t->nleaders++] = (struct leader){
			    p->last_pid, (int32_t)s->slot};
	}
	if (t->nleaders > 0)
		qsort(t->leaders, t->nleaders, sizeof *t->leaders,
		    compare_pids);
}

static const struct leader *
find_leader(const struct tree *t, int32_t pid)
{
	struct leader key = {.pid = pid};

	return t->nleaders == 0 ? NULL : bsearch(&key, t->leaders,
	    t->nleaders, sizeof *t->leaders, compare_pids);
}

static int32_t
slot_of_session(struct supervisor *sup, int32_t session, int64_t start_ns)
{
	const struct leader *l = find_leader(sup->tree, session);

	return l != NULL && start_ns + TICK_NS >=
	    sup->board->birth[l->slot].from_ns ? l->slot : NOBODY;
}

static struct seen *
seen_find(struct tree *t, int32_t pid, int64_t start_ns)
{
	struct seen *e;

	HASH_FIND_INT(t->seen, &pid, e);
	if (e == NULL || e->start_ns == start_ns)
		return e;
	HASH_DEL(t->seen, e); /* another one's number by now */
	free(e);
	return NULL;
}

static void
seen_forget_all(struct tree *t)
{
	struct seen *e, *next;

	HASH_ITER(hh, t->seen, e, next) {
		HASH_DEL(t->seen, e);
		free(e);
	}
}

static struct seen *
seen_add(struct tree *t, int32_t pid, int64_t start_ns, int32_t slot)
{
	struct seen *e = seen_find(t, pid, start_ns);

	if (e != NULL) {
		e->slot = slot;
		return e;
	}
	if (HASH_COUNT(t->seen) >= SEEN_MAX)
		seen_forget_all(t);
	e = xcalloc(1, sizeof *e);
	e->pid = pid;
	e->start_ns = start_ns;
	e->slot = slot;
	e->look = t->look;
	HASH_ADD_INT(t->seen, pid, e);
	return e;
}

/* Nothing new is to be learnt about E. */
static bool
is_certain(const struct seen *e)
{
	return e != NULL && (e->slot != NOBODY || e->doubts >= DOUBTS);
}

/* One more look at E that told nothing.  The last one names it, if it has
 * descended from us. */
static void
doubt(const struct supervisor *sup, struct seen *e, bool sure)
{
	struct proc_info pi;

	if (is_certain(e))
		return;
	e->doubts = sure ? DOUBTS : e->doubts + 1;
	if (e->doubts < DOUBTS)
		return;
	if (proc_read(e->pid, &pi) == 0 && pi.start_ns == e->start_ns &&
	    pi.ppid == sup->board->keeper_pid)
		log_info("process %d (%s) has lost its parent and belongs to "
		    "no program that is known; it is left alone",
		    (int)e->pid, pi.name);
}

/* Those that no longer exist were not found by this look. */
static void
seen_prune(struct tree *t)
{
	struct seen *e, *next;

	HASH_ITER(hh, t->seen, e, next)
		if (e->look != t->look) {
			HASH_DEL(t->seen, e);
			free(e);
		}
}

/* --- the keeper's children --- */

/* Whose PID is, a process without parents: by what is known of itself. */
static int32_t
resolve_orphan(struct supervisor *sup, int32_t pid)
{
	struct tree *t = sup->tree;
	struct proc_info pi;
	struct seen *e;
	bool sure = true;
	int32_t slot;

	if (proc_read(pid, &pi) == -1 || !is_living(&pi))
		return GONE;
	e = seen_find(t, pid, pi.start_ns);
	if (is_certain(e)) {
		e->look = t->look;
		return e->slot;
	}
	slot = slot_of_session(sup, pi.session, pi.start_ns);
	if (slot == NOBODY)
		slot = slot_of_mark(sup, pid, &sure);
	e = seen_add(t, pid, pi.start_ns, slot);
	e->look = t->look;
	doubt(sup, e, sure);
	t->doubtful |= !is_certain(e);
	return slot;
}

/* The kernel may leave one out if others end while it makes the list
 * (proc_pid_children(5)): two that are the same are believed. */
static bool
read_children(struct supervisor *sup)
{
	struct tree *t = sup->tree;
	char path[64], *before = NULL;
	bool same = false;
	size_t len;
	int tries;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children",
	    (int)sup->board->keeper_pid, (int)sup->board->keeper_pid);
	for (tries = 0; !same && tries < LIST_TRIES; tries++) {
		free(before);
		before = t->children;
		t->children = read_text(path, SIZE_MAX, &len);
		same = tries > 0 && before != NULL && t->children != NULL &&
		    strcmp(before, t->children) == 0;
	}
	free(before);
	return t->children != NULL;
}

/* False: some of them has ended meanwhile, and its children may have come. */
static bool
resolve_children(struct supervisor *sup)
{
	struct tree *t = sup->tree;
	int32_t pid, slot;
	bool all = true;
	char *p, *end;

	for (p = t->children; (pid = (int32_t)strtol(p, &end, 10)) > 0;
	    p = end) {
		if (pid == getpid() || find_leader(t, pid) != NULL)
			continue;
		slot = resolve_orphan(sup, pid);
		all &= slot != GONE;
		if (slot >= 0)
			t->left[slot / 64] |= UINT64_C(1) << (slot % 64);
	}
	return all;
}

/* Brings left[] up to date: whose are those that have lost their parents? */
static void
look_at_children(struct supervisor *sup)
{
	struct tree *t = sup->tree;
	int tries;

	if (t->fresh)
		return;
	t->fresh = true;
	t->doubtful = false;
	memset(t->left, 0, sizeof t->left);
	index_leaders(sup);
	for (tries = 0; !resolve_children(sup) && tries < GONE_TRIES; tries++)
		if (!read_children(sup))
			break;
}

/* --- all processes --- */

static void
table_add(struct tree *t, int32_t pid)
{
	struct proc_info pi;

	if (proc_read(pid, &pi) == -1 || !is_living(&pi))
		return;
	if (t->n == t->vcap) {
		t->vcap = t->vcap ? t->vcap * 2 : 256;
		t->v = xreallocarray(t->v, t->vcap, sizeof *t->v);
	}
	t->v[t->n++] = (struct entry){
		.pid = pid,
		.ppid = pi.ppid,
		.group = pi.group,
		.session = pi.session,
		.start_ns = pi.start_ns,
		.slot = NOBODY,
	};
}

static struct entry *
table_find(struct tree *t, int32_t pid)
{
	struct entry key = {.pid = pid};

	return bsearch(&key, t->v, t->n, sizeof *t->v, compare_pids);
}

/* By what is known of the process alone.  False: its parent decides. */
static bool
resolve_alone(struct supervisor *sup, struct entry *e)
{
	struct seen *seen;

	if (e->pid == getpid())
		e->slot = HELPER; /* what descends from us */
	/* What we start has a session, which kernel threads have not. */
	if (e->pid == 1 || e->pid == sup->board->keeper_pid ||
	    e->pid == getpid() || e->session == 0)
		return true;
	seen = seen_find(sup->tree, e->pid, e->start_ns);
	if (seen != NULL)
		seen->look = sup->tree->look;
	e->slot = seen != NULL && seen->slot != NOBODY ? seen->slot :
	    slot_of_session(sup, e->session, e->start_ns);
	return e->slot != NOBODY;
}

/* Whose E is: by its own word, or its ancestors'.  One whose parent is not in
 * the table, because it ends just now, is an orphan in a moment. */
static int32_t
resolve(struct supervisor *sup, struct entry *e, unsigned depth)
{
	struct tree *t = sup->tree;
	struct entry *parent;
	bool sure;

	if (e->resolved)
		return e->slot;
	e->resolved = true;
	if (resolve_alone(sup, e))
		return e->slot;
	parent = depth > 0 ? table_find(t, e->ppid) : NULL;
	if (parent != NULL)
		e->slot = resolve(sup, parent, depth - 1);
	if (e->slot == NOBODY && (t->wide || parent == NULL || e->ppid == 1 ||
	    e->ppid == sup->board->keeper_pid) &&
	    !is_certain(seen_find(t, e->pid, e->start_ns))) {
		e->slot = slot_of_mark(sup, e->pid, &sure);
		doubt(sup, seen_add(t, e->pid, e->start_ns, e->slot), sure);
	}
	return e->slot;
}

/* What is in no session of its program is known by its parents only: as long
 * as it has them. */
static void
remember(struct supervisor *sup, const struct entry *e)
{
	if (e->slot >= 0 && e->session != sup->by_slot[e->slot]->prog.pid &&
	    seen_find(sup->tree, e->pid, e->start_ns) == NULL)
		seen_add(sup->tree, e->pid, e->start_ns, e->slot);
}

/* What it leaves, or has left, is no child of this keeper. */
static bool
is_orphan(const struct service *s)
{
	const struct board *b = s->sup->board;

	return atomic_load(&b->orphan[s->slot]) != 0 ||
	    (s->prog.clearing && (b->promotions > 0 || b->unclean));
}

/* Reads all of /proc; nothing is known if it cannot be read. */
static void
read_table(struct supervisor *sup)
{
	struct tree *t = sup->tree;
	int64_t begin = now_ns(), pid;
	DIR *d = opendir("/proc");
	struct dirent *e;
	struct service *s;
	size_t i;

	t->n = 0;
	t->look++;
	t->wide = !read_children(sup) || sup->board->unclean;
	index_leaders(sup);
	TAILQ_FOREACH(s, &sup->services, entry)
		t->wide |= is_orphan(s);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (str_to_int(e->d_name, 1, INT32_MAX, &pid))
			table_add(t, (int32_t)pid);
	if (d != NULL)
		closedir(d);
	if (t->n > 0)
		qsort(t->v, t->n, sizeof *t->v, compare_pids);
	for (i = 0; i < t->n; i++) {
		resolve(sup, &t->v[i], 64);
		remember(sup, &t->v[i]);
	}
	seen_prune(t);
	t->read_ns = now_ns();
	t->read_cost = t->read_ns - begin;
}

/* A table that is not older than what reading it costs allows. */
static bool
is_affordable(const struct tree *t)
{
	return now_ns() - t->read_ns >= LOOK_COST * t->read_cost;
}

static pid_t
leader_of(const struct service *s)
{
	return s->prog.pid != 0 ? s->prog.pid : s->prog.last_pid;
}

/* Does its kill_mode mean E, which is of the tree of S? */
static bool
is_meant(const struct service *s, const struct entry *e, bool all)
{
	return e->slot == (int32_t)s->slot && (all ||
	    s->conf->kill_mode == KILL_TREE ||
	    (s->conf->kill_mode == KILL_GROUP && e->group == leader_of(s)));
}

static bool
is_in_table(struct service *s, bool all)
{
	struct tree *t = s->sup->tree;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].pid != s->prog.pid && is_meant(s, &t->v[i], all))
			return true;
	return false;
}

/* A line of the table for a process that the kernel lists as one of S. */
static void
add_grouped(void *arg, int32_t pid)
{
	struct service *s = arg;
	struct tree *t = s->sup->tree;
	size_t n = t->n;

	table_add(t, pid);
	if (t->n > n) {
		t->v[n].slot = (int32_t)s->slot;
		t->v[n].resolved = true;
	}
}

/* The table has all of the tree of S, whatever else. */
static void
read_tree(struct service *s)
{
	struct tree *t = s->sup->tree;

	if (!is_grouped(s)) {
		read_table(s->sup);
		return;
	}
	t->n = 0;
	t->look++;
	cgroup_each(s, add_grouped, s);
	if (t->n > 0)
		qsort(t->v, t->n, sizeof *t->v, compare_pids);
}

bool
tree_is_left(struct service *s, bool all)
{
	struct supervisor *sup = s->sup;
	struct tree *t = sup->tree;
	bool wide = is_orphan(s);

	if (s->conf->kill_mode == KILL_PROCESS && !all)
		return false;
	if (is_grouped(s)) {
		if (!cgroup_is_populated(s))
			return false;
		if (all || s->conf->kill_mode == KILL_TREE)
			return true;
		read_tree(s);
		return is_in_table(s, all);
	}
	if (!t->fresh)
		wide |= !read_children(sup);
	if (!wide && t->children != NULL) {
		look_at_children(sup);
		if ((t->left[s->slot / 64] >> (s->slot % 64) & 1) == 0)
			return t->doubtful;
		if (all || s->conf->kill_mode == KILL_TREE)
			return true;
	}
	/* Nobody knows before the next look: it is not over. */
	if (!is_affordable(t))
		return true;
	read_table(sup);
	return is_in_table(s, all);
}

void
tree_look(struct supervisor *sup)
{
	read_table(sup);
}

bool
tree_has_rest(struct service *s)
{
	return s->conf->kill_mode == KILL_TREE && is_in_table(s, false);
}

void
tree_stale(struct supervisor *sup)
{
	sup->tree->fresh = false;
}

/* Most programs have no children. */
static bool
may_have_children(pid_t pid)
{
	struct proc_info pi;
	char path[64], *text;
	size_t len = 0;

	if (proc_read(pid, &pi) == -1)
		return false;
	if (pi.threads > 1)
		return true;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	text = read_text(path, 1, &len);
	free(text);
	return text == NULL || len > 0;
}

void
tree_learn(struct service *s)
{
	if (s->prog.pid != 0 && s->conf->kill_mode == KILL_TREE &&
	    !is_grouped(s) && may_have_children(s->prog.pid) && is_affordable(s->sup->tree))
		read_table(s->sup);
}

/* --- signals --- */

/* The process of E, and no other that has got its number. */
static int
signal_entry(const struct entry *e, int signo)
{
	int fd = (int)syscall(SYS_pidfd_open, e->pid, 0), r = -1;
	struct proc_info pi;

	if (fd == -1)
		return -1;
	if (proc_read(e->pid, &pi) == 0 && pi.start_ns == e->start_ns)
		r = (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
	close(fd);
	return r;
}

/* SIGTERM is for each of them once, whether it comes from here or went to the
 * group; also for those that come into being while the others end. */
static bool
was_told(const struct service *s, const struct entry *e)
{
	struct tree *t = s->sup->tree;
	struct seen *seen = seen_add(t, e->pid, e->start_ns, e->slot);
	bool told = seen->told || (e->group == leader_of(s) &&
	    e->start_ns + TICK_NS < s->told_ns);

	seen->look = t->look;
	seen->told = true;
	return told;
}

static void
signal_all(struct service *s, int signo)
{
	struct tree *t = s->sup->tree;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct entry *e = &t->v[i];

		if (!is_meant(s, e, false))
			continue;
		s->had_rest = true;
		if (signo == SIGTERM && was_told(s, e))
			continue;
		if (signal_entry(e, signo) == -1 && errno == EPERM)
			log_warn("program %s: cannot send signal %d to pid %d "
			    "of its tree", s->label, signo, (int)e->pid);
		/* A stopped one takes no other. */
		if (signo == SIGTERM)
			signal_entry(e, SIGCONT);
	}
}

/* Stops what is there, and what came into being meanwhile, until nothing is
 * new: then SIGKILL reaches all of them, however fast they fork. */
static void
freeze(struct service *s)
{
	struct tree *t = s->sup->tree;
	int32_t *stopped = NULL;
	size_t n = 0, cap = 0, i, before, round;

	for (round = 0; round < KILL_ROUNDS; round++) {
		before = n;
		for (i = 0; i < t->n; i++) {
			struct entry *e = &t->v[i];

			if (!is_meant(s, e, false) || (before > 0 &&
			    bsearch(&e->pid, stopped, before, sizeof *stopped,
			    compare_pids) != NULL))
				continue;
			if (n == cap) {
				cap = cap ? cap * 2 : 64;
				stopped = xreallocarray(stopped, cap,
				    sizeof *stopped);
			}
			stopped[n++] = e->pid;
			signal_entry(e, SIGSTOP);
		}
		if (n == before)
			break;
		qsort(stopped, n, sizeof *stopped, compare_pids);
		read_tree(s);
	}
	free(stopped);
}

void
tree_signal(struct service *s, int signo)
{
	if (signo != SIGKILL || !is_grouped(s) ||
	    s->conf->kill_mode != KILL_TREE || !cgroup_kill(s)) {
		read_tree(s);
		if (signo == SIGKILL)
			freeze(s);
		signal_all(s, signo);
	}
	s->had_rest |= is_grouped(s);
	s->sup->tree->pause = 0.;
	tree_watch(s->sup);
}

/* --- until nothing is left --- */

/* Those that are new by now are told, too. */
static void
tell_newcomers(struct supervisor *sup)
{
	struct service *s;
	bool others = false;

	TAILQ_FOREACH(s, &sup->services, entry) {
		if (s->prog.clearing && is_grouped(s)) {
			read_tree(s);
			signal_all(s, SIGTERM);
		}
		others |= s->prog.clearing && !is_grouped(s);
	}
	if (!others || !is_affordable(sup->tree))
		return;
	read_table(sup);
	TAILQ_FOREACH(s, &sup->services, entry)
		if (s->prog.clearing && !is_grouped(s))
			signal_all(s, SIGTERM);
}

static void
on_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct supervisor *sup = w->data;
	struct service *s, *next;
	bool more = false;

	(void)loop;
	(void)revents;
	tree_stale(sup);
	for (s = TAILQ_FIRST(&sup->services); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!s->prog.clearing)
			continue;
		if (tree_is_left(s, false))
			more = true;
		else
			service_gone(s);
	}
	if (!more)
		return;
	tell_newcomers(sup);
	tree_watch(sup);
}

void
tree_watch(struct supervisor *sup)
{
	struct tree *t = sup->tree;

	if (ev_is_active(&t->timer))
		return;
	t->pause = t->pause == 0. ? LOOK_FIRST : t->pause * 1.5;
	if (t->pause > LOOK_LAST)
		t->pause = LOOK_LAST;
	ev_now_update(sup->loop);
	ev_timer_set(&t->timer, t->pause, 0.);
	ev_timer_start(sup->loop, &t->timer);
}

pid_t
tree_daemon(struct service *s)
{
	struct tree *t = s->sup->tree;
	const struct entry *best = NULL;
	size_t i;

	read_tree(s);
	for (i = 0; i < t->n; i++) {
		const struct entry *e = &t->v[i];

		if (e->slot == (int32_t)s->slot && e->pid != s->prog.pid &&
		    e->ppid == s->sup->board->keeper_pid &&
		    (best == NULL || e->start_ns < best->start_ns))
			best = e;
	}
	return best != NULL ? best->pid : 0;
}

void
tree_init(struct supervisor *sup)
{
	struct tree *t = xcalloc(1, sizeof *t);

	sup->tree = t;
	tree_mark(sup->conf->main.rundir, 0, t->mark);
	t->mark_len = strcspn(t->mark, ".") + 1;
	t->mark[t->mark_len] = '\0';
	ev_init(&t->timer, on_look);
	t->timer.data = sup;
}
