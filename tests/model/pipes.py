"""Queries along event time: windows of every kind, Top-N, joins and OVER by time, one above the other.

A node is a view and beside it a plain computation of what the view gives: `step` takes the changes of
its inputs and where their watermarks are then, and returns its own changes. Rows of one step come while
the watermarks are where the step before left them, and move after the rows.
"""

from collections import Counter

from course import END, NONE, Old, row_text


class Node:
    """`columns`: (name, kind); `time`: the event time among them, or None; `appends`: it only inserts;
    `window`: (spec, start, end) where rows are of windows; `ordered`: rows come in a known order."""

    window, ordered = None, False

    def __init__(self, name, inputs, columns, time, appends):
        self.name, self.inputs, self.columns = name, inputs, columns
        self.time, self.appends = time, appends
        self.kinds = [kind for _, kind in columns]

    def at(self, name):
        return [column for column, _ in self.columns].index(name)

    def open(self):
        self.seen = self.mark = NONE  # the watermark that came last, and the one that was passed on
        self.start()

    def start(self):
        pass

    def take(self, given):
        """The changes of this step; `given`: by node, what others have already given in it."""
        if self.name not in given:
            changes = [node.take(given) for node in self.inputs]
            mark = min(node.mark for node in self.inputs)
            self.moves = mark > self.seen  # what waits goes only then
            given[self.name] = self.step(changes, self.seen, mark)
            self.seen, self.mark = mark, self.passed_on(mark)
        return given[self.name]

    def passed_on(self, mark):
        return mark

    def pick(self, random, kind="int"):
        return random.choice([name for name, of in self.columns if of == kind])


class Source(Node):
    ordered = True

    def __init__(self, table):
        Node.__init__(self, table.name, [], table.columns, table.time, table.mode == "inserts")
        self.table = table

    def take(self, given):
        if self.name not in given:
            given[self.name] = []
        self.mark = self.table.mark
        return given[self.name]


class Query:
    """What all changes of a node add up to."""

    def __init__(self, node):
        self.node, self.sql = node, "SELECT * FROM %s" % node.name

    def nodes(self):
        found, left = [], [self.node]
        while left:
            node = left.pop()
            if node not in found:
                found.append(node)
                left += node.inputs
        return found

    def open(self):
        self.total = Counter()
        for node in self.nodes():
            node.open()

    def take(self, table, changes):
        for sign, row in self.node.take({table.name: changes}):
            self.total[row] += sign

    def clock(self, ms):
        pass

    def rows(self):
        return [row_text(row, self.node.kinds)
                for row, count in self.total.items() for _ in range(count)]


# ------------------------------------------------------------------------ windows


class Spec:
    """A window: kind, size, slide (or step) and offset in ms."""

    def __init__(self, kind, size, slide, offset):
        self.kind, self.size, self.slide, self.offset = kind, size, slide, offset

    @staticmethod
    def random(random, group=False):
        kind = random.choice(["TUMBLE", "HOP"] if group else ["TUMBLE", "HOP", "CUMULATE"])
        slide = random.choice([1000, 2000, 3000, 5000])
        size = slide * random.choice([1, 2, 3, 5])
        if group and kind == "HOP":
            size = random.choice([2000, 5000, 7000, 10000])
        offset = 0 if group else random.choice([0, 0, 0, 1000, -1000, 2500])
        return Spec(kind, size, slide, offset)

    def windows(self, time):
        size, slide, offset = self.size, self.slide, self.offset
        if self.kind == "HOP":
            start = (time - offset) // slide * slide + offset
            while start > time - size:
                yield start, start + size
                start -= slide
            return
        start = (time - offset) // size * size + offset
        if self.kind == "TUMBLE":
            yield start, start + size
            return
        for end in range(start + slide, start + size + 1, slide):
            if end > time:
                yield start, end

    def lengths(self):
        lengths = [self.size] if self.kind == "TUMBLE" else [self.slide, self.size]
        return ", ".join(interval(length) for length in lengths)

    def call(self, view, time):
        offset = ", " + interval(self.offset) if self.offset else ""
        return "TABLE(%s(TABLE %s, DESCRIPTOR(%s), %s%s))" % (self.kind, view, time, self.lengths(),
                                                            offset)


