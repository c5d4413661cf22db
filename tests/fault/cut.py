"""cut.py DIR MPSUPD CONF STEP: the cuts of f22_cut.sh, at every STEPth call.

In place of the n-th call of some process strace has it stopped, whatever calls
it made before are done; then all of the daemon gets SIGKILL."""
import os
import subprocess
import sys
import time

import procs

DIR, MPSUPD, CONF, STEP = *sys.argv[1:4], int(sys.argv[4])
SLOW = int(os.environ.get("SLOW", "1"))
CALLS = "pwrite64,ftruncate,rename,unlink,bind,clone"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
         "stderr": subprocess.DEVNULL}
cuts = 0


def m(*args):
    return subprocess.run([MPSUPD, "-c", CONF, *args], capture_output=True,
                          text=True, timeout=30 * SLOW,
                          stdin=subprocess.DEVNULL)


def wait_until(what, condition, seconds=20):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            sys.exit("%s: not within %d s; these live: %s" %
                     (what, seconds, procs.ours()))
        time.sleep(0.01)


def living():
    return {pid for argv, pid in procs.ours() if argv[0].endswith("/soaker")}


def all_run():
    try:  # it may be stopped just now
        p = subprocess.run([MPSUPD, "-c", CONF, "status", "a", "b", "c"],
                           timeout=1, **QUIET)
    except subprocess.TimeoutExpired:
        return False
    return p.returncode == 0 and len(living()) == 3


class Trace:
    """strace of ARGV, or of `-p PID`, to the Nth call."""

    def __init__(self, n, *argv):
        self.path = DIR + "/trace"
        self.p = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", self.path, "-e", "trace=" + CALLS,
             "-e", "inject=%s:error=EIO:signal=STOP:when=%d" % (CALLS, n), *argv],
            **QUIET)

    def hit(self):
        try:
            with open(self.path) as f:
                return "stopped by SIGSTOP" in f.read()
        except FileNotFoundError:
            return False

    def cut(self):
        """True if the call was reached."""
        was = self.hit()
        # Also a `start` that is under way, which strace began.
        while pids := [pid for argv, pid in procs.ours()
                       if argv[-1] == "start" and argv[0] == MPSUPD]:
            for pid in pids:
                procs.kill(pid)
        procs.kill_daemon()
        self.p.kill()
        self.p.wait()
        os.rename(self.path, self.path + ".last")
        return was


def ended(pid):
    return any("E %d\n" % pid in open("%s/ref/%s.runs" % (DIR, n)).readlines()
               for n in "abc")


def check_runs(where, name):
    """None began before the one before it had ended; c is killed, too."""
    running = None
    for line in open("%s/ref/%s.runs" % (DIR, name)):
        what, pid = line.split()
        if what == "D" or (what == "S" and running and name != "c"):
            sys.exit("%s: two copies of %s" % (where, name))
        running = pid if what == "S" else None


def recover(where):
    """What lives is adopted; state file, pidfile and programs are right."""
    global cuts
    lives = living()
    r = m("start")
    said = r.stdout + r.stderr
    if r.returncode != 0 or "damaged" in said or "another version" in said:
        sys.exit("%s: start: %s" % (where, said))
    m("start", "all")  # a stop that was under way is done first
    wait_until(where + ": programs run", all_run)
    pids = {int(p) for p in m("pid", "a", "b", "c").stdout.split()}
    # One that was told to end may do so yet, and says that it was told.
    gone = {p for p in lives - pids if not ended(p)}
    if gone or living() != pids:
        sys.exit("%s: %s lived, %s should run, %s do: %s" %
                 (where, lives, pids, living(), said))
    for name in "abc":
        check_runs(where, name)
    if int(open(DIR + "/run/mpsupd.pid").read()) != int(m("pid").stdout):
        sys.exit(where + ": the pidfile is wrong")
    cuts += 1


def start_fresh(n):
    m("stop")
    t = Trace(n, MPSUPD, "-c", CONF, "start")
    wait_until("start", lambda: t.hit() or t.p.poll() is not None or all_run())
    return t


def start_adopting(n):
    procs.kill_daemon()
    return start_fresh(n)


def commands(n):
    keeper = int(m("pid").stdout)
    t = Trace(n, "-p", str(keeper))
    wait_until("strace", lambda: b"TracerPid:\t%d\n" % t.p.pid in
               procs.read(keeper, "status"))
    for title, pid in procs.daemon_pids():
        if title == "supervisor":
            procs.kill(pid)  # the next one is traced from its first call
    for c in "restart a", "stop b", "start b", "signal KILL c", "reload", \
            "restart a b c", "stop":
        p = subprocess.Popen([MPSUPD, "-c", CONF, *c.split()], **QUIET)
        wait_until(c, lambda: t.hit() or p.poll() is not None)
        p.kill()
        p.wait()
    return t


for cycle in start_fresh, start_adopting, commands:
    n = 1
    while True:
        t = cycle(n)
        reached = t.cut()
        recover("%s, call %d" % (cycle.__name__, n))
        if not reached:
            break
        n += STEP
    print("%s: fewer than %d calls" % (cycle.__name__, n), flush=True)
print("%d cuts" % cuts)
