#!/bin/sh
# After a stop no descendant of a program is left: children in its group and
# children that made sessions of their own (F6), by default.
. "$(dirname "$0")/lib.sh"
need_key kill_mode tree

conf <<E
[program:family]
command = sh -c 'sleep 1001 & setsid sleep 1002 & (setsid sleep 1003 &) ; echo up; wait'
stopwaitsecs = 2
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
expect 0 m stop
check no_leftovers "$(leftovers)"
finish