def interval(ms):
    return "INTERVAL '%g' SECOND" % (ms / 1000)


def aggregate(name, values):
    """Of a list of values with None."""
    there = [value for value in values if value is not None]
    if name == "COUNT(*)":
        return len(values)
    if name.startswith("COUNT(DISTINCT"):
        return len(set(there))
    if name.startswith("COUNT"):
        return len(there)
    if not there:
        return None
    if name.startswith("SUM(DISTINCT"):
        return sum(set(there))
    if name.startswith("SUM"):
        return sum(there)
    if name.startswith("AVG"):
        total = sum(there)
        return abs(total) // len(there) * (1 if total >= 0 else -1)
    return min(there) if name.startswith("MIN") else max(there)


AGGREGATES = ["COUNT(*)", "COUNT(%s)", "COUNT(DISTINCT %s)", "SUM(%s)", "SUM(DISTINCT %s)", "AVG(%s)",
              "MIN(%s)", "MAX(%s)"]


class Groups:
    """Rows by (window, key), each until its window's end has been reached."""

    def __init__(self):
        self.rows = {}

    def change(self, window, key, sign, row, before):
        if before < window[1] - 1:
            rows = self.rows.setdefault((window, key), [])
            rows.append(row) if sign > 0 else rows.remove(row)

    def over(self, mark):
        """Those whose windows end now, in the order of their ends."""
        done = sorted((place for place in self.rows if place[0][1] - 1 <= mark),
                      key=lambda place: place[0][1])
        return [(place[0], place[1], rows) for place in done if (rows := self.rows.pop(place))]


class WindowRows(Node):
    """A window function in FROM: each row once per window."""

    def __init__(self, name, inner, spec, columns):
        Node.__init__(self, name, [inner], columns, columns[-1][0], inner.appends)
        self.spec, self.window = spec, (spec, columns[-3][0], columns[-2][0])
        self.ordered = inner.ordered and spec.kind == "TUMBLE"

    def step(self, changes, before, mark):
        time = self.inputs[0].at(self.inputs[0].time)
        return [(sign, row + window + (window[1] - 1,)) for sign, row in changes[0]
                for window in self.spec.windows(row[time])]


class Sessions:
    """Rows of keys that belong to sessions which have not been given."""

    def __init__(self, gap):
        self.gap, self.rows = gap, {}

    def sessions(self, key):
        rows, found = sorted(self.rows.get(key, []), key=lambda item: item[0]), []
        for time, row in rows:
            if found and time - found[-1][-1][0] <= self.gap:
                found[-1].append((time, row))
            else:
                found.append([(time, row)])
        return found

    def change(self, key, sign, time, row, before):
        rows = self.rows.setdefault(key, [])
        if sign < 0:
            if (time, row) in rows:
                rows.remove((time, row))
            return
        open_rows = [at for session in self.sessions(key)
                     if session[-1][0] + self.gap - 1 > before for at, _ in session]
        if time + self.gap - 1 > before or any(abs(at - time) <= self.gap for at in open_rows):
            rows.append((time, row))

    def over(self, mark):
        given = []
        for key in list(self.rows):
            for session in self.sessions(key):
                window = (session[0][0], session[-1][0] + self.gap)
                if window[1] - 1 <= mark:
                    given.append((window, key, [row for _, row in session]))
                    for item in session:
                        self.rows[key].remove(item)
        return given


