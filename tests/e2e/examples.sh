#!/bin/sh
# The files in conf/examples do what their comments say.
. "$(dirname "$0")/lib.sh"
EXAMPLES=$TOP/conf/examples

# example NAME [SED-COMMAND...]: a copy, included by a file of our own.
example() {
	name=$1
	shift
	cp "$EXAMPLES/$name.conf" "$T/$name.conf"
	for change; do
		sed -i "$change" "$T/$name.conf"
	done
	expect 0 "$MPSUPD" -c "$EXAMPLES/$name.conf" check
	check '! grep -q warning "$T/err"' "$(cat "$T/err")"
	rm -rf "$T/log" "$T/state"
	printf '[include]\nfiles = %s.conf\n' "$name" | conf
}

# log NAME: what it has written so far.
log() {
	m logs -n all "$1" 2>/dev/null
}

# moment TEXT: the number of the first line of the daemon's log that has it.
moment() {
	grep -n -- "$1" "$DLOG" | head -n 1 | cut -d: -f1
}

# in_order TEXT...: lines of the daemon's log come in this order.
in_order() {
	last=0
	for text; do
		n=$(moment "$text")
		check '[ -n "$n" ] && [ "$n" -gt "$last" ]' "not in order: $text"
		last=$n
	done
}

# --- all of them are read without a warning ---

for f in "$EXAMPLES"/*.conf; do
	cp "$f" "$T/check.conf"
	case $f in
	*/stack.conf) cp -r "$EXAMPLES/stack" "$T/stack" ;;
	esac
	expect 0 "$MPSUPD" -c "$T/check.conf" check
	check '! grep -q warning "$T/err"' "$f: $(cat "$T/err")"
done

# --- order ---

example order
start_daemon
wait_until 'm status db cache web tail >/dev/null' 10
in_order 'program db: .* -> RUNNING' 'program cache: .* -> STARTING' \
	'program web: .* -> STARTING' 'program tail: .* -> STARTING'
# A crash of what is required: web goes on.
web=$(pid_of web)
kill -KILL "$(pid_of db)"
wait_until 'is db RUNNING && [ "$(field db restarts)" = 1 ]' 10
check '[ "$(pid_of web)" = "$web" ]' "web was touched"
# tail is restarted with web.
tail=$(pid_of tail)
kill -KILL "$web"
wait_until 'is web RUNNING && is tail RUNNING &&
	[ "$(pid_of tail)" != "$tail" ]' 10
# A stop takes along what requires it, first.
expect 0 m stop db
said web
said tail
is web STOPPED && is tail STOPPED && is db STOPPED || fail "not stopped"
is cache RUNNING || fail "cache was touched"
in_order 'program tail: STOPPING -> STOPPED' \
	'program web: STOPPING -> STOPPED' 'program db: STOPPING -> STOPPED'
expect 0 m start web
is db RUNNING || fail "db was not started for web"
is tail STOPPED || fail "tail was started, and nobody asked for it"
expect 0 m stop
in_order 'program cache: STOPPING -> STOPPED'
check '[ "$(grep "program db: STOPPING -> STOPPED" -n "$DLOG" |
	tail -n 1 | cut -d: -f1)" -gt "$last" ]' "db stopped before cache"

# --- ready ---

port=$(python3 "$TOP/tests/e2e/ports.py" 2)
example ready "s/18080/$port/; s/18081/$((port + 1))/"
start_daemon
wait_until 'm status never | grep -q "STARTING.*not ready yet"' 5
wait_until 'm status notify line tcp http asked >/dev/null' 20
check '[ "$(field notify status_text)" = "serving nobody" ]'
m status notify | grep -q 'serving nobody' || fail "$(m status notify)"
# Silence, sickness, a server that hangs: each ends in a restart.
for p in notify http; do
	eval "$p=$(pid_of $p)"
	kill -STOP "$(pid_of $p)"
done
asked=$(pid_of asked)
: >"$T/sick"
wait_until '[ "$(field asked restarts)" -gt 0 ]' 15
rm "$T/sick"
wait_until 'is asked RUNNING && [ "$(pid_of asked)" != "$asked" ]' 10
wait_until 'is notify RUNNING && [ "$(pid_of notify)" != "$notify" ]' 15
wait_until 'is http RUNNING && [ "$(pid_of http)" != "$http" ]' 15
grep -q 'program notify: .*no sign of life' "$DLOG" || fail "no watchdog"
grep -q 'program http: .*unhealthy: 3 bad answers' "$DLOG" || fail "no health"
wait_until 'is never FATAL' 15
m status never >"$T/out" || true
grep -q 'not ready within 2 s' "$T/out" || fail "$(cat "$T/out")"
expect 0 m stop

