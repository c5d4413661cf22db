"""inject.py [SCENARIO...]: each system call that a part of the daemon makes in
one cycle fails once, at its n-th call, with each error that makes sense, and
the daemon must get over it.  The calls are those that strace counts in a run
without failures.  FULL=1: all of them, otherwise a sample of SAMPLE cases by
SEED, which is printed.  CASE="SCENARIO CALL ERROR N" repeats one.

strace counts for each process it traces; so it attaches to one, which waits
for that where its life begins (FAULT_STOP of helpers/fault.c)."""
import collections, os, re, signal, sys
from concurrent.futures import ThreadPoolExecutor

from faulty import *

CANNOT_FAIL = set("""kill pidfd_send_signal prlimit64 brk exit exit_group getpid getppid gettid geteuid getuid
    getegid getgid getresuid getresgid umask rt_sigaction rt_sigprocmask
    rt_sigreturn set_tid_address set_robust_list rseq arch_prctl uname sysinfo
    restart_syscall clock_gettime gettimeofday time getrandom sched_yield
    clock_nanosleep nanosleep""".split())
ERRORS = {  # others: EINTR EIO ENOMEM
    "access": "EIO", "newfstatat": "EIO", "fstat": "EIO", "lseek": "EIO",
    "openat": "EINTR EMFILE ENOSPC ENOMEM EIO", "open": "EINTR EMFILE ENOSPC",
    "read": "EINTR EAGAIN EIO", "pread64": "EINTR EIO",
    "write": "EINTR EAGAIN EIO ENOSPC", "pwrite64": "EINTR EIO ENOSPC",
    "sendto": "EINTR EAGAIN ENOMEM", "sendmsg": "EINTR EAGAIN ENOMEM",
    "recvfrom": "EINTR EAGAIN ENOMEM", "recvmsg": "EINTR EAGAIN ENOMEM",
    "splice": "EINTR EAGAIN ENOMEM EIO ENOSPC", "tee": "EINTR EAGAIN ENOMEM",
    "close": "EINTR EIO", "mmap": "ENOMEM", "mprotect": "ENOMEM",
    "munmap": "ENOMEM", "mremap": "ENOMEM",
    "clone": "EAGAIN ENOMEM", "clone3": "EAGAIN ENOMEM", "fork": "EAGAIN",
    "vfork": "EAGAIN", "execve": "EAGAIN ENOMEM EIO",
    "execveat": "EAGAIN ENOMEM EIO", "poll": "EINTR ENOMEM",
    "epoll_wait": "EINTR", "epoll_pwait": "EINTR", "epoll_ctl": "ENOMEM ENOSPC",
    "fcntl": "EINTR EMFILE EAGAIN", "wait4": "EINTR", "waitid": "EINTR",
    "accept4": "EINTR EAGAIN EMFILE ENOMEM ECONNABORTED", "accept": "EMFILE",
    "socket": "EMFILE ENOMEM", "socketpair": "EMFILE ENOMEM",
    "bind": "ENOMEM EADDRINUSE EIO", "connect": "EINTR EAGAIN ENOMEM",
    "pipe2": "EMFILE ENFILE", "memfd_create": "EMFILE ENOMEM",
    "pidfd_open": "EMFILE ENOMEM", "signalfd4": "EMFILE ENOMEM",
    "eventfd2": "EMFILE ENOMEM", "timerfd_create": "EMFILE ENOMEM",
    "epoll_create1": "EMFILE ENOMEM", "dup2": "EINTR EMFILE",
    "dup3": "EINTR EMFILE", "mkdir": "EIO ENOSPC", "unlink": "EIO",
    "rename": "EIO ENOSPC", "chdir": "EIO", "ftruncate": "EINTR EIO ENOSPC",
    "setsid": "EPERM",
    "prctl": "EPERM", "ioctl": "ENOMEM",
    "listen": "EADDRINUSE", "getcwd": "ENOMEM", "readlink": "EIO ENOMEM",
}


