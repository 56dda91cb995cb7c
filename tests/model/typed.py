"""Draws cases over columns of every type: as keys of groups, joins, sets and Top-N, as values that are
ordered, compared, counted and shown again, over rows that come, change and go.

A value is its text in a feed; two values are equal if their places in the list of their type are, and
that list is in order. NULL is None."""

import random as random_module
from collections import Counter

from course import Case, Step, Table

# By type: values in order; how each is shown where that differs; how it is written where it must be quoted.
TYPES = {
    "BOOLEAN": ["FALSE", "TRUE"],
    "TINYINT": ["-128", "-1", "0", "7", "127"],
    "SMALLINT": ["-32768", "0", "300", "32767"],
    "INT": ["-2147483648", "-1", "0", "5", "2147483647"],
    "BIGINT": ["-9223372036854775808", "-1", "0", "4294967296", "9223372036854775807"],
    "FLOAT": ["-Infinity", "-1.5", "0.0", "0.1", "1.0E10", "Infinity", "NaN"],
    "DOUBLE": ["-Infinity", "-1.7976931348623157E308", "-0.1", "0.0", "4.0E-300", "2.5", "Infinity", "NaN"],
    "DECIMAL(5, 0)": ["-99999", "-1", "0", "3", "99999"],
    "DECIMAL(10, 2)": ["-12345678.90", "-0.01", "0.00", "0.10", "1.00", "99999999.99"],
    "DECIMAL(18, 6)": ["-999999999999.999999", "-0.000001", "0.000000", "1.500000"],
    "DECIMAL(19, 3)": ["-9999999999999999.999", "-0.001", "0.000", "1.500", "1234567890123456.789"],
    "DECIMAL(38, 10)": ["-1234567890123456789012345678.0123456789", "-0.0000000001", "0.0000000000",
                        "0.5000000000", "9999999999999999999999999999.9999999999"],
    "CHAR(3)": ["'   '", "'a  '", "'ab '", "abc", "abd"],
    "VARCHAR(20)": ["''", "a", "'a '", "a text of some size", "aa", "b"],
    "STRING": ["''", "A", "a", "a long text that ends in 1", "a long text that ends in 2", "\u00e9", "\U0001f600"],
    "BINARY(2)": ["x'0000'", "x'0001'", "x'7fff'", "x'80ff'"],
    "BYTES": ["x''", "x'00'", "x'0000'", "x'00010203040506070809101112131415'", "x'ff'"],
    "DATE": ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31"],
    "TIME": ["00:00:00", "00:00:01", "12:30:00", "23:59:59"],
    "TIME(3)": ["00:00:00.000", "00:00:00.001", "23:59:59.999"],
    "TIMESTAMP(0)": ["0001-01-01 00:00:00", "1969-12-31 23:59:59", "2024-01-01 00:00:00"],
    "TIMESTAMP(3)": ["1969-12-31 23:59:59.999", "1970-01-01 00:00:00.000", "2024-01-01 00:00:00.001"],
    "TIMESTAMP(6)": ["0001-01-01 00:00:00.000001", "2024-01-01 00:00:00.000000",
                     "2024-01-01 00:00:00.000001"],
    "TIMESTAMP(9)": ["0001-01-01 00:00:00.000000001", "1969-12-31 23:59:59.999999999",
                     "2024-01-01 00:00:00.000000000", "2024-01-01 00:00:00.000000001",
                     "9999-12-31 23:59:59.999999999"],
    "TIMESTAMP_LTZ(3)": ["1969-12-31 23:59:59.999", "2024-03-31 01:30:00.000"],
    "TIMESTAMP_LTZ(9)": ["1970-01-01 00:00:00.000000000", "1970-01-01 00:00:00.000000001"],
    "INTERVAL DAY TO SECOND(3)": ["-1 02:03:04.500", "+0 00:00:00.000", "+0 00:00:00.001",
                                  "+99 23:59:59.999"],
    "INTERVAL YEAR TO MONTH": ["-1-02", "+0-00", "+0-11", "+1-00"],
    "ARRAY<INT>": ["[]", "[NULL]", "[1]", "[1, NULL]", "[1, 2]", "[2]"],
    "ARRAY<STRING>": ["[]", "[a]", "[a, b]", "[a text that is quite long, b]"],
    "MAP<STRING, INT>": ["{}", "{a=1}", "{a=1, b=NULL}"],
    "ROW<x INT, y STRING>": ["(NULL, NULL)", "(NULL, a)", "(1, NULL)", "(1, a)", "(2, a text that is long)"],
}

