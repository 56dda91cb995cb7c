#!/usr/bin/env python3
"""Runs the change-capture tests against a real server that it starts itself.

    tests/cdc/run.py --probe build/tests/cdc_probe --server mariadb --dir build/cdc [name…]

Ends with 0 when all held, 1 when one did not, 77 when the server cannot be had here (said loudly)."""

import argparse
import importlib
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cdc  # noqa: E402

MODULES = ["test_types", "test_modes", "test_xa", "test_history", "test_options", "test_errors", "test_fake", "test_seam",
           "test_tls"]


def main():
    parser = argparse.ArgumentParser(description="Change-capture tests against a real server.")
    parser.add_argument("--probe", required=True, help="the program cdc_probe")
    parser.add_argument("--server", choices=("mariadb", "mysql"), required=True)
    parser.add_argument("--dir", required=True, help="folder for the server and the journals")
    parser.add_argument("--cache", help="folder where the MySQL package is kept")
    parser.add_argument("names", nargs="*", help="tests to run; default all")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.dir)
    cdc.clean(os.path.join(folder, "server"))
    server = cdc.servers.make(arguments.server, os.path.join(folder, "server"),
                              cache=arguments.cache or os.path.join(folder, "cache"))
    try:
        server.start()
    except cdc.servers.ServerError as error:
        print("SKIPPED, all of %s: %s" % (server.kind, error), flush=True)
        return 77
    failed, done = [], 0
    try:
        bench = cdc.Bench(server, os.path.abspath(arguments.probe),
                          os.path.join(folder, "journals"))
        for module_name in MODULES:
            module = importlib.import_module(module_name)
            for test in module.TESTS:
                name = test.__name__
                if arguments.names and not any(wanted in name for wanted in arguments.names):
                    continue
                began = time.monotonic()
                try:
                    test(bench)
                    result = "ok"
                except Exception as problem:
                    failed.append(name)
                    result = "FAILED"
                    if isinstance(problem, cdc.Failure):
                        print("    " + str(problem).replace("\n", "\n    "))
                    else:
                        traceback.print_exc(file=sys.stdout)
                done += 1
                print("%-44s %s (%.1f s)" % (server.kind + " " + name, result,
                                             time.monotonic() - began), flush=True)
    finally:
        server.stop()
    print("%s: %d tests, %d failed%s" % (server.kind, done, len(failed),
                                         ": " + ", ".join(failed) if failed else ""))
    if not failed:
        cdc.clean(os.path.join(folder, "server"))
        cdc.clean(os.path.join(folder, "journals"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
