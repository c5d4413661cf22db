#!/bin/sh
# attach writes to the standard input of a program that has one for that, and
# shows what it answers; also when the supervisor was killed in between.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:plain]
command = sh -c 'cat; echo the end; exec sleep 1000'
startsecs = 0
E
cat >"$T/calc" <<'E'
while read -r line; do
	echo "got $line"
	echo "err $line" >&2
	[ "$line" != quit ] || exit 7
done
echo "end of input"
E
start_daemon
"$MPSUPD" -c "$CONF" run --stdin-open --name calc -- sh "$T/calc" \
	>"$T/run.out" 2>"$T/run.err" </dev/null &
run=$!
wait_until 'is calc RUNNING' 5

# say LINE...: attaches, and waits until all are answered.
say() {
	mkfifo "$T/in"
	"$MPSUPD" -c "$CONF" attach calc <"$T/in" >"$T/seen" 2>"$T/seen.err" &
	attach=$!
	exec 3>"$T/in"
	for line; do
		echo "$line" >&3
	done
	[ "$line" = quit ] ||
		wait_until 'grep -q "got $line" "$T/seen" && grep -q "err $line" "$T/seen.err"' 5
	exec 3>&-
	rm "$T/in"
}
say one two
check '[ "$(tr "\n" " " <"$T/seen")" = "got one got two " ]' "$(cat "$T/seen")"
# The end of its input is none of the program's, Ctrl-C neither.
check 'alive $attach && is calc RUNNING'
kill -INT $attach
code=0
wait $attach || code=$?
check '[ "$code" = 130 ]' "$code"
kill -KILL "$(supervisor "$(keeper)")"
say three
kill -INT $attach
wait $attach || true
say quit
code=0
wait $attach || code=$?
check '[ "$code" = 7 ]' "$code: $(cat "$T/seen.err")"
check 'grep -q "got quit" "$T/seen"'
# What is taken is more than a pipe holds, and nothing of it is lost.
wait $run || true
"$MPSUPD" -c "$CONF" run --stdin-open --name sum -- \
	sh -c 'head -c 300000 | cksum; exec sleep 1000' </dev/null \
	>"$T/run.out" 2>&1 &
run=$!
wait_until 'is sum RUNNING' 5
head -c 300000 /dev/urandom >"$T/data"
"$MPSUPD" -c "$CONF" attach sum <"$T/data" >"$T/seen2" 2>&1 &
attach=$!
wait_until 'grep -q . "$T/seen2"' 10
check '[ "$(cat "$T/seen2")" = "$(cksum <"$T/data")" ]' "$(cat "$T/seen2")"
expect 0 m stop sum
wait $attach || true
wait $run || true
# Others have nothing to write to: /dev/null, as ever.
wait_until 'm logs plain | grep -q "the end"' 5
"$MPSUPD" -c "$CONF" attach plain </dev/zero >"$T/seen2" 2>&1 &
attach=$!
expect 0 m stop plain
wait $attach || true
check '! grep -q standard "$T/seen2"'
finish
