#!/bin/sh
# F23: mpsupd upgrade, keeper and supervisor replaced, again and again under
# load.  As F1: nothing is lost, repeated or restarted.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/steady.sh"

times=$((30 * LOAD))
[ -z "$FULL" ] || times=500
steady_conf 20000
steady_start
round=0
while [ $round -lt $times ]; do
	old=$(supervisor "$K")
	expect 0 m upgrade
	[ "$(supervisor "$K")" != "$old" ] || fail "the same supervisor"
	round=$((round + 1))
	# Of a keeper that was executed so; its stack and data lie elsewhere
	# each time, which may cost a page or two.
	[ $round -gt 1 ] || RSS=$(($(rss_of "$K") + 16))
done
echo "$times upgrades"
steady_check

# A file that is no mpsupd, or nobody's, is refused, and nothing changes.
cp "$MPSUPD" "$T/mpsupd"
"$T/mpsupd" -c "$CONF" start >"$T/out"
k=$(keeper)
s=$(supervisor "$k")
for bad in /bin/true /bin/sleep /bin/sh; do
	cp "$bad" "$T/other"
	mv "$T/other" "$T/mpsupd"
	expect 1 m upgrade
	said "nothing changed"
	check '[ "$(keeper)" = "$k" ] && [ "$(supervisor "$k")" = "$s" ]'
done
rm "$T/mpsupd"
expect 1 m upgrade
said "No such file"
cp "$MPSUPD" "$T/other"
chmod 777 "$T/other"
mv "$T/other" "$T/mpsupd"
expect 1 m upgrade
said "others can write"
chmod 755 "$T/mpsupd"
expect 0 m upgrade
check '[ "$(keeper)" = "$k" ] && [ "$(supervisor "$k")" != "$s" ]'
case $(readlink "/proc/$k/exe") in
"$T/mpsupd") ;;
*) fail "the keeper is $(readlink "/proc/$k/exe")" ;;
esac
finish
