#!/bin/sh
# F19: many children end at the same instant: no status is missed.
. "$(dirname "$0")/../e2e/lib.sh"

n=500
[ -z "$SANITIZED" ] || n=100
mkfifo "$T/gate"
cat >"$T/one" <<'E'
#!/bin/sh
# one GATE CODE: waits until the gate is closed, then exits
exec 3<"$1"
echo x
read -r line <&3
exit "$2"
E
chmod +x "$T/one"
conf <<E
[program:p]
command = $T/one $T/gate %(process_num)d
process_name = p%(process_num)d
numprocs = $n
startsecs = 0
autorestart = false
autostart = false
stdout_logfile = $T/ready.log
stdout_logfile_maxbytes = 0
E
start_daemon
k=$(keeper)
round=0
while [ $round -lt $((3 * LOAD)) ]; do
	: >"$T/ready.log"
	ours sleep 600 >"$T/gate" & # holds it open
	gate=$!
	expect 0 m start all
	wait_until '[ "$(wc -l <"$T/ready.log")" = $n ]' 30
	s=$(supervisor "$k")
	if [ $round = 1 ]; then # and nobody is there to see it
		kill -STOP "$s"
	fi
	kill $gate
	wait $gate 2>/dev/null || true
	if [ $round = 1 ]; then
		wait_until '[ "$(pgrep -fc "$T/one ")" = 0 ]' 20
		kill -KILL "$s"
	fi
	wait_until '[ "$(m --json status all | grep -o "\"EXITED\"" | wc -l)" = $n ]' 20
	m --json status all | python3 -c 'import json, sys
bad = [p["name"] for p in json.load(sys.stdin)["programs"]
       if p["exit_code"] != int(p["name"][1:]) % 256]
assert not bad, bad' || fail "wrong statuses"
	round=$((round + 1))
done
check '[ -z "$(ps -o stat= --ppid "$k" | grep Z)" ]' "a zombie"
finish
