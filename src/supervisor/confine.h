/* Taking abilities away from a child, for good, before it executes. */
#ifndef SUPERVISOR_CONFINE_H
#define SUPERVISOR_CONFINE_H

/*
 * The calling process, and whatever it becomes, can make threads but no
 * process: fork, vfork and clone fail with EPERM, clone3 with ENOSYS, so that
 * the C library uses clone.  System calls only: this runs between clone and
 * exec.  Without CAP_SYS_ADMIN it sets no_new_privs, which the kernel demands.
 * 0; -1 with errno (ENOSYS: not on this machine or in this kernel).
 */
int confine_nochildren(void);

#endif
