/*
 * Other processes, as the kernel shows them: who a number belongs to, and how
 * a process ended that is no child of ours.  No allocation, no stdio.
 *
 * Source: proc(5) for /proc/PID/stat; pidfd_open(2); <linux/pidfd.h> for
 * PIDFD_GET_INFO (Linux 6.15).
 */
#ifndef LIB_PROC_H
#define LIB_PROC_H

#include <stdbool.h>
#include <stdint.h>

/* When a process was created, as far as it is known: nanoseconds since boot,
 * suspend included (CLOCK_BOOTTIME).  to_ns 0: the end is not known. */
struct proc_birth {
	int64_t from_ns, to_ns;
};

struct proc_info {
	char state; /* 'R', 'S', 'Z', ... */
	int32_t ppid, group, session;
	int32_t threads;
	char name[16]; /* any bytes; NUL-terminated */
	int64_t start_ns; /* since boot; the kernel shows 10 ms steps */
};

/* Nanoseconds since boot, suspend included. */
int64_t proc_boot_ns(void);

/* What /proc/PID/stat says.  0; -1 with errno (ENOENT: no such process). */
int proc_read(int32_t pid, struct proc_info *ret);

/*
 * A pidfd of PID if that is a living session leader born in BIRTH: the
 * process that we started, and not one that got its number later.  The
 * descriptor is opened first and compared then.  -1 with errno: ESRCH if it
 * is gone or another one's; anything else: it could not be found out.
 */
int proc_open(int32_t pid, const struct proc_birth *birth);

/* How the process behind PIDFD ended, though another reaps it.  1: *RET_STATUS
 * is its wait status; 0: it is not reaped yet; -1: this kernel does not say. */
int proc_exit_status(int pidfd, int *ret_status);

#endif
