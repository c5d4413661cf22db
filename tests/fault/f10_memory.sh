#!/bin/sh
# F10: an allocation fails; see memory.py.  FULL=1: each of them; otherwise a
# sample by SEED.
. "$(dirname "$0")/../e2e/lib.sh"

python3 "$TOP/tests/fault/memory.py" || fail "see above"
finish
