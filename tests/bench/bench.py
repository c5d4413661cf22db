#!/usr/bin/python3
"""make bench: how much a supervisor costs, against a bare loop of the same run.

usage: bench.py --mpsupd FILE --bin DIR --stamp FILE [--static FILE]
                [--svg FILE] [ROW...]

Every ROW is measured for mpsupd, for a bare loop in C that does the least that
could be done (tool.c), and for supervisord, runit and s6 where they are
installed.  Times end at the first instruction of the supervised program
(prog.c) or in the kernel, never at the supervisor's own word.  Everything lies
on a tmpfs.  Only what this script started is ended, by its pid.

See README.md beside it for what each row is.
"""
import argparse
import ctypes
import math
import os
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

STAMP = ''  # compiled into the programs, see the Makefile
BIN = ''
now = time.monotonic
median = statistics.median


class Missed(Exception):
    """A figure that could not be measured, with the reason."""


# --- processes: we are a subreaper, so all that is started stays below us ---

def children(pid):
    found = []
    try:
        for task in os.listdir('/proc/%d/task' % pid):
            with open('/proc/%d/task/%s/children' % (pid, task)) as f:
                found += [int(x) for x in f.read().split()]
    except OSError:
        pass
    return found


def descendants():
    found, todo = [], children(os.getpid())
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children(pid)
    return found


def is_zombie(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] in 'ZX'
    except OSError:
        return True


def is_ours(pid):
    """A program of the benchmark, not of the supervisor's side."""
    try:
        return os.readlink('/proc/%d/exe' % pid).startswith(BIN + '/')
    except OSError:
        return False


def side():
    """Pids of the supervisor's side."""
    return [p for p in descendants() if not is_zombie(p) and not is_ours(p)]


def reap():
    for pid in children(os.getpid()):
        if is_zombie(pid):
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def end_all():
    """Ends what this script has started: supervisors first."""
    for _ in range(500):
        reap()
        left = [p for p in descendants() if not is_zombie(p)]
        if not left:
            return
        first = [p for p in left if not is_ours(p)]
        for pid in first or left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
    raise Missed('processes are left')


def cpu_s(pids):
    total = 0
    for pid in pids:
        try:
            for task in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/schedstat' % (pid, task)) as f:
                    total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def wakeups(pids):
    total = 0
    for pid in pids:
        try:
            with open('/proc/%d/status' % pid) as f:
                total += sum(int(x.split()[1]) for x in f
                             if x.startswith('voluntary_ctxt'))
        except OSError:
            pass
    return total


def pss_mb(pids):
    total = 0
    for pid in pids:
        try:
            with open('/proc/%d/smaps_rollup' % pid) as f:
                total += sum(int(x.split()[1]) for x in f
                             if x.startswith('Pss:'))
        except OSError:
            pass
    return total / 1024


# --- stamps ---

def stamp_file():
    if os.path.lexists(STAMP):
        os.unlink(STAMP)
    open(STAMP, 'w').close()


def stamp_fifo():
    if os.path.lexists(STAMP):
        os.unlink(STAMP)
    os.mkfifo(STAMP)
    return os.open(STAMP, os.O_RDWR | os.O_NONBLOCK)


