#!/bin/sh
# ready and health by tcp, unix, http and exec: each asks the program itself,
# and is believed only when it answers well.
. "$(dirname "$0")/lib.sh"

cat >"$T/server.py" <<'E'
# server.py KIND ADDRESS: waits for the file $T/NAME.listen, then listens;
# http answers with the number in $T/NAME.code.
import http.server, os, socket, sys, time
kind, address, name = sys.argv[1:]
def wait(path):
    while not os.path.exists(path):
        time.sleep(0.01)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(name + ".asked", "a") as f:
            f.write("%s %s %s\n" % (self.path, self.headers["Host"],
                                    self.headers["Connection"]))
        self.send_response(int(open(name + ".code").read()))
        self.end_headers()
        self.wfile.write(b"x" * 10000) # nobody hangs up in the middle
        self.wfile.write(b"x" * 10000)
        with open(name + ".sent", "a") as f:
            f.write("sent\n")
    def log_message(self, *args):
        pass
wait(name + ".listen")
if kind == "http":
    http.server.HTTPServer(("127.0.0.1", int(address)),
                           Handler).serve_forever()
s = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(address if kind == "unix" else ("127.0.0.1", int(address)))
s.listen(1)
while True:
    s.accept()[0].close()
E
# Below those that the kernel gives to clients.
ports=$(python3 -c 'import random, socket
ports = []
while len(ports) < 2:
    s = socket.socket()
    try:
        port = random.randint(20000, 32000)
        s.bind(("127.0.0.1", port))
        ports.append(port)
    except OSError:
        pass
print(*ports)')
tcp=${ports% *} http=${ports#* }

conf <<E
[program:tcp]
command = python3 $T/server.py tcp $tcp $T/tcp
ready = tcp::$tcp
[program:unix]
command = python3 $T/server.py unix $T/sock $T/unix
ready = unix:$T/sock
[program:http]
command = python3 $T/server.py http $http $T/http
ready = http://localhost:$http/health?a=b
health = http://localhost:$http/health
health_interval = 100ms
health_timeout = 5s
health_retries = 3
[program:exec]
command = sleep 1000
ready = exec:test -e $T/exec.listen
health = exec:sh -c 'test ! -e $T/exec.ill'
health_interval = 100ms
health_retries = 2
E
# Never an empty file.
answer() {
	echo "$1" >"$T/http.code.new"
	mv "$T/http.code.new" "$T/http.code"
}
answer 500
start_daemon

# Asked many times, and none is ready.
touch "$T/http.listen"
wait_until '[ -s "$T/http.asked" ] && [ "$(wc -l <"$T/http.asked")" -ge 4 ]' 10
for p in tcp unix http exec; do
	check 'is $p STARTING'
done
answer 302
touch "$T/tcp.listen" "$T/unix.listen" "$T/exec.listen"
for p in tcp unix http exec; do
	wait_until 'is $p RUNNING' 5
	check '[ "$(field $p restarts)" = 0 ]'
done
check '[ "$(head -n 1 "$T/http.asked")" = \
	"/health?a=b 127.0.0.1:$http close" ]' "$(head -n 1 "$T/http.asked")"
wait_until '[ "$(wc -l <"$T/http.sent")" = "$(wc -l <"$T/http.asked")" ]' 5

# One that falls ill is started again, after that many bad answers in a row.
pid=$(pid_of http)
answer 503
touch "$T/exec.ill"
wait_until 'grep -q "http: unhealthy: HTTP 503 (3 of 3)" "$DLOG"' 10
wait_until 'grep -q "exec: unhealthy: exit code 1 (2 of 2)" "$DLOG"' 10
check 'grep -q "http: unhealthy: HTTP 503 (1 of 3)" "$DLOG"'
answer 200
rm "$T/exec.ill"
wait_until 'is http RUNNING && [ "$(pid_of http)" != "$pid" ]' 10
wait_until 'is exec RUNNING && [ "$(field exec restarts)" -ge 1 ]' 10

# The next supervisor asks on.
s=$(supervisor "$(keeper)")
kill -KILL "$s"
wait_until '! alive $s' 5
: >"$T/http.asked"
wait_until '[ "$(wc -l <"$T/http.asked")" -ge 2 ]' 5
check '[ "$(field tcp restarts)" = 0 ]'

# What cannot be asked is a mistake of the file.
for bad in tcp:db:5432 https://localhost/ http://example.org/ fd:2 soon; do
	sed "s|^ready = tcp.*|ready = $bad|" "$CONF" >"$T/bad.ini"
	expect 2 "$MPSUPD" -c "$T/bad.ini" check
	said "section [program:tcp]: ready:"
done
finish
