#!/bin/sh
# The supervisor is killed in the middle of formatted output: no line is lost or
# torn, in files that are rotated meanwhile; a line may come twice.
. "$(dirname "$0")/lib.sh"

cat >"$T/slow.py" <<'E'
import os, time
for i in range(400): # each line in two writes
    os.write(1, b"line ")
    time.sleep(0.005)
    os.write(1, b"%d\n" % i)
E
conf <<E
[program:json]
command = $HELPERS/writer $T/json.n 30000 150000
stdout_logfile_format = json
stdout_logfile_maxbytes = 0
[program:stamp]
command = $HELPERS/writer $T/stamp.n 30000 150000
stdout_logfile_format = timestamp
stdout_logfile_maxbytes = 1MB
stdout_logfile_backups = 100
[program:slow]
command = python3 $T/slow.py
stdout_logfile_format = json
[DEFAULT]
startsecs = 0
autorestart = false
E
cat >"$T/check.py" <<'E'
import json, sys
count, lines = int(sys.argv[1]), sys.stdin.buffer.read().split(b"\n")
assert lines.pop() == b"", "half a line at the end"
want = again = 0
for i, line in enumerate(lines):
    if line.startswith(b"{"):
        o = json.loads(line)
        assert "partial" not in o, o
        text = o["message"]
    else:
        text = line.decode().partition(" ")[2]
    if text.startswith("line "):
        n = int(text[5:])
    else:
        assert len(text) == 99 and set(text[13:]) == {"."}, (i, text)
        n = int(text[:12])
    assert n <= want, f"{want} is missing before {n}"
    again += n < want
    want = n + 1
assert want == count, want
print(again, "lines came twice")
E
start_daemon
k=$(keeper)
i=0
while [ ! -s "$T/json.n" ] || [ ! -s "$T/stamp.n" ]; do
	s=$(supervisor "$k")
	[ -n "$s" ] && kill -KILL "$s" && i=$((i + 1))
	sleep 0.0$((i % 7 + 1))
done
echo "$i kills"
check '[ $i -gt 10 ]'
expect 0 m wait -t 20 all
expect 0 m stop
for n in json slow; do
	python3 "$T/check.py" "$(cat "$T/$n.n" 2>/dev/null || echo 400)" \
		<"$T/log/$n.stdout.log" || fail "$n"
done
find "$T/log" -name 'stamp.stdout.log*' | sort -t. -k4,4nr | xargs cat |
	python3 "$T/check.py" 150000 || fail stamp
finish
