"""soak.py DIR MPSUPD CONF: random faults, one a second, against the daemon of
CONF; see soak.sh.  The referee is apart from them and from the daemon: it
reads what the programs write about themselves (tests/helpers/soaker.c).

A cycle has two halves.  In the first all faults come, and keeper and supervisor
are replaced over and over: descriptors and memory of the new ones are as those
of the first.  In the second none ends them: they may not grow.
Ends with a non-zero code, and says why, if anything was not as it must be."""
import collections
import fcntl
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import procs

DIR, MPSUPD, CONF = sys.argv[1:4]
SECONDS = int(os.environ.get("SOAK_SECONDS") or
              int(os.environ["SOAK_HOURS"]) * 3600)
SEED = int(os.environ.get("SOAK_SEED") or time.time_ns() % 1000000)
SLOW = int(os.environ.get("SLOW", "1"))
CYCLE = min(SECONDS, 3600)
PROGRAMS = 99  # that report: tests/helpers/soaker.c
# So long may one be away.  A stopped supervisor takes 12 s.
ABSENT = 30 * SLOW
CRASH_EVERY = 25  # seconds: five in a minute would mean safe mode
RSS_KB = 100
rng = random.Random(SEED)
problems = []


def problem(text):
    print("PROBLEM: " + text, flush=True)
    problems.append(text)


# --- the referee ---

