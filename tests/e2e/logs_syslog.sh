#!/bin/sh
# Output for syslog, alone and beside a file: each byte of it, and lines as the
# program wrote them, whatever the format of the file is.
. "$(dirname "$0")/lib.sh"

[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace
need_root
mkdir "$T/dev"
mount -t tmpfs tmpfs "$T/dev" || skip "cannot mount a tmpfs"
cp -a /dev/null /dev/zero /dev/urandom "$T/dev" || skip "cannot make devices"
ln -s /proc/self/fd "$T/dev/fd"
mount --bind "$T/dev" /dev || skip "cannot mount over /dev"
head -c 1 /dev/zero >"$T/one" || skip "no devices here"

cat >"$T/syslogd.py" <<'E'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
out = open(sys.argv[1], "wb", 0)
while True:
    out.write(s.recv(65536) + b"\n")
E
ours python3 "$T/syslogd.py" "$T/got" &
syslogd=$!
wait_until '[ -S /dev/log ]' 5
mkfifo "$T/in"
conf <<E
[program:alone]
command = sh -c 'printf "to "; sleep 0.2; echo syslog; printf "no newline"'
stdout_logfile = syslog
[program:both]
command = sh -c 'printf "half "; read -r l <$T/in; echo "\$l"'
stdout_syslog = true
[program:json]
command = sh -c 'printf "half "; sleep 0.2; echo "a \"line\""; echo next'
stdout_logfile_format = json
stdout_syslog = true
[DEFAULT]
startsecs = 0
autorestart = false
E
start_daemon
wait_until '[ "$(cat "$T/log/both.stdout.log" 2>/dev/null)" = "half " ]' 5
echo line >"$T/in"
expect 0 m wait -t 10 all
expect 0 m stop
said() { # how often, what
	[ "$(grep -cE "^<30>... .. ..:..:.. $2\$" "$T/got")" = "$1" ] ||
		fail "not $1 times: $2
$(cat "$T/got")"
}
said 1 'alone stdout: to syslog'
said 1 'alone stdout: no newline'
said 1 'both stdout: half '
said 1 'both stdout: line'
said 1 'json stdout: half a "line"'
said 1 'json stdout: next'
check '[ "$(cat "$T/log/both.stdout.log")" = "half line" ]'
check '[ "$(wc -l <"$T/log/json.stdout.log")" = 2 ]'
kill "$syslogd"
wait
umount /dev "$T/dev" 2>/dev/null || true
finish
