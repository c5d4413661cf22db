#!/bin/sh
# Many clients, idle clients, clients that ask and do not read (rows 17, 18).
. "$(dirname "$0")/lib.sh"

conf <<E
[program:many]
command = sleep 1000
process_name = %(program_name)s%(process_num)04d
numprocs = 3000
autostart = false
description = what it is, and some more words to make the answer longer
[program:a]
command = sleep 1000
E
start_daemon
wait_until 'is a RUNNING' 5
ulimit -n 4000 2>/dev/null || true
python3 - <<'E' || fail "see above"
import json, os, time
from ctl import Ctl

slow = int(os.environ.get("SLOW", "1"))


def rss():
    s = Ctl()
    pid = s.call("status", names=["a"])["daemon"]["supervisor_pid"]
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


# 1,000 idle connections; others are served at once
idle = [Ctl() for _ in range(1000)]
t = time.monotonic()
assert Ctl().call("status", names=["a"])["programs"][0]["state"] == "RUNNING"
took = time.monotonic() - t
assert took < 0.5 * slow, took
for c in idle:
    c.close()

# 20 that ask for much, again and again, and read nothing
before = rss()
deaf = [Ctl() for _ in range(20)]
for c in deaf:
    c.s.setblocking(False)
    try:
        for _ in range(50):
            c.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
    except BlockingIOError:
        pass
t = time.monotonic()
assert Ctl().call("status", names=["a"])
took = time.monotonic() - t
assert took < 1 * slow, took
grown = rss() - before
assert grown < 20 * 1024 * slow, "%d KB more" % grown

# one that reads slowly gets all of it, whole
c = Ctl()
c.s.setsockopt(1, 8, 4096)
c.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
data = b""
while not data.endswith(b"\n"):
    data += c.s.recv(20000)
r = json.loads(data)["result"]
assert len(r["programs"]) == 3001, len(r["programs"])
E
finish
