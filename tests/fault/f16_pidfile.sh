#!/bin/sh
# F16: whatever number stands in the pidfile, nobody innocent gets a signal, and
# a second daemon is refused when, and only when, the lock is held.
. "$(dirname "$0")/../e2e/lib.sh"

tries=15
[ -z "$FULL" ] || tries=1000
conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
mkdir -m 755 "$T/run"
ours "$HELPERS/innocent" "$T/signals" &
innocent=$!
# A daemon with another run directory, innocent as well.
mkdir -m 755 "$T/other"
sed "s,$T/run,$T/other," "$CONF" >"$T/other.ini"
expect 0 "$MPSUPD" -c "$T/other.ini" start
other=$(cat "$T/other/mpsupd.pid")
others() {
	"$MPSUPD" -c "$T/other.ini" pid a
}
wait_until 'others >/dev/null' 5
a=$(others)
wait_until '[ -e "$T/signals" ]' 5

unharmed() {
	check '[ ! -s "$T/signals" ]' "$1: $(cat "$T/signals")"
	alive $innocent || fail "$1: the innocent process was killed"
	grep -q '^State:.S' /proc/$innocent/status || fail "$1: it was stopped"
	check '[ "$(others)" = "$a" ]' "$1: another daemon's program"
}

# Each command that could take the number for ours.
n=0
while [ $n -lt $tries ]; do
	case $((n % 10)) in
	0 | 5) text=$innocent ;;
	1) text=$other ;;
	2) text= ;;
	3) text=-1 ;;
	4) text=1 ;;
	6) text=-$innocent ;;
	7) text="$innocent $other" ;;
	8) text=$a ;;
	9) text=99999999999999999999$innocent ;;
	esac
	printf '%s\n' "$text" >"$PIDFILE"
	case $((n % 7)) in
	0) expect 1 m stop ;;
	1) expect 1 m status ;;
	2) expect 5 m reload ;;
	3) expect 5 m signal KILL a ;;
	4) expect 5 m restart a ;;
	5) expect 5 m upgrade ;;
	6) # Nobody holds the lock: a daemon starts, and stops.
		start_daemon
		check '[ "$(cat "$PIDFILE")" = "$(keeper)" ]' "try $n"
		# Held: refused, whatever stands there by now.
		echo "$text" >"$PIDFILE"
		expect 1 m start
		said "already running"
		expect 0 m stop
		rm -f "$PIDFILE" ;;
	esac
	unharmed "try $n (\"$text\")"
	n=$((n + 1))
done
echo "$n tries"

# As large as can be, and a lock that is somebody else's.
head -c 100000000 /dev/zero | tr '\0' 7 >"$PIDFILE"
expect 1 m stop
start_daemon
expect 0 m stop
unharmed huge
: >"$PIDFILE"
python3 - "$PIDFILE" "$T/held" <<'E' &
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+")
fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK,
                                              0, 0, 0, 0))
open(sys.argv[2], "w").close()
time.sleep(1000)
E
holder=$!
wait_until '[ -e "$T/held" ]' 5
expect 1 m start
said "already running"
kill $holder
wait $holder 2>/dev/null || true
start_daemon
expect 0 m stop
unharmed "a lock"

expect 0 "$MPSUPD" -c "$T/other.ini" stop
kill -USR1 $innocent
wait $innocent
finish