# --- policy ---

example policy
m start -n >"$T/fg" 2>&1 &
fg=$!
wait_until '[ -S "$SOCKET" ] && is done EXITED && is flaky FATAL &&
	is main RUNNING' 15
check '[ "$(field done exit_code)" = 2 ]'
check '[ "$(log flaky | grep -c trying)" = 6 ]' "$(log flaky)"
wait_until 'log flaky | grep -q "given up: FATAL, exit code 1"' 5
m status flaky | grep -q 'gave up after 5 restarts in 60 s' ||
	fail "$(m status flaky)"
expect 0 m signal USR1 main
code=0
wait "$fg" || code=$?
check '[ "$code" = 7 ]' "the daemon ended with $code"

# --- stop ---

example stop
start_daemon
wait_until 'log stubborn | grep -q up && log asked | grep -q up &&
	log family | grep -q up && log single | grep -q left' 5
wait_until '[ "$(leftovers | grep -c "^[0-9]* sleep 100[123]")" = 3 ]' 5
now
begin=$NOW
expect 0 m stop stubborn
now
check '[ $((NOW - begin)) -ge 90 ]' "SIGINT came too early"
log stubborn | grep -q interrupted || fail "$(log stubborn)"
pid=$(pid_of asked)
expect 0 m stop asked
log asked | grep -q "asking $pid" || fail "$(log asked)"
log asked | grep -q bye || fail "$(log asked)"
kill -KILL "$(pid_of family)"
wait_until '[ "$(field family restarts)" = 1 ] &&
	[ "$(leftovers | grep -c "^[0-9]* sleep 100[123]")" = 3 ]' 10
expect 0 m stop family
check '! leftovers | grep -q "^[0-9]* sleep 100[123]"' "$(leftovers)"
left=$(log single | sed 's/left //')
expect 0 m stop single
alive "$left" || fail "the child of single was ended"
kill "$left"
expect 0 m stop

# --- oneshot ---

example oneshot 's/every 10s/every 1s/; s/sleep 0.5/sleep 2/'
start_daemon
wait_until 'm status app | grep -q "WAITING.*waits for migrate"' 5
wait_until 'is migrate EXITED && is app RUNNING' 10
in_order 'program migrate: .* -> EXITED' 'program app: .* -> STARTING'
m status nightly >"$T/out" || true
grep -qE 'WAITING.*next run .* [0-9]{2}:30:00' "$T/out" ||
	fail "$(cat "$T/out")"
expect 0 m start nightly
is nightly WAITING || fail "nightly is $(state nightly)"
log nightly | grep -q 'backup of 20' || fail "$(log nightly)"
wait_until '[ "$(log tick | grep -c tick)" -ge 3 ]' 15
expect 0 m stop

# --- hooks ---

example hooks
start_daemon
wait_until 'log web | grep -q "after the start"' 5
first=$(pid_of web)
expect 0 m restart web
second=$(pid_of web)
wait_until '[ "$(log web | grep -c "after the start")" = 2 ]' 5
expect 0 m stop web
wait_until '[ "$(log web | grep -c "after the end")" = 2 ]' 5
log web | grep -v serving >"$T/out"
cat >"$T/want" <<W
before: STARTING
after the start: $first is RUNNING
after the end: -15
before: STARTING
after the start: $second is RUNNING
after the end: -15
W
cmp -s "$T/out" "$T/want" || fail "$(cat "$T/out")"
wait_until 'is broken FATAL' 10
m why broken >"$T/out" || true
grep -q 'exec_start_pre failed (exit code 3)' "$T/out" || fail "$(cat "$T/out")"
log broken | grep -q 'no such port' || fail "$(log broken)"
expect 0 m stop

# --- logs ---

example logs 's/10MB/50/'
start_daemon
wait_until 'grep -q hello "$T/log/web.stdout.log" 2>/dev/null' 5
python3 - "$T/log/web.stdout.log" <<'P' || fail "$(cat "$T/log/web.stdout.log")"
import json, sys
line = json.loads(open(sys.argv[1]).readline())
assert line["program"] == "web" and line["message"] == "hello", line
P
wait_until 'grep -qE "^[-0-9]+T[^ ]* oh no$" "$T/log/web.stderr.log"' 5
# Each start writes a line of more than 50 bytes.
expect 0 m restart web
wait_until '[ -f "$T/log/web.stdout.log.1.gz" ]' 10
gzip -dc "$T/log/web.stdout.log.1.gz" | grep -q hello || fail "not the log"
wait_until '[ "$(field busy log)" = dropped ]' 10
is busy RUNNING || fail "busy is $(state busy)"
expect 0 m stop
finish
