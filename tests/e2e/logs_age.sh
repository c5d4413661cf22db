#!/bin/sh
# Rotation by age: when the next byte comes, at the end of a line, counted from
# the birth of the file, also over a restart of the daemon; by reload.
. "$(dirname "$0")/lib.sh"

mkfifo "$T/in" "$T/in2"
write() { # MAXAGE
	conf <<E
[program:raw]
command = sh -c 'while read -r l; do printf "\$l"; done <$T/in'
stdout_logfile_maxage = $1
stdout_logfile_backups = 3
[program:json]
command = sh -c 'while read -r l; do echo "\$l"; done <$T/in2'
stdout_logfile_format = json
stdout_logfile_maxage = $1
E
}
exec 7<>"$T/in" 8<>"$T/in2"
raw=$T/log/raw.stdout.log json=$T/log/json.stdout.log
older_than() { # SECONDS FILE
	now
	[ $(($(date +%s) - $(stat -c %W "$2"))) -gt "$1" ]
}
write 0
start_daemon
printf '%s\n' 'one\n' 'half-' >&7
echo first >&8
wait_until '[ "$(cat "$raw" 2>/dev/null)" = "one
half-" ] && [ -s "$json" ]' 5
case $(stat -c %W "$raw") in '-' | 0) skip "no birth of files here" ;; esac
wait_until 'older_than 1 "$raw" && older_than 1 "$json"' 5

# Not yet; then, from one reload to the next, it is too old.
printf '%s\n' 'more-' >&7
wait_until 'grep -q half-more- "$raw"' 5
write 1s
expect 0 m reload
check '[ ! -e "$raw.1" ]'
printf '%s\n' 'end\ntwo\n' >&7
echo second >&8
wait_until '[ "$(cat "$raw" 2>/dev/null)" = two ]' 5
check '[ "$(cat "$raw.1")" = "one
half-more-end" ]' "$(cat "$raw.1")"
wait_until 'grep -qs second "$json"' 5
check 'grep -q first "$json.1" && [ "$(cat "$json" "$json.1" | wc -l)" = 2 ]'

# The age is that of the file, whoever writes it.
expect 0 m stop
wait_until 'older_than 1 "$raw"' 5
start_daemon
printf '%s\n' 'three\n' >&7
wait_until '[ "$(cat "$raw" 2>/dev/null)" = three ]' 5
check '[ "$(cat "$raw.1")" = two ] && [ -e "$raw.2" ]'
exec 7>&- 8>&-
finish
