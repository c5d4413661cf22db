#!/bin/sh
# nochildren = true: threads work, processes do not, whoever runs it.
. "$(dirname "$0")/lib.sh"

cat >"$T/try.py" <<'PY'
# Writes what worked to the file that is named, then stays.
import ctypes, errno, os, subprocess, sys, threading, time

def name(fn):
    try:
        return "ok" if fn() is not False else "no"
    except OSError as e:
        return errno.errorcode[e.errno]

def thread():
    seen = []
    t = threading.Thread(target=seen.append, args=(1,))
    t.start()
    t.join()
    return seen == [1]

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

libc = ctypes.CDLL(None, use_errno=True)

def raw(number, *args):
    if libc.syscall(number, *args) == -1:
        raise OSError(ctypes.get_errno(), "")

with open(sys.argv[1] + ".new", "w") as f:
    f.write("thread %s fork %s spawn %s run %s clone3 %s user %s" % (
        name(thread), name(fork),
        name(lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)),
        name(lambda: subprocess.run(["true"])),
        name(lambda: raw(435, None, 0)), os.getuid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000)
PY

mkdir -m 777 "$T/open"
main() { # USER-LINE
	conf <<E
[program:strict]
command = python3 $T/try.py $T/open/strict
nochildren = true
$1
[program:free]
command = python3 $T/try.py $T/open/free
$1
E
}
# clone3 without arguments: the kernel has it, and looks at them.
# shellcheck disable=SC2034 # in conditions
strict='thread ok fork EPERM spawn EPERM run EPERM clone3 ENOSYS'
# shellcheck disable=SC2034
free='thread ok fork ok spawn ok run ok clone3 EINVAL'

tried() { # NAME WANTED: waits for it and removes it
	wait_until "[ -s $T/open/$1 ]" 10
	got=$(cat "$T/open/$1")
	rm "$T/open/$1"
	[ "$got" = "$2" ] || fail "$1: $got"
}
both() { # UID
	tried strict "$strict user $1"
	tried free "$free user $1"
	check 'grep -q "^Seccomp:.2" "/proc/$(pid_of strict)/status"'
}

privs() { # NAME: 1: it cannot gain rights
	sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$(pid_of "$1")/status"
}

me=$(id -u)
main ""
start_daemon
both "$me"
check '[ "$(privs free)" = 0 ]'
# Again after a restart of the program, and by the next supervisor.
expect 0 m restart strict
tried strict "$strict user $me"
s=$(supervisor "$(keeper)")
kill -KILL "$s"
wait_until '! alive $s' 5
expect 0 m restart strict
tried strict "$strict user $me"
# A change restarts it.
sed -i 's/^nochildren = true/nochildren = false/' "$CONF"
expect 0 m reload
tried strict "$free user $me"
[ "$me" = 0 ] || finish
expect 0 m stop

# A program of another user, ...
nobody=$(id -u nobody)
main "user = nobody"
start_daemon
both "$nobody"
check '[ "$(privs strict)" = 1 ]'
check '[ "$(privs free)" = 0 ]'
expect 0 m stop
rm -rf "${T:?}/run" "${T:?}/log" "${T:?}/state"

# ... and a daemon that is another user's.
cp "$MPSUPD" "$T/mpsupd"
MPSUPD=$T/mpsupd
for dir in run log state; do
	install -d -o nobody "$T/$dir"
done
main ""
expect 0 setpriv --reuid nobody --regid nogroup --clear-groups \
	"$MPSUPD" -c "$CONF" start
both "$nobody"
check '[ "$(privs strict)" = 1 ]'
finish
