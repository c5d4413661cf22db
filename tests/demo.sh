#!/bin/sh
# usage: demo.sh BINARY      (make demo)
# Starts conf/demo.conf in a private directory, kills what it started, and
# shows that everything is as promised.  Exits non-zero if it is not.
set -eu

[ $# = 1 ] || { echo "usage: demo.sh BINARY" >&2; exit 2; }
MPSUPD=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
top=$(cd "$(dirname "$0")/.." && pwd)
D=$(mktemp -d /tmp/mpsupd-demo-XXXXXX)
CONF=$D/demo.conf
chmod 755 "$D"
stopped=

cleanup() {
	code=$?
	trap - EXIT
	if [ -z "$stopped" ] && [ -S "$D/run/control.sock" ]; then
		"$MPSUPD" -c "$CONF" stop -t 20 || true
	fi
	if [ $code != 0 ]; then
		echo "demo: something was not as promised" >&2
		tail -n 20 "$D/log/mpsupd.log" >&2 2>/dev/null || true
	fi
	rm -rf "$D"
	exit $code
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM PIPE

say() {
	printf '\n# %s\n' "$*"
}

# Shows a command and runs it.
run() {
	shown=
	for word; do shown="$shown $word"; done
	printf '$%s\n' "$shown" | sed "s,$MPSUPD,mpsupd,g"
	"$@"
}

fail() {
	echo "demo: $*" >&2
	exit 1
}

wait_until() { # CONDITION SECONDS
	tries=$(($2 * 20))
	until eval "$1"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "not within $2 s: $1"
		sleep 0.05
	done
}

m() {
	"$MPSUPD" -c "$CONF" "$@"
}

port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

GET() { # URL
	python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
' "$1"
}

answers() {
	[ "$(redis-cli -s "$D/redis.sock" ping 2>/dev/null)" = PONG ] &&
		GET "http://127.0.0.1:$DEMO_NGINX_PORT/" >/dev/null 2>&1 &&
		GET "http://127.0.0.1:$DEMO_HTTP_PORT/" >/dev/null 2>&1
}

for p in nginx redis-server redis-cli python3; do
	PATH=$PATH:/usr/sbin:/sbin
	command -v $p >/dev/null || fail "$p is missing; make demo installs it"
done

# What conf/demo.conf expects to find in the environment.
DEMO_NGINX_PORT=$(port)
DEMO_HTTP_PORT=$(port)
export PATH DEMO_DIR="$D" DEMO_NGINX_PORT DEMO_HTTP_PORT
cp "$top/conf/demo.conf" "$CONF"
mkdir "$D/www" "$D/tmp"
echo "hello from mpsupd's demo" >"$D/www/index.html"
cat >"$D/nginx.conf" <<E
daemon off;
worker_processes 1;
pid $D/tmp/nginx.pid;
events { worker_connections 64; }
http {
	access_log /dev/stdout;
	client_body_temp_path $D/tmp/body;
	proxy_temp_path $D/tmp/proxy;
	fastcgi_temp_path $D/tmp/fastcgi;
	uwsgi_temp_path $D/tmp/uwsgi;
	scgi_temp_path $D/tmp/scgi;
	server { listen 127.0.0.1:$DEMO_NGINX_PORT; root $D/www; }
}
E
if [ "$(id -u)" = 0 ]; then # nginx's workers are nobody else, then
	chmod 777 "$D/tmp"
fi

say "a private run directory, four real services: $CONF"
run "$MPSUPD" -c "$CONF" check
run "$MPSUPD" -c "$CONF" start
wait_until 'm status all >/dev/null' 15
wait_until answers 15
run "$MPSUPD" -c "$CONF" status
run redis-cli -s "$D/redis.sock" set greeting hello
run GET "http://127.0.0.1:$DEMO_NGINX_PORT/"

say "a service is killed: it is back with another pid"
old=$(m pid redis)
run kill -KILL "$old"
wait_until '[ "$(m pid redis 2>/dev/null)" != "$old" ] && m status redis >/dev/null' 15
wait_until answers 15
run "$MPSUPD" -c "$CONF" status redis
new=$(m pid redis)
[ "$old" != "$new" ] || fail "redis has the same pid"
echo "# redis: pid $old, now $new"
run redis-cli -s "$D/redis.sock" set greeting "hello again"

say "the supervisor itself is killed: no service notices"
before=$(m pid all | tr '\n' ' ')
keeper=$(m pid)
supervisor=$(m --json status |
	sed 's/.*"supervisor_pid":\([0-9]*\).*/\1/')
lines=$(wc -l <"$D/log/ticker.stdout.log")
run kill -KILL "$supervisor"
answers || fail "a service did not answer while the supervisor was away"
wait_until 'm status >/dev/null' 5
run "$MPSUPD" -c "$CONF" status
after=$(m pid all | tr '\n' ' ')
echo "# pids before: $before"
echo "# pids after:  $after"
[ "$before" = "$after" ] || fail "a service was restarted"
[ "$(m pid)" = "$keeper" ] || fail "the daemon has another pid"
[ "$(redis-cli -s "$D/redis.sock" get greeting)" = "hello again" ] ||
	fail "redis lost its data"
wait_until '[ "$(wc -l <"$D/log/ticker.stdout.log")" -gt $((lines + 20)) ]' 10

say "what requires a program stops with it, and starts it"
run "$MPSUPD" -c "$CONF" stop redis
run "$MPSUPD" -c "$CONF" why nginx
run "$MPSUPD" -c "$CONF" start nginx
m status redis nginx >/dev/null || fail "nginx runs without what it requires"
before=$(m pid all | tr '\n' ' ')

say "no line of the ticker's log was lost or repeated meanwhile"
run "$MPSUPD" -c "$CONF" logs -n 3 ticker
awk '{ if ($2 != NR) { print "line", NR, "is", $0; exit 1 } }' \
	"$D/log/ticker.stdout.log" || fail "the log has a gap"
run "$MPSUPD" -c "$CONF" logs -n 2 nginx

say "all is stopped; nothing is left"
run "$MPSUPD" -c "$CONF" stop
stopped=1
for p in $keeper $before; do
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$p/status" 2>/dev/null) in
	'' | Z*) ;; # gone, or waiting for init to notice
	*) fail "process $p is left" ;;
	esac
done
[ ! -e "$D/run/control.sock" ] && [ ! -e "$D/run/mpsupd.pid" ] ||
	fail "files are left in $D/run"
code=0
run "$MPSUPD" -c "$CONF" status || code=$?
[ $code = 3 ] || fail "status of a stopped daemon exits $code, not 3"
say "demo: all as promised"