def start_traced(d, args):
    argv = [MPSUPD, "-c", d.d + "/c.ini", "start"]
    r = d.run(["strace", "-o", d.d + "/trace", *args, *argv])
    if r[0] == -signal.SIGSEGV and "libc.so" not in read(d.d + "/trace"):
        return  # the linker itself cannot do without memory
    if end_of_start(d, *r):
        d.is_right()
        d.stop()


def start_role(role, *more):
    def scenario(d, args):
        env = d.preload(role)
        with ThreadPoolExecutor() as pool:
            start = pool.submit(d.run, [MPSUPD, "-c", d.d + "/c.ini", "start"],
                                env=env)
            d.when_stopped(role, [*args, *more])
        if end_of_start(d, *start.result()):
            if role != "detach":
                cycle(d)
                d.do("upgrade")
                d.is_right()
            d.stop()
    return scenario


def takeover(d, args):
    """A supervisor's beginning, after the death of the one before it."""
    d.env.update(d.preload("supervisor"))
    os.unlink(d.d + "/token")
    d.do("start")
    d.is_right()
    pids = d.do("pid", "w", "a")
    d.preload("supervisor")
    os.kill(d.find("mpsupd: supervisor"), signal.SIGKILL)
    d.when_stopped("supervisor", args)
    d.is_right()
    if d.do("pid", "w", "a") != pids:
        raise Wrong("a program was restarted")
    d.log_moves()
    d.stop()


def promotion(d, args):
    """The supervisor becomes the keeper, which then starts one."""
    d.do("start")
    d.is_right()
    pids = d.do("pid", "w", "a")
    k = d.find("mpsupd: keeper")
    d.attach(d.find("mpsupd: supervisor"), args)
    os.kill(k, signal.SIGKILL)
    wait_for(lambda: not d.find("mpsupd: supervisor") or
             d.find("mpsupd: keeper") not in (None, k), "a keeper")
    # It cannot go back once the kernel has executed the file: then both are
    # dead, and the next one adopts what they left.
    ask = ["timeout", "1", MPSUPD, "-c", d.d + "/c.ini", "status"]
    wait_for(lambda: d.run(ask)[0] == 0 or d.m("start")[0] == 0, "a daemon")
    d.is_right()
    if d.do("pid", "w", "a") != pids:
        raise Wrong("a program was restarted")
    d.log_moves()
    d.stop()


SCENARIOS = {
    "start": start_traced,
    "detach": start_role("detach", "-f", "-b", "execve"),
    "keeper": start_role("keeper"),
    "supervisor": start_role("supervisor"),
    "takeover": takeover,
    "promotion": promotion,
}


def cases_of(scenario):
    """Each call that one of the traced processes makes, and how often."""
    wrong = attempt(T + "/count", SCENARIOS[scenario], [])
    if wrong:
        sys.exit("%s without failures: %s" % (scenario, wrong))
    calls = collections.Counter()
    for line in read(T + "/count/trace").splitlines():
        m = re.match(r"(\d+ +)?(\w+)\(", line)
        if m:
            calls[m.group(1), m.group(2)] += 1
    most = collections.Counter()
    for (pid, call), n in calls.items():
        most[call] = max(most[call], n)
    return [(scenario, call, error, n)
            for call, n in sorted(most.items()) if call not in CANNOT_FAIL
            for n in range(1, n + 1)
            for error in ERRORS.get(call, "EINTR EIO ENOMEM").split()]


def one(d, case):
    scenario, call, error, n = case
    return attempt(d, SCENARIOS[scenario], [
        "-e", "inject=%s:error=%s:when=%s" % (call, error, n)])


todo = []
if not os.environ.get("CASE"):
    todo = [c for s in sys.argv[1:] or SCENARIOS for c in cases_of(s)]
work_off(sample(todo), one)
