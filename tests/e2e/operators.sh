#!/bin/sh
# Operators of a program: that one they control, the others they see.
. "$(dirname "$0")/lib.sh"
need_root
as() { # USER COMMAND...
	user=$1
	shift
	setpriv --reuid "$user" --regid nogroup --clear-groups \
		"$bin" -s "$SOCKET" "$@"
}
main() { # operators of a; of b
	conf <<E
[program:a]
command = sleep 1000
process_name = a%(process_num)d
numprocs = 2
$1
[program:b]
command = sleep 1001
$2
[program:c]
command = sleep 1002
E
}
cp "$(dirname "$0")/ctl.py" "$T/" # where nobody may read it
bin=$T/mpsupd
cp "$MPSUPD" "$bin"

main "operators = nobody" "operators = daemon, @bin"
start_daemon
wait_until 'm status all >/dev/null' 8
check '[ "$(stat -c %a "$SOCKET")" = 666 ]'
b=$(pid_of b) c=$(pid_of c)

# Its own program, and looking.
expect 0 as nobody status all
expect 0 as nobody logs b
expect 0 as nobody restart 'a:*'
expect 0 as nobody stop a:a1
expect 0 as nobody start a:a1
expect 0 as nobody signal WINCH a:a0
expect 0 as nobody scale a 3
expect 0 as nobody disable a
expect 0 as nobody enable --reset a
expect 0 as nobody restart --rolling=3 'a:*'

# Another one: the whole request is refused.
a=$(m pid a:a0 a:a1 a:a2)
for s in 'stop b' 'stop a:a0 b' 'restart all' 'signal KILL c' 'start c' \
	'stop *' 'scale b 0' 'disable b' 'enable a b' 'disable all' \
	'restart --rolling a:* b'; do
	set -f
	# shellcheck disable=SC2086 # words
	expect 4 as nobody $s
	set +f
	said 'may not'
done
for s in stop reload reopen upgrade restart; do
	expect 1 as nobody $s
	said 'may not'
done
check '[ "$(m pid a:a0 a:a1 a:a2)" = "$a" ] && [ "$(pid_of b)" = "$b" ]'
check '[ "$(pid_of c)" = "$c" ]'
expect 4 as nobody stop nosuch
expect 4 as nobody enable nosuch
expect 0 as daemon restart b
expect 4 as daemon restart a:a0
expect 0 setpriv --reuid games --regid bin --clear-groups \
	"$bin" -s "$SOCKET" restart b
setpriv --reuid nobody --regid nogroup --clear-groups \
	env SOCKET="$SOCKET" PYTHONPATH="$T" python3 - <<'E' ||
from ctl import Ctl
c = Ctl()
for names in [], None, "a0", [1], {"a": 1}:
    assert c.error("stop", names=names) in ("NOT_PERMITTED", "BAD_PARAMS")
r = c.ask("stop", names=["b"])
assert r["error"]["data"] == {"name": "NOT_PERMITTED", "program": "b"}, r
assert c.call("status")["programs"][0]["state"] == "RUNNING"
E
	fail "see above"

# Nobody at all is shut out, and a reload changes it at once.
expect 4 as games status
main "operators = games" ""
expect 0 m reload
expect 4 as nobody status
expect 0 as games restart a:a0
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
expect 0 as games restart a:a0
main "" ""
expect 0 m reload
check '[ "$(stat -c %a "$SOCKET")" = 600 ]'
main "operators = nosuchuser" ""
expect 2 m check
said 'there is no user'
finish
