/* clone3(2) with a stack of its own and a cgroup: the C library has no call
 * for it. */
#ifndef SUPERVISOR_CLONEINTO_H
#define SUPERVISOR_CLONEINTO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * As clone(2) of the C library with FLAGS (no exit signal), but the child is
 * born in the cgroup whose directory is CGROUP.  FN must not return.  STACK is
 * the lowest address of SIZE bytes, aligned to 16.  -1 with errno: ENOSYS on a
 * machine that this is not written for, and where a tool that watches over
 * memory could not follow.
 */
pid_t cloneinto(int (*fn)(void *arg), void *stack, size_t size, uint64_t flags,
    int cgroup, void *parent_tid, int32_t *child_tid, void *arg);

#endif
