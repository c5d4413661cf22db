#!/bin/sh
# argv and environment of programs, in supervisord's files and in ours.
. "$(dirname "$0")/lib.sh"

# $1: the main section
write() {
	cat >"$CONF" <<E
[$1]
rundir = $T/run
statedir = $T/state
logdir = $T/log
logfile = $T/log/mpsupd.log
pidfile = $T/run/mpsupd.pid
environment = MAIN="main value",BOTH=main,QUOTED="a;b #c, d%%e"
[program:args]
command = $HELPERS/report $T/args "two words" '' 'it''s' a\\ b "grüße 日本" "q\\"q" 'x;y' #no %(ENV_OUTER)s %(ENV_MAIN)s %(program_name)s %%
serverurl = unix://$T/x.sock
environment = BOTH="program",OWN='x y',EQ="a=b=c"
startsecs = 0
autorestart = false
[program:empty]
command = $HELPERS/report $T/empty
inherit_environment = false
environment = ONLY=me
startsecs = 0
autorestart = false
[program:user]
command = $HELPERS/report $T/user
user = $(id -u)
startsecs = 0
autorestart = false
E
}

arg() {
	grep -qxF "arg$1 <$2>" "$T/args" || fail "arg$1 is not <$2>:
$(grep '^arg' "$T/args")"
}

var() { # FILE NAME=VALUE
	grep -qxF "env $2" "$T/$1" || fail "$1: $2 is not set:
$(grep '^env' "$T/$1")"
}

for section in mpsupd supervisord; do
	write $section
	rm -f "$T/args" "$T/empty" "$T/user"
	expect 0 env OUTER='from outside' HOME=/odd USER=odd "$MPSUPD" \
		-c "$CONF" start
	wait_until '[ -f $T/args ] && [ -f $T/empty ] && [ -f $T/user ]' 5
	arg 2 'two words'
	arg 3 ''
	arg 4 its
	arg 5 'a b'
	arg 6 'grüße 日本'
	arg 7 'q"q'
	arg 8 'x;y'
	check '! grep -q "^arg9" "$T/args"' "a comment became an argument"
	var args MAIN='main value'
	var args BOTH=program
	var args OWN='x y'
	var args EQ=a=b=c
	var args 'QUOTED=a;b #c, d%e'
	var args OUTER='from outside'
	var args SUPERVISOR_ENABLED=1
	var args SUPERVISOR_PROCESS_NAME=args
	var args SUPERVISOR_GROUP_NAME=args
	var args "SUPERVISOR_SERVER_URL=unix://$T/x.sock"
	var args HOME=/odd
	check '[ "$(grep -c "^env BOTH=" "$T/args")" = 1 ]'
	var empty ONLY=me
	check '! grep -q "^env OUTER=" "$T/empty"' "it was inherited"
	if [ $section = supervisord ]; then
		var user HOME=/odd
		var user USER=odd
	elif name=$(id -un 2>/dev/null); then # it may have none
		var user "HOME=$(getent passwd "$name" | cut -d: -f6)"
		var user "USER=$name"
		var user "LOGNAME=$name"
	fi
	expect 0 m stop
done

# %(ENV_X)s: also in typed keys; an unknown one is an error that says so.
sed -i 's/^command.*\/args.*/command = \/bin\/echo %(ENV_OUTER)s %(program_name)s %% %(here)s\nstdout_logfile = %(here)s\/x.log\nstartretries = %(ENV_N)s/' "$CONF"
expect 0 env OUTER='a b' N=2 "$MPSUPD" -c "$CONF" start
wait_until '[ -s "$T/x.log" ]' 5
check '[ "$(cat "$T/x.log")" = "a b args % $T" ]' "$(cat "$T/x.log")"
expect 0 m stop
expect 2 m check
said ENV_OUTER
finish
