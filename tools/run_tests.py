#!/usr/bin/env python3
"""Builds with sanitizers and runs every test; the last line counts them.

Stages: checks of form, unit tests, golden SQL, embedding example, fuzzers (short), thread sanitizer,
change capture against real servers, instructions of hot paths, the demo. A stage that cannot run here says so loudly and counts as
skipped; with --no-skips that is a failure.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SANITIZED = "build-test"
THREADED = "build-tsan"
CLANG = "build-clang"
RELEASE = "build"

# Leaks are looked for as well; libpg_query keeps its lexer tables until the thread ends.
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/leaks.supp:print_suppressions=0",
}


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, name, ok, detail=""):
        if ok:
            self.passed += 1
            return
        self.failed += 1
        self.failures.append(name)
        print(f"FAILED {name}\n{detail}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"\n******** SKIPPED {name}: {why} ********\n", flush=True)


def say(text):
    print(f"== {text}", flush=True)


def run(command, timeout=900, **extra):
    """Exit status and combined output."""
    environment = dict(os.environ, **ENVIRONMENT)
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                              **extra)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as expired:
        return -1, (expired.stdout or b"").decode("utf-8", "replace") + "\n(timed out)"


def suite_programs(folder, suite):
    """What a suite runs, as build targets."""
    status, output = run(["meson", "introspect", "--tests", folder])
    tests = json.loads(output) if status == 0 else []
    base = os.path.join(ROOT, folder)
    return sorted({os.path.relpath(test["cmd"][0], base) for test in tests
                   if any(name.endswith(suite) for name in test["suite"])})


def build(folder, options, environment=None, suite=None):
    """Configures once, builds (all, or what a suite runs); False with the output printed when that
    fails."""
    if not os.path.exists(os.path.join(ROOT, folder, "build.ninja")):
        status, output = run(["env", *(environment or []), "meson", "setup", folder, *options])
        if status != 0:
            print(output)
            return False
    targets = suite_programs(folder, suite) if suite else []
    status, output = run(["ninja", "-C", folder, *targets], timeout=3000)
    if status != 0:
        print("\n".join(output.splitlines()[-60:]))
    return status == 0


def stage_form(totals):
    say("checks of form")
    for check in ("check_layers", "check_headers", "check_symbols", "check_style", "check_tidy",
                  "check_docs"):
        status, output = run([sys.executable, f"tools/{check}.py", "--build", SANITIZED])
        totals.add(check, status == 0, output)


def stage_unit(totals, folder, suites, wrapper=()):
    """Meson's own runner, a test a line in its JSON log."""
    say(f"unit tests ({folder})")
    arguments = [argument for suite in suites for argument in ("--suite", suite)]
    status, output = run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
                          *arguments], timeout=2400)
    log = os.path.join(ROOT, folder, "meson-logs", "testlog.json")
    counted = 0
    if os.path.exists(log):
        for line in open(log, encoding="utf-8"):
            result = json.loads(line)
            counted += 1
            ok = result["result"] in ("OK", "EXPECTEDFAIL")
            totals.add(f"{folder}: {result['name']}", ok,
                       (result.get("stdout") or "")[-6000:] + (result.get("stderr") or "")[-6000:])
    if counted == 0:
        totals.add(f"{folder}: meson test", False, output[-3000:])


def add_counted(totals, name, status, output):
    """A program whose last line is 'N passed, N failed'; of what it prints, what did not hold is shown."""
    found = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE)
    if not found:
        totals.add(name, False, output[-4000:])
        return
    passed, failed = (int(number) for number in found[-1])
    totals.passed += passed
    if failed or status != 0:
        totals.failed += max(failed, 1)
        totals.failures.append(name)
        held = re.compile(r" ok \([0-9.]+ s\)$|^ok ")
        told = "\n".join(line for line in output.splitlines() if not held.search(line))
        print(f"FAILED {name}\n{told[-12000:]}", flush=True)


def stage_golden(totals):
    say("golden SQL, six ways")
    status, output = run([f"{SANITIZED}/cli/weir", "test", "sql-tests", "examples"], timeout=1800)
    add_counted(totals, "golden SQL", status, output)


