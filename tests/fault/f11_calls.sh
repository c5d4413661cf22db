#!/bin/sh
# F11: each system call of the start, of the keeper, and of a supervisor that
# becomes one, fails once, at its n-th call of a cycle; see inject.py.  FULL=1:
# every call; otherwise a sample by SEED.
. "$(dirname "$0")/../e2e/lib.sh"

[ -z "$SANITIZED" ] || skip "a sanitizer makes system calls of its own"
need_strace
python3 "$TOP/tests/fault/inject.py" start detach keeper promotion ||
	fail "see above"
finish
