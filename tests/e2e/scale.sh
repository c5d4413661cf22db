#!/bin/sh
# scale, enable, disable: kept in statedir, with or without the supervisor.
. "$(dirname "$0")/lib.sh"
files() { # the number of worker, more keys of it
	conf <<E
[program:worker]
command = sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = $1
$2
[program:one]
command = sleep 1001
[program:idle]
command = sleep 1002
autostart = false
E
}
workers() {
	m --json status 2>/dev/null | grep -o '"name":"worker_' | wc -l
}
again() { # a daemon of the same files
	expect 0 m stop
	start_daemon
}

files 2 ""
start_daemon
wait_until 'm status "worker:*" one >/dev/null' 8
pids=$(m pid worker:worker_0 worker:worker_1) one=$(pid_of one)

# More, fewer: only instances come and go.
expect 0 m scale worker 4
said 'worker:worker_3: added'
said 'worker: 4 processes'
check 'is worker:worker_3 RUNNING && [ "$(workers)" = 4 ]'
check '[ "$(m pid worker:worker_0 worker:worker_1)" = "$pids" ]'
check 'grep -q "^numprocs = 4" "$T/state/overrides"'
check '[ "$(stat -c %a "$T/state/overrides")" = 644 ]'
gone=$(pid_of worker:worker_3)
expect 0 m scale worker 3
said 'worker:worker_3: removed'
check '! alive $gone'
check '[ "$(m pid worker:worker_0 worker:worker_1)" = "$pids" ]'
check '[ "$(pid_of one)" = "$one" ]'
expect 0 m reload
check '[ "$(workers)" = 3 ]' "a reload forgot the scale"
expect 0 m --json dump-config
check '[ "$(grep -o "\"name\":\"worker_" "$T/out" | wc -l)" = 3 ]'

# What is refused changes nothing.
cp "$T/state/overrides" "$T/before"
expect 2 m scale one 2
said 'process_name must have %(process_num)'
expect 4 m scale nosuch 2
said 'no such program: nosuch'
expect 4 m scale worker_1 2
said 'process of the program worker'
expect 4 m enable 'x]
[program:one'
expect 2 m scale worker -- -1
expect 2 m scale worker 1.5
expect 2 m scale worker
expect 4 m enable one nosuch
check 'cmp -s "$T/before" "$T/state/overrides"' "something was kept"
check '[ "$(workers)" = 3 ] && [ "$(pid_of one)" = "$one" ]'

# "all" and patterns do not mean what no file knows.
expect 0 m run --name job -- true
expect 0 m enable --reset all
check '! grep -q job "$T/out"' "$(cat "$T/out")"
expect 4 m disable 'jo*'
expect 4 m disable job
expect 0 m reload
cp "$T/before" "$T/state/overrides"

# disable and enable do nothing now.
expect 0 m disable one
said 'one: disabled'
expect 0 m enable idle
check '[ "$(pid_of one)" = "$one" ] && is idle STOPPED'
expect 0 m dump-config
check 'sed -n "/program:one/,/^$/p" "$T/out" | grep -q "^autostart = false"'

# The supervisor is killed: all of it is still known.
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
check '[ "$(m pid worker:worker_0 worker:worker_1)" = "$pids" ]'
check '[ "$(workers)" = 3 ]'
expect 0 m reload
check '[ "$(workers)" = 3 ] && [ "$(pid_of one)" = "$one" ]'
again
check 'is one STOPPED && [ "$(field one reason)" = disabled ]'
wait_until 'is idle RUNNING && [ "$(workers)" = 3 ]' 5
expect 0 m start one
check 'is one RUNNING && [ -z "$(field one reason)" ]'

# None at all, and back to the files.
expect 0 m scale worker 0
said 'worker: 0 processes'
check '[ "$(workers)" = 0 ]'
again
check '[ "$(workers)" = 0 ]'
expect 0 m scale --reset worker
check '[ "$(workers)" = 2 ]'
expect 0 m enable --reset one idle
said 'idle: as the files say: autostart = false'
check '! grep -q program: "$T/state/overrides"'
again
wait_until 'is one RUNNING && is idle STOPPED' 5

# Killed again and again: what was answered is so.
k=$(keeper)
for n in 5 2 6 3; do
	for _ in 1 2 3; do
		s=$(supervisor "$k")
		[ -z "$s" ] || kill -KILL "$s" 2>/dev/null || true
	done &
	expect 0 m scale worker $n
	wait
	wait_until '[ "$(workers)" = $n ]' 5
	check 'grep -q "^numprocs = $n" "$T/state/overrides"'
done
wait_until 'm status "worker:*" >/dev/null' 5

# A removal that takes its time.
expect 0 m scale --no-wait worker 1
wait_until '[ "$(workers)" = 1 ]' 5

# Damage is said, and is no reason to do nothing.
files 3 ""
expect 0 m scale worker 4
echo '[program:worker' >>"$T/state/overrides"
expect 0 m check
said "$T/state/overrides: damaged"
expect 0 m reload
wait_until '[ "$(workers)" = 3 ]' 5
expect 0 m scale worker 2
check '[ "$(workers)" = 2 ]'
expect 0 m check
check '! grep -q damaged "$T/err"'

# The file forgets process_name: the old scale does not fit any more.
sed -i '/^process_name/d; /^numprocs/d' "$CONF"
expect 0 m check
said 'process_name has no %(process_num) any more'

# A statedir that cannot be written.
files 2 ""
rm "$T/state/overrides"
expect 0 m reload
mv "$T/state" "$T/state.old"
: >"$T/state"
expect 1 m scale worker 5
said 'cannot be kept'
expect 1 m disable one
said "$T/state"
check '[ "$(workers)" = 2 ]'
rm "$T/state"
expect 0 m scale worker 1
check '[ -f "$T/state/overrides" ]'
finish
