#!/bin/sh
# The control protocol with good and bad clients (F13, rows 16 and 18).
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
E
start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
python3 - <<'E' || fail "see above"
import json, os, random, socket
from ctl import Ctl

c = Ctl()
assert c.call("hello")["protocol"] >= 1
st = c.call("status")
assert st["programs"][0]["name"] == "a" and st["daemon"]["state"] == "running"
for key in ("pid", "supervisor_pid", "broker_pid", "version", "uptime_s",
            "config", "state"):
    assert key in st["daemon"], key
for key in ("name group state wanted pid alive exit_code stopped_by uptime_s "
            "restarts reason ready log next_start_s stdout_logfile "
            "stderr_logfile cpu_s rss_bytes threads tasks nice cpu_affinity "
            "sched_policy sched_priority description").split():
    assert key in st["programs"][0], key

# ids of all kinds come back as they were; many requests in one piece
ids = [0, 1, -5, 2**53, "x", "", "ü\"\\\n", "i" * 50]
c.send(b"".join(json.dumps({"jsonrpc": "2.0", "id": i, "method": "pid"})
                .encode() + b"\n" for i in ids))
got = [c.line()["id"] for _ in ids]
assert sorted(map(str, got)) == sorted(map(str, ids)), got
c.send(b'{"jsonrpc":"2.0","method":"pid"}\n'     # a notification: no reply
       b'{"jsonrpc":"2.0","id":"after","method":"pid"}\n')
assert c.line()["id"] == "after"
c.send((b'{"jsonrpc":"2.0","id":7,"method":"pid"}\n') * 500)
assert all(c.line()["id"] == 7 for _ in range(500))

# in pieces of one byte; then half of one, and the end
for b in b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n':
    c.send(bytes([b]))
assert c.line()["result"]
h = Ctl()
h.send(b'{"jsonrpc":"2.0","id":1,"meth')
h.s.shutdown(socket.SHUT_WR)
assert h.line() is None or h.line() is None
h = Ctl()
h.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
h.s.shutdown(socket.SHUT_WR)
assert "result" in h.line() and h.line() is None

# errors have a fixed name; the connection goes on
for name, method, params in [
        ("NO_SUCH_METHOD", "frobnicate", {}),
        ("NO_SUCH_METHOD", "", {}),
        ("NO_SUCH_METHOD", "../../bin/sh", {}),
        ("NO_SUCH_PROGRAM", "stop", {"names": ["nobody"]}),
        ("BAD_PARAMS", "stop", {"names": "a"}),
        ("BAD_PARAMS", "stop", {"names": [1]}),
        ("BAD_PARAMS", "wait", {"names": ["a"], "timeout_s": "soon"}),
        ("BAD_PARAMS", "wait", {"names": ["a"], "state": "HAPPY"}),
        ("BAD_PARAMS", "signal", {"names": ["a"], "signal": "NOPE"}),
        ("TIMEOUT", "wait", {"names": ["a"], "timeout_s": 0.1}),
        ("BAD_PARAMS", "logs", {"names": ["a"], "lines": "x"}),
        ("NO_SUCH_PROGRAM", "logs", {"names": ["nobody"]})]:
    got = c.error(method, **params)
    assert got == name, (method, params, got)

# malformed or over-long: one error, and the connection is closed
deep = b"[" * 5000
bad = [b"hello\n", b"\n", b"\0\n", b"[]\n", b"[1,2]\n", b"null\n", b"{}\n",
       deep + b"\n", b'{"jsonrpc":"1.0","id":1,"method":"pid"}\n',
       b'{"jsonrpc":"2.0","id":{},"method":"pid"}\n',
       b'{"jsonrpc":"2.0","id":1,"method":5}\n',
       b'{"jsonrpc":"2.0","id":1,"method":"pid","params":[1]}\n',
       b'{"jsonrpc":"2.0","id":1,"id":2,"method":"pid"}\n',
       b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}\n',
       b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
       b"x" * 65537 + b"\n", b"x" * 70000, os.urandom(5000) + b"\n"]
random.seed(1)
bad += [bytes(random.randrange(256) for _ in range(random.randrange(1, 80)))
        .replace(b"\n", b"") + b"\n" for _ in range(200)]
for b in bad:
    x = Ctl()
    try:
        x.send(b)
    except (BrokenPipeError, ConnectionResetError):
        pass
    r = x.line()
    assert r is None or "error" in r, (b[:60], r)
    assert r is not None or len(b) > 60000, (b[:60], r)
    assert x.line() is None, ("not closed", b[:60])
    x.close()

# just as long as it may be
pad = b'{"jsonrpc":"2.0","id":1,"method":"pid","params":{"x":""}}'
x = Ctl()
x.send(pad.replace(b'""', b'"' + b"x" * (65536 - len(pad)) + b'"') + b"\n")
assert x.line() is not None
E
check '[ "$(pid_of a)" = "$pid" ] && is a RUNNING' "garbage did something"

# The stop of the daemon is answered when all is down, also when something
# was down before.
cat >>"$CONF" <<E
[program:failed]
command = $T/none
startretries = 0
E
expect 0 m reload
wait_until 'is failed FATAL' 5
expect 0 m --json stop
said '{"stopped":'
finish