class SessionRows(Node):
    def __init__(self, name, inner, gap, keys, columns):
        Node.__init__(self, name, [inner], columns, columns[-1][0], True)
        self.gap, self.keys = gap, keys
        self.window = (("SESSION", gap, tuple(keys)), columns[-3][0], columns[-2][0])

    def start(self):
        self.kept = Sessions(self.gap)

    def step(self, changes, before, mark):
        inner = self.inputs[0]
        for sign, row in changes[0]:
            key = tuple(row[inner.at(name)] for name in self.keys)
            self.kept.change(key, sign, row[inner.at(inner.time)], row, before)
        over = self.kept.over(mark) if self.moves else []
        return [(1, row + window + (window[1] - 1,)) for window, _, rows in over for row in rows]


class WindowAggregate(Node):
    """GROUP BY the window and some columns; `spec` is a Spec, or the gap of a session."""

    def __init__(self, name, inner, spec, keys, calls, columns, from_clause):
        """columns: keys, calls, start, end and time of the window."""
        Node.__init__(self, name, [inner], columns, columns[-1][0], True)
        self.spec, self.keys, self.calls = spec, keys, calls
        kind = spec if isinstance(spec, Spec) else ("SESSION", spec, tuple(keys))
        # Only windows in FROM are such that others can be joined with them.
        self.window = (kind, columns[-3][0], columns[-2][0]) if from_clause else None

    def start(self):
        self.kept = Groups() if isinstance(self.spec, Spec) else Sessions(self.spec)

    def step(self, changes, before, mark):
        inner = self.inputs[0]
        for sign, row in changes[0]:
            key = tuple(row[inner.at(name)] for name in self.keys)
            time = row[inner.at(inner.time)]
            if isinstance(self.spec, Spec):
                for window in self.spec.windows(time):
                    self.kept.change(window, key, sign, row, before)
            else:
                self.kept.change(key, sign, time, row, before)
        given = []
        for window, key, rows in self.kept.over(mark) if self.moves else []:
            values = tuple(aggregate(call, [row[inner.at(column)] for row in rows])
                           for call, column in self.calls)
            given.append((1, key + values + window + (window[1] - 1,)))
        return given


class RankedRows(Node):
    """The first rows of each window and key, in a total order."""

    def __init__(self, name, inner, keys, order, first, last, numbered, columns):
        Node.__init__(self, name, [inner], columns, None if inner.time is None else columns[
            inner.at(inner.time)][0], True)
        self.keys, self.order, self.first, self.last = keys, order, first, last
        self.numbered = numbered
        _, start, end = inner.window
        self.window = (inner.window[0], columns[inner.at(start)][0], columns[inner.at(end)][0])

    def start(self):
        self.kept = Groups()

    def step(self, changes, before, mark):
        inner = self.inputs[0]
        _, start, end = inner.window
        for sign, row in changes[0]:
            window = (row[inner.at(start)], row[inner.at(end)])
            key = tuple(row[inner.at(name)] for name in self.keys)
            self.kept.change(window, key, sign, row, before)
        given = []
        for _, _, rows in self.kept.over(mark):
            for column, descending in reversed(self.order):
                at = inner.at(column)
                rows = sorted(rows, key=lambda row: (row[at] is not None, row[at] or 0),
                              reverse=descending)
            for n, row in enumerate(rows):
                if self.first <= n + 1 <= self.last:
                    given.append((1, row + ((n + 1,) if self.numbered else ())))
        return given


