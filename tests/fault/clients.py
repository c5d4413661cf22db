"""clients.py: for f13_clients.sh.  Each attack runs while another client asks
for the status, and a server of the same machine that only echoes is asked as
well: what both wait for is not the daemon's doing."""
import json, os, random, select, socket, subprocess, sys, time

from ctl import Ctl, SOCKET

FULL = bool(os.environ.get("FULL"))
SLOW = int(os.environ.get("SLOW", "1"))
SUPERVISOR = int(os.environ["S"])
GROWTH_KB = 4096
P99_MS = 50
SEED = int(os.environ.get("SEED") or time.time())


def rss_kb():
    with open("/proc/%d/status" % SUPERVISOR) as f:
        return int([x for x in f if x.startswith("VmRSS")][0].split()[1])


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(SOCKET)
    return s


class Others:
    """Asks again and again; and a plain echo, for comparison."""

    def __init__(self):
        # A process of its own: threads of Python wait for one another.
        self.p = subprocess.Popen([sys.executable, __file__, "--ask"],
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.p.stdout.readline()  # it has begun

    def end(self):
        out, _ = self.p.communicate("end\n")
        assert self.p.returncode == 0, "the other client failed"
        return json.loads(out)


def ask():
    a, b = socket.socketpair()
    if os.fork() == 0:
        a.close()
        while x := b.recv(100):
            b.send(x)
        os._exit(0)
    b.close()
    took, echo = [], []
    c = Ctl()
    while not select.select([0], [], [], 0.005)[0]:
        t = time.monotonic()
        try:
            assert c.program("a")["state"] == "RUNNING"
        except (AssertionError, OSError):
            c = Ctl()  # idle ones may be closed to make room
            assert c.program("a")["state"] == "RUNNING"
        u = time.monotonic()
        a.send(b"x" * 20)
        a.recv(100)
        if not took:
            print("ready", flush=True)
        took.append((u - t) * 1000)
        echo.append((time.monotonic() - u) * 1000)
    took.sort()
    echo.sort()
    at = len(took) * 99 // 100
    print(json.dumps([took[at], echo[at], len(took)]))


def many():
    """Connections, one after the other."""
    for _ in range(10000 if FULL else 2000):
        connect().close()


def at_once():
    """More than are served at a time."""
    held = []
    for _ in range(2000 if FULL else 1200):
        try:
            held.append(connect())
        except OSError:
            break
    time.sleep(0.2)
    for s in held:
        s.close()


def drips():
    """A byte a second each."""
    held = [connect() for _ in range(500)]
    for second in range(10 if FULL else 2):
        for s in held:
            try:
                s.send(b'{"jsonrpc": "2.0"'[second:second + 1])
            except OSError:
                pass
        time.sleep(1)
    for s in held:
        s.close()


def half_closed():
    for i in range(500):
        s = connect()
        s.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n'[:i % 50])
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
        s.close()


def deaf():
    """A stream of a log, and never a look at it."""
    held = []
    for _ in range(20):
        s = connect()
        s.send(b'{"jsonrpc":"2.0","id":1,"method":"logs","params":'
               b'{"names":["w"],"follow":true}}\n')
        held.append(s)
    time.sleep(10 if FULL else 2)
    for s in held:
        s.close()


def huge():
    s = connect()
    sent = 0
    try:
        for _ in range(1600):
            sent += s.send(b"x" * 65536)
    except OSError:
        pass
    assert sent < 10 << 20, "%d bytes of one message were taken" % sent
    s.close()


def noise():
    """Messages of random bytes, of nearly right ones, and of wrong types."""
    good = b'{"jsonrpc":"2.0","id":1,"method":"status","params":{}}'
    words = ["names", "wait", "timeout_s", "signal", "lines", "follow", "stream",
             "state", "dry_run", "request_id", "body", "position"]
    methods = ["status", "pid", "hello", "logs", "wait", "signal", "nothing"]
    values = [None, True, -1, 1 << 70, 1e308, "", "a", "\0", [], {}, [[]],
              ["a"] * 100, {"a": {}}]
    s, n = connect(), 0
    for i in range(1000000 if FULL else 5000):
        kind = random.randrange(3)
        if kind == 0:
            msg = random.randbytes(random.randrange(200))
        elif kind == 1:
            msg = bytearray(good)
            for _ in range(random.randrange(1, 4)):
                msg[random.randrange(len(msg))] = random.randrange(256)
        else:
            params = {random.choice(words): random.choice(values)
                      for _ in range(random.randrange(4))}
            params["names"] = ["none"]
            params["signal"] = "nonsense"
            msg = json.dumps({"jsonrpc": "2.0", "id": i,
                              "method": random.choice(methods),
                              "params": params}).encode()
        try:
            s.send(bytes(msg).replace(b"\n", b"") + b"\n")
            n += 1
            if n % 20 == 0:
                raise OSError
        except OSError:
            s.close()
            s, n = connect(), 0
    s.close()


def unauthorised():
    """Every method, by nobody."""
    if os.geteuid() != 0:
        return
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            for m in ("status pid wait start stop restart signal reload "
                      "logs reopen upgrade shutdown").split():
                c = Ctl()
                name = c.error(m, names=["a"], signal="KILL")
                if name != "NOT_PERMITTED" and name != "METHOD_NOT_FOUND" \
                        and m != "shutdown":
                    raise AssertionError((m, name))
            os._exit(0)
        except BaseException as e:
            print(repr(e), flush=True)
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, "nobody got something"


if sys.argv[1:] == ["--ask"]:
    ask()
    sys.exit()
random.seed(SEED)
print("SEED=%d" % SEED)
many()  # what is allocated once
before = rss_kb()
bad = False
for attack in many, at_once, drips, half_closed, deaf, huge, noise, \
        unauthorised:
    others = Others()
    attack()
    p99, echo, n = others.end()
    grown = rss_kb() - before
    print("%s: %d others, p99 %.1f ms (echo %.1f), %d KB more" %
          (attack.__name__, n, p99, echo, grown), flush=True)
    # A sanitizer keeps what is freed.
    bad |= p99 > max(P99_MS, 3 * echo) * SLOW
    bad |= grown > GROWTH_KB and SLOW == 1
sys.exit(bad)
