#!/bin/sh
# env_file: variables between those of [mpsupd] and of the program; a changed
# file is seen by a reload, a wrong one changes nothing; dump-config keeps it.
. "$(dirname "$0")/lib.sh"

cat >"$T/web.env" <<'E'
# of the program web
export FILE='from the file'
BOTH=file
OVER="file" # environment wins

E
write() {
	conf 'environment = BOTH=main,MAIN=main' <<E
[program:web]
command = sh -c 'env >$T/web.out; exec sleep 1000'
env_file = %(here)s/%(program_name)s.env
environment = OVER=own,MADE="%(ENV_FILE)s too"
[program:same]
command = sleep 1000
env_file = $T/same.env
[program:none]
command = sh -c 'env >$T/none.out; exec sleep 1000'
env_file = -$T/none.env
E
}
echo X=1 >"$T/same.env"
write
start_daemon
wait_until '[ -s "$T/web.out" ] && [ -s "$T/none.out" ]' 5
wait_until 'm status web same none >/dev/null' 5
for v in 'FILE=from the file' BOTH=file OVER=own MAIN=main \
	'MADE=from the file too'; do
	check 'grep -qxF "$v" "$T/web.out"' "$v: $(cat "$T/web.out")"
done
check 'grep -qx BOTH=main "$T/none.out"'

# Nothing secret is shown; what is shown loads to the same thing.
expect 0 m dump-config
check '! grep -q "FILE=" "$T/out"'
check 'grep -qx "env_file = -$T/none.env" "$T/out"'
cp "$T/out" "$T/dump.ini"
expect 0 "$MPSUPD" -c "$T/dump.ini" dump-config
check 'cmp "$T/out" "$T/dump.ini"'

web=$(pid_of web) same=$(pid_of same) none=$(pid_of none)
expect 0 m reload
check '[ "$(pid_of web) $(pid_of same)" = "$web $same" ]'
echo 'BOTH=changed' >>"$T/web.env"
echo 'NEW=1' >"$T/none.env"
expect 0 m reload --dry-run
said web
said env_file
expect 0 m reload
wait_until '[ "$(pid_of web)" != "$web" ] && grep -qx BOTH=changed "$T/web.out"' 5
wait_until '[ "$(pid_of none)" != "$none" ] && grep -qx NEW=1 "$T/none.out"' 5
check '[ "$(pid_of same)" = "$same" ]'

# Mistakes have a file and a line, and nothing changes.
printf 'A=1\nB\n' >"$T/same.env"
expect 2 m check
said "$T/same.env:2: KEY=VALUE is expected here"
expect 2 m reload
said "$T/same.env:2:"
rm "$T/same.env"
expect 2 m check
said "env_file: cannot read $T/same.env: No such file"
check '[ "$(pid_of same)" = "$same" ]'
# A killed supervisor needs no file.
s=$(supervisor "$(keeper)")
rm "$T/web.env"
kill -KILL "$s"
wait_until 's2=$(supervisor "$(keeper)"); [ -n "$s2" ] && [ "$s2" != "$s" ]' 5
rm "$T/web.out"
expect 0 m restart web
wait_until 'grep -qsx BOTH=changed "$T/web.out"' 5
finish
