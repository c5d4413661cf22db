"""The referee of F6: reads /proc, and believes nobody.

tree.py DIR COUNT BOMB FULL: programs are named after the modes of
tests/helpers/escaper, whose processes have DIR/MODE as their last argument."""
import os
import signal
import sys
import threading
import time

from ctl import Ctl

tmp, count, bomb, full = (sys.argv[1], int(sys.argv[2]), int(sys.argv[3]),
                          len(sys.argv) > 4 and sys.argv[4])
SLOW = int(os.environ["SLOW"])
STOP = 1  # stopwaitsecs
MODES = ("double", "setsid", "both", "clear", "orphans", "thread", "deaf")
BOMBS = ("bomb", "deafbomb")
late = 0.  # by how much the machine let somebody oversleep, at worst


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.005)
        late = max(late, time.monotonic() - t - 0.005)


def has_thread(pid):
    """Without its first thread a process looks like a zombie, and has no
    command line; another thread knows what it executes."""
    try:
        return any(os.readlink("/proc/%s/task/%s/exe" % (pid, t)) ==
                   tmp + "/escaper" for t in os.listdir("/proc/%s/task" % pid)
                   if t != pid)
    except OSError:
        return False


def processes():
    """{mode: pids} of all that live."""
    found = {}
    for p in os.listdir("/proc"):
        if not p.isdigit():
            continue
        try:
            with open("/proc/%s/cmdline" % p, "rb") as f:
                argv = f.read().decode().split("\0")
            with open("/proc/%s/stat" % p) as f:
                stat = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if stat[0] in "ZX" and int(stat[17]) > 1 and has_thread(p):
            found.setdefault("thread", set()).add(int(p))
        tag = argv[3] if len(argv) > 3 else ""
        if tag.startswith(tmp + "/") and stat[0] not in "ZX" and \
                argv[0] == tmp + "/escaper":
            found.setdefault(tag[len(tmp) + 1:], set()).add(int(p))
    return found


def client():
    end = time.monotonic() + 20 * SLOW
    while True:
        try:
            c = Ctl(60)
            if c.ask("status") is not None:
                return c
        except OSError:
            pass
        assert time.monotonic() < end, "nobody answers"
        time.sleep(0.01)


def until(condition, what):
    end = time.monotonic() + 30 * SLOW
    while not condition():
        assert time.monotonic() < end, (what, processes())
        time.sleep(0.02)


def number(mode):
    return len(processes().get(mode, ()))


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def keeper():
    with open(tmp + "/run/mpsupd.pid") as f:
        return int(f.read() or 0)


def stop(modes, fault):
    """What is left when the time is over: {}; how long it took."""
    global late
    c = client()
    limit = STOP + 1
    if fault == "keeper":
        limit += 2  # in which their new parent may reap them
        old = keeper()
        kill(old)
        until(lambda: keeper() != old, "a new keeper")
        c = client()
    if fault == "main":
        for m in modes:
            kill(c.program(m)["pid"])
    begin = time.monotonic()
    late = 0.
    c.send(b'{"jsonrpc":"2.0","id":1,"method":"stop","params":{"names":%s,'
           b'"wait":false}}\n' % repr(list(modes)).replace("'", '"').encode())
    c.line()
    if fault == "supervisor":
        time.sleep(0.3)
        kill(c.call("hello")["supervisor_pid"])
        c = client()
    while True:
        left = {m: p for m, p in processes().items() if m in modes}
        took = time.monotonic() - begin
        if not left:
            break
        assert took < limit * SLOW + 5 * late, \
            "%s: left after %.2f s (late %.2f): %s" % (
                fault, took, late,
                {m: [open("/proc/%d/stat" % x).read() for x in list(p)[:3]]
                 for m, p in left.items()})
        time.sleep(0.02)
    c = client()
    for m in modes:
        until(lambda: c.program(m)["state"] in ("STOPPED", "EXITED"), m)
    return took


def run(modes, fault):
    c = client()
    for m in modes:
        c.call("start", names=[m], wait=True)
    for m in modes:
        if m in BOMBS:
            until(lambda: number(m) > bomb / 2, m)
            assert number(m) <= bomb, number(m)
        else:
            until(lambda: number(m) == count + 1, m)
    if fault == "main" and "clear" in modes:
        # Without parents nothing would tell whose these are.
        modes = [m for m in modes if m != "clear"]
        c.call("stop", names=["clear"], wait=True)
    took = stop(modes, fault)
    print("%s, %s: %.2f s, machine late by up to %.2f s" % (
        fault, " ".join(modes), took, late))
    sys.stdout.flush()


threading.Thread(target=oversleep, daemon=True).start()
client().call("start", names=["bystander", "left", "hidden"], wait=True)
until(lambda: number("bystander") == 6 and number("left") == 6 and
      number("hidden") == 3, "the others")
others = processes()
for fault in ("nothing", "main", "supervisor", "keeper"):
    run(MODES, fault)
    for b in BOMBS if full else BOMBS[1:]:
        run([b], fault)
now = processes()
assert now == others, (now, others)

# The negative controls: what is not to be killed is not.  In a cgroup nothing
# is hidden.
with open("/proc/%d/cgroup" % client().program("hidden")["pid"]) as f:
    grouped = "/program-hidden\n" in f.read()
mains = {m: client().program(m)["pid"] for m in ("left", "hidden")}
client().call("stop", names=["left", "hidden", "bystander"], wait=True)
now = processes()
assert now == {m: others[m] - {mains[m]} for m in mains
               if m == "left" or not grouped}, (now, others)
