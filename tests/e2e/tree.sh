#!/bin/sh
# After a stop no descendant of a program is left: children in its group and
# children that made sessions of their own (F6), by default.
. "$(dirname "$0")/lib.sh"
need_key kill_mode tree
N=1005.$$ # of this test alone

conf <<E
[program:family]
command = sh -c 'sleep 1001 & setsid sleep 1002 & (setsid sleep 1003 &) ; echo up; wait'
stopwaitsecs = 2
[program:hidden]
command = env -i sh -c 'setsid sh -c "setsid sleep $N & sleep 0.1" & echo up; exec sleep 1006'
startsecs = 0
[program:forker]
command = sh -c 'setsid sleep 1004 & exit 0'
startretries = 1
E
start_daemon
wait_until 'is family RUNNING' 5
expect 0 m stop family
check '! leftovers | grep -qE "sleep 100[123]"' "$(leftovers)"
wait_until 'is forker FATAL || is forker RUNNING' 10
check '[ "$(leftovers | grep -c "sleep 1004")" -le 1 ]' "$(leftovers)"
# One that hides from everything but the kernel's own list is named, and left
# alone, where there is no such list.
hidden() {
	pgrep -f "^sleep $N\$" || true
}
wait_until '[ -n "$(hidden)" ]' 5
group=$(grep ^0:: "/proc/$(pid_of hidden)/cgroup")
pid=$(hidden)
kill -KILL "$(pid_of hidden)"
case $group in
*/mpsupd-*/program-hidden) wait_until '! alive $pid' 5 ;;
*)
	wait_until 'is hidden RUNNING' 5
	wait_until 'grep -q "process $pid .* belongs to no program" "$DLOG"' 5
	check 'alive $pid'
	kill -KILL "$pid"
	;;
esac
expect 0 m stop
hidden | xargs -r kill -KILL
check no_leftovers "$(leftovers)"
rm -rf "${T:?}/state"

# What was killed with all of its group starts again, also in a daemon that
# knows nothing of that.
conf "shutdown_timeout = 500ms" <<E
[program:deaf]
command = sh -c 'setsid sh -c "trap \"\" TERM; echo up; sleep 1007; sleep 1008" & wait'
stopwaitsecs = 1
startsecs = 0
E
start_daemon
wait_until 'm logs deaf | grep -q up' 5
expect 0 m stop deaf
kill_daemon
rm -rf "${T:?}/state" "${T:?}/log/deaf.stdout.log"
start_daemon
wait_until 'm logs deaf | grep -q up' 5
check 'is deaf RUNNING && [ "$(field deaf restarts)" = 0 ]' "$(m status)"
# The end of shutdown_timeout is that of all.
sed -i 's/^stopwaitsecs.*/stopwaitsecs = 100/' "$CONF"
expect 0 m reload
expect 0 m stop
wait_until no_leftovers 1
finish
