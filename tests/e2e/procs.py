"""Processes of a test's daemon, found as lib.sh finds them: for those tests
that look so often that a shell takes too long."""
import fcntl
import os
import signal
import struct

MARK = b"MPSUPD_TEST=" + os.environ["MPSUPD_TEST"].encode()
PF_FORKNOEXEC = 0x40  # of linux/sched.h: has not executed anything


def read(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def ours():
    """[(command line, pid)] of what was started under the test's mark."""
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
    found = [(read(p, "cmdline"), p) for p in pids
             if MARK in read(p, "environ").split(b"\0")]
    return [(c.decode(errors="replace").rstrip("\0").split("\0"), p)
            for c, p in found if c]


def daemon_pids():
    """[(title, pid)], title "keeper" or "supervisor".  A child between clone
    and exec still has that title: it is left out."""
    found = []
    for argv, pid in ours():
        stat = read(pid, "stat").rpartition(b")")[2].split()
        if argv[0].startswith("mpsupd: ") and stat and \
                not int(stat[6]) & PF_FORKNOEXEC:
            found.append((argv[0][8:], pid))
    return found


def kill(pid, signo=signal.SIGKILL):
    if pid <= 1:
        return
    try:
        os.kill(pid, signo)
    except ProcessLookupError:
        pass


def is_locked(path):
    """Somebody holds the lock of the pidfile PATH."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind = struct.unpack("hhqqi4x", fcntl.fcntl(fd, fcntl.F_OFD_GETLK, lock))
    os.close(fd)
    return kind[0] != fcntl.F_UNLCK


def kill_daemon():
    """All of it, so that none sees the end of another: each is stopped first,
    and the supervisor goes first, for the kernel lets a stopped process go on
    when its parent dies.  One that executes the keeper just now has no title,
    but it has the lock."""
    pidfile = os.environ["MPSUPD_TEST"] + "/run/mpsupd.pid"
    while (pids := sorted(daemon_pids(), reverse=True)) or is_locked(pidfile):
        for signo in signal.SIGSTOP, signal.SIGKILL:
            for _, pid in pids:
                kill(pid, signo)
