#!/usr/bin/env python3
"""The folders are layers: who may include whom, and where foreign headers may stand."""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# folder: folders whose every header it may include, and single headers beyond those.
LAYERS = {
    "core": (set(), set()),
    "parser": ({"core"}, set()),
    "functions": ({"core"}, set()),
    "formats": ({"core"}, set()),
    "connectors": ({"core"}, {"formats/format.h"}),
    "state": ({"core"}, set()),
    "planner": ({"core"}, {"parser/ast.h", "functions/function.h", "functions/aggregate.h",
                           "functions/window.h", "formats/format.h",
                           "connectors/connector.h", "connectors/lookup.h"}),
    "executor": ({"core"}, {"planner/plan.h", "planner/plan_lookup.h", "planner/expr.h",
                            "functions/function.h",
                            "functions/aggregate.h", "functions/window.h",
                            "formats/format.h", "connectors/connector.h",
                            "connectors/lookup.h", "state/state.h", "state/state_entries.h",
                            "state/checkpoint.h"}),
    "session": ({"core"}, {"parser/parser.h", "parser/ast.h", "planner/planner.h",
                           "planner/plan.h", "executor/runtime/job.h", "executor/runtime/collector.h",
                           "state/checkpoint.h", "functions/function.h",
                           "functions/aggregate.h", "functions/window.h", "functions/user.h",
                           "formats/format.h", "connectors/connector.h",
                           "connectors/lookup.h"}),
    "cli": ({"core"}, {"session/weir.h"}),
    "examples": (set(), {"session/weir.h", "functions/weir_function.h"}),
}

# foreign header (a pattern): where it may stand (patterns of paths).
FENCES = {
    r"pg_query\.h": [r"parser/"],
    r"(mysql|mariadb|errmsg|mariadb_\w+|ma_\w+)\.h|mariadb/.*": [r"connectors/mysql", r"bench/limits_mysql"],
    r"sqlite3\.h": [r"state/", r"connectors/sqlite", r"tests/"],
    r"jansson\.h": [r"parser/", r"formats/", r"planner/plan_json\.c"],
    r"pcre2\.h": [r"functions/", r"connectors/mysql", r"connectors/filesystem"],
    r"openssl/ssl\.h": [r"connectors/mysql/tls"],
    r"check\.h": [r"tests/"],
    r"dlfcn\.h": [r"session/session_functions\.c"],
    r"simdjson\.h": [r"core/json_reader\.cpp"],
    r"(histedit|editline/.*)\.h": [r"cli/"],
    # Threads live in the runtime, the checkpoint writer and the connectors' readers.
    r"(pthread|stdatomic|threads)\.h": [r"executor/(runtime/|sink)",
                                        r"state/checkpoint", r"connectors/mysql", r"connectors/sqlite/wal", r"bench/",
                                        r"tests/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_file(path, problems):
    folder = path.split("/")[0]
    for number, line in enumerate(open(os.path.join(ROOT, path), encoding="utf-8"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        place = f"{path}:{number}"
        for pattern, allowed in FENCES.items():
            if re.fullmatch(pattern, name) and not any(re.match(a, path) for a in allowed):
                problems.append(f"{place}: <{name}> may only be included in {', '.join(allowed)}")
        if match.group(1) != '"' or folder not in LAYERS:
            continue
        target = name.split("/")[0]
        if "/" not in name:
            problems.append(f'{place}: write the path from the root: "{folder}/{name}"')
        elif target != folder and target in LAYERS:
            folders, headers = LAYERS[folder]
            if target not in folders and name not in headers:
                problems.append(f"{place}: {folder}/ must not include {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build")
    parser.parse_args()
    problems = []
    for folder, _, files in sorted(os.walk(ROOT)):
        relative = os.path.relpath(folder, ROOT)
        if relative.split("/")[0] not in (*LAYERS, "tests", "bench"):
            continue
        for name in sorted(files):
            if name.endswith((".c", ".h", ".cpp")):
                check_file(os.path.join(relative, name), problems)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
