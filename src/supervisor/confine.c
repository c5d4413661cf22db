/*
 * `nochildren`: a seccomp filter; see confine.h.
 *
 * A thread is a clone with CLONE_THREAD.  The arguments of clone3 lie in
 * memory, where a filter cannot look; ENOSYS is what an old kernel says, and
 * what the C library has an answer to.  A program of the machine's other
 * instruction set (32 bits) has other numbers, and on x86-64 a program may use
 * those without being one: both are known here.
 *
 * Source: seccomp(2); <linux/audit.h> for the machines.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/confine.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define ARCH_32 AUDIT_ARCH_I386
#define NR_CLONE 56
#define NR_FORK 57
#define NR_VFORK 58
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define ARCH_32 AUDIT_ARCH_ARM
#define NR_CLONE 220
#define NR_FORK NR_CLONE /* it has neither: rows that never match */
#define NR_VFORK NR_CLONE
#endif
/* Of i386 and ARM. */
#define NR_CLONE_32 120
#define NR_FORK_32 2
#define NR_VFORK_32 190
#define NR_CLONE3 435 /* of all */
#define X32_BIT 0x40000000u /* x86-64 with short pointers; else never set */

#ifdef ARCH

#define LOAD(field)							\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,				\
	    offsetof(struct seccomp_data, field))
#define IF(op, value, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, value, yes, no)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)
#define FAIL(err) ANSWER(SECCOMP_RET_ERRNO | (err))

/* The flags of clone: the low half of the first argument, little endian. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "args[0]");

static struct sock_filter code[] = {
	/* 0 */ LOAD(arch),
	/* 1 */ IF(BPF_JEQ, ARCH, 2, 0),
	/* 2 */ IF(BPF_JEQ, ARCH_32, 7, 0),
	/* 3 */ FAIL(ENOSYS), /* no such machine */
	/* 4 */ LOAD(nr),
	/* 5 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32_BIT),
	/* 6 */ IF(BPF_JEQ, NR_CLONE, 8, 0),
	/* 7 */ IF(BPF_JEQ, NR_FORK, 9, 0),
	/* 8 */ IF(BPF_JEQ, NR_VFORK, 8, 0),
	/* 9 */ IF(BPF_JEQ, NR_CLONE3, 9, 8), /* to 19, 18 */
	/* 10 */ LOAD(nr),
	/* 11 */ IF(BPF_JEQ, NR_CLONE_32, 3, 0),
	/* 12 */ IF(BPF_JEQ, NR_FORK_32, 4, 0),
	/* 13 */ IF(BPF_JEQ, NR_VFORK_32, 3, 0),
	/* 14 */ IF(BPF_JEQ, NR_CLONE3, 4, 3),
	/* 15 */ LOAD(args[0]),
	/* 16 */ IF(BPF_JSET, CLONE_THREAD, 1, 0),
	/* 17 */ FAIL(EPERM),
	/* 18 */ ANSWER(SECCOMP_RET_ALLOW),
	/* 19 */ FAIL(ENOSYS),
};

int
confine_nochildren(void)
{
	static const struct sock_fprog filter = {
		sizeof code / sizeof code[0], code};
	/* It guards no secrets: speculation may go on. */
	const unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0)
		return 0;
	if (errno != EACCES ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
	    &filter);
}

#else

int
confine_nochildren(void)
{
	errno = ENOSYS;
	return -1;
}

#endif
