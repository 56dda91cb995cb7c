#!/usr/bin/env python3
"""Every header compiles alone, has its guard, and is short enough to read as a contract."""
import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINES_MAX = 300
# header: why it may be longer.
LONGER = {
    "parser/ast.h": "one tree, read from top to bottom",
    "planner/plan.h": "one contract: every node of the plan",
    "session/weir.h": "the whole public API in one header, as users include it",
    "state/state_internal.h": "the layouts of records, indexes and chunks, drawn side by side",
    "connectors/mysql/source.h": "what the files of one large connector share",
    "tests/job_fixture.h": "the fake connectors of the runtime's tests, static and in one place",
}
FOLDERS = ("core", "parser", "functions", "formats", "connectors", "state", "planner", "executor",
           "session", "cli", "tests", "bench")


def check(path):
    problems = []
    text = open(os.path.join(ROOT, path), encoding="utf-8").read()
    guard = path.upper().replace("/", "_").replace(".", "_")
    if f"#ifndef {guard}" not in text:
        problems.append(f"{path}: the include guard must be {guard}")
    lines = text.count("\n")
    if lines > LINES_MAX and path not in LONGER:
        problems.append(f"{path}: {lines} lines, more than {LINES_MAX}: split it by noun")
    flags = subprocess.run(["pkg-config", "--cflags", "libmariadb"], capture_output=True,
                           text=True, check=False).stdout.split()
    done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                           "-Wno-unused-parameter", "-I.", *flags,
                           "-fsyntax-only", "-x", "c", "-"], cwd=ROOT, capture_output=True,
                          text=True, input=f'#include "{path}"\n', check=False)
    if done.returncode != 0 or done.stderr:
        problems.append(f"{path}: does not compile alone\n{done.stderr}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build")
    parser.parse_args()
    paths = [os.path.relpath(os.path.join(path, name), ROOT) for folder in FOLDERS
             for path, _, files in sorted(os.walk(os.path.join(ROOT, folder)))
             for name in sorted(files) if name.endswith(".h")]
    with ThreadPoolExecutor(2) as pool:
        problems = [problem for found in pool.map(check, paths) for problem in found]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
