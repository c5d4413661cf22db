#!/bin/sh
# mpsupd run by an operator: never with more rights than he has.
. "$(dirname "$0")/lib.sh"
need_root
nobody() {
	setpriv --reuid nobody --regid nogroup --groups 4711,4712 "$@"
}
bin=$T/mpsupd
cp "$MPSUPD" "$bin"
cp "$(dirname "$0")/ctl.py" "$T/"
mkdir "$T/secret"
echo hidden >"$T/secret/file"
chmod 700 "$T/secret"
uid=$(id -u nobody)
gid=$(getent group nogroup | cut -d : -f 3)
ids() { # as the kernel says
	# shellcheck disable=SC2016 # the shell over there
	"$@" sh -c 'sed -n "s/^\(Uid\|Gid\|Groups\|CapEff\):[[:space:]]*//p" /proc/$$/status' |
		xargs
}

conf "readers = nobody" <<E
[program:a]
command = sleep 1000
E
start_daemon
expect 125 nobody "$bin" -s "$SOCKET" run -- id
said "may not run"
expect 0 nobody "$bin" -s "$SOCKET" why a
expect 0 nobody "$bin" -s "$SOCKET" events
# No descriptor is taken from him.
cat >"$T/pass.py" <<'E'
import array, ctl, os, socket, sys
c = ctl.Ctl()
r, w = os.pipe()
c.s.sendmsg([b'{"jsonrpc":"2.0","id":1,"method":"hello"'],
	[(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
os.close(w)
assert os.read(r, 1) == b"" # nobody has the other end any more
c.send(b"}\n")
assert "result" in c.line()
E
expect 0 nobody env SOCKET="$SOCKET" PYTHONPATH="$T" python3 "$T/pass.py"
expect 0 m stop

conf "operators = nobody" <<E
[program:a]
command = sleep 1000
E
start_daemon
got=$(ids nobody "$bin" -s "$SOCKET" run --rm --)
n="$uid $uid $uid $uid $gid $gid $gid $gid 4711 4712 0000000000000000"
check '[ "$got" = "$n" ]' "$got, not $n"
expect 1 nobody "$bin" -s "$SOCKET" run --rm --directory / -- cat "$T/secret/file"
expect 125 nobody "$bin" -s "$SOCKET" run --rm --directory "$T/secret" -- pwd
expect 126 nobody "$bin" -s "$SOCKET" run --rm --directory / -- "$T/secret/file"
for user in root nobody; do
	expect 125 nobody "$bin" -s "$SOCKET" run --rm --user $user \
		--directory / -- id
	said 'may not run a command as somebody else'
done
# He says so himself.
cat >"$T/lie.py" <<'E'
import ctl
c = ctl.Ctl()
for user in ({"name": "root", "uid": 0, "gid": 0}, {}):
	assert c.error("run", name="x", command=["id"], user=user) == "NOT_PERMITTED"
E
expect 0 nobody env SOCKET="$SOCKET" PYTHONPATH="$T" python3 "$T/lie.py"

# Root may be anybody.
got=$(ids m run --rm --user nobody --)
check 'echo "$got" | grep -q "^$uid $uid $uid $uid $gid "' "$got"
check 'echo "$got" | grep -q " 0000000000000000$"' "$got"
# shellcheck disable=SC2016
expect 0 m run --rm --user nobody --directory / -- sh -c 'echo "$USER $HOME"'
said "nobody $(getent passwd nobody | cut -d : -f 6)"
expect 0 m stop

# A daemon that is not root's cannot become the operator, and lends him nothing.
chown nobody "$T"
conf "operators = daemon" <<E
[program:a]
command = sleep 1000
E
rm -rf "$T/run" "$T/log" "$T/state"
chmod 644 "$CONF"
expect 0 nobody "$bin" -c "$CONF" start
expect 125 setpriv --reuid daemon --regid nogroup --clear-groups \
	"$bin" -s "$SOCKET" run --rm --directory / -- id
said 'this daemon cannot become another'
expect 0 nobody "$bin" -s "$SOCKET" run --rm --directory / -- id -u
said "$uid"
finish
