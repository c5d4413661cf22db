#!/bin/sh
# mpsupd logs: the last lines, following across rotation, safe on a terminal.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:lines]
command = sh -c 'seq 1000; echo 1001 >&2; echo -n unfinished; exec sleep 1000'
[program:esc]
command = printf 'a\\033]0;title\\007b\\033[31mred\\177\\302\\233c\\ttab grüße\\n'
startsecs = 0
autorestart = false
[program:tick]
command = $HELPERS/writer $T/tick.n 2000 20000
stdout_logfile_maxbytes = 100KB
stdout_logfile_backups = 30
startsecs = 0
autorestart = false
autostart = false
[program:silent]
command = sleep 1000
E
start_daemon
wait_until 'grep -qs unfinished "$T/log/lines.stdout.log"' 5
expect 0 m logs -n 3 lines
check '[ "$(cat "$T/out")" = "999
1000
unfinished" ]' "$(cat "$T/out")"
expect 0 m logs -n 0 lines
check '[ ! -s "$T/out" ]'
expect 0 m logs -n 100000 lines
check 'cmp -s "$T/out" "$T/log/lines.stdout.log"'
expect 0 m logs --stderr lines
check '[ "$(cat "$T/out")" = 1001 ]'
expect 0 m logs silent
check '[ ! -s "$T/out" ]'
expect 4 m logs nobody
expect 2 m logs
expect 2 m logs -n -1 lines

# Escape bytes: as they are in a pipe, visible on a terminal.
wait_until 'is esc EXITED' 5
expect 0 m logs esc
check 'cmp -s "$T/out" "$T/log/esc.stdout.log"' "a pipe gets the raw bytes"
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	timeout 20 script -qec "$MPSUPD -c $CONF logs esc" /dev/null \
		>"$T/tty" </dev/null
	check '! tr -d "\r\n\t" <"$T/tty" | LC_ALL=C grep -q "[[:cntrl:]]"' \
		"control bytes on a terminal: $(od -c "$T/tty")"
	check '! grep -qF "$(printf "\302\233")" "$T/tty"' "a C1 byte on a terminal"
	check 'grep -qiF "\\x1b" "$T/tty"' "$(cat "$T/tty")"
	check 'grep -qF "grüße" "$T/tty"' "$(cat "$T/tty")"
	timeout 20 script -qec "$MPSUPD -c $CONF logs --raw esc" /dev/null \
		>"$T/tty" </dev/null
	check 'grep -qF "$(printf "\033]0;")" "$T/tty"'
else
	echo "no pseudo-terminals here: not tried on one"
fi

# -f across rotation: every line, once.
expect 0 m start --no-wait tick
"$MPSUPD" -c "$CONF" logs -f -n 100000 tick >"$T/follow" 2>"$T/follow.err" &
f=$!
wait_until '[ -e "$T/log/tick.stdout.log.3" ]' 20
wait_until 'is tick EXITED' 30
wait_until '[ "$(stat -c %s "$T/follow")" -ge 2000000 ]' 5
kill $f
wait $f || true
check '[ "$("$HELPERS/verify" <"$T/follow")" = 20000 ]' \
	"$("$HELPERS/verify" <"$T/follow")"
finish
