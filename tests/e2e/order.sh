#!/bin/sh
# Priorities: low numbers start first and stop last.
. "$(dirname "$0")/lib.sh"

{
	for p in 30 10 20; do
		echo "[program:p$p]"
		echo "command = sh -c 'trap \"echo stop $p >>$T/order; exit 0\" TERM; echo start $p >>$T/order; while :; do sleep 0.05; done'"
		echo "priority = $p"
		echo "startsecs = 0"
	done
	echo "[program:g1]"
	echo "command = sh -c 'trap \"echo stop g >>$T/order; exit 0\" TERM; while :; do sleep 0.05; done'"
	echo "[program:g2]"
	echo "command = sh -c 'trap \"sleep 0.3; echo stop g >>$T/order; exit 0\" TERM; while :; do sleep 0.05; done'"
	echo "[group:g]"
	echo "programs = g1, g2"
	echo "priority = 15"
} | conf
start_daemon
wait_until '[ "$(grep -c start "$T/order")" = 3 ]' 5
wait_until 'm status "g:*" >/dev/null' 5
pids=$(grep -oE '(program [^ ]+): STOPPED -> STARTING' "$DLOG" | tr '\n' ' ')
case $pids in
*'p10:'*'g:g'*'p20:'*'p30:'*) ;;
*) fail "start order: $pids" ;;
esac
expect 0 m stop
check '[ "$(grep stop "$T/order" | tr "\n" ",")" = \
	"stop 30,stop 20,stop g,stop g,stop 10," ]' "$(cat "$T/order")"
finish
