"""A course of things that happen to some tables, and a plain computation beside it.

A case is tables, queries and steps. Everything about it is Python data made by a seeded random
generator; `script` writes it as a `.test` file in which each query is looked at after each step, with
the rows that the computation says. Steps and operations may be left out, in any combination, and the
case is still one: that is how a case that fails becomes small.
"""

import datetime

END = 1 << 60  # the watermark of an input that has ended
NONE = -(1 << 60)  # and of one that has none yet


class Old(tuple):
    """The row before an update; a row that is taken back is a plain tuple where it is a deletion."""


def time_text(ms):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return "%s.%03d" % (at.strftime("%Y-%m-%d %H:%M:%S"), at.microsecond // 1000)


def value_text(value, kind):
    if value is None:
        return "NULL"
    return time_text(value) if kind == "time" else str(value)


def row_text(row, kinds):
    return "[%s]" % ", ".join(value_text(value, kind) for value, kind in zip(row, kinds))


class Table:
    """A fed table. Rows are known by their first column, `id`; an operation is (what, row):
    "put" inserts it or updates the row of its id, "drop" deletes the row of its id."""

    MODES = {"inserts": "I", "changes": "I,UB,UA,D", "upserts": "I,UA,D"}

    def __init__(self, name, columns, mode, key=None, time=None, delay=None, strategy="", idle=None):
        self.name, self.columns, self.mode, self.key = name, columns, mode, key
        self.time, self.delay, self.strategy, self.idle = time, delay, strategy, idle
        self.kinds = [kind for _, kind in columns]

    def declare(self):
        names = {"int": "INT", "time": "TIMESTAMP(3)"}
        parts = ["%s %s" % (name, names.get(kind, kind)) for name, kind in self.columns]
        if self.key is not None:
            parts.append("PRIMARY KEY (%s) NOT ENFORCED" % self.key)
        if self.time is not None:
            mark = "SOURCE_WATERMARK()"
            if self.delay is not None:
                mark = "%s - INTERVAL '%g' SECOND" % (self.time, self.delay / 1000)
            parts.append("WATERMARK FOR %s AS %s" % (self.time, mark))
        options = "'connector' = 'feed', 'changelog-mode' = '%s'" % self.MODES[self.mode]
        if self.strategy:
            options += ", 'scan.watermark.emit.strategy' = '%s'" % self.strategy
        if self.idle is not None:
            options += ", 'scan.watermark.idle-timeout' = '%d ms'" % self.idle
        return "CREATE TABLE %s (%s) WITH (%s);" % (self.name, ", ".join(parts), options)

    def reset(self):
        self.rows, self.mark = {}, NONE
        self.ended = False

    def apply(self, operations):
        """The lines to feed, and the changes they mean as (sign, row)."""
        lines, changes = [], []
        at = None if self.key is None else [name for name, _ in self.columns].index(self.key)
        for what, row in operations:
            known = row[0 if at is None else at]
            old = self.rows.get(known)
            if what == "drop":
                if old is None:
                    continue
                del self.rows[known]
                lines.append(("-D", old))
                changes.append((-1, old))
            elif old is None:
                self.rows[known] = row
                lines.append(("+I", row))
                changes.append((1, row))
            elif self.mode != "inserts":
                self.rows[known] = row
                if self.mode == "changes":
                    lines.append(("-U", old))
                lines.append(("+U", row))
                if self.mode == "upserts" and old == row:
                    continue
                changes += [(-1, Old(old)), (1, row)]
        return [kind + row_text(row, self.kinds) for kind, row in lines], changes


class Step:
    """("feed", table, operations), ("watermark", table, ms), ("clock", ms) or ("end", tables)."""

    def __init__(self, what, *rest):
        self.what, self.rest = what, rest


class Case:
    def __init__(self, tables, queries, steps, settings=(), views=()):
        self.tables, self.queries, self.steps = tables, queries, steps
        self.settings, self.views = settings, views

    def with_only(self, queries=None, steps=None):
        return Case(self.tables, self.queries if queries is None else queries,
                    self.steps if steps is None else steps, self.settings, self.views)

    # ------------------------------------------------------------------ writing

    def needed_views(self):
        needed, wanted = [], " ".join(query.sql for query in self.queries)
        for name, sql in reversed(self.views):
            if name + " " in wanted.replace(")", " ").replace(",", " ") + " ":
                needed.insert(0, sql)
                wanted += " " + sql
        return needed

    def script(self):
        out = ["Made by tests/model.", "", "== sql"]
        out += ["SET '%s' = '%s';" % setting for setting in self.settings]
        out += [table.declare() for table in self.tables]
        out += self.needed_views()
        for n, query in enumerate(self.queries):
            out += ["", "== query q%d fold" % n, query.sql + ";"]
            query.open()
        for table in self.tables:
            table.reset()
        for step in self.steps:
            out += self.take(step)
            for n, query in enumerate(self.queries):
                out += ["", "== table q%d" % n] + query.rows()
        return "\n".join(out) + "\n"

    def take(self, step):
        """The block of a step; the queries hear of what it means."""
        if step.what == "feed":
            table, operations = step.rest
            lines, changes = table.apply(operations)
            if not lines:
                return []
            for part, mark in self.parts(table, changes):
                table.mark = mark
                self.tell(table, part)
            return ["", "== feed %s" % table.name] + lines
        if step.what == "watermark":
            table, mark = step.rest
            table.mark = max(table.mark, mark)
            self.tell(table, [])
            return ["", "== watermark %s %s" % (table.name, time_text(mark))]
        if step.what == "clock":
            for query in self.queries:
                query.clock(step.rest[0])
            return ["", "== clock %s" % time_text(step.rest[0])]
        for table in step.rest[0]:
            table.mark = END
        for table in step.rest[0]:
            self.tell(table, [])
        return ["", "== end %s" % " ".join(table.name for table in step.rest[0])]

    @staticmethod
    def parts(table, changes):
        """The changes up to each move of the table's watermark, and where it then is."""
        if table.delay is None:
            return [(changes, table.mark)]
        at = [name for name, _ in table.columns].index(table.time)
        if table.strategy != "on-event":
            return [(changes, max([table.mark] + [row[at] - table.delay for _, row in changes]))]
        parts, mark = [], table.mark
        for sign, row in changes:
            mark = max(mark, row[at] - table.delay)
            parts.append(([(sign, row)], mark))
        return parts

    def tell(self, table, changes):
        for query in self.queries:
            query.take(table, changes)
