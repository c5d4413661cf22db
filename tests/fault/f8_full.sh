#!/bin/sh
# F8: the disk with a log is full: nothing is lost, little is said about it,
# nothing is burnt, status says so; and all of it goes on when there is room.
. "$(dirname "$0")/../e2e/lib.sh"
[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace

seconds=5 lines=60000
[ -z "$FULL" ] || seconds=35 lines=200000
mkdir "$T/disk"
mount -t tmpfs -o size=1m tmpfs "$T/disk" || skip "cannot mount a tmpfs"
conf <<E
[program:full]
command = $HELPERS/writer $T/n 20000 $lines
stdout_logfile = $T/disk/full.log
stdout_logfile_maxbytes = 0
autorestart = false
E
ticks() { # of keeper and supervisor, in ticks
	cat "/proc/$k/stat" "/proc/$s/stat" | sed 's/.*) //' |
		awk '{ n += $12 + $13 } END { print n }'
}
start_daemon
k=$(keeper)
s=$(supervisor "$k")
wait_until '[ "$(field full log)" = disk_full ]' 10
check '[ "$(stat -c %s "$T/disk/full.log")" -gt 900000 ]'
before=$(ticks)
complaints() {
	grep -c 'full.log: cannot write' "$DLOG"
}
said=$(complaints)
check '[ $said -ge 1 ]'
now
from=$NOW
wait_until 'now; [ $((NOW - from)) -ge $((seconds * 100)) ]' $((seconds + 5))
used=$(($(ticks) - before))
took=$((NOW - from))
hz=$(getconf CLK_TCK)
echo "full for $took cs: $((used * 100 / hz)) cs of CPU"
check '[ $((used * 100 / hz * 50)) -lt $((took * SLOW)) ]' \
	"$((used * 100 / hz)) cs of CPU in $took cs"
said=$(($(complaints) - said))
check '[ $said -le $((took / 1000 + 1)) ]' \
	"$said messages in $took cs"
check '[ "$(field full log)" = disk_full ]'
check 'is full RUNNING'

# Nothing of it was in the log only: empty the disk as it fills, until all
# lines went through.
while [ ! -s "$T/n" ] || [ "$(field full log)" = disk_full ] ||
	[ -s "$T/disk/full.log" ]; do
	if [ -s "$T/disk/full.log" ]; then
		mv "$T/disk/full.log" "$T/disk/part"
		expect 0 m reopen
		wait_until '[ -e "$T/disk/full.log" ] || [ -s "$T/n" ]' 10
		cat "$T/disk/part" >>"$T/all"
		rm "$T/disk/part"
	fi
done
check '[ "$("$HELPERS/verify" <"$T/all")" = $lines ]' \
	"$("$HELPERS/verify" <"$T/all")"
expect 0 m stop
finish
