"""A daemon in a directory of its own to which something is done, what people do
with it meanwhile, and what must be true then and afterwards."""
import json, os, random, re, shutil, signal, subprocess, threading, time

T, HELPERS, MPSUPD = (os.environ[k] for k in ("T", "HELPERS", "MPSUPD"))
SLOW = int(os.environ["SLOW"])
LIMIT = 5 * SLOW  # seconds for whatever is asked
MINUTES = 15  # for all cases of one script


class Wrong(Exception):
    pass


def wait_for(what, text, seconds=LIMIT):
    end = time.monotonic() + seconds
    while True:
        r = what()
        if r:
            return r
        if time.monotonic() > end:
            raise Wrong("not within %d s: %s" % (seconds, text))
        time.sleep(0.01)


def read(path, mode="r"):
    try:
        with open(path, mode) as f:
            return f.read()
    except OSError:
        return "" if mode == "r" else b""


class Daemon:
    """One daemon in a directory of its own, and what it must be like."""

    def __init__(self, d):
        self.d = d
        self.strace = []
        shutil.rmtree(d, ignore_errors=True)
        os.mkdir(d)
        self.env = dict(os.environ, MPSUPD_TEST=d)
        with open(d + "/once", "w") as f:
            f.write("""#!/bin/sh
# once NAME COMMAND...: says so if NAME runs already; a helper of one that was
# killed is given a moment
exec 9>"%s/$1.lock"
flock -w 1 9 || echo "$1" >>%s/double
shift
exec "$@"
""" % (d, d))
        os.chmod(d + "/once", 0o755)
        self.conf("")

    def conf(self, more):
        d = self.d
        with open(d + "/c.ini", "w") as f:
            f.write("""[mpsupd]
rundir = %s/run
statedir = %s/state
logdir = %s/log
[program:w]
command = %s/once w %s/writer %s/w.n 500
stdout_logfile_maxbytes = 20KB
stdout_logfile_backups = 1000
startsecs = 0
stopwaitsecs = 2
restart_delay = 20ms
[program:a]
command = %s/once a sleep 1000
startsecs = 0
stopwaitsecs = 2
restart_delay = 20ms
[program:x]
command = sh -c "exit 7"
startsecs = 0
autorestart = false
restart_delay = 20ms
%s""" % (d, d, d, d, HELPERS, d, d, more))

    def run(self, argv, **kw):
        """Exit code and what it said; it must end in time."""
        p = subprocess.Popen(argv, env=dict(self.env, **kw.pop("env", {})),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, cwd="/", **kw)
        # It says itself that nobody took over, after 10 s.
        limit = LIMIT + 10 * SLOW * ("upgrade" in argv)
        try:
            out = p.communicate(timeout=limit)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            p.kill()  # what it started may be stopped and hold the pipe
            raise Wrong("no end within %d s: %s" % (limit, " ".join(argv)))
        return p.returncode, out

    def m(self, *args):
        return self.run([MPSUPD, "-c", self.d + "/c.ini", *args])

    def do(self, *args):
        """A command that may fail for a reason, once."""
        for again in range(3):
            code, out = self.m(*args)
            if code == 0:
                return out
            if not out.strip():
                raise Wrong("%s: exit code %d and no word" % (args, code))
            time.sleep(0.05)
        raise Wrong("%s fails: %s" % (args, out))

    def ours(self):
        r = []
        for p in filter(str.isdigit, os.listdir("/proc")):
            if ("MPSUPD_TEST=%s\0" % self.d).encode() in read(
                    "/proc/%s/environ" % p, "rb"):
                title = read("/proc/%s/cmdline" % p).replace("\0", " ")
                if title and not title.startswith("strace "):
                    r.append((int(p), title))
        return r

    def find(self, title, stopped=False):
        for p, t in self.ours():
            if t.startswith(title) and (not stopped or "\nState:\tT" in read(
                    "/proc/%d/status" % p)):
                return p

    def titled(self, role):
        return "mpsupd: " + role if role != "detach" else MPSUPD

    def attach(self, pid, args):
        self.strace.append(subprocess.Popen(
            ["strace", "-o", self.d + "/trace", "-p", str(pid), *args],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"))
        wait_for(lambda: re.search(r"^TracerPid:\t[1-9]", read(
            "/proc/%d/status" % pid), re.M), "strace attached")

    def detach(self):
        for p in self.strace:
            if p.poll() is None:
                p.terminate()
                p.wait()
        self.strace = []

    def preload(self, role):
        open(self.d + "/token", "w").close()
        return {"LD_PRELOAD": HELPERS + "/fault.so", "FAULT_ROLE": role,
                "FAULT_STOP": "1", "FAULT_ONCE": self.d + "/token"}

    def when_stopped(self, role, args):
        """Attaches to the process of ROLE that stands at its beginning."""
        pid = wait_for(lambda: self.find(self.titled(role), True),
                       "%s at its start" % role)
        self.attach(pid, args)
        os.kill(pid, signal.SIGCONT)

    def end(self):
        self.detach()
        for again in range(50):
            left = self.ours()
            if not left:
                return
            for p, title in left:
                try:
                    os.kill(p, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)

    # --- what must be true ---

    def nothing_left(self):
        wait_for(lambda: not self.ours(), "no process left: %s" % self.ours())
        files = [f for f in ("control.sock", "mpsupd.pid")
                 if os.path.lexists(self.d + "/run/" + f)]
        # A file that could not be removed is in nobody's way.
        if files and re.search(r"(unlink|stat\w*)\(.*INJECTED",
                               read(self.d + "/trace")):
            os.unlink(self.d + "/trace")
            self.do("start")
            self.stop()
        elif files:
            raise Wrong("left: %s" % files)

    def programs(self):
        """By name, when it answers."""
        def ask():
            out = self.m("--json", "status", "all")[1]
            return out.startswith("{") and json.loads(out)["programs"]
        return {p["name"]: p for p in wait_for(ask, "an answer")}

    def is_right(self):
        wait_for(lambda: [self.programs()[n]["state"] for n in "wax"] ==
                 ["RUNNING", "RUNNING", "EXITED"], "all runs")
        code = self.programs()["x"]["exit_code"]
        if code != 7:
            raise Wrong("exit code of x: %s" % code)

    def stop(self):
        code, out = self.m("stop")
        if code != 0 and "not running" not in out:
            self.do("stop")
        self.nothing_left()  # it may be ending already
        if os.path.exists(self.d + "/double"):
            raise Wrong("two copies: " + read(self.d + "/double"))
        self.logs_are_whole()
        bad = [line for line in read(self.d + "/log/mpsupd.log").split("\n")
               if re.search("lost|assert|by signal [^9]", line)]
        if bad:
            raise Wrong("in the log: %s" % bad)

    def logs_are_whole(self):
        """Line after line of each run, none lost or repeated."""
        logs = os.listdir(self.d + "/log")
        logs = [f for f in logs if f.startswith("w.stdout.log")]
        logs.sort(key=lambda f: -int("0" + f.rpartition("log")[2].strip(".")))
        text = b"".join(read(self.d + "/log/" + f, "rb") for f in logs)
        runs = []
        for line in text.split(b"\n")[:-1]:
            n = int(line[:12]) if re.match(rb"\d{12} \.*$", line) else -1
            if n == 0:
                runs.append(0)
            if not runs or n != runs[-1] or len(line) != 99:
                raise Wrong("line %r, after %s" % (line[:40], runs))
            runs[-1] += 1
        if runs and runs[-1] != int(read(self.d + "/w.n") or -1):
            raise Wrong("w wrote %s lines, the log has %s" %
                        (read(self.d + "/w.n").strip(), runs))

    def log_moves(self):
        now = self.log_size()
        wait_for(lambda: self.log_size() > now, "the log of w grows")

    def log_size(self):
        return sum(os.path.getsize(os.path.join(self.d, "log", f))
                   for f in os.listdir(self.d + "/log") if f[0] == "w")


def cycle(d):
    """What people do with a daemon, while something goes wrong once."""
    d.is_right()
    d.log_moves()
    d.do("restart", "a")
    d.do("stop", "a")
    d.do("start", "a")
    d.do("logs", "-n", "3", "w")
    d.conf("[program:new]\ncommand = sleep 1000\nstartsecs = 0\n")
    d.do("reload")
    wait_for(lambda: d.programs()["new"]["state"] == "RUNNING", "new runs")
    d.do("signal", "STOP", "new")
    d.conf("")
    d.do("reload")
    d.do("reopen")
    d.do("status")
    wait_for(lambda: d.programs()["w"]["log"] == "ok", "the log of w is right")
    d.log_moves()
    d.is_right()


def end_of_start(d, code, out):
    """Whether it runs; if not, it said why and nothing is left."""
    if code == 0:
        return True
    if not re.search(r"\w{3}", out):
        raise Wrong("start: exit code %d and no word" % code)
    d.detach()
    d.nothing_left()
    return False


def attempt(d, scenario, *args):
    """None, or what is wrong.  SCENARIO(daemon, *args) with a daemon in D."""
    daemon = Daemon(d)
    try:
        scenario(daemon, *args)
    except (Wrong, OSError) as e:
        return "%s\n--- log:\n%s--- trace:\n%s" % (
            e, "".join(read(d + "/log/mpsupd.log").splitlines(True)[-15:]),
            "".join(line for line in read(d + "/trace").splitlines(True)
                    if "INJECTED" in line))
    finally:
        daemon.end()


def work_off(todo, one):
    """one(directory, case) says what is wrong, for each case, two at a time.
    Exits with 1 if anything was."""
    bad = []
    end = time.monotonic() + MINUTES * 60

    def worker(d):
        while todo and time.monotonic() < end:
            try:
                case = todo.pop()
            except IndexError:
                return
            try:
                wrong = one(d, case)
            except Exception as e:  # of the test itself
                wrong = repr(e)
            if wrong:
                bad.append(case)
                print('CASE="%s" %s' % (" ".join(map(str, case)), wrong),
                      flush=True)
    workers = [threading.Thread(target=worker, args=("%s/%d" % (T, i),))
               for i in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if todo:
        print("%d cases not tried, %d minutes are over" % (len(todo), MINUTES))
    raise SystemExit(len(bad) > 0)


def sample(todo):
    """CASE, or all of them if FULL, or some by SEED."""
    if os.environ.get("CASE"):
        return [tuple(os.environ["CASE"].split())]
    seed = int(os.environ.get("SEED") or time.time())
    todo = list(todo)
    n = len(todo)
    random.seed(seed)
    random.shuffle(todo)
    if not os.environ.get("FULL"):
        todo = todo[:int(os.environ.get("SAMPLE") or 16)]
    print("SEED=%d: %d of %d cases" % (seed, len(todo), n), flush=True)
    return todo
