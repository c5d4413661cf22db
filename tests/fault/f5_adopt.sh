#!/bin/sh
# F5: adoption of programs in every condition: held by a signal, with its
# stdout elsewhere or closed, starting, stopping, with another log file or
# fewer copies in the configuration that the next daemon reads.
. "$(dirname "$0")/../e2e/lib.sh"

cat >"$T/lines" <<'E'
#!/bin/sh
i=0
while i=$((i + 1)); do
	echo "line $i"
	sleep 0.02
done
E
chmod +x "$T/lines"
configure() { # LOGFILE NUMPROCS
	conf <<E
[program:away]
command = sh -c 'echo first; exec >$T/away.out; echo own; exec sleep 1000'
startsecs = 0
[program:closed]
command = sh -c 'echo first; exec sleep 1000 >&- 2>&-'
startsecs = 0
[program:held]
command = $T/lines
startsecs = 0
[program:moved]
command = $T/lines
startsecs = 0
stdout_logfile = $T/log/$1
[program:slow]
command = $T/lines
startsecs = 60
[program:deaf]
command = sh -c 'trap "" TERM; echo deaf; until [ -e $T/end ]; do sleep 0.1; done'
startsecs = 0
stopwaitsecs = 60
[program:n]
process_name = n%(process_num)d
numprocs = $2
command = sleep 1000
startsecs = 0
E
}
no_gap() { # FILE...: lines in order, and some came after $seen
	[ "$(cat "$@" | wc -l)" -gt $((seen + 5)) ] || return 1
	cat "$@" | awk '$2 != NR { exit 1 }' || fail "lines of $* are missing"
}

configure one 4
start_daemon
wait_until '[ -s "$T/away.out" ] && [ -s "$T/log/one" ] &&
	[ -s "$T/log/held.stdout.log" ] && [ -s "$T/log/deaf.stdout.log" ] &&
	is n:n3 RUNNING && is slow STARTING' 10
pids=$(m pid away closed held moved slow deaf n:n0 n:n1)
held=$(pid_of held)
deaf=$(pid_of deaf)
gone=$(m pid n:n2 n:n3)
kill -STOP "$held"
wait_until '[ "$(field held stopped_by)" = STOP ]' 3
expect 0 m stop --no-wait deaf
configure two 2
kill_daemon
expect 0 m start
said "10 of its programs still run and are adopted"
said "n:n3: pid"
said "3 output pipes were not found again"
check '[ "$(m pid away closed held moved slow deaf n:n0 n:n1)" = "$pids" ]'
check 'is slow STARTING && is deaf STOPPING'
for p in away closed; do
	check '[ "$(field $p log)" = lost ]' "log of $p: $(field $p log)"
done
check '[ "$(field held stopped_by)" = STOP ]'
seen=$(wc -l <"$T/log/held.stdout.log")
kill -CONT "$held"
wait_until '[ "$(field held stopped_by)" = null ]' 3
wait_until 'no_gap "$T/log/held.stdout.log"' 5
seen=0
wait_until '[ -s "$T/log/two" ] && no_gap "$T/log/one" "$T/log/two"' 5
: >"$T/end"
wait_until '! alive $deaf && is deaf STOPPED' 8
for p in $gone; do
	wait_until '! alive $p' 5
done
wait_until '! m status n:n3 >/dev/null' 5
expect 0 m restart away
check '[ "$(field away log)" = ok ]'
wait_until '[ "$(wc -l <"$T/log/away.stdout.log")" = 2 ]' 5
finish
