#!/bin/sh
# F10: too few descriptors, processes, or too little memory for what is wanted:
# the daemon runs what it can and says so, and all of it when the limit is gone.
. "$(dirname "$0")/../e2e/lib.sh"

user=
as_user() {
	[ -z "$user" ] || set -- setpriv --reuid=$user --regid=$user \
		--clear-groups "$@"
	"$@"
}

both() { # of the daemon's processes
	k=$(keeper)
	echo "$k $(supervisor "$k")"
}

limit() { # OPTION...: of a daemon that runs
	for p in $(both); do
		as_user prlimit --pid "$p" "$@" || fail "prlimit $*"
	done
}

all_run() {
	[ "$(m --json status all | grep -o '"RUNNING"' | wc -l)" = "$1" ]
}

settle() { # as many as can run, and none is given up
	wait_until 'm status all | grep -q BACKOFF' 5
	check '! m status all | grep -q FATAL'
	m reload >"$T/out" 2>&1 || grep -q '[a-z]' "$T/out" ||
		fail "reload: no word"
	check '[ "$(both)" = "$WAS" ]' "the daemon died: $(both), not $WAS"
}

programs() { # NUMBER
	cat <<E
[program:p]
command = sleep 1000
process_name = p%(process_num)d
numprocs = $1
startsecs = 0
restart_delay = 100ms
restart_delay_max = 500ms
E
}

# Descriptors: 20 programs need 40 of them for their output alone.
{ programs 20; echo "autostart = false"; } | conf
expect 0 prlimit --nofile=64:1000 "$MPSUPD" -c "$CONF" start
WAS=$(both)
limit --nofile=32:
expect 0 m start --no-wait all
settle
m status all | grep -q "Too many open files" || fail "$(m status all)"
limit --nofile=1000:
wait_until 'all_run 20' 3
check '[ "$(both)" = "$WAS" ]'
expect 0 m stop

# With so few that it cannot start, it says why and leaves nothing.
n=3
while [ $n -lt 20 ]; do
	if ! prlimit --nofile=$n:$n "$MPSUPD" -c "$CONF" start \
		>"$T/out" 2>&1 </dev/null; then
		grep -q '[a-z]' "$T/out" || fail "limit of $n: no word"
	else
		expect 0 m stop
	fi
	wait_until no_leftovers 3
	check '[ ! -e "$SOCKET" ] && [ ! -e "$PIDFILE" ]' "limit of $n: left"
	n=$((n + 1))
done

# Memory: a configuration that does not fit is refused, and what runs runs on.
if [ -z "$SANITIZED" ]; then
	programs 3 | conf
	start_daemon
	wait_until 'all_run 3' 5
	WAS=$(both)
	for p in $WAS; do
		kb=$(sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$p/status")
		prlimit --pid "$p" --as=$((kb * 1024 + 100000)):
	done
	programs 5000 | conf
	expect 1 m reload
	said "nothing changed"
	check '[ -n "$(supervisor "$(keeper)")" ]'
	wait_until 'all_run 3' 5
	limit --as=unlimited:
	programs 4 | conf
	expect 0 m reload
	wait_until 'all_run 4' 3
	expect 0 m stop
fi

# Processes: as another user, whom nothing else belongs to.
[ "$(id -u)" = 0 ] || finish
user=$((20000 + $$ % 10000))
programs 8 | conf
rm -rf "$T/run" "$T/state" "$T/log"
mkdir "$T/run" "$T/state" "$T/log"
chown $user "$T/run" "$T/state" "$T/log"
as_user prlimit --nproc=5:1000 "$MPSUPD" -c "$CONF" start >"$T/out" 2>&1 ||
	fail "$(cat "$T/out")"
WAS=$(both)
settle
limit --nproc=1000:
wait_until 'all_run 8' 3
check '[ "$(both)" = "$WAS" ]'
expect 0 m stop
finish
