#!/bin/sh
# The static program in a root directory that has nothing else: no library and
# no loader, so no module of nsswitch.conf either; /proc and /dev/null as every
# container has them.
. "$(dirname "$0")/lib.sh"
need_root
[ -x "$BUILD/static/mpsupd" ] || skip "$BUILD/static/mpsupd is not built"
unshare -m true 2>/dev/null || skip "no mount namespace to be had"

for f in mpsupd report; do
	readelf -d "$BUILD/static/$f" >"$T/elf"
	check '! grep -q NEEDED "$T/elf"' "$f needs $(cat "$T/elf")"
done

root=$T/root
mkdir "$root"
cat >"$T/setup" <<E
set -e
mount -t tmpfs none "$root"
cd "$root"
cp "$BUILD/static/mpsupd" "$BUILD/static/report" .
mkdir dev etc proc tmp
chmod 777 tmp
mount -t proc none proc
: >dev/null
mount --bind /dev/null dev/null
printf 'root:x:0:0::/:\nweb:x:4711:4712::/home/web:/bin/false\n' >etc/passwd
printf 'web:x:4712:\nlogs:x:4713:ann,web\nann:x:4714:ann\n' >etc/group
printf 'passwd: compat\ngroup: compat\n' >etc/nsswitch.conf
cat >mpsupd.conf <<C
[mpsupd]
environment = REPORT_STAY=1
[program:a]
command = /report /tmp/a
user = web
[program:b]
command = /report /tmp/b
user = web:logs
[program:c]
command = /report /tmp/c
user = 99
C
exec chroot . /mpsupd -c /mpsupd.conf start
E
expect 0 unshare -m sh "$T/setup"
k=$(sed -n 's/.*started (pid \([0-9]*\)).*/\1/p' "$T/out")

inside() {
	nsenter -t "$k" -m -r -w /mpsupd "$@"
}
running() {
	inside status a b c >"$T/status"
}
wait_until running 10

ids() { # NAME UID GID GROUPS: of the running program
	p=$(inside pid "$1")
	got=$(sed -n 's/^[UG]id:\t\([0-9]*\)\t.*/\1/p
		s/^Groups:\t//p' "/proc/$p/status" | xargs)
	[ "$got" = "$2 $3 $4" ] || fail "$1 runs as $got"
}
ids a 4711 4712 '4712 4713'
ids b 4711 4713 '4712 4713'
ids c 99 99 99

s=$(supervisor "$k")
kill -KILL "$s"
wait_until 'now=$(supervisor "$k"); [ -n "$now" ] && [ "$now" != "$s" ]' 5
expect 0 inside upgrade
expect 0 inside stop
wait_until '! alive "$k"' 5
finish
