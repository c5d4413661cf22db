#!/bin/sh
# Output of mpsupd run and attach: every byte, in order, whoever reads slowly,
# whatever dies; the daemon's memory does not follow it.
. "$(dirname "$0")/lib.sh"

conf <<E
[program:web]
command = sleep 1000
startsecs = 0
[program:tick]
command = $HELPERS/writer $T/tick.n 20000 3000
startsecs = 0
autorestart = false
autostart = false
stdout_logfile_maxbytes = 50KB
stdout_logfile_backups = 50
[program:both]
command = sh -c 'sleep 0.5; for i in 1 2 3; do echo o\$i; echo e\$i >&2; done; exit 5'
startsecs = 0
autorestart = false
autostart = false
[program:joined]
command = sh -c 'sleep 0.5; echo o; echo e >&2'
redirect_stderr = true
startsecs = 0
autorestart = false
autostart = false
[program:silent]
command = sh -c 'sleep 0.5; echo never seen; exit 3'
stdout_logfile = NONE
startsecs = 0
autorestart = false
autostart = false
[program:again]
command = sh -c 'sleep 0.5; echo here; exit 4'
startsecs = 0
restart_delay = 0
autostart = false
E
start_daemon
wait_until 'is web RUNNING' 5

# N bytes to both outputs in turn, of another kind each, in odd lots.
cat >"$T/gen.py" <<'E'
import os, sys, random
n, slow = int(sys.argv[1]), len(sys.argv) > 2
r = random.Random(7)
block = [r.randbytes(1 << 20), r.randbytes(1 << 20)]
at = [0, 0]
while min(at) < n:
	for i in (0, 1):
		lot = min(r.randrange(1, 100000), n - at[i], (1 << 20) - at[i] % (1 << 20))
		while lot > 0:
			k = os.write(1 + i, block[i][at[i] % (1 << 20):][:lot])
			at[i] += k
			lot -= k
E
cat >"$T/drive.py" <<'E'
import ctl, hashlib, os, random, signal, subprocess, sys, threading, time
T, M = os.environ["T"], os.environ["MPSUPD"]
BASE = [M, "-c", T + "/c.ini"]
RUN = BASE + ["run", "--rm", "--"]

def expected(n):
	r = random.Random(7)
	for b in [r.randbytes(1 << 20), r.randbytes(1 << 20)]:
		h = hashlib.md5()
		for at in range(0, n, 1 << 20):
			h.update(b[:min(1 << 20, n - at)])
		yield h.hexdigest()

def supervisor():
	return ctl.Ctl().call("status")["daemon"]["supervisor_pid"]

def rss(pid):
	with open(f"/proc/{pid}/status") as f:
		return [int(l.split()[1]) for l in f if l.startswith("VmRSS")][0]

def both(n, kill=None):
	"""All of stdout first, and stderr only then."""
	p = subprocess.Popen(RUN + [sys.executable, T + "/gen.py", str(n)],
	    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
	    stderr=subprocess.PIPE)
	stop = threading.Event()
	def killer():
		# Not for ever: a slow machine must come to its end, too.
		for _ in range(40):
			if stop.wait(random.uniform(0.02, 0.2)):
				break
			try:
				os.kill(supervisor(), signal.SIGKILL)
			except (OSError, AssertionError, TypeError):
				pass
	t = threading.Thread(target=killer)
	if kill:
		t.start()
	got = []
	for f in (p.stdout, p.stderr):
		h, size = hashlib.md5(), 0
		while True:
			d = f.read(1 << 16)
			if not d:
				break
			h.update(d)
			size += len(d)
		got.append((size, h.hexdigest()))
	stop.set()
	if kill:
		t.join()
	assert p.wait() == 0, p.returncode
	want = [(n, h) for h in expected(n)]
	assert got == want, (got, want)

for n in (0, 1, 4096, 65535, 65536, 65537, 3 << 20):
	both(n)
before = rss(supervisor())
t = time.time()
both(64 << 20)
grown = rss(supervisor()) - before
print(f"64 MiB twice in {time.time() - t:.1f} s, rss grew {grown} KB")
assert os.environ.get("SAN") or grown < 1024, grown
both(32 << 20, kill=True)

# Once, however often it is asked for: the daemon dies at any moment of it.
sup = None
for i in range(25):
	name = f"once{i}"
	p = subprocess.Popen(BASE + ["run", "--rm", "--name", name, "--", "sh",
	    "-c", f"cat >>{T}/once; echo done {i}; exit 6"],
	    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
	    stderr=subprocess.PIPE)
	try:
		os.kill(supervisor(), signal.SIGKILL)
	except (OSError, TypeError):
		pass
	time.sleep(random.uniform(0, 0.01))
	try:
		os.kill(supervisor(), signal.SIGKILL)
	except (OSError, TypeError):
		pass
	out, err = p.communicate(b"%d\n" % i)
	assert (p.returncode, out) == (6, b"done %d\n" % i), (i, p.returncode, out, err)
	lines = open(T + "/once").read().split()
	if b"its standard input was lost" in err:
		assert str(i) not in lines
	else:
		assert lines.count(str(i)) == 1, (i, lines)
E
wait_until 'is web RUNNING' 5
pid=$(pid_of web)
SAN=$SANITIZED python3 "$T/drive.py" >"$T/drive" 2>&1 ||
	fail "$(cat "$T/drive")"
