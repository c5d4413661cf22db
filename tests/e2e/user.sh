#!/bin/sh
# user = : identity of programs, and a daemon that gives up root itself.
. "$(dirname "$0")/lib.sh"
need_root

mkdir -m 777 "$T/open"
conf <<E
[program:nobody]
command = $T/report $T/open/nobody
user = nobody
startsecs = 0
autorestart = false
[program:out]
command = sh -c 'echo hello >/dev/stdout; exec sleep 1000'
user = nobody
E
cp "$HELPERS/report" "$T/report"
start_daemon
wait_until '[ -s "$T/open/nobody" ]' 5
check 'grep -qx "uid $(id -u nobody)" "$T/open/nobody"'
check 'grep -qx "gid $(id -g nobody)" "$T/open/nobody"'
check 'grep -qx "env USER=nobody" "$T/open/nobody"'
wait_until '[ "$(cat "$T/log/out.stdout.log")" = hello ]' 5
check '[ "$(stat -c %U "$T/log/out.stdout.log")" = root ]'
expect 0 m stop
sed -i 's/user = nobody/user = no-such-user-here/' "$CONF"
code=0
m check >"$T/out" 2>&1 || code=$?
check 'grep -q no-such-user-here "$T/out" || [ $code = 0 ]'

rm -rf "$T/run" "$T/log"
conf "user = nobody" <<E
[program:me]
command = $T/report $T/open/me
startsecs = 0
autorestart = false
E
start_daemon
wait_until '[ -s "$T/open/me" ]' 5
check 'grep -qx "uid $(id -u nobody)" "$T/open/me"'
check '[ "$(stat -c %U "/proc/$(keeper)")" = nobody ]'
expect 0 m status
finish