class WindowJoin(Node):
    def __init__(self, name, left, right, kind, keys, columns):
        time = None
        Node.__init__(self, name, [left, right], columns, time, True)
        self.kind, self.keys = kind, keys

    def start(self):
        self.kept = [Groups(), Groups()]

    def step(self, changes, before, mark):
        for side in (0, 1):
            inner = self.inputs[side]
            for sign, row in changes[side]:
                window = tuple(row[inner.at(name)] for name in inner.window[1:])
                self.kept[side].change(window, (), sign, row, before)
        over = [{window: rows for window, _, rows in kept.over(mark)} for kept in self.kept]
        given = []
        for window in sorted(set(over[0]) | set(over[1])):
            given += self.join(over[0].get(window, []), over[1].get(window, []))
        return given

    def join(self, lefts, rights):
        left_at, right_at = (self.inputs[side].at(self.keys[side]) for side in (0, 1))
        pairs = [(left, right) for left in range(len(lefts)) for right in range(len(rights))
                 if lefts[left][left_at] is not None and lefts[left][left_at] == rights[right][right_at]]
        matched = [{pair[side] for pair in pairs} for side in (0, 1)]
        if self.kind in ("IN", "NOT IN"):
            chosen = [n for n in range(len(lefts)) if (n in matched[0]) == (self.kind == "IN")]
            return [(1, lefts[n]) for n in chosen]
        given = [(1, lefts[left] + rights[right]) for left, right in pairs]
        if self.kind in ("LEFT", "FULL"):
            pad = (None,) * len(self.inputs[1].columns)
            given += [(1, row + pad) for n, row in enumerate(lefts) if n not in matched[0]]
        if self.kind in ("RIGHT", "FULL"):
            pad = (None,) * len(self.inputs[0].columns)
            given += [(1, pad + row) for n, row in enumerate(rights) if n not in matched[1]]
        return given


# ------------------------------------------------------------------- joins along time


class IntervalJoin(Node):
    """right.time BETWEEN left.time - before_ms AND left.time + after_ms."""

    def __init__(self, name, left, right, kind, keys, bounds, columns):
        Node.__init__(self, name, [left, right], columns, columns[left.at(left.time)][0], True)
        self.kind, self.keys, self.bounds = kind, keys, bounds
        if kind in ("RIGHT", "FULL"):
            self.time = None

    def start(self):
        self.kept = [[], []]

    def passed_on(self, mark):
        return mark if mark in (NONE, END) else mark - max(0, *self.reach())

    def reach(self):
        before, after = self.bounds
        return after, before

    def pads(self, side):
        return self.kind == "FULL" or self.kind == ("LEFT", "RIGHT")[side]

    def pair(self, side, row, other):
        return row + other if side == 0 else other + row

    def pad(self, side, row):
        return (1, self.pair(side, row, (None,) * len(self.inputs[1 - side].columns)))

    def matches(self, rows):
        key = [rows[side][self.inputs[side].at(self.keys[side])] for side in (0, 1)]
        time = [rows[side][self.inputs[side].at(self.inputs[side].time)] for side in (0, 1)]
        return key[0] is not None and key[0] == key[1] and (
            -self.bounds[0] <= time[1] - time[0] <= self.bounds[1])

    def step(self, changes, before, mark):
        given = []
        for side in (0, 1):
            inner = self.inputs[side]
            for _, row in changes[side]:
                matched = False
                for item in self.kept[1 - side]:
                    if self.matches([row, item[0]] if side == 0 else [item[0], row]):
                        matched = item[1] = True
                        given.append((1, self.pair(side, row, item[0])))
                possible = -self.bounds[0] <= self.bounds[1]
                if possible and before < row[inner.at(inner.time)] + self.reach()[side]:
                    self.kept[side].append([row, matched])
                elif not matched and self.pads(side):
                    given.append(self.pad(side, row))
        for side in (0, 1):
            inner = self.inputs[side]
            last = [row for row in self.kept[side]
                    if row[0][inner.at(inner.time)] + self.reach()[side] + 1 <= mark]
            self.kept[side] = [row for row in self.kept[side] if row not in last]
            given += [self.pad(side, row) for row, matched in last
                      if not matched and self.pads(side)]
        return given


