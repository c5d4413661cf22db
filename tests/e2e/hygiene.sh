#!/bin/sh
# What a program inherits, however bad the place the daemon was started from
# (F17): descriptors 0 to 2, no ignored or blocked signal, its own session.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:plain]
command = $HELPERS/report $T/plain
environment = REPORT_STAY=1
[program:set]
command = $HELPERS/report $T/set
umask = 077
directory = $T/log
redirect_stderr = true
startsecs = 0
autorestart = false
E
limit=$(ulimit -n)
expect 0 "$HELPERS/dirty" "$MPSUPD" -c "$CONF" start
wait_until '[ -f $T/plain ] && [ -f $T/set ]' 5

has() { # FILE LINE
	grep -qxF "$2" "$T/$1" || fail "$1 has not \"$2\":
$(grep -v '^env BIG' "$T/$1")"
}
for f in plain set; do
	has $f 'fds 0 1 2'
	has $f 'ignored 0000000000000000'
	has $f 'blocked 0000000000000000'
	has $f 'fd0 /dev/null'
	has $f 'tty no'
	has $f "ppid $(keeper)"
	pid=$(sed -n 's/^pid //p' "$T/$f")
	has $f "sid $pid"
	has $f "pgid $pid"
	has $f "nofile $limit"
	has $f "uid $(id -u)"
	grep -q '^fd1 pipe:' "$T/$f" || fail "fd 1 is no pipe"
done
check '[ "$(sed -n "s/^fd1 //p" "$T/set")" = "$(sed -n "s/^fd2 //p" "$T/set")" ]'
check '[ "$(sed -n "s/^fd1 //p" "$T/plain")" != "$(sed -n "s/^fd2 //p" "$T/plain")" ]'
has plain 'umask 022'
has plain 'cwd /'
has set 'umask 077'
has set "cwd $T/log"
check '[ "$(stat -c %a "$DLOG")" = 644 ]' "umask of the daemon"
check '[ "$(stat -c %a "$SOCKET")" = 600 ]'

# The daemon itself keeps nothing of it either, and still handles signals.
for p in $(keeper) $(supervisor "$(keeper)"); do
	# Of its own: one for the stdin of programs, four low numbers where
	# the descriptors of the next child are put.
	n=0
	for fd in "/proc/$p"/fd/*; do
		case ${fd##*/} in 0 | 1 | 2) continue ;; esac
		case $(readlink "$fd" || true) in /dev/null) n=$((n + 1)) ;; esac
	done
	check '[ $n -le 5 ]' "process $p holds $n descriptors of the caller"
done
n=$(pid_of plain)
kill -KILL "$n"
wait_until '[ "$(pid_of plain 2>/dev/null)" != "$n" ] && is plain RUNNING' 8

# A supervisor that was restarted gives its children the same.
kill -KILL "$(supervisor "$(keeper)")"
wait_until 'm status >/dev/null' 5
rm "$T/plain"
expect 0 m restart plain
wait_until '[ -f $T/plain ]' 5
has plain 'fds 0 1 2'
has plain 'ignored 0000000000000000'
has plain 'blocked 0000000000000000'
has plain 'umask 022'
has plain "nofile $limit"
kill -TERM "$(keeper)"
wait_until 'no_leftovers' 10
finish
