#!/bin/sh
# The pidfile of a program: right at every moment, and no link is followed.
. "$(dirname "$0")/lib.sh"
mkdir "$T/p"
ln -s "$T/p" "$T/link"
files() {
	conf <<E
[program:a]
command = sleep 1000
process_name = a%(process_num)d
numprocs = 2
pidfile = $T/${1:-p}/a%(process_num)d.pid
stopsignal = KILL
startsecs = 0
restart_delay = 20ms
[program:quick]
command = sh -c 'exit 0'
startsecs = 0
autorestart = false
pidfile = $T/p/quick.pid
[program:idle]
command = sleep 1001
autostart = false
pidfile = $T/p/idle.pid
[program:bad]
command = sleep 1002
pidfile = $T/none/x/bad.pid
E
}
has() { # has FILE NAME: the pid of NAME and nothing else
	file=$(cat "$T/$1" 2>/dev/null) && [ -n "$file" ] &&
		[ "$file" = "$(pid_of "$2" 2>/dev/null)" ]
}
files
echo mine >"$T/p/idle.pid"
start_daemon
wait_until 'm status a:a0 a:a1 bad >/dev/null && is quick EXITED' 8
check 'has p/a0.pid a:a0 && has p/a1.pid a:a1'
check '[ "$(stat -c "%a %F" "$T/p/a0.pid")" = "644 regular file" ]'
check '[ ! -e "$T/p/quick.pid" ]'
check '[ "$(cat "$T/p/idle.pid")" = mine ]' "not ours before it ran"
check 'grep -q "program bad: cannot write pidfile .*/bad.pid: No such file" "$DLOG"'
check '[ "$(ls -A "$T/p")" = "$(printf "%s\n" a0.pid a1.pid idle.pid)" ]' \
	"$(ls -A "$T/p")"

# It is there when `start` and gone when `stop` says so.
expect 0 m start idle
check 'has p/idle.pid idle'
expect 0 m stop idle a:a1
check '[ ! -e "$T/p/idle.pid" ] && [ ! -e "$T/p/a1.pid" ]'
expect 0 m restart a:a0
check 'has p/a0.pid a:a0'

# A link in its place is replaced, not followed.
echo precious >"$T/precious"
ln -sf "$T/precious" "$T/p/a1.pid"
ln -sf "$T/precious" "$T/p/.a1.pid.new"
expect 0 m start a:a1
check 'has p/a1.pid a:a1 && [ ! -L "$T/p/a1.pid" ]'
check '[ "$(cat "$T/precious")" = precious ]'
rm "$T/p/a1.pid"
ln -s "$T/precious" "$T/p/a1.pid"
expect 0 m stop a:a1
check '[ "$(cat "$T/precious")" = precious ] && [ ! -L "$T/p/a1.pid" ]'
expect 0 m start a:a1

# The supervisor is killed while programs come and go.
k=$(keeper)
for _ in 1 2 3 4 5 6 7 8; do
	p=$(cat "$T/p/a0.pid")
	s=$(supervisor "$k")
	kill -KILL "$p" ${s:+"$s"} 2>/dev/null || true
	wait_until '[ -n "$(pid_of a:a0 2>/dev/null)" ] &&
		[ "$(pid_of a:a0 2>/dev/null)" != "$p" ]' 8
	wait_until 'has p/a0.pid a:a0' 5
done
check 'has p/a1.pid a:a1'
s=$(supervisor "$k")
kill -STOP "$s"
kill -KILL "$(cat "$T/p/a1.pid")" "$s"
wait_until 'has p/a1.pid a:a1 && is a:a1 RUNNING' 8

# Another place by a reload; our own link is followed.
pid=$(pid_of a:a0)
mkdir "$T/q"
files q
expect 0 m reload
check 'has q/a0.pid a:a0 && [ ! -e "$T/p/a0.pid" ]'
check '[ "$(pid_of a:a0)" = "$pid" ]' "it was restarted"
files link
expect 0 m reload
check 'has p/a0.pid a:a0 && [ ! -e "$T/q/a0.pid" ]'

# Where others can write, a link is not followed.
mkdir -m 777 "$T/open"
ln -s "$T/q" "$T/open/dir"
files open/dir
expect 0 m reload
check '[ -z "$(ls -A "$T/q")" ]' "the link of somebody was followed"
check 'grep -q "cannot write pidfile $T/open/dir/a0.pid" "$DLOG"'
files
expect 0 m reload
check 'has p/a0.pid a:a0'

# Both are killed: the next daemon has them again.
kill_daemon
check '[ -e "$T/p/a0.pid" ]'
rm "$T/p/a0.pid"
start_daemon
wait_until 'has p/a0.pid a:a0 && has p/a1.pid a:a1' 5
expect 0 m stop
check '[ -z "$(ls -A "$T/p")" ]' "$(ls -A "$T/p")"

conf <<E
[program:a]
command = true
pidfile = $T/x.pid
[program:b]
command = true
pidfile = $T//x.pid
E
expect 2 m check
said 'is also that of a'
finish
