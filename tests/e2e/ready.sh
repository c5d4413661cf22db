#!/bin/sh
# Readiness of every kind, health and watchdog: what a program says and what it
# is asked, also over the death of the supervisor.
. "$(dirname "$0")/lib.sh"
say="python3 $TOP/tests/helpers/notify.py"

# Accepts connections on $1 (tcp:PORT or a path) once $2 exists; answers HTTP
# with the code that stands in $2.
cat >"$T/serve" <<'E'
#!/usr/bin/python3
import os, socket, sys, time
where, path = sys.argv[1:3]
while not os.path.exists(path):
    time.sleep(0.02)
if where.startswith("tcp:"):
    s = socket.create_server(("127.0.0.1", int(where[4:])))
else:
    s = socket.socket(socket.AF_UNIX)
    if os.path.exists(where):
        os.unlink(where)
    s.bind(where)
    s.listen(8)
while True:
    c, _ = s.accept()
    c.settimeout(5)
    code = open(path).read().strip()
    try:
        if code == "hang":
            time.sleep(1)
        elif c.recv(1000).startswith(b"GET /health HTTP/1.1"):
            c.send(b"HTTP/1.1 %s Word\r\n\r\n" % code.encode())
    except OSError:
        pass
    c.close()
E
chmod +x "$T/serve"

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
tcp=$(free_port)
http=$(free_port)

# --- values that are none ---
conf <<E
[program:x]
command = true
ready = tcp:example.org:80
health = notify
watchdog = 1s
health_interval = 1
type = wrong
E
expect 2 m check
said 'ready:'
said 'type: "wrong"'

# --- kinds of ready ---
conf <<E
[program:notify]
command = $say wait:$T/go READY=1\\\\nSTATUS=serving sleep
ready = notify
startsecs = 0
[program:fd]
command = sh -c 'until [ -e $T/go ]; do sleep 0.02; done; echo ready >&7; exec sleep 1000'
ready = fd:7
startsecs = 0
[program:tcp]
command = $T/serve tcp:$tcp $T/go
ready = tcp:127.0.0.1:$tcp
startsecs = 0
[program:http]
command = $T/serve tcp:$http $T/code
ready = http://localhost:$http/health
startsecs = 0
[program:unix]
command = $T/serve $T/s $T/go
ready = unix:$T/s
startsecs = 0
[program:exec]
command = sleep 1000
ready = exec:test -e $T/go
startsecs = 0
[program:plain]
command = sh -c 'ls /proc/self/fd | wc -l; env | grep -c NOTIFY_; exec sleep 1000'
startsecs = 0
[program:late]
command = sleep 1000
ready = notify
ready_timeout = 300ms
startretries = 1
startsecs = 0
E
start_daemon
wait_until 'is plain RUNNING' 5
for p in notify fd tcp http unix exec; do
	check "is $p STARTING" "$p: $(state $p)"
	check '[ "$(field $p ready)" = false ]'
done
expect 0 m why notify
said 'not ready yet'
# One that is never ready has failed to start.
wait_until 'is late FATAL' 10
check 'field late reason | grep -q "not ready within 0.3 s"' \
	"$(field late reason)"
# What is said while no supervisor runs is heard by the next one; what is to
# be asked is asked by the next one.
s=$(supervisor "$(keeper)")
kill -STOP "$s"
touch "$T/go"
wait_until '[ -S "$T/s" ]' 5
kill -KILL "$s"
for p in notify fd tcp unix exec; do
	wait_until "is $p RUNNING" 10
	check '[ "$(field $p restarts)" = 0 ]'
done
check '[ "$(field notify ready)" = true ]'
wait_until '[ "$(field notify status_text)" = serving ]' 5
check 'm status notify | grep -q serving'
echo 503 >"$T/code"
wait_until 'field http reason | grep -q "HTTP 503"' 10
check 'is http STARTING'
echo 204 >"$T/code"
wait_until 'is http RUNNING' 5
expect 0 m logs plain
check '[ "$(sed -n 2p "$T/out")" = 0 ]' "NOTIFY_SOCKET without ready"
check '[ "$(stat -c %a "$T/run/notify")" = 755 ]'
check 'for f in "$T"/run/notify/*; do [ "$(stat -c %a "$f")" = 600 ]; done'
# It reloads, and says so; nonsense harms nobody.
cat >"$T/tell.py" <<'E'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for f in os.listdir(sys.argv[1]):
    s.connect(os.path.join(sys.argv[1], f))
    for text in (b"", b"\0", b"x" * 5000, b"READY", b"STATUS=\xff\x1b[31m",
                 b"RELOADING=1\nSTATUS=\xc3\xa9tat"):
        s.send(text)
    r, w = os.pipe()
    socket.send_fds(s, [b"BARRIER=1"], [w])
    os.close(w)
    os.read(r, 1)  # returns when the other side has closed it
