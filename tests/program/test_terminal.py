"""The shell at a terminal, and what standard error shows on one."""

import os
import signal
import subprocess
import time

from program import Terminal, check, datagen

SECRET = "hunter2-Xq"


def test_shell(bench):
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type("help\r")
    terminal.expect("CREATE TABLE")
    terminal.type("SELECT a,\r")
    terminal.expect("-> ")
    terminal.type("  COUNT(*)\rFROM (VALUES ('x;y'), ('x;y')) AS t(a) GROUP BY a; SELECT 'next';\r")
    terminal.expect(r"\| -U \| +x;y \| +1 \|")
    terminal.expect("Received a total of 3 rows")
    terminal.expect(r"\| +next \|")
    terminal.type("SELEC 1;\r")
    terminal.expect("error: syntax error")
    terminal.type("SET 'parallelism.default' = '2';\r")
    terminal.expect(r"\[INFO\] Execute statement succeeded")
    terminal.type("CREATE VIEW v AS SELECT 42 AS a;\rSHOW VIEWS;\r")
    terminal.expect("1 row in set")
    terminal.type("SELECT half")
    terminal.expect("half")
    terminal.type("\x03")
    terminal.expect("weir> ")
    terminal.type("SELECT a FROM v;\r")
    terminal.expect(r"\| +42 \|")
    terminal.type("QUIT;\r")
    check(terminal.ended() == 0, "QUIT ends well", terminal.seen)


def test_shell_cancel(bench):
    """Ctrl-C ends the query, and what was typed in part; never the shell."""
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type(datagen(per_second=20).replace("\n", "\r") + "SELECT i FROM g;\r")
    terminal.expect(r"\| \+I \| +3 \|")
    terminal.type("\x03")
    terminal.expect("Query terminated, received a total of")
    terminal.expect("weir> ")
    terminal.type("SELECT 1,\r2,\r")
    terminal.expect("-> .*-> ".replace(".*", "(.|\n|\r)*"))
    terminal.type("\x03")
    terminal.expect("weir> ")
    terminal.type("SELECT 'alive';\r")
    terminal.expect(r"\| +alive \|")
    terminal.expect("weir> ")  # typed before, the terminal itself would take it
    terminal.type("\x04")
    check(terminal.ended() == 0, "Ctrl-D ends well", terminal.seen)


def test_interrupt_at_prompt(bench):
    """Ctrl-C at the prompt, again and again; and in the middle of what is typed at once."""
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    check(not terminal.makes_signals(), "Ctrl-C is a key while a line is edited")
    for _ in range(100):
        terminal.type("\x03")
        terminal.expect("weir> ", 5)
    terminal.type("SELECT 'lost\x03SELECT 'kept';\r")
    terminal.expect(r"\| +kept \|")
    terminal.expect("weir> ")
    terminal.type("SELECT 'alive';\r")
    terminal.expect(r"\| +alive \|")
    terminal.type("QUIT;\r")
    check(terminal.ended() == 0, "QUIT ends well", terminal.seen)


def test_suspend(bench):
    """Ctrl-Z at the prompt gives the terminal back to who started the shell; fg goes on with what was typed."""
    terminal = Terminal(bench, command=["bash", "--norc", "--noediting", "-i"])
    terminal.type(bench.weir + "\r")
    terminal.expect("weir> ")
    terminal.type("SELECT 1")
    terminal.expect("SELECT 1")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("fg\r")
    terminal.expect("weir> SELECT 1")
    terminal.type(" + 41;\r")
    terminal.expect(r"\| +42 \|")
    terminal.type("QUIT;\r")
    terminal.expect(r"QUIT;(.|\n|\r)*[$#] ")  # typed before, the shell would take it
    terminal.type("exit\r")
    check(terminal.ended() == 0, "bash ends well", terminal.seen)


