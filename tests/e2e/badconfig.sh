#!/bin/sh
# A broken configuration: every error with its file and line, nothing done.
. "$(dirname "$0")/lib.sh"

broken() {
	cat >>"$CONF" <<E
[program:web]
command = sleep 1000
startsecs = 1x
numprocs = -4
frobnicate = yes
[program:none]
autostart = true
[program:quote]
command = sh -c 'open
stopsignal = NOPE
[proggram:typo]
command = true
E
}

errors() { # of the last expect
	line=$(grep -n '^startsecs' "$CONF" | cut -d: -f1)
	said "$CONF:$line: section [program:web]: startsecs: \"1x\" is not a"
	said "$CONF:$((line + 1)): "
	said "$CONF:$((line + 2)): "
	said frobnicate
	said "[program:none]"
	said command
	said "[program:quote]"
	said NOPE
	said proggram
}

conf <<E
[program:good]
command = sleep 1000
E
broken
expect 2 m start
errors
check '[ ! -e "$SOCKET" ] && [ ! -e "$PIDFILE" ]'
no_leftovers || fail "something was started"
expect 2 m check
errors
expect 2 m start -n
errors
expect 2 "$MPSUPD" -c "$T/none.ini" start
said "$T/none.ini"

# At reload: nothing changes, not even what was right in the new file.
conf <<E
[program:good]
command = sleep 1000
[program:other]
command = sleep 1001
E
start_daemon
wait_until 'is good RUNNING && is other RUNNING' 5
before="$(keeper) $(pid_of good) $(pid_of other) $(supervisor "$(keeper)")"
conf <<E
[program:good]
command = sleep 2000
[program:new]
command = sleep 1002
E
broken
expect 2 m reload
errors
expect 2 m reload --dry-run
expect 2 m restart
kill -HUP "$(keeper)"
wait_until 'grep -q "\"1x\" is not" "$DLOG"' 5
expect 4 m status new
check '[ "$before" = "$(keeper) $(pid_of good) $(pid_of other) $(supervisor \
	"$(keeper)")" ]' "a process was touched"

# The file is gone, or cannot be read.
good=$(pid_of good)
mv "$CONF" "$T/away"
expect 2 "$MPSUPD" -s "$SOCKET" reload
check '[ "$good" = "$("$MPSUPD" -s "$SOCKET" pid good)" ]'
mv "$T/away" "$CONF"

# A program that cannot start keeps no other from it.
conf <<E
[program:nodir]
command = sleep 1
directory = $T/none
[program:noexe]
command = $T/none
startretries = 0
[program:good]
command = sleep 1000
[program:other]
command = sleep 1001
E
expect 0 m reload
wait_until 'is noexe FATAL' 10
check 'field noexe reason | grep -q "No such file"'
wait_until '[ "$(field nodir exit_code)" = 127 ]' 5
check 'field nodir reason | grep -q "$T/none"'
check 'is good RUNNING && is other RUNNING'
finish
