#!/bin/sh
# The inherited restart policy: autorestart, exitcodes, startretries, 1 2 3 s.
. "$(dirname "$0")/lib.sh"

cat >"$T/exits" <<E
#!/bin/sh
# exits CODE SECONDS FILE: one line in FILE for each run
read -r now _ </proc/uptime
echo "\$now" >>"\$3"
sleep "\$2"
exit "\$1"
E
chmod +x "$T/exits"
conf <<E
[program:never]
command = $T/exits 3 1.3 $T/never.n
autorestart = false
[program:expected]
command = $T/exits 7 1.3 $T/expected.n
exitcodes = 0,7
[program:unexpected]
command = $T/exits 7 1.3 $T/unexpected.n
exitcodes = 0,6
[program:zero]
command = $T/exits 0 1.3 $T/zero.n
[program:always]
command = $T/exits 0 1.3 $T/always.n
autorestart = true
[program:quick]
command = $T/exits 0 0 $T/quick.n
startretries = 3
[program:noretry]
command = $T/exits 1 0 $T/noretry.n
startretries = 0
[program:killed]
command = sh -c 'read -r now _ </proc/uptime; echo \$now >>$T/killed.n; sleep 1.3; kill -9 \$\$'
[program:nosecs]
command = $T/exits 0 0 $T/nosecs.n
startsecs = 0
[program:manual]
command = $T/exits 0 0 $T/manual.n
autostart = false
E
n() {
	if [ -f "$T/$1.n" ]; then wc -l <"$T/$1.n"; else echo 0; fi
}
start_daemon

wait_until 'is nosecs EXITED' 5
wait_until 'is noretry FATAL' 5
check '[ "$(n noretry)" = 1 ]'
check '[ "$(field noretry exit_code)" = 1 ]'
wait_until 'is never EXITED && is expected EXITED && is zero EXITED' 8
check '[ "$(field never exit_code)" = 3 ]'
check '[ "$(field expected exit_code)" = 7 ]'
wait_until '[ "$(n unexpected)" -ge 3 ]' 15
wait_until '[ "$(n always)" -ge 3 ]' 15
wait_until '[ "$(n killed)" -ge 2 ]' 15

# startretries + 1 attempts, the pauses 1, 2 and 3 s: with the run itself.
wait_until 'is quick FATAL' 20
check '[ "$(n quick)" = 4 ]' "$(n quick) attempts"
awk -v slow="$SLOW" 'NR > 1 { gap = $1 - last; want = NR - 1
	if (gap < want - 0.05 || gap > want + 1.5 * slow) bad = 1
	printf "%.2f ", gap }
	{ last = $1 } END { exit bad }' "$T/quick.n" >"$T/gaps" ||
	fail "pauses were $(cat "$T/gaps")"

# No pause after a run that was up; no second run of what is not restarted.
check '[ "$(n never) $(n expected) $(n zero) $(n nosecs)" = "1 1 1 1" ]'
check '[ "$(n manual)" = 0 ] && is manual STOPPED'
check '[ "$(field never restarts)" = 0 ]'
check '[ "$(field quick restarts)" = 3 ]'
check '[ "$(n quick)" = 4 ]' "FATAL is no end of it"

# An operator starts what is FATAL, the count begins anew.
expect 1 m start noretry
check '[ "$(n noretry)" = 2 ]'
m start --no-wait quick
wait_until '[ "$(n quick)" = 6 ]' 10
expect 0 m stop quick
check 'is quick STOPPED' "a stop in BACKOFF ends the retries"
expect 0 m stop all
finish
