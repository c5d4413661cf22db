#!/bin/sh
# F4, F5: a program whose first thread has ended while others go on shows as a
# zombie in /proc.  It lives, and gets no second copy when the keeper is
# killed, nor when both are.
. "$(dirname "$0")/../e2e/lib.sh"

cat >"$T/threads" <<'E'
#!/usr/bin/env python3
# The main thread ends by the system call: the process goes on without it.
import ctypes, os, platform, threading, time
with open(os.environ["MPSUPD_TEST"] + "/runs", "a") as f:
    f.write("%d\n" % os.getpid())
threading.Thread(target=time.sleep, args=(600,)).start()
number = {"x86_64": 60, "aarch64": 93, "riscv64": 93}[platform.machine()]
ctypes.CDLL(None).syscall(number, 0)
E
chmod +x "$T/threads"
case $(uname -m) in
x86_64 | aarch64 | riscv64) ;;
*) skip "the number of exit(2) on this machine is not known" ;;
esac
conf <<E
[program:t]
command = $T/threads
startsecs = 0
E

is_headless() {
	grep -q '^State:.Z' "/proc/$p/status"
}

start_daemon
wait_until 'is t RUNNING' 5
p=$(pid_of t)
wait_until is_headless 10
k=$(keeper)
kill -KILL "$k"
wait_until '[ "$(keeper)" != "$k" ]' 5
wait_until 'm status t >/dev/null' 5
check '[ "$(pid_of t)" = "$p" ]' "it was taken for dead"
kill_daemon
expect 0 m start
said "1 of its programs still run and are adopted"
wait_until 'm status t >/dev/null' 5
check '[ "$(pid_of t)" = "$p" ]' "it was not adopted"
expect 0 m stop t
wait_until '[ ! -e "/proc/$p" ]' 3
check '[ "$(cat "$T/runs")" = "$p" ]' "it ran twice"
finish
