"""Options of a run that only time, a busy store or a stuck reader can show."""

import os
import re
import subprocess
import time

from program import check, datagen, expect_line, sqlite
from test_restart import COLUMNS, CAPTURE, INSERT, Server, inserted

STATE = "cp/job.weir-state"
KEYED = "k BIGINT, c BIGINT, PRIMARY KEY (k) NOT ENFORCED"
CHECKPOINTS = ("SET 'execution.checkpointing.dir' = 'cp';\n"
               "SET 'execution.checkpointing.interval' = '20 ms';\n")
COUNT = "INSERT INTO o SELECT MOD(i, 10), COUNT(*) FROM g GROUP BY MOD(i, 10);\n"


def epochs(bench):
    return bench.rows(STATE, "SELECT MAX(epoch) FROM epoch")[0][0] or 0


def test_min_pause(bench):
    """One second of a job: as many checkpoints as there are pauses, however short the interval."""
    bench.write("job.sql", CHECKPOINTS + datagen(per_second=1000, end=1000) + sqlite("o", KEYED) + COUNT)
    bench.good("-f", "job.sql", "-D", "execution.checkpointing.min-pause=450 ms")
    found = epochs(bench)
    check(0 < found <= 5, "checkpoints with a pause of 450 ms", found)
    bench.bad("-D", "execution.checkpointing.min-pause=soon", "-e", "SELECT 1", says=["min-pause", "10 s"])


def test_checkpoint_timeout(bench):
    """Nobody reads what is printed, so the printing job cannot finish its checkpoint."""
    bench.write("job.sql", CHECKPOINTS + datagen(per_second=200000) + "SET 'restart-strategy.type' = 'none';\n"
                "CREATE TABLE o (i BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT i FROM g;\n")
    child = bench.start("-f", "job.sql", "-D", "execution.checkpointing.timeout=300 ms")
    time.sleep(1.5)
    done = bench.finish(child)
    check(done.status == 1 and "was not complete within 300 ms" in done.err, "too slow a checkpoint", done.err)
    bench.bad("-D", "execution.checkpointing.timeout=0 s", "-e", "SELECT 1", says=["out of range", "from 1 "])


def test_tolerated_checkpoints(bench):
    """A full disk: so many checkpoints go with the next one, and one more ends the job."""
    bench.bad("-D", "execution.checkpointing.tolerable-failed-checkpoints=-1", "-e", "SELECT 1", says="out of range")
    os.mkdir(bench.path("cp"))
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", bench.path("cp")],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        return
    try:
        bench.write("job.sql", CHECKPOINTS + datagen(per_second=10000, end=30000) +
                    sqlite("o", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED") + "INSERT INTO o SELECT 1, COUNT(*) "
                    "FROM (SELECT DISTINCT CAST(i AS STRING) || REPEAT('x', 200) AS t FROM g);")
        done = bench.bad("-f", "job.sql", "-D", "execution.checkpointing.tolerable-failed-checkpoints=2",
                         says=[r"given up, and goes with the next.*\(1 in a row; 2 tolerated\)",
                               r"\(2 in a row; 2 tolerated\)", "no space left on disk"])
        check("(3 in a row" not in done.err, "two are tolerated", done)
    finally:
        subprocess.run(["umount", bench.path("cp")], check=True)


def test_reset_backoff(bench):
    """After a run without failure that is long enough, the first delay again."""
    server = Server(COLUMNS, [inserted(1, 300)])
    bench.write("job.sql", CAPTURE % server.port + INSERT)
    strategy = "restart-strategy.exponential-delay."
    child = bench.start(*[word for setting in (
        "initial-backoff=200 ms", "backoff-multiplier=20", "jitter-factor=0", "max-backoff=1 h",
        "reset-backoff-threshold=800 ms") for word in ("-D", strategy + setting)], "-f", "job.sql")
    try:
        for number in (2, 3):
            expect_line(child, child.stdout, "+I[%d]" % (number - 1))
            time.sleep(1.2)
            server.close()
            expect_line(child, child.stderr, "restarts in 200 ms")
            server = Server(COLUMNS, [inserted(number, 300 + number)], port=server.port)
            server.dumps.append(b"")  # a job that goes on does not ask whether it may
        expect_line(child, child.stdout, "+I[3]")
        child.terminate()
        bench.finish(child)
    finally:
        server.close()
    bench.bad("-D", strategy + "reset-backoff-threshold=soon", "-e", "SELECT 1", says="10 s")


def test_state_backend(bench):
    bench.good("-D", "state.backend.type=hashmap", "-e", "SELECT 1")
    bench.bad("-D", "state.backend.type=rocksdb", "-e", "SELECT 1", says=["rocksdb", "Use one of: hashmap"])


NEXMARK = ("CREATE TABLE e (bid ROW<price BIGINT>) WITH ('connector' = 'nexmark', 'events.num' = '100', "
           "'first-event.rate' = '100', %s); SELECT COUNT(*) FROM e;")


def test_nexmark_pace(bench):
    """As fast as it can, or as the times of the events say; at the end, or staying."""
    began = time.monotonic()
    bench.good("-e", NEXMARK % "'max-emit-speed' = 'false'")
    check(time.monotonic() - began > 0.9, "a hundred events at a hundred a second")
    child = bench.start("-D", "sql-client.execution.result-mode=CHANGELOG", "-e", NEXMARK % "'keep-alive' = 'true'")
    expect_line(child, child.stdout, "+U[100]")
    time.sleep(0.3)
    check(child.poll() is None, "the job has ended")
    child.terminate()
    bench.finish(child)
    out = bench.good("-e", NEXMARK % "'max-emit-speed' = 'true'").out
    check(re.search(r"\b100\b", out), "all events", out)


TESTS = [test_min_pause, test_checkpoint_timeout, test_tolerated_checkpoints, test_reset_backoff, test_state_backend,
         test_nexmark_pace]
