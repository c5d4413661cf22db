#!/bin/sh
# The example for containers, as the first process of one: read-only root, a
# tmpfs for /run, namespaces of processes and mounts.
. "$(dirname "$0")/lib.sh"
[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace

examples=$TOP/conf/examples
R=$T/root

mkdir "$R"
mount -t tmpfs root "$R" 2>"$T/why" || skip "$(cat "$T/why")"
mkdir -p "$R/app" "$R/dev" "$R/etc/mpsupd" "$R/proc" "$R/run" "$R/usr"
for dir in bin sbin lib lib32 lib64 libx32; do
	if [ -L "/$dir" ]; then
		cp -P "/$dir" "$R/$dir"
	elif [ -d "/$dir" ]; then
		mkdir "$R/$dir"
		mount --rbind "/$dir" "$R/$dir"
	fi
done
mount --rbind /usr "$R/usr"
mount --rbind /dev "$R/dev"
mount -t tmpfs local "$R/usr/local"
mount -t tmpfs run "$R/run"
cp /etc/passwd /etc/group "$R/etc/"
cp /etc/ld.so.cache "$R/etc/" 2>/dev/null || true
# What the Dockerfile puts there.
mkdir "$R/usr/local/sbin"
cp "$MPSUPD" "$R/usr/local/sbin/mpsupd"
cp "$examples/container.conf" "$R/etc/mpsupd/mpsupd.conf"
cat >"$R/app/cache" <<'E'
#!/bin/sh
trap 'echo "cache: the end"; exit 0' TERM
echo "cache: here"
while :; do sleep 0.05; done
E
# It leaves strangers behind, some of which escape from its session.
cat >"$R/app/web" <<'E'
#!/bin/sh
trap 'echo "web: the end"; exit 0' TERM
for i in 1 2 3 4 5; do
	(sleep 0.0$i &)
	(setsid sleep 0.0$i &)
done
touch /file 2>/dev/null && echo "web: root is not read-only"
echo "web: here, parent $PPID"
until [ -e /run/web-ends ]; do sleep 0.05; done
exit 7
E
chmod 755 "$R/app/cache" "$R/app/web"
mount -o remount,bind,ro "$R"

# ENTRYPOINT ["a", "b"] -> a b
entry=$(sed -n 's/^ENTRYPOINT \[\(.*\)\]$/\1/p' "$examples/Dockerfile" |
	tr -d '",')
check '[ -n "$entry" ]'

# Starts it; its number among the host's processes in $first.
run() {
	: >"$T/stdout"
	# shellcheck disable=SC2086 # words
	env -u ASAN_OPTIONS -u UBSAN_OPTIONS unshare --pid --fork \
		--kill-child --mount --root "$R" --wd / \
		--mount-proc $entry >"$T/stdout" 2>"$T/stderr" &
	container=$!
	wait_until '[ -S "$R/run/mpsupd/control.sock" ] || ! alive $container' 10
	check 'alive $container' "$(cat "$T/stderr")"
	first=$(cat "/proc/$container/task/$container/children")
	first=${first% }
}
in_it() { # COMMAND...: as docker exec does
	nsenter --target "$first" --pid --mount --root --wd "$@"
}
zombies() {
	in_it ps -eo stat=,args= | grep '^Z' || true
}
asked() { # METHOD...
	in_it mpsupd "$@"
}

run
wait_until 'grep -q "web: here" "$T/stdout"' 10
wait_until '[ "$(asked status | grep -c RUNNING)" = 2 ]' 10
check '[ "$(in_it cat /proc/1/comm)" = mpsupd ]'
# Its programs are its children, so nobody has to be told of their ends.
check 'grep -q "^web: here, parent 1$" "$T/stdout"'
check 'grep -q "^cache: here$" "$T/stdout"'
check '! grep -q "not read-only" "$T/stdout"'
check '! in_it touch /etc/file 2>/dev/null' "the root is not read-only"

# What nobody waits for is reaped, and nothing is said of it.
in_it sh -c '(sleep 0.01 &); (setsid sleep 0.02 &)'
wait_until '! in_it pgrep -f "^sleep 0.0[1-4]" >/dev/null' 5
wait_until '[ -z "$(zombies)" ]' 5
lines=$(wc -l <"$T/stderr")
in_it sh -c '(sh -c "exit 3" &); (sh -c "kill -9 \$\$" &)'
wait_until '[ -z "$(zombies)" ]' 5
asked status >/dev/null
check '[ "$(wc -l <"$T/stderr")" = "$lines" ]' "$(cat "$T/stderr")"

# A supervisor that is killed: nobody notices.
before=$(asked pid web)
supervisor=$(in_it pgrep -f '^mpsupd: supervisor')
in_it sh -c "kill -KILL $supervisor"
wait_until 'grep -q "took over" "$T/stderr"' 5
check '[ "$(asked pid web)" = "$before" ]'

# `docker stop`: in order, and within the time.
now
from=$NOW
kill -TERM "$first"
code=0
wait "$container" || code=$?
now
check '[ "$code" = 0 ]' "exit code $code: $(cat "$T/stderr")"
check '[ $((NOW - from)) -lt $((800 * SLOW)) ]'
check '[ "$(grep "the end" "$T/stdout" | tr "\n" " ")" = \
	"web: the end cache: the end " ]' "$(cat "$T/stdout")"
check 'grep -q "all programs are stopped" "$T/stderr"'
check '! grep -E "^mpsupd:|cannot" "$T/stderr"' "it complains"
check '[ -z "$(find "$R/run/mpsupd" -maxdepth 1 ! -type d)" ]' \
	"left: $(find "$R/run/mpsupd" -maxdepth 1 ! -type d)"

# A program that does not end gets SIGKILL before the container does.
sed -i 's/^trap .*/trap "" TERM/' "$R/app/web" 2>/dev/null || {
	mount -o remount,bind,rw "$R"
	sed -i 's/^trap .*/trap "" TERM/' "$R/app/web"
	mount -o remount,bind,ro "$R"
}
run
wait_until 'grep -q "web: here" "$T/stdout"' 10
wait_until 'grep -q "cache: here" "$T/stdout"' 10
now
from=$NOW
kill -TERM "$first"
code=0
wait "$container" || code=$?
now
check '[ "$code" = 0 ]' "exit code $code: $(cat "$T/stderr")"
check '[ $((NOW - from)) -ge 450 ]'
check '[ $((NOW - from)) -lt $((800 * SLOW)) ]'
check 'grep -q "cache: the end" "$T/stdout"'

# The end of an essential program is the container's, with its exit code.
run
wait_until 'grep -q "cache: here" "$T/stdout"' 10
wait_until 'asked status web | grep -q RUNNING' 10
in_it pkill -KILL -f /app/cache
wait_until '[ "$(grep -c "cache: here" "$T/stdout")" = 2 ]' 10
wait_until 'asked status cache | grep -q RUNNING' 10
touch "$R/run/web-ends"
code=0
wait "$container" || code=$?
check '[ "$code" = 7 ]' "exit code $code: $(cat "$T/stderr")"
check 'grep -q "cache: the end" "$T/stdout"'
finish
