#!/bin/sh
# numprocs, groups, and what a NAME may be.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sh -c 'echo I am %(process_num)d of %(numprocs)d in %(group_name)s; exec sleep 1000'
process_name = web%(process_num)02d
numprocs = 3
numprocs_start = 5
[program:worker]
command = sleep 1000
[program:helper]
command = sleep 1000
[program:alone]
command = sleep 1000
autostart = false
[group:crew]
programs = worker,helper
E
start_daemon
wait_until 'm status "web:*" "crew:*" >/dev/null' 8

names() {
	python3 -c 'import json, sys
for p in json.load(sys.stdin)["programs"]:
	print(p["group"] + ":" + p["name"], end=" ")'
}
check '[ "$(m --json status | names | tr " " "\n" | sort | xargs)" = \
"alone:alone crew:helper crew:worker web:web05 web:web06 web:web07" ]' \
	"$(m --json status | names)"
check '[ "$(m pid "web:*" | wc -l)" = 3 ]'
check '[ "$(m pid "web:web0[56]" | wc -l)" = 2 ]'
check '[ "$(m pid "web*" | wc -l)" = 3 ]'
check '[ "$(m pid worker)" = "$(m pid crew:worker)" ]'
check '[ "$(m pid web:web06)" = "$(m pid web06)" ]'
wait_until 'grep -q "I am 6 of 3 in web" "$T/log/web06.stdout.log"' 5

keep=$(m pid worker)
expect 0 m stop 'web:*'
expect 3 m status 'web:*'
check '[ "$(m --json status "web:*" | grep -o STOPPED | wc -l)" = 3 ]'
check '[ "$(m pid worker)" = "$keep" ]'
expect 0 m start 'web0[57]'
check 'is web05 RUNNING && is web06 STOPPED && is web07 RUNNING'
expect 0 m restart crew:helper web05
expect 0 m stop all
check '[ "$(m --json status all | grep -o "\"STOPPED\"" | wc -l)" = 6 ]'
expect 0 m start all
check '[ "$(m --json status all | grep -o "\"RUNNING\"" | wc -l)" = 6 ]'
# Named twice is once.
restarts=$(field web05 restarts)
expect 0 m restart web05 'web05' 'web0[5]'
check '[ "$(field web05 restarts)" = $((restarts + 1)) ]'

for bad in nobody 'crew:nobody' 'nobody:*' 'x*' ''; do
	for c in status start stop restart pid; do
		expect 4 m $c "$bad"
	done
	expect 4 m signal HUP "$bad"
done
# One that does not exist: nothing is done to the others.
pid=$(pid_of web05)
expect 4 m stop web05 nobody
check '[ "$(pid_of web05)" = "$pid" ]'
finish
