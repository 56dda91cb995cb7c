#!/usr/bin/env python3
"""Each folder has a README, links in Markdown lead somewhere, and each page has one title."""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("core", "parser", "functions", "formats", "connectors", "state", "planner", "executor",
           "session", "cli", "sql-tests", "tests", "bench", "examples", "docs", "tools")


def pages():
    for path, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        for name in files:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(path, name), ROOT)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build")
    parser.parse_args()
    problems = [f"{folder}/README.md is missing" for folder in FOLDERS
                if not os.path.exists(os.path.join(ROOT, folder, "README.md"))]
    for page in sorted(pages()):
        text = open(os.path.join(ROOT, page), encoding="utf-8").read()
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        if len(re.findall(r"^# ", outside, re.MULTILINE)) != 1:
            problems.append(f"{page}: has not exactly one title")
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", outside):
            if "://" in target:
                continue
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(page), target)):
                problems.append(f"{page}: link to {target} leads nowhere")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
