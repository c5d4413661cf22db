#!/bin/sh
# reopen and SIGUSR2: what logrotate does to a file in use.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:w]
command = $HELPERS/writer $T/n 2000
stdout_logfile = $T/w.log
stdout_logfile_maxbytes = 0
E
start_daemon
wait_until '[ "$(wc -l <"$T/w.log")" -gt 100 ]' 5
mv "$T/w.log" "$T/w.1"
size=$(stat -c %s "$T/w.1")
wait_until '[ "$(stat -c %s "$T/w.1")" -gt $size ]' 5 # still that file
expect 0 m reopen
wait_until '[ -e "$T/w.log" ] && [ "$(wc -l <"$T/w.log")" -gt 100 ]' 5
mv "$T/w.log" "$T/w.2"
mv "$DLOG" "$T/daemon.1"
kill -USR2 "$(keeper)"
wait_until '[ -e "$T/w.log" ] && [ "$(wc -l <"$T/w.log")" -gt 100 ]' 5
wait_until '[ -e "$DLOG" ]' 5
expect 0 m stop
check '[ "$(cat "$T/w.1" "$T/w.2" "$T/w.log" | "$HELPERS/verify")" = \
	"$(cat "$T/n")" ]' "$(cat "$T/w.1" "$T/w.2" "$T/w.log" | "$HELPERS/verify")"
finish
