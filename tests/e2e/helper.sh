#!/bin/sh
# Commands that run by the way (exec_*, exec:): as the program runs, bounded in
# time, nothing of them is left, and a killed supervisor runs them again.
. "$(dirname "$0")/lib.sh"

cat >"$T/leave.py" <<'E'
# Leaves processes behind: of the group, of another group of the session.
import os, sys, time
for own_group in False, True:
    if os.fork() == 0:
        if own_group:
            os.setpgid(0, 0)
        open("%s.%d" % (sys.argv[1], os.getpid()), "w").close()
        time.sleep(1000)
        os._exit(0)
while len([n for n in os.listdir(os.path.dirname(sys.argv[1]))
           if n.startswith(os.path.basename(sys.argv[1]))]) < 2:
    time.sleep(0.001)
E
mkdir "$T/left"
mkdir -m 777 "$T/open"
cp "$HELPERS/report" "$T/" # where any user may run it
user=
[ "$(id -u)" != 0 ] || user='user = nobody'

# --- it is as the program is ---

conf <<E
[program:same]
command = $T/report $T/open/program
exec_start_pre = $T/report $T/open/hook
directory = $T
$user
umask = 027
environment = A="b c"
inherit_environment = false
[program:leaves]
command = sleep 1000
exec_start_pre = python3 $T/leave.py $T/left/pid
[program:missing]
command = sleep 1000
exec_start_pre = no-such-command-here
startretries = 0
E
start_daemon
wait_until '[ -s "$T/open/program" ]' 5
check '[ -s "$T/open/hook" ]'
own() { # what a hook has of its own
	sed -E '/^(pid|ppid|sid|pgid|born|fd[0-2]|argv?[0-9]?|arg) /d
		/^env (MPSUPD_STATE|MAINPID|MPSUPD_EXIT_CODE)=/d' "$1" | sort
}
own "$T/open/program" >"$T/a"
own "$T/open/hook" >"$T/b"
check 'diff "$T/a" "$T/b" >"$T/diff"' "$(cat "$T/diff" 2>/dev/null)"
value() { # FILE KEY
	sed -n "s/^$2 //p" "$1"
}
check '[ "$(value "$T/open/hook" sid)" = "$(value "$T/open/hook" pid)" ]'
check '[ "$(value "$T/open/hook" ppid)" = "$(supervisor "$(keeper)")" ]'
check '[ "$(value "$T/open/hook" fds)" = "0 1 2" ]'
check '[ -z "$user" ] || [ "$(value "$T/open/hook" uid)" = "$(id -u nobody)" ]'
check '[ "$(value "$T/open/hook" fd0)" = /dev/null ]'

# --- nothing is left of it ---

wait_until 'is leaves RUNNING' 10
check '[ "$(ls "$T/left" | wc -l)" = 2 ]'
for f in "$T"/left/*; do
	p=${f##*.}
	wait_until '! alive $p' 3
done
wait_until 'is missing FATAL' 5
expect 3 m status missing
said "exec_start_pre failed (exit code 127)"
check 'grep -q "missing: cannot run exec_start_pre no-such-command-here" "$DLOG"'
expect 0 m stop

# --- it ends in time ---

conf <<E
[program:late]
command = sleep 1000
exec_start_pre = sh -c 'echo \$\$ >$T/late; sleep 1000'
ready_timeout = 300ms
startretries = 0
E
start_daemon
wait_until 'is late FATAL' 10
check 'grep -q "late: exec_start_pre failed (no answer in 0.3 s)" "$DLOG"'
p=$(cat "$T/late")
check '! alive $p'
expect 0 m stop

# --- the supervisor, then the keeper, is killed meanwhile ---

: >"$T/again"

conf <<E
[program:again]
command = sleep 1000
exec_start_pre = sh -c 'echo \$\$ >>$T/again; until [ -e $T/go ]; do sleep 0.05; done'
E
start_daemon
for n in 1 2; do
	wait_until '[ "$(wc -l <"$T/again")" = "$n" ]' 5
	p=$(sed -n "${n}p" "$T/again")
	check 'alive $p'
	check '[ "$(ps -o ppid= -p "$p" | tr -d " ")" = \
		"$(supervisor "$(keeper)")" ]'
	k=$(keeper)
	if [ "$n" = 1 ]; then
		k=$(supervisor "$k")
	fi
	kill -KILL "$k"
	wait_until '! alive $p' 5
done
touch "$T/go"
wait_until '[ "$(wc -l <"$T/again")" = 3 ]' 5
wait_until 'is again RUNNING' 5
check '[ -z "$(ps -o stat= --ppid "$(keeper)" | grep Z)" ]' "a zombie"
finish
