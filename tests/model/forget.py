"""Draws cases with a time to live of state and a clock that moves at random: what has not been written for
that long is forgotten, and what was given stays given."""

import random as random_module
from collections import Counter

from course import Case, Step, Table, row_text

BEGIN = 1704067200000  # where the clock of a test stands at first
COLUMNS = [("id", "int"), ("k", "int"), ("v", "int")]


class Living:
    """What is kept by key, each until its time to live is over."""

    def __init__(self, ttl):
        self.ttl, self.kept = ttl, {}

    def get(self, key, now):
        item = self.kept.get(key)
        return item[0] if item is not None and now < item[1] + self.ttl else None

    def put(self, key, value, now):
        self.kept[key] = (value, now)

    def drop(self, key):
        self.kept.pop(key, None)

    def all(self, now):
        return [(key, item[0]) for key, item in self.kept.items() if now < item[1] + self.ttl]


class Forgetful:
    """A query whose changes add up to something; `change(name, sign, row)` gives those of a row."""

    kinds, reads = ["int"] * 8, "a"

    def __init__(self, ttl):
        self.ttl = ttl

    def open(self):
        self.now, self.total = BEGIN, Counter()
        self.normalized = {}
        self.start()

    def clock(self, ms):
        self.now = max(self.now, ms)

    def take(self, table, changes):
        for sign, row in self.normalize(table, changes) if table.name in self.reads else []:
            for change, of in self.change(table.name, sign, row):
                self.total[of] += change

    def normalize(self, table, changes):
        """Upserts become changes by what is remembered of their key."""
        if table.mode != "upserts":
            return changes
        known, made = self.normalized.setdefault(table.name, Living(self.ttl)), []
        for what, row in table.upserts:
            old = known.get(row[0], self.now)
            if what == "drop":
                known.drop(row[0])
                made += [(-1, old)] if old is not None else []
                continue
            made += ([(-1, old)] if old is not None else []) + [(1, row)]
            known.put(row[0], row, self.now)
        return made

    def rows(self):
        """A join takes back the pairs of a row that it has forgotten, given or not."""
        shown = []
        for row, count in self.total.items():
            text = row_text(row, self.kinds)
            shown += [text] * count + ["(missing) " + text] * -count
        return shown


class Passed(Forgetful):
    sql = "SELECT id, k, v FROM a"

    def start(self):
        pass

    def change(self, name, sign, row):
        return [(sign, row)]


class Groups(Forgetful):
    sql = "SELECT k, COUNT(*), SUM(v), COUNT(v) FROM a GROUP BY k"

    def start(self):
        self.groups = Living(self.ttl)

    def change(self, name, sign, row):
        old = self.groups.get(row[1], self.now)
        if old is None and sign < 0:
            return []
        count, total, there = old or (0, 0, 0)
        new = (count + sign, total + sign * (row[2] or 0), there + sign * (row[2] is not None))
        changes = [(-1, self.shown(row[1], old))] if old else []
        if new[0] == 0:
            self.groups.drop(row[1])
            return changes
        self.groups.put(row[1], new, self.now)
        return changes + [(1, self.shown(row[1], new))]

    @staticmethod
    def shown(key, group):
        return key, group[0], group[1] if group[2] else None, group[2]


class Distinct(Forgetful):
    sql = "SELECT DISTINCT k FROM a"

    def start(self):
        self.groups = Living(self.ttl)

    def change(self, name, sign, row):
        count = self.groups.get(row[1], self.now) or 0
        if count == 0 and sign < 0:
            return []
        if count + sign == 0:
            self.groups.drop(row[1])
            return [(-1, (row[1],))]
        self.groups.put(row[1], count + sign, self.now)
        return [(1, (row[1],))] if count == 0 else []


