#!/bin/sh
# F6: what programs leave behind - double forks, sessions of their own, a fork
# bomb in the middle of its stop, with the main process, the supervisor or the
# keeper killed before - is gone a second after the time of the stop.  Not what
# hides from everything, which is named; and not with kill_mode = process.
. "$(dirname "$0")/../e2e/lib.sh"

# Where the daemon may have cgroups nothing can hide: that is another case.
[ -n "${MPSUPD_NS:-}" ] || [ "$(id -u)" != 0 ] || in_mount_namespace

count=50
bomb=60
[ -z "$FULL" ] || bomb=200
cases=$(id -un)
[ -z "$FULL" ] || [ "$(id -u)" != 0 ] || cases="groups root nobody"
cp "$HELPERS/escaper" "$T/escaper"
for user in $cases; do
	for mount in $(awk '{ for (i = 7; i < NF; i++)
		if ($i == "-" && $(i + 1) == "cgroup2") print $5 }' \
		/proc/self/mountinfo); do
		[ "$user" != root ] || umount -l "$mount"
	done
	{
		for mode in double setsid both clear orphans thread deaf; do
			echo "[program:$mode]"
			echo "command = $T/escaper $mode $count $T/$mode"
		done
		for mode in bomb deafbomb; do
			echo "[program:$mode]"
			echo "command = $T/escaper $mode $bomb $T/$mode"
		done
		cat <<C
[program:hidden]
command = $T/escaper hidden 2 $T/hidden
[program:left]
command = $T/escaper setsid 5 $T/left
kill_mode = process
[program:bystander]
command = $T/escaper setsid 5 $T/bystander
[DEFAULT]
startsecs = 0
stopwaitsecs = 1
autostart = false
autorestart = false
C
	} | conf "$([ "$user" != nobody ] || echo "user = nobody")"
	start_daemon
	python3 "$TOP/tests/fault/tree.py" "$T" $count $bomb "${FULL:-}" ||
		fail "$user: see above"
	[ "$user" = groups ] || check 'grep -q "belongs to no program that is known" "$DLOG"'
	log_is_clean
	expect 0 m stop
	for tag in hidden left; do
		for p in $(pgrep -f "^$T/escaper .*$T/$tag\$"); do
			kill -KILL "$p"
		done
	done
	rm -rf "${T:?}/run" "${T:?}/state" "${T:?}/log"
done
finish
