"""Checkpoints as the user of the program meets them: stop, go on, refuse, break."""

import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

from program import Terminal, check, datagen, files, sqlite, wait_for

STATE = "cp/job.weir-state"
SETTINGS = ("SET 'execution.checkpointing.dir' = 'cp';\n"
            "SET 'execution.checkpointing.interval' = '50 ms';\n")
ROWS = 3000
KEYED = "k BIGINT, c BIGINT, s BIGINT, PRIMARY KEY (k) NOT ENFORCED"
INSERT = "INSERT INTO o SELECT MOD(i, 10), COUNT(*), SUM(i) FROM g GROUP BY MOD(i, 10);\n"


def counting(per_second=2000, insert=INSERT, more=""):
    return SETTINGS + more + datagen(per_second=per_second, end=ROWS) + sqlite("o", KEYED) + insert


def epochs(bench, path=STATE):
    try:
        return [row[0] for row in bench.rows(path, "SELECT epoch FROM epoch ORDER BY epoch")]
    except sqlite3.Error:
        return []


def start_and_wait(bench, *arguments, after=1):
    child = bench.start("-f", "job.sql", *arguments)
    wait_for(lambda: child.poll() is not None or (epochs(bench) or [0])[-1] >= after, "epoch %d" % after)
    check(child.poll() is None, "the job has ended early", bench.finish(child) if child.poll() is not None else "")
    return child


def stop(bench, child, number=signal.SIGTERM):
    child.send_signal(number)
    done = bench.finish(child)
    check(done.status == 0, "a stopped job ends well", done)
    return done


