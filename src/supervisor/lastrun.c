/*
 * How the last run ended; see lastrun.h.
 *
 * Out of memory: the process ended by a SIGKILL that nobody asked for, and the
 * kernel has counted a victim since it began.  Whose, the counter does not
 * say; so each count explains one end only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/lastrun.h"

#define FRESH_NS 100000000LL /* thousands of starts read the file rarely */
#define VMSTAT_MAX 16384 /* bytes; what is beyond is not looked at */

static struct {
	int fd; /* 0: not opened yet; -1: there is none */
	int64_t kills, read_ns; /* what it said, and when */
	int64_t explained; /* counts up to this one have had their victim */
} vm;

/* The counter now, or -1. */
static int64_t
oom_kills(void)
{
	static const char key[] = "\noom_kill ";
	static char text[VMSTAT_MAX];
	const char *p;
	ssize_t n;

	if (vm.fd == 0)
		vm.fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (vm.fd == -1)
		return -1;
	n = pread(vm.fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	p = strstr(text, key);
	return p == NULL ? -1 : strtoll(p + sizeof key - 1, NULL, 10);
}

void
lastrun_begin(struct lastrun *l, int64_t now)
{
	if (vm.read_ns == 0 || now - vm.read_ns > FRESH_NS) {
		vm.kills = oom_kills();
		vm.read_ns = now;
	}
	l->kills_before = vm.kills;
}

static enum lastrun_oom
was_oom(const struct lastrun *l, bool on_request)
{
	int64_t kills;

	if (l->no_status)
		return OOM_UNKNOWN;
	if (on_request || !WIFSIGNALED(l->status) ||
	    WTERMSIG(l->status) != SIGKILL)
		return OOM_NO;
	kills = oom_kills();
	if (l->kills_before == -1 || kills == -1)
		return OOM_UNKNOWN;
	if (vm.explained < l->kills_before)
		vm.explained = l->kills_before;
	if (kills <= vm.explained)
		return OOM_NO;
	vm.explained++;
	return OOM_YES;
}

void
lastrun_end(struct lastrun *l, bool on_request)
{
	l->is_known = true;
	l->oom = was_oom(l, on_request);
}
