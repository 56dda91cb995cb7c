#!/usr/bin/env python3
"""Sizes, leftovers and layout: what a reader should never meet, each with what to do instead."""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("core", "parser", "functions", "formats", "connectors", "state", "planner", "executor",
           "session", "cli", "tests", "bench", "examples")
FILE_LINES_MAX = 1000
FUNCTION_LINES_MAX = 70
# "file" or "file:function": why it may be larger.
LARGER = {}
BANNED = {
    r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b": "finish it or leave it out",
    r"\bstrcpy\s*\(": "use buffer_append_text or snprintf",
    r"\bstrcat\s*\(": "use buffer_append_text",
    r"\bsprintf\s*\(": "use snprintf or buffer_printf",
    r"\bgets\s*\(": "use read_file",
    r"\bstrtok\s*\(": "it keeps hidden state: walk a Str",
    r"\blocaltime\s*\(|\bgmtime\s*\(": "use core/datetime.h",
}
# What the repository keeps. Whatever else lies there came with a commit by mistake.
ROOT_FILES = {".clang-format", ".clang-tidy", ".gitignore", "CONTRIBUTING.md", "LICENSE", "README.md",
              "dev", "meson.build", "meson_options.txt"}
KEPT_ENDINGS = (".c", ".h", ".cpp", ".java", ".py", ".sql", ".test", ".md", ".build", "/registry.c.in",
                "/instructions.txt", "/leaks.supp", "/pom.xml", ".csv", ".json")
FUNCTION_START = re.compile(r"^[A-Za-z_][\w \*]*\b(\w+)\s*\([^;]*$")


def sources():
    for folder in FOLDERS:
        for path, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(files):
                if name.endswith((".c", ".h", ".cpp")):
                    yield os.path.relpath(os.path.join(path, name), ROOT)


def check_functions(path, lines, problems):
    """A function is what stands between a line that is '{' and one that is '}'."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start is not None:
            length = number - start - 1
            name = next((FUNCTION_START.match(lines[k]).group(1)
                         for k in range(start - 2, max(start - 8, -1), -1)
                         if FUNCTION_START.match(lines[k])), "?")
            if length > FUNCTION_LINES_MAX and f"{path}:{name}" not in LARGER:
                problems.append(f"{path}:{start}: {name} has {length} lines, more than "
                                f"{FUNCTION_LINES_MAX}: give its parts names")
            start = None


def check_file(path, problems):
    text = open(os.path.join(ROOT, path), encoding="utf-8").read()
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX and path not in LARGER:
        problems.append(f"{path}: {len(lines)} lines, more than {FILE_LINES_MAX}: split it by noun")
    if not text.startswith("/*"):
        problems.append(f"{path}:1: the head of a file says what it is")
    if text and not text.endswith("\n"):
        problems.append(f"{path}: the last line has no end")
    for number, line in enumerate(lines, 1):
        for pattern, instead in BANNED.items():
            if re.search(pattern, line):
                problems.append(f"{path}:{number}: {line.strip()[:60]}: {instead}")
    check_functions(path, lines, problems)


def check_kept(problems):
    """Logs, dumps and results of a run do not belong into the repository."""
    if not os.path.exists(os.path.join(ROOT, ".git")):
        return
    done = subprocess.run(["git", "ls-files", "--cached"], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    for path in done.stdout.splitlines():
        kept = path in ROOT_FILES if "/" not in path else path.endswith(KEPT_ENDINGS)
        if not kept and path != ".ci/run":
            problems.append(f"{path}: what no rule of tools/check_style.py names: git rm it, or name "
                            "its kind there")


def check_layout(paths, problems):
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    places = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line})
    problems.extend(f"{path}: run ./dev format" for path in places)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build")
    parser.parse_args()
    problems = []
    paths = list(sources())
    for path in paths:
        check_file(path, problems)
    check_layout(paths, problems)
    check_kept(problems)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
