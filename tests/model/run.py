#!/usr/bin/env python3
"""Random cases against a plain computation in Python: draws them, writes each as a `.test` file, and lets
`weir test` run it in all its ways.

    tests/model/run.py --weir build-test/cli/weir [--kind KIND] [--cases N] [--seed S] [--keep FOLDER]

A case that fails is made small and printed as the `.test` file it then is."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import draw
import forget
import frames
import typed

KINDS = {"time": draw.draw, "types": typed.draw, "over": frames.draw, "forget": forget.draw}
PER_RUN = 10


def run_files(weir, paths):
    done = subprocess.run([weir, "test"] + paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    failed = set(re.findall(r"^(\S+?\.test):\d+: ", done.stdout, re.M))
    if done.returncode < 0 or (done.returncode != 0 and not failed):
        failed = set(paths)
    return failed, done.stdout


def write(case, path):
    with open(path, "w") as file:
        file.write(case.script())


class Shrinker:
    """Leaves out what may be left out for as long as the case still fails."""

    def __init__(self, weir, folder, tries=400):
        self.weir, self.path, self.left = weir, os.path.join(folder, "smaller.test"), tries

    def fails(self, case):
        self.left -= 1
        write(case, self.path)
        failed, out = run_files(self.weir, [self.path])
        if failed:
            self.out = out
        return bool(failed)

    def shrink(self, case):
        self.out = ""
        for query in case.queries:
            alone = case.with_only(queries=[query])
            if self.fails(alone):
                case = alone
                break
        before = None
        while before != self.size(case) and self.left > 0:
            before = self.size(case)
            case = self.fewer_steps(case)
            case = self.fewer_operations(case)
        return case

    @staticmethod
    def size(case):
        return len(case.steps), sum(len(step.rest[1]) for step in case.steps if step.what == "feed")

    def fewer_steps(self, case):
        length = max(1, len(case.steps) // 2)
        while length > 0:
            at = 0
            while at < len(case.steps) and self.left > 0:
                smaller = case.with_only(steps=case.steps[:at] + case.steps[at + length:])
                if self.fails(smaller):
                    case = smaller
                else:
                    at += length
            length //= 2
        return case

    def fewer_operations(self, case):
        for n, step in enumerate(case.steps):
            if step.what != "feed":
                continue
            at = 0
            while at < len(case.steps[n].rest[1]) and self.left > 0:
                table, operations = case.steps[n].rest
                step = type(step)("feed", table, operations[:at] + operations[at + 1:])
                smaller = case.with_only(steps=case.steps[:n] + [step] + case.steps[n + 1:])
                if self.fails(smaller):
                    case = smaller
                else:
                    at += 1
        return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", default="time", choices=sorted(KINDS))
    parser.add_argument("--most", type=int, default=3, help="failures after which it stops")
    parser.add_argument("--keep", help="where the files of cases that fail go")
    arguments = parser.parse_args()
    failures = done = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        while done < arguments.cases and failures < arguments.most:
            cases = {}
            for seed in range(arguments.seed + done,
                              arguments.seed + min(done + PER_RUN, arguments.cases)):
                path = os.path.join(folder, "%s%d.test" % (arguments.kind, seed))
                cases[path] = (seed, KINDS[arguments.kind](seed))
                write(cases[path][1], path)
            failed, _ = run_files(arguments.weir, list(cases))
            for path in sorted(failed):
                seed, case = cases[path]
                shrinker = Shrinker(arguments.weir, folder)
                small = shrinker.shrink(case)
                print("FAILED: --kind %s --seed %d --cases 1" % (arguments.kind, seed))
                print(small.script())
                print(shrinker.out or "and then not again", flush=True)
                if arguments.keep:
                    write(small, os.path.join(arguments.keep, os.path.basename(path)))
                failures += 1
            for path in cases:
                os.unlink(path)
            done += len(cases)
    print("%s: seed %d: %d cases, %d failed" % (arguments.kind, arguments.seed, done, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
