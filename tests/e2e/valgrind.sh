#!/bin/sh
# With VALGRIND=1: the command under valgrind, with good and bad files and
# against a daemon.  The daemon itself is not: valgrind 3.19 lacks system calls
# that it is made of (pidfd_open, close_range, execveat); see make check-asan.
. "$(dirname "$0")/lib.sh"
[ -n "$VALGRIND" ] || skip "only with VALGRIND=1 (make check-valgrind)"
command -v valgrind >/dev/null || skip "valgrind is not installed"

vg() { # CODE ARGUMENT...
	want=$1
	shift
	expect "$want" valgrind -q --error-exitcode=99 --leak-check=full \
		--show-leak-kinds=definite --log-file="$T/vg" \
		"$MPSUPD" -c "$CONF" "$@"
	# It says that it knows no pidfd; what it finds begins with "==".
	check '! grep -q "^==" "$T/vg"' "$*: $(cat "$T/vg")"
}

conf <<E
[program:a]
command = sleep 1000
[program:b]
command = sh -c 'seq 1000; exec sleep 1000'
process_name = %(program_name)s_%(process_num)d
numprocs = 2
environment = A="1",B='%(program_name)s'
[group:g]
programs = a,b
[program:c]
command = /nonexistent
E
vg 0 check
vg 0 dump-config
vg 0 dump-config --json
vg 3 status
vg 1 stop
start_daemon
wait_until 'm status "g:*" >/dev/null' 20
vg 0 status
vg 0 --json status
vg 0 pid a
vg 0 logs -n 5 b_0
vg 0 restart a
vg 0 signal CONT a
vg 0 reload --dry-run
vg 0 wait --for RUNNING a
vg 124 wait -t 0.2 a
vg 4 stop nobody
vg 1 start
vg 2 frobnicate
cp "$CONF" "$T/good"
printf '[program:x]\ncommand = "open\nstartsecs = x\nfrob = 1\n[y\n' >>"$CONF"
vg 2 check
head -c 100000 /dev/urandom >"$CONF"
vg 2 check
cp "$T/good" "$CONF"
vg 0 stop
finish
