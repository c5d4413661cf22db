#!/bin/sh
# A program that survives SIGKILL does not hold for ever what it needs.  The
# kernel is made to refuse signals without a word.
. "$(dirname "$0")/lib.sh"
need_strace

conf <<E
[program:db]
command = sleep 1000
startsecs = 0
[program:web]
command = sleep 1001
startsecs = 0
stopwaitsecs = 0
kill_mode = process
requires = db
E
start_daemon
wait_until 'is web RUNNING' 5
s=$(supervisor "$(keeper)")
ours strace -qq -o "$T/strace" -p "$s" -e trace=pidfd_send_signal \
	-e inject=pidfd_send_signal:retval=0 2>"$T/strace.err" &
strace=$!
wait_until 'grep -q "^TracerPid:.*$strace\$" "/proc/$s/status"' 5
expect 0 m stop --no-wait db
check 'is db RUNNING && is web STOPPING'
wait_until 'is db STOPPING' 10
check 'is web STOPPING'
kill "$strace"
wait "$strace" || true
expect 0 m stop
finish
