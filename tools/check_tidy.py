#!/usr/bin/env python3
"""clang-tidy finds nothing: mistakes that compile, and declarations that disagree (.clang-tidy)."""
import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES_A_RUN = 8
FINDING = re.compile(r"^(.*?):(\d+:\d+): (?:error|warning): (.*?)(?:,-warnings-as-errors)?\]?$")


def compiled(build):
    """The C files that the build compiles, each once."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        paths = {os.path.realpath(os.path.join(entry["directory"], entry["file"]))
                 for entry in json.load(commands)}
    return sorted(path for path in paths
                  if path.startswith(ROOT + os.sep) and path.endswith(".c")
                  and not path.startswith(os.path.realpath(build) + os.sep))


def check(build, paths):
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", *paths], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    problems = set()
    for line in done.stdout.splitlines():
        found = FINDING.match(line)
        if found and not found[1].startswith("/usr/"):
            path = os.path.relpath(os.path.realpath(os.path.join(build, found[1])), ROOT)
            problems.add(f"{path}:{found[2]}: {found[3]}]")
    if done.returncode < 0:
        problems.add(f"clang-tidy died of signal {-done.returncode} on {' '.join(paths)}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    paths = compiled(build)
    if not paths:
        print(f"{build}: compiles no C file")
        return 1
    runs = [paths[at:at + FILES_A_RUN] for at in range(0, len(paths), FILES_A_RUN)]
    with ThreadPoolExecutor(2) as pool:
        problems = sorted(set().union(*pool.map(lambda run: check(build, run), runs)))
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
