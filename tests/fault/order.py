"""order.py CONF N SECONDS [SEED]: the referee of order.sh.

It reads what the programs themselves wrote (tests/helpers/member.c), /proc and
its own notes.  What must be true:

  nothing starts while what it requires is not ready
  what is bound to an owner that ends, ends, and starts after it again
  no program runs twice
  after a stop nothing is left
  when all is started and quiet, everything runs: nobody waits in vain
"""
import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time

from ctl import Ctl

conf, n, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
seed = int(sys.argv[4] or 0) if len(sys.argv) > 4 and sys.argv[4] else \
    random.SystemRandom().randrange(1 << 32)
rng = random.Random(seed)
T, HELPERS, MPSUPD = (os.environ[k] for k in ("T", "HELPERS", "MPSUPD"))
SLOW = int(os.environ["SLOW"])
SLACK = 0.7 * SLOW  # from the daemon's decision to the first line of a program
DELAY = 2  # seconds before a restart: longer than that
KEYS = ("after", "requires", "bound_to")
names = ["p%d" % i for i in range(n)]
kinds = [rng.choice(("run", "run", "ready", "once")) for _ in names]
pauses = [rng.choice((0, 0, 50, 300)) for _ in names]
late = 0.
versions = []  # (from, to, {name: {key: set of names}}): all in force
kills = {}  # pid: when
added = {}  # (name, key, other): since when


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.005)
        late = max(late, time.monotonic() - t - 0.005)


