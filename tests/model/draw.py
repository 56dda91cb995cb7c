"""Draws cases along event time: tables, pipelines of views over them, and a course of late rows,
watermarks, updates and ends."""

import random as random_module

import pipes
from course import Case, Step, Table
from pipes import interval

NUMBERS = [("id", "int"), ("k", "int"), ("v", "int"), ("ts", "time")]


class Drawing:
    def __init__(self, seed):
        self.random = random_module.Random(seed)
        self.views, self.count = [], 0
        self.tables = []

    # ------------------------------------------------------------------------ tables

    def draw_tables(self):
        random = self.random
        # Whether no row is late: what is late for some operators depends on which row comes first.
        self.punctual = random.random() < 0.5
        for n in range(2):
            mode = random.choice(["inserts", "inserts", "changes", "upserts"])
            key = "id" if mode == "upserts" or random.random() < 0.5 else None
            delay = random.choice([12000, 20000] if self.punctual else [0, 1, 2000, 5000, 8000, None])
            strategy = ""
            if random.random() < 0.2:
                # With a row a feed: what is late among several depends on which worker is faster.
                strategy = "" if delay is None else "on-event"
            self.tables.append(Table("t%d" % n, NUMBERS, mode, key, "ts", delay, strategy))
        mode = random.choice(["inserts", "changes", "upserts"])
        self.tables.append(Table("versions", [("id", "int"), ("k", "int"), ("v", "int"), ("ts", "time")],
                                 mode, "k" if mode != "inserts" else None, "ts",
                                 random.choice([0, 2000, None])))

    def row(self, table, number):
        random, at = self.random, self.latest
        if random.random() < 0.15:
            self.latest = at = at + random.randrange(12000)
        time = at + random.randrange(-8000, 3000)
        if random.random() < 0.6:
            time -= time % 500
        self.latest = max(self.latest, time)
        key = random.randrange(3) if table.key == "k" else random.choice([0, 1, 1, 2, None])
        return (number, key, random.choice([None, -2, -1, 0, 1, 1, 2, 3, 7]), time)

    def draw_steps(self):
        random, steps = self.random, []
        self.latest = random.choice([0, 0, 1_700_000_000_000, -3_000_000])
        made = {table.name: 0 for table in self.tables}
        ended = set()
        for n in range(random.randrange(4, 12)):
            left = [table for table in self.tables if table.name not in ended]
            table = random.choice(left)
            what = random.random()
            if what < 0.04 and len(left) > 1:
                steps.append(Step("end", [table]))
                ended.add(table.name)
            elif what < 0.4 and table.delay is None:
                steps.append(Step("watermark", table, self.latest - random.randrange(10000)))
            else:
                operations = []
                for _ in range(1 if table.strategy else random.randrange(1, 8)):
                    if table.mode == "inserts" or random.random() < 0.6 or not made[table.name]:
                        made[table.name] += 1
                        operations.append(("put", self.row(table, made[table.name])))
                    else:
                        number = random.randrange(1, made[table.name] + 1)
                        what = random.choice(["put", "put", "drop"])
                        operations.append((what, self.row(table, number)))
                steps.append(Step("feed", table, operations))
        left = [table for table in self.tables if table.name not in ended]
        random.shuffle(left)
        steps += [Step("end", [table]) for table in left]
        return steps

    # ------------------------------------------------------------------------- views

    def name(self):
        self.count += 1
        return "view%d" % self.count

    def fresh(self, columns):
        """The columns under names of their own."""
        at = self.count
        return [("c%d_%d" % (at, n), kind) for n, (_, kind) in enumerate(columns)]

    def view(self, node, sql):
        self.views.append((node.name, "CREATE VIEW %s AS %s;" % (node.name, sql)))
        return node

    @staticmethod
    def renamed(old, new, prefix=""):
        return ", ".join("%s%s AS %s" % (prefix, a, b) for (a, _), (b, _) in zip(old, new))

    def source(self):
        return pipes.Source(self.random.choice(self.tables[:2]))

    def timed(self, depth, appends=False):
        """A node with an event time."""
        for _ in range(20):
            kinds = [self.source, self.source]
            if depth > 0:
                kinds = [lambda: self.window_rows(depth), lambda: self.window_aggregate(depth),
                         lambda: self.ranked(depth), lambda: self.interval_join(depth),
                         lambda: self.temporal_join(depth), lambda: self.first_row(depth),
                         lambda: self.last_row(depth), lambda: self.over(depth),
                         lambda: self.filter(self.timed(depth - 1)), lambda: self.source(),
                         lambda: self.union(depth), lambda: self.session_rows(depth)]
            node = self.random.choice(kinds)()
            if node is not None and node.time is not None and (node.appends or not appends):
                return node
        return None

    def windowed(self, depth):
        makers = [self.window_rows, self.window_rows, self.window_aggregate, self.window_aggregate,
                  self.session_rows]
        if depth > 1:
            makers.append(self.ranked)
        return self.random.choice(makers)(depth)

    def window_columns(self):
        return [("window_start", "time"), ("window_end", "time"), ("window_time", "time")]

    def window_rows(self, depth, spec=None):
        inner = self.timed(depth - 1)
        if inner is None:
            return None
        spec = spec or pipes.Spec.random(self.random)
        name = self.name()
        old = inner.columns + self.window_columns()
        columns = self.fresh(old)
        node = pipes.WindowRows(name, inner, spec, columns)
        return self.view(node, "SELECT %s FROM %s" % (self.renamed(old, columns),
                                                     spec.call(inner.name, inner.time)))

    def session_call(self, inner, gap, keys):
        parts = " PARTITION BY (%s)" % ", ".join(keys) if keys else ""
        return "TABLE(SESSION(TABLE %s%s, DESCRIPTOR(%s), %s))" % (inner.name, parts, inner.time,
                                                                 interval(gap))

    def may_be_session(self, inner):
        """A late row is saved by one before it that joins it with a session that is open."""
        return self.punctual or (inner.ordered and all(
            not isinstance(node, pipes.Source) or node.table.mode != "upserts"
            for node in pipes.Query(inner).nodes()))

    def keys_of(self, node, most=1):
        names = [name for name, kind in node.columns if kind == "int"]
        return self.random.sample(names, min(len(names), self.random.randrange(most + 1)))

    def session_rows(self, depth, gap=None):
        inner = self.timed(depth - 1)
        if inner is None or not self.may_be_session(inner):
            return None
        gap = gap or self.random.choice([1000, 2000, 4000])
        keys = self.keys_of(inner)
        name = self.name()
        old = inner.columns + self.window_columns()
        columns = self.fresh(old)
        node = pipes.SessionRows(name, inner, gap, keys, columns)
        return self.view(node, "SELECT %s FROM %s" % (self.renamed(old, columns),
                                                     self.session_call(inner, gap, keys)))

    def calls(self, inner):
        calls = []
        for _ in range(self.random.randrange(1, 4)):
            calls.append((self.random.choice(pipes.AGGREGATES), inner.pick(self.random)))
        return calls

    @staticmethod
    def may_be_pruned(node):
        """Whether columns of OVER are in it: where nobody asks for them rows do not wait for them."""
        return any(isinstance(inner, pipes.TimeOver) for inner in pipes.Query(node).nodes())

    @staticmethod
    def tables_of(node):
        return {inner.name for inner in pipes.Query(node).nodes() if isinstance(inner, pipes.Source)}

    def has_int(self, node):
        return any(kind == "int" for _, kind in node.columns)

    def window_aggregate(self, depth, spec=None):
        """From a function in FROM, or a window in GROUP BY."""
        random = self.random
        inner = self.timed(depth - 1)
        if inner is None or not self.has_int(inner) or self.may_be_pruned(inner):
            return None
        keys, calls = self.keys_of(inner, 2), self.calls(inner)
        style = random.choice(["from", "from", "group", "session", "session group"])
        if spec is not None or not self.may_be_session(inner):
            style = "from"
        gap = random.choice([1000, 2000, 4000])
        what = gap if style.startswith("session") else spec or pipes.Spec.random(random, style == "group")
        name = self.name()
        old = [(key, "int") for key in keys]
        old += [(call % column if "%" in call else call, "int") for call, column in calls]
        columns = self.fresh(old + self.window_columns())
        node = pipes.WindowAggregate(name, inner, what, keys, calls, columns,
                                     not style.endswith("group"))
        if style.endswith("group"):
            window = ("SESSION(%s, %s)" % (inner.time, interval(gap)) if style == "session group" else
                      "%s(%s, %s)" % (what.kind, inner.time, what.lengths()))
            call, arguments = window.split("(", 1)
            old = old + [("%s_%s(%s" % (call, part, arguments), "time")
                         for part in ("START", "END", "ROWTIME")]
            return self.view(node, "SELECT %s FROM %s GROUP BY %s" % (
                self.renamed(old, columns), inner.name, ", ".join([window] + keys)))
        source = (self.session_call(inner, gap, keys) if style == "session" else
                  what.call(inner.name, inner.time))
        old = old + self.window_columns()
        group = [column for column, _ in self.window_columns()] + keys
        random.shuffle(group)
        return self.view(node, "SELECT %s FROM %s GROUP BY %s" % (self.renamed(old, columns), source,
                                                                ", ".join(group)))

    def ranked(self, depth):
        random = self.random
        inner = self.windowed(max(depth - 1, 1))
        if inner is None or inner.window is None:
            return None
        keys = self.keys_of(inner)
        order = [(name, random.random() < 0.5) for name, _ in inner.columns]
        random.shuffle(order)
        first, last = random.choice([(1, 1), (1, 2), (1, 3), (2, 3)])
        numbered = random.random() < 0.5
        name = self.name()
        columns = self.fresh(inner.columns + ([("rn", "int")] if numbered else []))
        node = pipes.RankedRows(name, inner, keys, order, first, last, numbered, columns)
        sql = "SELECT %s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY %s ORDER BY %s) AS rn FROM %s) " \
            "WHERE rn BETWEEN %d AND %d" % (
                self.renamed(inner.columns + [("rn", "int")], columns),
                ", ".join(list(inner.window[1:]) + keys),
                ", ".join(column + (" DESC" if down else "") for column, down in order), inner.name,
                first, last)
        return self.view(node, sql)

    def window_join(self, depth):
        random = self.random
        if random.random() < 0.2:
            return self.session_join(depth)
        spec = pipes.Spec.random(random)
        sides = []
        for _ in range(2):
            maker = random.choice([self.window_rows, self.window_aggregate])
            sides.append(maker(max(1, depth - 1), spec))
        if None in sides or not all(self.has_int(side) for side in sides):
            return None
        return self.joined_windows(sides)

    def session_join(self, depth):
        gap = self.random.choice([1000, 3000])
        sides = [self.session_rows(max(1, depth - 1), gap) for _ in range(2)]
        if None in sides or sides[0].keys or sides[1].keys:
            return None
        return self.joined_windows(sides)

    def joined_windows(self, sides):
        kind = self.random.choice(["INNER", "LEFT", "RIGHT", "FULL", "IN", "NOT IN"])
        left, right = sides
        if kind.endswith("IN") and self.may_be_pruned(right):
            kind = "INNER"
        keys = [left.pick(self.random), right.pick(self.random)]
        bounds = list(zip(left.window[1:], right.window[1:]))
        name = self.name()
        if kind.endswith("IN"):
            columns = self.fresh(left.columns)
            node = pipes.WindowJoin(name, left, right, kind, keys, columns)
            negation = "NOT " if kind == "NOT IN" else ""
            return self.view(node, "SELECT %s FROM %s a WHERE %sEXISTS (SELECT * FROM %s b WHERE "
                             "a.%s = b.%s AND %s)" % (
                                 self.renamed(left.columns, columns), left.name, negation, right.name,
                                 keys[0], keys[1],
                                 " AND ".join("a.%s = b.%s" % pair for pair in bounds)))
        columns = self.fresh(left.columns + right.columns)
        node = pipes.WindowJoin(name, left, right, kind, keys, columns)
        listed = [("a." + column, of) for column, of in left.columns]
        listed += [("b." + column, of) for column, of in right.columns]
        conditions = ["a.%s = b.%s" % pair for pair in [tuple(keys)] + bounds]
        self.random.shuffle(conditions)
        return self.view(node, "SELECT %s FROM %s a %s JOIN %s b ON %s" % (
            self.renamed(listed, columns), left.name, kind, right.name, " AND ".join(conditions)))

    def interval_join(self, depth):
        random = self.random
        left, right = self.timed(depth - 1, True), self.timed((depth - 1) // 2, True)
        if left is None or right is None or not self.has_int(left) or not self.has_int(right):
            return None
        if self.tables_of(left) & self.tables_of(right):
            return None  # which side of a late row is kept depends on which comes first
        keys = [left.pick(random), right.pick(random)]
        before = random.choice([0, 1000, 2500, 5000, -1000])
        bounds = (before, max(-before, random.choice([0, 1000, 3000, 7000])))
        kind = random.choice(["INNER", "INNER", "LEFT", "RIGHT", "FULL"])
        name = self.name()
        columns = self.fresh(left.columns + right.columns)
        node = pipes.IntervalJoin(name, left, right, kind, keys, bounds, columns)
        listed = [("a." + column, of) for column, of in left.columns]
        listed += [("b." + column, of) for column, of in right.columns]
        return self.view(
            node, "SELECT %s FROM %s a %s JOIN %s b ON a.%s = b.%s AND b.%s BETWEEN a.%s - %s AND "
            "a.%s + %s" % (self.renamed(listed, columns), left.name, kind, right.name, keys[0], keys[1],
                           right.time, left.time, interval(bounds[0]), left.time, interval(bounds[1])))

    def temporal_join(self, depth):
        random = self.random
        left = self.timed(depth - 1)
        if left is None or not self.has_int(left):
            return None
        table = self.tables[2]
        right = pipes.Source(table)
        if table.key is None:
            right = self.last_row(1, pipes.Source(table), "k")
            if right is None:
                return None
        key = "k" if table.key else right.columns[1][0]
        keys = [left.pick(random), key]
        kind = random.choice(["INNER", "LEFT"])
        name = self.name()
        columns = self.fresh(left.columns + right.columns)
        node = pipes.TemporalJoin(name, left, right, kind, keys, columns)
        listed = [("a." + column, of) for column, of in left.columns]
        listed += [("b." + column, of) for column, of in right.columns]
        return self.view(node, "SELECT %s FROM %s a %s JOIN %s FOR SYSTEM_TIME AS OF a.%s AS b ON "
                         "a.%s = b.%s" % (self.renamed(listed, columns), left.name, kind, right.name,
                                          left.time, keys[0], keys[1]))

    def ordered(self, depth):
        """Rows that only come, in a known order."""
        inner = self.timed(depth - 1, True)
        return inner if inner is not None and inner.ordered else None

    def first_row(self, depth):
        return self.one_row(self.ordered(depth), None, pipes.FirstRow, "")

    def last_row(self, depth, inner=None, key=None):
        return self.one_row(inner or self.ordered(depth), key, pipes.LastRow, " DESC")

    def one_row(self, inner, key, of, direction):
        if inner is None or not inner.appends:
            return None
        key = key or inner.pick(self.random)
        name = self.name()
        columns = self.fresh(inner.columns)
        node = of(name, inner, key, columns)
        return self.view(node, "SELECT %s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY %s ORDER BY "
                         "%s%s) AS rn FROM %s) WHERE rn = 1" % (
                             self.renamed(inner.columns, columns), key, inner.time, direction,
                             inner.name))

    def over(self, depth):
        random = self.random
        inner = self.timed(depth - 1, True)
        if inner is None or not self.has_int(inner):
            return None
        key, calls = inner.pick(random), []
        rows_may = inner.ordered
        for _ in range(random.randrange(1, 4)):
            column = inner.pick(random)
            unit = random.choice(["ROWS", "RANGE"]) if rows_may else "RANGE"
            names = ["COUNT(*)", "COUNT(%s)", "SUM(%s)", "MIN(%s)", "MAX(%s)", "COUNT(DISTINCT %s)"]
            if rows_may:
                names += ["FIRST_VALUE", "LAST_VALUE", "LAG"]
            name = random.choice(names)
            distance = random.choice([None, None, 0, 1, 2, 5])
            if name == "LAG":
                distance = random.choice([1, 2, 40])
                calls.append(("LAG(%s, %d) OVER w" % (column, distance), name, column, "ROWS", distance))
                continue
            if unit == "RANGE" and distance is not None:
                distance *= random.choice([1000, 500, 3000])
            if name in ("FIRST_VALUE", "LAST_VALUE"):
                call = "%s(%s)" % (name, column)
            else:
                call = name % column if "%" in name else name
            bound = "UNBOUNDED" if distance is None else (
                interval(distance) if unit == "RANGE" else str(distance))
            calls.append(("%s OVER (w %s BETWEEN %s PRECEDING AND CURRENT ROW)" % (call, unit, bound),
                          name, column, unit, distance))
        name = self.name()
        old = inner.columns + [(call[0], "int") for call in calls]
        columns = self.fresh(old)
        node = pipes.TimeOver(name, inner, key, calls, columns)
        return self.view(node, "SELECT %s FROM %s WINDOW w AS (PARTITION BY %s ORDER BY %s)" % (
            self.renamed(old, columns), inner.name, key, inner.time))

    def filter(self, inner):
        if inner is None or not self.has_int(inner):
            return None
        name, column, least = self.name(), inner.pick(self.random), self.random.choice([-1, 0, 1])
        columns = self.fresh(inner.columns)
        node = pipes.Filter(name, inner, column, least, columns)
        return self.view(node, "SELECT %s FROM %s WHERE %s >= %d" % (
            self.renamed(inner.columns, columns), inner.name, column, least))

    def union(self, depth):
        left, right = [pipes.Source(table) for table in self.tables[:2]]
        name = self.name()
        columns = self.fresh(left.columns)
        node = pipes.UnionAll(name, left, right, columns)
        return self.view(node, "SELECT %s FROM %s UNION ALL SELECT * FROM %s" % (
            self.renamed(left.columns, columns), left.name, right.name))

    def aggregate(self, inner):
        if inner is None or not self.has_int(inner) or self.may_be_pruned(inner):
            return None
        keys, calls = self.keys_of(inner, 2) or [inner.pick(self.random)], self.calls(inner)
        old = [(key, "int") for key in keys]
        old += [(call % column if "%" in call else call, "int") for call, column in calls]
        name = self.name()
        columns = self.fresh(old)
        node = pipes.Aggregate(name, inner, keys, calls, columns)
        return self.view(node, "SELECT %s FROM %s GROUP BY %s" % (self.renamed(old, columns), inner.name,
                                                                ", ".join(keys)))

    def top(self):
        depth = self.random.randrange(1, 4)
        kind = self.random.random()
        if kind < 0.3:
            return self.window_join(depth)
        node = self.timed(depth)
        return self.aggregate(node) if kind < 0.45 else node


def draw(seed):
    drawing = Drawing(seed)
    drawing.draw_tables()
    queries = []
    while len(queries) < 3:
        node = drawing.top()
        if node is not None and not isinstance(node, pipes.Source):
            queries.append(pipes.Query(node))
    settings = []
    if drawing.random.random() < 0.5:
        settings.append(("execution.check-changes", "true"))
    return Case(drawing.tables, queries, drawing.draw_steps(), settings, drawing.views)
