#!/bin/sh
# An executable that cannot be opened for a while, because its owner holds it by
# a lease: everything else goes on.
. "$(dirname "$0")/lib.sh"

cp /bin/true "$T/held"
conf <<E
[program:web]
command = sleep 1000
startsecs = 0
[program:held]
command = $T/held
startsecs = 0
autostart = false
autorestart = false
E
cat >"$T/lease.py" <<'E'
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
f = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
sys.stdin.read()
E
start_daemon
wait_until 'is web RUNNING' 5
s=$(supervisor "$(keeper)")
mkfifo "$T/end"
python3 "$T/lease.py" "$T/held" <"$T/end" >"$T/lease" &
lease=$!
exec 3>"$T/end"
wait_until '[ -s "$T/lease" ] || ! alive $lease' 5
[ -s "$T/lease" ] || skip "no leases on this file system"
expect 0 m start --no-wait held
wait_until 'is held EXITED || is held BACKOFF || is held FATAL' 9
check '[ "$(supervisor "$(keeper)")" = "$s" ]' "the supervisor was killed"
check 'grep -q "held in .*: not executed within" "$DLOG"'
exec 3>&-
wait $lease || true
expect 0 m start --no-wait held
wait_until 'is held EXITED' 8
check '[ "$(field held exit_code)" = 0 ]'
# The time is over at the exec: what has been started is not killed.
check 'is web RUNNING && [ "$(field web restarts)" = 0 ]'
finish
