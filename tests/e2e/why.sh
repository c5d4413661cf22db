#!/bin/sh
# mpsupd why: the answer for each state, the last lines, and out of memory.
. "$(dirname "$0")/lib.sh"
[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace

# What the kernel counts, as far as anybody here can see.
victims() {
	printf 'nr_free_pages 7\noom_kill %s\nunstable 0\n' "$1" >"$T/vmstat"
}
victims 3
mount --bind "$T/vmstat" /proc/vmstat 2>"$T/why" || skip "$(cat "$T/why")"

conf <<E
[program:never]
command = sleep 1000
autostart = false
description = is never there
documentation = https://example.org/never
[program:up]
command = sleep 1000
startsecs = 0
[program:twin]
command = sleep 1000
startsecs = 0
[program:ready]
command = sh -c 'seq 20; printf "\\033[1mred\\n" >&2; exit 0'
startsecs = 0
autorestart = false
[program:odd]
command = sh -c 'exit 0'
startsecs = 0
autorestart = unexpected
[program:quick]
command = sh -c 'echo no database >&2; exit 3'
startsecs = 10
startretries = 1000
[program:fatal]
command = $T/nothing
startretries = 0
[program:big]
command = sh -c 'head -c 200000 /dev/zero | tr "\\0" x; echo; echo; printf end'
startsecs = 0
autorestart = false
[program:long]
command = $HELPERS/writer $T/long.n 1000 2000
stdout_logfile_maxbytes = 10KB
startsecs = 0
autorestart = false
[program:stubborn]
command = sh -c 'trap "" TERM; while :; do sleep 0.1; done'
startsecs = 0
stopwaitsecs = 60
killasgroup = true
[group:crew]
programs = up
E
start_daemon
wait_until 'is up RUNNING && is fatal FATAL && is big EXITED' 5
expect 0 m why never
said 'never is not running, STOPPED'
said 'It was never started: it has autostart = false'
said 'Description: is never there'
said 'Documentation: https://example.org/never'
expect 0 m why up
said "crew:up is running for "
said "as pid $(m pid up)."
check '[ "$(wc -l <"$T/out")" = 1 ]' "$(cat "$T/out")"
wait_until 'is ready EXITED && is odd EXITED && is long EXITED' 10
expect 0 m why ready
said 'not running, EXITED'
said 'autorestart = false'
said 'with exit code 0, after '
said '  11
  12'
said '  20'
check '! grep -qx "  10" "$T/out"'
said '\x1B[1mred'
expect 0 m why odd
said 'this exit code is in its exitcodes'
expect 0 m why fatal
said "not running, FATAL"
said "$T/nothing"
said "until somebody starts it"
check '! grep -q "last ended" "$T/out"'
wait_until 'is quick BACKOFF && m why quick | grep -q "The last [2-9] starts failed"' 20
wait_until 'is quick BACKOFF' 5
expect 0 m why quick
said 'exited too quickly (exit code 3)'
said 'with exit code 3'
said '  no database'
expect 0 m --json why quick
said '"wanted":"up"'
said '"waiting_for":[]'
said '"autorestart":"unexpected","daemon":"running"'
expect 0 m stop quick
expect 0 m why quick
said 'STOPPED'
said 'It was stopped on request'

# The end of a log: long lines, no newline at its end, a rotation.
expect 0 m --json why big
python3 - "$T/out" <<'E' || fail "$(cut -c 1-300 "$T/out")"
import json, sys
t = json.load(open(sys.argv[1]))["stdout_tail"]
assert t[-2:] == ["", "end"], t[-2:]
assert len(t) == 3 and 0 < len(t[0]) < 16384 and set(t[0]) == {"x"}
E
# What was rotated away a moment ago counts, too.
printf 'one\ntwo\n' >"$T/log/ready.stdout.log.1"
printf 'three\n' >"$T/log/ready.stdout.log"
expect 0 m --json why ready
said '"stdout_tail":["one","two","three"]'
: >"$T/log/ready.stdout.log"
rm "$T/log/ready.stdout.log.1"
expect 0 m --json why ready
said '"stdout_tail":[]'
expect 0 m --json why long
said '"log":"ok"'
expect 0 m stop --no-wait stubborn
expect 0 m why stubborn
said 'stubborn is STOPPING'
said 'It was told to end'
expect 0 m signal KILL stubborn
wait_until 'is stubborn STOPPED' 5

# Out of memory, or not: a signal of ours is none, and one victim of the
# kernel explains one end.
oom() {
	m --json why "$1" | grep -o '"oom":[a-z]*'
}
again() { # NAME: it ended and runs again
	name=$1
	wait_until 'is $name RUNNING && [ "$(pid_of $name)" != "$pid" ]' 10
}
pid=$(pid_of up)
expect 0 m signal KILL up
again up
check '[ "$(oom up)" = "\"oom\":false" ]' "$(m --json why up)"
victims 4
pid=$(pid_of up)
twin=$(pid_of twin)
expect 0 m signal KILL up
again up
check '[ "$(oom up)" = "\"oom\":true" ]' "$(m --json why up)"
expect 0 m why up
said 'by signal KILL'
said 'Memory ran out'
pid=$twin
expect 0 m signal KILL twin
again twin
check '[ "$(oom twin)" = "\"oom\":false" ]' "$(m --json why twin)"
victims 5
expect 0 m stop twin
check '[ "$(oom twin)" = "\"oom\":false" ]'
# After a takeover: what the counter was is not known any more.
expect 0 m start twin
s=$(supervisor "$(keeper)")
kill -KILL "$s"
wait_until '[ -n "$(supervisor "$(keeper)")" ] && is up RUNNING' 5
check 'm --json why up | grep -q "\"signal\":\"KILL\",.*\"ran_s\":null,\"oom\":null"' \
	"$(m --json why up)"
pid=$(pid_of twin)
expect 0 m signal KILL twin
again twin
check '[ "$(oom twin)" = "\"oom\":null" ]' "$(m --json why twin)"

expect 4 m why nobody
expect 2 m why
expect 2 m why up twin
expect 1 m why all
said 'why takes one program'
expect 5 "$MPSUPD" -s "$T/none" why up
finish