class Referee(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.lock = threading.Lock()
        self.killed = [collections.Counter() for _ in range(PROGRAMS)]
        self.seen = [time.monotonic()] * PROGRAMS
        self.away = [0.] * PROGRAMS
        self.locks = [os.open("%s/ref/%d.lock" % (DIR, i),
                              os.O_RDWR | os.O_CREAT)
                      for i in range(PROGRAMS)]
        self.frozen = set()  # stopped by an operator for now
        self.over = False

    def holder(self, i):
        """The pid of the copy that runs, 0: none does."""
        f = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(
            "hhqqi4x", fcntl.fcntl(self.locks[i], fcntl.F_GETLK, f))
        return 0 if kind == fcntl.F_UNLCK else pid

    def kill(self, i, signo=signal.SIGKILL):
        with self.lock:
            pid = self.holder(i)
            if pid <= 0:
                return
            if signo == signal.SIGKILL:
                self.killed[i][pid] += 1
            procs.kill(pid, signo)

    def run(self):
        while not self.over:
            time.sleep(0.5)
            now = time.monotonic()
            for i in range(PROGRAMS):
                if self.holder(i) or i in self.frozen:
                    self.seen[i] = now
                elif now - self.seen[i] > ABSENT:
                    problem("program %d is not started again" % i)
                    self.seen[i] = now
                self.away[i] = max(self.away[i], now - self.seen[i])

    def wait_all(self, seconds):
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            if all(self.holder(i) for i in range(PROGRAMS)):
                return
            time.sleep(0.05)
        problem("not all run: %s" % [i for i in range(PROGRAMS)
                                     if not self.holder(i)])

    def judge(self):
        """Every start but the first follows an end, every end has a start."""
        starts = 0
        for i in range(PROGRAMS):
            running, killed = None, self.killed[i].copy()
            for line in open("%s/ref/%d.runs" % (DIR, i)):
                what, pid = line.split()
                pid = int(pid)
                if what == "D":
                    problem("program %d: two copies at once" % i)
                elif what == "E":
                    running = None
                else:
                    starts += 1
                    if running is not None and killed[running] == 0:
                        problem("program %d: pid %d began, and nobody ended "
                                "pid %d" % (i, pid, running))
                    elif running is not None:
                        killed[running] -= 1
                    running = pid
        return starts


referee = Referee()


# --- the daemon, as seen from outside ---

def m(*args, ok=(0,), seconds=60):
    """Runs the command; it must end with one of OK."""
    p = subprocess.run([MPSUPD, "-c", CONF, *args], capture_output=True,
                       text=True, timeout=seconds * SLOW,
                       stdin=subprocess.DEVNULL)
    if p.returncode not in ok:
        problem("%s: exit code %d: %s" % (" ".join(args), p.returncode,
                                          (p.stdout + p.stderr).strip()))
    return p.stdout


def pid_of(title):
    return next((p for t, p in procs.daemon_pids() if t == title), 0)


def send(title, signo):
    pid = pid_of(title)
    if pid:
        procs.kill(pid, signo)


# --- faults ---

def kill_supervisor():
    send("supervisor", signal.SIGKILL)


def kill_keeper():
    send("keeper", signal.SIGKILL)


def kill_both():
    procs.kill_daemon()
    m("start")


def upgrade():
    m("upgrade")


last_crash = 0.


def crash(signo):
    global last_crash
    if time.monotonic() - last_crash > CRASH_EVERY * SLOW:
        last_crash = time.monotonic()
        send("supervisor", signo)


def abort_supervisor():
    crash(signal.SIGABRT)


def hang_supervisor():  # until the watchdog comes
    crash(signal.SIGSTOP)


def pause_supervisor():
    send("supervisor", signal.SIGSTOP)
    time.sleep(rng.random())
    send("supervisor", signal.SIGCONT)


def pause_keeper():
    send("keeper", signal.SIGSTOP)
    time.sleep(rng.random())
    send("keeper", signal.SIGCONT)


def kill_program():
    referee.kill(rng.randrange(PROGRAMS))


def kill_many():
    for i in rng.sample(range(PROGRAMS), 50):
        referee.kill(i)


def pause_program():
    i = rng.randrange(60)
    referee.kill(i, signal.SIGSTOP)
    time.sleep(rng.random() / 2)
    referee.kill(i, signal.SIGCONT)


def restart_program():
    m("restart", str(rng.randrange(60)))


def stop_program():
    i = rng.randrange(60)
    referee.frozen.add(i)
    m("stop", str(i))
    m("start", str(i))
    referee.frozen.discard(i)


def write_conf(extra):
    shutil.copy(DIR + "/base.ini", CONF + ".new")
    with open(CONF + ".new", "a") as f:
        f.write(extra)
    os.rename(CONF + ".new", CONF)


def reload_conf():
    n = rng.randrange(1000)
    write_conf(rng.choice((
        "[program:extra]\ncommand = sleep %d\n" % (1000 + n),
        "[program:extra]\ncommand = sleep 1\nautorestart = true\n",
        "# nothing new %d\n" % n)))
    m("reload")


def reload_broken():
    write_conf("[program:extra]\ncommand = sleep 1\nstartsecs = 1x\n")
    m("reload", ok=(2,))
    write_conf("")


def hup():
    send("keeper", signal.SIGHUP)


def second_start():
    m("start", ok=(1,))


def fill_disk():
    with open(DIR + "/disk/ballast", "ab", 0) as f:
        try:
            while True:
                f.write(bytes(65536))
        except OSError:
            pass


def free_disk():
    try:
        os.unlink(DIR + "/disk/ballast")
    except FileNotFoundError:
        pass


def move_log():
    path = "%s/log/%d.stdout.log" % (DIR, rng.randrange(60))
    try:
        os.rename(path, path + ".old")
    except FileNotFoundError:
        pass
    if rng.random() < 0.5:
        m("reopen")
    else:
        send("keeper", signal.SIGUSR2)


def remove_log():
    try:
        os.unlink("%s/log/%d.stdout.log" % (DIR, rng.randrange(60)))
    except FileNotFoundError:
        pass


clients = collections.deque()


def garbage_clients():
    """As many of each kind every time, and all at once: memory that is free
    again stays with the daemon, so its peak must not be a matter of chance."""
    while clients:
        clients.popleft().close()
    brain = pid_of("supervisor")
    procs.kill(brain, signal.SIGSTOP)
    for what in 10 * (rng.randbytes(rng.randrange(1, 5000)),
                      b'{"jsonrpc":"2.0","id":1,', b"x" * 70000, b"\n" * 100,
                      b"", b'{"jsonrpc":"2.0","id":1,"method":"status"}\n' *
                      50):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(DIR + "/run/control.sock")
            s.send(what)
        except OSError:
            pass
        clients.append(s)
    procs.kill(brain, signal.SIGCONT)


def look():
    m("--json", "status", "all", ok=(0, 3))
    m("logs", str(rng.randrange(60)), ok=(0, 1))


QUIET = (kill_program, kill_many, pause_program, restart_program,
         stop_program, reload_conf, reload_broken, hup, second_start,
         fill_disk, free_disk, move_log, remove_log, garbage_clients, look,
         pause_supervisor, pause_keeper)
ALL = QUIET + 2 * (kill_supervisor, kill_keeper, kill_both, upgrade,
                   abort_supervisor, hang_supervisor)
done = collections.Counter()


def fault(f):
    due = time.monotonic() + 1
    done[f.__name__] += 1
    try:
        f()
    except subprocess.TimeoutExpired as e:
        problem("%s: no end: %s" % (f.__name__, e))
    time.sleep(max(0, due - time.monotonic()))


def faults(kinds, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(problems) < 10:
        fault(rng.choice(kinds))


# --- measuring ---

def rss_kb(pid):  # of smaps: what status says is not exact
    for line in open("/proc/%d/smaps_rollup" % pid):
        if line.startswith("Rss:"):
            return int(line.split()[1])


def count_fds(pid):
    """Descriptors of PID; those of programs that outlived their keeper, one
    for each (keeper/orphans.c), do not count."""
    folder, n, orphans = "/proc/%d/fd/" % pid, 0, 0
    for fd in os.listdir(folder):
        if os.readlink(folder + fd) in ("anon_inode:[pidfd]", "pidfd"):
            orphans += 1
        else:
            n += 1
    if orphans > PROGRAMS + 1:
        problem("%d watched programs of %d" % (orphans, PROGRAMS + 1))
    return n


def settle():
    """{title: (pid, KB, descriptors)} when nothing is under way."""
    while clients:
        clients.popleft().close()
    free_disk()
    write_conf("")
    m("status")
    m("reload")
    referee.wait_all(30)
    for _ in range(3):  # each program writes, its log is opened
        m("status", "all", ok=(0, 3))
        time.sleep(1.5)
    found = {}
    for title, pid in procs.daemon_pids():
        found[title] = (pid, rss_kb(pid), count_fds(pid))
    if sorted(found) != ["keeper", "supervisor"]:
        problem("processes of the daemon: %s" % found)
    return found


def compare(what, old, new, same_process):
    for title in old:
        (p0, kb0, fd0), (p1, kb1, fd1) = old[title], new.get(title, (0, 0, 0))
        print("%s, %s: pid %d -> %d, %d -> %d KB, %d -> %d descriptors" %
              (what, title, p0, p1, kb0, kb1, fd0, fd1), flush=True)
        if fd1 > fd0:
            problem("%s: the %s has %d descriptors more" %
                    (what, title, fd1 - fd0))
        if same_process and p0 != p1:
            problem("%s: the %s was replaced" % (what, title))
        if same_process and kb1 - kb0 >= RSS_KB:
            problem("%s: the %s grew by %d KB" % (what, title, kb1 - kb0))


def main():
    print("%d s of faults, SOAK_SEED=%d" % (SECONDS, SEED), flush=True)
    referee.wait_all(30)
    referee.start()
    end = time.monotonic() + SECONDS
    first = settle()
    while time.monotonic() < end and len(problems) < 10:
        faults(ALL, CYCLE / 2)
        time.sleep(15 * SLOW)  # a supervisor that hangs is replaced
        after = settle()
        compare("replaced", first, after, False)
        for f in rng.sample(2 * QUIET, 2 * len(QUIET)):
            fault(f)  # what is allocated once is by now
        before = settle()
        faults(QUIET, CYCLE / 2)
        compare("kept", before, settle(), True)
        starts = referee.judge()
        print("%d faults, %d starts of %d programs, longest absence %.1f s" %
              (sum(done.values()), starts, PROGRAMS, max(referee.away)),
              flush=True)
    referee.over = True
    referee.join()
    print(" ".join("%s=%d" % x for x in sorted(done.items())))
    print("%d problems" % len(problems))
    return len(problems) > 0


sys.exit(main())
