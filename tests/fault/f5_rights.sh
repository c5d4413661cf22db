#!/bin/sh
# F5: what lies in the state file is no right to anything: the daemon of a user
# gets only that user's pipes back, though root starts it and the file names a
# pipe of root's; a file of somebody else, or a link, is not read.
. "$(dirname "$0")/../e2e/lib.sh"
need_root

conf "user = nobody" <<E
[program:a]
command = sh -c 'while :; do echo line; sleep 0.1; done'
startsecs = 0
E
cat >"$T/forge" <<'E'
"""forge STATE INODE: the first record of the state file names this pipe."""
import struct, sys, zlib
with open(sys.argv[1], "r+b") as f:
    f.seek(4096 + 4 * 16384)
    r = bytearray(f.read(512))
    assert struct.unpack_from("<I", r)[0] == zlib.crc32(r[4:])
    struct.pack_into("<Q", r, 40, int(sys.argv[2]))
    struct.pack_into("<I", r, 0, zlib.crc32(r[4:]))
    f.seek(4096 + 4 * 16384)
    f.write(r)
E
holds() { # INODE: some process of the daemon has that pipe
	for p in $(keeper) $(supervisor "$(keeper)"); do
		ls -l "/proc/$p/fd"
	done | grep -qF "pipe:[$1]"
}

start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
own=$(stat -L -c %i "/proc/$pid/fd/1")
kill_daemon
expect 0 m start
check 'holds $own'
wait_until 'n=$(wc -l <"$T/log/a.stdout.log"); [ "$n" -gt 3 ]' 5

python3 -c 'import os, time
r, w = os.pipe()
print(os.fstat(r).st_ino, flush=True)
time.sleep(600)' >"$T/secret" &
wait_until '[ -s "$T/secret" ]' 10
secret=$(cat "$T/secret")
kill_daemon
python3 "$T/forge" "$T/run/state" "$secret"
expect 0 m start
said "adopted"
check '[ "$(pid_of a)" = "$pid" ]'
check '! holds $secret' "nobody's daemon has a pipe of root's"
kill_daemon
kill $!

# Neither is it read through a link, nor from another.
cp "$T/run/state" "$T/copy"
for how in 'ln -s "$T/copy"' 'cp --preserve=mode "$T/copy"'; do
	rm -f "$T/run/state"
	eval "$how" '"$T/run/state"'
	chown -h daemon "$T/run/state"
	expect 0 m start
	said "is not found"
	check '[ "$(stat -c %F%U "$T/run/state")" = "regular fileroot" ]'
	check '[ "$(stat -c %U "$T/copy")" = root ]'
	expect 0 m stop
done
kill -KILL "$pid"
finish
