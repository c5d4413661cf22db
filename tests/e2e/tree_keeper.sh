#!/bin/sh
# The keeper is killed while a program's rest is cleared away: that is no child
# of the next keeper, and no second copy starts beside it.
. "$(dirname "$0")/lib.sh"

# Where the daemon may have cgroups the kernel keeps the list.
if [ -z "${MPSUPD_NS:-}" ]; then
	in_mount_namespace
fi
for mount in $(awk '{ for (i = 7; i < NF; i++)
	if ($i == "-" && $(i + 1) == "cgroup2") print $5 }' \
	/proc/self/mountinfo); do
	umount -l "$mount"
done
cat >"$T/deaf" <<'E'
trap "" TERM
while :; do
	sleep 0.1
done
E
conf <<E
[program:leaves]
command = sh -c 'setsid sh $T/deaf & sleep 0.3; exit 1'
startsecs = 0
stopwaitsecs = 600
E
rest() {
	leftovers | awk -v f="$T/deaf" '$2 == "sh" && $3 == f { print $1 }'
}
start_daemon
wait_until 'is leaves STOPPING' 5
k=$(keeper)
kill -KILL "$k"
wait_until 'grep -q "the keeper was killed; pid" "$DLOG"' 5
# Looks at what is left are 0.05 s apart at most.
now
until [ "$((NOW + 100))" -lt "$(now; echo "$NOW")" ]; do
	check 'is leaves STOPPING' "$(state leaves)"
done
check '[ "$(rest | wc -l)" = 1 ]' "$(leftovers)"
kill -KILL "$(rest)"
wait_until 'grep -q "leaves: STOPPING -> EXITED" "$DLOG"' 5
expect 0 m stop --no-wait leaves
for pid in $(rest); do
	kill -KILL "$pid"
done
finish
