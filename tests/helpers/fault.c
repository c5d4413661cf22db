/*
 * fault.so, preloaded: things go wrong in one process of the daemon, the one
 * that FAULT_ROLE names: cli, keeper, supervisor or loader.
 *
 * FAULT_ONCE=FILE	what is to go wrong does so once, when FILE is there to
 *			be removed
 * FAULT_STOP=1		it stops (SIGSTOP) at its start, so that a tracer may
 *			attach; role detach: at the setsid() of `start`
 * FAULT_MALLOC=N	the Nth allocation since its start fails
 * FAULT_WHILE=FILE	from the Nth on all fail while FILE exists
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool armed; /* this is the process */
static atomic_long left; /* allocations until the one that fails */
static const char *once, *during;

static bool
token(void)
{
	return once != NULL && unlink(once) == 0;
}

static void
stop_here(const char *role)
{
	const char *wanted = getenv("FAULT_ROLE");

	if (getenv("FAULT_STOP") != NULL && wanted != NULL &&
	    strcmp(wanted, role) == 0 && token())
		raise(SIGSTOP);
}

__attribute__((constructor)) static void
begin(int argc, char **argv)
{
	const char *n = getenv("FAULT_MALLOC"), *wanted = getenv("FAULT_ROLE");
	const char *role = "cli";

	once = getenv("FAULT_ONCE");
	during = getenv("FAULT_WHILE");
	if (argc == 0 || wanted == NULL)
		return;
	if (strncmp(argv[0], "mpsupd: ", 8) == 0)
		role = argv[0] + 8;
	else if (strstr(argv[0], "mpsupd") == NULL)
		return; /* a program that is supervised */
	stop_here(role);
	if (n != NULL && strcmp(wanted, role) == 0) {
		left = atol(n);
		armed = true;
	}
}

pid_t
setsid(void)
{
	static pid_t (*next)(void);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "setsid");
	once = getenv("FAULT_ONCE");
	stop_here("detach");
	return next();
}

static bool
fails(void)
{
	int saved = errno;
	bool yes = false;
	long n;

	if (!armed)
		return false;
	n = atomic_fetch_sub(&left, 1);
	if (n == 1)
		yes = token();
	if (n <= 1 && during != NULL)
		yes |= access(during, F_OK) == 0;
	errno = yes ? ENOMEM : saved;
	return yes;
}

void *
malloc(size_t size)
{
	static void *(*next)(size_t);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : next(size);
}

void *
calloc(size_t n, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "calloc");
	return fails() ? NULL : next(n, size);
}

void *
realloc(void *p, size_t size)
{
	static void *(*next)(void *, size_t);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : next(p, size);
}
