/* See pipe.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/pipe.h"

int
pipe_whole(void)
{
	char path[32];
	int p[2], fd, saved;

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	saved = errno;
	close(p[0]);
	close(p[1]);
	errno = saved;
	return fd;
}
