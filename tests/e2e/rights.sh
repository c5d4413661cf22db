#!/bin/sh
# Who may do what: the peer's uid decides; readers look, operators control.
. "$(dirname "$0")/lib.sh"
need_root
nobody() {
	setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}
main() { # the rest of [mpsupd]
	conf "$@" <<E
[program:a]
command = sleep 1000
E
}
cp "$(dirname "$0")/ctl.py" "$T/" # where nobody may read it
bin=$T/mpsupd
cp "$MPSUPD" "$bin"

main
start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
check '[ "$(stat -c %a "$SOCKET")" = 600 ]'
expect 4 nobody "$bin" -s "$SOCKET" status
expect 0 m stop

# With readers: looking is all.
main "readers = nobody"
start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
check '[ "$(stat -c %a "$SOCKET")" = 666 ]'
expect 0 nobody "$bin" -s "$SOCKET" status
expect 0 nobody "$bin" -s "$SOCKET" pid a
expect 0 nobody "$bin" -s "$SOCKET" logs a
for c in 'stop a' 'restart a' 'signal KILL a' 'start a' reopen reload stop; do
	# shellcheck disable=SC2086 # words
	expect 1 nobody "$bin" -s "$SOCKET" $c
	said "may not"
done
check '[ "$(pid_of a)" = "$pid" ]' "a reader changed something"
nobody env SOCKET="$SOCKET" PYTHONPATH="$T" python3 - <<'E' ||
from ctl import Ctl
c = Ctl()
assert c.call("status")
assert c.error("stop") == "NOT_PERMITTED"
assert c.error("stop", names=["a"]) == "NOT_PERMITTED"
E
	fail "see above"

# Live: an operator by group.
main "operators = @nogroup"
expect 0 m reload
expect 0 nobody "$bin" -s "$SOCKET" restart a
expect 0 nobody "$bin" -s "$SOCKET" status
main "operators = daemon"
expect 0 m reload
expect 1 nobody "$bin" -s "$SOCKET" stop a
check 'nobody "$bin" -s "$SOCKET" status >/dev/null 2>&1 && exit 1 || true'
expect 2 "$bin" -c /dev/null check -x
finish
