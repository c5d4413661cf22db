/* The keeper link; see link.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/link.h"

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(LINK_FDS * sizeof(int))];
};

int
link_send(int sock, const struct link_msg *m, const int *fds, size_t nfds)
{
	struct iovec iov = {(void *)(uintptr_t)m, sizeof *m};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof control);
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	/* ECONNRESET comes once, see link_recv(); then EPIPE. */
	do
		n = sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	return n == -1 ? -1 : 0;
}

static void
close_all(const int *fds, size_t n)
{
	while (n > 0)
		close(fds[--n]);
}

int
link_recv(int sock, struct link_msg *m, int *fds, size_t *ret_nfds)
{
	struct iovec iov = {m, sizeof *m};
	union control control;
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *c;
	size_t nfds = 0;
	ssize_t n;

	*ret_nfds = 0;
	/* A peer that was killed before it had read all of ours: the kernel
	 * says so once, before it gives what that peer had sent. */
	do
		n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n == -1)
		return -1;
	for (c = CMSG_FIRSTHDR(&mh); c != NULL; c = CMSG_NXTHDR(&mh, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_RIGHTS) {
			nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), nfds * sizeof(int));
		}
	if (n == 0) {
		close_all(fds, nfds);
		return 0;
	}
	if (n != sizeof *m || m->version != LINK_VERSION || m->n > LINK_FDS ||
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		close_all(fds, nfds);
		errno = EPROTO;
		return -1;
	}
	*ret_nfds = nfds;
	return 1;
}
