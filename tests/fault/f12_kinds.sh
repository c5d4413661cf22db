#!/bin/sh
# F12: every kind of damaged file at a reload: it is refused with file and line
# in less than a second of CPU, the configuration before stays whole, no
# program is touched; and the kinds that are no damage are accepted.
. "$(dirname "$0")/../e2e/lib.sh"

conf <<E
[program:a]
command = sleep 1000
environment = A="1",B='2'
startsecs = 0
[program:b]
command = sleep 1000
stopsignal = INT
startsecs = 0
E
start_daemon
wait_until 'm status a b >/dev/null' 5
cp "$CONF" "$T/good"
python3 - "$T" "$MPSUPD" "$CONF" <<'E' || fail "see above"
import os, random, subprocess, sys
import procs
from ctl import Ctl

tmp, mpsupd, conf = sys.argv[1:4]
full = os.environ["FULL"] != ""
slow = int(os.environ["SLOW"])
good = open(tmp + "/good", "rb").read()
hz = os.sysconf("SC_CLK_TCK")


def dump():
    return Ctl().call("status")["programs"]


def untouched():
    return [(p["name"], p["pid"], p["restarts"], p["state"]) for p in dump()]


def cpu():  # of the supervisor and of the loaders that it has reaped
    s = open("/proc/%d/stat" % brain).read().rpartition(")")[2].split()
    return sum(map(int, s[11:15])) / hz


def reload(text):
    """(exit code, what it said, CPU seconds)"""
    with open(conf, "wb") as f:
        f.write(text)
    before = cpu()
    p = subprocess.run([mpsupd, "-s", os.environ["SOCKET"], "reload"],
                       capture_output=True, timeout=60 * slow)
    return p.returncode, (p.stdout + p.stderr).decode(), cpu() - before


brain = next(p for t, p in procs.daemon_pids() if t == "supervisor")
want = untouched()
line = good.count(b"\n") + 1  # of the first that follows
p = b"[program:x]\ncommand = true\nautostart = false\n"
random.seed(7)
refused = {
    "10 MB of comments": (good + b"; nothing\n" * (1 << 20), None),
    "7 MB of noise": (random.randbytes(7 << 20), 1),
    "7 MB of zeros": (bytes(7 << 20), 1),
    "7 MB of one section": (good + b"[program:x]\n" * 600000, line),
    "1 MB line without =": (good + b"x" * (1 << 20) + b"\n", line),
    "1 MB key": (good + p + b"x" * (1 << 20) + b" = 1\n", line + 3),
    "NUL in a value": (good + b"[program:x]\ncommand = a\0b\n", line + 1),
    "NUL in a name": (good + b"[program:x\0y]\ncommand = a\n", line),
    "unknown key": (good + p + b"frobnicate = 1\n", line + 3),
    "bad value": (good + p + b"startsecs = 1x\n", line + 3),
    "bad section": (good + b"[program:x\ncommand = true\n", line),
    "10,000 services, one bad": (good + b"".join(
        b"[program:p%d]\ncommand = true\nautostart = no\n" % i
        for i in range(9998)) + b"startsecs = x\n", line + 29994),
    "20,000 services": (good + b"".join(
        b"[program:p%d]\ncommand = true\nautostart = no\n" % i
        for i in range(20000)), None),
    "UTF-16": (good.decode().encode("utf-16"), 1),
}
n = 0
for what, (text, at) in refused.items():
    code, said, took = reload(text)
    print("%-26s %d, %.2f s: %.100s" % (what, code, took,
                                         said.split("\n")[0]), flush=True)
    assert code == 2, said[:500]
    assert conf + (":%d:" % at if at else ":") in said, said[:500]
    assert len(said) < 2000000
    assert took < 1 * slow, took
    assert not any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160
                   for c in said), "control bytes"
    assert untouched() == want, what
    n += 1

# Cut off at each byte, and each byte replaced: refused, or it is a valid
# file that asks for something; then that was done, and is taken back.  What
# says where logs go stays whole: half of a path is a path of somebody else.
step = 1 if full else 17
where = range(good.index(b"[program:"), len(good), step)
cut = [good[:i] for i in where] + \
    [good[:i] + b + good[i + 1:] for i in where
     for b in (b"\0", b"\n", b'"', b"[", b"%", b"\xff")]
kept = 0
for text in cut:
    code, said, took = reload(text)
    assert code in (0, 2) and took < 1 * slow, (code, text, said, took)
    if code == 2:
        assert conf in said, (text, said)
        assert untouched() == want, text
        kept += 1
        continue
    code, said, took = reload(good)
    assert code == 0, said
    for name in "a", "b":
        Ctl().call("start", names=[name], wait=True)
    want = untouched()
print("%d broken at a byte, %d of them refused" % (len(cut), kept))
assert kept > len(cut) / 4
code, said, took = reload(good)
want = untouched()

# No damage.
accepted = {
    "CRLF": good.replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + good,
    "7 MB of comments": good + b"; nothing\n" * 700000,
    "no newline at the end": good.rstrip(b"\n"),
    "1 MB value": good + p + b"environment = V=\"" + b"x" * 1048000 +
    b"\"\n",
    "invalid UTF-8 in a comment": good + b"; \xff\xfe\x80\n",
    "invalid UTF-8 in a value": good + p + b"environment = V=\"\xff\"\n",
    "the same section twice": good + b"[program:b]\nstopwaitsecs = 9\n",
    "10,000 services": good + b"".join(
        b"[program:p%d]\ncommand = true\nautostart = no\n" % i
        for i in range(9998)),
}
for what, text in accepted.items():
    code, said, took = reload(text)
    print("%-26s %d, %.2f s: %.60s" % (what, code, took,
                                        said.split("\n")[0]), flush=True)
    assert code == 0, said[:500]
    assert took < (2 if what[0:2] == "10" else 1) * slow, took
    assert [x for x in untouched() if x[0] in "ab"] == want, what
reload(good)
E
cp "$T/good" "$CONF"
finish
