#!/bin/sh
# The kernel refuses a group to one program: those that have one keep it.
. "$(dirname "$0")/lib.sh"
need_strace

cat >"$T/deaf" <<'E'
trap "" TERM
while :; do
	sleep 0.1
done
E
conf <<E
[program:has]
command = sh -c 'setsid sh $T/deaf & exec sleep 1000'
stopwaitsecs = 1
startsecs = 0
[program:other]
command = sleep 1001
autostart = false
startsecs = 0
E
rest() {
	leftovers | awk -v f="$T/deaf" '$2 == "sh" && $3 == f { print $1 }'
}
start_daemon
wait_until '[ -n "$(rest)" ]' 5
grep -q "^0::.*/program-has\$" "/proc/$(pid_of has)/cgroup" ||
	skip "no groups of processes here"
s=$(supervisor "$(keeper)")
ours strace -f -qq -o "$T/strace" -p "$s" -e trace=clone3 \
	-e inject=clone3:error=EBUSY 2>"$T/strace.err" &
strace=$!
wait_until 'grep -q "^TracerPid:.*$strace\$" "/proc/$s/status"' 5
expect 0 m start other
kill "$strace"
wait "$strace" || true
check '! grep -q mpsupd- "/proc/$(pid_of other)/cgroup"'
expect 0 m stop has
check '[ -z "$(rest)" ]' "$(leftovers)"
finish
