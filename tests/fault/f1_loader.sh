#!/bin/sh
# F1: a loader that hangs does not outlive the supervisor that waits for it,
# and the next reload is as good as the first.
. "$(dirname "$0")/../e2e/lib.sh"

conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
start_daemon
wait_until 'is a RUNNING' 5
k=$(keeper)
pid=$(pid_of a)
# Long enough to be caught while it reads.
{
	cat "$CONF"
	head -c 7000000 /dev/zero | tr '\0' x | fold -w 70 | sed 's/^/; /'
} >"$T/long"
mv "$T/long" "$CONF"
s=$(supervisor "$k")
caught() {
	l=$(sed 's/ .*//' "/proc/$s/task/$s/children" 2>/dev/null)
	[ -n "$l" ] && kill -STOP "$l"
}
while m reload; do :; done >"$T/reloads" 2>&1 &
r=$!
wait_until caught 10
kill $r
kill -KILL "$s"
wait_until '! alive $l' 3
check '[ "$(pid_of a)" = "$pid" ]'
wait_until 'm reload >/dev/null 2>&1' 10 # that client asks again, too
finish
