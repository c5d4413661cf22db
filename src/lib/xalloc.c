/* Allocation that cannot fail; see xalloc.h. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/xalloc.h"

/* The message needs memory as well: if there is none, fewer words. */
static _Noreturn void
fail(size_t n, size_t size)
{
	static const char last_words[] = "mpsupd: out of memory\n";
	static bool failing;
	ssize_t r;

	if (!failing) {
		failing = true;
		fatalx("out of memory: cannot allocate %zu x %zu bytes", n,
		    size);
	}
	r = write(STDERR_FILENO, last_words, sizeof last_words - 1);
	(void)r;
	exit(1);
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (p == NULL)
		fail(1, size);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (p == NULL)
		fail(n, size);
	return p;
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		fail(n, size);
	p = realloc(p, n * size > 0 ? n * size : 1);
	if (p == NULL)
		fail(n, size);
	return p;
}

char *
xstrdup(const char *s)
{
	return s == NULL ? NULL : xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t len)
{
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		fail(1, strlen(fmt));
	va_end(ap);
	return p;
}
