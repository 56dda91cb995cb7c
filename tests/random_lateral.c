/* Queries that look at the row beside them, and queries that several parts of a query read:
 * LATERAL, UNNEST, WITH. SQLite has neither of the first two; they are written out for it. */
#include "tests/random_query.h"

#include <stdio.h>

/* "x.c0 AS c0, x.c1 AS c1", of as many columns as leave room for `others`. */
static void append_columns(const QueryShape *input, const char *alias, uint32_t others,
                           QueryShape *shape, Buffer *sql)
{
    uint32_t room = QUERY_COLUMNS_MAX - others;
    uint32_t count = input->column_count < room ? input->column_count : room;
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(sql, "%s%s.c%u AS c%u", i == 0 ? "" : ", ", alias, i, i);
        shape->is_text[i] = input->is_text[i];
    }
    shape->column_count = count;
}

/* ------------------------------------------------------------------- UNNEST */

/* Which elements count for a LEFT JOIN, beside all of them. */
typedef struct Counting {
    uint32_t kind;
    int column; /* of x */
    uint32_t number;
} Counting;

static Counting choose_counting(Random *random, const QueryShape *input)
{
    return (Counting){random_below(random, 5), random_column(random, input, false),
                      random_below(random, 8)};
}

/* That the element, which `alias` names, counts. */
static void append_counting(const Counting *counting, const char *alias, int column, Buffer *sql)
{
    char element[24];
    snprintf(element, sizeof(element), column < 0 ? "%s" : "%s%d", alias, column);
    if (counting->kind < 2)
        buffer_append_text(sql, "TRUE");
    else if (counting->kind == 2)
        buffer_printf(sql, "%s > %u", element, counting->number);
    else if (counting->kind == 3)
        buffer_printf(sql, "%s <= x.c%d AND x.c%d <> %u", element, counting->column,
                      counting->column, counting->number);
    else
        buffer_printf(sql, "%s IN (SELECT q.v FROM t0 q WHERE q.id <> x.c%d)", element,
                      counting->column);
}

/* What UNNEST of columns first and second of x gives, for SQLite. */
static void append_elements(const char *inner, const char *columns, const int *elements,
                            uint32_t at, bool ordinal, const Counting *left, Buffer *sql)
{
    buffer_printf(sql, "\2SELECT * FROM (WITH w AS (%s)", inner);
    for (uint32_t i = 0; i < 2; i++) {
        buffer_printf(sql, "%s SELECT %s, x.c%d AS c%u", i == 0 ? "" : " UNION ALL", columns,
                      elements[i], at);
        if (ordinal)
            buffer_printf(sql, ", %u AS c%u", i + 1, at + 1);
        buffer_append_text(sql, " FROM w x");
        if (left == NULL)
            continue;
        buffer_printf(sql, " WHERE x.c%d > 2 AND (", elements[0]);
        append_counting(left, "x.c", elements[i], sql);
        buffer_append_text(sql, ")");
    }
    if (left != NULL) {
        buffer_printf(sql,
                      " UNION ALL SELECT %s, NULL FROM w x WHERE NOT COALESCE(x.c%d > 2 AND ((",
                      columns, elements[0]);
        append_counting(left, "x.c", elements[0], sql);
        buffer_append_text(sql, ") IS TRUE OR (");
        append_counting(left, "x.c", elements[1], sql);
        buffer_append_text(sql, ") IS TRUE), FALSE)");
    }
    buffer_append_text(sql, ")\3");
}

/* Each row once for each of two of its columns, with their ordinal; rows without elements, or
 * without one that counts, go, or stay with NULL. */
void random_unnest(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, columns = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    const int elements[2] = {random_column(random, &input, false),
                             random_column(random, &input, false)};
    bool ordinal = random_below(random, 2) != 0, left = !ordinal && random_below(random, 2) != 0;
    Counting counting = {0};
    if (left)
        counting = choose_counting(random, &input);
    append_columns(&input, "x", 2, shape, &columns);
    uint32_t at = shape->column_count;
    buffer_printf(sql, "\1SELECT %s, u.e AS c%u", buffer_text(&columns), at);
    if (ordinal)
        buffer_printf(sql, ", CAST(u.o AS INT) AS c%u", at + 1);
    buffer_printf(sql, " FROM (%s) x", buffer_text(&inner));
    if (left) {
        buffer_printf(sql,
                      " LEFT JOIN UNNEST(CASE WHEN x.c%d > 2 THEN ARRAY[x.c%d, x.c%d] END) AS "
                      "u(e) ON ",
                      elements[0], elements[0], elements[1]);
        append_counting(&counting, "u.e", -1, sql);
    } else {
        buffer_printf(sql, " CROSS JOIN UNNEST(ARRAY[x.c%d, x.c%d])%s", elements[0], elements[1],
                      ordinal ? " WITH ORDINALITY AS u(e, o)" : " AS u(e)");
    }
    append_elements(buffer_text(&inner), buffer_text(&columns), elements, at, ordinal,
                    left ? &counting : NULL, sql);
    for (uint32_t i = 0; i < 1 + (uint32_t)ordinal; i++)
        shape->is_text[shape->column_count++] = false;
    buffer_deinit(&inner);
    buffer_deinit(&columns);
}

