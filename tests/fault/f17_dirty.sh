#!/bin/sh
# F17: started from a place as bad as can be, a program gets what it was
# promised: descriptors 0 to 2, no ignored or blocked signal, the configured
# umask, and the environment that its configuration says; also from a supervisor
# or a keeper that is not the first.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=1
[ -z "$FULL" ] || rounds=20
conf <<E
[program:default]
command = $HELPERS/report $T/default
environment = REPORT_STAY=1
[program:empty]
command = $HELPERS/report $T/empty
environment = REPORT_STAY=1,MINE=yes
inherit_environment = false
umask = 027
directory = $T
E
has() { # LINE
	grep -qxF "$1" "$T/$f" || fail "$f has not \"$1\":
$(grep -v '^env BIG' "$T/$f")"
}
started() {
	wait_until '[ -f "$T/default" ] && [ -f "$T/empty" ]' 10
	for f in default empty; do
		has 'fds 0 1 2'
		has 'ignored 0000000000000000'
		has 'blocked 0000000000000000'
		has 'fd0 /dev/null'
		has 'tty no'
		has "nofile $limit"
		has 'argc 2'
	done
	has 'umask 027'
	has "cwd $T"
	has 'env MINE=yes'
	# Nothing that was not asked for.
	check '! grep "^env " "$T/empty" | grep -vE \
		"^env (PATH|HOME|USER|LOGNAME|SHELL|MINE|REPORT_STAY|SUPERVISOR_[A-Z_]*|MPSUPD_[A-Z_]*)="' \
		"$(grep '^env' "$T/empty" | grep -v BIG)"
	f=default
	has 'umask 022'
	has 'cwd /'
	has 'env LD_BIND_NOW=1' # inherited, as the manual says
	check '[ "$(grep -c "^env BIG" "$T/default")" = 10 ]'
	rm "$T/default" "$T/empty"
}
limit=$(ulimit -n)
n=0
while [ $n -lt $rounds ]; do
	expect 0 "$HELPERS/dirty" "$MPSUPD" -c "$CONF" start
	started
	k=$(keeper)
	kill -KILL "$(supervisor "$k")"
	wait_until 'm restart default empty >/dev/null 2>&1' 10
	started
	kill -KILL "$k"
	wait_until '[ "$(keeper 2>/dev/null)" != "$k" ] &&
		m restart default empty >/dev/null 2>&1' 10
	started
	expect 0 "$HELPERS/dirty" "$MPSUPD" -c "$CONF" upgrade
	expect 0 m restart default empty
	started
	expect 0 "$HELPERS/dirty" "$MPSUPD" -c "$CONF" stop
	n=$((n + 1))
done
check '[ "$(stat -c %a "$DLOG")" = 644 ]' "umask of the daemon"

# Not even a name: usage, whatever the kernel makes of it.
expect 2 "$HELPERS/dirty" -0 "$MPSUPD"
finish
