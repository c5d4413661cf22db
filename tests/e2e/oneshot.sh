#!/bin/sh
# Programs that are to end, and schedules.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = true
schedule = 61 * * * *
[program:b]
command = true
schedule = every never
[program:c]
command = true
type = oneshot
autorestart = true
[program:d]
command = true
type = oneshot
ready = notify
[program:e]
command = true
schedule = 0 0 30 2 *
E
expect 2 m check
for p in a b c d e; do
	said "[program:$p]"
done

# --- oneshots ---
conf <<E
[program:migrate]
command = sh -c 'until [ -e $T/go ]; do sleep 0.02; done; echo done'
type = oneshot
[program:app]
command = sleep 1000
requires = migrate
startsecs = 0
[program:fails]
command = sh -c 'echo try; exit 3'
type = oneshot
startretries = 1
[program:once]
command = sh -c 'exit 4'
type = oneshot
autorestart = false
[program:quick]
command = true
type = oneshot
autostart = false
[program:bad]
command = false
type = oneshot
autorestart = false
autostart = false
E
start_daemon
check 'is migrate STARTING && is app WAITING'
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'is migrate STARTING && is app WAITING' 5
touch "$T/go"
wait_until 'is app RUNNING' 5
check 'is migrate EXITED && [ "$(field migrate ready)" = true ]'
check '[ "$(field migrate restarts)" = 0 ]'
wait_until 'is fails FATAL' 10
check '[ "$(m logs fails | wc -l)" = 2 ]'
check 'is once EXITED && [ "$(field once exit_code)" = 4 ]'
check '[ "$(field once restarts)" = 0 ]'
# A start of one waits for its end, and tells how it was.
expect 0 m start quick
check 'is quick EXITED'
expect 1 m start bad
said 'exit code 1'
# A reload with a new command: the next run has it, this one is not disturbed.
expect 0 m stop
rm -rf "$T/state"

# --- every ---
conf <<E
[program:tick]
command = sh -c 'read -r up _ </proc/uptime; echo tick \$up'
schedule = every 400ms
[program:skip]
command = sh -c 'echo begin; sleep 0.5; echo end'
schedule = every 200ms
[program:queue]
command = sh -c 'echo begin; sleep 0.3; echo end'
schedule = every 200ms
overlap = queue
[program:kill]
command = sh -c 'echo begin; sleep 1000'
schedule = every 500ms
overlap = kill
[program:fail]
command = sh -c 'echo try; exit 1'
schedule = every 300ms
[program:nightly]
command = echo night
schedule = TZ=Europe/Berlin 30 2 * * *
[program:manual]
command = echo ran
schedule = @yearly
autostart = false
E
start_daemon
check 'is nightly WAITING && is manual STOPPED'
check 'field nightly reason | grep -q "next run 20"'
next=$(field nightly next_start_s)
check '[ "${next%.*}" -gt 0 ] && [ "${next%.*}" -le 90000 ]' "$next"
wait_until '[ "$(m logs -n 100 tick | grep -c tick)" -ge 4 ]' 10
# At its times, however long the runs take: no drift.
check 'm logs -n 100 tick | awk "NR > 1 { d = \$2 - last; sum += d; n++ }
	{ last = \$2 } END { exit !(sum / n > 0.37 && sum / n < 0.5 * '"$SLOW"') }"' \
	"$(m logs tick)"
wait_until '[ "$(m logs -n 100 kill | grep -c begin)" -ge 2 ]' 10
wait_until '[ "$(m logs -n 100 queue | grep -c begin)" -ge 3 ]' 10
wait_until '[ "$(m logs -n 100 skip | grep -c begin)" -ge 2 ]' 10
check '[ "$(leftovers | grep -c "sleep 1000$")" -le 1 ]'
# A failure is no reason to run it again before its time.
wait_until '[ "$(m logs -n 100 fail | grep -c try)" -ge 2 ]' 5
now=$(state fail)
check '[ "$now" = WAITING ] || [ "$now" = STARTING ]' "$now"
check 'grep -q "skip: a run is due and the last one still runs" "$DLOG"'
# By hand, whatever the schedule.
expect 0 m start nightly
check '[ "$(m logs nightly)" = night ] && is nightly WAITING'
expect 0 m start manual
check '[ "$(m logs manual)" = ran ] && is manual WAITING'
expect 0 m stop manual
check 'is manual STOPPED && [ "$(field manual next_start_s)" = null ]'
# The supervisor's death: the next time is the same.
next=$(field nightly reason)
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'is nightly WAITING' 5
check '[ "$(field nightly reason)" = "$next" ]' "$(field nightly reason)"
# ... and something wakes the daemon then.
s=$(supervisor "$(keeper)")
check 'cat /proc/$s/fdinfo/* 2>/dev/null | grep -A3 "^clockid: 0" |
	grep -q "it_value: ([1-9]"' "no timer"
n=$(m logs -n 1000 tick | wc -l)
wait_until '[ "$(m logs -n 1000 tick | wc -l)" -gt "$n" ]' 5
# A reload changes the time, and nothing else.
sed -i 's/30 2/31 3/' "$CONF"
expect 0 m reload
check 'field nightly reason | grep -q ":31:00"' "$(field nightly reason)"
expect 0 m stop tick
n=$(m logs -n 1000 tick | wc -l)
expect 0 m wait --for STOPPED tick
finish
