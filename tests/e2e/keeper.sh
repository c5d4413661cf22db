#!/bin/sh
# The keeper is killed: the supervisor takes its place, and nobody notices.
# Both are killed: the programs run on, and the next start adopts them.
. "$(dirname "$0")/lib.sh"

cat >"$T/count" <<'E'
#!/bin/sh
i=0
trap 'exit 7' TERM
while i=$((i + 1)); do echo "line $i"; sleep 0.05; done
E
chmod +x "$T/count"
conf <<E
[program:a]
command = $T/count
startsecs = 0
[program:b]
command = sleep 1000
startsecs = 0
autorestart = true
[program:tied]
command = sleep 1000
startsecs = 0
on_supervisor_death = kill
[program:gone]
command = sleep 1000
startsecs = 0
E
numbered() { # the log of a is every line from 1 on
	awk '$2 != NR { exit 1 }' "$T/log/a.stdout.log" ||
		fail "lines are missing: $(cat "$T/log/a.stdout.log")"
}
more() { # a's log grows
	size=$(wc -c <"$T/log/a.stdout.log")
	wait_until '[ "$(wc -c <"$T/log/a.stdout.log")" -gt $size ]' 5
}

start_daemon
wait_until 'm status a b tied gone >/dev/null' 5
pids=$(m pid a b gone)
tied=$(pid_of tied)
k=$(keeper)
s=$(supervisor "$k")
more
kill -KILL "$k"
wait_until '[ "$(cat "$PIDFILE")" = "$s" ]' 5
expect 0 m status a b gone
check '[ "$(keeper)" = "$s" ]' "the supervisor is not the keeper"
check '[ "$(m pid a b gone)" = "$pids" ]' "a program was restarted"
wait_until 'is tied RUNNING && [ "$(pid_of tied)" != "$tied" ]' 5
more
numbered

# What ends now was no child of this keeper; a start replaces it.
b=$(pid_of b)
kill -KILL "$b"
wait_until 'is b RUNNING && [ "$(pid_of b)" != "$b" ]' 5
check '[ "$(field b restarts)" = 1 ]'
# Its successor is, and stopping works for both kinds.
expect 0 m stop a b
check 'is a STOPPED && is b STOPPED'
check '[ "$(field b exit_code)" = -15 ]'
case $(field a exit_code) in
7 | null) ;;
*) fail "exit code of a: $(field a exit_code)" ;;
esac
numbered

# Nothing of the daemon is left, and the file has changed meanwhile.
: >"$T/log/a.stdout.log"
expect 0 m start a b
pids=$(m pid a b)
gone=$(pid_of gone)
tied=$(pid_of tied)
more
kill_daemon
wait_until '! alive "$tied"' 5
for p in $pids $gone; do
	alive "$p" || fail "pid $p did not survive"
done
expect 1 m status
said "3 of its programs still run"
expect 1 m stop
said "mpsupd: not running"
said "start adopts them"
sed -i '/program:gone/,$d' "$CONF"
expect 0 m start
said "not configured any more"
said "adopted"
wait_until 'm status a b >/dev/null' 5
check '[ "$(m pid a b)" = "$pids" ]' "a second copy was started"
wait_until '! alive "$gone"' 5
# Its parent may reap it late, or never.
wait_until 'm status gone >/dev/null 2>&1; [ $? = 4 ]' 5
more
numbered
check 'is tied RUNNING'
expect 0 m restart a
check '[ "$(pid_of a)" != "${pids%%[!0-9]*}" ]'

# A state file of nobody's is said and harms nothing.
pids=$(m pid a b tied)
kill_daemon
for p in $pids; do
	kill -KILL "$p" 2>/dev/null || true
done
echo garbage >"$T/run/state"
expect 0 m start
said "state file"
wait_until 'm status a b tied >/dev/null' 5
finish
