"""memory.py: the n-th allocation of a part of the daemon fails, once; see
helpers/fault.c.  FULL=1: n = 1..2000, as far as there are so many."""
from faulty import *

LAST = 2000


def environment(d, role, n):
    return {"LD_PRELOAD": HELPERS + "/fault.so", "FAULT_ROLE": role,
            "FAULT_MALLOC": str(n), "FAULT_ONCE": d.d + "/token",
            "FAULT_WHILE": d.d + "/while"}


def put(path):
    open(path, "w").close()


def cli(d, n):
    """`start` says why it cannot, and leaves nothing."""
    put(d.d + "/token")
    argv = [MPSUPD, "-c", d.d + "/c.ini"]
    env = environment(d, "cli", n)
    if end_of_start(d, *d.run([*argv, "start"], env=env)):
        for words in (["status"], ["restart", "a"], ["logs", "w"], ["stop"]):
            put(d.d + "/token")
            code, out = d.run([*argv, *words], env=env)
            if code not in (0, 3) and not out.strip():
                raise Wrong("%s: exit code %d and no word" % (words, code))
        d.stop()


def supervisor(d, n):
    put(d.d + "/token")
    if end_of_start(d, *d.run([MPSUPD, "-c", d.d + "/c.ini", "start"],
                              env=environment(d, "supervisor", n))):
        cycle(d)
        d.stop()
    return os.path.exists(d.d + "/token")


def loader(d, n):
    d.env.update(environment(d, "loader", n))
    d.do("start")
    d.is_right()
    put(d.d + "/token")
    code, out = d.m("reload")
    if code != 0 and not out.strip():
        raise Wrong("reload: exit code %d and no word" % code)
    d.do("reload")
    d.is_right()
    d.stop()


def keeper(d, n):
    """It needs none at all."""
    put(d.d + "/while")
    d.env.update(environment(d, "keeper", 1))
    d.do("start")
    cycle(d)
    d.do("upgrade")
    os.kill(d.find("mpsupd: supervisor"), signal.SIGKILL)
    d.is_right()
    d.stop()


def none(d, n):
    """The supervisor gets no memory at all for a while: it dies, and the next
    ones, but what runs goes on, and so does the daemon afterwards."""
    d.env.update(environment(d, "supervisor", n))
    d.do("start")
    d.is_right()
    old = d.do("pid", "w", "a")
    put(d.d + "/while")
    status = [MPSUPD, "-c", d.d + "/c.ini", "status"]
    asks = subprocess.Popen(status, stdout=subprocess.DEVNULL)
    # Those that die at their start are seen only now and then; those that
    # need no more memory live.
    seen, end = set(), time.monotonic() + 3
    while len(seen) < 4 and time.monotonic() < end:
        seen.add(d.find("mpsupd: supervisor"))
    os.unlink(d.d + "/while")
    d.do("reload")
    d.is_right()
    asks.wait()
    if d.do("pid", "w", "a") != old:
        raise Wrong("a program was restarted")
    cycle(d)
    d.stop()


PARTS = {f.__name__: f for f in (cli, supervisor, loader, keeper, none)}


def one(d, case):
    part, n = case
    return attempt(d, PARTS[part], n)


cases = [("keeper", 1)] + [("none", n) for n in range(1, 300, 37)]
for part in "cli", "supervisor", "loader":
    cases += [(part, n) for n in range(1, LAST + 1)]
if not os.environ.get("FULL"):
    # Most are beyond the last one: the number of allocations is not known.
    cases = [(p, n) for p, n in cases if n <= 400]
work_off(sample(cases), one)