UNORDERED = ("ARRAY", "MAP", "ROW", "BYTES", "BINARY", "BOOLEAN")


def ordered(kind):
    return not kind.startswith(UNORDERED)


def shown(value):
    if value is None:
        return "NULL"
    return value[1:-1] if value.startswith("'") else value


class TypedTable(Table):
    """id, k, v, w: the rows of `apply` hold texts."""

    def __init__(self, name, types, mode, key):
        Table.__init__(self, name, list(zip(["id", "k", "v", "n"], ["INT"] + types + ["INT"])), mode, key)


class Answers:
    """A query, and a computation of its rows from the rows of the tables."""

    def __init__(self, sql, tables, compute):
        self.sql, self.tables, self.compute = sql, tables, compute

    def open(self):
        pass

    def take(self, table, changes):
        pass

    def clock(self, ms):
        pass

    def rows(self):
        found = self.compute(*[list(table.rows.values()) for table in self.tables])
        return ["[%s]" % ", ".join(shown(value) if value is None or isinstance(value, str) else
                                  str(value) for value in row) for row in found]


class Drawing:
    def __init__(self, seed):
        random = self.random = random_module.Random(seed)
        self.k, self.v = random.choice(list(TYPES)), random.choice(list(TYPES))
        self.tables = []
        for name in "ab":
            mode = random.choice(["changes", "changes", "upserts", "inserts"])
            key = "id" if mode == "upserts" or random.random() < 0.5 else None
            self.tables.append(TypedTable(name, [self.k, self.v], mode, key))

    def place(self, value, kind):
        """Orders values; NULL first."""
        return -1 if value is None else TYPES[kind].index(value)

    def order(self, row, at=2):
        return self.place(row[at], self.v if at == 2 else self.k)

    # ---------------------------------------------------------------------- queries

    def groups(self):
        calls = ["COUNT(*)", "COUNT(v)", "COUNT(DISTINCT v)", "CARDINALITY(COLLECT(v))",
                 "CARDINALITY(ARRAY_AGG(v))"]
        if ordered(self.v):
            calls += ["MIN(v)", "MAX(v)", "MIN(v) FILTER (WHERE n > 2)", "MAX(v)", "MIN(v)"]
        if self.tables[0].mode == "inserts":  # by arrival, which a row that changes would do again
            calls += [] if self.v.startswith("MAP") else ["FIRST_VALUE(v)", "LAST_VALUE(v)"]
            if self.v in ("STRING", "VARCHAR(20)"):
                calls += ["LISTAGG(v)", "LISTAGG(v, '; ')", "LISTAGG(v)"]
        calls = self.random.sample(calls, min(3, len(calls)))

        def value(call, rows):
            there = [row for row in rows if row[2] is not None]
            if there and "_VALUE" in call:
                return there[0 if call.startswith("FIRST") else -1][2]
            if there and call.startswith("LISTAGG"):
                return ("; " if ";" in call else ",").join(shown(row[2]) for row in there)
            if "FILTER" in call:
                there = [row for row in there if row[3] is not None and int(row[3]) > 2]
            if call == "COUNT(*)" or "ARRAY_AGG" in call:
                return len(rows)
            if "DISTINCT" in call:
                return len({row[2] for row in there})
            if call == "COUNT(v)" or "COLLECT" in call:
                return len(there)
            if not there:
                return None
            return (min if call.startswith("MIN") else max)(there, key=self.order)[2]

        def compute(rows):
            groups = {}
            for row in rows:
                groups.setdefault(row[1], []).append(row)
            return [(key,) + tuple(value(call, of) for call in calls) for key, of in groups.items()]

        return Answers("SELECT k, %s FROM a GROUP BY k" % ", ".join(calls), self.tables[:1], compute)

    def distinct(self):
        return Answers("SELECT DISTINCT k, v FROM a", self.tables[:1],
                       lambda rows: {(row[1], row[2]) for row in rows})

    def join(self):
        kind = self.random.choice(["", "LEFT ", "FULL "])
        distinct = self.random.random() < 0.3

        def same(left, right):
            return left[1] == right[1] and (distinct or left[1] is not None)

        def compute(a, b):
            found = [(x[0], x[1], y[0], y[1], y[2]) for x in a for y in b if same(x, y)]
            if kind:
                found += [(x[0], x[1], None, None, None) for x in a if not any(same(x, y) for y in b)]
            if kind == "FULL ":
                found += [(None, None, y[0], y[1], y[2]) for y in b if not any(same(x, y) for x in a)]
            return found

        return Answers("SELECT a.id, a.k, b.id, b.k, b.v FROM a %sJOIN b ON a.k %s b.k" % (
            kind, "IS NOT DISTINCT FROM" if distinct else "="), self.tables, compute)

    def membership(self):
        negated = self.random.random() < 0.5

        def compute(a, b):
            there = {row[1] for row in b}
            return [(row[0], row[2]) for row in a
                    if (not there or (row[1] is not None and row[1] not in there and None not in there)
                        if negated else row[1] is not None and row[1] in there)]

        return Answers("SELECT id, v FROM a WHERE k %sIN (SELECT k FROM b)" % ("NOT " if negated else ""),
                       self.tables, compute)

    def sets(self):
        kind = self.random.choice(["INTERSECT", "EXCEPT", "UNION", "INTERSECT ALL", "EXCEPT ALL"])

        def compute(a, b):
            left, right = Counter(row[1:3] for row in a), Counter(row[1:3] for row in b)
            if kind == "UNION":
                return set(left) | set(right)
            if kind.endswith("ALL"):
                return (left & right if kind.startswith("I") else left - right).elements()
            return set(left) & set(right) if kind == "INTERSECT" else set(left) - set(right)

        return Answers("SELECT k, v FROM a %s SELECT k, v FROM b" % kind, self.tables, compute)

    def ranked(self):
        if not ordered(self.v):
            return self.distinct()
        down, last = self.random.random() < 0.5, self.random.choice([1, 2, 3])
        numbered = self.random.random() < 0.5

        def compute(rows):
            groups, found = {}, []
            for row in rows:
                groups.setdefault(row[1], []).append(row)
            for of in groups.values():
                of = sorted(sorted(of, key=lambda row: int(row[0])), key=self.order, reverse=down)
                found += [row[:3] + ((n + 1,) if numbered else ()) for n, row in enumerate(of[:last])]
            return found

        return Answers("SELECT id, k, v%s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v%s, "
                       "id) AS rn FROM a) WHERE rn <= %d" % (", rn" if numbered else "",
                                                            " DESC" if down else "", last),
                       self.tables[:1], compute)

    def over(self):
        if not ordered(self.v):
            return self.groups()
        calls = self.random.sample(["COUNT(*)", "FIRST_VALUE(v)", "LAST_VALUE(v)", "LAG(v)", "LEAD(v, 2)",
                                    "MIN(v)", "MAX(k)", "COUNT(DISTINCT v)", "LAG(k, 3)", "FIRST_VALUE(k)",
                                    "NTH_VALUE(v, 2)"], 3)
        if not ordered(self.k):
            calls = [call for call in calls if call != "MAX(k)"] + ["COUNT(k)"]
        start, end = self.random.choice([(-2, 0), (-1, 1), (None, 0), (0, None), (-3, -1), (1, 2)])
        bounds = [("UNBOUNDED %s" % word if bound is None else "CURRENT ROW" if bound == 0 else
                   "%d %s" % (abs(bound), "PRECEDING" if bound < 0 else "FOLLOWING"))
                  for bound, word in ((start, "PRECEDING"), (end, "FOLLOWING"))]
        partition = self.random.random() < 0.6

        def value(call, of, n):
            name, at = call.split("(")[0], 1 if "(k" in call else 2
            if name in ("LAG", "LEAD"):
                place = n - 1 if call == "LAG(v)" else n + 2 if name == "LEAD" else n - 3
                return of[place][at] if 0 <= place < len(of) else None
            first = 0 if start is None else max(0, n + start)
            frame = of[first:max(first, len(of) if end is None else n + end + 1)]
            there = [row[at] for row in frame if row[at] is not None]
            if name == "COUNT":
                return len(frame) if "*" in call else len(set(there)) if "DISTINCT" in call else len(there)
            if name == "NTH_VALUE":
                return frame[1][at] if len(frame) > 1 else None
            if not there:
                return None
            if name in ("MIN", "MAX"):
                kind = self.k if at == 1 else self.v
                return (min if name == "MIN" else max)(there, key=lambda text: self.place(text, kind))
            return there[0 if name == "FIRST_VALUE" else -1]

        def compute(rows):
            groups, found = {}, []
            for row in rows:
                groups.setdefault(row[1] if partition else None, []).append(row)
            for of in groups.values():
                of = sorted(sorted(of, key=lambda row: int(row[0])), key=self.order)
                found += [row[:1] + tuple(value(call, of, n) for call in calls)
                          for n, row in enumerate(of)]
            return found

        window = "w AS (%sORDER BY v, id)" % ("PARTITION BY k " if partition else "")
        listed = []
        for call in calls:
            framed = not call.startswith(("LAG", "LEAD"))
            listed.append("%s OVER %s" % (call, "(w ROWS BETWEEN %s AND %s)" % tuple(bounds) if framed
                                          else "w"))
        return Answers("SELECT id, %s FROM a WINDOW %s" % (", ".join(listed), window), self.tables[:1],
                       compute)

    def extremes(self):
        if not ordered(self.v):
            return self.sets()

        def compute(rows):
            there = sorted((row for row in rows if row[2] is not None), key=self.order)
            if not rows:
                return []
            return [(there[0][2], there[-1][2], len({row[2] for row in there})) if there else
                    (None, None, 0)]

        return Answers("SELECT MIN(v), MAX(v), COUNT(DISTINCT v) FROM a HAVING COUNT(*) > 0",
                       self.tables[:1], compute)

    def fields(self):
        """Columns of a type inside ROW, ARRAY and MAP, taken out again behind state."""
        def compute(rows):
            return [(row[0], row[2], row[1]) for row in {row[:3] for row in rows}]

        return Answers("SELECT id, r.x, arr[1] FROM (SELECT DISTINCT id, CAST(ROW(v, n) AS ROW<x %s, y INT>) "
                       "AS r, ARRAY[k] AS arr FROM a)" % self.v, self.tables[:1],
                       compute)

    # ------------------------------------------------------------------------ steps

    def row(self, number):
        random = self.random

        def value(kind):
            return None if random.random() < 0.15 else random.choice(TYPES[kind])

        return (str(number), value(self.k), value(self.v), random.choice([None, "0", "3", "5"]))

    def steps(self):
        random, steps, made = self.random, [], {"a": 0, "b": 0}
        for _ in range(random.randrange(3, 9)):
            table = random.choice(self.tables)
            operations = []
            for _ in range(random.randrange(1, 10)):
                if table.mode == "inserts" or random.random() < 0.5 or not made[table.name]:
                    made[table.name] += 1
                    operations.append(("put", self.row(made[table.name])))
                else:
                    operations.append((random.choice(["put", "drop"]),
                                       self.row(random.randrange(1, made[table.name] + 1))))
            steps.append(Step("feed", table, operations))
        return steps


def draw(seed):
    drawing = Drawing(seed)
    makers = [drawing.groups, drawing.distinct, drawing.join, drawing.membership, drawing.sets,
              drawing.ranked, drawing.over, drawing.extremes, drawing.fields]
    queries = [drawing.random.choice(makers)() for _ in range(4)]
    settings = [("execution.check-changes", "true")] if drawing.random.random() < 0.5 else []
    if drawing.random.random() < 0.25:
        settings += [("table.exec.mini-batch.enabled", "true"), ("table.exec.mini-batch.allow-latency", "1 ms"),
                     ("table.exec.mini-batch.size", "3")]
    return Case(drawing.tables, queries, drawing.steps(), settings)