cat "$T/drive"
check '[ "$(pid_of web)" = "$pid" ]'
wait_until '[ "$(m --json status | grep -o "once[0-9]*" | wc -l)" = 0 ]' 10
# Those whose client was ready while there was no supervisor have 5 s.
wait_until '[ -z "$(find "$T/log" -name "once*" -o -name "run-*")" ]' 10

# attach: from now on, across rotation and the death of the supervisor.
expect 0 m start --no-wait tick
wait_until '[ -s "$T/log/tick.stdout.log" ]' 5
"$MPSUPD" -c "$CONF" attach tick >"$T/tick" 2>"$T/tick.err" &
a=$!
wait_until '[ -s "$T/tick" ]' 5
s=$(supervisor "$(keeper)")
kill -KILL "$s"
code=0
wait $a || code=$?
check '[ $code = 0 ] && [ ! -s "$T/tick.err" ]' "$code $(cat "$T/tick.err")"
n=$(wc -c <"$T/tick")
# shellcheck disable=SC2046,SC2012 # names of ours
cat $(ls -v -r "$T"/log/tick.stdout.log*) >"$T/all"
tail -c "$n" "$T/all" | cmp - "$T/tick" || fail "attach lost bytes"

expect 0 m start --no-wait both
expect 5 m attach both
check '[ "$(cat "$T/out")" = "o1
o2
o3" ] && [ "$(cat "$T/err")" = "e1
e2
e3" ]' "$(cat "$T/out" "$T/err")"
expect 0 m start --no-wait joined
expect 0 m attach joined
check '[ "$(cat "$T/out")" = "o
e" ] && [ ! -s "$T/err" ]'
expect 0 m start --no-wait silent
expect 3 m attach silent
said 'stdout is not shown'
expect 0 m start --no-wait again
expect 4 m attach again
check '[ "$(cat "$T/out")" = here ]' "of this run only: $(cat "$T/out")"
expect 0 m stop again
code=0
"$MPSUPD" -c "$CONF" attach web 2>"$T/err" &
a=$!
s=$(supervisor "$(keeper)")
wait_until 'grep -q "SigBlk:.*4007" "/proc/$a/status"' 5
kill -INT $a
wait $a || code=$?
check '[ $code = 130 ] && grep -q "web goes on" "$T/err"' "$code"
check '[ "$(pid_of web)" = "$pid" ]'
expect 125 m attach nobody
expect 125 m attach all
expect 2 m attach
expect 2 m --json attach web
expect 125 "$MPSUPD" -s "$T/none" attach web

# Descriptors that nobody asked for are closed; malformed runs are refused.
cat >"$T/fds.py" <<'E'
import ctl, json, os, socket
c = ctl.Ctl()
pid = c.call("status")["daemon"]["supervisor_pid"]
def count():
	return len(os.listdir(f"/proc/{pid}/fd"))
def send(fds, method, **params):
	c.id += 1
	socket.send_fds(c.s, [json.dumps({"jsonrpc": "2.0", "id": c.id,
	    "method": method, "params": params}).encode() + b"\n"], fds)
	return c.line()
null = os.open("/dev/null", os.O_RDONLY)
before = count()
for n in (1, 2, 3, 100):
	assert "result" in send([null] * n, "hello")
	assert send([null] * n, "nothing")["error"]
assert count() == before
def mem(data, seal=True):
	fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
	os.write(fd, data)
	if seal:
		import fcntl
		fcntl.fcntl(fd, 1033, 2 | 4 | 8) # F_ADD_SEALS
	return fd
bad = [
	([], {"strings": 1}), ([null], {"strings": 1}),
	([mem(b"/\0true\0", False)], {"strings": 1}),
	([mem(b"/\0true")], {"strings": 1}), ([mem(b"/\0true\0")], {"strings": 2}),
	([mem(b"/\0true\0")], {"strings": 0}), ([mem(b"/\0true\0")], {"strings": -1}),
	([mem(b"/\0true\0")], {"strings": 1e300}), ([mem(b"/\0\0")], {"strings": 1}),
	([mem(b"/\0true\0x\0")], {"strings": 1}), ([mem(b"x\0true\0")], {"strings": 1}),
	([mem(b"\0")], {"strings": 1}), ([], {"command": ["true"], "stdin": True}),
	([], {}), ([], {"command": "true"}), ([], {"command": [1]}), ([], {"command": []}),
	([], {"command": ["true"], "environment": ["x"]}),
	([], {"command": ["true"], "directory": "x"}),
	([], {"command": ["true"], "umask": 9999}), ([], {"command": ["true"], "rm": 1}),
	([], {"command": ["true"], "user": "root"}),
	([], {"command": ["true"], "user": {"name": "x", "uid": -1, "gid": 0}}),
]
for fds, params in bad:
	r = send(fds, "run", name="x", **params) if fds else c.ask("run", name="x", **params)
	assert r.get("error", {}).get("data", {}).get("name") == "BAD_PARAMS", (params, r)
	assert count() == before, params
assert all(p["name"] != "x" for p in c.call("status")["programs"])
# And a good one, of a client without descriptors.
r = c.call("run", name="x", command=["sh", "-c", "exit $A"], environment=["A=9"])
assert r["name"] == "x"
e = c.line()
assert e["method"] == "run" and e["params"]["exit_code"] == 9, e
E
python3 "$T/fds.py" || fail "descriptors"
finish
