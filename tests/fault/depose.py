"""depose.py PIDFILE TIMES MIN_MS MAX_MS: kills the keeper of PIDFILE so many
times, each a random time after it had a supervisor.  Prints the median and
the longest time, in ms, until another pid stood in the file; exits 1 if one
took more than 100 ms (SLOW times that), or what two processes need to start on
this machine at that moment if it is so loaded, and what this one was late in
looking.  Only a process with the keeper's title is ever signalled."""
import os, random, signal, subprocess, sys, threading, time

pidfile, times, low, high = sys.argv[1], *map(int, sys.argv[2:5])
slow = int(os.environ.get("SLOW", "1"))


def keeper():
    try:
        pid = int(open(pidfile).read() or 0)
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return pid if f.read().startswith(b"mpsupd: keeper") else 0
    except (OSError, ValueError):
        return 0


def has_supervisor(pid):
    """Without one there is nobody who could take its place."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
        return any(open("/proc/%s/cmdline" % p).read().startswith(
            "mpsupd: supervisor") for p in children)
    except OSError:
        return False


late = 0.


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.002)
        late = max(late, time.monotonic() - t - 0.002)


def start_ms():
    """How long the same program takes to start and end, nothing else."""
    t = time.monotonic()
    subprocess.run([os.environ["MPSUPD"], "version"],
                   stdout=subprocess.DEVNULL)
    return (time.monotonic() - t) * 1000


threading.Thread(target=oversleep, daemon=True).start()
took, bad = [], 0
pid = keeper()
for i in range(times):
    start = time.monotonic()
    while not has_supervisor(pid) and time.monotonic() - start < 10:
        time.sleep(0.001)
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
    if took[-1] > 100 * slow:
        one = max(start_ms() for _ in range(3))
        bad += took[-1] > max(100 * slow, 2 * one) + 3000 * late
        print("kill %d: %.1f ms; a start takes %.1f ms, this was late by "
              "%.1f ms" % (i + 1, took[-1], one, late * 1000))
took.sort()
print("median %.1f ms, longest %.1f ms" % (took[len(took) // 2], took[-1]))
sys.exit(bad > 0)
