#!/bin/sh
# Rotated files are compressed by a helper: no line is lost, also when the
# supervisor or gzip is killed in the middle; without gzip the file stays.
. "$(dirname "$0")/lib.sh"
command -v gzip >/dev/null || skip "no gzip"

log=$T/log/num.stdout.log
files() { # NAME: oldest first
	find "$T/log" -name "$1.stdout.log*" ! -name '*.tmp' |
		sed 's/^\(.*\.log\)\.\{0,1\}\([0-9]*\)\(.*\)/\2 &/; s/^ /0 /' |
		sort -nr | sed 's/^[0-9]* //'
}
lines_of() {
	for f in $(files "$1"); do
		case $f in *.gz) gzip -dc "$f" ;; *) cat "$f" ;; esac
	done | "$HELPERS/verify"
}
plain() {
	find "$T/log" -name "$1.stdout.log.[0-9]*" ! -name '*.gz'
}
write() { # COMPRESS
	conf <<E
[program:num]
command = $HELPERS/writer $T/num.n 0 60000
stdout_logfile_maxbytes = 500KB
stdout_logfile_backups = 30
stdout_logfile_compress = $1
[program:kill]
command = $HELPERS/writer $T/kill.n 20000 120000
stdout_logfile_maxbytes = 400KB
stdout_logfile_backups = 60
stdout_logfile_compress = true
stdout_logfile_format = raw
autostart = false
[DEFAULT]
startsecs = 0
autorestart = false
E
}
write false
start_daemon
expect 0 m wait -t 20 num
wait_until '[ -s "$log" ] && [ "$(lines_of num)" = 60000 ]' 5
check '[ "$(plain num | wc -l)" = 11 ]' "$(files num)"

# By reload, also what is there already.
write true
expect 0 m reload
wait_until '[ -z "$(plain num)" ]' 20
check '[ "$(find "$T/log" -name "num*.gz" | wc -l)" = 11 ]' "$(files num)"
check '[ "$(lines_of num)" = 60000 ]' "$(lines_of num)"
check '[ "$(stat -c %a "$log.1.gz")" = 644 ]'
check '[ ! -e "$log.gz.tmp" ]'

# What is compressed is not shown, and that is said.
expect 0 m logs -n 3 num
check '[ ! -s "$T/err" ]'
expect 0 m logs -n all num
said "compressed, and not shown: $log"
check '[ "$(wc -c <"$T/out")" = "$(stat -c %s "$log")" ]'

# Killed again and again: the supervisor, and gzip with it.
expect 0 m start kill
k=$(keeper)
i=0
while [ ! -s "$T/kill.n" ]; do
	s=$(supervisor "$k")
	[ -n "$s" ] && kill -KILL "$s" && i=$((i + 1))
	sleep 0.$((i % 3))5
done
check '[ $i -gt 3 ]'
expect 0 m wait -t 20 kill
wait_until '[ -z "$(plain kill)" ]' 30
check '[ "$(lines_of kill)" = 120000 ]' "$(lines_of kill)"
check '[ "$(find "$T/log" -name "kill*.gz" | wc -l)" -ge 25 ]'
check '[ -z "$(find "$T/log" -name "*.tmp")" ]'
expect 0 m stop

# No gzip: a warning, and the file stays.
rm -r "$T/log"
write true
expect 0 env PATH="$T" "$MPSUPD" -c "$CONF" start
wait_until 'grep -q "cannot be compressed: there is no gzip" "$DLOG"' 20
wait_until '[ "$(lines_of num)" = 60000 ]' 10
check '[ "$(plain num | wc -l)" = 11 ]' "$(files num)"
check '[ "$(grep -c "there is no gzip" "$DLOG")" -le 2 ]'
finish
