"""takeover.py DIR CONF ROUNDS: the cases of f20_kill.sh.  What ran is taken
from what the programs wrote, not from the daemon."""
import os
import random
import signal
import subprocess
import sys
import time

from ctl import Ctl

tmp, conf, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
MPSUPD, SLOW = os.environ["MPSUPD"], int(os.environ["SLOW"])


def client():
    end = time.monotonic() + 20 * SLOW
    while True:
        try:
            c = Ctl(60)
            if c.ask("hello") is not None:
                return c
        except OSError:
            pass
        assert time.monotonic() < end, "nobody answers"
        time.sleep(0.005)


def call(method, **params):
    return client().call(method, **params)


def program(name):
    return client().program(name)


def start(name):
    call("start", names=[name], wait=False)


def stop(name):
    call("stop", names=[name], wait=False)


def kill(after=0.):
    """The supervisor, AFTER some time; the next one serves when it returns."""
    if after:
        time.sleep(after)
    old = call("hello")["supervisor_pid"]
    os.kill(old, signal.SIGKILL)
    while call("hello")["supervisor_pid"] == old:
        pass


def until(condition, what, seconds=20):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds * SLOW, what
        time.sleep(0.01)
    return time.monotonic() - begin


def is_in(name, *states):
    return lambda: program(name)["state"] in states


def lines(path):
    try:
        with open(tmp + "/" + path) as f:
            return f.read().split("\n")[:-1]
    except OSError:
        return []


def runs(name, what="S"):
    v = [x.split() for x in lines("runs/%s.runs" % name)]
    assert not any(x[0] == "D" for x in v), name + " ran twice at once"
    return [int(x[1]) for x in v if x[0] == what]


def forget(*paths):
    for p in paths:
        try:
            os.unlink(tmp + "/" + p)
        except FileNotFoundError:
            pass


def down(name):
    call("stop", names=[name], wait=True)


# --- one function per state ---

def waiting():
    """For a dependency whose probe is under way."""
    forget("go")
    n = len(runs("waits")), len(runs("base"))
    start("waits")
    until(is_in("base", "STARTING"), "base")
    until(is_in("waits", "WAITING"), "waits")
    kill(random.random() * 0.3)
    assert program("waits")["state"] == "WAITING"
    assert program("base")["state"] == "STARTING"
    kill(random.random() * 0.3)
    open(tmp + "/go", "w").close()
    until(is_in("waits", "RUNNING"), "waits is not released")
    until(lambda: len(runs("waits")) > n[0], "waits")
    assert (len(runs("waits")), len(runs("base"))) == (n[0] + 1, n[1] + 1)
    down("base")
    assert program("waits")["state"] == "STOPPED"


def starting():
    """Ready by a descriptor."""
    n = len(runs("says"))
    start("says")
    until(lambda: len(runs("says")) > n, "says")
    kill(random.random() * 0.5)
    took = until(is_in("says", "RUNNING"), "says: readiness is missed")
    assert took < 5 * SLOW and len(runs("says")) == n + 1
    down("says")


def late():
    """Not ready in time, whoever counts."""
    start("late")
    until(is_in("late", "STARTING"), "late")
    kill(random.random() * 0.6)
    kill(0.1)
    took = until(is_in("late", "FATAL"), "late")
    assert took < 1.5 * SLOW, took


def hook():
    """exec_start_pre ends once before the program begins."""
    forget("pre")
    n = len(runs("hooked"))
    start("hooked")
    until(lambda: lines("pre"), "the hook")
    kill(random.random() * 0.3)
    until(is_in("hooked", "RUNNING"), "hooked")
    until(lambda: len(runs("hooked")) > n, "hooked")
    assert len(runs("hooked")) == n + 1
    assert lines("pre").count("end") == 1, lines("pre")
    down("hooked")


def stop_command():
    forget("asked", "please")
    start("asked")
    until(is_in("asked", "RUNNING"), "asked")
    stop("asked")
    until(lambda: lines("asked"), "stop_command")
    kill(random.random() * 0.3)
    took = until(is_in("asked", "STOPPED"), "asked", 40)
    assert took < 10 * SLOW, "stop_command was forgotten: %.1f s" % took


def stop_steps():
    """In the middle of the second of three."""
    forget("steps")
    start("steps")
    until(lambda: lines("steps") == ["up"], "steps")
    begin = time.monotonic()
    stop("steps")
    until(lambda: "SIGINT" in lines("steps"), "INT")
    kill(random.random() * 0.4)
    until(is_in("steps", "STOPPED"), "steps")
    took = time.monotonic() - begin
    # One more of the step that was under way would be no harm.
    got = [x for i, x in enumerate(lines("steps"))
           if x != "SIGINT" or lines("steps").index(x) == i]
    assert got == ["up", "SIGHUP", "SIGINT", "SIGTERM"], got
    assert 1.15 < took < 1.5 + 2 * (SLOW - 1) + 0.7, took


