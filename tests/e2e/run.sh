#!/bin/sh
# mpsupd run: output byte for byte, status, signals, over kills of the
# supervisor; what is bound ends, what is not goes on.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sleep 1000
startsecs = 0
[program:a]
command = sleep 1000
startsecs = 0
[group:crew]
programs = a
E
start_daemon
wait_until 'is web RUNNING' 5
cd "$T" || exit

run() {
	"$MPSUPD" -c "$CONF" run "$@"
}

# Status, both outputs, the environment, directory, mask and words as here.
expect 7 run -- sh -c 'printf "one\n"; printf "two\n" >&2; exit 7'
check '[ "$(cat "$T/out")" = one ] && [ "$(cat "$T/err")" = two ]'
expect 0 run true
expect 137 run --rm -- sh -c 'kill -9 $$'
expect 127 run --rm -- "$T/nothing" -x
said "$T/nothing"
expect 127 run --rm -- no-such-command
expect 126 run --rm -- /etc/passwd
expect 125 run --rm --directory "$T/nowhere" -- true
said "cannot enter directory"
expect 0 run --rm -- sh -c 'pwd; umask; echo "$0,$1,$#,$NEW,$SUPERVISOR_ENABLED"' \
	'a b' ''
said "$T"
said 0022
said 'a b,,1,,1'
umask 027
expect 0 run --rm --directory run --env NEW=1 --env=NEW2='x y' --env NEW=2 \
	-- sh -c 'pwd; umask; echo "$NEW,$NEW2"'
umask 022
said "$T/run"
said 0027
said '2,x y'
expect 0 run --rm --env-clear --env X=y -- env
check '! grep -q MPSUPD_TEST "$T/out" && grep -qx X=y "$T/out"' "$(cat "$T/out")"
check 'grep -q ^PATH= "$T/out"'
bytes=$(printf 'a\377b')
expect 0 run --rm --env B="$bytes" -- sh -c 'printf "$B$1"' x "$bytes"
check '[ "$(od -An -tx1 <"$T/out" | tr -d " \n")" = 61ff6261ff62 ]'
long=$(head -c 100000 /dev/zero | tr '\0' x)
expect 0 run --rm --env LONG="$long" -- sh -c 'echo ${#LONG}'
said 100000

# Standard input.
printf 'in\n' | run --rm -- cat >"$T/out"
check '[ "$(cat "$T/out")" = in ]'
seq 100000 >"$T/in"
run --rm -- md5sum <"$T/in" >"$T/out"
check '[ "$(cat "$T/out")" = "$(md5sum <"$T/in")" ]'
{ read -r line; run --rm -- cat; } <"$T/in" >"$T/out"
check '[ "$line" = 1 ]'
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	timeout 20 script -qec "$MPSUPD -c $CONF run --rm -- wc -c" /dev/null \
		>"$T/tty" </dev/null
	check 'grep -q "^0" "$T/tty"' "a terminal is not passed on: $(cat "$T/tty")"
fi

# What cannot be.
expect 2 run
expect 2 run --
expect 2 run --nothing -- true
expect 2 run --env NOVALUE -- true
expect 2 run -t soon -- true
expect 2 m --json run -- true
expect 125 run --name web -- true
said 'there is a program or group web already'
expect 125 run --name crew -- true
for name in all 'a*' 'x y' a:b '' ../x "$(head -c 201 /dev/zero | tr '\0' x)"; do
	expect 125 run --name "$name" -- true
done
expect 125 run --user no-such-user -- true
expect 125 "$MPSUPD" -s "$T/none" run -- true
mkdir "$T/log/dir.stdout.log"
expect 125 run --name dir -- true
said 'cannot create log file'
check '[ -z "$(field dir state 2>/dev/null)" ]'

