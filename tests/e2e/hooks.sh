#!/bin/sh
# Commands around a run, and what happens when a program is given up.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sh -c 'echo run; exec sleep 1000'
environment = COLOUR="red"
directory = $T
exec_start_pre = sh -c 'echo pre \$COLOUR \$PWD; test ! -e $T/refuse'
exec_start_post = sh -c 'echo post \$MPSUPD_STATE \$MAINPID'
exec_stop_post = sh -c 'echo after \$MPSUPD_EXIT_CODE; sleep 0.3; echo gone'
startretries = 1
[program:hangs]
command = sleep 1000
exec_start_pre = sleep 1001
ready_timeout = 300ms
startretries = 0
[program:nohook]
command = sleep 1000
exec_start_pre = /nonexistent
startretries = 0
E
start_daemon
wait_until 'is web RUNNING' 5
wait_until 'm logs web | grep -q post' 5
pid=$(pid_of web)
check '[ "$(m logs web | tr "\n" ";")" = "pre red $T;run;post RUNNING $pid;" ]' \
	"$(m logs web)"
wait_until 'is hangs FATAL' 5
check 'field hangs reason | grep -q "exec_start_pre failed"' \
	"$(field hangs reason)"
check '[ "$(leftovers | grep -c "sleep 100[01]")" = 1 ]' "$(leftovers)"
check 'is nohook FATAL' "$(state nohook)"
# After a death, and before the next start.
kill -KILL "$pid"
wait_until 'is web RUNNING && [ "$(pid_of web)" != "$pid" ]' 10
wait_until '[ "$(m logs -n 100 web | grep -c post)" = 2 ]' 5
check '[ "$(m logs -n 100 web | sed -n "4,7p" | tr "\n" ";")" = \
	"after -9;gone;pre red $T;run;" ]' "$(m logs -n 100 web)"
# One that refuses is a failed start.
touch "$T/refuse"
expect 1 m restart web
wait_until 'is web FATAL' 10
check 'field web reason | grep -q "exec_start_pre failed (exit code 1)"' \
	"$(field web reason)"
rm "$T/refuse"
expect 0 m start web
# Stopped while it waits for one; a stop of all waits for the last ones.
sed -i 's/ready_timeout = 300ms/ready_timeout = 300s/' "$CONF"
expect 0 m reload
expect 0 m start --no-wait hangs
wait_until 'leftovers | grep -q "sleep 1001"' 5
expect 0 m stop hangs
wait_until '! leftovers | grep -q "sleep 1001"' 5
n=$(grep -c gone "$T/log/web.stdout.log")
expect 0 m stop
check '[ "$(grep -c gone "$T/log/web.stdout.log")" = $((n + 1)) ]'
rm -rf "$T/state" "$T/log"

# --- removed by a reload: exec_stop_post is run to its end ---
conf <<E
[program:by]
command = sleep 1000
[program:gone]
command = sleep 1000
startsecs = 0
exec_stop_post = sh -c 'echo begin >$T/post; sleep 0.3; echo end >>$T/post'
E
start_daemon
wait_until 'is gone RUNNING' 5
printf '[program:by]\ncommand = sleep 1000\n' | conf
expect 0 m reload
wait_until 'grep -q "gone: removed" "$DLOG"' 5
check 'grep -q end "$T/post"'
expect 0 m stop
rm -rf "$T/state"

# --- giving up ---
conf <<E
[program:x]
command = sleep 1000
on_give_up = reboot
E
expect 2 m check
said 'none of none, shutdown, exec:COMMAND'
conf <<E
[program:told]
command = sh -c 'exit 5'
startretries = 0
on_give_up = exec:sh -c 'echo \$MPSUPD_STATE \$MPSUPD_EXIT_CODE >$T/told'
[program:by]
command = sleep 1000
E
start_daemon
wait_until '[ -s "$T/told" ]' 5
check '[ "$(cat "$T/told")" = "FATAL 5" ]'
now=$(state by)
check '[ "$now" = RUNNING ] || [ "$now" = STARTING ]' "$now"
expect 0 m stop
rm -rf "$T/state"

