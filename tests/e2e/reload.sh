#!/bin/sh
# Reload is a difference: what did not change is not touched.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:same]
command = sleep 1000
[program:gone]
command = sleep 1001
[program:changed]
command = sleep 1002
[program:held]
command = sleep 1003
[program:live]
command = sleep 1004
stopwaitsecs = 10
stdout_logfile = $T/live.log
[program:many]
command = sleep 1005
process_name = %(program_name)s_%(process_num)d
numprocs = 3
E
start_daemon
wait_until 'm status all >/dev/null' 8
same=$(pid_of same) changed=$(pid_of changed) live=$(pid_of live)
many=$(m pid many:many_0 many:many_1)
gone=$(pid_of gone)
expect 0 m stop held
check 'is held STOPPED'

conf <<E
[program:same]
# a comment, another order
stopsignal = TERM
command = sleep 1000
[program:changed]
command = sleep 2002
[program:held]
command = sleep 1003
stopwaitsecs = 3
[program:live]
command = sleep 1004
stopwaitsecs = 1
priority = 5
stdout_logfile = $T/live2.log
description = new words
[program:many]
command = sleep 1005
process_name = %(program_name)s_%(process_num)d
numprocs = 2
[program:new]
command = sleep 1006
E
expect 0 m reload --dry-run
said new
said gone
said changed
check '[ "$(pid_of gone)" = "$gone" ] && [ "$(pid_of changed)" = "$changed" ]'
expect 4 m status new

expect 0 m reload
wait_until 'is new RUNNING && is changed RUNNING' 8
expect 4 m status gone
expect 4 m status many:many_2
wait_until '! alive $gone' 5
check '[ "$(pid_of same)" = "$same" ]' "same was restarted"
check '[ "$(pid_of live)" = "$live" ]' "live was restarted"
check '[ "$(m pid many:many_0 many:many_1)" = "$many" ]'
check '[ "$(pid_of changed)" != "$changed" ]'
check 'tr "\0" " " <"/proc/$(pid_of changed)/cmdline" | grep -q "sleep 2002"'
check 'is held STOPPED' "what an operator stopped stays stopped"
check '[ "$(field live description)" = "new words" ]'
check '[ "$(field live stdout_logfile)" = "$T/live2.log" ]'

# The same again does nothing; SIGHUP is the same reload.
all=$(m pid same live changed new many:many_0)
expect 0 m reload
new=$(pid_of new)
kill -HUP "$(keeper)"
wait_until '[ "$(grep -c "configuration reloaded: 0 added" "$DLOG")" = 2 ]' 5
check '[ "$(m pid same live changed new many:many_0)" = "$all" ]'
sed -i 's/sleep 1006/sleep 2006/' "$CONF"
kill -HUP "$(keeper)"
wait_until '[ "$(pid_of new 2>/dev/null)" != "$new" ] && is new RUNNING' 8
check '[ "$(m pid same live changed many:many_0)" = "$(echo "$all" |
	sed 4d)" ]' "something else was restarted"

# Only what is named.
sed -i 's/sleep 2006/sleep 3006/; s/sleep 2002/sleep 3002/' "$CONF"
new=$(pid_of new) changed=$(pid_of changed)
if m reload new 2>"$T/err"; then
	wait_until '[ "$(pid_of new 2>/dev/null)" != "$new" ]' 8
	check '[ "$(pid_of changed)" = "$changed" ]' "reload NAME did more"
else
	check 'grep -q "not served by this version" "$T/err"'
fi
expect 0 m reload
wait_until 'is new RUNNING && is changed RUNNING' 8

# The operator's stop also survives the supervisor.
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
check 'is held STOPPED'
expect 0 m reload
check 'is held STOPPED'
expect 0 m start held
check 'is held RUNNING'
expect 4 m reload nosuch # neither in the files nor running
expect 0 m stop
rm -rf "$T/state"

# --- a program moves to another group: it never runs twice ---
twin() {
	conf <<E
[group:$1]
programs = twin
[program:twin]
command = sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
startsecs = 0
stopwaitsecs = 60
E
}
twin old
start_daemon
wait_until 'm logs twin | grep -q ready' 5
old=$(pid_of twin)
twin new
expect 0 m reload
check 'is new:twin WAITING' "$(state new:twin)"
# Not even when it is asked for, or another supervisor goes on.
expect 0 m start --no-wait new:twin
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'is old:twin STOPPING' 5
check 'is new:twin WAITING' "$(state new:twin)"
kill -KILL "$old"
wait_until 'is new:twin RUNNING' 5
check '[ "$(leftovers | grep -c "sh -c trap")" = 1 ]' "$(leftovers)"
expect 0 m stop --no-wait twin
kill -KILL "$(pid_of twin)"
finish
