#!/bin/sh
# A full disk (F8): bytes wait in the pipe, it is said, nothing is lost.
. "$(dirname "$0")/lib.sh"

[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace
mkdir "$T/disk"
mount -t tmpfs -o size=20m tmpfs "$T/disk" || skip "cannot mount a tmpfs"
head -c 19m /dev/zero >"$T/disk/ballast" # leaves 1 MB
conf <<E
[program:full]
command = $HELPERS/writer $T/n 0 30000
stdout_logfile = $T/disk/full.log
stdout_logfile_maxbytes = 0
autorestart = false
[program:json]
command = $HELPERS/writer $T/json.n 0 30000
stdout_logfile = $T/disk/json.log
stdout_logfile_maxbytes = 0
stdout_logfile_format = json
autorestart = false
[program:other]
command = $HELPERS/writer $T/other.n 1000
stdout_logfile_maxbytes = 0
E
start_daemon
wait_until '[ "$(field full log)" = disk_full ]' 10
check 'm status full | grep -q "disk full"'
wait_until '[ "$(field json log)" = disk_full ]' 10
check '[ -z "$(tail -c 1 "$T/disk/json.log")" ]' "half a line is left"
wait_until 'is full RUNNING' 5 # it goes on, or waits in write()

# Others go on; the daemon is idle; the message does not repeat.
s=$(supervisor "$(keeper)")
ticks() { sed 's/.*) //' "/proc/$s/stat" | awk '{ print $12 + $13 }'; }
before=$(ticks)
size=$(stat -c %s "$T/log/other.stdout.log")
wait_until '[ "$(stat -c %s "$T/log/other.stdout.log")" -gt $((size + 200000)) ]' 20
check '[ $(($(ticks) - before)) -le $((20 * SLOW)) ]' \
	"$(($(ticks) - before)) ticks of CPU while the disk was full"
check '[ "$(grep -c "full.log" "$DLOG")" = 1 ]' "$(grep full.log "$DLOG")"
check '[ "$(field full log)" = disk_full ]'
expect 0 m status other

# The supervisor dies meanwhile: the bytes stay in the pipe.
kill -KILL "$s"
wait_until '[ "$(field full log)" = disk_full ]' 10

# Room again: all of it arrives.
rm "$T/disk/ballast"
wait_until '[ "$(field full log)" = ok ]' 10
expect 0 m wait -t 20 full
wait_until '[ "$(stat -c %s "$T/disk/full.log")" = 3000000 ]' 5
check '[ "$("$HELPERS/verify" <"$T/disk/full.log")" = 30000 ]' \
	"$("$HELPERS/verify" <"$T/disk/full.log")"
check 'grep -q "full.log.*again" "$DLOG"'
expect 0 m wait -t 20 json
wait_until '[ "$(wc -l <"$T/disk/json.log")" -ge 30000 ]' 5
sed 's/^{"time":.*"message":"\(.*\)"}$/\1/' "$T/disk/json.log" | uniq >"$T/json"
check '[ "$("$HELPERS/verify" <"$T/json")" = 30000 ]' \
	"$("$HELPERS/verify" <"$T/json")"
expect 0 m stop
umount "$T/disk"
finish
