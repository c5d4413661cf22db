#!/bin/sh
# Real services: they answer, are killed, come back and answer.
. "$(dirname "$0")/lib.sh"
for p in nginx redis-server redis-cli python3; do
	command -v $p >/dev/null || skip "$p is not installed"
done

mkdir -p "$T/www" "$T/tmp"
chmod 777 "$T/tmp"
echo 'it works' >"$T/www/index.html"
port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
http=$(port)
web=$(port)
cat >"$T/nginx.conf" <<E
daemon off;
worker_processes 2;
pid $T/tmp/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
	access_log /dev/stdout;
	client_body_temp_path $T/tmp/body;
	proxy_temp_path $T/tmp/proxy;
	fastcgi_temp_path $T/tmp/fastcgi;
	uwsgi_temp_path $T/tmp/uwsgi;
	scgi_temp_path $T/tmp/scgi;
	server { listen 127.0.0.1:$web; root $T/www; }
}
E
conf <<E
[program:nginx]
command = nginx -c $T/nginx.conf -e stderr
stopsignal = QUIT
[program:redis]
command = redis-server --port 0 --unixsocket $T/redis.sock --save "" --dir $T/tmp
[program:http]
command = python3 -m http.server --bind 127.0.0.1 --directory $T/www $http
E
get() {
	python3 - "$1" <<'E'
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
c.request("GET", "/index.html")
assert c.getresponse().read() == b"it works\n"
E
}
answers() {
	get "$web" && get "$http" &&
		[ "$(redis-cli -s "$T/redis.sock" ping)" = PONG ]
}
start_daemon
wait_until 'answers 2>/dev/null' 15
wait_until 'm status all >/dev/null' 10
for p in nginx redis http; do
	old=$(pid_of $p)
	# All of it: nginx's workers would outlive it and hold the port.
	kill -KILL "-$old"
	wait_until 'is '$p' RUNNING && [ "$(pid_of '$p')" != '"$old"' ]' 15
	wait_until 'answers 2>/dev/null' 15
done
redis-cli -s "$T/redis.sock" set key kept >/dev/null
pids=$(m pid all)
kill -KILL "$(supervisor "$(keeper)")"
check 'answers' "a service did not answer without the supervisor"
check '[ "$(redis-cli -s "$T/redis.sock" get key)" = kept ]'
check '[ "$(m pid all)" = "$pids" ]'
wait_until 'grep -q "GET /index.html" "$T/log/nginx.stdout.log" ||
	grep -q "GET /index.html" "$T/log/nginx.stderr.log"' 5
check 'm logs redis | grep -q "Ready to accept\|ready to accept"'
finish
