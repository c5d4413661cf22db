/* Other faces of this program (argv[0] says which), as children of the
 * supervisor: what must not happen in its loop. */
#ifndef SUPERVISOR_FACE_H
#define SUPERVISOR_FACE_H

#include <sys/types.h>

/* Starts ARGV (NULL-terminated) with descriptor FD as its FACE_FD, no signal
 * blocked, everything else close-on-exec.  Its pid, a child to be waited for,
 * and *RET_PIDFD, which is readable at its end; or -1 with errno. */
pid_t face_spawn(char *const argv[], int fd, int face_fd, int *ret_pidfd);

#endif
