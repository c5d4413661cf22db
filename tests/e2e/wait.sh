#!/bin/sh
# mpsupd wait --for: every state, also one that lasts no time at all.
. "$(dirname "$0")/lib.sh"

conf_all() {
	conf <<E
[program:slow]
command = sh -c 'trap "" TERM; while :; do sleep 0.1; done'
startsecs = 1
stopwaitsecs = 2
killasgroup = true
autostart = false
[program:again]
command = sleep 1000
startsecs = 0
restart_delay = 0
[program:once]
command = sh -c 'sleep 0.5; exit 4'
startsecs = 0
autorestart = false
autostart = false
[program:bad]
command = false
startsecs = 1
startretries = 1
autostart = false
$1
E
}
conf_all '[program:leaves]
command = sleep 1000
startsecs = 0'
start_daemon

# waits NAME... [--for STATE]: in the background; `got CODE` is how it ended.
waits() {
	rm -f "$T/code"
	s=$(supervisor "$(keeper)")
	before=$(fds_of "$s")
	(
		code=0
		"$MPSUPD" -c "$CONF" wait -t 20 "$@" >"$T/wait" 2>&1 || code=$?
		echo "$code" >"$T/code"
	) &
	# It waits when the daemon has its connection; the request follows at
	# once, before another process can ask.
	wait_until '[ "$(fds_of "$s")" -gt "$before" ]' 5
	expect 0 m status
}
got() {
	wait_until '[ -s "$T/code" ]' 20
	check '[ "$(cat "$T/code")" = '"$1"' ]' "$(cat "$T/code" "$T/wait")"
}

# One after the other, as it goes through them; in any case.
expect 0 m wait --for stopped slow
waits --for STARTING slow
expect 0 m start --no-wait slow
got 0
expect 0 m wait --for Ready slow
expect 0 m wait --for=RUNNING slow
waits --for stopping slow
expect 0 m stop --no-wait slow
got 0
expect 0 m wait --for STOPPED slow

# A state that is left in the very moment in which it is reached.
expect 0 m wait --for ready again
waits --for EXITED again
expect 0 m signal KILL again
got 0
expect 0 m wait --for running -t 5 again
waits --for BACKOFF bad
expect 0 m start --no-wait bad
got 0
expect 0 m wait -t 10 --for fatal bad
waits --for EXITED once bad again -t 3
expect 0 m start --no-wait once
wait_until 'is once EXITED' 5
expect 0 m signal KILL again
got 124
check 'grep -q "timed out: bad is FATAL$" "$T/wait"' "$(cat "$T/wait")"
expect 124 m wait -t 0.2 --for EXITED bad
said 'bad is FATAL'
expect 124 m wait -t 0.2 --for WAITING bad once
said 'bad is FATAL, once is EXITED'

# Across the death of the supervisor.
waits --for STOPPED again
kill -KILL "$s"
expect 0 m stop again
got 0

# One that goes away is not there.
waits --for FATAL leaves
conf_all ''
expect 0 m reload
got 125
check 'grep -q "leaves was removed" "$T/wait"' "$(cat "$T/wait")"

expect 2 m wait --for UP again
said 'there is no state "UP"'
expect 2 m wait --for ready
expect 125 m wait --for ready nobody
expect 125 "$MPSUPD" -s "$T/none" wait --for ready again
python3 - <<'E' || fail "parameters"
import ctl
c = ctl.Ctl()
for bad in ({"state": "UP"}, {"state": 3}, {"state": ""}, {"timeout_s": "x"}):
	assert c.error("wait", names=["bad"], **bad) == "BAD_PARAMS", bad
assert c.call("wait", names=["bad"], state="fAtAl")["programs"][0]["state"] == "FATAL"
E
finish
