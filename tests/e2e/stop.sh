#!/bin/sh
# From the stop signal to SIGKILL (F7): ignored, stopped, both.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:ignores]
command = sh -c 'trap "" TERM; echo ready; while :; do sleep 1000; done'
stopwaitsecs = 1
killasgroup = true
[program:held]
command = sleep 1000
stopwaitsecs = 10
[program:both]
command = sh -c 'trap "" TERM; echo ready; while :; do sleep 1000; done'
stopwaitsecs = 1
killasgroup = true
[program:usr1]
command = sh -c 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done'
stopsignal = USR1
[program:slow]
command = sh -c 'trap "sleep 0.5; exit 4" TERM; echo ready; while :; do sleep 0.1; done'
E
start_daemon
wait_until 'm status all >/dev/null' 8
for p in ignores both usr1 slow; do
	wait_until 'grep -q ready "$T/log/'$p'.stdout.log"' 5
done

# took MIN MAX (centiseconds) COMMAND...
took() {
	min=$1 max=$(($2 * SLOW))
	shift 2
	now
	from=$NOW
	expect 0 "$@"
	now
	check '[ $((NOW - from)) -ge $min ] && [ $((NOW - from)) -le $max ]' \
		"$* took $((NOW - from)) cs, not $min to $max"
}

pid=$(pid_of ignores)
took 95 250 m stop ignores
check '! alive $pid' && check 'is ignores STOPPED'
check '[ "$(field ignores exit_code)" = -9 ]'
check 'grep -q "SIGKILL" "$DLOG"'

# A process that job control holds gets its signal and continues to die.
pid=$(pid_of held)
kill -STOP "$pid"
wait_until '[ "$(field held stopped_by)" = STOP ]' 5
took 0 100 m stop held
check '! alive $pid'
check '[ "$(field held exit_code)" = -15 ]'

pid=$(pid_of both)
kill -STOP "$pid"
wait_until '[ "$(field both stopped_by)" != null ]' 5
kill -CONT "$pid"
wait_until '[ "$(field both stopped_by)" = null ]' 5
kill -STOP "$pid"
took 95 250 m stop both
check '[ "$(field both exit_code)" = -9 ]'

took 0 150 m stop usr1
check '[ "$(field usr1 exit_code)" = 9 ]'
took 40 200 m stop slow
check '[ "$(field slow exit_code)" = 4 ]'

# stop without waiting; a start during STOPPING lets the stop finish.
expect 0 m start ignores
wait_until '[ "$(grep -c ready "$T/log/ignores.stdout.log")" = 2 ]' 5
pid=$(pid_of ignores)
took 0 80 m stop --no-wait ignores
check 'is ignores STOPPING'
expect 0 m start ignores
check '! alive $pid' && check 'is ignores RUNNING'
# A stop after a restart that is still stopping cancels its second half.
wait_until '[ "$(grep -c ready "$T/log/ignores.stdout.log")" = 3 ]' 5
expect 0 m restart --no-wait ignores
expect 0 m stop ignores
check 'is ignores STOPPED'

# -t is only how long the command waits.
expect 0 m start ignores
wait_until '[ "$(grep -c ready "$T/log/ignores.stdout.log")" = 4 ]' 5
expect 124 m stop -t 0.2 ignores
wait_until 'is ignores STOPPED' 5
expect 0 m stop ignores
finish
