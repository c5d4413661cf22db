"""depose.py PIDFILE TIMES MIN_MS MAX_MS: kills the keeper of PIDFILE so many
times, each a random time after it wrote its pid there.  Prints the median and
the longest time, in ms, until another pid stood in the file; exits 1 if none
came within 10 s, or the median is over 100 ms (SLOW times that).  Only a
process with the keeper's title is ever signalled."""
import os, random, signal, sys, time

pidfile, times, low, high = sys.argv[1], *map(int, sys.argv[2:5])


def keeper():
    try:
        pid = int(open(pidfile).read() or 0)
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return pid if f.read().startswith(b"mpsupd: keeper") else 0
    except (OSError, ValueError):
        return 0


took = []
pid = keeper()
for i in range(times):
    time.sleep(random.uniform(low, high) / 1000)
    os.kill(pid, signal.SIGKILL)
    start = time.monotonic()
    old = pid
    while (pid := keeper()) in (0, old):
        if time.monotonic() - start > 10:
            sys.exit("no keeper after kill %d" % (i + 1))
    took.append((time.monotonic() - start) * 1000)
took.sort()
print("median %.1f ms, longest %.1f ms" % (took[len(took) // 2], took[-1]))
sys.exit(took[len(took) // 2] > 100 * int(os.environ.get("SLOW", "1")))
