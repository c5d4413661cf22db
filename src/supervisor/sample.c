/* What /proc says; see sample.h. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/sample.h"

#define TASKS_MAX 4096 /* descendants counted, at most */

static ssize_t
read_proc(int32_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* proc(5), /proc/PID/stat: fields from the third on follow the last ')'. */
static bool
take_stat(struct sample *s)
{
	unsigned long long f[42] = {0};
	char buf[1024], state, *p;
	int i;

	if (read_proc(s->pid, "stat", buf, sizeof buf) <= 0 ||
	    (p = strrchr(buf, ')')) == NULL || p[1] == '\0')
		return false;
	state = p[2];
	p += 3;
	for (i = 4; i < 42; i++)
		f[i] = strtoull(p, &p, 10);
	if (state == 'Z' || state == 'X')
		return false;
	s->stopped = state == 'T';
	s->cpu_s = (double)(f[14] + f[15]) / (double)sysconf(_SC_CLK_TCK);
	s->nice = (int)f[19];
	s->threads = (int64_t)f[20];
	s->rss_bytes = (int64_t)f[24] * sysconf(_SC_PAGESIZE);
	s->priority = (int)f[40];
	s->policy = (int)f[41];
	return true;
}

static void
take_affinity(struct sample *s)
{
	cpu_set_t set;
	size_t len = 0;
	int i, from = -1;

	s->affinity[0] = '\0';
	if (sched_getaffinity(s->pid, sizeof set, &set) == -1)
		return;
	for (i = 0; i <= CPU_SETSIZE; i++) {
		bool in = i < CPU_SETSIZE && CPU_ISSET(i, &set);

		if (in && from == -1)
			from = i;
		if (in || from == -1)
			continue;
		len += (size_t)snprintf(s->affinity + len,
		    sizeof s->affinity - len, i - 1 > from ? "%s%d-%d" :
		    "%s%d", len ? "," : "", from, i - 1);
		if (len >= sizeof s->affinity)
			return;
		from = -1;
	}
}

/* Children of the main thread; those of others are rare and not looked for
 * on the way to an answer. */
static int64_t
count_tasks(int32_t pid)
{
	int32_t todo[256];
	char name[64], buf[8192], *p;
	int64_t count = 0;
	int n = 0;

	todo[n++] = pid;
	while (n > 0 && count < TASKS_MAX) {
		pid = todo[--n];
		count++;
		snprintf(name, sizeof name, "task/%d/children", (int)pid);
		if (read_proc(pid, name, buf, sizeof buf) <= 0)
			continue;
		for (p = buf; *p != '\0' && n < 256; ) {
			long child = strtol(p, &p, 10);

			if (child <= 0)
				break;
			todo[n++] = (int32_t)child;
			while (*p == ' ')
				p++;
		}
	}
	return count;
}

void
sample_take(struct sample *s, int32_t pid, int64_t now, int64_t max_age_ns)
{
	if (s->pid == pid && now - s->at_ns < max_age_ns)
		return;
	memset(s, 0, sizeof *s);
	s->pid = pid;
	s->at_ns = now;
	if (pid == 0)
		return;
	s->alive = take_stat(s);
	if (!s->alive)
		return;
	take_affinity(s);
	s->tasks = count_tasks(pid);
}

const char *
sample_policy_name(int policy)
{
	switch (policy) {
	case SCHED_OTHER:
		return "other";
	case SCHED_FIFO:
		return "fifo";
	case SCHED_RR:
		return "rr";
	case SCHED_BATCH:
		return "batch";
	case SCHED_IDLE:
		return "idle";
	default:
		return "unknown";
	}
}