def expect_result(bench):
    expected = [(k, ROWS // 10, sum(range(k or 10, ROWS + 1, 10))) for k in range(10)]
    found = bench.rows("out.db", "SELECT k, c, s FROM t ORDER BY k")
    check(found == expected, "the result", found)


def test_stop_and_go_on(bench):
    """SIGTERM, Ctrl-C and kill -9 in turn; each time the job says where it goes on."""
    bench.write("job.sql", counting())
    done = stop(bench, start_and_wait(bench, after=3))
    check("goes on" not in done.err, "nothing to go on from", done)
    partly = bench.rows("out.db", "SELECT SUM(c) FROM t")[0][0]
    check(0 < partly < ROWS, "stopped in the middle", partly)
    last = epochs(bench)[-1]
    done = stop(bench, start_and_wait(bench, after=last + 3), signal.SIGINT)
    check(re.search(r'job "job" goes on from epoch %d' % last, done.err), "the notice", done)
    child = start_and_wait(bench, after=epochs(bench)[-1] + 3)
    child.kill()
    bench.finish(child)
    done = bench.good("-f", "job.sql")
    check("goes on from epoch" in done.err, "the notice", done)
    expect_result(bench)


def test_savepoint(bench):
    """STOP JOB … WITH SAVEPOINT leaves a file that another job goes on from; what cannot be saved goes on running."""
    start = counting(more="SET 'execution.checkpointing.savepoint-dir' = 'saved/here';\n")
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type(("SET 'pipeline.name' = 'job';\n" + start).replace("\n", "\r"))
    wait_for(lambda: (epochs(bench) or [0])[-1] >= 2, "epoch 2")
    terminal.type("SET 'execution.checkpointing.savepoint-dir' = '/dev/null/x';\rSTOP JOB 'job' WITH SAVEPOINT;\r")
    terminal.expect("could not create checkpoint directory")
    terminal.type("SHOW JOBS;\r")
    terminal.expect("job [|] *RUNNING")
    terminal.type("SET 'execution.checkpointing.savepoint-dir' = 'saved/here';\rSTOP JOB 'job' WITH SAVEPOINT;\r")
    found = terminal.expect(r"(saved/here/job-savepoint-(\d+)\.weir-state)")
    terminal.type("STOP JOB 'job' WITH SAVEPOINT;\r")
    terminal.expect("has ended")
    terminal.type("QUIT;\r")
    check(terminal.ended() == 0, "QUIT ends well", terminal.seen)
    partly = bench.rows("out.db", "SELECT SUM(c) FROM t")[0][0]
    check(0 < partly < ROWS, "stopped in the middle", partly)
    shutil.rmtree(bench.path("cp"))
    bench.write("next.sql", "SET 'execution.state-recovery.path' = '%s';\n" % found.group(1) + start)
    done = bench.good("-f", "next.sql")
    check("goes on from epoch " + found.group(2) in done.err, "the notice", done)
    expect_result(bench)


def test_savepoint_refused(bench):
    job = datagen(per_second=5) + ("CREATE TABLE b (i BIGINT) WITH ('connector' = 'blackhole');"
                                   "INSERT INTO b SELECT i FROM g; STOP JOB 'x' WITH SAVEPOINT;")
    done = bench.run("-D", "pipeline.name=x", "-e", job)
    check(done.status == 1 and "there is no place for savepoints" in done.err, "without a place", done)
    done = bench.run("-D", "pipeline.name=x", "-D", "execution.checkpointing.savepoint-dir=s", "-e", job)
    check(done.status == 1 and 'job "x" keeps no checkpoints' in done.err, "without checkpoints", done)


def test_stop_a_script_on_stdin(bench):
    sql = ("SET 'pipeline.name' = 'job';" + counting()).encode()
    child = bench.start(stdin=sql)
    child.stdin.write(sql)
    child.stdin.close()
    child.stdin = None
    wait_for(lambda: (epochs(bench) or [0])[-1] >= 3, "epochs")
    last = epochs(bench)[-1]
    stop(bench, child)
    check(epochs(bench)[-1] > last, "a last checkpoint")
    bench.good(stdin=sql)
    expect_result(bench)


def test_fresh(bench):
    bench.write("job.sql", counting())
    stop(bench, start_and_wait(bench, after=3))
    done = bench.good("-f", "job.sql", "--fresh")
    check("goes on" not in done.err, "--fresh forgets", done)
    expect_result(bench)
    done = bench.good("-f", "job.sql")
    check("goes on from epoch" in done.err, "a finished job started again", done)
    check("had read its tables to the end before" in done.err, "and says that nothing is read", done)
    expect_result(bench)


def test_changed_file(bench):
    bench.write("job.sql", counting())
    stop(bench, start_and_wait(bench, after=3))
    bench.write("job.sql", counting(insert=INSERT.replace("SUM(i)", "MAX(i)")))
    bench.bad("-f", "job.sql", says=["MAX", "--fresh", r"job\.sql:\d+"])
    bench.write("job.sql", counting(insert=INSERT.replace("MOD(i, 10)", "MOD(i, 11)")))
    bench.bad("-f", "job.sql", says=["11", "--fresh"])
    bench.write("job.sql", "-- a new comment\n" + counting(
        per_second=5000, insert="CREATE VIEW w AS SELECT 1 AS one;\n" + INSERT.replace("FROM g", "\n FROM g AS h")
        .replace("SUM(i)", "SUM(h.i)"), more="SET 'table.display.max-column-width' = '50';\n"))
    done = bench.good("-f", "job.sql")
    check("goes on from epoch" in done.err, "an unrelated change is accepted", done)
    expect_result(bench)


def test_another_parallelism(bench):
    bench.write("job.sql", counting(per_second=1500))
    for parallelism in (1, 4, 2):
        stop(bench, start_and_wait(bench, "-D", "parallelism.default=%d" % parallelism,
                                   after=(epochs(bench) or [0])[-1] + 3))
    bench.good("-f", "job.sql", "-D", "parallelism.default=3")
    expect_result(bench)
    bench.write("job.sql", counting(more="SET 'pipeline.max-parallelism' = '64';\n"))
    bench.bad("-f", "job.sql", says=["max-parallelism", "128"])


def test_corrupt_store(bench):
    bench.write("job.sql", counting())
    stop(bench, start_and_wait(bench, after=5))
    good = bench.read(STATE)
    refused = 0
    for number, broken in enumerate((b"x" * 64 + good[64:], good[:4096] + b"\xff" * 4096 + good[8192:], good[:5000],
                                     good[:len(good) // 2], b"short", good[:100] + bytes(len(good) - 100),
                                     b"\x00" * len(good), good[:len(good) // 2] + b"\x55" * (len(good) // 2))):
        bench.write(STATE, broken)
        done = bench.run("-f", "job.sql", "-D", "parallelism.default=2")
        if done.status == 0:
            continue  # what was overwritten was free space
        refused += 1
        check(done.status == 1 and "job.weir-state" in done.err and "hint: " in done.err and "--fresh" in done.err,
              "corrupt store %d" % number, done)
    check(refused >= 6, "corrupt stores are noticed", refused)
    bench.good("-f", "job.sql", "--fresh")
    expect_result(bench)


def test_corrupt_state_bytes(bench):
    """A flipped byte of a chunk that SQLite cannot see."""
    bench.write("job.sql", counting())
    stop(bench, start_and_wait(bench, after=5))
    good = bench.read(STATE)
    for table, key in (("chunk", "id"), ("blob", "rowid")):
        bench.write(STATE, good)
        with sqlite3.connect(bench.path(STATE)) as database:
            for number, data in database.execute("SELECT %s, bytes FROM %s" % (key, table)).fetchall():
                if data:
                    database.execute("UPDATE %s SET bytes = ? WHERE %s = ?" % (table, key),
                                     (data[:-1] + bytes([data[-1] ^ 0x20]), number))
        bench.bad("-f", "job.sql", says=["job.weir-state", "corrupt|damaged|checksum", "--fresh"])


def test_two_processes(bench):
    bench.write("job.sql", counting(per_second=100))
    child = start_and_wait(bench)
    bench.bad("-f", "job.sql", says=[r"\b%d\b" % child.pid, "hint: "])
    bench.bad("-f", "job.sql", "--fresh", says=r"\b%d\b" % child.pid)
    check(child.poll() is None, "the first job goes on")
    stop(bench, child)


def test_recovery_path(bench):
    bench.write("job.sql", counting())
    stop(bench, start_and_wait(bench, after=3))
    shutil.copytree(bench.path("cp"), bench.path("copy"))
    rows = bench.rows("out.db", "SELECT * FROM t")
    shutil.rmtree(bench.path("cp"))
    for path in ("copy", "copy/job.weir-state"):
        done = bench.good("-f", "job.sql", "-D", "execution.state-recovery.path=" + path, "-D",
                          "execution.checkpointing.dir=cp")
        check("goes on from epoch" in done.err, "the notice", done)
        expect_result(bench)
        shutil.rmtree(bench.path("cp"))
    check(rows, "rows before")
    bench.bad("-f", "job.sql", "-D", "execution.state-recovery.path=nowhere", says="nowhere")
    bench.write("text", "no store")
    bench.bad("-f", "job.sql", "-D", "execution.state-recovery.path=text", says="text")


def test_retained(bench):
    bench.write("job.sql", counting(more="SET 'execution.checkpointing.num-retained' = '3';\n"))
    stop(bench, start_and_wait(bench, after=6))
    check(len(epochs(bench)) == 3, "three epochs are kept", epochs(bench))
    bench.good("-f", "job.sql", "-D", "execution.checkpointing.num-retained=1")
    expect_result(bench)


def limit_files(size):
    def before():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return before


def test_full_disk_checkpoint(bench):
    """State that no longer fits: a clear error; the epoch before is whole and the job goes on from it."""
    sql = SETTINGS + datagen(per_second=20000, end=30000) + sqlite("o", "n BIGINT, PRIMARY KEY (n) NOT ENFORCED") + \
        "INSERT INTO o SELECT COUNT(*) FROM (SELECT DISTINCT CAST(i AS STRING) || REPEAT('x', 200) AS t FROM g);\n"
    sql = sql.replace("o (n BIGINT, PRIMARY KEY (n) NOT ENFORCED)", "o (k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)") \
        .replace("SELECT COUNT(*) FROM (", "SELECT 1, COUNT(*) FROM (")
    bench.write("job.sql", sql)
    done = bench.bad("-f", "job.sql", before=limit_files(1500000), says=["job.weir-state|checkpoint", "hint: "])
    check(epochs(bench), "the epoch before is there", done)
    done = bench.good("-f", "job.sql")
    check("goes on from epoch" in done.err, "goes on", done)
    check(bench.rows("out.db", "SELECT n FROM t") == [(30000,)], "the result", bench.rows("out.db", "SELECT * FROM t"))


def test_full_disk_sinks(bench):
    generated = datagen(rows=30000)
    text = "CAST(i AS STRING) || REPEAT('y', 100)"
    bench.bad("-e", generated + files("o", "i BIGINT, t STRING", "out") + "INSERT INTO o SELECT i, %s FROM g" % text,
              before=limit_files(200000), says=["out", "File too large|space"])
    bench.bad("-e", generated + sqlite("o", "i BIGINT, t STRING", path="s.db") + "INSERT INTO o SELECT i, %s FROM g" % text,
              before=limit_files(200000), says="s.db")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([bench.weir, "-e", "SELECT 1; SELECT 2"], stdout=full, stderr=subprocess.PIPE,
                                  timeout=30)
        told = b"error: could not write to standard output: No space left on device\n"
        check(done.returncode == 1 and done.stderr == told, "a full standard output, told once", done)


def test_small_disk(bench):
    """A disk that really is full, where this machine lets us have one: the job goes on when there is room."""
    os.mkdir(bench.path("cp"))
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", bench.path("cp")],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        return
    try:
        bench.write("job.sql", SETTINGS + datagen(per_second=20000, end=30000) +
                    sqlite("o", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED") + "INSERT INTO o SELECT 1, COUNT(*) "
                    "FROM (SELECT DISTINCT CAST(i AS STRING) || REPEAT('x', 200) AS t FROM g);")
        bench.bad("-f", "job.sql", says=["job.weir-state", "no space left on disk", "hint: "])
        subprocess.run(["mount", "-o", "remount,size=100m", bench.path("cp")], check=True)
        bench.good("-f", "job.sql")
        check(bench.rows("out.db", "SELECT n FROM t") == [(30000,)], "the result", bench.rows("out.db", "SELECT * FROM t"))
    finally:
        subprocess.run(["umount", bench.path("cp")], check=True)


def test_old_store_read_only(bench):
    """A store with a write-ahead log, as version 1 had it, where nothing can be written: what to do is said."""
    os.mkdir(bench.path("old"))
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", bench.path("old")],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        return
    try:
        store = sqlite3.connect(bench.path("old/job.weir-state"))
        store.executescript("PRAGMA journal_mode = WAL; PRAGMA user_version = 1; CREATE TABLE t (a);")
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", bench.path("old")], check=True)
        bench.write("job.sql", "SET 'execution.state-recovery.path' = 'old/job.weir-state';" + datagen(end=5) +
                    "CREATE TABLE o (i BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT * FROM g;")
        bench.bad("-f", "job.sql", says=["could not open checkpoint store", "An earlier version wrote it", "copy it"])
    finally:
        subprocess.run(["umount", bench.path("old")], check=True)


def test_interrupted_twice(bench):
    """A second signal does not wait for a checkpoint."""
    bench.write("job.sql", counting(per_second=1000))
    child = start_and_wait(bench)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    bench.finish(child, timeout=15)
    check(time.monotonic() - began < 10, "it takes too long")
    check("goes on from epoch" in bench.good("-f", "job.sql", "-D", "execution.batch-rows=100").err, "goes on")


def test_stop_without_checkpoints(bench):
    sql = datagen(per_second=50) + "CREATE TABLE o (i BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT * FROM g;"
    child = bench.start("-e", sql)
    child.stdout.readline()
    stop(bench, child)
    child = bench.start("-e", datagen(per_second=50) + "SELECT * FROM g; SELECT 'behind'")
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    done = bench.finish(child)
    check("Query terminated" in done.out and "behind" not in done.out, "Ctrl-C ends the script", done)


def test_checkpoint_files_sink(bench):
    """Rows in files exactly once over a kill and a stop."""
    bench.write("job.sql", SETTINGS + datagen(per_second=2000, end=ROWS) + files("o", "i BIGINT", "out") +
                "INSERT INTO o SELECT * FROM g;")
    child = start_and_wait(bench, after=4)
    child.kill()
    bench.finish(child)
    stop(bench, start_and_wait(bench, after=epochs(bench)[-1] + 3))
    bench.good("-f", "job.sql")
    lines = []
    for name in os.listdir(bench.path("out")):
        check(not name.startswith((".", "_")), "unfinished files are left", os.listdir(bench.path("out")))
        lines += bench.read("out/" + name).split()
    check(sorted(map(int, lines)) == list(range(1, ROWS + 1)), "every row once", len(lines))


TESTS = [test_stop_and_go_on, test_savepoint, test_savepoint_refused, test_stop_a_script_on_stdin,
         test_fresh, test_changed_file, test_another_parallelism,
         test_corrupt_store, test_corrupt_state_bytes, test_two_processes, test_recovery_path, test_retained,
         test_full_disk_checkpoint, test_full_disk_sinks, test_small_disk, test_old_store_read_only,
         test_interrupted_twice, test_stop_without_checkpoints,
         test_checkpoint_files_sink]
