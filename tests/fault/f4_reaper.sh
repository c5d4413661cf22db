#!/bin/sh
# F4: how a program ended whose keeper was killed is known as soon as its new
# parent has reaped it, however long that takes; one that is never reaped has
# ended all the same.  The daemon waits for neither.
. "$(dirname "$0")/../e2e/lib.sh"

case $(uname -r) in
[0-5].* | 6.[0-9].* | 6.1[0-4].*) skip "needs Linux 6.15" ;;
esac
cat >"$T/reaper" <<'E'
"""reaper COMMAND...: runs it; gets all orphans, and reaps those whose pid
stands in the file named `reap`.  Ends when there is one named `end`, or when
its directory is gone."""
import ctypes, os, subprocess, sys, time
dir = os.environ["DIR"]
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
subprocess.run(sys.argv[1:], check=True)
while os.path.exists(dir) and not os.path.exists(dir + "/end"):
    time.sleep(0.02)
    try:
        os.waitpid(int(open(dir + "/reap").read()), 0)
        os.unlink(dir + "/reap")
    except FileNotFoundError:
        pass
E
mkfifo "$T/gate.a" "$T/gate.b" "$T/gate.c"
for p in a b c; do
	cat <<E
[program:$p]
command = sh -c 'read x <$T/gate.$p; exit 3'
startsecs = 0
autorestart = false
E
done | conf
is_zombie() {
	grep -qs '^State:.Z' "/proc/$1/status"
}

DIR=$T ours python3 "$T/reaper" env MPSUPD_TEST="$T" "$MPSUPD" -c "$CONF" \
	start >"$T/reaper.out" 2>&1 &
reaper=$!
wait_until 'is a RUNNING && is b RUNNING && is c RUNNING' 10
k=$(keeper)
a=$(pid_of a)
b=$(pid_of b)
kill -KILL "$k"
wait_until '[ "$(keeper)" != "$k" ] && m status a >/dev/null' 5
for p in b a; do
	echo >"$T/gate.$p"
done
wait_until 'is_zombie $a && is_zombie $b' 5
check 'is a RUNNING' "its end was told before its status was known"
echo "$a" >"$T/reap.new"
mv "$T/reap.new" "$T/reap"
wait_until 'is a EXITED' 5
check '[ "$(field a exit_code)" = 3 ]' "exit code $(field a exit_code)"
wait_until 'is b EXITED' 5
check 'is_zombie $b'
check '[ "$(field b exit_code)" = null ]'
# And that costs nobody else the status.
pid_of c >"$T/reap.new"
mv "$T/reap.new" "$T/reap" # it waits for it
echo >"$T/gate.c"
wait_until 'is c EXITED' 5
check '[ "$(field c exit_code)" = 3 ]' "exit code $(field c exit_code)"
expect 0 m stop
: >"$T/end"
wait $reaper || fail "$(cat "$T/reaper.out")"
finish
