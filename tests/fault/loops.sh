#!/bin/sh
# 200 programs that crash again and again, with a delay that grows: the daemon
# takes hardly any time, and answers questions about the others at once.
. "$(dirname "$0")/../e2e/lib.sh"

seconds=4
[ -z "$FULL" ] || seconds=10
{
	for i in $(seq 200); do
		echo "[program:p$i]"
		echo "command = false"
	done
	cat <<C
[program:other]
command = sleep 1000
[DEFAULT]
startsecs = 0
autorestart = true
restart_delay = 500ms
restart_delay_max = 30s
C
} | conf
start_daemon
wait_until 'is other RUNNING' 10
python3 - $seconds "$(keeper)" <<'PY' || fail "see above"
import os, sys, time
from ctl import Ctl

seconds, keeper = int(sys.argv[1]), int(sys.argv[2])
slow = int(os.environ["SLOW"])
c = Ctl()
pids = [keeper, c.call("hello")["supervisor_pid"]]


def ticks():
    """Of both; what their children took is not theirs."""
    n = 0
    for p in pids:
        with open("/proc/%d/stat" % p) as f:
            n += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
    return n


def restarts():
    return sum(p["restarts"] for p in c.call("status")["programs"])


def measure(what):
    took = []
    first, before, begin = restarts(), ticks(), time.monotonic()
    while time.monotonic() - begin < seconds:
        t = time.monotonic()
        assert c.program("other")["state"] == "RUNNING"
        took.append(time.monotonic() - t)
        time.sleep(0.01)
    spent = time.monotonic() - begin
    cpu = (ticks() - before) / os.sysconf("SC_CLK_TCK") / spent * 100
    took.sort()
    p99 = took[len(took) * 99 // 100] * 1000
    print("%s: %d restarts in %.1f s, %.1f %% of a processor, status p50 "
          "%.2f ms, p99 %.2f ms, most %.2f ms" %
          (what, restarts() - first, spent, cpu,
           took[len(took) // 2] * 1000, p99, took[-1] * 1000))
    sys.stdout.flush()
    return cpu, p99


measure("at first")
cpu, p99 = measure("then")
assert cpu < 10 * slow, cpu
assert p99 < 100 * slow, p99
PY
finish