# run KEYS...: the exit code of a daemon in the foreground.
run() {
	{
		printf '[program:main]\n'
		for key; do printf '%s\n' "$key"; done
		printf '[program:by]\ncommand = sleep 1000\n'
	} | conf
	code=0
	timeout $((30 * SLOW)) "$MPSUPD" -c "$CONF" start -n >"$T/out" 2>"$T/err" ||
		code=$?
	check no_leftovers "$(leftovers)"
	rm -rf "$T/state"
}
run 'command = sh -c "exit 7"' 'essential = true' 'startretries = 0'
check '[ "$code" = 7 ]' "$code: $(cat "$T/err")"
check 'grep -q "main: it is essential and has ended; the daemon stops" "$T/err"'
run 'command = sh -c "sleep 0.3; exit 9"' 'essential = true' 'startsecs = 0' \
	'autorestart = false'
check '[ "$code" = 9 ]' "$code: $(cat "$T/err")"
run 'command = sh -c "kill -SEGV $$"' 'essential = true' 'startretries = 0'
check '[ "$code" = 139 ]' "$code: $(cat "$T/err")"
run 'command = /nonexistent' 'essential = true' 'startretries = 0'
check '[ "$code" = 127 ]' "$code: $(cat "$T/err")"
run 'command = true' 'essential = true' 'type = oneshot'
check '[ "$code" = 0 ]' "$code: $(cat "$T/err")"
run 'command = false' 'on_give_up = shutdown' 'restart_limit = 2/60s' \
	'restart_delay = 10ms'
check '[ "$code" = 1 ]' "$code: $(cat "$T/err")"
check 'grep -q "it is given up; the daemon stops" "$T/err"'
# In the background, and over the supervisor's death.
conf <<E
[program:main]
command = sleep 1000
essential = true
autorestart = false
[program:slow]
command = sh -c 'trap "sleep 0.5; exit" TERM; while :; do sleep 0.05; done'
E
start_daemon
wait_until 'is main RUNNING && is slow RUNNING' 5
k=$(keeper)
s=$(supervisor "$k")
kill -TERM "$(pid_of main)"
wait_until 'grep -q "the daemon stops" "$DLOG"' 5
kill -KILL "$s"
wait_until '! alive $k' 10
wait_until no_leftovers 3
rm -rf "$T/state"
# It ends while no supervisor is there: shutdown_timeout counts from then.
conf 'shutdown_timeout = 1s' <<E
[program:main]
command = sleep 1000
essential = true
autorestart = false
startsecs = 0
[program:deaf]
command = sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
startsecs = 0
stopwaitsecs = 60
E
start_daemon
wait_until 'is main RUNNING && m logs deaf | grep -q ready' 5
k=$(keeper)
s=$(supervisor "$k")
main=$(pid_of main)
kill -STOP "$s"
kill -TERM "$main"
wait_until '! alive $main' 5
kill -KILL "$s"
wait_until '! alive $k' 10
wait_until no_leftovers 3
rm -rf "$T/state"
# The supervisor is killed between the record of that and the stop.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	conf <<E
[program:main]
command = sleep 1000
essential = true
autorestart = false
startsecs = 0
exec_stop_post = true
E
	start_daemon
	wait_until 'is main RUNNING' 5
	k=$(keeper)
	s=$(supervisor "$k")
	main=$(pid_of main)
	ours strace -qq -o "$T/strace" -p "$s" -e trace=clone \
		-e inject=clone:signal=KILL 2>"$T/strace.err" &
	wait_until 'grep -q "^TracerPid:.*$!\$" "/proc/$s/status"' 5
	kill -TERM "$main"
	wait_until '! alive $s' 5
	wait_until '! alive $k' 10
	wait_until no_leftovers 3
fi
finish
