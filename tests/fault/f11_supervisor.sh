#!/bin/sh
# F11: as f11_calls.sh, the supervisor's calls: of one that serves, and of one
# that takes over.
. "$(dirname "$0")/../e2e/lib.sh"

[ -z "$SANITIZED" ] || skip "a sanitizer makes system calls of its own"
need_strace
python3 "$TOP/tests/fault/inject.py" supervisor takeover || fail "see above"
finish
