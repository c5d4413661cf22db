#!/bin/sh
# A program that reads back what it wrote to the descriptor of its readiness:
# whoever is faster, the supervisor never waits for the next byte.
. "$(dirname "$0")/lib.sh"

cat >"$T/reader" <<'E'
import os, threading, time
end = time.monotonic() + 20
def write():
	while time.monotonic() < end:
		os.write(5, b"x")
def read():
	while time.monotonic() < end:
		os.read(5, 1)
for f in (write, write, read, read, read):
	threading.Thread(target=f, daemon=True).start()
time.sleep(20)
E
conf <<E
[program:reader]
command = python3 $T/reader
ready = fd:5
ready_timeout = 100
E
start_daemon
s=$(supervisor "$(keeper)")
cat >"$T/look.py" <<'E'
import sys, time
where = []
for i in range(400): # where the kernel has it: in epoll_wait, or nowhere
	where.append(open("/proc/%s/wchan" % sys.argv[1]).read())
	time.sleep(0.005)
assert not any("pipe" in w for w in where), where
E
wait_until 'is reader STARTING' 5
expect 0 python3 "$T/look.py" "$s"
expect 0 m stop
finish
