"""Restart strategies, with a made-up server that comes and goes."""

import os
import socket
import sys

from program import check, datagen, expect_line

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "servers"))
import fake  # noqa: E402

COLUMNS = [("id", "int", "int", "NO", "", "", "10", "0", "", "", "")]
CAPTURE = """CREATE TABLE m (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'mysql-cdc',
    'hostname' = '127.0.0.1', 'port' = '%d', 'username' = 'u', 'password' = 'hunter2-Xq', 'database-name' = 'd',
    'table-name' = 't', 'scan.startup.mode' = 'latest-offset', 'connect.max-retries' = '1', 'connect.timeout' = '500 ms');
CREATE TABLE o (id INT) WITH ('connector' = 'print');
SET 'execution.checkpointing.dir' = 'cp';
SET 'execution.checkpointing.interval' = '50 ms';
"""
INSERT = "INSERT INTO o SELECT * FROM m;\n"


def inserted(number, transaction):
    image = b"\0" + number.to_bytes(4, "little")
    return [fake.tagged_gtid(transaction), fake.query("BEGIN"), fake.table_map([3], []), fake.rows(30, 1, image),
            fake.xid()]


class Server(fake.FakeServer):
    """One that can go away, with its connections."""

    def __init__(self, *arguments, **more):
        self.connections = []
        super().__init__(*arguments, **more)

    def serve(self, connection):
        self.connections.append(connection)
        super().serve(connection)

    def close(self):
        for open_socket in [self.listener] + self.connections:
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed before
        self.listener.close()


def come_and_go(bench, *settings):
    """The server sends a row and goes away."""
    server = Server(COLUMNS, [inserted(1, 300)])
    try:
        bench.write("job.sql", CAPTURE % server.port + INSERT)
        child = bench.start(*[word for setting in settings for word in ("-D", setting)], "-f", "job.sql")
        expect_line(child, child.stdout, "+I[1]")
    finally:
        server.close()
    return server.port, child


def test_fixed_delay(bench):
    """The server goes away for good: as many restarts as allowed, then the error."""
    _, child = come_and_go(bench, "restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.attempts=3",
                           "restart-strategy.fixed-delay.delay=200 ms")
    done = bench.finish(child)
    check(done.status == 1 and done.err.count("restarts in 200 ms because of") == 3, "three restarts", done)
    check("error: " in done.err and "job.sql:" in done.err and "hunter2" not in done.err, "the error", done)
    for name in os.listdir(bench.path("cp")):
        check(b"hunter2" not in bench.read("cp/" + name), "the password is in " + name)


def test_exponential_delay(bench):
    _, child = come_and_go(
        bench, "restart-strategy.exponential-delay.attempts-before-reset-backoff=3",
        "restart-strategy.exponential-delay.initial-backoff=100 ms", "restart-strategy.exponential-delay.jitter-factor=0",
        "restart-strategy.exponential-delay.backoff-multiplier=2", "restart-strategy.exponential-delay.max-backoff=150 ms")
    done = bench.finish(child)
    check(done.status == 1 and "in 100 ms" in done.err and done.err.count("in 150 ms") == 2, "the delays", done)


def test_server_comes_back(bench):
    """By default a job with checkpoints goes on by itself."""
    port, child = come_and_go(bench, "restart-strategy.exponential-delay.initial-backoff=300 ms")
    server = None
    try:
        expect_line(child, child.stderr, "restarts in")
        server = Server(COLUMNS, [inserted(2, 301)], port=port)
        server.dumps.append(b"")  # a job that goes on does not ask whether it may
        expect_line(child, child.stdout, "+I[2]")
        child.terminate()
        done = bench.finish(child)
        check(done.status == 0, "stops well", done)
    finally:
        if server is not None:
            server.close()


def test_no_restart(bench):
    _, child = come_and_go(bench, "restart-strategy.type=none")
    done = bench.finish(child)
    check(done.status == 1 and "restarts in" not in done.err, "no restart", done)
    bench.bad("-D", "restart-strategy.type=sometimes", "-e", "SELECT 1", says="fixed-delay")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_server_comes_late(bench):
    """A server that is not there yet when the job starts."""
    port, server = free_port(), None
    bench.write("job.sql", CAPTURE % port + INSERT)
    child = bench.start("-D", "restart-strategy.type=fixed-delay", "-D", "restart-strategy.fixed-delay.attempts=20",
                        "-D", "restart-strategy.fixed-delay.delay=100 ms", "-f", "job.sql")
    try:
        expect_line(child, child.stderr, "tries to start again in 100 ms")
        server = Server(COLUMNS, [inserted(1, 300)], port=port)
        expect_line(child, child.stdout, "+I[1]")
        child.terminate()
        done = bench.finish(child)
        check(done.status == 0, "stops well", done)
    finally:
        if server is not None:
            server.close()


def test_refusals_do_not_restart(bench):
    """What waiting does not cure ends the job at once."""
    server = Server([], [])
    try:
        bench.write("job.sql", CAPTURE % server.port + INSERT)
        done = bench.bad("-D", "restart-strategy.type=fixed-delay", "-D", "restart-strategy.fixed-delay.attempts=20",
                         "-f", "job.sql", says="does not exist on the server")
        check("again" not in done.err, "tried again", done)
    finally:
        server.close()


def test_strategy_without_checkpoints(bench):
    """Without checkpoints a job is tried again until it has begun, and says so."""
    done = bench.good("-D", "restart-strategy.type=fixed-delay", "-e", "SELECT 1")
    check("only until it has begun" in done.err and "execution.checkpointing.dir" in done.err, "the notice", done)
    port, server = free_port(), None
    bench.write("job.sql", (CAPTURE % port).replace("SET 'execution.checkpointing.dir' = 'cp';", "") + INSERT)
    child = bench.start("-D", "restart-strategy.type=fixed-delay", "-D", "restart-strategy.fixed-delay.attempts=20",
                        "-D", "restart-strategy.fixed-delay.delay=100 ms", "-f", "job.sql")
    try:
        expect_line(child, child.stderr, "tries to start again in 100 ms")
        server = Server(COLUMNS, [inserted(1, 300)], port=port)
        expect_line(child, child.stdout, "+I[1]")
    finally:
        if server is not None:
            server.close()
    done = bench.finish(child)
    check(done.status == 1 and "again in 100 ms" not in done.err.split("trying again in 500 ms")[-1],
          "a job that has begun is not started over", done)


def test_data_errors_do_not_restart(bench):
    sql = datagen(rows=5) + "CREATE TABLE o (i BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO o SELECT 1 / (i - 3) FROM g"
    done = bench.bad("-D", "execution.checkpointing.dir=cp", "-D", "restart-strategy.type=fixed-delay", "-e", sql, says="zero")
    check("restarts" not in done.err, "an error in the data is there again next time", done)


TESTS = [test_fixed_delay, test_exponential_delay, test_server_comes_back, test_server_comes_late,
         test_refusals_do_not_restart, test_no_restart, test_strategy_without_checkpoints,
         test_data_errors_do_not_restart]