/* Values collected by key and spread out again: the rows there were. */
void random_collected(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    static const char *const functions[] = {"ARRAY_AGG", "COLLECT", "ARRAY_AGG"};
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    bool text = random_below(random, 3) == 2 && random_column(random, &input, true) >= 0;
    int key = (int)random_below(random, input.column_count);
    int value = random_column(random, &input, text);
    uint32_t function = random_below(random, 3);
    bool filtered = random_below(random, 4) == 3;
    const char *missing = text ? "'-'" : "-3";
    Buffer filter = {0};
    if (filtered)
        buffer_printf(&filter, "c%d > 2", random_column(random, &input, false));
    buffer_printf(sql,
                  "\1SELECT y.k AS c0, u.e AS c1 FROM (SELECT c%d AS k, %s(%sCOALESCE(c%d, %s))%s%s"
                  "%s AS a FROM (%s) x GROUP BY c%d) y CROSS JOIN UNNEST(y.a) AS u(e)",
                  key, functions[function], function == 2 ? "DISTINCT " : "", value, missing,
                  filtered ? " FILTER (WHERE " : "", buffer_text(&filter), filtered ? ")" : "",
                  buffer_text(&inner), key);
    buffer_printf(sql, "\2SELECT %sc%d AS c0, COALESCE(c%d, %s) AS c1 FROM (%s) x%s%s\3",
                  function == 2 ? "DISTINCT " : "", key, value, missing, buffer_text(&inner),
                  filtered ? " WHERE " : "", buffer_text(&filter));
    *shape = (QueryShape){2, {input.is_text[key], text}};
    if (!text && random_column(random, shape, false) < 0)
        shape->is_text[1] = false;
    buffer_deinit(&inner);
    buffer_deinit(&filter);
}

/* ------------------------------------------------------------------ LATERAL */

/* Beside each row one with aggregates over the rows it goes with. */
static void append_lateral_aggregate(Random *random, uint32_t depth, Buffer *left,
                                     const QueryShape *input, Buffer *sql, QueryShape *shape)
{
    static const char *const calls[] = {"COUNT(*)", "SUM(y.c%d)", "MAX(y.c%d)",
                                        "COUNT(DISTINCT y.c%d)"};
    Buffer right = {0}, columns = {0}, query = {0};
    QueryShape inner;
    random_query(random, depth, &right, &inner);
    append_columns(input, "x", 1, shape, &columns);
    const char *call = calls[random_below(random, 4)];
    int column = random_column(random, &inner, false);
    buffer_append_text(&query, "SELECT ");
    for (; *call != '\0'; call++)
        if (call[0] == '%')
            buffer_printf(&query, "%d", column), call++;
        else
            buffer_append_char(&query, *call);
    buffer_printf(&query, " AS a FROM (%s) y WHERE y.c%d %s x.c%d", buffer_text(&right),
                  random_column(random, &inner, false), random_below(random, 5) == 4 ? "<=" : "=",
                  random_column(random, input, false));
    bool padded = random_below(random, 2) != 0;
    buffer_printf(sql, "\1SELECT %s, z.a AS c%u FROM (%s) x %s JOIN LATERAL (%s) z%s",
                  buffer_text(&columns), shape->column_count, buffer_text(left),
                  padded ? "LEFT" : "CROSS", buffer_text(&query), padded ? " ON TRUE" : "");
    buffer_printf(sql, "\2SELECT %s, (%s) AS c%u FROM (%s) x\3", buffer_text(&columns),
                  buffer_text(&query), shape->column_count, buffer_text(left));
    shape->is_text[shape->column_count++] = false;
    buffer_deinit(&right);
    buffer_deinit(&columns);
    buffer_deinit(&query);
}

/* ORDER BY all columns, so that only equal rows are chosen by chance. */
static void append_total_order(Random *random, const QueryShape *input, const char *alias,
                               Buffer *sql)
{
    uint32_t start = random_below(random, input->column_count);
    buffer_append_text(sql, " ORDER BY ");
    for (uint32_t i = 0; i < input->column_count; i++)
        buffer_printf(sql, "%s%sc%u%s", i == 0 ? "" : ", ", alias,
                      (start + i) % input->column_count,
                      random_below(random, 3) == 2 ? " DESC" : "");
}

