#!/bin/sh
# on_full = drop: a program never waits for its log; what is lost is counted
# and said, what is kept is whole lines, and all of it applies on reload.
. "$(dirname "$0")/lib.sh"

[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace
mkdir "$T/disk"
mount -t tmpfs -o size=4m tmpfs "$T/disk" || skip "cannot mount a tmpfs"
head -c 3m /dev/zero >"$T/disk/ballast" # leaves 1 MB
mkfifo "$T/fifo"
write() { # ON_FULL
	conf <<E
[program:full]
command = sh -c '$HELPERS/writer $T/n 0 200000; exec sleep 1000'
stdout_logfile = $T/disk/full.log
stdout_logfile_maxbytes = 0
stdout_logfile_on_full = $1
[program:err]
command = sh -c '$HELPERS/writer $T/err.n 0 20000 >&2; exec sleep 1000'
stderr_logfile = $T/fifo
stderr_logfile_on_full = $1
[program:quiet]
command = sh -c 'echo few; exec sleep 1000'
stdout_logfile = $T/fifo
stdout_logfile_on_full = drop
E
}
write block
start_daemon
wait_until '[ "$(field full log)" = disk_full ]' 10
wait_until '[ "$(field err log)" = blocked ]' 10
# What fits into the pipe is not thrown away.
wait_until '[ "$(field quiet log)" = blocked ]' 10
check '[ ! -e "$T/n" ] && [ ! -e "$T/err.n" ]'

# From now on nobody waits: 20 MB and 2 MB go where there is room for 1 and 0.
write drop
expect 0 m reload
wait_until '[ -s "$T/n" ] && [ -s "$T/err.n" ]' 10
check '[ "$(cat "$T/n")" = 200000 ]'
check '[ "$(field full log)" = dropped ]' "$(field full log)"
check '[ "$(field err log)" = dropped ]' "$(field err log)"
check '[ "$(field quiet log)" = blocked ]' "$(field quiet log)"
wait_until 'is full RUNNING && is err RUNNING' 5
for p in full err; do
	m --json status $p | grep -q '[0-9] bytes of the output were dropped' ||
		fail "$(m --json status $p)"
done
check '[ "$(grep -c "full stdout dropped so far" "$DLOG")" -le 2 ]' \
	"$(grep dropped "$DLOG")"

# Room again: the newest lines come, whole ones.
rm "$T/disk/ballast"
wait_until '[ "$(field full log)" = ok ]' 10
wait_until 'tail -n 1 "$T/disk/full.log" | grep -q "^000000199999 "' 10
lost=$(sed -n 's/.*takes output again; \([0-9]*\) bytes of full.*/\1/p' "$DLOG")
check '[ "$((lost + $(stat -c %s "$T/disk/full.log")))" = 20000000 ]' "$lost"
tail -c 30000 "$T/disk/full.log" | awk 'NR > 1 && $1 != last + 1 { bad = 1 }
	{ last = $1 } END { exit bad }' || fail "what is kept has a gap"
awk 'length($0) != 99 { bad++ } END { exit bad > 1 }' "$T/disk/full.log" ||
	fail "more than the line that the disk cut is torn"

# A reader of the FIFO finds the newest of both.
ours cat "$T/fifo" >"$T/read" &
wait_until 'grep -q "^000000019999 " "$T/read" && grep -q "^few$" "$T/read"' 10
wait_until '[ "$(field err log)" = ok ]' 10
check 'grep -q "bytes of err stderr were dropped" "$DLOG"'
expect 0 m stop
wait
umount "$T/disk"
finish
