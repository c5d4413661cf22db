#!/bin/sh
# F7: how long a stop takes.  What ignores the stop signal is dead at T, what
# is stopped at once, what is both at T, to within 50 ms of a clock that the
# daemon does not have.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=3
[ -z "$FULL" ] || rounds=30
conf <<E
[DEFAULT]
startsecs = 0
stopwaitsecs = 1
[program:ignores]
command = sh -c 'trap "" TERM; echo ready; exec sleep 1000'
[program:both]
command = sh -c 'trap "" TERM; echo ready; exec sleep 1000'
[program:held]
command = sh -c 'echo ready; exec sleep 1000'
E
start_daemon
python3 - $rounds "$T/log" <<'E' || fail "see above"
import os, select, signal, sys, threading, time
from ctl import Ctl

rounds, logs = int(sys.argv[1]), sys.argv[2]
MARGIN = 0.050
late = 0.  # by how much the machine let somebody oversleep, at worst


def oversleep():
    global late
    while True:
        t = time.monotonic()
        time.sleep(0.005)
        late = max(late, time.monotonic() - t - 0.005)


threading.Thread(target=oversleep, daemon=True).start()
c = Ctl()


def has_sleep(pid):
    return open("/proc/%d/comm" % pid).read() == "sleep\n"


def is_stopped(pid):
    return open("/proc/%d/stat" % pid).read().split()[2] == "T"


def wait(condition, pid):
    end = time.monotonic() + 20
    while not condition(pid):
        assert time.monotonic() < end, condition
        time.sleep(0.002)


def measure(name, hold):
    """Seconds from the request to the end of the process."""
    global late
    pid = c.program(name)["pid"]
    wait(has_sleep, pid)
    fd = os.pidfd_open(pid)
    if hold:
        os.kill(pid, signal.SIGSTOP)
        wait(is_stopped, pid)
    late = 0.
    start = time.monotonic()
    c.call("stop", names=[name], wait=False)
    assert select.select([fd], [], [], 20)[0], name + " does not end"
    took = time.monotonic() - start
    os.close(fd)
    c.call("start", names=[name], wait=True)
    return took


for name, hold, low, high in (("ignores", False, 1 - MARGIN, 1 + MARGIN),
                              ("held", True, 0, 2 * MARGIN),
                              ("both", True, 1 - MARGIN, 1 + MARGIN)):
    took, worst = [], 0.
    for i in range(rounds):
        took.append(measure(name, hold))
        worst = max(worst, late)
        # Two processes run for a stop, and this one: each may be late.
        assert low <= took[-1] <= high + 3 * late, \
            "%s: %.1f ms, the machine was late by %.1f ms" % (
                name, took[-1] * 1000, late * 1000)
    took.sort()
    print("%s: %.1f to %.1f ms, median %.1f, machine late by up to %.1f ms" %
          (name, took[0] * 1000, took[-1] * 1000, took[rounds // 2] * 1000,
           worst * 1000))
E
finish