class Joined(Forgetful):
    sql, reads = "SELECT a.id, a.k, a.v, b.id, b.v FROM a JOIN b ON a.k = b.k", "ab"

    def start(self):
        self.sides = {"a": Living(self.ttl), "b": Living(self.ttl)}

    def change(self, name, sign, row):
        own, other = self.sides[name], self.sides["b" if name == "a" else "a"]
        if row[1] is None:
            return []
        if sign > 0:
            own.put(row[0], row, self.now)
        else:
            own.drop(row[0])
        found = [of for _, of in other.all(self.now) if of[1] == row[1]]
        pairs = [(row, of) if name == "a" else (of, row) for of in found]
        return [(sign, left + (right[0], right[2])) for left, right in pairs]


class Over(Forgetful):
    sql = "SELECT id, k, v, SUM(v) OVER (PARTITION BY k ORDER BY id), LAG(v) OVER (PARTITION BY k ORDER BY id " \
        "DESC) FROM a"

    def start(self):
        self.partitions = Living(self.ttl)

    def values(self, rows):
        rows, total, there, given = sorted(rows, key=lambda row: row[0]), 0, 0, []
        for n, row in enumerate(rows):
            total, there = total + (row[2] or 0), there + (row[2] is not None)
            behind = rows[n + 1][2] if n + 1 < len(rows) else None
            given.append(row + (total if there else None, behind))
        return given

    def change(self, name, sign, row):
        old = self.partitions.get(row[1], self.now) or []
        if sign < 0 and row not in old:
            return []
        new = [of for of in old if of != row] + ([row] if sign > 0 else [])
        self.partitions.put(row[1], new, self.now)
        return [(-1, of) for of in self.values(old)] + [(1, of) for of in self.values(new)]


class LastRow(Forgetful):
    sql = "SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p DESC) AS rn FROM a) " \
        "WHERE rn = 1"
    inserts = True

    def start(self):
        self.last = Living(self.ttl)

    def change(self, name, sign, row):
        old = self.last.get(row[1], self.now)
        self.last.put(row[1], row, self.now)
        return ([(-1, old)] if old is not None else []) + [(1, row)]


class FirstRow(LastRow):
    sql = LastRow.sql.replace(" DESC", "")

    def change(self, name, sign, row):
        if self.last.get(row[1], self.now) is not None:
            return []
        self.last.put(row[1], row, self.now)
        return [(1, row)]


class Upserted(Table):
    """Remembers what was asked, for what has been forgotten of it is not what the table holds."""

    def declare(self):
        return Table.declare(self).replace("v INT", "v INT, p AS PROCTIME()")

    def apply(self, operations):
        lines, changes, self.upserts = [], [], []
        for operation in operations:
            more, made = Table.apply(self, [operation])
            lines += more
            changes += made
            self.upserts += [operation] if more else []
        return lines, changes


def draw(seed):
    random = random_module.Random(seed)
    ttl = random.choice([5000, 10000])
    tables = []
    for name in "ab":
        mode = random.choice(["changes", "upserts", "inserts"])
        tables.append(Upserted(name, COLUMNS, mode, "id" if mode == "upserts" or random.random() < 0.3 else None))
    makers = [Passed, Groups, Distinct, Joined, Over] + (
        [LastRow, FirstRow] if tables[0].mode == "inserts" else [])
    queries = [random.choice(makers)(ttl) for _ in range(3)]
    steps, made, now = [], {"a": 0, "b": 0}, BEGIN
    for _ in range(random.randrange(4, 14)):
        if random.random() < 0.5:
            now += random.choice([1, 1000, 2500, 4999, 5000, 7000, 9999, 12000])
            steps.append(Step("clock", now))
            continue
        table, operations = random.choice(tables), []
        for _ in range(random.randrange(1, 5)):
            number = random.randrange(1, made[table.name] + 1) if made[table.name] else 0
            what = random.choice(["put", "put", "drop"])
            if table.mode == "inserts" or number == 0 or random.random() < 0.4:
                made[table.name] += 1
                number, what = made[table.name], "put"
            operations.append((what, (number, random.choice([1, 2, 2, None]), random.choice([None, 1, 2, 5]))))
        steps.append(Step("feed", table, operations))
    settings = [("table.exec.state.ttl", "%d ms" % ttl)]
    return Case(tables, queries, steps, settings)
