#!/usr/bin/env python3
"""Runs the program weir as its users do, without a database server, and looks at what it says and leaves.

    tests/program/run.py --weir build-test/cli/weir --dir build-test/program [name…]

A line per test; the last line counts them."""

import argparse
import importlib
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import program  # noqa: E402

MODULES = ["test_command", "test_files", "test_sqlite", "test_checkpoint", "test_restart", "test_settings",
           "test_terminal"]


def run_test(test, weir, folder):
    """What to print, and whether all held."""
    name = test.__name__
    bench = program.Bench(weir, os.path.join(folder, name))
    began = time.monotonic()
    trouble = ""
    try:
        test(bench)
    except program.Failure as problem:
        trouble = str(problem)
    except Exception:
        trouble = traceback.format_exc()
    finally:
        bench.close()
    result = "FAILED" if trouble else "ok"
    line = "%-44s %s (%.1f s)" % (name, result, time.monotonic() - began)
    if not trouble:
        shutil.rmtree(bench.folder, ignore_errors=True)
        return line, True
    return "    " + trouble.replace("\n", "\n    ") + "\n" + line, False


def main():
    parser = argparse.ArgumentParser(description="Tests of the program as its users run it.")
    parser.add_argument("--weir", required=True, help="the program")
    parser.add_argument("--dir", required=True, help="folder for what the tests leave")
    parser.add_argument("--jobs", type=int, default=min(4, (os.cpu_count() or 1) + 1))
    parser.add_argument("names", nargs="*", help="tests to run; default all")
    arguments = parser.parse_args()
    weir, folder = os.path.abspath(arguments.weir), os.path.abspath(arguments.dir)
    tests = [test for module in MODULES for test in importlib.import_module(module).TESTS
             if not arguments.names or any(name in test.__name__ for name in arguments.names)]
    failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for line, ok in pool.map(lambda test: run_test(test, weir, folder), tests):
            print(line, flush=True)
            failed += not ok
    print("%d passed, %d failed" % (len(tests) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