class TemporalJoin(Node):
    def __init__(self, name, left, right, kind, keys, columns):
        Node.__init__(self, name, [left, right], columns, columns[left.at(left.time)][0], left.appends)
        self.kind, self.keys = kind, keys

    def start(self):
        self.waiting, self.versions, self.arrived = [], [], 0

    def forget_deleted(self, mark):
        """Of a key whose last version up to the mark is a delete nothing is kept up to there."""
        key, last = self.inputs[1].at(self.keys[1]), {}
        for item in self.versions:
            of = item[3][key]
            if item[0] <= mark and (of not in last or item[:2] > last[of][:2]):
                last[of] = item
        self.versions = [item for item in self.versions
                         if item[0] > mark or last[item[3][key]][2] > 0]

    def step(self, changes, before, mark):
        left, right = self.inputs
        time = left.at(left.time)
        self.waiting += [change for change in changes[0] if change[1][time] > before]
        for sign, row in changes[1]:
            if not isinstance(row, Old):
                self.arrived += 1
                self.versions.append((row[right.at(right.time)], self.arrived, sign, row))
                self.forget_deleted(before)
        given = []
        for sign, row in [change for change in self.waiting if change[1][time] <= mark]:
            found = [item for item in self.versions if item[0] <= row[time] and
                     item[3][right.at(self.keys[1])] == row[left.at(self.keys[0])] is not None]
            version = max(found, key=lambda item: item[:2]) if found else None
            if version is not None and version[2] > 0:
                given.append((sign, row + version[3]))
            elif self.kind == "LEFT":
                given.append((sign, row + (None,) * len(right.columns)))
        self.waiting = [change for change in self.waiting if change[1][time] > mark]
        self.forget_deleted(mark)
        return given


# ------------------------------------------------------------- rows of a key, along time


class FirstRow(Node):
    def __init__(self, name, inner, key, columns):
        Node.__init__(self, name, [inner], columns, columns[inner.at(inner.time)][0], True)
        self.key = key

    def start(self):
        self.waiting, self.given = {}, set()

    def step(self, changes, before, mark):
        inner = self.inputs[0]
        time = inner.at(inner.time)
        for _, row in changes[0]:
            key = row[inner.at(self.key)]
            if key in self.given or row[time] < before:
                continue
            if key not in self.waiting or row[time] < self.waiting[key][time]:
                self.waiting[key] = row
        done = [key for key, row in self.waiting.items() if row[time] <= mark and self.moves]
        self.given |= set(done)
        return [(1, self.waiting.pop(key)) for key in done]


class LastRow(Node):
    def __init__(self, name, inner, key, columns):
        Node.__init__(self, name, [inner], columns, columns[inner.at(inner.time)][0], False)
        self.key = key

    def start(self):
        self.last = {}

    def step(self, changes, before, mark):
        inner, given = self.inputs[0], []
        time = inner.at(inner.time)
        for _, row in changes[0]:
            key = row[inner.at(self.key)]
            old = self.last.get(key)
            if old is not None and row[time] < old[time]:
                continue
            self.last[key] = row
            given += ([(-1, Old(old))] if old is not None else []) + [(1, row)]
        return given


