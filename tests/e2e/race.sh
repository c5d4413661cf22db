#!/bin/sh
# Eight starts at once: one daemon, the other seven are told.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
E

one() {
	code=0
	m start >"$T/race.$1" 2>&1 || code=$?
	echo "$code" >"$T/code.$1"
}

round=0
while [ $round -lt $((6 * LOAD)) ]; do
	jobs=
	for i in 1 2 3 4 5 6 7 8; do
		one $i &
		jobs="$jobs $!"
	done
	for j in $jobs; do wait "$j"; done
	check '[ "$(cat "$T"/code.* | grep -cx 0)" = 1 ]' \
		"one start succeeds: $(cat "$T"/race.*)"
	check '[ "$(cat "$T"/code.* | grep -cx 1)" = 7 ]'
	check '[ "$(grep -lE "already running \(pid [0-9]+\)|already running$" \
		"$T"/race.* | wc -l)" = 7 ]' "$(cat "$T"/race.*)"
	check '[ "$(leftovers | grep -c "mpsupd: keeper")" = 1 ]'
	wait_until 'is a RUNNING' 5
	check '[ "$(leftovers | grep -c "sleep 1000")" = 1 ]'
	if [ $((round % 2)) = 0 ]; then
		expect 0 m stop
	else # the next round finds the pidfile and socket of a dead one
		kill_leftovers
		wait_until no_leftovers 5
	fi
	round=$((round + 1))
done

# The same through restart, while the first start is still under way.
m start >/dev/null 2>&1 &
first=$!
second=0
m start --oknodo >/dev/null 2>&1 || second=$?
wait $first || true
check '[ "$second" = 0 ]'
check '[ "$(leftovers | grep -c "mpsupd: keeper")" = 1 ]'
finish
