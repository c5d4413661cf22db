#!/bin/sh
# F4: signals of people around the keeper's death.  One that somebody sent to
# the supervisor is none of the daemon's, then or later; a supervisor that is
# held goes on when its keeper is gone; those sent to the pid of the new
# keeper, in the pidfile, are obeyed.
. "$(dirname "$0")/../e2e/lib.sh"

conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
depose() {
	kill -KILL "$k"
	wait_until '[ "$(cat "$PIDFILE" 2>&1)" != "$k" ] && m status a >/dev/null' 5
	k=$(cat "$PIDFILE")
	s=$(supervisor "$k")
}

start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
k=$(keeper)
s=$(supervisor "$k")
kill -TERM "$s"
kill -INT "$s"
kill -STOP "$s"
depose
depose
check '[ "$(pid_of a)" = "$pid" ]'
if grep -q 'stop signal' "$DLOG"; then
	fail "a signal to the supervisor stopped the daemon"
fi

kill -HUP "$k"
wait_until 'grep -q "configuration reloaded" "$DLOG"' 5
mv "$DLOG" "$T/old"
kill -USR2 "$k"
wait_until 'grep -q "log files reopened" "$DLOG"' 5
# Both at once, with nobody there to be told: the next supervisor is.
kill -STOP "$k"
kill -KILL "$s"
kill -TERM "$k"
kill -CONT "$k"
wait_until '! alive $k && ! alive $pid' 10
wait_until no_leftovers 3
expect 3 m status
finish
