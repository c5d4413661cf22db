"""The referee of F18: does everything come at its monotonic time?

clock.py DIR steps | clock.py DIR stop SECONDS"""
import os
import signal
import sys
import threading
import time

from ctl import Ctl

tmp, what = sys.argv[1:3]
SLOW = int(os.environ["SLOW"])
MARGIN = 0.050
late = 0.  # by how much the machine let somebody oversleep, at worst


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.005)
        late = max(late, time.monotonic() - t - 0.005)


def numbers(name):
    path = name if "/" in name else "%s/log/%s.stdout.log" % (tmp, name)
    try:
        with open(path) as f:
            return [float(line) for line in f if line.endswith("\n")]
    except OSError:
        return []


def until(condition, seconds, text):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        assert time.monotonic() < end, text
        time.sleep(0.002)
    return time.monotonic()


def judge(name, seconds, least):
    # Two processes run for each, and this one: each may be late.
    more = MARGIN * SLOW + 3 * late
    print("%s: %.1f ms instead of %.1f, machine late by up to %.1f ms" %
          (name, seconds * 1000, least * 1000, late * 1000))
    sys.stdout.flush()
    assert least - MARGIN - late <= seconds <= least + more, name


def state(name):
    return c.program(name)["state"]


def steps():
    global late
    c.call("start", names=["crash", "healthy", "every", "minute", "deaf"],
           wait=False)
    until(lambda: os.path.exists(tmp + "/log/deaf.stdout.log"), 10, "deaf")

    late = 0.
    t = time.monotonic()
    c.call("start", names=["slow"], wait=True)
    judge("startsecs", time.monotonic() - t, 1.)

    late = 0.
    t = time.monotonic()
    c.call("stop", names=["deaf"], wait=True)
    judge("stopwaitsecs", time.monotonic() - t, 1.)

    c.call("start", names=["silent"], wait=False)
    t = until(lambda: state("silent") == "RUNNING", 20, "silent")
    late = 0.
    judge("watchdog", until(lambda: state("silent") != "RUNNING", 20,
                            "silent") - t, 0.7)

    late = 0.
    c.call("start", names=["late"], wait=False)
    t = until(lambda: c.program("late")["pid"] is not None, 20, "late")
    judge("ready_timeout", until(lambda: state("late") == "FATAL", 20,
                                 "late") - t, 0.8)

    late = 0.
    n = {"crash": len(numbers("crash")), "every": len(numbers("every")),
         "health": len(numbers(tmp + "/health"))}
    time.sleep(4)
    for name, least in (("crash", 0.4), ("every", 0.4), ("health", 0.3)):
        v = numbers(tmp + "/health" if name == "health" else name)[n[name]:]
        gaps = [b - a for a, b in zip(v, v[1:])]
        assert len(gaps) >= 4 // SLOW, (name, v)
        for gap in (min(gaps), max(gaps), sum(gaps) / len(gaps)):
            judge(name, gap, least)
    # In some 10 s, with several steps over a full minute in each second: one
    # run for all of these, and for a minute that comes by itself.
    assert len(numbers("minute")) <= 3, numbers("minute")
    p = c.program("minute")
    assert p["state"] in ("WAITING", "STARTING"), p
    print("minute: %d runs" % len(numbers("minute")))


def descendants(pid):
    """PID first."""
    parents = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open("/proc/%s/stat" % p) as f:
                    parents.setdefault(int(f.read().rsplit(")", 1)[1]
                                           .split()[1]), []).append(int(p))
            except OSError:
                pass
    found = [pid]
    for p in found:
        found += parents.get(p, [])
    return found


def signal_all(pids, signo):
    for p in pids:
        try:
            os.kill(p, signo)
        except ProcessLookupError:
            pass


def stop(seconds):
    names = ["healthy", "dog", "every", "minute", "slow"]
    c.call("start", names=names, wait=False)
    until(lambda: state("dog") == "RUNNING" and state("slow") == "RUNNING" and
          len(numbers("every")) > 1, 20, "up")
    before = {n: c.program(n)["pid"] for n in ("healthy", "dog", "slow")}
    with open(tmp + "/run/mpsupd.pid") as f:
        keeper = int(f.read())
    sup = c.call("hello")["supervisor_pid"]
    runs = {n: len(numbers(n)) for n in ("every", "minute")}
    stopped = descendants(keeper)
    signal_all(stopped, signal.SIGSTOP)
    time.sleep(seconds)
    t = time.monotonic()
    signal_all(stopped[::-1], signal.SIGCONT)
    until(lambda: len(numbers("every")) > runs["every"] + 2, 20, "every")
    took = time.monotonic() - t
    n = len(numbers("every")) - runs["every"]
    assert n <= took / 0.4 + 3, "%d runs in %.2f s" % (n, took)
    n = len(numbers("minute")) - runs["minute"]
    assert (1 if seconds > 60 else 0) <= n <= 2, numbers("minute")
    end = time.monotonic() + 3
    while time.monotonic() < end:  # whoever is bitten is so by now
        assert {n: c.program(n)["pid"] for n in before} == before, before
        time.sleep(0.1)
    for n in before:
        p = c.program(n)
        assert p["restarts"] == 0 and p["state"] == "RUNNING", p
    assert c.call("hello")["supervisor_pid"] == sup
    print("stopped for %.1f s: nobody was restarted" % seconds)


threading.Thread(target=oversleep, daemon=True).start()
c = Ctl(60)
if what == "steps":
    steps()
else:
    stop(float(sys.argv[3]))
