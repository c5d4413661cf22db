#!/bin/sh
# F19: many children end at the same instant: no status is missed or wrong, and
# all of them are handled about as fast as a bare loop reaps them.
. "$(dirname "$0")/../e2e/lib.sh"

n=500 rounds=$((3 * LOAD))
[ -z "$FULL" ] || rounds=100
[ -z "$SANITIZED" ] || n=100
mkfifo "$T/gate" "$T/gate.bare"
conf <<E
[program:p]
command = $HELPERS/burst wait $T/gate %(process_num)d
process_name = p%(process_num)d
numprocs = $n
startsecs = 0
autorestart = false
autostart = false
stdout_logfile = $T/ready.log
stdout_logfile_maxbytes = 0
E
start_daemon
k=$(keeper)
python3 - $n $rounds "$T" "$HELPERS" <<'E' || fail "see above"
import os, signal, subprocess, sys, time
import procs
from ctl import Ctl

n, rounds, tmp, helpers = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
ready = tmp + "/ready.log"
ours, bare = [], []
c = Ctl(120)


def wait(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def children():
    return sum(a[0] == helpers + "/burst" for a, _ in procs.ours())


for i in range(rounds):
    open(ready, "w").close()
    gate = os.open(tmp + "/gate", os.O_RDWR)
    c.call("start", names=["p:*"], wait=True)
    wait(lambda: os.path.getsize(ready) == 2 * n)
    if i % 3 == 1:  # and nobody is there to see it
        brain = next(p for t, p in procs.daemon_pids() if t == "supervisor")
        os.kill(brain, signal.SIGSTOP)
        os.close(gate)
        wait(lambda: children() == 0)
        os.kill(brain, signal.SIGKILL)
        wait(lambda: c.line() is None)
        c = Ctl(120)
        c.call("wait", names=["p:*"])
    else:
        c.send(b'{"jsonrpc":"2.0","id":0,"method":"wait",'
               b'"params":{"names":["p:*"]}}\n')
        c.send(b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n')
        assert c.line()["id"] == 1  # by now it waits
        start = time.monotonic()
        os.close(gate)
        r = c.line()
        ours.append(time.monotonic() - start)
        assert "result" in r, r
        bare.append(int(subprocess.check_output(
            [helpers + "/burst", "bare", str(n), tmp + "/gate.bare"])) / 1e6)
    got = {p["name"]: p["exit_code"]
           for p in c.call("status", names=["p:*"])["programs"]}
    bad = {k: v for k, v in got.items() if v != int(k[1:]) % 256}
    assert len(got) == n and not bad, bad

ours.sort()
bare.sort()
m = len(ours) // 2
print("%d statuses, all right; a burst of %d took %.1f ms (at worst %.1f), "
      "a bare loop %.1f (%.1f)" % (n * rounds, n, ours[m] * 1e3,
                                   ours[-1] * 1e3, bare[m] * 1e3,
                                   bare[-1] * 1e3))
slow = int(os.environ["SLOW"])
assert ours[m] <= 0.05 or ours[m] <= 3 * slow * bare[m], "too slow"
E
check '[ -z "$(ps -o stat= --ppid "$k" | grep Z)" ]' "a zombie"
finish
