#!/bin/sh
# statedir of a daemon that root starts and that runs as somebody else.
. "$(dirname "$0")/lib.sh"
need_root
conf "user = nobody" <<E
[program:w]
command = sleep 1000
process_name = %(program_name)s%(process_num)d
numprocs = 1
[program:x]
command = sleep 1001
E
count() {
	m --json status | grep -o '"name":"w[0-9]' | wc -l
}
start_daemon
wait_until 'is w:w0 RUNNING && is x RUNNING' 5
expect 0 m scale w 3
expect 0 m stop x
wait_until 'grep -qx x "$T/state/stopped"' 5
check '[ "$(stat -c %U:%a "$T/state/overrides" "$T/state/stopped" |
	sort -u)" = nobody:644 ]'
expect 0 m stop
start_daemon
check '[ "$(count)" = 3 ] && is x STOPPED'
expect 0 m reload
check '[ "$(count)" = 3 ]'
expect 0 m stop

# A file of somebody else, or one that others can write, is not believed.
chown daemon "$T/state/overrides"
chmod 666 "$T/state/stopped"
expect 0 m check
said "$T/state/overrides: cannot be read: it belongs to uid"
said "$T/state/stopped: cannot be read: others can write it"
start_daemon
wait_until 'is w:w0 RUNNING && is x RUNNING' 5
check '[ "$(count)" = 1 ]'
rm "$T/state/overrides" "$T/state/stopped"
ln -s "$CONF" "$T/state/overrides"
expect 0 m check
said "overrides: cannot be read"
finish
