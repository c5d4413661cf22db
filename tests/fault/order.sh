#!/bin/sh
# Programs in a random graph, among random kills, stops, starts, reloads that
# change its edges, deaths of the supervisor and the keeper; see order.py.
# SEED=N repeats a run.
. "$(dirname "$0")/../e2e/lib.sh"

n=50
seconds=$((12 * LOAD))
[ -z "$FULL" ] || n=200
[ -z "$FULL" ] || seconds=180
mkdir "$T/runs"
python3 "$TOP/tests/fault/order.py" "$CONF" $n $seconds "${SEED:-}" ||
	fail "see above"
finish
