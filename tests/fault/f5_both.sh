#!/bin/sh
# F5: keeper and supervisor are killed at once, again and again, under load.
# The next start adopts every program with its pid; its output is complete.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

kills=$((5 * LOAD))
[ -z "$FULL" ] || kills=100
steady_conf 20000
steady_start
round=0
while [ $round -lt $kills ]; do
	kill_daemon
	expect 0 m start
	said "adopted"
	wait_until 'm status "w[1-4]" >/dev/null' 10
	check '[ "$(m pid "w[1-4]")" = "$PIDS" ]' \
		"round $round: a steady program was restarted"
	check '[ -z "$(find "$T" -name "*.double")" ]' \
		"round $round: two copies at once"
	round=$((round + 1))
done
echo "$kills times both killed"
K=$(keeper)
FDS=
RESTARTED=1
steady_check
finish
