#!/bin/sh
# F4: the keeper is killed again and again under load; the supervisor takes its
# place.  No steady program is restarted, no byte of a log lost.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

kills=$((15 * LOAD))
[ -z "$FULL" ] || kills=100
steady_conf 20000
steady_start
python3 "$TOP/tests/fault/depose.py" "$PIDFILE" $kills 5 150 >"$T/took" 2>&1 ||
	fail "$(cat "$T/took")"
echo "$kills kills; promoted: $(cat "$T/took")"
K=$(keeper)
FDS=
UNKNOWN=1
steady_check
finish
