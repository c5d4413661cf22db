#!/bin/sh
# F12: the configuration broken at each byte: checked without a crash, and a
# reload of it leaves all as it was or applies it whole.
. "$(dirname "$0")/../e2e/lib.sh"

step=1
[ -z "$SANITIZED" ] || step=5
cat >"$T/base" <<E
[program:a]
command = sh -c 'exec sleep 1000' "x y"  ; words
environment = A="1",B='2'
stopsignal = INT
[group:g]
programs = a
E
conf <"$T/base"
python3 - "$MPSUPD" "$CONF" "$T" $step <<'E' || fail "see above"
import os, random, subprocess, sys
mpsupd, conf, tmp, step = sys.argv[1:5]
good = open(conf, "rb").read()
head = good.index(b"[program")
broken = [good[:n] for n in range(0, len(good), int(step))]
for n in range(head, len(good), int(step)):
    for b in b"\0", b"\n", b"%", b'"', b"[", b"\xff", b"":
        broken.append(good[:n] + b + good[n + 1:])
random.seed(int(os.environ.get("SEED", "7")))
broken = random.sample(broken, min(len(broken), 1200 * int(os.environ["LOAD"])))
kept = []
for b in broken:
    with open(tmp + "/x.ini", "wb") as f:
        f.write(b)
    p = subprocess.run([mpsupd, "-c", tmp + "/x.ini", "check"],
                       capture_output=True, timeout=20)
    if p.returncode not in (0, 2) or \
            (p.returncode == 2 and not p.stdout + p.stderr):
        print(p.returncode, b, p.stderr)
        open(tmp + "/crash.ini", "wb").write(b)
        sys.exit(1)
    if p.returncode == 2:
        kept.append(b)
print(len(broken), "checked,", len(kept), "refused")
for i, b in enumerate(kept[:100]):
    open("%s/bad.%d" % (tmp, i), "wb").write(b)
E
start_daemon
wait_until 'is a RUNNING' 5
pid=$(pid_of a)
cp "$CONF" "$T/good"
for f in "$T"/bad.*; do
	cp "$f" "$CONF"
	expect 2 "$MPSUPD" -s "$SOCKET" reload
	got=$("$MPSUPD" -s "$SOCKET" pid a)
	check '[ "$got" = "$pid" ]' "$f changed something"
done
cp "$T/good" "$CONF"
expect 0 m reload
check '[ "$(pid_of a)" = "$pid" ]'
finish
