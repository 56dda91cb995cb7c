"""What the change-capture tests share: running the probe, folding its changes, comparing."""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
import servers  # noqa: E402


class Failure(Exception):
    """A test did not hold; the text says what was expected and what came."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def expect_equal(found, wanted, what):
    if found != wanted:
        raise Failure("%s:\n  wanted %r\n  found  %r" % (what, wanted, found))


class Bench:
    """A running server, the probe and a folder for journals."""

    def __init__(self, server, probe, folder):
        self.server = server
        self.probe = probe
        self.folder = folder
        self.is_mariadb = server.kind == "MariaDB"
        self.names = 0
        os.makedirs(folder, exist_ok=True)

    def fresh_database(self, name="d"):
        self.server.query("DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s`" % (name, name))

    def journal(self):
        self.names += 1
        path = os.path.join(self.folder, "journal-%d" % self.names)
        if os.path.exists(path):
            os.remove(path)
        return path

    def command(self, tables, options=None, database="d", extra=()):
        given = {"hostname": "127.0.0.1", "port": str(self.server.port),
                 "username": servers.USER, "password": servers.PASSWORD,
                 "database-name": database, "heartbeat.interval": "1 s"}
        given.update(options or {})
        command = [self.probe]
        for key, value in given.items():
            command += ["-o", "%s=%s" % (key, value)]
        for table in [tables] if isinstance(tables, str) else tables:
            command += ["-t", table]
        return command + [str(item) for item in extra]

    def start(self, tables, options=None, database="d", extra=()):
        """The probe, running."""
        return subprocess.Popen(self.command(tables, options, database, extra),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, tables, options=None, database="d", extra=(), timeout=120):
        """Lines of a run that must end well."""
        process = self.start(tables, options, database, extra)
        return self.finish(process, timeout)

    @staticmethod
    def finish(process, timeout=120):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failure("the probe did not end; its last lines:\n%s%s"
                          % (out[-2000:], err[-2000:]))
        expect(process.returncode == 0,
               "the probe ended with %d:\n%s%s" % (process.returncode, out[-2000:], err[-3000:]))
        return out.splitlines()

    def fails(self, tables, options=None, database="d", extra=(), timeout=60):
        """The error text of a run that must fail."""
        process = self.start(tables, options, database, extra)
        return self.failure_of(process, timeout)

    @staticmethod
    def failure_of(process, timeout=60):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failure("the probe did not fail; it said:\n%s%s" % (out[-2000:], err[-2000:]))
        expect(process.returncode == 1,
               "the probe ended with %d instead of an error:\n%s%s"
               % (process.returncode, out[-2000:], err[-3000:]))
        return err

    def wait_for(self, process, seconds=0.0):
        """Until the probe has opened the server (it asks for the binlog), and some more."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            rows = self.server.query("SHOW PROCESSLIST")
            if any("Binlog Dump" in str(row) for row in rows):
                break
            time.sleep(0.02)
        time.sleep(seconds)

    @staticmethod
    def wait_durable(process, journal, changes):
        """Until the probe has so many changes in its journal, or has ended."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None and len(read_journal(journal)) < changes:
            time.sleep(0.02)

    def wait_quiet(self):
        """Until no reader's thread is left on the server: MariaDB keeps the files they read."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            readers = [row[0] for row in self.server.query("SHOW PROCESSLIST")
                       if "Binlog Dump" in str(row)]
            if not readers:
                return
            for reader in readers:
                try:
                    self.server.query("KILL %s" % reader)
                except servers.client.SqlError:
                    pass
            time.sleep(0.05)

    def flush(self):
        self.server.query("FLUSH BINARY LOGS")


def read_journal(path):
    """Changes that are durable: what stands before the last state line."""
    lines, durable = [], 0
    if not os.path.exists(path):
        return lines
    with open(path, encoding="utf-8") as journal:
        for line in journal:
            if not line.endswith("\n"):
                break
            if line.startswith("=STATE "):
                durable = len(lines)
            else:
                lines.append(line.rstrip("\n"))
    return lines[:durable]


CHANGE = re.compile(r"^(?:(\S+) )?([+-][IUD])\[(.*)\]$", re.DOTALL)


def fold(lines, strict=True):
    """Final rows per table, as texts. Every retraction must take back a row that is there."""
    tables = collections.defaultdict(collections.Counter)
    for number, line in enumerate(lines):
        match = CHANGE.match(line)
        expect(match is not None, "no change: %r" % line)
        table, kind, row = match.group(1) or "", match.group(2), match.group(3)
        rows = tables[table]
        if kind in ("+I", "+U"):
            rows[row] += 1
            expect(not strict or rows[row] == 1,
                   "change %d: row is there twice: %s" % (number, line))
        else:
            rows[row] -= 1
            expect(rows[row] >= 0, "change %d takes back a row that is not there: %s"
                   % (number, line))
            if rows[row] == 0:
                del rows[row]
    return tables


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def clean(folder):
    shutil.rmtree(folder, ignore_errors=True)
