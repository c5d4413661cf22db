#!/bin/sh
# Both processes of the daemon are killed, and a program ends before the next
# one starts: what it leaves is nobody's, and is ended before a second copy of
# it runs.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sh -c 'setsid sleep 3001 & echo up; exec sleep 3000'
startsecs = 0
[program:daemon]
command = sh -c 'sleep 3; setsid sleep 3002 & exit 0'
type = forking
startsecs = 0
[program:kept]
command = sh -c 'setsid sleep 3003 & echo up; exec sleep 3000'
startsecs = 0
[program:spared]
command = sh -c 'setsid sleep 3004 & echo up; exec sleep 3000'
kill_mode = process
startsecs = 0
E
running() {
	leftovers | grep -c "^[0-9]* sleep $1" || true
}
start_daemon
for p in web kept spared; do
	wait_until "m logs $p | grep -q up" 5
done
wait_until '[ "$(running 300)" = 6 ]' 5
web=$(pid_of web)
kept=$(pid_of kept)
spared=$(pid_of spared)
kill_daemon
kill -KILL "$web" "$spared"
wait_until '! alive $web && ! alive $spared' 5
wait_until '[ "$(running 3002)" = 1 ]' 10
start_daemon
wait_until 'is web RUNNING && is daemon RUNNING && is kept RUNNING' 20
check 'grep -q "web: the daemon before was killed and left processes" "$DLOG"'
check '[ "$(running 3001)" = 1 ]' "$(leftovers)"
check '[ "$(running 3002)" = 1 ]' "$(leftovers)"
check '[ "$(running 3003)" = 1 ] && [ "$(pid_of kept)" = "$kept" ]'
check '[ "$(running 3004)" = 2 ]' "$(leftovers)"
expect 0 m stop
kill_leftovers
finish
