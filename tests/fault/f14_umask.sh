#!/bin/sh
# F14: started with umask 000 while somebody else tries to connect all the
# time: no request of his is answered with anything but a refusal.
. "$(dirname "$0")/../e2e/lib.sh"
need_root

rounds=$((20 * LOAD))
[ -z "$FULL" ] || rounds=1000
cat >"$T/attack" <<'E'
import json, signal, socket, sys
went = dict(connected=0, refused=0, answered=0)
on = True


def stop(signo, frame):
    global on
    on = False


signal.signal(signal.SIGTERM, stop)
while on:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(1)
    try:
        s.connect(sys.argv[1])
        went["connected"] += 1
        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n'
                  b'{"jsonrpc":"2.0","id":2,"method":"stop"}\n')
        for line in s.makefile():
            said = json.loads(line)
            right = said.get("error", {}).get("data", {}).get("name") \
                == "NOT_PERMITTED"
            went["refused" if right else "answered"] += 1
            if not right or said["id"] == 2:
                break
    except OSError:
        pass
    s.close()
print(went["connected"], went["refused"], went["answered"])
E
attack() {
	setpriv --reuid nobody --regid nogroup --clear-groups python3 \
		"$T/attack" "$SOCKET" >"$T/went" &
	attacker=$!
}

# Twice: a socket of root's alone, and one that everybody may connect to.
for key in "loglevel = info" "operators = root"; do
	conf "$key" <<E
[program:a]
command = sleep 1000
E
	attack
	round=0
	while [ $round -lt $rounds ]; do
		(umask 000 && exec "$MPSUPD" -c "$CONF" start >"$T/out")
		mode=$(stat -c %a "$SOCKET" "$PIDFILE" "$T/run" | xargs)
		case $key,$mode in
		log*,"600 644 755" | op*,"666 644 755") ;;
		*) fail "modes $mode with $key" ;;
		esac
		check '[ "$(m --json status | grep -o running)" = running ]'
		expect 0 m stop
		round=$((round + 1))
	done
	kill $attacker
	wait $attacker || fail "the attacker failed"
	read -r connected refused answered <"$T/went"
	echo "$key: $connected connections, $refused refused, $answered answered"
	check '[ $answered = 0 ]' "an unauthorised request was answered"
	case $key in
	log*) check '[ $connected = 0 ]' "he could connect" ;;
	op*) check '[ $refused -gt 0 ]' "he was never there in time" ;;
	esac
done
finish
