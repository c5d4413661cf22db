#!/bin/sh
# Lines with a time stamp or as JSON: each once, whole, whatever the bytes; in
# files, rotated files, FIFOs; switched on and off by a reload.
. "$(dirname "$0")/lib.sh"

cat >"$T/odd.py" <<'E'
import sys, time
o = sys.stdout.buffer
o.write(b"all " + bytes(b for b in range(256) if b != 10) + b"\n")
o.write(b"\n" + "grüße 日本\r\n".encode() + b'quote " back \\ slash\n')
o.write(b"long " + "é".encode() * 150000 + b" end\n")
o.write(b"\x1b[31mred\x1b[0m plain \x1b[3\n4mnext\n")
o.flush()
for piece in b"slow ", b"piece ", b"by piece\n", b"half a line at the end":
    o.write(piece)
    o.flush()
    time.sleep(0.1)
E
cat >"$T/check.py" <<'E'
import datetime, json, re, sys
how, path = sys.argv[1:3]
data = open(path, "rb").read()
assert data.endswith(b"\n"), "no newline at the end"
now = datetime.datetime.now(datetime.timezone.utc)
def when(text):
    t = datetime.datetime.fromisoformat(text)
    assert abs((now - t).total_seconds()) < 300, text
got = []
if how == "json":
    keep = ""
    for line in data.decode().splitlines(keepends=True):
        o = json.loads(line)
        when(o["time"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d",
                            o["time"]), o["time"]
        assert o["program"] == sys.argv[3] and o["stream"] == sys.argv[4], o
        keep += o["message"]
        if not o.get("partial"):
            got.append(keep)
            keep = ""
    want = [l.decode(errors="replace") for l in open(sys.argv[5], "rb").read()
            .split(b"\n")]
else:
    for line in data.split(b"\n")[:-1]:
        t, _, text = line.partition(b" ")
        when(t.decode())
        got.append(text)
    want = open(sys.argv[3], "rb").read().split(b"\n")
for i, (a, b) in enumerate(zip(got, want)):
    assert a == b, f"line {i}: {a[:300]!r} is not {b[:300]!r}"
assert len(got) == len(want), (len(got), len(want))
E
conf <<E
[program:odd]
command = python3 $T/odd.py
stdout_logfile_format = json
[program:err]
command = sh -c 'exec python3 $T/odd.py >&2'
stderr_logfile_format = timestamp
stderr_logfile_maxbytes = 0
[program:num]
command = $HELPERS/writer $T/num.n 0 60000
stdout_logfile_format = timestamp
stdout_logfile_maxbytes = 200KB
stdout_logfile_backups = 100
[program:both]
command = sh -c 'i=0; while [ \$i -lt 1000 ]; do echo out \$i; echo err \$i >&2; i=\$((i+1)); done'
stdout_logfile = $T/both.log
stderr_logfile = $T/both.log
stdout_logfile_format = json
stderr_logfile_format = json
[program:one]
command = sh -c 'i=0; while [ \$i -lt 1000 ]; do echo out \$i; echo err \$i >&2; i=\$((i+1)); done'
redirect_stderr = true
stdout_logfile_format = json
[group:g]
programs = one
[DEFAULT]
startsecs = 0
autorestart = false
E
start_daemon
expect 0 m wait -t $((60 * SLOW)) all
expect 0 python3 "$T/odd.py"
mv "$T/out" "$T/want"
# What has no newline is logged at the end of the program.
wait_until 'grep -q "half a line" "$T/log/odd.stdout.log"' 5
wait_until 'grep -q "half a line" "$T/log/err.stderr.log"' 5
expect 0 python3 "$T/check.py" json "$T/log/odd.stdout.log" odd stdout "$T/want"
check '[ "$(grep -c "\"partial\":true" "$T/log/odd.stdout.log")" -ge 2 ]'
python3 - "$T/log/err.stderr.log" "$T/want" <<'E' || fail "timestamp"
import sys
got = [l.partition(b" ")[2] for l in open(sys.argv[1], "rb").read().split(b"\n")[:-1]]
want = open(sys.argv[2], "rb").read().split(b"\n")
long = [i for i, l in enumerate(want) if l.startswith(b"long ")][0]
more = len(got) - len(want)
assert more >= 2, "the long line is in pieces"
assert b"".join(got[long:long + more + 1]) == want[long]
assert got[:long] == want[:long] and got[long + more + 1:] == want[long + 1:]
E
# Rotation cuts no line.
for f in "$T"/log/num.stdout.log*; do
	check '[ "$(tail -c 1 "$f")" = "" ]' "$f ends inside a line"
	check '[ "$(stat -c %s "$f")" -le $((200 * 1024 + 200)) ]' "$f"
done
find "$T/log" -name 'num.stdout.log*' | sort -t. -k4,4nr | xargs cat |
	sed 's/^[-0-9T:.]*[+-][0-9:]* //' >"$T/num"
check '[ "$("$HELPERS/verify" <"$T/num")" = 60000 ]' \
	"$("$HELPERS/verify" <"$T/num")"
# Two streams, one file; two streams, one pipe.
for f in "$T/both.log" "$T/log/one.stdout.log"; do
	check '[ "$(wc -l <"$f")" = 2000 ]'
	check '[ "$(grep -cE "^\{\"time\":.*\"message\":\"(out|err) [0-9]+\"\}$" "$f")" = 2000 ]'
done
check '[ "$(grep -c "\"stream\":\"stderr\",\"message\":\"err" "$T/both.log")" = 1000 ]'
check 'grep -q "\"program\":\"g:one\",\"stream\":\"stdout\",\"message\":\"err" "$T/log/one.stdout.log"'

# By reload, without a restart; strip_ansi; a FIFO whose reader is slow.
mkfifo "$T/fifo"
write() { # FORMAT
	conf "strip_ansi = true" <<E
[program:live]
command = sh -c 'printf "half "; while read -r l; do printf "\$l\n"; done <$T/in'
stdout_logfile_format = $1
[program:fifo]
command = sh -c 'while read -r l; do eval "\$l"; done <$T/in2'
stdout_logfile = $T/fifo
stdout_logfile_format = json
[program:sys]
command = sleep 1000
stdout_logfile = syslog
stdout_logfile_format = json
E
}
mkfifo "$T/in" "$T/in2"
write raw
expect 0 m reload
said "sys"
said "syslog gets the lines as they are"
exec 7<>"$T/in" 8<>"$T/in2"
live=$T/log/live.stdout.log
wait_until '[ "$(cat "$live" 2>/dev/null)" = "half " ]' 5
pid=$(pid_of live)
write json
expect 0 m reload
printf '%s\n' 'a \033[1mline\033[0m' >&7
wait_until '[ "$(tail -n +2 "$live" | sed "s/.*message/m/")" = "m\":\"a line\"}" ]' 5
write raw
expect 0 m reload
echo raw >&7
wait_until '[ "$(tail -n 1 "$live")" = raw ]' 5
check '[ "$(pid_of live)" = "$pid" ]'
check '[ "$(wc -l <"$live")" = 3 ]' "$(cat "$live")"

# Lines longer than a pipe's room, to a reader that takes them in bits.
echo 'for n in 30001 9002 2003 300004; do printf "%0${n}d" 5; echo; done; echo done' >&8
ours python3 - "$T/fifo" >"$T/objects" <<'E' &
import json, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
data = b""
while b'"done"' not in data:
    data += os.read(fd, 1000)
keep = ""
for line in data.decode().splitlines():
    o = json.loads(line)
    keep += o["message"]
    if not o.get("partial"):
        print(len(keep), keep[-1])
        keep = ""
E
wait $!
check '[ "$(tr "\n" , <"$T/objects")" = "30001 5,9002 5,2003 5,300004 5,4 e," ]' \
	"$(cat "$T/objects")"
exec 7>&- 8>&-
finish
