#!/bin/sh
# F23: a new program that hangs when it is asked does not outlive the daemon,
# and one that the kernel does not execute is named as such.
. "$(dirname "$0")/../e2e/lib.sh"

cp "$MPSUPD" "$T/mpsupd"
conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
offer() { # FILE: is what `upgrade` finds
	cp "$1" "$T/new"
	chmod 755 "$T/new"
	mv "$T/new" "$T/mpsupd"
}

"$T/mpsupd" -c "$CONF" start >"$T/out"
wait_until 'is a RUNNING' 5
k=$(keeper)
head -c 40000 "$MPSUPD" >"$T/short"
printf '#!/bin/sh\nexit 0\n' >"$T/script"
printf 'nothing\n' >"$T/text"
for bad in short script text; do
	offer "$T/$bad"
	expect 1 m upgrade
	said "nothing changed"
done
said "it cannot be executed"
check '[ "$(keeper)" = "$k" ]'

# It never answers.
asked() {
	leftovers | grep -q -- --can-read
}
cat >"$T/hang.c" <<'E'
#include <unistd.h>
int main(void) { for (;;) pause(); }
E
${CC:-cc} -o "$T/hang" "$T/hang.c" 2>/dev/null || skip "no compiler"
offer "$T/hang"
"$MPSUPD" -c "$CONF" upgrade >"$T/asked" 2>&1 &
wait_until asked 5
# Nor the supervisor that offered it.
c=$(leftovers | grep -- --can-read | cut -d' ' -f1)
kill $!
kill -KILL "$(supervisor "$k")"
wait_until '! alive '"$c" 3
m upgrade >"$T/asked" 2>&1 &
wait_until asked 5
expect 0 m stop
wait
wait_until no_leftovers 3
finish
