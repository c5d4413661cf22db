#!/bin/sh
# start -n: in the foreground, logs to stderr, Ctrl-C stops it in order.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
[program:out]
command = sh -c 'echo to stdout; exec sleep 1000'
stdout_logfile = /dev/stdout
E

# A shell gives background jobs SIGINT ignored; a terminal does not.
run() {
	exec python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$MPSUPD" -c "$CONF" start -n
}

for sig in INT TERM; do
	rm -f "$T/fg.out" "$T/fg.err"
	run >"$T/fg.out" 2>"$T/fg.err" &
	fg=$!
	wait_until 'm status >/dev/null 2>&1' 5
	wait_until 'is a RUNNING' 5
	check '[ "$(keeper)" = "$fg" ]' "the foreground process is the daemon"
	check '[ "$(cat "$PIDFILE")" = "$fg" ]'
	expect 1 m start
	said "already running (pid $fg)"
	wait_until 'grep -q "to stdout" "$T/fg.out"' 5
	wait_until 'grep -q "STARTING -> RUNNING" "$T/fg.err"' 5
	pid=$(pid_of a)
	kill -"$sig" "$fg"
	code=0
	wait "$fg" || code=$?
	check '[ "$code" = 0 ]' "exit code $code after SIG$sig"
	check '! alive $pid'
	check '[ ! -e "$SOCKET" ] && [ ! -e "$PIDFILE" ]'
done

# Output goes to a pipe as well.
run 2>/dev/null | sed -u 's/^/piped: /' >"$T/fg.out" &
wait_until 'grep -q "piped: to stdout" "$T/fg.out"' 5
expect 0 m stop

# Ctrl-C reaches the whole group, and may come at any moment: it stops in order
# or has not begun, and nothing is left.
ours python3 - "$MPSUPD" "$CONF" "$T/run" <<'E' || fail "see above"
import os, signal, subprocess, sys, time
mpsupd, conf, run = sys.argv[1:]
for i in range(40):
    p = subprocess.Popen([mpsupd, "-c", conf, "start", "-n"],
                         env=dict(os.environ, MPSUPD_TEST=run[:-4]),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         preexec_fn=os.setpgrp)
    t = time.perf_counter()
    while time.perf_counter() - t < i * 0.0003:
        pass
    os.killpg(p.pid, signal.SIGINT)
    code = p.wait(30)
    left = [f for f in ("mpsupd.pid", "control.sock")
            if os.path.exists(run + "/" + f)]
    assert code in (0, -signal.SIGINT) and not left, (i, code, left)
E

# It cannot start: says why, non-zero.
code=0
m start -n -- x 2>"$T/err" || code=$?
check '[ $code = 2 ]' "start -n NAME: $code"
echo 'frob = 1' >>"$CONF"
expect 2 m start -n
finish