def reap():
    """Programs that have lost the keeper are ours; the daemon knows of their
    end when they are reaped."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.01)


def say(text):
    print("%8.3f %s" % (time.monotonic() - begin, text))
    sys.stdout.flush()


# --- the graph ---

def new_edges(i):
    """To programs with lower numbers only: no circle."""
    edges = {k: set() for k in KEYS}
    if i > 0:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            j = rng.randrange(max(0, i - 12), i)
            key = rng.choice(KEYS)
            if key != "bound_to" or kinds[j] != "once":
                edges[key].add(names[j])
    return edges


def write_conf(graph):
    with open(conf + ".new", "w") as f:
        f.write("[mpsupd]\nrundir = %s/run\nstatedir = %s/state\n"
                "logdir = %s/log\n[DEFAULT]\nstartsecs = 0\n"
                "restart_delay = %ds\n"
                "restart_delay_max = %ds\nrestart_jitter = 0\n"
                "stopwaitsecs = 5\n" % (T, T, T, DELAY, DELAY))
        for i in rng.sample(range(n), n):
            f.write("[program:%s]\ncommand = %s/member %s/runs %s %s %d\n" %
                    (names[i], HELPERS, T, names[i], kinds[i], pauses[i]))
            if kinds[i] == "ready":
                f.write("ready = fd:3\nready_timeout = 60s\n")
            if kinds[i] == "once":
                f.write("type = oneshot\n")
            else:
                f.write("autorestart = true\n")
            for key in KEYS:
                if graph[names[i]][key]:
                    f.write("%s = %s\n" % (key, " ".join(
                        sorted(graph[names[i]][key]))))
    os.rename(conf + ".new", conf)


def in_force(graph, since):
    now = time.monotonic()
    for name, edges in graph.items():
        for key in KEYS:
            for other in edges[key]:
                if not versions or other not in versions[-1][2][name][key]:
                    added[name, key, other] = now
    if versions:
        versions[-1] = (versions[-1][0], since, versions[-1][2])
    versions.append((now, float("inf"), graph))


# --- the daemon ---

def client():
    end = time.monotonic() + 30 * SLOW
    while True:
        try:
            return Ctl(60)
        except OSError:
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.02)


def ask(method, **params):
    """Whatever happens to the daemon meanwhile; the id says that it is the
    same request."""
    end = time.monotonic() + 60 * SLOW
    while True:
        try:
            r = client().ask(method, **params)
        except OSError:
            r = None
        if r is not None and "result" in r:
            return r["result"]
        if r is not None and r["error"]["data"]["name"] != "BUSY":
            return None
        assert time.monotonic() < end, (method, params, r)
        time.sleep(0.02)


def programs():
    return {p["name"]: p for p in ask("status")["programs"]}


def keeper():
    with open(T + "/run/mpsupd.pid") as f:
        return int(f.read() or 0)


def kill(pid):
    kills[pid] = time.monotonic()
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, TypeError):
        pass


def members():
    """{pid: name} of all that live."""
    found = {}
    for p in os.listdir("/proc"):
        if not p.isdigit():
            continue
        try:
            with open("/proc/%s/cmdline" % p, "rb") as f:
                argv = f.read().decode().split("\0")
            with open("/proc/%s/stat" % p) as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if len(argv) > 3 and argv[0] == HELPERS + "/member" and \
                argv[1] == T + "/runs" and state not in "ZX":
            found[int(p)] = argv[2]
    return found


# --- what is done to it ---

def do_kill():
    live = list(members())
    for p in rng.sample(live, min(len(live), rng.choice((1, 1, 1, 3, 10)))):
        kill(p)


def do_stop():
    some = rng.sample(names, rng.choice((1, 1, 2, 5)))
    ask("stop", names=some, wait=False)
    say("stop %s" % " ".join(some))


def do_start():
    some = rng.sample(names, rng.choice((1, 3, n // 2)))
    ask("start", names=some, wait=False)
    say("start %d" % len(some))


def do_restart():
    some = rng.sample(names, rng.choice((1, 2)))
    ask("restart", names=some, wait=False)
    say("restart %s" % " ".join(some))


def do_supervisor():
    r = ask("hello")
    if r is not None:
        kill(r["supervisor_pid"])
        say("supervisor killed")


def do_keeper():
    if rng.random() < 0.3:
        old = keeper()
        kill(old)
        say("keeper killed")
        end = time.monotonic() + 20 * SLOW
        while keeper() in (0, old):
            assert time.monotonic() < end, "no keeper"
            time.sleep(0.01)


def do_reload():
    graph = dict(versions[-1][2])
    for i in rng.sample(range(n), rng.choice((1, 3, 10))):
        graph[names[i]] = new_edges(i)
    write_conf(graph)
    since = time.monotonic()
    assert ask("reload") is not None, "reload refused"
    in_force(graph, since)
    say("reload")


def do_stop_all():
    if rng.random() < 0.2:
        ask("stop", names=names, wait=True)
        left = members()
        assert not left, "left after a stop of all: %s" % left
        say("all stopped")
        ask("start", names=names, wait=False)


# --- what must be true ---

def runs_of(name):
    """[(S, R, E)] of all runs, monotonic seconds; None: not seen."""
    runs, by_pid = [], {}
    try:
        with open("%s/runs/%s.runs" % (T, name)) as f:
            lines = f.read().splitlines()
    except OSError:
        return []
    for line in lines:
        what, pid, t = line.split()
        pid, t = int(pid), int(t) / 1e9
        assert what != "D", "%s ran twice at %.3f" % (name, t - begin)
        if what == "S":
            by_pid[pid] = [t, None, None, pid]
            runs.append(by_pid[pid])
        else:
            by_pid[pid][1 if what == "R" else 2] = t
    for r in runs:
        if r[2] is None and r[3] in kills and kills[r[3]] >= r[0]:
            r[2] = kills[r[3]]
    return runs


def was_ready(j, t, slack):
    """May J have counted as ready about T?"""
    for start, ready, end, _ in runs_of(names[j]):
        if kinds[j] == "once":
            # Ended with 0; not while it runs again.
            if end is not None and ready is not None and end <= t + 0.001:
                return True
        elif ready is not None and \
                ready <= t + (slack if kinds[j] == "run" else 0.001) and \
                (end is None or end >= t - slack):
            return True
    return False


def check_requires():
    slack = SLACK + 3 * late
    if slack > DELAY:
        say("the machine is too slow to see what was ready when")
        return 0
    seen = 0
    for i, name in enumerate(names):
        for start, _, _, pid in runs_of(name):
            for since, to, graph in versions:
                if not since < start - slack < start < to:
                    continue
                for key in ("requires", "bound_to"):
                    for other in graph[name][key]:
                        seen += 1
                        assert was_ready(names.index(other), start, slack), \
                            "%s (pid %d) started at %.3f, %s %s is not " \
                            "ready: %s" % (name, pid, start - begin, key,
                                           other, [[x and x - begin
                                                    for x in r[:3]] for r in
                                                   runs_of(other)])
    return seen


def check_bound():
    """Each runs, and since its owner does."""
    for name, edges in versions[-1][2].items():
        for other in edges["bound_to"]:
            if kinds[names.index(name)] == "once":
                continue
            mine, its = runs_of(name)[-1], runs_of(other)[-1]
            if its[0] > added[name, "bound_to", other] + SLACK:
                # Ready at once: the first lines of both come together.
                assert mine[0] >= its[0] - SLACK, \
                    "%s runs since %.3f, %s, to which it is bound, since " \
                    "%.3f" % (name, mine[0] - begin, other, its[0] - begin)


def is_up(p):
    """... and its process has come to write its first line."""
    if kinds[names.index(p["name"])] == "once":
        return p["state"] == "EXITED"
    runs = runs_of(p["name"])
    return p["state"] == "RUNNING" and runs and runs[-1][3] == p["pid"]


def settle():
    ask("start", names=names, wait=False)
    end = time.monotonic() + 60 * SLOW
    again = time.monotonic() + 1
    while True:
        down = [p for p in programs().values() if not is_up(p)]
        if not down:
            return
        assert time.monotonic() < end, "in vain: %s" % [
            (p["name"], p["state"], p["reason"]) for p in down]
        time.sleep(0.05)
        if time.monotonic() > again:  # a stop that was under way
            again = time.monotonic() + 10
            stopped = [p["name"] for p in down if p["state"] == "STOPPED"]
            if stopped:
                ask("start", names=stopped, wait=False)


begin = time.monotonic()
print("seed %d" % seed)
threading.Thread(target=oversleep, daemon=True).start()
graph = {name: new_edges(i) for i, name in enumerate(names)}
write_conf(graph)
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
subprocess.run([MPSUPD, "-c", conf, "start"], check=True)
threading.Thread(target=reap, daemon=True).start()
in_force(graph, begin)
versions[0] = (begin - SLACK, float("inf"), graph)
actions = [do_kill] * 8 + [do_stop] * 2 + [do_start] * 3 + [do_restart] * 2 + \
    [do_supervisor] * 3 + [do_keeper, do_reload, do_stop_all]
end = begin + seconds
rounds = 0
while time.monotonic() < end:
    stop = min(end, time.monotonic() + 5)
    while time.monotonic() < stop:
        rng.choice(actions)()
        rounds += 1
        time.sleep(rng.random() * 0.15)
    settle()
    check_bound()
    say("settled")
ask("stop", names=names, wait=True)
assert not members(), members()
print("%d things done, %d requirements seen, machine late by up to %.0f ms" %
      (rounds, check_requires(), late * 1000))
