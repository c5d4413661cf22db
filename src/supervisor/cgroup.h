/*
 * A cgroup for each program, where the version 2 hierarchy may be written: the
 * kernel's own list of a tree, which nothing leaves by itself, and a kill of
 * all of it in one step.
 *
 * The programs of a daemon have groups below BASE/mpsupd-HASH, BASE being the
 * group of the daemon itself and HASH that of its run directory.  A child is
 * born in its group (CLONE_INTO_CGROUP): to move it later would take the
 * kernel milliseconds.  Where that does not work tree.h does without.
 *
 * prog.grouped says of a run that it is in its group.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst of Linux; clone(2).
 */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct service;
struct supervisor;

/* Finds BASE and makes the daemon's group; without one nothing is grouped. */
void cgroup_init(struct supervisor *sup);

/* The group of S for a clone, made if need be; -1: there is none.  The caller
 * closes it. */
int cgroup_open(struct service *s);

/* PID is in the group of S. */
bool cgroup_has(const struct service *s, pid_t pid);

/* Something is in the group of S, or below it. */
bool cgroup_is_populated(const struct service *s);

/* Calls FN(arg, PID) for each process in it and below. */
void cgroup_each(const struct service *s, void (*fn)(void *arg, int32_t pid),
    void *arg);

/* Kills all of it at once.  false: this kernel cannot (before Linux 5.14).
 * prog.regroup is set: Linux 6.14 and later kill whatever is born into a group
 * after that, so the next run gets a new one. */
bool cgroup_kill(struct service *s);

/* The empty group of S goes; and that of the daemon. */
void cgroup_remove(struct service *s);
void cgroup_clean(struct supervisor *sup);

#endif
