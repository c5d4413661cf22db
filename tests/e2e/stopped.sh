#!/bin/sh
# A stop by an operator outlives the daemon; a stop of the daemon is none.
. "$(dirname "$0")/lib.sh"
conf <<E
[program:a]
command = sleep 1000
[program:b]
command = sleep 1001
[program:c]
command = sleep 1002
autostart = false
[program:fatal]
command = $T/nothing
startretries = 0
[program:job]
command = true
schedule = 30 4 1 1 *
[group:g]
programs = b,c
E
stopped="$T/state/stopped"
holds() { # the labels that are to be kept
	wait_until "[ \"\$(sort $stopped 2>/dev/null | tr '\\n' ' ')\" = '${*:+$* }' ]" 5
}

start_daemon
wait_until 'is a RUNNING && is b RUNNING && is fatal FATAL' 8
check '[ -d "$T/state" ] && [ ! -s "$stopped" ]'

expect 0 m stop b fatal
holds fatal g:b
expect 0 m stop
start_daemon
wait_until 'is a RUNNING' 5
check 'is b STOPPED && is fatal STOPPED && is c STOPPED'
check 'field b reason | grep -q "stopped by an operator before.*start g:b"'
check '[ -z "$(field c reason)" ]'
holds fatal g:b

# Still so after a kill of the supervisor, of both, and a reload.
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
check 'is b STOPPED && field b reason | grep -q operator'
expect 0 m reload
check 'is b STOPPED && field b reason | grep -q operator'
kill_daemon
start_daemon
check 'is b STOPPED && is a RUNNING'

# start and restart forget it; a stop and start in one go, too.
expect 0 m start b
check '[ -z "$(field b reason)" ]'
holds fatal
expect 0 m stop a
expect 0 m restart a
holds fatal
expect 0 m stop
start_daemon
wait_until 'is a RUNNING && is b RUNNING' 5

# Not a moment is lost between the stop and that of the daemon.
expect 0 m stop a
expect 0 m stop
check 'grep -qx a "$stopped"'
start_daemon
check 'is a STOPPED'
expect 1 m start all # fatal
wait_until 'is a RUNNING && is b RUNNING' 5
check '[ ! -s "$stopped" ]' || holds

# Killed right after it answered: the next supervisor sees to it.
expect 0 m stop a
kill -KILL "$(supervisor "$(keeper)")"
holds a
expect 0 m start a
kill -KILL "$(supervisor "$(keeper)")"
holds

# What goes from the files is forgotten.
expect 0 m stop a
holds a
cp "$CONF" "$T/old"
sed -i '/program:a/,+1d' "$CONF"
expect 0 m reload
holds
mv "$T/old" "$CONF"
expect 0 m reload
wait_until 'is a RUNNING' 5

# One that has never run: it waits for its time.
check 'is job WAITING'
expect 0 m stop job
holds job
expect 0 m stop
start_daemon
wait_until 'is a RUNNING' 5
check 'is job STOPPED && field job reason | grep -q operator'
expect 0 m start --no-wait job
holds
expect 0 m stop
start_daemon
wait_until 'is a RUNNING && is job WAITING' 5

# enable means what it says, whatever was stopped before; a later stop counts.
expect 0 m stop a
holds a
expect 0 m enable a
holds
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
expect 0 m reload
expect 0 m stop b
holds g:b
expect 0 m start a b
expect 0 m stop a
holds a
expect 0 m stop
start_daemon
check 'is a STOPPED'
expect 0 m enable a
expect 0 m stop
start_daemon
wait_until 'is a RUNNING && is b RUNNING' 5

# Nothing can be kept: it is said once, and stops work all the same.
rm -r "$T/state"
: >"$T/state"
expect 0 m stop a
wait_until 'grep -q "stops of programs cannot be kept" "$DLOG"' 5
expect 0 m stop b
expect 0 m start b
check 'is a STOPPED'
rm "$T/state"
expect 0 m stop b
holds a g:b
check '[ "$(grep -c "cannot be kept" "$DLOG")" = 1 ]'

# Nonsense in the file is nothing.
expect 0 m stop
head -c 3000 /dev/urandom >"$stopped"
start_daemon
wait_until 'is a RUNNING && is b RUNNING' 5
finish
