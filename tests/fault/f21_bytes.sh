#!/bin/sh
# F21: whatever bytes a program writes, the file has them all as they were, and
# a terminal gets none that could do anything to it: not from logs, its
# following, its errors, or from what status and the daemon's log say.
. "$(dirname "$0")/../e2e/lib.sh"

mb=1
[ -z "$FULL" ] || mb=10
python3 - "$T" $mb <<'E'
import os, random, sys
d, mb = sys.argv[1], int(sys.argv[2])
random.seed(int(os.environ.get("SEED", "7")))
every = bytes(range(256))
bad = [b"\x1b[2J\x1b[31mred", b"\x1b]0;title\x07", b"\x1b]52;c;aGk=\x1b\\",
       b"\x1bP+q544e\x1b\\", b"\x9b2J", b"\x9d0;t\x9c", b"\xc2\x9b2J",
       b"\xc2\x80\xc2\x9f\xc2\xad", b"\xe0\x82\x9b", b"\xc0\x9b", b"\xc2",
       b"\xf0\x9f\x98\x80", b"\xe2\x80\xae", b"\r\n", b"\r", b"a\bb", b"\0",
       b"\x7f", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe",
       "héllo wörld À".encode()]
text = every * 4 + b"\n"
text += b"".join(bytes([i]) + b"x\n" for i in range(256))
text += b"".join(b + b"\n" for b in bad) + b"".join(bad) + b"\n"
text += b"".join(a + b for a in bad for b in bad) + b"\n"
text += random.randbytes(100000) + b"\n"
open(d + "/in.every", "wb").write(text)
open(d + "/in.line", "wb").write(random.randbytes(mb << 20)
                                 .replace(b"\n", b"\x1b"))
E
name="$T/$(printf 'evil\033[31m\302\233')"
conf <<E
[DEFAULT]
startsecs = 0
autorestart = false
stdout_logfile_maxbytes = 0
stderr_logfile_maxbytes = 0
[program:every]
command = sh -c 'cat $T/in.every; exec cat $T/in.every >&2'
[program:line]
command = cat $T/in.line
[program:named]
command = $name
startretries = 0
[program:dir]
command = true
directory = $name
startretries = 0
E
start_daemon
expect 0 m wait -t 60 every line
for f in every line; do
	wait_until 'cmp -s "$T/in.$f" "$T/log/$f.stdout.log"' 20
done
wait_until 'cmp -s "$T/in.every" "$T/log/every.stderr.log"' 20
wait_until 'is named FATAL && is dir FATAL' 10

python3 - "$MPSUPD" "$CONF" "$T" <<'E' || fail "see above"
import os, pty, select, signal, subprocess, sys, termios, time

mpsupd, conf, tmp = sys.argv[1:4]


def on_tty(*args, until=None):
    """What a terminal gets of the command's output and errors."""
    master, slave = pty.openpty()
    mode = termios.tcgetattr(slave)
    mode[1] &= ~termios.OPOST  # no \r that the line discipline makes
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    p = subprocess.Popen([mpsupd, "-c", conf, *args], stdin=slave,
                         stdout=slave, stderr=slave,
                         env={"PATH": os.environ["PATH"],
                              "LC_ALL": "C.UTF-8", "TERM": "xterm",
                              "NO_COLOR": "1"})
    os.close(slave)
    got = bytearray()
    end = time.monotonic() + 60 * int(os.environ["SLOW"])
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.2)[0]:
            if until is not None and until in got:
                break
            continue
        try:
            part = os.read(master, 65536)
        except OSError:  # the last one closed it
            break
        if not part:
            break
        got += part
    else:
        sys.exit("no end of %s" % (args,))
    p.send_signal(signal.SIGINT)
    p.wait()
    os.close(master)
    return got


def check(what, got):
    assert got, what + " said nothing"
    text = got.decode("utf-8")  # strict: half a sequence is an error, too
    bad = {c for c in text if ord(c) < 32 and c not in "\n\t" or
           127 <= ord(c) < 160}
    assert not bad, "%s: %r in %r" % (what, bad, text[:300])
    print("%s: %d bytes, harmless" % (what, len(got)))
    return text


text = check("logs", on_tty("logs", "-n", "100000", "every"))
assert "héllo wörld À" in text and "\\x1b" in text.lower(), text[-500:]
check("logs --stderr", on_tty("logs", "--stderr", "-n", "100000", "every"))
check("logs of one line", on_tty("logs", "line"))
check("logs -f", on_tty("logs", "-f", "-n", "1000", "every",
                        until="wörld".encode()))
check("status", on_tty("status"))
check("status -v", on_tty("status", "named"))
check("no such name", on_tty("status", "\x1b[2J\xc2\x9b"))
check("no such command", on_tty("\x1b[2J"))
check("check", on_tty("check"))
check("the daemon's log", open(tmp + "/log/mpsupd.log", "rb").read())
# Not on a terminal: the bytes, as they are.
got = subprocess.run([mpsupd, "-c", conf, "logs", "-n", "100000", "every"],
                     capture_output=True).stdout
assert got == open(tmp + "/in.every", "rb").read(), "not as it was"
E
finish
