#!/bin/sh
# Exit codes as people and scripts see them: -N in status, 128+N from wait.
. "$(dirname "$0")/lib.sh"

{
	for c in 0 1 42 255; do
		echo "[program:c$c]"
		echo "command = sh -c 'exit $c'"
	done
	for s in 1 2 6 9 15 11 34 64; do
		echo "[program:s$s]"
		echo "command = sh -c 'ulimit -c 0; kill -$s \$\$'"
	done
	echo "[program:up]"
	echo "command = sleep 1000"
	echo "[program:late]"
	echo "command = sh -c 'read -r x <$T/fifo; exit 5'"
	echo "[program:DEF]"
	echo "command = sleep 1000"
	echo "autostart = false"
} | sed 's/^command.*/&\nstartsecs = 0\nautorestart = false/' | conf
mkfifo "$T/fifo"
start_daemon
for c in 0 1 42 255; do
	expect $c m wait -t 10 c$c
	check '[ "$(field c$c exit_code)" = $c ]'
done
for s in 1 2 6 9 15 11 34 64; do
	expect $((128 + s)) m wait -t 10 s$s
	check '[ "$(field s$s exit_code)" = -$s ]' "$(field s$s exit_code)"
done
expect 42 m wait c0 c42 c255
expect 0 m wait --for EXITED c0 c42
expect 0 m wait --for RUNNING up -t 5
expect 124 m wait -t 0.3 up
expect 124 m wait -t 0.3 --for FATAL c0
check '[ "$(field up exit_code)" = null ]'

# One that ends while somebody waits.
(code=0; m wait late || code=$?; echo $code >"$T/late") &
w=$!
wait_until 'is late RUNNING' 5
echo go >"$T/fifo"
wait $w
check '[ "$(cat "$T/late")" = 5 ]' "$(cat "$T/late")"

expect 125 m wait -t 1 nobody
expect 3 m status c0 up
expect 0 m status up
expect 3 m pid c0
# It never ran: no status to give.
expect 125 m wait -t 1 DEF

# After a stop: what the process said, and a stopped one is no failure.
pid=$(pid_of up)
expect 0 m stop up
check '[ "$(field up exit_code)" = -15 ]'
check '! alive $pid'
# As many starts as restarts say.
expect 0 m start up
expect 0 m restart up
check '[ "$(field up restarts)" = 2 ]'
finish
