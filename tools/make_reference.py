#!/usr/bin/env python3
"""Writes the reference pages of docs/ from the tables in the program: functions, connectors and formats, options.

--check changes nothing and fails when a page is not what would be written.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

NOTE = "*This page is made from the program's own tables by `./dev docs`.*"

INTRODUCTIONS = {
    "functions": "# Functions\n\n" + NOTE + "\n\n`SHOW FUNCTIONS` and `weir --list-functions` give the same "
                 "list. `?` behind a type: may be left out; `...`: any number. Names are not "
                 "case-sensitive. A function of NULL is NULL unless its line says otherwise.\n",
    "connectors": "# Connectors and formats\n\n" + NOTE + "\n\nOptions stand in the WITH clause of CREATE "
                  "TABLE. In brackets: the type of the value, and what it is when it is not "
                  "given. An option that is not listed is refused. `#` stands for the name of a "
                  "column.\n",
    "options": "# Options\n\n" + NOTE + "\n\n`SET 'key' = 'value'`, `-D key=value` on the command line, "
               "`RESET 'key'`. Names and meanings are Flink's where Flink has them. In brackets: the "
               "type of the value, and what it is when it is not set.\n",
}


def listed(weir, what):
    done = subprocess.run([weir, f"--list-{what}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def entry(text):
    """`name (type, default)` with the name as code."""
    name, _, rest = text.partition(" (")
    return f"`{name}`" + (f" ({rest}" if rest else "")


def cell(text):
    return text.replace("|", "\\|")


def table(rows, left, right):
    """Rows of (entry, sentence)."""
    lines = [f"| {left} | {right} |", "| --- | --- |"]
    lines += [f"| {cell(name)} | {cell(doc)} |" for name, doc in rows]
    return "\n".join(lines) + "\n"


def pairs(lines, indent):
    """Entries at an indent, each with the deeper line behind it."""
    rows = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if depth == indent:
            rows.append([line.strip(), ""])
        elif rows:
            rows[-1][1] = (rows[-1][1] + " " + line.strip()).strip()
    return rows


def sections(lines):
    """What stands below each line without indent."""
    found = []
    for line in lines:
        if line and not line[0].isspace():
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
    return found


def functions_page(weir):
    parts = [INTRODUCTIONS["functions"]]
    for title, lines in sections(listed(weir, "functions")):
        rows = [(f"`{name}`", doc) for name, doc in pairs(lines, 2)]
        parts.append(f"## {title[0].upper()}{title[1:]}\n\n" + table(rows, "function", "what it gives"))
    return "\n".join(parts)


def connectors_page(weir):
    parts = [INTRODUCTIONS["connectors"]]
    for title, lines in sections(listed(weir, "connectors")):
        match = re.match(r"(connector|format) (\S+)(?: \((.*)\))?", title)
        kind, name, what = match.groups()
        doc = " ".join(line.strip() for line in lines
                       if len(line) - len(line.lstrip()) == 2)
        options = [(entry(key), text) for key, text in pairs(
            [line for line in lines if len(line) - len(line.lstrip()) >= 4], 4)]
        parts.append(f"## {kind.capitalize()} {name}\n\n{doc}" + (f" Works as {what}." if what else "") + "\n")
        if options:
            parts.append(table(options, "option", "what it does"))
    return "\n".join(parts)


def options_page(weir):
    rows = [(entry(key), doc) for key, doc in pairs(listed(weir, "options"), 0)]
    return INTRODUCTIONS["options"] + "\n" + table(rows, "option", "what it does")


PAGES = {"functions": functions_page, "connectors": connectors_page, "options": options_page}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", default=os.path.join(ROOT, "build", "cli", "weir"))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = 0
    for name, make in PAGES.items():
        path = os.path.join(ROOT, "docs", f"{name}.md")
        text = make(arguments.weir)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        if text == old:
            continue
        if arguments.check:
            print(f"docs/{name}.md is not what the program says: run ./dev docs")
            stale += 1
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            print(f"wrote docs/{name}.md")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