def documented_examples():
    """Fenced blocks of the docs that can be run: `.test` files, and the ```sql blocks of a page as one script."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".", "build"))]
        for name in sorted(files):
            if not name.endswith(".md"):
                continue
            path = os.path.join(folder, name)
            text = open(path, encoding="utf-8").read()
            page = os.path.relpath(path, ROOT)
            script = []
            for number, block in enumerate(re.findall(r"^```(.*?)^```", text, re.DOTALL | re.M)):
                kind, _, body = block.partition("\n")
                if kind == "sql":
                    script.append(body)
                elif "\n== sql\n" in body:
                    yield f"{page} example {number + 1}", kind, body
            if script:
                yield f"{page} as a script", "sql", "\n".join(script)


def stage_documented(totals):
    say("examples of the docs")
    status, output = run([sys.executable, "tools/make_reference.py", "--check", "--weir",
                          f"{SANITIZED}/cli/weir"])
    totals.add("reference pages", status == 0, output)
    for name, kind, body in documented_examples():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "example.sql" if kind == "sql" else "example.test")
            with open(path, "w", encoding="utf-8") as file:
                file.write(body)
            weir = os.path.join(ROOT, SANITIZED, "cli", "weir")
            command = [weir, "-f", path] if kind == "sql" else [weir, "test", path]
            status, output = run(command, timeout=60)
            totals.add(name, status == 0, output)


def stage_embedding(totals):
    say("embedding example")
    status, output = run([f"{SANITIZED}/examples/embed"], timeout=60)
    totals.add("examples/embed", status == 0 and "+U" in output, output)


def stage_program(totals):
    say("the program, as its users run it")
    status, output = run([sys.executable, "tests/program/run.py", "--weir",
                          f"{SANITIZED}/cli/weir", "--dir", f"{SANITIZED}/program"], timeout=900)
    add_counted(totals, "the program", status, output)


def stage_nexmark(totals):
    say("Nexmark's queries, three ways")
    status, output = run([sys.executable, "tests/nexmark/run.py", "--weir",
                          f"{SANITIZED}/cli/weir"], timeout=900)
    add_counted(totals, "Nexmark", status, output)


def stage_server(totals, kind):
    """Change capture against one real server, and kills of the engine; 77 says it cannot be had."""
    folder = os.path.join(ROOT, SANITIZED, "cdc", kind)
    cache = os.path.join(ROOT, ".cache")
    shared = ["--server", kind, "--cache", cache]
    kills = "100" if kind == "mariadb" else "20"
    runs = (
        ("capture", ["tests/cdc/run.py", "--probe", f"{SANITIZED}/tests/cdc_probe", *shared,
                     "--dir", folder]),
        ("kill -9", ["tests/cdc/kill.py", "--weir", f"{SANITIZED}/cli/weir", *shared,
                     "--dir", folder + "-kill", "--kills", kills]),
        ("lookups", ["tests/lookup/run.py", "--weir", f"{SANITIZED}/cli/weir", *shared,
                     "--dir", folder + "-lookup"]),
    )
    for name, command in runs:
        say(f"{name}, {kind}")
        status, output = run([sys.executable, *command], timeout=1500)
        if status == 77:
            totals.skip(f"{name}, {kind}", output.strip().splitlines()[-1])
            return
        found = re.findall(r"^\w+: (\d+) tests, (\d+) failed", output, re.MULTILINE)
        if found:
            tests, failed = (int(number) for number in found[-1])
            output += f"\n{tests - failed} passed, {failed} failed\n"
        add_counted(totals, f"{name}, {kind}", status, output)


def stage_servers(totals):
    stage_server(totals, "mariadb")
    if shutil.which("npm") is None:
        totals.skip("change capture from MySQL 5.6", "npm is not installed, and the server comes "
                    "from it; change capture from MariaDB was tested")
        return
    stage_server(totals, "mysql")


def stage_release(totals):
    say("release build")
    status, output = run(["./dev", "build"], timeout=3000)
    totals.add("release build", status == 0, output[-6000:])
    return status == 0


def stage_instructions(totals):
    say("instructions of hot paths")
    if shutil.which("valgrind") is None:
        totals.skip("instructions of hot paths", "valgrind is not installed")
        return
    status, output = run([sys.executable, "tools/check_instructions.py", "--build", RELEASE],
                         timeout=600)
    add_counted(totals, "instructions of hot paths", status, output)


def stage_demo(totals):
    say("the demo")
    status, output = run([sys.executable, "examples/demo.py", "--weir", f"{RELEASE}/cli/weir"],
                         timeout=300)
    totals.add("demo", status == 0 and "identical" in output, output[-6000:])


def fuzz(seconds):
    """The long run: every fuzzer for its share of the time."""
    if not build(SANITIZED, ["-Dbuildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined"]):
        return 1
    folder = os.path.join(ROOT, SANITIZED, "tests")
    fuzzers = sorted(name for name in os.listdir(folder)
                     if name.startswith("fuzz_") and os.access(os.path.join(folder, name), os.X_OK)
                     and os.path.isfile(os.path.join(folder, name)))
    failed = 0
    for name in fuzzers:
        say(f"{name} for {seconds // len(fuzzers)} s")
        status, output = run([os.path.join(folder, name), f"--seconds={seconds // len(fuzzers)}",
                              f"--seed={int(time.time())}"], timeout=seconds + 60)
        print(output[-3000:])
        failed += status != 0
    print(f"{len(fuzzers) - failed} passed, {failed} failed")
    return 1 if failed else 0


def oracle(seconds, seed):
    """Random queries against SQLite for so long, on every core a program with seeds of its own; a fast build, since
    answers are compared."""
    folder = "build-oracle"
    if not build(folder, ["-Dbuildtype=debugoptimized", "-Dtests=true"]):
        return 1
    seed = seed or int(time.time())
    say(f"random queries for {seconds} s, from seed {seed}")
    programs = [subprocess.Popen([os.path.join(ROOT, folder, "tests", "test_oracle"), f"--seconds={seconds}",
                                  f"--seed={seed + 1000000 * core}"], stdout=subprocess.PIPE, text=True)
                for core in range(os.cpu_count() or 1)]
    passed = failed = 0
    for program in programs:
        output = program.communicate()[0]
        found = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE)
        passed += int(found[-1][0]) if found else 0
        failed += int(found[-1][1]) if found else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-skips", action="store_true", help="a skipped stage is a failure")
    parser.add_argument("--fuzz", type=int, metavar="SECONDS", help="only fuzz, for so long")
    parser.add_argument("--oracle", type=int, metavar="SECONDS", help="only random queries, for so long")
    parser.add_argument("--seed", type=int, default=0, help="the first of the random queries")
    options = parser.parse_args()
    if options.oracle:
        return oracle(options.oracle, options.seed)
    if options.fuzz:
        return fuzz(options.fuzz)
    totals = Totals()
    started = time.time()
    say("building with address and undefined-behaviour sanitizers")
    sanitized = ["-Dbuildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Dwerror=true"]
    if not build(SANITIZED, sanitized):
        print("0 passed, 1 failed")
        return 1
    stage_form(totals)
    stage_unit(totals, SANITIZED, ["unit", "fuzz"])
    stage_golden(totals)
    stage_embedding(totals)
    stage_documented(totals)
    stage_program(totals)
    stage_nexmark(totals)
    say("building with clang")
    totals.add("clang build without warnings",
               build(CLANG, ["-Dbuildtype=debug", "-Dwerror=true", "-Dtests=false"],
                     ["CC=clang", "CXX=clang++"]))
    say("building with the thread sanitizer")
    if build(THREADED, ["-Dbuildtype=debugoptimized", "-Db_sanitize=thread"], suite="threads"):
        stage_unit(totals, THREADED, ["threads"])
    else:
        totals.add("thread-sanitizer build", False)
    stage_servers(totals)
    if stage_release(totals):
        stage_instructions(totals)
        stage_demo(totals)
    print(f"\n{time.time() - started:.0f} s")
    for name in totals.failures:
        print(f"failed: {name}")
    if totals.skipped:
        print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    else:
        print(f"{totals.passed} passed, {totals.failed} failed")
    return 1 if totals.failed or (options.no_skips and totals.skipped) else 0


if __name__ == "__main__":
    sys.exit(main())
