#!/bin/sh
# Stale and odd pidfiles: the lock decides, never the number (F15, F16).
. "$(dirname "$0")/lib.sh"

conf <<E
[program:a]
command = sleep 1000
E
mkdir -m 755 "$T/run"

ours sleep 1000 &
innocent=$!

works() { # with whatever lies there now
	start_daemon
	check '[ "$(cat "$PIDFILE")" = "$(keeper)" ]' "$1: pidfile"
	expect 0 m stop
	check '[ ! -e "$PIDFILE" ]' "$1: the pidfile is left"
	alive $innocent || fail "$1: the innocent process died"
}

refused() {
	expect 1 m start
	said "$PIDFILE"
	no_leftovers || fail "$1: something was started: $(leftovers)"
	check '[ ! -e "$SOCKET" ]' "$1: a socket was made"
	alive $innocent || fail "$1: the innocent process died"
	rm -rf "$PIDFILE"
}

n=0
while [ $n -lt $((10 * LOAD)) ]; do
	echo $innocent >"$PIDFILE"
	expect 1 m stop # no daemon: nobody is signalled
	expect 1 m status
	works "innocent pid"
	n=$((n + 1))
done
for content in '' -1 0 1 99999999999999999999 "$innocent x" "$$" 'a
b'; do
	printf '%s\n' "$content" >"$PIDFILE"
	expect 1 m status
	works "content $content"
done
: >"$PIDFILE"
works empty
head -c 10000000 /dev/zero | tr '\0' 7 >"$PIDFILE"
works huge

# What is no plain file of ours is not touched.
echo precious >"$T/target"
ln -s "$T/target" "$PIDFILE"
refused symlink
check '[ "$(cat "$T/target")" = precious ]' "the link was followed"
ln -s "$T/nowhere" "$PIDFILE"
refused "dangling symlink"
check '[ ! -e "$T/nowhere" ]' "the link was followed"
ln "$T/target" "$PIDFILE"
refused "hard link"
check '[ "$(cat "$T/target")" = precious ]'
mkfifo "$PIDFILE"
refused fifo
mkdir "$PIDFILE"
refused directory

# The socket's name is taken.
echo precious >"$SOCKET"
expect 1 m start
said "$SOCKET"
check '[ "$(cat "$SOCKET")" = precious ]'
rm "$SOCKET"
mkdir "$SOCKET"
expect 1 m start
rmdir "$SOCKET"
python3 -c 'import os, socket
socket.socket(socket.AF_UNIX).bind(os.environ["SOCKET"])'
works "stale socket"

kill $innocent
finish
