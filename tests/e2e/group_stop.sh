#!/bin/sh
# stopasgroup and killasgroup: who of a program's process group is signalled.
. "$(dirname "$0")/lib.sh"

# A parent with a child; each says what it got.
cat >"$T/family" <<'E'
#!/bin/sh
# family FILE [ignore]
sh -c 'trap "echo child >>$0; sleep 0.1; exit" TERM; echo $$ >$0.pid
	while :; do sleep 0.05; done' "$1" &
if [ "${2:-}" = ignore ]; then
	trap "echo ignored >>$1" TERM
else
	trap "echo parent >>$1; exit" TERM
fi
while :; do sleep 0.05; done
E
chmod +x "$T/family"
conf <<E
[program:alone]
command = $T/family $T/alone
[program:group]
command = $T/family $T/group
stopasgroup = true
[program:killed]
command = $T/family $T/killed ignore
killasgroup = true
stopwaitsecs = 1
E
start_daemon
wait_until '[ -s $T/alone.pid ] && [ -s $T/group.pid ] && [ -s $T/killed.pid ]' 8
wait_until 'm status all >/dev/null' 8

# The program leads a group of its own.
for p in alone group killed; do
	pid=$(pid_of $p)
	check '[ "$(ps -o pgid= -p $pid | tr -d " ")" = "$pid" ]'
	check '[ "$(ps -o pgid= -p "$(cat "$T/$p.pid")" | tr -d " ")" = "$pid" ]'
done

expect 0 m stop group
wait_until '[ "$(sort "$T/group")" = "child
parent" ]' 5
wait_until '! alive "$(cat "$T/group.pid")"' 5

expect 0 m stop killed
wait_until '! alive "$(cat "$T/killed.pid")"' 5
check '[ "$(field killed exit_code)" = -9 ]'
check '[ "$(cat "$T/killed")" = ignored ]' "TERM went to the main process only"

expect 0 m stop alone
check '[ "$(head -n 1 "$T/alone")" = parent ]'
# Who of it is left then is the matter of tree.sh.
kill -TERM "$(cat "$T/alone.pid")" 2>/dev/null || true

# stopasgroup without killasgroup is an error, as in supervisord.
conf <<E
[program:a]
command = sleep 1
stopasgroup = true
killasgroup = false
E
expect 2 m check
said "$CONF"
finish
