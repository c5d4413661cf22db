#!/bin/sh
# F4: the keeper is killed as soon as there is a supervisor.  `start` hears of
# a daemon that serves all the same, and nothing of that daemon is removed; or,
# if the keeper had said nothing yet, it fails and nothing is left at all.
. "$(dirname "$0")/../e2e/lib.sh"

conf <<E
[program:a]
command = sleep 1000
startsecs = 0
startretries = 0
E
cat >"$T/depose" <<'E'
"""depose PIDFILE OLD SECONDS: prints "ready"; kills the keeper that stands in
PIDFILE and is not OLD, so long after it has a child; prints its pid."""
import os, signal, sys, time
pidfile, old, after = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
print("ready", flush=True)
end = time.monotonic() + 20
while time.monotonic() < end:
    try:
        pid = int(open(pidfile).read() or 0)
        title = open("/proc/%d/cmdline" % pid).read()
        children = open("/proc/%d/task/%d/children" % (pid, pid)).read()
    except (OSError, ValueError):
        continue
    if pid != old and title.startswith("mpsupd: keeper") and children:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
        print(pid)
        sys.exit()
sys.exit("no keeper")
E
old=0
round=0
while [ $round -lt $((12 * LOAD)) ]; do
	ours python3 "$T/depose" "$PIDFILE" "$old" 0.00$((round % 6)) \
		>"$T/killed" 2>&1 &
	wait_until 'grep -qs ready "$T/killed"' 10
	code=0
	m start >"$T/out" 2>"$T/err" || code=$?
	wait $! || fail "$(cat "$T/killed")"
	old=$(sed 1d "$T/killed")
	if [ $code != 0 ]; then
		said "could not start"
		wait_until no_leftovers 3
		check '[ ! -e "$SOCKET" ] && [ ! -e "$PIDFILE" ]'
		expect 0 m start
	fi
	wait_until 'm status >/dev/null' 5
	wait_until 'k=$(cat "$PIDFILE"); [ -n "$k" ] && [ $k != $old ]' 5
	check '[ "$(keeper)" = $k ]'
	expect 1 m start
	said "already running (pid $k)"
	wait_until 'is a RUNNING' 5
	expect 0 m stop
	wait_until no_leftovers 3
	round=$((round + 1))
done
finish
