"""Runs the program weir in folders of its own, from a pipe and from a terminal."""

import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import termios
import threading
import time
import fcntl

TIMEOUT_S = 30


class Failure(Exception):
    """What a test expected and did not find."""


class Done:
    """How a run ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return "status %s\n--- out\n%s\n--- err\n%s" % (self.status, self.out[-3000:],
                                                       self.err[-3000:])


def check(condition, what, shown=""):
    if not condition:
        raise Failure("%s\n%s" % (what, shown))


def wait_for(condition, what, seconds=TIMEOUT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise Failure("waited %d s for %s" % (seconds, what))


def expect_line(child, stream, words):
    """Reads until a line has the words."""
    watch = threading.Timer(20, child.kill)
    watch.start()
    seen = ""
    for line in stream:
        seen += line.decode()
        if words in line.decode():
            break
    watch.cancel()
    check(words in seen, "expected " + words, seen)


class Bench:
    """One test's folder, with the program run in it."""

    def __init__(self, weir, folder):
        self.weir, self.folder = weir, folder
        self.running = []
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "home"))
        self.environment = dict(os.environ, HOME=os.path.join(folder, "home"), TERM="xterm",
                                TZ="UTC", LC_ALL="C.UTF-8")
        self.environment.pop("XDG_STATE_HOME", None)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def start(self, *arguments, stdin=None, before=None):
        child = subprocess.Popen([self.weir, *arguments], cwd=self.folder, env=self.environment,
                                 stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before)
        self.running.append(child)
        return child

    @staticmethod
    def finish(child, stdin=None, timeout=TIMEOUT_S):
        try:
            out, err = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise Failure("did not end within %d s\n%s" % (timeout, Done(
                None, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")))) from None
        done = Done(child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
        check("Sanitizer" not in done.err and "runtime error:" not in done.err,
              "a sanitizer complains", done)
        check(child.returncode >= 0 or child.returncode == -signal.SIGKILL,
              "ended by signal %d" % -child.returncode, done)
        return done

    def run(self, *arguments, stdin=None, before=None):
        if isinstance(stdin, str):
            stdin = stdin.encode("utf-8")
        return self.finish(self.start(*arguments, stdin=stdin, before=before), stdin)

    def good(self, *arguments, **extra):
        done = self.run(*arguments, **extra)
        check(done.status == 0, "should have gone well: %s" % " ".join(arguments)[-300:], done)
        return done

    def bad(self, *arguments, says=(), status=1, **extra):
        """Fails with `status`, and standard error says every one of `says` (regular expressions)."""
        done = self.run(*arguments, **extra)
        check(done.status == status, "should have failed with status %d: %s" %
              (status, " ".join(arguments)[-300:]), done)
        check("error: " in done.err or status == 2, "no error is told", done)
        for pattern in [says] if isinstance(says, str) else says:
            check(re.search(pattern, done.err), "standard error lacks: " + pattern, done)
        return done

    def changes(self, sql, *arguments):
        """The changes of the last query in `sql`, as lines."""
        done = self.good("-D", "sql-client.execution.result-mode=CHANGELOG", *arguments, "-e", sql)
        return done.out.splitlines()

    def rows(self, path, sql):
        with sqlite3.connect(self.path(path)) as database:
            return database.execute(sql).fetchall()

    def close(self):
        for child in self.running:
            if child.poll() is None:
                child.kill()
                child.communicate()


class Terminal:
    """The program at a terminal of 120 columns: what is typed and what is seen."""

    def __init__(self, bench, *arguments, stdout=None, command=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

        def become_leader():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(command or [bench.weir, *arguments], cwd=bench.folder,
                                      env=bench.environment, stdin=slave, stdout=stdout or slave,
                                      stderr=slave, preexec_fn=become_leader)
        bench.running.append(self.child)
        os.close(slave)
        self.seen = ""
        self.read_to = 0

    def pump(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                return True
            except OSError:
                return False
        return False

    def expect(self, pattern, seconds=TIMEOUT_S):
        """Waits until what came since the last expect matches."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen[self.read_to:])
            if found:
                self.read_to += found.end()
                return found
            if time.monotonic() > end:
                raise Failure("the terminal does not show: %s\n%s" % (pattern, self.seen[-2000:]))
            self.pump(0.1)

    def makes_signals(self):
        """Whether the terminal itself turns Ctrl-C and Ctrl-Z into signals."""
        return termios.tcgetattr(self.master)[3] & termios.ISIG != 0

    def type(self, text):
        os.write(self.master, text.encode("utf-8"))

    def ended(self, seconds=TIMEOUT_S):
        end = time.monotonic() + seconds
        while self.child.poll() is None and time.monotonic() < end:
            self.pump(0.05)
        check(self.child.poll() is not None, "the program has not ended", self.seen[-2000:])
        while self.pump(0.05):
            pass
        os.close(self.master)
        check("Sanitizer" not in self.seen, "a sanitizer complains", self.seen[-4000:])
        return self.child.returncode


def datagen(name="g", rows=None, per_second=None, end=None, columns="i BIGINT", more=""):
    """CREATE TABLE of made-up rows; column i counts from 1."""
    options = ["'connector' = 'datagen'", "'fields.i.kind' = 'sequence'", "'fields.i.start' = '1'",
               "'fields.i.end' = '%d'" % (end or rows or 1000000000)]
    if rows is not None:
        options.append("'number-of-rows' = '%d'" % rows)
    if per_second is not None:
        options.append("'rows-per-second' = '%d'" % per_second)
    return "CREATE TABLE %s (%s) WITH (%s%s);\n" % (name, columns, ", ".join(options), more)


def sqlite(name, columns, path="out.db", table="t"):
    return ("CREATE TABLE %s (%s) WITH ('connector' = 'sqlite', 'path' = '%s', 'table-name' = '%s');\n"
            % (name, columns, path, table))


def files(name, columns, path, form="csv", more=""):
    return ("CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s'%s);\n"
            % (name, columns, path, form, more))
