#!/bin/sh
# pid, signal, start --no-wait and start -t.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sh -c 'trap "echo hup" HUP; trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done'
[program:slow]
command = sleep 1000
startsecs = 3
autostart = false
[program:bad]
command = false
autostart = false
startretries = 1
E
start_daemon
wait_until 'grep -qs ready "$T/log/a.stdout.log"' 5
check '[ "$(m pid)" = "$(cat "$PIDFILE")" ]'
expect 0 m signal HUP a
wait_until 'grep -q hup "$T/log/a.stdout.log"' 5
expect 0 m signal SIGUSR1 a
wait_until 'grep -q usr1 "$T/log/a.stdout.log"' 5
expect 0 m signal 10 a
wait_until '[ "$(grep -c usr1 "$T/log/a.stdout.log")" = 2 ]' 5
expect 2 m signal NOPE a
expect 2 m signal HUP
expect 1 m signal HUP slow
expect 3 m pid slow
# Killed from outside: unexpected, started again.
pid=$(pid_of a)
expect 0 m signal KILL a
wait_until '[ "$(pid_of a 2>/dev/null)" != "$pid" ] && is a RUNNING' 8

expect 124 m start -t 0.3 slow
check 'is slow STARTING'
expect 0 m start slow
check 'is slow RUNNING'
expect 0 m start slow
said "already running"
expect 0 m stop slow
expect 0 m start --no-wait slow
check 'is slow STARTING'
expect 1 m start bad
said "bad"
wait_until 'is bad FATAL' 10
expect 0 m stop bad
expect 0 m stop slow
expect 0 m stop slow
said "not running"
expect 0 m version
expect 0 m help
expect 0 m help start
finish
