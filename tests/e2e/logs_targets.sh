#!/bin/sh
# Where logs may go: a shared file, new directories, a FIFO, the daemon's own
# stdout; and where not: through links.
. "$(dirname "$0")/lib.sh"

mkfifo "$T/fifo"
echo precious >"$T/target"
ln -s "$T/target" "$T/link"
ln "$T/target" "$T/hard"
conf "logfile = $T/daemon.log" "logdir = $T/deep/er/log" <<E
[program:one]
command = sh -c 'i=0; while [ \$i -lt 2000 ]; do echo one \$i; i=\$((i+1)); done; exec sleep 1000'
stdout_logfile = $T/shared.log
[program:two]
command = sh -c 'i=0; while [ \$i -lt 2000 ]; do echo two \$i; i=\$((i+1)); done; exec sleep 1000'
stdout_logfile = $T/shared.log
[program:auto]
command = sh -c 'echo auto; exec sleep 1000'
[program:fifo]
command = sh -c 'i=0; while [ \$i -lt 3000 ]; do echo fifo \$i; i=\$((i+1)); done; exec sleep 1000'
stdout_logfile = $T/fifo
[program:link]
command = sh -c 'echo through the link; exec sleep 1000'
stdout_logfile = $T/link
[program:hard]
command = sh -c 'echo through the link; exec sleep 1000'
stdout_logfile = $T/hard
[program:stdout]
command = sh -c 'echo to stdout; echo to stderr >&2; exec sleep 1000'
stdout_logfile = /dev/stdout
stderr_logfile = /dev/stderr
stdout_logfile_maxbytes = 10
[program:null]
command = sh -c 'seq 100000; exec sleep 1000'
stdout_logfile = /dev/null
E
DLOG=$T/daemon.log
start_daemon
wait_until 'm status all >/dev/null' 10

# Two programs, one file: no line of either is lost or torn.
wait_until '[ "$(wc -l <"$T/shared.log")" = 4000 ]' 5
for p in one two; do
	check '[ "$(grep -c "^$p [0-9]*$" "$T/shared.log")" = 2000 ]'
	check 'grep "^$p" "$T/shared.log" | awk "{ if (\$2 != NR - 1) exit 1 }"' \
		"$p is out of order"
done
check '[ "$(cat "$T/deep/er/log/auto.stdout.log")" = auto ]'

# Without a reader the FIFO blocks its program alone; then all arrives.
wait_until '[ "$(field fifo log)" = blocked ]' 5
timeout 20 head -n 3000 <"$T/fifo" >"$T/got"
check 'awk "{ if (\$1 != \"fifo\" || \$2 != NR - 1) exit 1 }" "$T/got"' \
	"$(head -n 3 "$T/got")"
check '[ "$(wc -l <"$T/got")" = 3000 ]'

# Links are not followed; the program runs, its output waits, and it is said.
for p in link hard; do
	wait_until '[ "$(field '$p' log)" = blocked ]' 5
	check 'is '$p' RUNNING'
	check 'grep -q "$T/'$p'.*link" "$DLOG"'
done
check '[ "$(cat "$T/target")" = precious ]' "a link was followed"
rm "$T/link"
wait_until '[ "$(cat "$T/link" 2>/dev/null)" = "through the link" ]' 5
wait_until '[ "$(field link log)" = ok ]' 5

# Its directory is removed: made anew.
rm -r "$T/deep"
expect 0 m restart auto
wait_until '[ "$(cat "$T/deep/er/log/auto.stdout.log")" = auto ]' 5
# The file is: the same.
rm "$T/shared.log"
expect 0 m restart one
wait_until '[ "$(wc -l <"$T/shared.log")" = 2000 ]' 5
rm -f "$T/link" "$T/hard"
expect 0 m stop

# In the foreground, /dev/stdout is a file or a pipe; what is in it stays.
echo before >"$T/out.log"
m start -n >>"$T/out.log" 2>/dev/null &
wait_until 'grep -q "to stdout" "$T/out.log"' 5
check '[ "$(head -n 1 "$T/out.log")" = before ]'
expect 0 m stop
wait
m start -n 2>/dev/null | cat >"$T/out2.log" &
wait_until 'grep -q "to stdout" "$T/out2.log"' 5
expect 0 m stop
wait
m start -n 2>&1 >/dev/null | cat >"$T/err.log" &
wait_until 'grep -q "to stderr" "$T/err.log"' 5
finish
