#!/bin/sh
# The keeper is killed: the programs run on, nothing is signalled by a number
# that may be another's, it is said, and the rest of the daemon can be ended.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
E
start_daemon
wait_until 'is a RUNNING' 5
k=$(keeper)
s=$(supervisor "$k")
pid=$(pid_of a)
kill -KILL "$k"
wait_until 'm --json status | grep -q "\"state\":\"keeper gone\""' 5
check 'kill -0 "$pid"' "the program did not survive"
for c in "stop a" "start a" "restart a" "signal HUP a" reload; do
	# shellcheck disable=SC2086
	expect 1 m $c
	said "keeper"
done
check 'kill -0 "$pid"' "it was signalled"
kill "$pid"
m stop >/dev/null 2>&1 || true
wait_until '! kill -0 "$s" 2>/dev/null' 5
check '[ ! -e "$SOCKET" ]' "the socket remains"
start_daemon # and a new one begins
wait_until 'is a RUNNING' 5
finish
