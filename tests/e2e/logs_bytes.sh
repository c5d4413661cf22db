#!/bin/sh
# Every byte of a program's output arrives: sizes around a pipe's, all values,
# a line of 10 MB, both streams, one stream.
. "$(dirname "$0")/lib.sh"

big=64
[ -z "$SANITIZED" ] || big=4
python3 - "$T" $((big << 20)) <<'E'
import os, sys
d, big = sys.argv[1], int(sys.argv[2])
for n in 1, 4095, 65535, 65536, 65537, 1048576, big:
    line = b"%d " % n + b"x" * 62 + b"\n"
    open(f"{d}/in.{n}", "wb").write((line * (n // len(line) + 1))[:n])
open(d + "/in.values", "wb").write(bytes(range(256)) * 300)
open(d + "/in.line", "wb").write(b"0123456789" * 1000000)
E
{
	for f in "$T"/in.*; do
		echo "[program:b${f##*in.}]"
		echo "command = sh -c 'cat $f; exec >&2; exec cat $f'"
		echo "stdout_logfile_maxbytes = 0"
		echo "stderr_logfile_maxbytes = 0"
	done
	cat <<E
[program:one]
command = sh -c 'i=0; while [ \$i -lt 500 ]; do echo out \$i; echo err \$i >&2; i=\$((i+1)); done'
redirect_stderr = true
[program:none]
command = cat $T/in.1048576
stdout_logfile = NONE
stderr_logfile = off
[program:named]
command = sh -c 'echo named; echo named2 >&2'
stdout_logfile = $T/named.out
stderr_logfile = $T/named.err
E
} | sed 's/^command.*/&\nstartsecs = 0\nautorestart = false/' | conf
start_daemon
expect 0 m wait -t $((60 * SLOW)) all
for f in "$T"/in.*; do
	n=b${f##*in.}
	for s in stdout stderr; do
		wait_until 'cmp -s $f $T/log/$n.$s.log' 10
	done
	check '[ "$(field $n log)" = ok ]'
done
i=0
while [ $i -lt 500 ]; do
	echo "out $i"
	echo "err $i"
	i=$((i + 1))
done >"$T/want"
wait_until 'cmp -s "$T/want" "$T/log/one.stdout.log"' 5
check '[ ! -e "$T/log/one.stderr.log" ]'
check '[ ! -e "$T/log/none.stdout.log" ] && [ ! -e "$T/log/none.stderr.log" ]'
check '[ "$(field none log)" = none ]'
check '[ "$(cat "$T/named.out" "$T/named.err" | tr "\n" " ")" = "named named2 " ]'
expect 1 m logs none

# What a program says as its last word, in the moment of the daemon's end.
conf <<E
[program:last]
command = sh -c 'trap "cat $T/in.1048576; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
stdout_logfile_maxbytes = 0
E
expect 0 m reload
wait_until 'grep -qs ready "$T/log/last.stdout.log"' 5
expect 0 m stop
check '[ "$(stat -c %s "$T/log/last.stdout.log")" = 1048582 ]' \
	"$(stat -c %s "$T/log/last.stdout.log")"
finish
