#!/bin/sh
# F2 (in part): the supervisor dies by itself: it comes back, a little later
# each time, and no program notices.
. "$(dirname "$0")/../e2e/lib.sh"
[ -z "$SANITIZED" ] || skip "a sanitizer handles SIGSEGV itself"

conf <<E
[program:w]
command = $HELPERS/writer $T/n 5000
stdout_logfile_maxbytes = 0
E
start_daemon
wait_until 'is w RUNNING' 5
pid=$(pid_of w)
k=$(keeper)
for sig in SEGV ABRT BUS KILL; do
	s=$(supervisor "$k")
	kill -$sig "$s"
	wait_until '! alive '"$s" 5
	wait_until '[ -n "$(supervisor "$k")" ] && m status >/dev/null 2>&1' 5
	check '[ "$(pid_of w)" = "$pid" ]' "SIG$sig"
done
expect 0 m stop
check '[ "$("$HELPERS/verify" <"$T/log/w.stdout.log")" = "$(cat "$T/n")" ]' \
	"$("$HELPERS/verify" <"$T/log/w.stdout.log")"
# That it died was said; it is what this test did.
sed -i '/took over/d' "$DLOG"
finish
