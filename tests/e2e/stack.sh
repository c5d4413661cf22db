#!/bin/sh
# conf/examples/stack.conf: real servers in their order, a stop that takes along
# what requires the stopped one, a reload that touches one program, and a
# rolling restart under load without a failed request.
. "$(dirname "$0")/lib.sh"

PATH=$PATH:/usr/sbin
for c in redis-server redis-cli nginx python3; do
	command -v "$c" >/dev/null || skip "no $c"
done

base=$(python3 "$TOP/tests/e2e/ports.py" 6)
url=http://127.0.0.1:$base/
for f in stack.conf stack/app.py stack/nginx.conf; do
	mkdir -p "$T/stack"
	sed "s/808/${base%0}/g; s/6399/${base%0}5/g" \
		"$TOP/conf/examples/$f" >"$T/$f"
done
printf '[include]\nfiles = stack.conf\n' | conf

get() {
	python3 -c 'import sys, urllib.request as u
print(u.urlopen(sys.argv[1], timeout=10).read().decode().strip())' "$url"
}

pids() { # NAME...
	for p; do
		pid_of "$p"
	done
}

# --- start, in order ---

start_daemon
wait_until 'm status redis "web:*" nginx >/dev/null' 30
grep -oE 'program [^ ]+: [A-Z]+ -> [A-Z]+' "$DLOG" >"$T/order"
redis=$(grep -n 'redis: STARTING -> RUNNING' "$T/order" | cut -d: -f1)
nginx=$(grep -n 'nginx: WAITING -> STARTING' "$T/order" | cut -d: -f1)
for i in 1 2 3 4; do
	begun=$(grep -n "web_$i: .* -> STARTING" "$T/order" | cut -d: -f1)
	ready=$(grep -n "web_$i: .* -> RUNNING" "$T/order" | cut -d: -f1)
	check '[ "$redis" -lt "$begun" ] && [ "$ready" -lt "$nginx" ]' \
		"$(cat "$T/order")"
done
check '[ "$(get)" = 1 ] && [ "$(get)" = 2 ]'
expect 0 m start report
m logs report >"$T/out"
grep -q 'visitors so far: 2' "$T/out" || fail "$(cat "$T/out")"

# --- a reload touches what has changed ---

before=$(pids redis web:web_1 web:web_2 web:web_3 web:web_4)
nginx=$(pid_of nginx)
sed -i 's/^stopsignal = QUIT/&\numask = 027/' "$T/stack.conf"
expect 0 m reload
said 'changed: nginx (keys umask): restart'
said 'unchanged: 6'
wait_until 'is nginx RUNNING' 30
check '[ "$(pid_of nginx)" != "$nginx" ]' "nginx was not restarted"
check '[ "$(pids redis web:web_1 web:web_2 web:web_3 web:web_4)" = "$before" ]' \
	"others were restarted"

# --- a rolling restart under load ---

cat >"$T/load.py" <<'P'
"""Four clients, without retries, until the file argv[2] appears."""
import os, sys, threading, urllib.request
url, stop = sys.argv[1:]
good, bad = [0] * 4, []
def client(i):
    while not os.path.exists(stop) and not bad:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                int(answer.read())
            good[i] += 1
        except Exception as e:
            bad.append(repr(e))
        if i == 0 and good[0] == 20:
            open(stop + ".going", "w").close()
clients = [threading.Thread(target=client, args=(i,)) for i in range(4)]
for c in clients: c.start()
for c in clients: c.join()
print(sum(good), "good", len(bad), "bad", *bad)
sys.exit(bool(bad))
P
python3 "$T/load.py" "$url" "$T/stop" >"$T/load" 2>&1 &
load=$!
wait_until '[ -e "$T/stop.going" ]' 20
before=$(pids web:web_1 web:web_2 web:web_3 web:web_4)
nginx=$(pid_of nginx)
for round in 1 2; do
	expect 0 timeout $((60 * SLOW)) "$MPSUPD" -c "$CONF" restart --rolling \
		'web:*'
done
: >"$T/stop"
wait "$load" || fail "$(cat "$T/load")"
for i in 1 2 3 4; do
	check '[ "$(field web:web_$i restarts)" = 2 ]' "web_$i"
done
for p in $before; do
	check '! alive $p'
done
check '[ "$(pid_of nginx)" = "$nginx" ]'
check '[ "$(field redis restarts)" = 0 ]'

# --- a stop takes along what requires it ---

: >"$T/order"
lines=$(wc -l <"$DLOG")
expect 0 m stop redis
said 'it requires redis'
tail -n "+$((lines + 1))" "$DLOG" |
	grep -oE 'program [^ ]+: [A-Z]+ -> STOPPED' >"$T/order"
check '[ "$(tail -n 1 "$T/order")" = "program redis: STOPPING -> STOPPED" ]' \
	"$(cat "$T/order")"
for i in 1 2 3 4; do
	is "web:web_$i" STOPPED || fail "web_$i is $(state "web:web_$i")"
done
is nginx RUNNING || fail "nginx is $(state nginx)"
expect 0 m start 'web:*'
is redis RUNNING || fail "redis was not started for web"
get >/dev/null || fail "nothing is served"
finish
