/* Other processes; see proc.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/proc.h"

#define SEC 1000000000LL
#define TICKS 100 /* a second, in what /proc shows: USER_HZ is 100 everywhere */
#define TICK_NS (SEC / TICKS)
/* A process whose parent was interrupted right after the clone has no known
 * end of its birth; it is not put off for ever. */
#define BIRTH_OPEN_NS (10 * SEC)

#define FIELD_STATE 3 /* numbers of proc(5) */
#define FIELD_PPID 4
#define FIELD_GROUP 5
#define FIELD_SESSION 6
#define FIELD_THREADS 20
#define FIELD_START 22

/* Of <linux/pidfd.h>, which older headers lack. */
struct pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info)
#define INFO_EXIT (UINT64_C(1) << 3)

int64_t
proc_boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

int
proc_read(int32_t pid, struct proc_info *ret)
{
	char buf[1024], path[32], *p, *name;
	ssize_t n;
	int fd, field, saved;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, sizeof buf - 1);
	saved = errno;
	close(fd);
	errno = n == -1 ? saved : EINVAL;
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	p = strrchr(buf, ')'); /* the name before it may hold anything */
	if (p == NULL || p[1] != ' ')
		return -1;
	memset(ret, 0, sizeof *ret);
	name = strchr(buf, '(');
	for (field = 0; name != NULL && name + 1 + field < p &&
	    field + 1 < (int)sizeof ret->name; field++)
		ret->name[field] = name[1 + field];
	p += 2;
	for (field = FIELD_STATE; field <= FIELD_START; field++) {
		if (field == FIELD_STATE)
			ret->state = *p;
		else if (field == FIELD_PPID)
			ret->ppid = (int32_t)strtol(p, NULL, 10);
		else if (field == FIELD_GROUP)
			ret->group = (int32_t)strtol(p, NULL, 10);
		else if (field == FIELD_THREADS)
			ret->threads = (int32_t)strtol(p, NULL, 10);
		else if (field == FIELD_SESSION)
			ret->session = (int32_t)strtol(p, NULL, 10);
		else if (field == FIELD_START)
			ret->start_ns = (int64_t)(strtoull(p, NULL, 10) *
			    TICK_NS);
		p = strchr(p, ' ');
		if (p == NULL)
			return field == FIELD_START ? 0 : -1;
		p++;
	}
	return 0;
}

static bool
born_in(const struct proc_info *pi, const struct proc_birth *b)
{
	int64_t to = b->to_ns != 0 ? b->to_ns : b->from_ns + BIRTH_OPEN_NS;

	return pi->start_ns >= b->from_ns - TICK_NS &&
	    pi->start_ns <= to + TICK_NS;
}

/* All of its threads: the state in /proc is that of the first one only, which
 * may have ended alone. */
static bool
has_ended(int pidfd)
{
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

int
proc_open(int32_t pid, const struct proc_birth *birth)
{
	struct proc_info pi = {0};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), err = 0;

	if (fd == -1)
		return -1;
	if (proc_read(pid, &pi) == -1)
		err = errno;
	/* The end is asked for last: until then all this was about one and
	 * the same process, and one that /proc does not show (hidepid, or it
	 * is not mounted) is not one that is gone. */
	if (has_ended(fd))
		err = ESRCH;
	else if (err == ENOENT || err == ESRCH)
		err = EACCES;
	/* Until its birth is over, with setsid(), it is in its parent's session. */
	else if (err == 0 && (!born_in(&pi, birth) ||
	    (birth->to_ns != 0 && pi.session != pid)))
		err = ESRCH;
	if (err == 0)
		return fd;
	close(fd);
	errno = err;
	return -1;
}

int
proc_exit_status(int pidfd, int *ret_status)
{
	struct pidfd_info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info) == -1)
		return errno == ESRCH ? 0 : -1;
	if ((info.mask & INFO_EXIT) == 0)
		return 0;
	*ret_status = info.exit_code;
	return 1;
}
