#!/bin/sh
# Rotation by size: every line whole, once, in order; as many files as asked.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:all]
command = $HELPERS/writer $T/all.n 0 60000
stdout_logfile_maxbytes = 200KB
stdout_logfile_backups = 60
[program:few]
command = $HELPERS/writer $T/few.n 0 60000
stdout_logfile_maxbytes = 1MB
stdout_logfile_backups = 2
[program:trunc]
command = $HELPERS/writer $T/trunc.n 0 20000
stdout_logfile_maxbytes = 100KB
stdout_logfile_backups = 0
[program:never]
command = $HELPERS/writer $T/never.n 0 60000
stdout_logfile_maxbytes = 0
[program:slow]
command = $HELPERS/writer $T/slow.n 20000 20000
stdout_logfile_maxbytes = 64KB
stdout_logfile_backups = 100
[DEFAULT]
startsecs = 0
autorestart = false
E
log=$T/log
start_daemon
expect 0 m wait -t $((60 * SLOW)) all
expect 0 m stop # all is written after it

# In order of age; NAME.
files() {
	find "$log" -name "$1.stdout.log*" | sort -t. -k4,4nr
}
lines_of() {
	# shellcheck disable=SC2046,SC2002 # no blanks in these
	cat $(files "$1") | "$HELPERS/verify"
}
check '[ "$(lines_of all)" = 60000 ]' "$(lines_of all)"
check '[ "$(lines_of never)" = 60000 ]' "$(lines_of never)"
check '[ "$(lines_of slow)" = 20000 ]' "$(lines_of slow)"
check '[ "$(files never | wc -l)" = 1 ]'
for f in $(files all); do
	size=$(stat -c %s "$f")
	check '[ $size -le $((200 * 1024 + 65536)) ]' "$f has $size bytes"
	case $f in *.log) continue ;; esac
	check '[ $size -ge $((200 * 1024 - 100)) ]' "$f has $size bytes"
	check '[ "$(tail -c 1 "$f")" = "" ]' "$f ends inside a line"
done
check '[ "$(files few | wc -l)" = 3 ]' "$(files few)"
check '[ "$(files trunc | wc -l)" = 1 ]' "$(files trunc)"
# The newest are there, and nothing is missing among them.
for p in few trunc; do
	# shellcheck disable=SC2046,SC2002
	cat $(files $p) | awk '{ n = $1 + 0; if (NR > 1 && n != last + 1) exit 1
		last = n } END { print last }' >"$T/last" || fail "$p: a gap"
done
check '[ "$(cat "$T/last")" = 19999 ]'
finish
