/*
 * The tree of a program: its process and all that descends from it, also what
 * made itself a session of its own or lost its parents.
 *
 * A process whose parent dies becomes a child of the keeper (a subreaper).  So
 * what a program has left is found among the keeper's children, and known as
 * its own by one of: what was seen of it before, its session, a mark in its
 * environment (TREE_MARK), the owner of an ancestor; after a death of the
 * keeper, when it may be a child of anybody, by the same among all processes.
 * One that hides from all of them is a stranger: it is named in the log, once,
 * and left alone.
 *
 * With a cgroup (cgroup.h) the kernel keeps the list and nothing can hide.
 *
 * What was seen is lost with the supervisor; session, mark and cgroup are not.
 */
#ifndef SUPERVISOR_TREE_H
#define SUPERVISOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct service;
struct supervisor;
struct tree;

/* Variable of each program's environment: comma-separated marks, one for each
 * daemon that stands over it; tree_mark() writes ours. */
#define TREE_MARK "MPSUPD_TREE"

void tree_init(struct supervisor *sup);

/* The mark of the processes of label hash HASH under run directory RUNDIR, 33
 * bytes and a NUL. */
void tree_mark(const char *rundir, uint64_t hash, char out[34]);

/* Ends were recorded: what is known of the keeper's children is old. */
void tree_stale(struct supervisor *sup);

/* The process of S has ended: does anything of its tree live that its
 * kill_mode means (ALL: anything at all)? */
bool tree_is_left(struct service *s, bool all);

/* A daemon that was killed may have left more than the programs that are
 * adopted: looks at all processes, and then, of S, whether it has. */
void tree_look(struct supervisor *sup);
bool tree_has_rest(struct service *s);

/* S is asked to end: notes who its descendants are while they have parents. */
void tree_learn(struct service *s);

/* SIGNO for all that is left of S, its process too if that lives.  SIGKILL
 * stops them first, so that none can have children meanwhile. */
void tree_signal(struct service *s, int signo);

/* S is STOPPING and only its tree is left: ON_GONE will be fed when nothing
 * is.  Also after a takeover. */
void tree_watch(struct supervisor *sup);

/* The daemon that a forking program left: the oldest process of its tree that
 * is a child of the keeper.  0: there is none. */
pid_t tree_daemon(struct service *s);

#endif