def stamps():
    with open(STAMP, 'rb') as f:
        data = f.read()
    return [struct.unpack_from('QI', data, i)
            for i in range(0, len(data) // 16 * 16, 16)]


def wait_stamps(n, timeout=90):
    end = now() + timeout
    while os.stat(STAMP).st_size < 16 * n:
        if now() > end:
            raise Missed('%d of %d began within %d s' % (
                os.stat(STAMP).st_size // 16, n, timeout))
        time.sleep(0.002)


def tool(*args, timeout=120):
    r = subprocess.run([BIN + '/tool'] + [str(a) for a in args],
                       capture_output=True, text=True, timeout=timeout)
    if r.returncode != 0:
        raise Missed(r.stderr.strip() or 'tool failed')
    return [float(x) for x in r.stdout.split()]


# --- supervisors ---

def is_listening(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


class Supervisor:
    """One supervisor with its files in ROOT.  programs: [(name, argv, log)],
    where log is a file or None."""
    needs = ()

    def __init__(self, root, programs, fast=False):
        self.root, self.programs, self.fast = root, programs, fast
        self.proc = None
        os.makedirs(root)
        self.configure()

    @classmethod
    def missing(cls):
        return [p for p in cls.needs if shutil.which(p) is None]

    def write(self, path, text, mode=0o644):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def start(self, prefix=()):
        with open(self.root + '/output', 'ab') as out:
            self.proc = subprocess.Popen(
                list(prefix) + self.command(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True)

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)

    def remove(self):
        end_all()
        shutil.rmtree(self.root, ignore_errors=True)


class Mpsupd(Supervisor):
    name = 'mpsupd'
    path = static = ''  # set by main()

    def configure(self):
        text = ['[mpsupd]', 'rundir = %s/run' % self.root,
                'statedir = %s/state' % self.root,
                'logdir = %s/log' % self.root]
        for name, argv, log in self.programs:
            text += ['[program:%s]' % name, 'command = ' + ' '.join(argv),
                     'stderr_logfile = NONE', 'autorestart = true']
            if self.fast:
                text += ['startsecs = 0', 'restart_delay = 0',
                         'restart_limit = 0']
            if log:
                os.makedirs(os.path.dirname(log), exist_ok=True)
                text += ['stdout_logfile = ' + log,
                         'stdout_logfile_maxbytes = 1GB']
            else:
                text += ['stdout_logfile = NONE']
        self.file = self.write('conf', '\n'.join(text) + '\n')

    def command(self):
        return [self.path, '-c', self.file, 'start', '-n']

    def stop(self):
        subprocess.run([self.path, '-c', self.file, 'stop'],
                       stdout=subprocess.DEVNULL)

    def status(self, name):
        return [self.path, '-c', self.file, 'status', name]

    def request(self, name):
        return (self.root + '/run/control.sock',
                '{"jsonrpc":"2.0","id":1,"method":"status",'
                '"params":{"names":["%s"]}}' % name)


class Supervisord(Supervisor):
    name = 'supervisord'
    needs = ('supervisord', 'supervisorctl')

    def configure(self):
        text = ['[unix_http_server]', 'file=%s/sock' % self.root,
                '[supervisord]', 'nodaemon=true', 'logfile=/dev/null',
                'logfile_maxbytes=0', 'pidfile=%s/pid' % self.root,
                'minfds=%d' % (1024 + 4 * len(self.programs)),
                'childlogdir=' + self.root, '[rpcinterface:supervisor]',
                'supervisor.rpcinterface_factory = '
                'supervisor.rpcinterface:make_main_rpcinterface',
                '[supervisorctl]', 'serverurl=unix://%s/sock' % self.root]
        for name, argv, log in self.programs:
            text += ['[program:%s]' % name, 'command=' + ' '.join(argv),
                     'autorestart=true', 'stderr_logfile=NONE',
                     'startsecs=%d' % (0 if self.fast else 1)]
            if log:
                os.makedirs(os.path.dirname(log), exist_ok=True)
                text += ['stdout_logfile=' + log,
                         'stdout_logfile_maxbytes=1GB']
            else:
                text += ['stdout_logfile=NONE']
        self.file = self.write('conf', '\n'.join(text) + '\n')

    def command(self):
        return ['supervisord', '-n', '-c', self.file]

    def status(self, name):
        return ['supervisorctl', '-c', self.file, 'status', name]


class Folders(Supervisor):
    """The family with a folder per service."""

    def run_file(self, folder, argv):
        os.makedirs(folder, exist_ok=True)
        if len(argv) == 1:
            os.symlink(argv[0], folder + '/run')
            return
        with open(folder + '/run', 'w') as f:
            f.write('#!/bin/sh\nexec %s\n' % ' '.join(argv))
        os.chmod(folder + '/run', 0o755)

    def configure(self):
        self.folder = self.root + '/services'
        for name, argv, log in self.programs:
            self.run_file('%s/%s' % (self.folder, name), argv)
            if log:
                os.makedirs(os.path.dirname(log), exist_ok=True)
                self.run_file('%s/%s/log' % (self.folder, name),
                              self.logger(os.path.dirname(log)))


class Runit(Folders):
    name = 'runit'
    needs = ('runsvdir', 'runsv', 'sv', 'svlogd')
    most = 1000  # services that runsvdir takes

    def logger(self, folder):
        with open(folder + '/config', 'w') as f:
            f.write('s100000000\nn50\n')
        return ['svlogd', folder]

    def command(self):
        old = time.time() - 100  # it waits when its folder is fresh
        os.utime(self.folder, (old, old))
        return ['runsvdir', '-P', self.folder]

    def stop(self):
        self.proc.send_signal(signal.SIGHUP)

    def status(self, name):
        return ['sv', 'status', '%s/%s' % (self.folder, name)]


class S6(Folders):
    name = 's6'
    needs = ('s6-svscan', 's6-supervise', 's6-svstat', 's6-log')

    def logger(self, folder):
        return ['s6-log', '-b', 'n50', 's100000000', folder]

    def command(self):
        return ['s6-svscan', '-c', str(2 * len(self.programs) + 100),
                '-t', '0', self.folder]

    def stop(self):
        subprocess.run(['s6-svscanctl', '-t', self.folder])

    def status(self, name):
        return ['s6-svstat', '%s/%s' % (self.folder, name)]


SUPERVISORS = [Mpsupd, Supervisord, Runit, S6]


# --- the bench: one method measures for one supervisor ---

class Bench:
    def __init__(self, work):
        self.work, self.seq = work, 0
        self.cells = {}  # (row, column) -> number or a reason

    def make(self, cls, programs, fast=False):
        self.seq += 1
        return cls('%s/%s.%d' % (self.work, cls.name, self.seq), programs,
                   fast)

    def waiters(self, n):
        return [('p%d' % i, [BIN + '/wait'], None) for i in range(n)]

    def folder(self, name):
        self.seq += 1
        path = '%s/%s.%d' % (self.work, name, self.seq)
        os.makedirs(path)
        return path

    def set(self, row, column, value):
        self.cells[(row, column)] = value

    def boot(self, s, n):
        """Seconds from exec to the last program's first instruction."""
        stamp_file()
        t = now()
        s.start()
        wait_stamps(n)
        began = stamps()[:n]
        self.pids = [pid for _, pid in began]
        return max(ns for ns, _ in began) / 1e9 - t

    def bare_spawn(self, n):
        """Of three ways: seconds of start (the best), of stop (the best)."""
        boots, stops = [], []
        for how in ('fork', 'vfork', 'clone'):
            stamp_file()
            boot, stop = tool('spawn', how, n, BIN + '/wait')
            boots.append(boot)
            stops.append(stop)
        return min(boots), median(stops)

    def teardown(self, s):
        """Seconds from the wish to stop to the last program's end."""
        poll, fds = select.epoll(), {}
        for pid in self.pids:
            fd = os.pidfd_open(pid)
            fds[fd] = pid
            poll.register(fd, select.EPOLLIN)
        t = last = now()
        s.stop()
        while fds and now() - t < 60:
            for fd, _ in poll.poll(0.5):
                poll.unregister(fd)
                os.close(fd)
                del fds[fd]
                last = now()
        poll.close()
        left = len(fds)
        for fd in fds:
            os.close(fd)
        if left:
            raise Missed('%d are left after 60 s' % left)
        return last - t

    # boot, idle, status and stop: of one daemon with 1,000 programs

    def thousand(self, cls, rows):
        n, boots, stops, bare = 1000, [], [], []
        for turn in range(3 if cls is Mpsupd else 1):
            if cls is Mpsupd:
                bare.append(self.bare_spawn(n))
            s = self.make(cls, self.waiters(n))
            try:
                boots.append(self.boot(s, n))
                if turn == 0:
                    time.sleep(2)
                    if 'idle' in rows:
                        self.idle(cls)
                    if 'status' in rows:
                        self.status(cls, s)
                else:
                    time.sleep(1.2)
                if 'stop' in rows or 'boot' in rows:
                    stops.append(self.teardown(s))
            finally:
                s.remove()
            if 'stop' not in rows and 'boot' not in rows:
                break
        if cls is Mpsupd:
            self.set('boot', 'bare', median(b for b, _ in bare))
            self.set('stop', 'bare', median(s for _, s in bare))
        self.set('boot', cls.name, median(boots))
        if stops:
            self.set('stop', cls.name, median(stops))

    def idle(self, cls):
        pids, secs = side(), 3
        before = wakeups(pids)
        self.set('memory', cls.name, pss_mb(pids))
        time.sleep(secs)
        self.set('wakeups', cls.name, (wakeups(pids) - before) / secs)

    def bare_requests(self, clients, secs):
        path = self.work + '/bare.sock'
        server = subprocess.Popen([BIN + '/tool', 'serve', path])
        try:
            while not os.path.exists(path) or not is_listening(path):
                time.sleep(0.001)
            return tool('socket', path, clients, secs, 'x')[0]
        finally:
            server.kill()
            server.wait()
            os.unlink(path)

    def status(self, cls, s):
        secs = 1
        if cls is Mpsupd:
            path, request = s.request('p500')
            for clients in (1, 16):
                rate, _, _, failed = tool('socket', path, clients, secs,
                                          request)
                if failed:
                    raise Missed('%d requests failed' % failed)
                self.set('requests%d' % clients, cls.name, rate)
                self.set('requests%d' % clients, 'bare',
                         self.bare_requests(clients, secs))
        rate, _, _, _ = tool('command', 1, secs, *s.status('p500'))
        self.set('status', cls.name, rate)
        if cls is Mpsupd and Mpsupd.static:
            command = [Mpsupd.static] + s.status('p500')[1:]
            rate, _, _, _ = tool('command', 1, secs, *command)
            self.set('status', cls.name, rate)
        if cls is Mpsupd:
            rate, _, _, _ = tool('command', 1, secs, BIN + '/empty')
            self.set('status', 'bare', rate)

    # 5,000 programs whose output is captured

    def captured(self, cls):
        if cls is not Mpsupd:
            return
        n, folder = 5000, self.folder('logs')
        bare, _ = self.bare_spawn(n)
        s = self.make(cls, [('p%d' % i, [BIN + '/wait'],
                             '%s/p%d' % (folder, i)) for i in range(n)])
        try:
            boot = self.boot(s, n)
            self.set('captured', 'bare', bare)
            self.set('captured', cls.name, boot)
        finally:
            s.remove()
            shutil.rmtree(folder)

    # SIGKILL to the successor's first instruction

    def begun(self, fd, timeout=30):
        """The next record of the FIFO: (seconds, pid)."""
        if not select.select([fd], [], [], timeout)[0]:
            raise Missed('nothing began within %g s' % timeout)
        ns, pid = struct.unpack('QIxxxx', os.read(fd, 16))
        return ns / 1e9, pid

    def killed(self, fd, pid):
        """Milliseconds until there is another one, and its pid."""
        t = now()
        os.kill(pid, signal.SIGKILL)
        at, pid = self.begun(fd)
        return (at - t) * 1e3, pid

    def bare_restart(self, fd, n):
        took = []
        with subprocess.Popen([BIN + '/tool', 'parent', BIN + '/wait']) as p:
            pid = self.begun(fd)[1]
            for _ in range(n):
                ms, pid = self.killed(fd, pid)
                took.append(ms)
            p.kill()
        end_all()
        return median(took)

    def restart(self, cls):
        n = 100 if cls in (Mpsupd, Runit) else 5
        fd = stamp_fifo()
        try:
            if cls is Mpsupd:
                self.set('restart', 'bare', self.bare_restart(fd, n))
            s = self.make(cls, self.waiters(100))
            try:
                s.start()
                pids = [self.begun(fd)[1] for _ in range(100)]
                time.sleep(3.2)  # some delay it for those who lived shorter
                took = sorted(self.killed(fd, pid)[0] for pid in pids[:n])
            finally:
                s.remove()
        finally:
            os.close(fd)
        self.set('restart', cls.name, median(took))
        self.set('restart99', cls.name, took[min(n - 1, n * 99 // 100)])

    # one program that writes as fast as it can, into a log that is kept

    def bare_log(self, how, nbytes, size):
        """MB/s of the writer's bytes."""
        out = self.work + '/bare.log'
        stamp_file()
        writer = subprocess.Popen([BIN + '/tool', 'write', str(nbytes),
                                   str(size)], stdout=subprocess.PIPE)
        pump = subprocess.Popen([BIN + '/tool', 'pump', out, how],
                                stdin=writer.stdout)
        writer.stdout.close()
        try:
            wait_stamps(2)
            while os.stat(out).st_size < nbytes // 100 * 100:
                time.sleep(0.001)
            took = now() - stamps()[0][0] / 1e9
        finally:
            for p in (writer, pump):
                p.kill()
                p.wait()
            if os.path.exists(out):
                os.unlink(out)
        return nbytes / took / 1e6

    def check_lines(self, files, lines):
        """As many bytes as were written, and samples where they belong."""
        data = b''
        for name in sorted(files, key=os.path.getmtime):
            with open(name, 'rb') as f:
                data += f.read()
        if len(data) != lines * 100:
            raise Missed('%d bytes of %d in the log' % (
                len(data), lines * 100))
        step = max(1, lines // 5000)
        for i in list(range(0, lines, step)) + [lines - 1]:
            if data[i * 100:i * 100 + 12] != b'%012d' % i:
                raise Missed('line %d is not where it belongs' % i)

    def log(self, cls):
        for row, size in (('log64k', 65536), ('log100', 100)):
            nbytes = (256 if size > 100 else 64) << 20
            if cls is Mpsupd:
                self.set(row, 'bare', max(
                    median(self.bare_log(how, nbytes, size)
                           for _ in range(3)) for how in ('splice', 'batch')))
            elif size > 100:
                nbytes >>= 2
            rates, cpus = [], []
            for _ in range(3 if cls is Mpsupd else 1):
                mb, cpu = self.one_log(cls, nbytes, size)
                rates.append(mb)
                cpus.append(cpu)
            self.set(row, cls.name, median(rates))
            self.set(row + 'cpu', cls.name, median(cpus))

    def one_log(self, cls, nbytes, size):
        folder = self.folder('log')
        lines = nbytes // 100
        stamp_file()
        log = folder + '/d/log'
        s = self.make(cls, [('p0', [BIN + '/tool', 'write', str(nbytes),
                                    str(size)], log)])

        def files():
            d = os.path.dirname(log)
            return [os.path.join(d, f) for f in os.listdir(d)
                    if f not in ('config', 'lock', 'state')]

        def arrived():
            return sum(os.stat(f).st_size for f in files())
        try:
            s.start()
            wait_stamps(1, 30)
            end = now() + 40
            while arrived() < lines * 100:
                if now() > end:
                    raise Missed('%d of %d bytes within 40 s' % (
                        arrived(), lines * 100))
                time.sleep(0.005)
            took = now() - stamps()[0][0] / 1e9
            cpu = cpu_s(side())
            self.check_lines(files(), lines)
        finally:
            s.remove()
            shutil.rmtree(folder, ignore_errors=True)
        return nbytes / took / 1e6, cpu / nbytes * 2**30

    # 200 programs that write 1,000 lines a second each

    def lines(self, cls):
        n, secs, folder = 200, 4, self.folder('lines')
        stamp_file()
        s = self.make(cls, [('p%d' % i, [BIN + '/tool', 'tick', '1000'],
                             '%s/%d/log' % (folder, i)) for i in range(n)])
        try:
            s.start()
            wait_stamps(n)
            time.sleep(2)
            pids = side()
            began, t = cpu_s(pids), now()
            time.sleep(secs)
            self.set('lines', cls.name,
                     (cpu_s(pids) - began) / (now() - t) * 100)
        finally:
            s.remove()
            shutil.rmtree(folder)

    # what one program's status costs while 200 others crash

    def storm(self, cls):
        n, secs = 200, 3
        stamp_file()
        s = self.make(cls, [('p0', [BIN + '/wait'], None)] +
                      [('c%d' % i, [BIN + '/crash'], None)
                       for i in range(n)], fast=True)
        try:
            s.start()
            wait_stamps(n + 1)
            time.sleep(1)
            before, t = os.stat(STAMP).st_size, now()
            _, _, p99, _ = tool('command', 1, secs, *s.status('p0'))
            self.set('storm', cls.name, p99 / 1e3)
            self.set('restarts', cls.name, (os.stat(STAMP).st_size - before) /
                     16 / (now() - t))
            if cls is Mpsupd:
                path, request = s.request('p0')
                _, _, p99, _ = tool('socket', path, 1, 2, request)
                self.set('stormraw', cls.name, p99 / 1e3)
        finally:
            s.remove()

    # what only a supervisor with an order, a tree and a policy of its own has

    def life(self, text):
        """A Mpsupd with the sections TEXT behind its own."""
        s = self.make(Mpsupd, [])
        with open(s.file, 'a') as f:
            f.write(text)
        return s

    def grown(self, width, depth, keys):
        """Seconds of the boot of DEPTH layers of WIDTH programs; KEYS(LAYER)
        are lines for each of a layer."""
        text = ''.join(
            '[program:l%d_%d]\ncommand = %s/wait\nstartsecs = 0\n'
            'stdout_logfile = NONE\nstderr_logfile = NONE\n%s' % (
                layer, i, BIN, keys(layer, i))
            for layer in range(depth) for i in range(width))
        s = self.life(text)
        try:
            return self.boot(s, width * depth)
        finally:
            self.teardown(s)
            s.remove()

    def graph(self, cls):
        if cls is not Mpsupd:
            return
        width, depth, flat, deep = 50, 20, [], []

        def needs(layer, i):
            if layer == 0:
                return ''
            return 'requires = ' + ' '.join(
                'l%d_%d' % (layer - 1, (i + k) % width) for k in range(3)) + \
                '\n'
        for _ in range(5):
            flat.append(self.grown(width, depth, lambda layer, i: ''))
            deep.append(self.grown(width, depth, needs))
        self.set('graph', 'mpsupd', median(deep))
        self.set('graph', 'bare', median(flat))

    def depend(self, cls):
        """A chain: each says that it is ready when the next may begin."""
        if cls is not Mpsupd:
            return
        n = 200
        s = self.life(''.join(
            '[program:p%d]\ncommand = %s/ready\nready = fd:3\n'
            'startsecs = 0\nstdout_logfile = NONE\nstderr_logfile = NONE\n%s'
            % (i, BIN, 'requires = p%d\n' % (i - 1) if i else '')
            for i in range(n)))
        try:
            self.boot(s, n)
            times = sorted(ns for ns, _ in stamps()[:n])
            self.set('depend', 'mpsupd', median(
                b - a for a, b in zip(times, times[1:])) / 1e6)
        finally:
            self.teardown(s)
            s.remove()

    def escape(self, cls):
        """200 that left the session and do not heed SIGTERM."""
        if cls is not Mpsupd:
            return
        n, grace = 200, 1
        loop = ("trap '' TERM; i=0; while [ $i -lt %d ]; do setsid %s/wait & "
                "i=$((i + 1)); done; wait" % (n, BIN))
        with open(self.folder('tree') + '/tree', 'w') as f:
            f.write('#!/bin/sh\n' + loop + '\n')
            os.fchmod(f.fileno(), 0o755)
        s = self.life('[program:tree]\ncommand = %s\nstopwaitsecs = %d\n'
                      % (f.name, grace))
        try:
            self.boot(s, n)
            time.sleep(1.2)
            self.set('escape', 'mpsupd', self.teardown(s) - grace)
        finally:
            s.remove()

    def backoff(self, cls):
        if cls is not Mpsupd:
            return
        n, secs = 200, 10
        keys = ('stdout_logfile = NONE\nstderr_logfile = NONE\n'
                'startsecs = 0\n')
        s = self.life('[program:p0]\ncommand = %s/wait\n%s' % (BIN, keys) +
                      ''.join('[program:c%d]\ncommand = %s/crash\n%s'
                              'restart_delay = 100ms\n' % (i, BIN, keys)
                              for i in range(n)))
        stamp_file()
        try:
            s.start()
            wait_stamps(n + 1)
            time.sleep(2)
            pids = [p for p in side() if b'mpsupd' in open(
                '/proc/%d/cmdline' % p, 'rb').read()]
            began, t = cpu_s(pids), now()
            path, request = s.request('p0')
            time.sleep(secs)
            self.set('backoffcpu', 'mpsupd',
                     (cpu_s(pids) - began) / (now() - t) * 100)
            _, _, p99, _ = tool('socket', path, 1, 2, request)
            self.set('backoff', 'mpsupd', p99 / 1e3)
        finally:
            s.remove()

    # as PID 1: orphans that end, each by itself

    NAMESPACE = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child']

    def gone(self, out):
        """Milliseconds until no orphan was left, from the file OUT."""
        wait_stamps(1, 30)
        with open(out) as f:
            secs, left = f.read().split()
        if left != '0':
            raise Missed('%s of 1,000 are left after 10 s' % left)
        return float(secs) * 1e3

    def orphans(self, cls):
        if os.getuid() != 0:
            raise Missed('needs root, for a namespace of processes')
        took, bare = [], []
        for _ in range(3 if cls is Mpsupd else 1):
            out = '%s/orphans.%d' % (self.work, self.seq)
            command = [BIN + '/tool', 'orphans', '1000', out]
            if cls is Mpsupd:
                stamp_file()
                subprocess.Popen(self.NAMESPACE + [BIN + '/tool', 'init'] +
                                 command)
                bare.append(self.gone(out))
                end_all()
            stamp_file()
            s = self.make(cls, [('p0', command, None)])
            try:
                s.start(self.NAMESPACE)
                took.append(self.gone(out))
            finally:
                s.remove()
        self.set('orphans', cls.name, median(took))
        if bare:
            self.set('orphans', 'bare', median(bare))

    # exec of the supervisor to the first instruction of its first program

    def first(self, cls):
        took = []
        for _ in range(7 if cls is not Supervisord else 2):
            s = self.make(cls, self.waiters(1))
            try:
                took.append(self.boot(s, 1) * 1e3)
            finally:
                s.remove()
        self.set('first', cls.name, median(took))
        if cls is Mpsupd:
            bare = []
            for _ in range(7):
                stamp_file()
                t = now()
                tool('spawn', 'clone', 1, BIN + '/wait')
                bare.append((stamps()[0][0] / 1e9 - t) * 1e3)
            self.set('first', 'bare', median(bare))

    # all of it

    def run(self, rows, supervisors):
        boot = {'boot', 'idle', 'status', 'stop'}
        jobs = [(r, getattr(self, r)) for r in GROUPS
                if r not in boot and r in rows]
        if boot & set(rows):
            jobs.insert(0, ('thousand', lambda c: self.thousand(c, rows)))
        for name, job in jobs:
            for cls in supervisors:
                t = now()
                os.makedirs(self.work, exist_ok=True)
                try:
                    job(cls)
                except (Missed, OSError, subprocess.TimeoutExpired) as e:
                    say('%s, %s: not measured: %s' % (name, cls.name, e))
                finally:
                    end_all()
                say('%-9s %-12s %5.1f s' % (name, cls.name, now() - t))


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- the table ---

# group, row, what, unit, which is better, aim: ('ratio', number) to the bare
# loop, or ('value', number)
ROWS = [
    ('boot', 'boot', 'boot of 1,000', 's', 'less', ('ratio', 2.0)),
    ('captured', 'captured', 'boot of 5,000, output captured', 's', 'less',
     ('ratio', 3.0)),
    ('idle', 'memory', '1,000 idle: memory (PSS)', 'MB', 'less',
     ('value', 3.0)),
    ('idle', 'wakeups', '1,000 idle: wake-ups', '/s', 'less', ('value', 0.5)),
    ('restart', 'restart', 'SIGKILL to running again', 'ms', 'less',
     ('ratio', 1.4)),
    ('restart', 'restart99', 'the same, 99 %', 'ms', 'less', ('value', 1.0)),
    ('stop', 'stop', 'stop of 1,000', 's', 'less', ('ratio', 1.6)),
    ('status', 'status', 'status NAME: commands', '/s', 'more',
     ('value', 1700)),
    ('status', 'requests1', 'status: requests, 1 client', '/s', 'more',
     ('value', 20000)),
    ('status', 'requests16', 'status: requests, 16 clients', '/s', 'more',
     ('value', 120000)),
    ('log', 'log64k', 'log: writes of 64 KiB', 'MB/s', 'more',
     ('ratio', 0.7)),
    ('log', 'log64kcpu', 'the same: processor time', 's/GiB', 'less', None),
    ('log', 'log100', 'log: writes of 100 bytes', 'MB/s', 'more',
     ('ratio', 0.8)),
    ('log', 'log100cpu', 'the same: processor time', 's/GiB', 'less',
     ('value', 1.0)),
    ('lines', 'lines', '200 x 1,000 lines/s: CPU', '%', 'less',
     ('value', 8.0)),
    ('storm', 'storm', '200 crash: status of another, 99 %', 'ms', 'less',
     ('value', 5.0)),
    ('storm', 'stormraw', 'the same by the socket', 'ms', 'less',
     ('value', 5.0)),
    ('storm', 'restarts', 'the same: restarts', '/s', 'more', None),
    ('graph', 'graph', 'boot of 1,000 in 20 layers', 's', 'less',
     ('ratio', 1.3)),
    ('depend', 'depend', 'ready to the start of what needs it', 'ms', 'less',
     ('value', 1.0)),
    ('escape', 'escape', '200 escaped: from the end of grace', 's', 'less',
     ('value', 1.0)),
    ('backoff', 'backoffcpu', '200 crash, with backoff: CPU', '%', 'less',
     ('value', 5.0)),
    ('backoff', 'backoff', 'the same: status by the socket, 99 %', 'ms',
     'less', ('value', 5.0)),
    ('orphans', 'orphans', '1,000 orphans gone (as PID 1)', 'ms', 'less',
     ('value', 10.0)),
    ('first', 'first', 'exec to first program', 'ms', 'less',
     ('value', 3.0)),
]
GROUPS = list(dict.fromkeys(r[0] for r in ROWS))
UNDRAWN = ('restarts', 'wakeups', 'log64kcpu', 'log100cpu')


def number(v):
    if v is None:
        return '-'
    return '{:,.0f}'.format(v) if v >= 1000 else '%.3g' % v


def ratio(cells, row):
    bare, value = cells.get((row, 'bare')), cells.get((row, 'mpsupd'))
    return value / bare if bare and value is not None else None


def judge(cells, row, better, aim):
    """The aim in words, and whether mpsupd reaches it."""
    if aim is None:
        return ['', '']
    kind, bound = aim
    v = ratio(cells, row) if kind == 'ratio' else cells.get((row, 'mpsupd'))
    text = ('<= ' if better == 'less' else '>= ') + number(bound) + \
        (' x' if kind == 'ratio' else '')
    if v is None:
        return [text, '-']
    met = v <= bound if better == 'less' else v >= bound
    return [text, 'yes' if met else 'NO']


def table(cells, columns):
    out = [['', 'mpsupd', 'bare', 'ratio', 'aim', 'met'] + columns]
    for _, row, what, unit, better, aim in ROWS:
        if (row, 'mpsupd') not in cells:
            continue
        r = ratio(cells, row)
        out.append(['%s, %s' % (what, unit), number(cells[(row, 'mpsupd')]),
                    number(cells.get((row, 'bare'))),
                    number(r) if r is not None else ''] +
                   judge(cells, row, better, aim) +
                   [number(cells.get((row, c))) for c in columns])
    return out


def print_table(lines):
    widths = [max(len(r[i]) for r in lines) for i in range(len(lines[0]))]
    for r in lines:
        print('  '.join([r[0].ljust(widths[0])] +
                        [x.rjust(w) for x, w in zip(r[1:], widths[1:])]))


# --- the picture ---

STYLE = """<style>
text { font: 12px sans-serif; fill: #444 }
.head { font-weight: bold; font-size: 14px }
.small { font-size: 10px; fill: #777 }
.mpsupd { fill: #1f77b4 } .bare { fill: #9a9a9a }
.supervisord { fill: #d9892b } .runit { fill: #5aa35a } .s6 { fill: #9467bd }
.grid { stroke: #8888; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #ccc } .small { fill: #999 }
}
</style>"""


def picture(cells, columns, head):
    """Bars on a logarithmic scale: how many times worse than the best figure
    of the row, be it the bare loop's or a supervisor's."""
    names = ['mpsupd', 'bare'] + columns
    x0, width, bar, y = 260, 420, 10, 94
    body = []
    for _, row, what, unit, better, _ in ROWS:
        shown = [(c, cells[(row, c)]) for c in names
                 if cells.get((row, c))]
        if len(shown) < 2 or shown[0][0] != 'mpsupd' or row in UNDRAWN:
            continue
        values = [v for _, v in shown]
        best = min(values) if better == 'less' else max(values)
        top = y
        for c, v in shown:
            worse = v / best if better == 'less' else best / v
            w = max(2.0, width * min(1.0, math.log10(worse) / 4))
            body.append('<rect class="%s" x="%d" y="%d" width="%.1f" '
                        'height="%d"/><text class="small" x="%.1f" y="%d">%s'
                        '</text>' % (c, x0, y, w, bar - 2, x0 + w + 5,
                                     y + bar - 2, number(v)))
            y += bar
        body.append('<text x="%d" y="%.1f" text-anchor="end">%s, %s</text>' % (
            x0 - 10, (top + y) / 2 + 3, what, unit))
        y += 8
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="780" height="%d" '
           'viewBox="0 0 780 %d" role="img" '
           'aria-label="mpsupd and others compared">' % (y + 8, y + 8), STYLE,
           '<text class="head" x="10" y="20">How many times worse than the '
           'best of the row (shorter is better)</text>',
           '<text class="small" x="10" y="37">%s</text>' % head]
    x = 10
    for c in names:
        out.append('<rect class="%s" x="%d" y="50" width="10" height="10"/>'
                   '<text x="%d" y="59">%s</text>' % (
                       c, x, x + 15,
                       'bare loop in C' if c == 'bare' else c))
        x += 115
    for i, label in enumerate(('1', '10', '100', '1,000', '10,000')):
        x = x0 + width * i / 4
        out.append('<line class="grid" x1="%.1f" x2="%.1f" y1="86" y2="%d"/>'
                   '<text class="small" x="%.1f" y="82" '
                   'text-anchor="middle">%s x</text>' % (x, x, y, x, label))
    return '\n'.join(out + body + ['</svg>', ''])


def machine():
    model = ''
    try:
        with open('/proc/cpuinfo') as f:
            model = next((x.split(':', 1)[1].strip() for x in f
                          if x.startswith('model name')), '')
    except OSError:
        pass
    return '%d x %s, Linux %s, %s' % (
        len(os.sched_getaffinity(0)), model or os.uname().machine,
        os.uname().release, time.strftime('%Y-%m-%d %H:%M'))


def main():
    global STAMP, BIN
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--mpsupd', required=True)
    ap.add_argument('--static', default='')
    ap.add_argument('--bin', required=True)
    ap.add_argument('--stamp', required=True)
    ap.add_argument('--svg')
    ap.add_argument('--only', help='these supervisors: mpsupd,runit,...')
    ap.add_argument('rows', nargs='*')
    a = ap.parse_args()
    rows = a.rows or GROUPS
    for r in rows:
        if r not in GROUPS:
            ap.error('no row %s; there are: %s' % (r, ' '.join(GROUPS)))
    BIN, STAMP = os.path.realpath(a.bin), a.stamp
    Mpsupd.path = os.path.realpath(a.mpsupd)
    Mpsupd.static = os.path.realpath(a.static) if a.static else ''
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    # Ended by a signal, it still ends what it has started.
    for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signo, lambda *_: sys.exit(130))
    supervisors = []
    for cls in SUPERVISORS:
        missing = cls.missing()
        if a.only and cls.name not in a.only.split(','):
            continue
        if missing:
            say('skip: %s: no %s (make bench-deps installs them)' % (
                cls.name, ', '.join(missing)))
        else:
            supervisors.append(cls)
    work = os.path.dirname(STAMP)
    try:
        os.mkdir(work, 0o755)
    except FileExistsError:
        sys.exit('bench.py: %s is there: another run, or what is left of one; '
                 'remove it then' % work)
    b = Bench(work + '/d')
    began, load = now(), os.getloadavg()[0]
    try:
        b.run(rows, supervisors)
    finally:
        end_all()
        shutil.rmtree(work, ignore_errors=True)
    columns = [c.name for c in supervisors if c is not Mpsupd]
    head = machine()
    print('%s; load before %.1f; took %d s' % (head, load, now() - began))
    print_table(table(b.cells, columns))
    if load > 0.5 * len(os.sched_getaffinity(0)):
        say('note: others used the machine before it began; times are worth '
            'little then')
    if a.svg and rows == GROUPS:
        with open(a.svg, 'w') as f:
            f.write(picture(b.cells, columns, head))
        say('picture: ' + a.svg)


if __name__ == '__main__':
    main()