E
expect 0 timeout 10 python3 "$T/tell.py" "$T/run/notify"
check '[ "$(field notify reloading)" = true ]'
check '[ "$(field notify status_text)" = état ]'
check 'm status notify | grep -q "reloading: état"' "$(m status notify)"
expect 0 m stop
check '[ ! -e "$T/run/notify" ]' "sockets are left"
rm -rf "$T/state"

# --- health ---
rm -f "$T/s"
echo 200 >"$T/code"
conf <<E
[program:web]
command = $T/serve $T/s $T/go
health = exec:grep -q 200 $T/code
health_interval = 50ms
health_timeout = 2s
health_retries = 3
startsecs = 0
restart_delay = 0
[program:site]
command = $T/serve tcp:$http $T/code
ready = tcp:127.0.0.1:$http
health = http://127.0.0.1:$http/health
health_interval = 50ms
health_timeout = 200ms
health_retries = 2
startsecs = 0
[program:slow]
command = sleep 1000
health = exec:sleep 30
health_interval = 10ms
health_timeout = 300ms
health_retries = 2
startsecs = 0
autorestart = false
E
start_daemon
wait_until 'is web RUNNING && is site RUNNING' 5
wait_until '[ -S "$T/s" ]' 5
web=$(pid_of web)
rm -f "$T/s"
echo hang >"$T/code"
wait_until '[ "$(field web restarts)" -ge 1 ]' 10
wait_until '! alive $web' 5
wait_until '[ "$(field site restarts)" -ge 1 ]' 10
check 'grep -q "site: unhealthy: no answer in 0.2 s (2 of 2)" "$DLOG"' \
	"$(grep unhealthy "$DLOG")"
check 'grep -q "web: unhealthy: exit code 1 (3 of 3)" "$DLOG"'
echo 200 >"$T/code"
wait_until 'is web RUNNING && is site RUNNING' 10
# A question that hangs is one: never a heap of them.
wait_until 'is slow EXITED' 10
check '[ "$(leftovers | grep -c "sleep 30")" = 0 ]' "$(leftovers)"
check 'field slow reason | grep -q "unhealthy: 2 bad answers"' \
	"$(field slow reason)"
# A reload may change the question, without a restart.
web=$(pid_of web)
sed -i 's/grep -q 200/grep -q nothing/; s/health_retries = 3/health_retries = 1000/' "$CONF"
expect 0 m reload
check '[ "$(pid_of web)" = "$web" ]'
wait_until 'field web reason | grep -q "health: exit code 1 (.* of 1000)"' 5
expect 0 m stop
rm -rf "$T/state" "$T/s"

# --- watchdog ---
conf <<E
[program:dog]
command = $say READY=1 ping:0.05:$T/silence sleep
ready = notify
watchdog = 400ms
startsecs = 0
[program:asks]
command = $say wait:$T/silence WATCHDOG=trigger sleep
watchdog = 900s
startsecs = 0
autorestart = false
[program:env]
command = sh -c 'echo usec=\$WATCHDOG_USEC; exec sleep 1000'
watchdog = 7s
startsecs = 0
E
start_daemon
wait_until 'is dog RUNNING && is env RUNNING' 5
wait_until 'm logs env | grep -q usec=7000000' 5
dog=$(pid_of dog)
now
until [ "$((NOW + 100))" -lt "$(now; echo "$NOW")" ]; do
	check 'is dog RUNNING'
	check '[ "$(pid_of dog)" = "$dog" ]'
done
touch "$T/silence"
wait_until '! alive $dog' 10
wait_until 'is asks EXITED' 5
check 'grep -q "dog: .*no sign of life for 0.4 s (watchdog)" "$DLOG"'
expect 0 m stop
rm -rf "$T/state"

# --- a reload changes how it says so, and whose socket it is ---
# speaks READY COMMAND USER
speaks() {
	conf <<E
[program:speaks]
command = $2
ready = $1
ready_timeout = 5s
startretries = 0
user = $3
E
}
me=$(id -un)
speaks fd:3 "sh -c 'echo >&3; exec sleep 1000'" "$me"
start_daemon
speaks notify "$say READY=1 sleep" "$me"
expect 0 m reload
wait_until 'is speaks RUNNING' 10
if [ "$(id -u)" = 0 ]; then
	cp "$TOP/tests/helpers/notify.py" "$T/notify.py"
	speaks notify "python3 $T/notify.py READY=1 sleep" nobody
	expect 0 m reload
	wait_until 'is speaks RUNNING' 10
fi
speaks fd:3 "sh -c 'echo >&3; exec sleep 1000'" "$me"
expect 0 m reload
wait_until 'is speaks RUNNING' 10
finish
