#!/bin/sh
# F1, F4, F5, F23 in turn, at random, with other victims than steady.sh's: each
# kind of log (stderr apart and redirected, shared, small and rotated, one that
# no one reads), programs of other languages, and many of them.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=$((12 * LOAD))
many=$((30 * LOAD))
[ $many -le 200 ] || many=200
cat >"$T/lines.py" <<'E'
# lines.py NAME [STREAM]: numbered lines until SIGTERM; says how many, in NAME.n
import os, signal, sys, time
name, i = sys.argv[1], 0
out = sys.stderr if "stderr" in sys.argv else sys.stdout
lock = os.open(name + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    while True:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        i += 1
        out.write("%s %d %s\n" % (os.path.basename(name), i, "x" * (i % 80)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        time.sleep(0.004)
finally:
    with open(name + ".n", "w") as f:
        f.write("%d\n" % i)
E
prog() { # NAME STREAM KEY=VALUE...
	printf '[program:%s]\ncommand = python3 -u %s %s %s\nstartsecs = 0\n' \
		"$1" "$T/lines.py" "$T/$1" "$2"
	shift 2
	for key; do printf '%s\n' "$key"; done
}
{
	prog out stdout
	prog err stderr
	prog both stderr 'redirect_stderr = true'
	prog turn stdout 'stdout_logfile_maxbytes = 20KB' \
		'stdout_logfile_backups = 10000'
	prog one stdout "stdout_logfile = $T/log/shared"
	prog two stdout "stdout_logfile = $T/log/shared"
	prog three stderr "stderr_logfile = $T/log/shared"
	prog sys stdout 'stdout_logfile = syslog'
	prog none stdout 'stdout_logfile = NONE'
	cat <<E
[program:shell]
command = sh -c 'while :; do date; sleep 0.05; done'
[program:many]
process_name = many%(process_num)d
numprocs = $many
command = sleep 1000
startsecs = 0
E
	for server in "redis-server --port 0 --unixsocket $T/redis.sock" \
		"nginx -p $T -c $T/nginx.conf"; do
		[ -n "$(command -v "${server%% *}")" ] || continue
		printf '[program:%s]\ncommand = %s\nstartsecs = 0\n' \
			"${server%% *}" "$server"
	done
} | conf
cat >"$T/nginx.conf" <<E
daemon off;
worker_processes 1;
pid $T/nginx.pid;
error_log stderr;
events {}
http {
	access_log /dev/stdout;
	client_body_temp_path $T/nginx.tmp;
	proxy_temp_path $T/nginx.tmp;
	fastcgi_temp_path $T/nginx.tmp;
	uwsgi_temp_path $T/nginx.tmp;
	scgi_temp_path $T/nginx.tmp;
	server { listen unix:$T/nginx.sock; }
}
E
all_run() {
	! m status all | grep -qE 'STARTING|BACKOFF|EXITED|FATAL|STOPPED'
}

start_daemon
wait_until 'all_run' $((20 + many / 10))
pids=$(m pid all)
round=0
while [ $round -lt $rounds ]; do
	k=$(keeper)
	case $(od -An -N1 -tu1 /dev/urandom) in
	*[012]) kill -KILL "$(supervisor "$k")" ;;
	*[345]) kill -KILL "$k" ;;
	*[67]) expect 0 m upgrade ;;
	*)
		kill_daemon
		expect 0 m start
		said adopted
		;;
	esac
	wait_until 'm status >/dev/null 2>&1' 10
	check '[ "$(m pid all)" = "$pids" ]' "round $round: $(m status all)"
	round=$((round + 1))
done
expect 0 m stop
cat "$T"/log/turn.stdout.log.[0-9]* "$T/log/turn.stdout.log" |
	sort -s -n -k2,2 >"$T/log/turn"
python3 - "$T" <<'E' || fail "see above"
import sys
t = sys.argv[1]
logs = {"out": "out.stdout.log", "err": "err.stderr.log",
        "both": "both.stdout.log", "turn": "turn",
        "one": "shared", "two": "shared", "three": "shared"}
for name, log in logs.items():
    want = int(open("%s/%s.n" % (t, name)).read())
    got = [l.split() for l in open("%s/log/%s" % (t, log))]
    got = [int(l[1]) for l in got if l[0] == name
           and len(l[2] if len(l) > 2 else "") == int(l[1]) % 80]
    assert want > 20 and got == list(range(1, want + 1)), \
        (name, want, len(got), [n for n, m in zip(got, range(1, want)) if n != m][:3])
E
wait_until no_leftovers 5
finish
