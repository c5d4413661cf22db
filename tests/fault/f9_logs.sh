#!/bin/sh
# F9: the file system of a log refuses: programs wait, as configured, status
# says so, nothing is lost, and all goes on by itself.
. "$(dirname "$0")/../e2e/lib.sh"

# refuse CALLS PATH: of the supervisor to that file, until `allow`.
refuse() {
	what=$1
	ours strace -o "$T/trace" -p "$S" -P "$2" \
		-e inject="$what:error=$error" 2>/dev/null &
	tracer=$!
	wait_until 'grep -q "TracerPid:.[1-9]" "/proc/$S/status"' 5
}

allow() {
	kill $tracer
	wait $tracer 2>/dev/null || true
	grep -q INJECTED "$T/trace" || fail "no $what was refused"
	check '[ "$(m pid w r)" = "$PIDS" ]' "$what, $error: not the same"
	check '[ "$(supervisor "$(keeper)")" = "$S" ]' "$what, $error: it died"
}

grows() { # FILE
	old=$(wc -c <"$1")
	wait_until '[ "$(wc -c <'"$1"')" -gt $old ]' 5
}

# The sink of w takes nothing: the programs run on, and others are served.
waits() {
	wait_until '[ "$(field w log)" = $says ]' 5
	check '[ "$(field r log)" = ok ]'
	allow
	wait_until '[ "$(field w log)" = ok ]' 5
	grows "$T/w.log"
}

need_strace
conf <<E
[program:w]
command = $HELPERS/writer $T/w.n 2000
stdout_logfile = $T/w.log
stdout_logfile_maxbytes = 0
startsecs = 0
[program:r]
command = $HELPERS/writer $T/r.n 2000
stdout_logfile = $T/r.log
stdout_logfile_maxbytes = 50KB
stdout_logfile_backups = 10000
startsecs = 0
[program:x]
command = sleep 1000
startsecs = 0
E
start_daemon
wait_until 'm status >/dev/null' 5
S=$(supervisor "$(keeper)")
PIDS=$(m pid w r)
for error in EIO EROFS ENOSPC EDQUOT; do
	case $error in
	EIO | EROFS) says=blocked ;;
	*) says=disk_full ;;
	esac
	refuse splice "$T/w.log"
	waits
	[ -n "$FULL" ] || [ $error = EROFS ] || [ $error = EDQUOT ] || continue
	refuse openat "$T/w.log"
	m reopen >/dev/null
	waits
	# A rotation that cannot be is none: the file grows.
	refuse rename "$T/r.log"
	wait_until '[ "$(wc -c <"$T/r.log")" -gt 60000 ]' 5
	check '[ "$(field r log)" = ok ]'
	allow
	wait_until '[ "$(wc -c <"$T/r.log")" -lt 60000 ]' 5
	# The daemon's own: its messages are lost, and nothing else.
	refuse write,openat "$DLOG"
	m reopen >/dev/null
	kill -USR2 "$(keeper)"
	expect 0 m restart x
	expect 0 m restart x
	allow
	wait_until 'm restart x >/dev/null; tail -n 1 "$DLOG" | grep -q RUNNING' 5
done
expect 0 m stop w r
for p in w r; do
	got=$(find "$T" -maxdepth 1 -name "$p.log*" | sort -t. -k3,3nr |
		xargs cat | "$HELPERS/verify") || fail "$p: $got"
	check '[ "$got" = "$(cat "$T/$p.n")" ]' "$p: $got lines of $(cat "$T/$p.n")"
done
finish