def clearing():
    """Only what it has left lives, and does not want to end."""
    forget("clears")
    start("clears")
    until(lambda: lines("clears"), "clears")
    stop("clears")
    until(lambda: program("clears")["pid"] is None or
          "SIGTERM" in lines("clears"), "clears")
    kill(random.random() * 0.6)
    took = until(is_in("clears", "STOPPED"), "clears")
    assert took < 2 * SLOW, took
    left = subprocess.run(["pgrep", "-f", "deaf %s/clears$" % tmp],
                          stdout=subprocess.PIPE).stdout
    assert not left, left


def oneshot():
    n = len(runs("once"))
    start("once")
    until(lambda: len(runs("once")) > n, "once")
    kill(random.random() * 0.5)
    until(is_in("once", "EXITED"), "once")
    p = program("once")
    assert p["exit_code"] == 0 and len(runs("once")) == n + 1, (p, runs("once"))
    assert len(runs("once", "E")) == n + 1


def schedule():
    """Killed about when it is due: neither missed nor twice."""
    n = len(runs("every"))
    begin = time.monotonic()
    start("every")
    until(lambda: len(runs("every")) > n, "every")
    for _ in range(6):
        kill(0.38 + random.random() * 0.04)
    spent = time.monotonic() - begin
    got = len(runs("every")) - n
    # One of them is that of the `start`, whatever the schedule.
    assert spent / 0.4 - 2 - SLOW < got <= spent / 0.4 + 2, (got, spent)
    down("every")
    times = [int(x.split()[2]) / 1e9 for x in lines("runs/every.runs")
             if x[0] == "S"][n + 1:]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert min(gaps) > 0.3 - 0.2 * (SLOW - 1), gaps


def forking():
    n = len(runs("forks"))
    start("forks")
    if random.random() < 0.5:
        until(lambda: len(runs("forks")) > n, "forks")
    kill()
    until(is_in("forks", "RUNNING"), "forks")
    until(lambda: len(runs("forks")) > n, "forks")
    assert program("forks")["pid"] == runs("forks")[-1], (
        program("forks"), runs("forks"))
    kill(0.1)
    assert program("forks")["pid"] == runs("forks")[-1]
    assert len(runs("forks")) == n + 1, runs("forks")
    down("forks")
    assert not os.path.exists("/proc/%d" % runs("forks")[-1])


def health():
    """A probe that dies with its supervisor is no bad answer."""
    start("healthy")
    until(lambda: lines("health"), "healthy")
    pid = program("healthy")["pid"]
    for _ in range(4):
        kill(random.random() * 0.2)
    n = len(lines("health"))
    until(lambda: len(lines("health")) > n + 1, "nobody asks any more")
    p = program("healthy")
    assert p["pid"] == pid and p["state"] == "RUNNING", p
    down("healthy")


def web():
    return {p["name"]: p for p in call("status")["programs"]
            if p["name"].startswith("web")}


def cli_with_kills(*args):
    p = subprocess.Popen([MPSUPD, "-c", conf] + list(args),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while p.poll() is None:
        kill(0.05 + random.random() * 0.2)
    assert p.returncode == 0, (args, p.stdout.read())


def rolling():
    call("start", names=["web:*"], wait=True)
    before = {name: len(runs(name)) for name in web()}
    cli_with_kills("restart", "--rolling", "web:*")
    for name, p in web().items():
        assert p["state"] == "RUNNING", p
        assert len(runs(name)) == before[name] + 1, (name, runs(name))
        assert p["pid"] == runs(name)[-1]


def scale():
    call("start", names=["web:*"], wait=True)
    cli_with_kills("scale", "web", "7")
    until(lambda: len(web()) == 7, web())
    for name in web():
        until(is_in("web:" + name, "RUNNING"), name)
    before = {name: runs(name)[-1] for name in web()}
    cli_with_kills("scale", "web", "4")
    until(lambda: len(web()) == 4, web())
    for name, pid in before.items():
        if name in web():
            assert web()[name]["pid"] == pid
        else:
            until(lambda: not os.path.exists("/proc/%d" % pid), name)
    down("web:*")


for case in (waiting, starting, late, hook, stop_command, stop_steps, clearing,
             oneshot, schedule, forking, health, rolling, scale):
    t = time.monotonic()
    for _ in range(rounds):
        try:
            case()
        except AssertionError:
            print("in " + case.__name__)
            raise
    print("%s: %d rounds, %.1f s" % (case.__name__, rounds,
                                     time.monotonic() - t))
    sys.stdout.flush()
