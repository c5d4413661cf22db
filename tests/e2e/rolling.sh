#!/bin/sh
# restart --rolling: some at a time, each waited for, no further on a failure.
. "$(dirname "$0")/lib.sh"
conf <<E
[program:web]
command = sh -c 'if [ -e $T/bad\$0 ]; then exit 3; fi; exec sleep 1000' %(process_num)d
process_name = %(program_name)s%(process_num)d
numprocs = 4
startsecs = 1
startretries = 0
[program:z]
command = sleep 1001
[program:a]
command = sleep 1002
priority = 1
E
pids() {
	m pid web:web0 web:web1 web:web2 web:web3
}
start_daemon
wait_until 'm status all >/dev/null' 8

# One after the other: 4 x startsecs; in the order of the configuration.
before=$(pids)
: >"$T/mark"
expect 0 m restart --rolling 'web:*' z a
said 'web:web3: restarted (pid'
check '[ -z "$(echo "$before" | grep -Fxf - <<X
$(pids)
X
)" ]' "some were not restarted"
grep -E 'STOPPING -> STOPPED' "$DLOG" | sed 's/.*program \([^:]*:*[^:]*\): STOP.*/\1/' \
	>"$T/order"
check '[ "$(echo $(cat "$T/order"))" = "a web:web0 web:web1 web:web2 web:web3 z" ]' \
	"$(cat "$T/order")"
# No two of a step of one were away at a time.
grep -E 'web:web. *.*: (RUNNING -> STOPPING|STARTING -> RUNNING)' "$DLOG" |
	sed 's/.*web\(.\): [A-Z]* -> \([A-Z]*\).*/\1 \2/' | tail -n 8 >"$T/steps"
check '[ "$(echo $(cat "$T/steps"))" = "0 STOPPING 0 RUNNING 1 STOPPING 1 RUNNING 2 STOPPING 2 RUNNING 3 STOPPING 3 RUNNING" ]' \
	"$(cat "$T/steps")"

# Two at a time.
lines=$(wc -l <"$DLOG")
expect 0 m restart --rolling=2 'web:*'
tail -n +$((lines + 1)) "$DLOG" | sed -n 's/.*web\(.\): [A-Z]* -> \(STOPPING\|RUNNING\).*/\1\2/p' \
	>"$T/steps"
check '[ "$(head -n 4 "$T/steps" | sort | tr "\n" " ")" = "0RUNNING 0STOPPING 1RUNNING 1STOPPING " ]' \
	"$(cat "$T/steps")"

# The second one fails: the others stay as they are.
: >"$T/bad1"
before=$(m pid web:web2 web:web3 a)
expect 1 m restart --rolling 'web:*'
said 'web:web0: restarted'
said 'web:web1: failed: exited too quickly'
said 'web:web2: not touched'
said 'web:web3: not touched'
check '[ "$(m pid web:web2 web:web3 a)" = "$before" ]'
rm "$T/bad1"
expect 0 m start web:web1

# A limit in time; what is not begun by then stays.
before=$(m pid web:web3)
expect 124 m restart --rolling -t 1.5 'web:*'
said 'not touched'
check '[ "$(m pid web:web3)" = "$before" ]'
wait_until 'm status all >/dev/null' 8

# The client goes: nothing more is begun.
before=$(m pid web:web1 web:web2 web:web3)
"$MPSUPD" -c "$CONF" restart --rolling 'web:*' >/dev/null 2>&1 &
wait_until 'is web:web0 STARTING' 5
kill -KILL $!
wait_until 'is web:web0 RUNNING' 5
expect 0 m restart z # as long as a step
check '[ "$(m pid web:web1 web:web2 web:web3)" = "$before" ]' "it went on alone"

# The supervisor is killed: it goes on, each is restarted once.
before=$(grep -c 'web:web0: RUNNING -> STOPPING' "$DLOG")
"$MPSUPD" -c "$CONF" restart --rolling 'web:*' >"$T/roll" 2>&1 &
roll=$!
wait_until 'is web:web1 STARTING' 5
kill -KILL "$(supervisor "$(keeper)")"
wait $roll || fail "$(cat "$T/roll")"
check '[ "$(grep -c restarted "$T/roll")" = 4 ]'
check '[ "$(grep -c "web:web0: RUNNING -> STOPPING" "$DLOG")" = $((before + 1)) ]'

expect 2 m restart --rolling
expect 2 m restart --rolling=0 a
expect 2 m restart --rolling=x a
expect 2 m restart --rolling --no-wait a
expect 4 m restart --rolling a nosuch
python3 - <<'E' || fail "see above"
from ctl import Ctl
c = Ctl()
for bad in (0, -1, 1.5, "x", 1e9):
    assert c.error("restart", names=["a"], rolling=bad) == "BAD_PARAMS", bad
c.send(b'{"jsonrpc":"2.0","id":7,"method":"restart","params":'
       b'{"names":["z","a"],"rolling":1,"progress":true}}\n')
seen = []
while True:
    r = c.line()
    if r.get("id") == 7:
        break
    assert r["method"] == "restart" and r["params"]["of"] == 2
    seen.append(r["params"]["program"]["name"])
assert seen == ["a", "z"], seen
assert all(p["ok"] for p in r["result"]["programs"])
# Without an id there is no reply, and nothing breaks.
c.send(b'{"jsonrpc":"2.0","method":"restart","params":'
       b'{"names":["z"],"rolling":1,"progress":true}}\n')
assert c.call("status")
E
finish
