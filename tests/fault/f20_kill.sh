#!/bin/sh
# F20: the supervisor is killed in every state: while programs wait, start, say,
# run and stop.  Afterwards all is as if nothing had happened - no run
# twice, nothing left, no transition missed.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=$((2 * LOAD))
[ -z "$FULL" ] || rounds=10
mkdir "$T/runs"
cat >"$T/deaf" <<'PY'
#!/usr/bin/python3
"""deaf FILE: says which signals it gets, and goes on."""
import signal, sys
def got(n, _):
    with open(sys.argv[1], "a") as f:
        f.write(signal.Signals(n).name + "\n")
for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(n, got)
with open(sys.argv[1], "w") as f:
    f.write("up\n")
while True:
    signal.pause()
PY
chmod +x "$T/deaf"
member="$HELPERS/member $T/runs"
conf <<C
[DEFAULT]
startsecs = 0
autostart = false
[program:base]
command = $member base run 0
ready = exec:sh -c 'sleep 0.2; test -e $T/go'
ready_timeout = 60s
[program:waits]
command = $member waits run 0
requires = base
[program:says]
command = $member says ready 500
ready = fd:3
[program:hooked]
command = $member hooked run 0
exec_start_pre = sh -c 'echo begin >>$T/pre; sleep 0.4; echo end >>$T/pre'
[program:asked]
command = sh -c 'until [ -e $T/please ]; do sleep 0.02; done'
stop_command = sh -c 'echo begin >>$T/asked; sleep 0.4; touch $T/please'
stopwaitsecs = 30
[program:steps]
command = $T/deaf $T/steps
stop_schedule = HUP/300ms, INT/600ms, TERM/300ms
autorestart = false
[program:clears]
command = sh -c 'setsid $T/deaf $T/clears & wait'
stopwaitsecs = 1
[program:once]
command = $member once once 400
type = oneshot
[program:every]
command = $member every once 0
schedule = every 400ms
[program:forks]
command = sh -c 'setsid $member forks run 0 & exit 0'
type = forking
[program:healthy]
command = $member healthy run 0
health = exec:sh -c 'sleep 0.1; echo >>$T/health'
health_interval = 50ms
health_retries = 1
[program:late]
command = sleep 1000
ready = fd:3
ready_timeout = 800ms
startretries = 0
[program:web]
command = $member web%(process_num)d ready 150
process_name = web%(process_num)d
numprocs = 4
autostart = true
ready = fd:3
C
start_daemon
python3 "$TOP/tests/fault/takeover.py" "$T" "$CONF" $rounds || fail "see above"
finish
