#!/bin/sh
# Our own restart policy: pauses that double up to a limit, reset, give up.
. "$(dirname "$0")/lib.sh"

run="sh -c 'read -r now _ </proc/uptime; echo \$now >>"
conf <<E
[program:double]
command = $run$T/double.n; exit 1'
restart_delay = 200ms
restart_delay_max = 800ms
restart_jitter = 0
[program:limit]
command = $run$T/limit.n; exit 1'
restart_delay = 50ms
restart_delay_max = 50ms
restart_limit = 4/60s
E
start_daemon
wait_until '[ "$(wc -l <"$T/double.n")" -ge 7 ]' 15
awk -v slow="$SLOW" 'NR > 1 { gap = $1 - last; want = 0.1 * 2 ^ (NR - 1)
	if (want > 0.8) want = 0.8
	if (gap < want - 0.05 || gap > want + 0.5 * slow) bad = 1
	printf "%.2f ", gap }
	{ last = $1 } END { exit bad }' "$T/double.n" >"$T/gaps" ||
	fail "pauses were $(cat "$T/gaps")"
check '! is double FATAL' "it never gives up unless asked"
wait_until 'is limit FATAL' 10
check '[ "$(wc -l <"$T/limit.n")" -le 5 ]'
finish
