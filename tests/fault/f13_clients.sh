#!/bin/sh
# F13: hostile and clumsy clients: nothing ends, nothing grows, and another
# client is answered in time; see clients.py.
. "$(dirname "$0")/../e2e/lib.sh"

conf "operators = root" <<E
[program:a]
command = sleep 1000
startsecs = 0
[program:w]
command = $HELPERS/writer $T/n 3000
stdout_logfile_maxbytes = 1MB
startsecs = 0
E
start_daemon
wait_until 'm status a w >/dev/null' 5
pids=$(m pid a w)
K=$(keeper)
S=$(supervisor "$K")
FDS=$(fds_of "$S")
ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
export S
python3 "$TOP/tests/fault/clients.py" || fail "see above"
check '[ "$(keeper)" = "$K" ] && [ "$(supervisor "$K")" = "$S" ]' "it died"
check '[ "$(m pid a w)" = "$pids" ]' "a program was touched"
wait_until '[ "$(fds_of "$S")" -le $((FDS + 2)) ]' 15
finish
