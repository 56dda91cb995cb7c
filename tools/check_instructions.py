#!/usr/bin/env python3
"""Counts the instructions of hot paths under callgrind and compares them with tools/instructions.txt.

A case is a small fixed run on one worker, on a release build. Counted is what runs in Weir's own object only: what the C
library or another library executes differs from one of their versions to the next. A figure that grew by
more than a tenth fails; with --record the file is written anew.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDED = os.path.join(ROOT, "tools", "instructions.txt")
NEXMARK = os.path.join(ROOT, "bench", "nexmark")
GROWTH = 1.10
EVENTS = 200_000
RECORD = "python3 tools/check_instructions.py --build build --record"

HEAD = f"""# Instructions of Weir's own object in small fixed runs, counted by tools/check_instructions.py.
# ./dev test fails when one grows by more than a tenth. Where that is meant, record it and commit both together:
#     {RECORD}
"""


def into(columns, query, connector="'connector' = 'blackhole'"):
    return f"CREATE TABLE o ({columns}) WITH ({connector}); INSERT INTO o {query}"


# Over the events of bench/nexmark/tables.sql; a number is the query of that name.
STREAMS = {
    "filter and project": into(
        "a BIGINT, p BIGINT, u STRING",
        "SELECT auction, price * 908 / 1000, UPPER(url) FROM bid WHERE MOD(auction, 3) = 0"),
    "GROUP BY": into("a BIGINT, n BIGINT, s BIGINT",
                     "SELECT auction, COUNT(*), SUM(price) FROM bid GROUP BY auction"),
    "GROUP BY that retracts": into(
        "n BIGINT, c BIGINT, s BIGINT",
        "SELECT n, COUNT(*), SUM(s) FROM (SELECT auction, COUNT(*) AS n, SUM(price) AS s FROM bid "
        "GROUP BY auction) GROUP BY n"),
    "inner join": 20,
    "Top-10": 19,
    "last row": 18,
    "TUMBLE": into("a BIGINT, n BIGINT, e TIMESTAMP(3)",
                   "SELECT auction, COUNT(*), window_end FROM TABLE(TUMBLE(TABLE bid, "
                   "DESCRIPTOR(dateTime), INTERVAL '2' SECOND)) "
                   "GROUP BY auction, window_start, window_end"),
    "SESSION": 11,
    "sqlite sink": into("a BIGINT PRIMARY KEY NOT ENFORCED, n BIGINT",
                        "SELECT auction, COUNT(*) FROM bid GROUP BY auction",
                        "'connector' = 'sqlite', 'path' = 'FOLDER/out.db', 'table-name' = 'o'"),
}

COLUMNS = "a BIGINT, b INT, c DOUBLE, d STRING, e TIMESTAMP(0), f STRING, g BOOLEAN"
FILES = ("csv", "json")


def write_files(folder):
    """Rows of seven columns, the same in both formats."""
    with open(os.path.join(folder, "rows.csv"), "w", encoding="utf-8") as csv, \
            open(os.path.join(folder, "rows.json"), "w", encoding="utf-8") as json:
        for i in range(EVENTS // 4):
            at, paid = f"2026-01-01 12:{i % 60:02}:{i % 50:02}", ("true", "false")[i % 2]
            name, note = f"name of the customer {i % 5000}", "x" * (40 + i % 40)
            csv.write(f"{i},{i * 7919 % 100000},{i * 31 % 997}.25,{name},{at},{note},{paid}\n")
            json.write(f'{{"a": {i}, "b": {i * 7919 % 100000}, "c": {i * 31 % 997}.25, "d": "{name}", '
                       f'"e": "{at}", "f": "{note}", "g": {paid}}}\n')
    with open(os.path.join(NEXMARK, "tables.sql"), encoding="utf-8") as file:
        tables = re.sub(r"'events.num' = '\d+'", f"'events.num' = '{EVENTS}'", file.read())
    with open(os.path.join(folder, "tables.sql"), "w", encoding="utf-8") as file:
        file.write(tables)


def cases(build, folder):
    """Command by name."""
    weir = [os.path.join(build, "cli", "weir"), "-q", "--fresh"]
    for name, query in STREAMS.items():
        sql = ["-f", os.path.join(NEXMARK, f"q{query}.sql")] if isinstance(query, int) else \
            ["-e", query.replace("FOLDER", folder)]
        yield name, [*weir, "-i", os.path.join(folder, "tables.sql"), *sql]
    for name in FILES:
        source = (f"CREATE TABLE f ({COLUMNS}) WITH ('connector' = 'filesystem', "
                  f"'path' = '{folder}/rows.{name}', 'format' = '{name}'); ")
        yield name, [*weir, "-e", source + into(COLUMNS, "SELECT * FROM f")]
    yield "binlog", [os.path.join(build, "bench", "bench_binlog"), str(EVENTS // 200)]


def count(command, folder, name):
    """Instructions that ran in the program's own object; what it called elsewhere is not among them."""
    path = os.path.join(folder, re.sub(r"\W+", "-", name) + ".callgrind")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=yes",
                           f"--callgrind-out-file={path}", *command],
                          cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-3000:]}")
    names, inside, called, total = {}, False, False, 0
    own = os.path.basename(command[0])
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("ob=", "cob=")):
                kind, number, text = re.match(r"(c?ob)=\((\d+)\)(?: (.*))?", line).groups()
                if text is not None:
                    names[number] = os.path.basename(text.strip())
                if kind == "ob":
                    inside = names[number] == own
            elif line.startswith("calls="):
                called = True
            elif line[0].isdigit() or line[0] in "+-*":
                if inside and not called:
                    total += int(line.split()[1])
                called = False
    return total


def read_recorded():
    with open(RECORDED, encoding="utf-8") as file:
        lines = [line.rsplit(None, 1) for line in file if line.strip() and line[0] != "#"]
    return {name.strip(): int(number.replace(",", "")) for name, number in lines}


def compare(counted):
    """Prints a line a case; how many failed."""
    recorded, failed = read_recorded(), 0
    for name, number in counted.items():
        before = recorded.get(name)
        if before is None:
            print(f"{name:24} {number:>14,}  is not recorded")
        else:
            print(f"{name:24} {number:>14,}  recorded {before:>14,}  {number / before:.3f}")
        failed += before is None or number > before * GROWTH
    for name in recorded.keys() - counted.keys():
        print(f"{name} is recorded and no case any more")
        failed += 1
    if failed:
        print(f"more than {GROWTH:.2f} times the recorded figure, or another set of cases; "
              f"where that is meant:\n    {RECORD}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="folder of a release build")
    parser.add_argument("--record", action="store_true", help="write the figures anew")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    subprocess.run(["ninja", "-C", build, "--quiet", "cli/weir", "bench/bench_binlog"], check=True)
    with tempfile.TemporaryDirectory(prefix="weir-instructions-") as folder, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        write_files(folder)
        work = {name: pool.submit(count, command, folder, name)
                for name, command in cases(build, folder)}
        counted = {name: future.result() for name, future in work.items()}
    if options.record:
        with open(RECORDED, "w", encoding="utf-8") as file:
            file.write(HEAD)
            file.writelines(f"{name:24} {number:>14,}\n" for name, number in counted.items())
        return 0
    failed = compare(counted)
    print(f"{len(counted) - min(failed, len(counted))} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
