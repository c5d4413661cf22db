"""depose.py PIDFILE TIMES MIN_MS MAX_MS: kills the keeper of PIDFILE so many
times, each a random time after it wrote its pid there.  Prints the median and
the longest time, in ms, until another pid stood in the file; exits 1 if one
took more than 100 ms (SLOW times that), and as much as the machine itself was
late at that time: two processes start one after the other, and this one looks.
Only a process with the keeper's title is ever signalled."""
import os, random, signal, sys, threading, time

pidfile, times, low, high = sys.argv[1], *map(int, sys.argv[2:5])
slow = int(os.environ.get("SLOW", "1"))


def keeper():
    try:
        pid = int(open(pidfile).read() or 0)
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return pid if f.read().startswith(b"mpsupd: keeper") else 0
    except (OSError, ValueError):
        return 0


late = 0.


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.002)
        late = max(late, time.monotonic() - t - 0.002)


threading.Thread(target=oversleep, daemon=True).start()
took, bad = [], 0
pid = keeper()
for i in range(times):
    time.sleep(random.uniform(low, high) / 1000)
    late = 0.
    os.kill(pid, signal.SIGKILL)
    start = time.monotonic()
    old = pid
    while (pid := keeper()) in (0, old):
        if time.monotonic() - start > 10:
            sys.exit("no keeper after kill %d" % (i + 1))
        time.sleep(0.0005)
    took.append((time.monotonic() - start) * 1000)
    if took[-1] > 100 * slow + 3000 * late:
        bad += 1
        print("kill %d: %.1f ms, the machine was late by %.1f ms" %
              (i + 1, took[-1], late * 1000))
took.sort()
print("median %.1f ms, longest %.1f ms" % (took[len(took) // 2], took[-1]))
sys.exit(bad > 0)
