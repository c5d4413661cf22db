#!/bin/sh
# While hundreds of programs are started the daemon answers; and a wanted
# minimum of descriptors or processes never lowers a limit.
. "$(dirname "$0")/lib.sh"

conf "minfds = 16" "minprocs = 16" <<E
[program:many]
command = sleep 1000
process_name = many%(process_num)d
numprocs = 800
autostart = false
stdout_logfile = NONE
stderr_logfile = NONE
startsecs = 0
[program:limits]
command = sh -c 'ulimit -Sn; exec sleep 1000'
E
start_daemon
wait_until '[ -s "$T/log/limits.stdout.log" ]' 5
check '[ "$(cat "$T/log/limits.stdout.log")" = "$(ulimit -Sn)" ]' "a lower limit"
python3 - <<'E' || fail "see above"
import os, time
from ctl import Ctl

slow = int(os.environ.get("SLOW", "1"))
a, b = Ctl(), Ctl()
a.send(b'{"jsonrpc":"2.0","id":1,"method":"start","params":{"names":["many:*"]}}\n')
worst = n = 0
end = time.monotonic() + 60 * slow
while time.monotonic() < end:
    t = time.monotonic()
    state = b.call("status", names=["many:many799"])["programs"][0]["state"]
    worst = max(worst, time.monotonic() - t)
    n += 1
    if state == "RUNNING":
        break
assert state == "RUNNING", state
assert n > 3, "answered %d times only" % n
assert worst < 0.3 * slow, "an answer took %.3f s" % worst
E
finish
