#!/bin/sh
# F20: an end of the process, and each command, in every state that can be
# reached from outside; the pairs themselves are tests/unit/test_program.c.
. "$(dirname "$0")/../e2e/lib.sh"

# Does what the file $1 says, once: "end N"; else it goes on.
cat >"$T/obey" <<'E'
#!/bin/sh
trap '' TERM
echo up
while :; do
	read -r what code <"$1" 2>/dev/null && [ "$what" = end ] && rm "$1" && exit "$code"
	sleep 0.02
done
E
chmod +x "$T/obey"
conf <<E
[DEFAULT]
autostart = false
stopwaitsecs = 1
[program:now]
command = $T/obey $T/now
startsecs = 0
[program:slow]
command = $T/obey $T/slow
startsecs = 1000
startretries = 1000
[program:once]
command = $T/obey $T/once
startsecs = 1000
startretries = 0
E
start_daemon
python3 - "$T" <<'E' || fail "see above"
import os, sys, time
from ctl import Ctl

tmp = sys.argv[1]
slow = int(os.environ["SLOW"])
c = Ctl(60)


def tell(name, text):
    with open("%s/%s.new" % (tmp, name), "w") as f:
        f.write(text + "\n")
    os.rename("%s/%s.new" % (tmp, name), "%s/%s" % (tmp, name))


def until(name, *states, pid=0):  # and another process than PID
    end = time.monotonic() + 20 * slow
    while True:
        p = c.program(name)
        if p["state"] in states and p["pid"] != pid:
            return p
        assert time.monotonic() < end, (states, p)
        time.sleep(0.005)


def call(method, name):
    r = c.ask(method, names=[name], wait=False)
    assert r is not None, method


def alive(pid):  # the end is told before the zombie is taken away
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (OSError, TypeError):
        return False


def is_up(name):  # its trap is set
    path = "%s/log/%s.stdout.log" % (tmp, name)
    end = time.monotonic() + 20 * slow
    while not os.path.exists(path) or "up" not in open(path).read():
        assert time.monotonic() < end
        time.sleep(0.005)


def enter(state):
    """(name, pid) of a program brought into STATE, as from outside."""
    name = {"STARTING": "slow", "BACKOFF": "slow", "FATAL": "once"}.get(
        state, "now")
    tell(name, "stay")
    c.call("stop", names=[name], wait=True)
    open("%s/log/%s.stdout.log" % (tmp, name), "w").close()
    if state == "STOPPED":
        return name, None
    if state in ("BACKOFF", "FATAL"):
        tell(name, "end 3")
    call("start", name)
    if state in ("BACKOFF", "FATAL"):
        until(name, state)
        tell(name, "stay")
        return name, c.program(name)["pid"]
    is_up(name)
    if state == "EXITED":
        tell(name, "end 0")
        until(name, "EXITED")
        tell(name, "stay")
    elif state.startswith("STOPPING"):
        call("restart" if state == "STOPPING, wanted" else "stop", name)
        until(name, "STOPPING")
    return name, c.program(name)["pid"]


# (state, event): the states that may follow, and whether the process of before
# is gone then.  "end": it ends by itself, with 0.
UP = ("STARTING", "RUNNING")
TABLE = {
    ("STOPPED", "start"): UP,
    ("STOPPED", "stop"): ("STOPPED",),
    ("STOPPED", "restart"): UP,
    ("STARTING", "start"): ("STARTING",),
    ("STARTING", "stop"): ("STOPPED",),
    ("STARTING", "restart"): ("STARTING",),
    ("STARTING", "end"): ("BACKOFF", "STARTING"),
    ("STARTING", "kill"): ("BACKOFF", "STARTING"),
    ("RUNNING", "start"): ("RUNNING",),
    ("RUNNING", "stop"): ("STOPPED",),
    ("RUNNING", "restart"): ("RUNNING",),
    ("RUNNING", "end"): ("EXITED",),
    ("RUNNING", "kill"): ("RUNNING",),
    ("BACKOFF", "start"): ("STARTING",),
    ("BACKOFF", "stop"): ("STOPPED",),
    ("BACKOFF", "restart"): ("STARTING",),
    ("STOPPING", "start"): ("RUNNING",),
    ("STOPPING", "stop"): ("STOPPED",),
    ("STOPPING", "restart"): ("RUNNING",),
    ("STOPPING", "end"): ("STOPPED",),
    ("STOPPING", "kill"): ("STOPPED",),
    ("STOPPING", "deadline"): ("STOPPED",),
    ("STOPPING, wanted", "start"): ("RUNNING",),
    ("STOPPING, wanted", "stop"): ("STOPPED",),
    ("STOPPING, wanted", "restart"): ("RUNNING",),
    ("STOPPING, wanted", "end"): ("RUNNING",),
    ("STOPPING, wanted", "kill"): ("RUNNING",),
    ("STOPPING, wanted", "deadline"): ("RUNNING",),
    ("EXITED", "start"): ("RUNNING",),
    ("EXITED", "stop"): ("EXITED",),
    ("EXITED", "restart"): ("RUNNING",),
    ("FATAL", "start"): ("STARTING",),
    ("FATAL", "stop"): ("FATAL",),
    ("FATAL", "restart"): ("STARTING",),
}
KEEPS = {("STARTING", "start"), ("RUNNING", "start")}

for (state, event), after in TABLE.items():
    name, pid = enter(state)
    assert c.program(name)["state"] == state.split(",")[0], (state, event)
    before = c.program(name)["restarts"]
    if event == "end":
        tell(name, "end 0")
    elif event == "kill":
        os.kill(pid, 9)
    elif event != "deadline":
        call(event, name)
    if (state, event) in KEEPS or pid is None:
        p = until(name, *after)
    else:
        p = until(name, *after, pid=pid)
        assert not alive(pid), (state, event, p)
    if (state, event) in KEEPS:
        assert p["pid"] == pid, (state, event, p)
    if event == "end" and p["state"] in ("EXITED", "STOPPED"):
        assert p["exit_code"] == 0, (state, event, p)
    if event == "kill" and p["state"] == "STOPPED":
        assert p["exit_code"] == -9, (state, event, p)
print("%d pairs" % len(TABLE))
E
finish
