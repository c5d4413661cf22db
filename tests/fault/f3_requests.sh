#!/bin/sh
# F3: requests while the supervisor is killed: none refused, each answered or
# its connection closed, no command done twice.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

steady_conf 2000
cat >>"$CONF" <<E
[program:target]
command = sleep 1000
startsecs = 0
E
steady_start
kills="$((200 * LOAD)) 2000 30000"
[ -z "$FULL" ] || kills="1000 2000 30000"
# With sanitizers a supervisor needs that long to begin to serve.
[ -z "$SANITIZED" ] || kills="$((60 * LOAD)) 20000 300000"
# shellcheck disable=SC2086 # three words
"$HELPERS/killer" "$K" $kills >"$T/worst" &
killer=$!
KILLER=$killer python3 - <<'E' || fail "see above"
import os, time
from ctl import Ctl

killer = int(os.environ["KILLER"])
n = closed = restarts = 0


def killing():
    try:
        return open("/proc/%d/stat" % killer).read().split(")")[1][1] != "Z"
    except FileNotFoundError:
        return False


while killing():
    c = Ctl()  # a refused connection raises
    try:
        r = c.ask("status", names=["w1"])
    except (BrokenPipeError, ConnectionResetError):
        r = None
    n += 1
    if r is None:
        closed += 1
    else:
        assert r["result"]["programs"][0]["state"] == "RUNNING", r
    c.close()
    if n % 10 == 0:  # asked until there is an answer: done once
        while True:
            try:
                c = Ctl()
                r = c.ask("restart", names=["target"], wait=True,
                          request_id="r%d" % n)
                if r is not None:
                    assert "result" in r, r
                    break
            except (BrokenPipeError, ConnectionResetError):
                pass
        restarts += 1
    time.sleep(0.003)
got = Ctl().program("target")["restarts"]
print("%d requests, %d connections closed, %d restarts" % (n, closed, restarts))
assert got == restarts, (got, restarts)
assert n > 20
E
wait $killer || fail "$(cat "$T/worst")"
steady_check
finish
