#!/bin/sh
# Order: programs start when what they need is ready, in parallel otherwise,
# and stop in reverse; what is bound ends with its owner.
. "$(dirname "$0")/lib.sh"

# Each says when it begins and ends; the end takes a moment.
cat >"$T/say" <<'E'
#!/bin/sh
name=$1
echo "begin $name" >>"$T/order"
trap 'sleep 0.2; echo "end $name" >>"$T/order"; exit 0' TERM
while :; do sleep 0.05; done
E
chmod +x "$T/say"

# Line number of $1 in the order.
line() {
	grep -nxF "$1" "$T/order" | tail -n 1 | cut -d: -f1
}

before() {
	check "[ $(line "$1") -lt $(line "$2") ]" \
		"$1 is not before $2: $(cat "$T/order")"
}

# --- circles and names are refused, all at once ---
conf <<E
[program:a]
command = sleep 1000
requires = b
[program:b]
command = sleep 1000
after = c
[program:c]
command = sleep 1000
bound_to = a
[program:d]
command = sleep 1000
requires = d nobody
dependent_startup_wait_for = a b:flying
E
expect 2 m check
said 'in a circle: a -> b -> c -> a'
said 'names the program itself'
said 'there is no program, process or group nobody'
said '"a" is not NAME:STATE'
said '"b:flying" is not NAME:STATE'

# --- a graph ---
conf <<E
[program:web]
command = $T/say web_%(process_num)d
process_name = web_%(process_num)d
numprocs = 2
requires = db, cache
[program:front]
command = $T/say front
after = web:*
[program:db]
command = $T/say db
ready = exec:test -f $T/db.ready
[program:cache]
command = $T/say cache
autostart = false
startsecs = 0
[program:agent]
command = $T/say agent
bound_to = db
startsecs = 0
[program:lazy]
command = $T/say lazy
requires = db
autostart = false
startsecs = 0
E
start_daemon
wait_until 'is db STARTING && is cache RUNNING' 5
check 'is web:web_0 WAITING && is agent WAITING && is front WAITING'
expect 3 m status web:web_1
said 'waits for db (STARTING)'
expect 0 m why web:web_1
said 'db'
# The daemon's death changes nothing of that.
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'is web:web_1 WAITING' 5
expect 124 m start -t 0.3 web:web_1
touch "$T/db.ready"
wait_until 'is front RUNNING && is agent RUNNING' 10
before 'begin cache' 'begin web_0'
before 'begin db' 'begin web_1'
before 'begin web_0' 'begin front'
before 'begin web_1' 'begin front'

# --- the owner is killed: what is bound goes and comes, the others stay ---
web=$(pid_of web:web_0)
agent=$(pid_of agent)
rm "$T/db.ready"
kill -KILL "$(pid_of db)"
wait_until '! alive $agent' 5
wait_until 'is agent WAITING' 5
check '[ "$(pid_of web:web_0)" = "$web" ]'
touch "$T/db.ready"
wait_until 'is agent RUNNING' 10
# The other way round nothing happens to the owner.
db=$(pid_of db)
kill -KILL "$(pid_of agent)"
wait_until 'is agent RUNNING && [ "$(field agent restarts)" -ge 2 ]' 10
check '[ "$(pid_of db)" = "$db" ]'

# --- a stop takes along what requires it, in order, and says so ---
expect 0 m stop db
said 'web:web_0: stopped'
said 'agent: stopped'
said 'it requires db'
check 'is db STOPPED && is web:web_0 STOPPED && is agent STOPPED'
check 'is cache RUNNING && is front RUNNING'
before 'end web_0' 'end db'
before 'end web_1' 'end db'
before 'end agent' 'end db'
# A start pulls in what it needs.
expect 0 m start lazy
check 'is db RUNNING && is lazy RUNNING'
check 'is web:web_0 STOPPED'
expect 0 m start web:*

# --- the stop of all: in reverse ---
expect 0 m stop
before 'end front' 'end web_0'
before 'end web_0' 'end cache'
before 'end lazy' 'end db'
check no_leftovers "$(leftovers)"
rm -rf "$T/state"

# --- what is needed fails: nobody waits in silence ---
conf <<E
[program:db]
command = /nonexistent
startretries = 0
[program:web]
command = sleep 1000
requires = db
autostart = false
[program:later]
command = sleep 1000
after = db
startsecs = 0
E
start_daemon
wait_until 'is db FATAL && is later RUNNING' 5
expect 1 m start web
said 'waits for db (FATAL)'
# A reload may take away what it waits for.
sed -i '/^requires/d' "$CONF"
expect 0 m reload
wait_until 'is web RUNNING' 5
expect 0 m stop
rm -rf "$T/state"

# --- many ways lead from the last to the first ---
{
	printf '[program:l0]\ntype = oneshot\ncommand = sleep 1000\n'
	for i in 1 2 3 4 5 6; do
		printf '[program:l%d]\ncommand = sleep 1000\n' $i
		printf 'numprocs = 40\nrequires = l%d\n' $((i - 1))
		printf 'process_name = %%(program_name)s_%%(process_num)d\n'
	done
} | conf
start_daemon
expect 124 m start -t 0.2 'l6:*'
expect 3 timeout $((5 * SLOW)) "$MPSUPD" -c "$CONF" status l0
expect 0 m stop
rm -rf "$T/state"

# --- a reload takes away what is waited for, or what was kept for another ---
# edges KEY KEY: `web` waits, `db` is held by one that does not want to end.
edges() {
	conf <<E
[program:slow]
type = oneshot
command = sleep 1000
[program:web]
command = sleep 1000
startsecs = 0
$1
[program:yearly]
command = sleep 1000
startsecs = 0
$2
[program:db]
command = sleep 1000
startsecs = 0
[program:stubborn]
command = sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
startsecs = 0
stopwaitsecs = 60
$3
E
}
edges 'requires = slow' 'schedule = @yearly' 'requires = db'
start_daemon
wait_until 'm logs stubborn | grep -q ready' 5
check 'is web WAITING && is yearly WAITING'
expect 0 m stop --no-wait db
check 'is db RUNNING && is stubborn STOPPING'
edges '' '' ''
expect 0 m reload
wait_until 'is web RUNNING && is yearly RUNNING && is db STOPPED' 5
kill -KILL "$(pid_of stubborn)"
expect 0 m stop
rm -rf "$T/state"

# --- the keys of the plugin ---
conf <<E
[program:init]
command = sh -c 'sleep 0.3; exit 0'
autostart = false
autorestart = false
startsecs = 0
dependent_startup = true
[program:db]
command = sleep 1000
autostart = false
dependent_startup = true
[program:app]
command = sleep 1000
autostart = false
dependent_startup = true
dependent_startup_wait_for = init:exited db:running,exited
[program:free]
command = sleep 1000
autostart = false
E
start_daemon
check 'is app WAITING' "$(state app)"
wait_until 'is app RUNNING' 10
check 'is init EXITED && is db RUNNING && is free STOPPED'
# Later only what was asked for.
expect 0 m stop db app
expect 0 m start app
check 'is db STOPPED'
finish