# Nobody can make the daemon compare or copy for seconds.
# shellcheck disable=SC2046
expect 125 env $(seq -f V%g=1 5000) "$MPSUPD" -s "$SOCKET" run -- true
said 'variables, more than 4096'
cat >"$T/much.py" <<'E'
import array, ctl, fcntl, json, os, socket
data = b"/\0/bin/true\0" + b"".join(
	b"V%d=%s\0" % (i, b"x" * 95000) for i in range(20))
def run(i):
	fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
	os.write(fd, data)
	fcntl.fcntl(fd, 1033, 1 | 2 | 4 | 8) # F_ADD_SEALS
	c = ctl.Ctl()
	c.s.sendmsg([json.dumps({"jsonrpc": "2.0", "id": 1, "method": "run",
		"params": {"name": "much%d" % i, "strings": 1}}).encode()
		+ b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
		array.array("i", [fd]))])
	os.close(fd)
	r = c.line()
	if "result" in r:
		assert c.line()["params"]["exit_code"] == 0
	return r
for i in range(40):
	r = run(i)
	if "error" in r:
		break
assert 10 < i < 39 and r["error"]["data"]["name"] == "BUSY", (i, r)
assert "result" in run(0) # the same name: no more than before
ctl.Ctl().call("reload")
assert "result" in run(i)
E
python3 "$T/much.py" || fail "large environments"
expect 0 m reload

# Kept until a reload, or until its name is used again; --rm: gone.
expect 0 run --name job -- echo first
expect 0 m status
said 'job'
check 'is job EXITED && [ "$(cat "$T/log/job.stdout.log")" = first ]'
check '[ "$(stat -c %a "$T/log/job.stdout.log")" = 600 ]'
expect 3 run --name job -- sh -c 'echo second; exit 3'
check '[ "$(cat "$T/out")" = second ]' "$(cat "$T/out")"
check '[ "$(cat "$T/log/job.stdout.log")" = second ]'
"$MPSUPD" -c "$CONF" run --name stays -- sleep 1000 &
stays=$!
wait_until 'is stays RUNNING' 5
pid=$(pid_of stays)
expect 0 m reload
wait_until '! m status job >/dev/null 2>&1' 5
expect 4 m status job
check '[ "$(pid_of stays)" = "$pid" ]'
# The files may have a program of the name of one that is over.
expect 0 run --name later -- true
printf '[program:later]\ncommand = sleep 1000\nstartsecs = 0\n' >>"$CONF"
expect 0 m reload
wait_until 'is later RUNNING' 5
expect 0 run --rm --name gone -- true
wait_until 'm status gone >/dev/null 2>&1; [ $? = 4 ]' 5
check '[ ! -e "$T/log/gone.stdout.log" ]'
check '[ "$(supervisor "$(keeper)")" ] && is web RUNNING'

# Made from inside of a program, it is no part of that one: what it leaves
# behind goes with its own stop, by its own mark where there are no cgroups.
mark() {
	tr '\0' '\n' <"/proc/$(pid_of "$1")/environ" | grep ^MPSUPD_TREE=
}
cat >>"$CONF" <<E
[program:outer]
command = $MPSUPD -s $SOCKET run --name inner -- sh -c
	'(setsid sleep 1000 & echo \$! >$T/left); exec sleep 1000'
startsecs = 0
autorestart = false
stopsignal = KILL
E
expect 0 m reload
wait_until 'is inner RUNNING && [ -s "$T/left" ]' 5
left=$(cat "$T/left")
check '[ "$(mark inner)" != "$(mark outer)" ]' "$(mark inner)"
expect 0 m stop outer
check 'alive "$left" && is inner RUNNING' "stopped with another program"
expect 0 m stop inner
check '! alive "$left"' "left behind"

# A client that is killed leaves it; a signal to the client is the program's.
kill -KILL $stays
wait $stays || true
check '[ "$(pid_of stays)" = "$pid" ]'
expect 0 m stop stays
code=0
"$MPSUPD" -c "$CONF" run --rm --name sig -- sh -c 'trap "echo got; exit 9" USR1 INT; echo up; while :; do sleep 0.05; done' \
	>"$T/sig" &
