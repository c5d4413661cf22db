#!/bin/sh
# F1: the same, killed 0 to 0.7 ms after each start of the supervisor.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

kills=$((500 * LOAD)) rate=5000
[ -z "$FULL" ] || kills=5000 rate=75000
[ -z "$SANITIZED" ] || kills=$((100 * LOAD)) rate=5000
steady_conf $rate
steady_start
"$HELPERS/killer" "$K" $kills 0 700 >"$T/worst" || fail "$(cat "$T/worst")"
# Some where it lives long enough to work.
"$HELPERS/killer" "$K" 20 5000 60000 >"$T/worst" || fail "$(cat "$T/worst")"
steady_check
finish
