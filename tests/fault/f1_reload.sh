#!/bin/sh
# F1: the supervisor is killed again and again while reloads add and remove
# programs.  None runs twice or is left behind, and the output of each run is
# in its log from the first line to the last.
. "$(dirname "$0")/../e2e/lib.sh"

cat >"$T/once" <<'E'
#!/bin/sh
# once NAME: a writer; another one of this name at the same time is noted.
exec 9>"$1.lock"
flock -n 9 || echo $$ >>"$1.double"
exec "$HELPERS/writer" "$1.n" 500
E
chmod +x "$T/once"
configure() { # NAME...
	for name; do
		cat <<E
[program:$name]
command = $T/once $T/$name
startsecs = 0
stopwaitsecs = 30
stdout_logfile_maxbytes = 0
E
	done | conf
}

configure w
start_daemon
wait_until '[ -s "$T/log/w.stdout.log" ]' 5
k=$(keeper)
pid=$(pid_of w)
round=0
while [ $round -lt $((3 * LOAD)) ]; do
	x="a$round b$round c$round d$round e$round f$round"
	"$HELPERS/killer" "$k" 60 500 9000 >"$T/worst" &
	# shellcheck disable=SC2086 # a list
	configure w $x
	m reload >/dev/null 2>&1 || true
	wait $! || fail "$(cat "$T/worst")"
	expect 0 m reload
	for name in $x; do
		wait_until 'is '"$name"' RUNNING && [ -s "$T/log/'"$name"'.stdout.log" ]' 10
	done
	"$HELPERS/killer" "$k" 60 500 9000 >"$T/worst" &
	configure w
	m reload >/dev/null 2>&1 || true
	wait $! || fail "$(cat "$T/worst")"
	expect 0 m reload
	for name in $x; do
		wait_until '! m status '"$name"' >/dev/null 2>&1 && [ -s "$T/'"$name"'.n" ]' 10
		got=$("$HELPERS/verify" <"$T/log/$name.stdout.log") || fail "$name: $got"
		check '[ "$got" = "$(cat "$T/$name.n")" ]' \
			"$name wrote $(cat "$T/$name.n") lines, the log has $got"
	done
	round=$((round + 1))
done
check '[ -z "$(find "$T" -name "*.double")" ]' "two copies at once"
check '[ "$(pid_of w)" = "$pid" ]'
check '[ "$(pgrep -fc "$HELPERS/writer $T/")" = 1 ]' "one was left behind"
expect 0 m stop
check '[ "$("$HELPERS/verify" <"$T/log/w.stdout.log")" = "$(cat "$T/w.n")" ]'
finish