sig=$!
wait_until 'grep -q up "$T/sig"' 5
kill -INT $sig
wait $sig || code=$?
check '[ $code = 9 ] && grep -q got "$T/sig"' "$code $(cat "$T/sig")"
expect 124 run --rm -t 0.3 -- sh -c 'sleep 1000 & wait'
code=0
"$MPSUPD" -c "$CONF" run --rm --name term -- sleep 1000 &
t=$!
wait_until 'is term RUNNING' 5
kill -TERM $t
wait $t || code=$?
check '[ $code = 143 ]' "$code"

# However much it was told meanwhile, it is not run a second time.
code=0
"$MPSUPD" -c "$CONF" run --name twice -- sh -c \
	'trap "echo got" USR1; echo up; while :; do sleep 0.05; done' \
	>"$T/twice" 2>"$T/err" &
t=$!
wait_until 'grep -q up "$T/twice"' 5
for i in 1 2 3 4 5 6 7; do
	expect 0 m signal USR1 twice
done
s=$(supervisor "$(keeper)")
pid=$(pid_of twice)
kill -STOP "$s"
kill -KILL "$pid"
kill -KILL "$s"
wait $t || code=$?
check '[ $code = 137 ] && [ "$(grep -c up "$T/twice")" = 1 ]' \
	"$code $(cat "$T/twice" "$T/err")"
check 'is twice EXITED'

# Bound: it ends with the client, also if the supervisor died before it.
"$MPSUPD" -c "$CONF" run --bind --rm --name bound -- sleep 1000 &
b=$!
wait_until 'is bound RUNNING' 5
pid=$(pid_of bound)
kill -KILL $b
wait_until '! alive $pid' 5
wait $b || true
wait_until 'm status bound >/dev/null 2>&1; [ $? = 4 ]' 5
"$MPSUPD" -c "$CONF" run --bind --name bound -- sleep 1000 &
b=$!
wait_until 'is bound RUNNING' 5
pid=$(pid_of bound)
kill -STOP $b
s=$(supervisor "$(keeper)")
kill -KILL "$s"
wait_until '[ "$(supervisor "$(keeper)")" ]' 5
kill -KILL $b
wait $b || true
wait_until '! alive $pid' 10
wait_until 'is bound STOPPED' 5
"$MPSUPD" -c "$CONF" run --bind --name bound -- sleep 1000 &
b=$!
wait_until 'is bound RUNNING' 5
pid=$(pid_of bound)
s=$(supervisor "$(keeper)")
kill -KILL "$s"
check 'sleep 6; alive $pid' "its client has come back"
expect 0 m signal KILL bound
code=0
wait $b || code=$?
check '[ $code = 137 ]'

# The end of the daemon is its end, and is told with all that it wrote.
expect 0 run --name quiet -- true
"$MPSUPD" -c "$CONF" run --rm --name last -- sh -c \
	'seq 50000; exec sleep 1000' >"$T/last" 2>"$T/last.err" &
b=$!
wait_until 'is last RUNNING && grep -qsx 50000 "$T/log/last.stdout.log"' 5
expect 0 m stop
code=0
wait $b || code=$?
check '[ $code = 143 ]' "$code $(cat "$T/last.err")"
seq 50000 | cmp - "$T/last" || fail "output of the last moment is missing"
check '[ ! -e "$T/log/last.stdout.log" ]'
start_daemon
expect 4 m status quiet

# A reader that has enough.
run --rm --name yes -- yes 2>"$T/err" | head -n 1 >"$T/out"
check '[ "$(cat "$T/out")" = y ] && [ ! -s "$T/err" ]' "$(cat "$T/err")"
wait_until 'm status yes >/dev/null 2>&1; [ $? = 4 ]' 5
finish
