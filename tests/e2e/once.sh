#!/bin/sh
# A change repeated with the same request_id is done once, also when the
# supervisor is killed in between.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
start_daemon
wait_until 'is a RUNNING' 5
KEEPER=$(keeper) python3 - <<'E' || fail "see above"
import os, signal, time
from ctl import Ctl

c = Ctl()
first = c.program("a")["pid"]
for i in range(3):
    c.call("restart", names=["a"], wait=True, request_id="one")
assert c.program("a")["restarts"] == 1, c.program("a")
for i in range(3):  # without an id each counts
    c.call("restart", names=["a"], wait=True)
assert c.program("a")["restarts"] == 4
Ctl().call("restart", names=["a"], wait=True, request_id="one")
assert c.program("a")["restarts"] == 4
for i in range(10):
    rid = "kill%d" % i
    before = c.program("a")["restarts"]
    x = Ctl()
    try:
        x.send(b'{"jsonrpc":"2.0","id":1,"method":"restart","params":'
               b'{"names":["a"],"wait":true,"request_id":"%s"}}\n'
               % rid.encode())
        time.sleep(0.0003 * i)
        os.kill(c.call("status")["daemon"]["supervisor_pid"], signal.SIGKILL)
    except ConnectionError:
        pass
    x.line()  # an answer, or the end
    c = Ctl()
    c.call("restart", names=["a"], wait=True, request_id=rid)
    after = c.program("a")["restarts"]
    assert after == before + 1, (i, before, after)
    assert c.program("a")["state"] == "RUNNING"
E
finish
