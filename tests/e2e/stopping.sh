#!/bin/sh
# How a program ends: stop_schedule, stop_command, kill_mode, programs that put
# themselves into the background (rows 6-10 of what must never happen).
. "$(dirname "$0")/lib.sh"

# Says which signals it gets, and ends with the one that is its argument.
cat >"$T/signals" <<'E'
#!/usr/bin/python3
import os, signal, sys
def got(n, _):
    name = signal.Signals(n).name[3:]
    print(name, flush=True)
    if name == sys.argv[1]:
        os._exit(0)
for n in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(n, got)
print("up", flush=True)
while True:
    signal.pause()
E
# A daemon of the old kind: forks twice, says where it is.
cat >"$T/daemonize" <<'E'
#!/usr/bin/python3
import os, sys, time
if os.fork() > 0:
    os._exit(0)
os.setsid()
if os.fork() > 0:
    os._exit(0)
os.execvp("sleep", ["sleep", sys.argv[1]])
E
chmod +x "$T/signals" "$T/daemonize"
# How many `sleep N` run, for N beginning with $1.
number() {
	leftovers | grep -c "^[0-9]* sleep $1" || true
}

conf <<E
[program:x]
command = true
stop_schedule = TERM/10 NOSUCH/5
[program:y]
command = true
stop_schedule = ,
[program:z]
command = true
type = forking
schedule = @daily
E
expect 2 m check
said '"NOSUCH/5" is no step'
said 'must be oneshot'

# --- steps ---
conf <<E
[program:third]
command = $T/signals QUIT
stop_schedule = TERM/200ms INT/200ms QUIT/10 KILL
[program:never]
command = $T/signals never
stop_schedule = HUP/100ms TERM/100ms
[program:asked]
command = sh -c 'echo up; until [ -e $T/please ]; do sleep 0.02; done'
stop_command = sh -c 'echo "asked \$MAINPID" >$T/asked; touch $T/please'
[program:deaf]
command = $T/signals TERM
stop_command = false
[program:hangs]
command = $T/signals TERM
stop_command = sleep 1000
stopwaitsecs = 1
[program:held]
command = sleep 1000
stopwaitsecs = 100
[program:stubborn]
command = sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done'
stopwaitsecs = 1
E
start_daemon
for p in third never asked deaf hangs stubborn; do
	wait_until "m logs $p | grep -q up" 10
done
expect 0 m stop third
check '[ "$(m logs third | tr "\n" " ")" = "up TERM INT QUIT " ]' "$(m logs third)"
now
from=$NOW
expect 0 m stop never
now
check '[ "$(m logs never | tr "\n" " ")" = "up HUP TERM " ]'
check '[ $((NOW - from)) -ge 20 ] && [ $((NOW - from)) -lt $((150 * SLOW)) ]'
pid=$(pid_of asked)
expect 0 m stop asked
check '[ "$(cat "$T/asked")" = "asked $pid" ]'
expect 0 m stop deaf
check 'grep -q "deaf: stop_command failed (exit code 1)" "$DLOG"'
check 'm logs deaf | grep -q TERM'
expect 0 m stop hangs
wait_until 'grep -q "hangs: stop_command failed (no answer in 1 s)" "$DLOG"' 5
wait_until '[ "$(number 1000)" = 1 ]' 5
# A stopped process gets SIGCONT with it: it ends at once, not after 100 s.
kill -STOP "$(pid_of held)"
expect 0 timeout $((20 * SLOW)) "$MPSUPD" -c "$CONF" stop held
# TERM, then KILL after stopwaitsecs, and both are logged.
now
from=$NOW
expect 0 m stop stubborn
now
check '[ $((NOW - from)) -ge 95 ] && [ $((NOW - from)) -lt $((200 * SLOW)) ]' \
	"$((NOW - from))"
check 'grep -q "stubborn: .* sending SIGKILL" "$DLOG"'
expect 0 m stop
rm -rf "$T/state"

# --- what is left ---
n=0
for mode in tree group process; do
	n=$((n + 1))
	cat <<E
[program:$mode]
command = sh -c 'sleep 10${n}1 & setsid sleep 10${n}2 & (setsid setsid sleep 10${n}3 &) ; echo up; wait'
kill_mode = $mode
startsecs = 0
stopwaitsecs = 2
autorestart = false
E
done >"$T/modes"
conf <"$T/modes"
start_daemon
for mode in tree group process; do
	wait_until "m logs $mode | grep -q up" 5
