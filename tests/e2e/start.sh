#!/bin/sh
# The daemon's start, status and stop, with LSB's exit codes.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
E

expect 3 m status
said "not running"
expect 1 m stop
said "mpsupd: not running"
expect 0 m stop --oknodo
expect 5 m pid
expect 5 m logs a
expect 5 m start a

expect 0 m start
said "started (pid $(keeper))"
check '[ "$(cat "$PIDFILE")" = "$(keeper)" ]'
check '[ "$(stat -c %a "$SOCKET")" = 600 ]'
check '[ "$(stat -c %a "$T/run")" = 755 ]'
check '[ "$(readlink "/proc/$(keeper)/cwd")" = / ]'
check '[ "$(readlink "/proc/$(keeper)/fd/0")" = /dev/null ]'
expect 0 m status
wait_until 'is a RUNNING' 5
expect 0 m status a
pid=$(pid_of a)
alive "$pid"

# A second one is refused and harms nothing.
old=$(keeper)
expect 1 m start
check '[ "$(cat "$T/err")" = "mpsupd: already running (pid $old)" ]' \
	"$(cat "$T/err")"
expect 0 m start --oknodo
check '[ "$(keeper)" = "$old" ] && [ "$(pid_of a)" = "$pid" ]'
expect 0 "$MPSUPD" -s "$SOCKET" status
expect 0 env MPSUPD_SOCKET="$SOCKET" "$MPSUPD" status a
expect 4 m status nobody
expect 4 m pid nobody
expect 2 m frobnicate
expect 2 m start --frobnicate

# A broken file does not keep anybody from stopping it.
echo '[broken' >>"$CONF"
expect 0 m status
expect 0 m stop
check '! alive $pid'
expect 3 m status
expect 1 m stop

# A dead daemon: what remains is cleared by the next start.
conf <<E
[program:a]
command = sleep 1000
E
start_daemon
wait_until 'is a RUNNING' 5
kill_daemon
expect 1 m status
said dead
kill_leftovers
expect 5 m pid
expect 0 m start
expect 0 m restart
wait_until 'is a RUNNING' 5
expect 0 m stop
expect 0 m restart
wait_until 'is a RUNNING' 5
finish
