# Sourced by the F1 family: four steady writers, four churners (of a few ms),
# and the proof that nothing was lost, repeated or restarted.
# shellcheck shell=sh

RESTARTED=
UNKNOWN=

steady_conf() { # RATE: lines a second of each writer
	cat >"$T/churn" <<'E'
#!/bin/sh
# churn FILE: counts its runs in FILE and exits with the count modulo 200; a
# second copy at the same time is noted in FILE.double
exec 9>"$1.lock"
flock -n 9 || echo $$ >>"$1.double"
echo >>"$1"
n=$(wc -l <"$1")
exit $((n % 200))
E
	chmod +x "$T/churn"
	{
		for i in 1 2 3 4; do
			cat <<E
[program:w$i]
command = $HELPERS/writer $T/w$i.n $1
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1000
startsecs = 0
stopwaitsecs = 30
[program:c$i]
command = $T/churn $T/c$i.runs
startsecs = 0
autorestart = true
restart_delay = 3ms
restart_delay_max = 3ms
E
		done
	} | conf
}

steady_start() {
	start_daemon
	wait_until 'm status "w[1-4]" >/dev/null' 10
	for i in 1 2 3 4; do
		wait_until '[ -s "$T/log/w'$i'.stdout.log" ]' 5
	done
	K=$(keeper)
	PIDS=$(m pid "w[1-4]")
	FDS=$(fds_of "$K")
	# What is touched once is touched by the second supervisor's start.
	old=$(supervisor "$K")
	kill -KILL "$old"
	wait_until 'm status >/dev/null && [ "$(supervisor "$K")" != "$old" ]' 5
	RSS=$(rss_of "$K")
}

# Memory of its own, in KB; how much of a file is mapped is the kernel's choice.
rss_of() {
	sed -n 's/^Anonymous: *\([0-9]*\) kB/\1/p' "/proc/$1/smaps_rollup"
}

steady_check() {
	wait_until 'm status >/dev/null' 10
	check '[ -z "$(find "$T" -name "*.double")" ]' "two copies at once"
	check '[ "$(m pid "w[1-4]")" = "$PIDS" ]' "a steady program was restarted"
	check '[ "$(keeper)" = "$K" ]'
	# Statuses: each run of the churners was seen once, and none is wrong.
	for i in 1 2 3 4; do
		expect 0 m stop c$i
		runs=$(wc -l <"$T/c$i.runs")
		# The stop may have come before the last one could count.
		restarts=$(field c$i restarts)
		code=$(field c$i exit_code)
		# RESTARTED: by a daemon that counts anew.  UNKNOWN: statuses
		# of those whose parent was killed may be lost, nothing else.
		check '[ -n "$RESTARTED" ] || [ $restarts = $((runs - 1)) ] ||
			{ [ $restarts = $runs ] &&
			[ "$code" = -15 -o "$code" = null ]; }' \
			"c$i ran $runs times, restarts are $restarts"
		check '[ $code = $((runs % 200)) ] || [ $code = -15 ] ||
			{ [ -n "$UNKNOWN$RESTARTED" ] && [ $code = null ]; }' \
			"c$i ended with $((runs % 200)), not $code"
		check '[ $runs -gt 5 ]' "c$i ran $runs times only"
	done
	check '[ -z "$(ps -o stat= --ppid "$K" | grep Z)" ]' "a zombie"
	[ -z "$FDS" ] || [ -n "$SANITIZED" ] ||
		check '[ "$(rss_of "$K")" -le $RSS ]' \
			"the keeper grew from $RSS to $(rss_of "$K") KB"
	[ -z "$FDS" ] || wait_until '[ "$(fds_of "$K")" = "$FDS" ]' 3
	expect 0 m stop "w[1-4]"
	expect 0 m stop
	for i in 1 2 3 4; do
		got=$(find "$T/log" -name "w$i.stdout.log*" |
			sort -t. -k4,4nr | xargs cat | "$HELPERS/verify") ||
			fail "w$i: $got"
		check '[ "$got" = "$(cat "$T/w$i.n")" ]' \
			"w$i wrote $(cat "$T/w$i.n") lines, the log has $got"
	done
}
