#!/bin/sh
# mpsupd events: every change, once, in order; followed over a kill of the
# supervisor; a client that does not read loses events and is told how many.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sleep 1000
startsecs = 0
autostart = false
[program:seven]
command = sh -c 'exit 7'
startsecs = 0
autorestart = false
autostart = false
[program:missing]
command = $T/nothing
startretries = 0
autostart = false
[program:many]
command = sleep 1000
process_name = many%(process_num)d
numprocs = 100
startsecs = 0
autostart = false
[group:crew]
programs = seven
E
start_daemon
expect 0 m events
said '"event":"start"'
expect 0 m start web
expect 0 m events -n all web
python3 - "$T/out" "$(m pid web)" <<'E' || fail "$(cat "$T/out")"
import json, re, sys
e = [json.loads(l) for l in open(sys.argv[1])]
assert [(x["from"], x["to"]) for x in e] == [
	("STOPPED", "STARTING"), ("STARTING", "RUNNING")], e
assert list(e[1])[:3] == ["time", "seq", "supervisor_pid"], e
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e[0]["time"])
assert e[0]["seq"] + 1 == e[1]["seq"]
assert e[0]["pid"] is None and e[1]["pid"] == int(sys.argv[2]), e
assert e[1]["program"] == e[1]["name"] == e[1]["group"] == "web"
E
expect 0 m start --no-wait crew:seven
wait_until 'is seven EXITED' 5
expect 0 m events -n 1 'crew:*'
said '"program":"crew:seven","name":"seven","group":"crew"'
said '"from":"RUNNING","to":"EXITED","pid":'
said '"exit_code":7,'
expect 1 m start missing
expect 0 m events missing
said '"to":"FATAL","pid":null,"exit_code":null'
said "$T/nothing"
expect 0 m signal KILL web
wait_until '[ "$(field web restarts)" = 1 ]' 10
expect 0 m events web
said '"exit_code":-9,'
expect 0 m events -n 0
check '[ ! -s "$T/out" ]'
expect 0 m events -n 2
check '[ "$(wc -l <"$T/out")" = 2 ]'
expect 0 m --json events -n 1
check '[ "$(wc -l <"$T/out")" = 1 ]'
expect 2 m events -n x
expect 4 m events nobody
expect 4 m events 'x*'
expect 0 m events all
expect 5 "$MPSUPD" -s "$T/none" events

# Followed: what comes, across the death of the supervisor, nothing twice.
"$MPSUPD" -c "$CONF" events -f -n 0 >"$T/follow" 2>"$T/follow.err" &
f=$!
"$MPSUPD" -c "$CONF" events -f -n all 'crew:*' >"$T/crew" 2>&1 &
g=$!
wait_until 'grep -q EXITED "$T/crew"' 5
# It is there when its first line is.
wait_until 'm start --no-wait seven >"$T/out"; [ -s "$T/follow" ]' 5
wait_until 'is seven EXITED' 5
expect 0 m restart web
wait_until 'grep "\"web\"" "$T/follow" | grep -q "\"to\":\"RUNNING\""' 5
check '[ "$(grep -c "\"web\"" "$T/follow")" = 4 ]' "$(cat "$T/follow")"
s=$(supervisor "$(keeper)")
kill -KILL "$s"
wait_until 'grep -q "\"event\":\"takeover\"" "$T/follow"' 10
check 'grep -q "the supervisor was replaced" "$T/follow.err"'
expect 0 m stop web
wait_until 'grep "\"web\"" "$T/follow" | grep -q "\"to\":\"STOPPED\""' 5
expect 0 m reload
wait_until 'grep -q "\"event\":\"reload\"" "$T/follow"' 5
python3 - "$T/follow" <<'E' || fail "$(cat "$T/follow")"
import json, sys
e = [json.loads(l) for l in open(sys.argv[1])]
for pid in {x["supervisor_pid"] for x in e}:
	seq = [x["seq"] for x in e if x["supervisor_pid"] == pid]
	assert seq == list(range(seq[0], seq[0] + len(seq))), seq
E
check '! grep -q "\"web\"" "$T/crew"'
k=$(keeper)
kill -KILL "$k"
wait_until 'grep -q "\"event\":\"keeper\"" "$T/follow"' 10

# Nobody reads any more: it ends, quietly.
mkfifo "$T/fifo"
"$MPSUPD" -c "$CONF" events -f -n all >"$T/fifo" 2>"$T/fifo.err" &
h=$!
head -n 1 <"$T/fifo" >"$T/head"
wait_until '! alive $h' 5
wait $h || true
check '[ ! -s "$T/fifo.err" ]' "$(cat "$T/fifo.err")"
check '[ "$(wc -l <"$T/head")" = 1 ]'

# One that does not read: bounded, counted, and it goes on.
cat >"$T/slow.py" <<'E'
import ctl, os
slow = ctl.Ctl()
r = slow.call("events", follow=True, lines=0)
assert r["events"] == [], r
other = ctl.Ctl(120)
pid = other.call("status")["daemon"]["supervisor_pid"]
def rss():
	with open(f"/proc/{pid}/status") as f:
		return [int(l.split()[1]) for l in f if l.startswith("VmRSS")][0]
other.call("start", names=["many:*"])
before = rss()
for _ in range(12):
	other.call("restart", names=["many:*"])
grown = rss() - before
last = other.call("events", lines=1)["events"][0]
got, dropped, seqs = 0, 0, []
while True:
	e = slow.line()["params"]
	if e["event"] == "dropped":
		dropped += e["count"]
	else:
		got += 1
		seqs.append(e["seq"])
	if e["seq"] == last["seq"]:
		break
assert seqs == sorted(set(seqs))
assert dropped > 0 and got >= 1000, (got, dropped)
assert got + dropped == last["seq"] - r["seq"], (got, dropped, last, r)
print("rss grew", grown, "KB; got", got, "dropped", dropped)
assert os.environ.get("SAN") or grown < 1500, grown
# It is told what comes, as before.
other.call("stop", names=["many0"])
assert slow.line()["params"]["to"] == "STOPPING"
# Words that are wrong are refused.
for bad in ({"position": "x"}, {"position": "1:"}, {"position": 7},
	    {"lines": "x"}, {"follow": 1}, {"names": "web"},
	    {"position": "1:2", "names": [1]},
	    {"position": "1:2", "names": ["web"] * 257},
	    {"position": "1:2", "names": ["w*"] * 65}):
	assert other.error("events", **bad) == "BAD_PARAMS", bad
# Behind an event of this supervisor.
n = last["seq"]
e = other.call("events", position=f"{pid}:{n - 1}")["events"]
assert e[0] == last, e
e = other.call("events", position=f"{pid}:1", names=["many*"])["events"]
assert e[0]["event"] == "dropped" and len(e) > 900, e[:2]
E
SAN=$SANITIZED python3 "$T/slow.py" >"$T/slow" || fail "a slow reader"
cat "$T/slow"

# The end of the daemon ends it, too.
expect 0 m stop
wait_until '! alive $f && ! alive $g' 10
for p in $f $g; do
	wait "$p" || fail "events -f: $(cat "$T/follow.err" "$T/crew")"
done
check 'grep -q "\"event\":\"stopping\"" "$T/follow"'
check 'grep -q "the daemon has stopped" "$T/follow.err"'
finish
