#!/bin/sh
# F26: a process that SIGKILL does not end, in a frozen cgroup as in a system
# call that never returns.  It is said, nobody else waits for it, no second
# copy is started beside it, and the daemon ends in time.
. "$(dirname "$0")/../e2e/lib.sh"
need_root
# The freezer of the second version lets SIGKILL through.
FREEZER=$(sed -n 's/^[^-]* \(\/[^ ]*freezer\) .* - cgroup .*/\1/p' \
	/proc/self/mountinfo | head -n 1)
[ -n "$FREEZER" ] || skip "no freezer cgroup (version 1) is mounted"
COLD=$FREEZER/mpsupd-${T##*/}
mkdir "$COLD" 2>"$T/why" || skip "the freezer is not writable: $(cat "$T/why")"

thaw() {
	echo THAWED >"$COLD/freezer.state"
}

freeze() { # PID
	echo "$1" >"$COLD/cgroup.procs"
	echo FROZEN >"$COLD/freezer.state"
	wait_until '[ "$(cat "$COLD/freezer.state")" = FROZEN ]' 5
}

warm_up() {
	thaw || true
	for p in $(cat "$COLD/cgroup.procs"); do
		kill -KILL "$p" || true
	done
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$COLD" 2>/dev/null && break
		sleep 0.1
	done
	cleanup
}
trap warm_up EXIT

# How many `sleep N` of this test run, frozen or not.
number() {
	leftovers | grep -c "^[0-9]* sleep $1 " || true
}

# took SECONDS COMMAND...: it succeeds within that.
took() {
	now
	LIMIT=$((NOW + $1 * 100 * SLOW))
	shift
	expect 0 "$@"
	now
	check '[ $NOW -lt "$LIMIT" ]' "$* took too long"
}

conf "shutdown_timeout = 3s" <<C
[DEFAULT]
startsecs = 0
stopwaitsecs = 1
[program:stuck]
command = sleep 3001
requires = base
[program:base]
command = sleep 3002
[program:above]
command = sleep 3003
requires = stuck
[program:other]
command = sleep 3004
[program:tree]
command = sh -c 'setsid sleep 3005 & wait'
C
start_daemon
for p in base stuck above other tree; do
	wait_until "is $p RUNNING" 10
done
wait_until '[ "$(number 3005)" = 1 ]' 5
stuck=$(pid_of stuck)
freeze "$stuck"

# --- it is said, and only those wait who must, for a while ---
expect 124 m stop -t 0.5 base
check 'is above STOPPED && is stuck STOPPING' "$(m status)"
took 2 m restart other
took 2 m stop other
wait_until 'is base STOPPED' 10
check 'alive $stuck && is stuck STOPPING'
expect 3 m status stuck
said 'cannot be killed'
check 'grep -q "stuck: .*cannot be killed" "$DLOG"'
check '[ "$(grep -c "stuck: .*survives SIGKILL" "$DLOG")" -lt 4 ]'
took 2 m start other

# --- no second copy, whoever asks, also after a takeover ---
expect 124 m start -t 1 stuck
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'is stuck STOPPING' 5
expect 124 m start -t 1 stuck above
expect 124 m restart -t 1 stuck
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"
wait_until 'm status stuck | grep -q "cannot be killed"' 5
check 'is above WAITING' "$(m status)"
expect 0 m reload
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"

# --- thawed: SIGKILL was there before anything else; it goes on ---
thaw
wait_until 'is stuck RUNNING && is above RUNNING' 10
check '[ "$(number 3001)" = 1 ] && [ "$(pid_of stuck)" != "$stuck" ]'

# --- a descendant that cannot be killed ---
freeze "$(leftovers | sed -n 's/ sleep 3005 $//p')"
expect 124 m stop -t 2.5 tree
wait_until 'm status tree | grep -q "cannot be killed"' 10
expect 124 m start -t 1 tree
check '[ "$(number 3005)" = 1 ]' "$(leftovers)"
took 3 m restart stuck
thaw
wait_until 'is tree RUNNING && [ "$(number 3005)" = 1 ]' 10

# --- the daemon ends within shutdown_timeout and 5 s; what was left is adopted
# by the next one and runs once ---
stuck=$(pid_of stuck)
freeze "$stuck"
took 11 m stop
wait_until 'alive $stuck && [ "$(leftovers | grep -c .)" = 1 ]' 5
check 'grep -q "survive SIGKILL" "$DLOG"'
start_daemon
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"
wait_until 'is other RUNNING' 10
thaw
wait_until '! alive $stuck' 5
wait_until 'is stuck RUNNING && is above RUNNING' 15
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"
expect 0 m stop

# --- without a limit: what only waits for the kernel is left behind as well,
# and what has ignored SIGTERM is not ---
sed -i 's/^shutdown_timeout.*//' "$CONF"
start_daemon
wait_until 'is above RUNNING && is other RUNNING' 10
stuck=$(pid_of stuck)
freeze "$stuck"
took 20 m stop
wait_until 'alive $stuck && [ "$(leftovers | grep -c .)" = 1 ]' 5
start_daemon
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"
thaw
wait_until 'is above RUNNING' 15
check '[ "$(number 3001)" = 1 ]' "$(leftovers)"
finish
