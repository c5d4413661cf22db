#!/bin/sh
# F2: a supervisor that does not answer is ended by the watchdog, whether it is
# stopped or hangs; one that crashes again and again comes back in safe mode.
. "$(dirname "$0")/../e2e/lib.sh"

conf <<E
[program:a]
command = sh -c 'i=0; while i=\$((i + 1)); do echo line \$i; sleep 0.02; done'
startsecs = 0
[program:b]
command = sh -c 'read -r x <$T/gate'
startsecs = 0
autorestart = true
E
mkfifo "$T/gate"
next() { # another supervisor than $s serves
	wait_until 'n=$(supervisor "$k"); [ -n "$n" ] && [ "$n" != "$s" ] &&
		m status >/dev/null' 15
	s=$n
}

start_daemon
wait_until 'm status a b >/dev/null' 5
k=$(keeper)
s=$(supervisor "$k")
pids=$(m pid a b)
now
t0=$NOW
kill -STOP "$s"
next
now
check '[ $((NOW - t0)) -ge 450 ]' "after $((NOW - t0)) cs: too early"
check "[ \$((NOW - t0)) -le \$((1500 * SLOW)) ]" \
	"after $((NOW - t0)) cs"
grep -q "by signal 6, because it did not answer" "$DLOG" ||
	fail "the log does not say so"
check '[ "$(m pid a b)" = "$pids" ]'

# Five crashes in a minute, that one included: safe mode.
for i in 2 3 4 5; do
	kill -ABRT "$s"
	next
done
check 'm --json status | grep -q "\"state\":\"safe mode\""'
check '[ "$(m pid a b)" = "$pids" ]'
expect 1 m restart a
said "safe mode"
size=$(wc -c <"$T/log/a.stdout.log")
echo go >"$T/gate" # b ends: seen, and not started again for now
wait_until '! is b RUNNING' 5
expect 0 m reload
wait_until 'm --json status | grep -q "\"state\":\"running\""' 5
wait_until 'is b RUNNING' 5
wait_until '[ "$(wc -c <"$T/log/a.stdout.log")" -gt $size ]' 5
awk '$2 != NR { exit 1 }' "$T/log/a.stdout.log" || fail "lines are missing"
check '[ "$(pid_of a)" = "${pids%%[!0-9]*}" ]'
sed -i '/took over: the one before ended by/d' "$DLOG" # as they should
finish
