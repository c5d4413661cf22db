/* The control socket; see server.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "supervisor/peer.h"
#include "supervisor/server.h"
#include "supervisor/sink.h"
#include "supervisor/supervisor.h"

#define ACCEPT_PER_TURN 64
#define PAUSE 0.2 /* seconds */
#define UID_SHARE 4 /* a user without rights has at most 1/4 of all */

/* The least recently active idle peer; of UID only, unless (uid_t)-1. */
static struct peer *
idlest(struct server *sv, uid_t uid)
{
	struct peer *p;

	TAILQ_FOREACH(p, &sv->peers, entry)
		if (!p->closing && peer_is_idle(p) &&
		    (uid == (uid_t)-1 || p->uid == uid))
			return p;
	return NULL;
}

static unsigned
count_uid(struct server *sv, uid_t uid)
{
	struct peer *p;
	unsigned n = 0;

	TAILQ_FOREACH(p, &sv->peers, entry)
		n += p->uid == uid;
	return n;
}

/* Over a limit the connection that is idle for longest goes; if none is, the
 * new one. */
static void
admit(struct supervisor *sup, int fd)
{
	struct server *sv = sup->server;
	struct peer *p = peer_new(sup, fd), *victim;
	bool privileged = p->uid == 0 || p->uid == geteuid();

	if (!privileged && count_uid(sv, p->uid) >
	    sv->max_peers / UID_SHARE)
		victim = idlest(sv, p->uid);
	else if (sv->npeers > sv->max_peers)
		victim = idlest(sv, (uid_t)-1);
	else
		return;
	peer_close(victim != NULL ? victim : p);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct supervisor *sup = w->data;

	(void)revents;
	ev_io_start(loop, &sup->server->io);
}

static void
pause_accepting(struct supervisor *sup, const char *what)
{
	log_warn("control socket: cannot %s; trying again in %.1f s", what,
	    PAUSE);
	ev_io_stop(sup->loop, &sup->server->io);
	ev_timer_set(&sup->server->pause, PAUSE, 0.);
	ev_timer_start(sup->loop, &sup->server->pause);
}

static void
on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct supervisor *sup = w->data;
	int i, fd;

	(void)loop;
	if (revents & EV_ERROR) {
		pause_accepting(sup, "be watched");
		return;
	}
	for (i = 0; i < ACCEPT_PER_TURN; i++) {
		fd = accept4(sup->fd[ROLE_LISTENER], NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			admit(sup, fd);
			continue;
		}
		if ((errno == EMFILE || errno == ENFILE) &&
		    sink_make_room(sup->logs))
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_accepting(sup, "accept");
		return;
	}
}

void
server_init(struct supervisor *sup, unsigned max_peers)
{
	struct server *sv = xcalloc(1, sizeof *sv);

	sup->server = sv;
	sv->max_peers = max_peers;
	TAILQ_INIT(&sv->peers);
	TAILQ_INIT(&sv->dead);
	TAILQ_INIT(&sv->again);
	ev_init(&sv->pause, on_pause_over);
	sv->pause.data = sup;
	ev_io_init(&sv->io, on_accept, sup->fd[ROLE_LISTENER], EV_READ);
	sv->io.data = sup;
	ev_io_start(sup->loop, &sv->io);
}

bool
server_turn(struct supervisor *sup)
{
	struct server *sv = sup->server;
	struct peer_list now = TAILQ_HEAD_INITIALIZER(now);
	struct peer *p;

	TAILQ_CONCAT(&now, &sv->again, again_entry);
	while ((p = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, p, again_entry);
		p->again = false;
		peer_resume(p);
	}
	while ((p = TAILQ_FIRST(&sv->dead)) != NULL) {
		TAILQ_REMOVE(&sv->dead, p, entry);
		if (p->again)
			TAILQ_REMOVE(&sv->again, p, again_entry);
		peer_free(p);
	}
	return !TAILQ_EMPTY(&sv->again);
}

void
server_flush(struct supervisor *sup, int timeout_ms)
{
	int64_t end = now_ns() + timeout_ms * 1000000LL;
	struct peer *p, *next;

	for (p = TAILQ_FIRST(&sup->server->peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		peer_flush(p);
		while (!p->closing && buf_len(&p->out) > 0 &&
		    now_ns() < end) {
			struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};

			poll(&pfd, 1, 10);
			peer_flush(p);
		}
	}
}

static bool
in_acl(const struct conf_acl *acl, const struct peer *p)
{
	gid_t groups[256];
	socklen_t len = sizeof groups;
	size_t i, g;

	for (i = 0; i < acl->nuids; i++)
		if (acl->uids[i] == p->uid)
			return true;
	if (acl->ngids == 0)
		return false;
	if (getsockopt(p->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		len = 0;
	for (i = 0; i < acl->ngids; i++) {
		if (acl->gids[i] == p->gid)
			return true;
		for (g = 0; g < len / sizeof *groups; g++)
			if (acl->gids[i] == groups[g])
				return true;
	}
	return false;
}

bool
server_permits_some(const struct peer *p)
{
	const struct config *c = p->sup->conf;
	const char *last = NULL; /* most programs have the same ones */
	size_t i;

	for (i = 0; i < c->nprocs; i++) {
		const struct conf_acl *acl = &c->procs[i].operators;

		if (acl->text == NULL || (last != NULL &&
		    strcmp(last, acl->text) == 0))
			continue;
		if (in_acl(acl, p))
			return true;
		last = acl->text;
	}
	return false;
}

bool
server_permits_program(const struct peer *p, const struct conf_process *c)
{
	return server_permits(p, MAY_CONTROL) || in_acl(&c->operators, p);
}

bool
server_permits(const struct peer *p, enum permission what)
{
	const struct conf_main *m = &p->sup->conf->main;

	if (p->uid == 0 || p->uid == geteuid() || in_acl(&m->operators, p))
		return true;
	return what == MAY_LOOK && (in_acl(&m->readers, p) ||
	    server_permits_some(p));
}

void
server_set_mode(struct supervisor *sup)
{
	const struct conf_main *m = &sup->conf->main;
	bool shared = config_is_shared(sup->conf);

	if (chmod(m->socket, shared ? 0666 : 0600) == -1)
		log_warn("control socket %s: cannot change its mode",
		    m->socket);
}
