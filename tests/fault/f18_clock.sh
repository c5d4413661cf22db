#!/bin/sh
# F18: somebody sets the wall clock all the time, by hours, days and years, and
# all is stopped for a while: every timer is within 50 ms of monotonic time,
# what was missed is one run, and nobody is thought to hang.
. "$(dirname "$0")/../e2e/lib.sh"
[ -z "$SANITIZED" ] || skip "the sanitizer is to be the first library"

stop=3
[ -z "$FULL" ] || stop=63
up='read -r up _ </proc/uptime; echo $up'
conf <<C
[DEFAULT]
startsecs = 0
autostart = false
[program:deaf]
command = sh -c 'trap "" TERM; echo up; exec sleep 1000'
stopwaitsecs = 1
[program:crash]
command = sh -c '$up; exit 1'
autorestart = true
restart_delay = 400ms
restart_delay_max = 400ms
restart_jitter = 0
[program:slow]
command = sleep 1000
startsecs = 1
[program:healthy]
command = sleep 1000
health = exec:sh -c "read -r up _ </proc/uptime; echo \$up >>$T/health"
health_interval = 300ms
[program:silent]
command = $TOP/tests/helpers/notify.py READY=1 sleep
ready = notify
watchdog = 700ms
autorestart = false
[program:late]
command = $TOP/tests/helpers/notify.py sleep
ready = notify
ready_timeout = 800ms
startretries = 0
[program:dog]
command = $TOP/tests/helpers/notify.py READY=1 ping:0.1:$T/none
ready = notify
watchdog = 1500ms
[program:every]
command = sh -c '$up'
schedule = every 400ms
[program:minute]
command = sh -c '$up'
schedule = * * * * *
C
for sizes in "86400 -86400 315360000 -315360000" "3600 -3600 10000"; do
	from=$(python3 -c 'import time; print(time.monotonic_ns())')
	export LD_PRELOAD="$HELPERS/clock.so" CLOCK_FAKE="$from 100 $sizes"
	start_daemon
	unset LD_PRELOAD CLOCK_FAKE
	python3 "$TOP/tests/fault/clock.py" "$T" steps || fail "$sizes: see above"
	expect 0 m stop
	rm -rf "${T:?}/run" "${T:?}/state" "${T:?}/log" "${T:?}/health"
done
start_daemon
for seconds in 1.9 $stop; do
	python3 "$TOP/tests/fault/clock.py" "$T" stop "$seconds" ||
		fail "see above"
done
finish
