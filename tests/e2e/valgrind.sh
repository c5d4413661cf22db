#!/bin/sh
# With VALGRIND=1: keeper, supervisor and command under valgrind, through a
# start, a reload, logs, a bad request and a stop.
. "$(dirname "$0")/lib.sh"
[ -n "$VALGRIND" ] || skip "only with VALGRIND=1 (make check-valgrind)"
command -v valgrind >/dev/null || skip "valgrind is not installed"
SLOW=10

# The keeper and the supervisor execute the program itself anew: followed by
# --trace-children, told from programs by --trace-children-skip.
cat >"$T/mpsupd" <<E
#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=no --trace-children=yes \\
	--trace-children-skip='*/sleep,*/sh,*/dash,*/seq' \\
	--log-file=$T/vg.%p $MPSUPD "\$@"
E
chmod +x "$T/mpsupd"
MPSUPD=$T/mpsupd

conf <<E
[program:a]
command = sleep 1000
[program:b]
command = sh -c 'seq 1000; exec sleep 1000'
stdout_logfile_maxbytes = 1KB
[program:c]
command = /nonexistent
E
expect 0 m start
wait_until 'm status a b >/dev/null' 20
expect 0 m --json status
expect 0 m logs b
expect 0 m restart a
sed -i 's/sleep 1000/sleep 2000/' "$CONF"
expect 0 m reload
expect 4 m stop nobody
python3 - <<'E' || fail "see above"
from ctl import Ctl
for bad in b"x\n", b"{}\n", b"y" * 70000:
    c = Ctl()
    try:
        c.send(bad)
    except ConnectionError:
        pass
    while c.line() is not None:
        pass
E
expect 0 m stop
wait_until no_leftovers 20
# Only what this version of valgrind does not know may be in there.
cat "$T"/vg.* | grep -vE 'WARNING: unhandled|You may be able|Read the file|^--|^$' \
	>"$T/errors" || true
check '[ ! -s "$T/errors" ]' "$(head -n 60 "$T/errors")"
finish
