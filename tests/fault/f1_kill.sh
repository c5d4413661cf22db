#!/bin/sh
# F1: the supervisor is killed at random moments under load.  No byte of a log
# is lost or repeated, no program restarted, no exit status missed.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

kills=$((300 * LOAD)) rate=20000 # 8 MB/s, all four
[ -z "$FULL" ] || kills=1000 rate=75000
[ -z "$SANITIZED" ] || kills=$((60 * LOAD)) rate=20000
steady_conf $rate
steady_start
"$HELPERS/killer" "$K" $kills 300 4300 >"$T/worst" || fail "$(cat "$T/worst")"
echo "longest absence of a supervisor: $(cat "$T/worst") us"
steady_check
finish