class TimeOver(Node):
    """Window functions along time. A call is (sql, name, column, unit, distance): a distance of None
    is unbounded; unit RANGE in ms, ROWS in rows; LAG has its distance."""

    def __init__(self, name, inner, key, calls, columns):
        Node.__init__(self, name, [inner], columns, columns[inner.at(inner.time)][0], True)
        self.key, self.calls = key, calls
        # LAG looks back as far as a frame without a bound.
        self.bounded = all(call[4] is not None and call[1] != "LAG" for call in calls)
        self.forgets = all(call[3] == "RANGE" for call in calls) and self.bounded
        self.ordered = False

    def start(self):
        self.waiting, self.past, self.last, self.until = [], {}, {}, {}

    def step(self, changes, before, mark):
        inner, given = self.inputs[0], []
        time = inner.at(inner.time)
        for _, row in changes[0]:
            late = before if not self.bounded else self.last.get(row[inner.at(self.key)], NONE)
            if row[time] > late:
                self.waiting.append(row)
        if not self.moves:
            return []
        ready = sorted((row for row in self.waiting if row[time] <= mark), key=lambda row: row[time])
        self.waiting = [row for row in self.waiting if row[time] > mark]
        for row in ready:
            self.past.setdefault(row[inner.at(self.key)], []).append(row)
        for key in {row[inner.at(self.key)] for row in ready}:
            self.last[key] = self.past[key][-1][time]
        for row in ready:
            rows = self.past[row[inner.at(self.key)]]
            at = next(n for n, other in enumerate(rows) if other is row)
            given.append((1, row + tuple(self.value(call, rows, at) for call in self.calls)))
        self.forget(ready, mark)
        return given

    def forget(self, ready, mark):
        """A partition whose frames are all of RANGE goes half as late again as it could."""
        if not self.forgets:
            return
        reach = max(call[4] for call in self.calls)
        inner = self.inputs[0]
        for key in {row[inner.at(self.key)] for row in ready}:
            if self.until.get(key, NONE) <= self.last[key] + reach:
                self.until[key] = self.last[key] + reach + reach // 2 + 1
        for key in [key for key, until in self.until.items() if until <= mark]:
            waits = any(row[inner.at(self.key)] == key for row in self.waiting)
            if self.until[key] <= mark and not waits:
                for of in (self.until, self.last, self.past):
                    of.pop(key, None)

    def value(self, call, rows, at):
        _, name, column, unit, distance = call
        inner = self.inputs[0]
        time, row = inner.at(inner.time), rows[at]
        if name == "LAG":
            value = rows[at - distance][inner.at(column)] if at >= distance else None
            return value
        if unit == "ROWS":
            frame = rows[0 if distance is None else max(0, at - distance):at + 1]
        else:
            least = NONE if distance is None else row[time] - distance
            frame = [other for other in rows if least <= other[time] <= row[time]]
        values = [other[inner.at(column)] for other in frame]
        if name in ("FIRST_VALUE", "LAST_VALUE"):
            there = [value for value in values if value is not None]
            return None if not there else there[0 if name == "FIRST_VALUE" else -1]
        return aggregate(name, values)


# -------------------------------------------------------------------------- plain ones


class Filter(Node):
    def __init__(self, name, inner, column, least, columns):
        Node.__init__(self, name, [inner], columns, None if inner.time is None else columns[
            inner.at(inner.time)][0], inner.appends)
        self.column, self.least, self.ordered = column, least, inner.ordered
        if inner.window:
            spec, start, end = inner.window
            self.window = (spec, columns[inner.at(start)][0], columns[inner.at(end)][0])

    def step(self, changes, before, mark):
        at = self.inputs[0].at(self.column)
        return [(sign, row) for sign, row in changes[0] if row[at] is not None and row[at] >= self.least]


class Aggregate(Node):
    """GROUP BY some columns, without a window."""

    def __init__(self, name, inner, keys, calls, columns):
        Node.__init__(self, name, [inner], columns, None, False)
        self.keys, self.calls = keys, calls

    def start(self):
        self.rows = {}

    def value(self, key):
        inner, rows = self.inputs[0], self.rows.get(key)
        if not rows:
            return []
        return [key + tuple(aggregate(call, [row[inner.at(column)] for row in rows])
                            for call, column in self.calls)]

    def step(self, changes, before, mark):
        inner, given = self.inputs[0], []
        for sign, row in changes[0]:
            key = tuple(row[inner.at(name)] for name in self.keys)
            old = self.value(key)
            rows = self.rows.setdefault(key, [])
            rows.append(row) if sign > 0 else rows.remove(row)
            given += [(-1, row) for row in old] + [(1, row) for row in self.value(key)]
        return given


class UnionAll(Node):
    def __init__(self, name, left, right, columns):
        Node.__init__(self, name, [left, right], columns, columns[left.at(left.time)][0],
                      left.appends and right.appends)

    def step(self, changes, before, mark):
        return changes[0] + changes[1]