done
wait_until '[ "$(number 10)" = 9 ]' 5
expect 0 m stop tree group process
check '[ "$(number 101)" = 0 ]' "$(leftovers)"
check '[ "$(number 1021)" = 0 ]' "$(leftovers)"
check '[ "$(number 1022)" = 1 ] && [ "$(number 1023)" = 1 ]' "$(leftovers)"
check '[ "$(number 103)" = 3 ]' "$(leftovers)"
# Its death is enough, and a restart waits until nothing is left.
sed -i 's/autorestart = false/autorestart = true/' "$CONF"
expect 0 m reload
expect 0 m start tree
wait_until '[ "$(number 101)" = 3 ]' 5
first=$(leftovers | grep "^[0-9]* sleep 101" | cut -d" " -f1)
kill -KILL "$(pid_of tree)"
wait_until '[ "$(field tree restarts)" -ge 1 ] && is tree RUNNING' 10
for p in $first; do
	check '! alive $p'
done
expect 0 m stop
kill_leftovers
rm -rf "$T/state"

# What ignores SIGTERM gets SIGKILL when the time is over.
conf <<E
[program:stubborn]
command = sh -c 'setsid sh -c "trap \"\" TERM; echo up; while :; do sleep 0.05; done" & wait'
startsecs = 0
stopwaitsecs = 1
E
start_daemon
wait_until 'm logs stubborn | grep -q up' 5
expect 0 m stop stubborn
check '[ "$(leftovers | grep -c trap)" = 0 ]' "$(leftovers)"
expect 0 m stop
rm -rf "$T/state"

# --- programs that go into the background ---
conf <<E
[program:heap]
command = $T/daemonize 2001
startretries = 2
startsecs = 2
[program:untouched]
command = $T/daemonize 2002
startsecs = 2
kill_mode = process
[program:daemon]
command = $T/daemonize 2003
type = forking
[program:none]
command = true
type = forking
startretries = 0
E
start_daemon
wait_until 'is heap FATAL && is untouched FATAL && is none FATAL' 30
wait_until 'is daemon RUNNING' 5
check 'field heap reason | grep -q "seems to daemonize"' "$(field heap reason)"
check 'field none reason | grep -q "left no process to follow"'
check '[ "$(number 2001)" = 0 ]' "$(leftovers)"
check '[ "$(number 2002)" = 1 ]' "$(leftovers)"
# The daemon is followed: its pid, its end, its restart, its stop.
pid=$(pid_of daemon)
check '[ "$(tr "\0" " " <"/proc/$pid/cmdline")" = "sleep 2003 " ]'
kill -KILL "$(supervisor "$(keeper)")"
wait_until '[ "$(pid_of daemon)" = "$pid" ]' 5
kill -KILL "$pid"
wait_until '[ "$(field daemon restarts)" = 1 ] && is daemon RUNNING' 10
check '[ "$(number 2003)" = 1 ]'
check 'grep -q "daemon: .*signal KILL" "$DLOG"'
# Also when the keeper is killed, and when both processes of our daemon are.
pid=$(pid_of daemon)
k=$(keeper)
kill -KILL "$k"
wait_until '[ -n "$(keeper)" ] && [ "$(keeper)" != "$k" ] && m status' 5
check '[ "$(pid_of daemon)" = "$pid" ]' "$(pid_of daemon), not $pid"
kill_daemon
start_daemon
check '[ "$(pid_of daemon)" = "$pid" ]' "$(pid_of daemon), not $pid"
expect 0 m stop daemon
check '[ "$(number 2003)" = 0 ]' "$(leftovers)"
expect 0 m stop
kill_leftovers
rm -rf "$T/state"

# --- a stop_command that outlives its run is not that of the next run ---
conf <<E
[program:again]
command = sleep 1000
startsecs = 0
stopwaitsecs = 60
stop_command = sh -c 'kill \$MAINPID; exec sleep 1001'
E
start_daemon
for i in 1 2 3; do
	expect 0 m stop -t 5 again
	expect 0 m start again
done
expect 0 m stop
finish
