#!/bin/sh
# F22: power cut.  The daemon is stopped before its n-th change of a file, for
# each n of a start, an adoption, and a take-over with all commands and the end;
# then all of it is killed.  The next start finds a state file that is whole,
# adopts what still runs and makes no second copy.
. "$(dirname "$0")/../e2e/lib.sh"
command -v strace >/dev/null || skip "no strace"
scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
[ "$scope" = 0 ] || [ "$(id -u)" = 0 ] || skip "yama lets strace attach to nobody"
[ -z "$SANITIZED" ] || skip "a sanitizer makes system calls of its own"

step=9
[ -z "$FULL" ] || step=1
mkdir "$T/ref"
conf <<E
[DEFAULT]
startsecs = 0
autorestart = true
restart_delay = 1ms
[program:a]
command = $HELPERS/soaker $T/ref a 0
[program:b]
command = $HELPERS/soaker $T/ref b 0
[program:c]
command = $HELPERS/soaker $T/ref c 0
E
python3 "$TOP/tests/fault/cut.py" "$T" "$MPSUPD" "$CONF" $step ||
	fail "see above"
finish