def test_shell_jobs(bench):
    """A job goes on behind the prompt; Ctrl-C at the prompt does not touch it; STOP JOB ends it."""
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type(datagen(per_second=20).replace("\n", "\r") +
                  "CREATE TABLE o (i BIGINT) WITH ('connector' = 'blackhole');\rSET 'pipeline.name' = 'mine';\r"
                  "INSERT INTO o SELECT * FROM g;\r")
    terminal.expect(r'Job "mine" has started')
    terminal.expect("weir> ")
    terminal.type("\x03")
    terminal.expect("weir> ")
    terminal.type("SELECT 'alive';\r")
    terminal.expect(r"\| +alive \|")
    terminal.type("SHOW JOBS;\r")
    terminal.expect("mine.*RUNNING")
    terminal.type("STOP JOB 'mine';\r")
    terminal.expect("succeeded")
    terminal.type("SHOW JOBS;\r")
    terminal.expect("mine.*(STOPPED|FINISHED)")
    terminal.type("exit\r")
    check(terminal.ended() == 0, "ends well", terminal.seen)


def test_history(bench):
    """Kept over sessions, in a file for its owner alone, without passwords."""
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type("CREATE TABLE m (id INT, PRIMARY KEY (id) NOT ENFORCED)\rWITH ('connector' = 'mysql-cdc', 'hostname' = 'h',\r"
                  "'username' = 'u', 'password' =\r'" + SECRET + "', 'database-name' = 'd', 'table-name' = 't');\r")
    terminal.expect("succeeded")
    terminal.type("SHOW CREATE TABLE m;\r")
    terminal.expect(r"\*\*\*\*")
    terminal.type("SELECT 'remember';\rquit\r")
    check(terminal.ended() == 0, "quit ends well", terminal.seen)
    path = bench.path("home", ".local", "state", "weir_history")
    check(os.path.exists(path), "there is no history file")
    kept = open(path, encoding="utf-8").read()
    check("remember" in kept and SECRET not in kept, "the history file", kept)
    check(os.stat(path).st_mode & 0o077 == 0, "others may read the history", oct(os.stat(path).st_mode))
    terminal = Terminal(bench)
    terminal.expect("weir> ")
    terminal.type("\x10\x10")
    terminal.expect("remember")
    terminal.type("\x03")
    terminal.expect("weir> ")
    terminal.type("quit\r")
    check(terminal.ended() == 0, "quit ends well", terminal.seen)


def test_status_line(bench):
    """On a terminal, not in a pipe."""
    bench.write("job.sql", "SET 'execution.checkpointing.dir' = 'cp'; SET 'execution.checkpointing.interval' = '100 ms';" +
                datagen(per_second=500) + "CREATE TABLE o (i BIGINT) WITH ('connector' = 'blackhole');\n"
                "INSERT INTO o SELECT * FROM g;\n")
    terminal = Terminal(bench, "-f", "job.sql", stdout=subprocess.DEVNULL)
    terminal.expect(r"\rjob|\x1b\[Kjob RUNNING +in \d+")
    terminal.expect(r"\(\d+/s\) +out \d+ \(\d+/s\).*checkpoint \d+")
    terminal.type("\x03")
    check(terminal.ended() == 0, "Ctrl-C stops the job well", terminal.seen)
    check(terminal.seen.rstrip(" ").endswith("\x1b[K"), "the line is taken away", repr(terminal.seen[-300:]))
    child = bench.start("-f", "job.sql")
    time.sleep(1.2)
    child.send_signal(signal.SIGTERM)
    done = bench.finish(child)
    check("RUNNING" not in done.err and "\r" not in done.err, "no status line in a pipe", done)
    terminal = Terminal(bench, "-q", "-f", "job.sql", stdout=subprocess.DEVNULL)
    terminal.pump(1.2)
    terminal.type("\x03")
    terminal.ended()
    check("RUNNING" not in terminal.seen, "--quiet", terminal.seen)


TESTS = [test_shell, test_shell_cancel, test_interrupt_at_prompt, test_suspend, test_shell_jobs, test_history,
         test_status_line]
