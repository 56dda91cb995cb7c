#!/usr/bin/env python3
"""No global symbol of ours may meet one of libpg_query's, which exports PostgreSQL's plain names; and
no object holds mutable global data beyond the few with a reason."""
import argparse
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# object file (its end): symbols with mutable static storage, and why.
MUTABLE = {
    "cli/weir.p/interrupt.c.o": "a signal handler reaches nothing but static memory",
    "cli/weir.p/status_line.c.o": "there is one terminal line per process",
    "cli/weir.p/shell.c.o": "libedit wants prompts it may write to",
}


def nm(*arguments):
    done = subprocess.run(["nm", *arguments], capture_output=True, text=True, check=False)
    return [line.split() for line in done.stdout.splitlines() if line.strip()]


def library_symbols():
    for path in glob.glob("/usr/lib/*/libpg_query.so*"):
        return {fields[-1].split("@")[0] for fields in nm("-D", "--defined-only", path)}
    return set()


def is_ours(path):
    return "/tests/" not in path and "sanitizer" not in path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    theirs = library_symbols()
    problems = [] if theirs else ["libpg_query.so was not found: nothing to compare with"]
    objects = [path for path in glob.glob(os.path.join(ROOT, options.build, "**", "*.o"),
                                          recursive=True) if is_ours(path)]
    if not objects:
        problems.append(f"{options.build} holds no object files")
    for path in objects:
        name = os.path.relpath(path, os.path.join(ROOT, options.build))
        for fields in nm("--defined-only", path):
            kind, symbol = fields[-2], fields[-1]
            if kind.isupper() and symbol in theirs and symbol != "main":
                problems.append(f"{name}: {symbol} is also a symbol of libpg_query")
            if kind in "dDbB" and not symbol.startswith(("__", ".", "_ZGV", "_ZZ", "_ZN8simdjson")):
                if name not in MUTABLE and not is_relocated_constant(path, symbol):
                    problems.append(f"{name}: {symbol} is mutable global data")
    for path in glob.glob(os.path.join(ROOT, options.build, "session", "libweir.so")):
        problems.extend(f"libweir.so exports {fields[-1]}, which weir.h does not declare"
                        for fields in nm("-D", "--defined-only", path)
                        if fields[-2] in "TDBR" and not fields[-1].startswith("weir_"))
    print("\n".join(sorted(set(problems))))
    return 1 if problems else 0


def is_relocated_constant(path, symbol):
    """Constants that hold pointers lie in .data.rel.ro, which nm shows as 'd'."""
    done = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.endswith(" " + symbol):
            return ".data.rel.ro" in line or ".rodata" in line
    return False


if __name__ == "__main__":
    sys.exit(main())
