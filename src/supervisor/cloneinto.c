/* See cloneinto.h. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "supervisor/cloneinto.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_CALL 0
#elif defined(__x86_64__) || defined(__aarch64__)
#define HAVE_CALL 1
#else
#define HAVE_CALL 0
#endif

#if HAVE_CALL
/* The child has a new stack from its first instruction on and leaves this
 * function by the call alone: nothing of our frame is touched by it. */
static long
call(struct clone_args *args, size_t size, int (*fn)(void *arg), void *arg)
{
#if defined(__x86_64__)
	register long ret __asm__("rax") = SYS_clone3;
	register struct clone_args *a __asm__("rdi") = args;
	register size_t s __asm__("rsi") = size;
	register int (*f)(void *) __asm__("r12") = fn;
	register void *p __asm__("r13") = arg;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %[p], %%rdi\n\t"
			 "callq *%[f]\n\t"
			 "hlt\n"
			 "1:"
			 : "+r"(ret)
			 : "r"(a), "r"(s), [f] "r"(f), [p] "r"(p)
			 : "rcx", "r11", "memory", "cc");
	return ret;
#else
	register struct clone_args *a __asm__("x0") = args;
	register size_t s __asm__("x1") = size;
	register long number __asm__("x8") = SYS_clone3;
	register int (*f)(void *) __asm__("x10") = fn;
	register void *p __asm__("x11") = arg;
	register long ret __asm__("x0");

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x0, %[p]\n\t"
			 "blr %[f]\n\t"
			 "brk #0\n"
			 "1:"
			 : "=r"(ret)
			 : "r"(a), "r"(s), "r"(number), [f] "r"(f), [p] "r"(p)
			 : "memory", "cc");
	return ret;
#endif
}
#endif

pid_t
cloneinto(int (*fn)(void *arg), void *stack, size_t size, uint64_t flags,
    int cgroup, void *parent_tid, int32_t *child_tid, void *arg)
{
#if HAVE_CALL
	struct clone_args args;
	long r;

	memset(&args, 0, sizeof args);
	args.flags = flags | CLONE_INTO_CGROUP;
	args.stack = (uintptr_t)stack;
	args.stack_size = size;
	args.parent_tid = (uintptr_t)parent_tid;
	args.child_tid = (uintptr_t)child_tid;
	args.cgroup = (uint64_t)cgroup;
	r = call(&args, sizeof args, fn, arg);
	if (r >= 0)
		return (pid_t)r;
	errno = (int)-r;
	return -1;
#else
	(void)fn;
	(void)stack;
	(void)size;
	(void)flags;
	(void)cgroup;
	(void)parent_tid;
	(void)child_tid;
	(void)arg;
	errno = ENOSYS;
	return -1;
#endif
}