/* Beside each row those it goes with, or the first few of them. */
static void append_lateral_rows(Random *random, uint32_t depth, Buffer *left,
                                const QueryShape *input, Buffer *sql, QueryShape *shape)
{
    Buffer right = {0}, columns = {0}, order = {0};
    QueryShape inner;
    random_query(random, depth, &right, &inner);
    append_columns(input, "x", 2, shape, &columns);
    uint32_t at = shape->column_count, limit = random_below(random, 4);
    int value = random_column(random, &inner, false), match = random_column(random, &inner, false);
    int key = random_column(random, input, false);
    const char *join = random_below(random, 2) != 0 ? "LEFT JOIN" : "JOIN";
    append_total_order(random, &inner, "", &order);
    buffer_printf(sql,
                  "\1SELECT %s, z.a AS c%u, z.b AS c%u FROM (%s) x %s LATERAL (SELECT y.c%d AS a, "
                  "y.c%d AS b FROM (SELECT * FROM (%s) v) y WHERE y.c%d = x.c%d",
                  buffer_text(&columns), at, at + 1, buffer_text(left), join, value, match,
                  buffer_text(&right), match, key);
    if (limit != 0)
        buffer_printf(sql, "%s LIMIT %u", buffer_text(&order), limit);
    buffer_append_text(sql, ") z ON TRUE");
    buffer_printf(sql, "\2SELECT %s, y.c%d AS c%u, y.c%d AS c%u FROM (%s) x %s (SELECT *",
                  buffer_text(&columns), value, at, match, at + 1, buffer_text(left), join);
    if (limit != 0)
        buffer_printf(sql, ", ROW_NUMBER() OVER (PARTITION BY c%d%s) AS rn", match,
                      buffer_text(&order));
    buffer_printf(sql, " FROM (%s) v) y ON y.c%d = x.c%d", buffer_text(&right), match, key);
    if (limit != 0)
        buffer_printf(sql, " AND y.rn <= %u", limit);
    buffer_append_text(sql, "\3");
    shape->is_text[shape->column_count++] = false;
    shape->is_text[shape->column_count++] = false;
    buffer_deinit(&right);
    buffer_deinit(&columns);
    buffer_deinit(&order);
}

void random_lateral(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer left = {0};
    QueryShape input;
    random_query(random, depth, &left, &input);
    if (random_below(random, 2) == 0)
        append_lateral_aggregate(random, depth / 2, &left, &input, sql, shape);
    else
        append_lateral_rows(random, depth / 2, &left, &input, sql, shape);
    buffer_deinit(&left);
}

/* --------------------------------------------------------------------- WITH */

/* A query that two parts of another read: joined with itself, with its groups, with what of it
 * passes a filter, or added to itself. */
void random_shared(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, columns = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    append_columns(&input, "a", 1, shape, &columns);
    int key = random_column(random, &input, false), other = random_column(random, &input, false);
    const char *join = random_below(random, 2) == 0 ? "JOIN" : "LEFT JOIN";
    const char *text = buffer_text(&columns);
    uint32_t at = shape->column_count, kind = random_below(random, 4);
    buffer_printf(sql, "SELECT * FROM (WITH w AS (%s) ", buffer_text(&inner));
    if (kind == 0)
        buffer_printf(sql, "SELECT %s, b.c%d AS c%u FROM w a %s w b ON a.c%d = b.c%d", text, other,
                      at, join, key, other);
    else if (kind == 1)
        buffer_printf(sql,
                      "SELECT %s, b.n AS c%u FROM w a %s (SELECT c%d AS k, COUNT(*) AS n FROM w "
                      "GROUP BY c%d) b ON a.c%d = b.k",
                      text, at, join, key, key, other);
    else if (kind == 2)
        buffer_printf(sql,
                      "SELECT %s, b.c%d AS c%u FROM w a %s (SELECT * FROM w WHERE c%d > 2) b ON "
                      "a.c%d = b.c%d",
                      text, other, at, join, other, key, key);
    else
        buffer_printf(sql,
                      "SELECT %s, 1 AS c%u FROM w a UNION ALL SELECT %s, 2 AS c%u FROM w a WHERE "
                      "a.c%d > 2",
                      text, at, text, at, key);
    buffer_append_text(sql, ") q");
    shape->is_text[shape->column_count++] = false;
    buffer_deinit(&inner);
    buffer_deinit(&columns);
}
