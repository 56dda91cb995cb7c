/* Random queries inside queries: IN, EXISTS and their negations, rows of two, values of aggregates,
 * also over grouping sets; alone in WHERE, beside OR, in CASE, in the select list, in HAVING and as
 * keys of GROUP BY; correlated and not, with rows and with groups around. */
#include "tests/random_query.h"

#include <stdio.h>

/* `x.c1 = y.c2`, one time in four with IS NOT DISTINCT FROM, one in five with <=. */
static void append_correlation(Random *random, const QueryShape *outer, const QueryShape *inner,
                               Buffer *sql)
{
    static const char *const operators[] = {"=", "=", "=", "IS NOT DISTINCT FROM", "<="};
    buffer_printf(sql, "y.c%d %s x.c%d", random_column(random, inner, false),
                  operators[random_below(random, 5)], random_column(random, outer, false));
}

/* FROM and, mostly, WHERE of a query inside. */
static void append_source(Random *random, const QueryShape *outer, const QueryShape *inner,
                          const char *source, Buffer *sql)
{
    buffer_printf(sql, " FROM (%s) y", source);
    if (random_below(random, 3) == 0)
        return;
    buffer_append_text(sql, " WHERE ");
    append_correlation(random, outer, inner, sql);
    if (random_below(random, 3) == 0) {
        buffer_append_text(sql, " AND ");
        append_correlation(random, outer, inner, sql);
    }
    if (random_below(random, 3) == 0)
        buffer_printf(sql, " AND y.c%d > 1", random_column(random, inner, false));
}

/* A condition over rows of x. */
static void append_membership(Random *random, uint32_t depth, const QueryShape *outer, Buffer *sql)
{
    Buffer source = {0};
    QueryShape inner;
    random_query(random, depth, &source, &inner);
    const char *no = random_below(random, 2) == 0 ? "NOT " : "";
    switch (random_below(random, 4)) {
    case 0:
        buffer_printf(sql, "%sEXISTS (SELECT 1", no);
        break;
    case 1:
        buffer_printf(sql, "(x.c%d, x.c%d) %sIN (SELECT y.c%d, y.c%d",
                      random_column(random, outer, false), random_column(random, outer, false), no,
                      random_column(random, &inner, false), random_column(random, &inner, false));
        break;
    case 2:
        if (random_column(random, outer, true) >= 0 && random_column(random, &inner, true) >= 0) {
            buffer_printf(sql, "x.c%d %sIN (SELECT y.c%d", random_column(random, outer, true), no,
                          random_column(random, &inner, true));
            break;
        } /* fall through */
    default:
        buffer_printf(sql, "x.c%d %sIN (SELECT y.c%d", random_column(random, outer, false), no,
                      random_column(random, &inner, false));
    }
    append_source(random, outer, &inner, buffer_text(&source), sql);
    buffer_append_text(sql, ")");
    buffer_deinit(&source);
}

/* How many groups ROLLUP makes of a query, or how many rows its largest has. */
static void append_set_value(Random *random, const QueryShape *outer, const QueryShape *inner,
                             const char *source, Buffer *sql)
{
    Buffer from = {0};
    uint32_t key = random_below(random, inner->column_count);
    append_source(random, outer, inner, source, &from);
    buffer_printf(sql, "(SELECT %s FROM (", random_below(random, 2) == 0 ? "COUNT(*)" : "MAX(z.n)");
    buffer_printf(sql, "\1SELECT y.c%u AS k, COUNT(*) AS n%s GROUP BY ROLLUP (y.c%u)", key,
                  buffer_text(&from), key);
    buffer_printf(sql,
                  "\2SELECT y.c%u AS k, COUNT(*) AS n%s GROUP BY y.c%u UNION ALL SELECT NULL, "
                  "COUNT(*)%s\3) z)",
                  key, buffer_text(&from), key, buffer_text(&from));
    buffer_deinit(&from);
}

/* A number that an aggregate over another query is. */
static void append_value(Random *random, uint32_t depth, const QueryShape *outer, Buffer *sql)
{
    Buffer source = {0};
    QueryShape inner;
    random_query(random, depth, &source, &inner);
    int column = random_column(random, &inner, false);
    uint32_t kind = random_below(random, 6);
    if (kind == 5)
        append_set_value(random, outer, &inner, buffer_text(&source), sql);
    switch (kind) {
    case 0:
        buffer_append_text(sql, "(SELECT COUNT(*)");
        break;
    case 1:
        buffer_printf(sql, "(SELECT COUNT(y.c%d) + 1", column);
        break;
    case 2:
        buffer_printf(sql, "(SELECT COALESCE(SUM(y.c%d), 7)", column);
        break;
    case 5:
        buffer_deinit(&source);
        return;
    default:
        buffer_printf(sql, "(SELECT MAX(y.c%d)", column);
    }
    append_source(random, outer, &inner, buffer_text(&source), sql);
    if (random_below(random, 5) == 0)
        buffer_append_text(sql, " HAVING COUNT(*) < 3");
    buffer_append_text(sql, ")");
    buffer_deinit(&source);
}

void random_membership_over(Random *random, uint32_t depth, const char *inner,
                            const QueryShape *shape, Buffer *sql)
{
    buffer_printf(sql, "SELECT * FROM (%s) x WHERE ", inner);
    if (random_below(random, 3) == 2)
        buffer_printf(sql, "x.c%d > 2 OR ", random_column(random, shape, false));
    append_membership(random, depth / 2, shape, sql);
    if (random_below(random, 3) == 2) {
        buffer_append_text(sql, " AND ");
        append_membership(random, depth / 2, shape, sql);
    }
}

void random_membership_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    random_query(random, depth, &inner, shape);
    random_membership_over(random, depth, buffer_text(&inner), shape, sql);
    buffer_deinit(&inner);
}

void random_value_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    shape->column_count = 3;
    for (uint32_t i = 0; i < 3; i++)
        shape->is_text[i] = false;
    buffer_printf(sql, "SELECT x.c%d AS c0, ", random_column(random, &input, false));
    append_value(random, depth / 2, &input, sql);
    buffer_append_text(sql, " AS c1, CASE WHEN ");
    append_membership(random, depth / 2, &input, sql);
    buffer_append_text(sql, " THEN 1 WHEN NOT ");
    append_membership(random, depth / 2, &input, sql);
    buffer_append_text(sql, " THEN 2 ELSE 3 END AS c2");
    buffer_printf(sql, " FROM (%s) x", buffer_text(&inner));
    if (random_below(random, 3) == 0) {
        buffer_printf(sql, " WHERE x.c%d <= ", random_column(random, &input, false));
        append_value(random, depth / 2, &input, sql);
    }
    buffer_deinit(&inner);
}

/* ------------------------------------------------------------ beside groups */

/* What the groups of x by column `key` are compared with: rows of another query that go with the
 * key and an aggregate of the group, which SQLite reads as columns of g. */
static void append_group_source(Random *random, uint32_t depth, int key, const char *aggregate,
                                const char *values, Buffer *sql)
{
    Buffer source = {0};
    QueryShape inner;
    random_query(random, depth, &source, &inner);
    int column = random_column(random, &inner, false);
    buffer_printf(sql, "(SELECT ");
    buffer_printf(sql, values, column);
    buffer_printf(sql, " FROM (%s) y WHERE y.c%d %s \1%s\2g.a\3", buffer_text(&source), column,
                  random_below(random, 2) == 0 ? "=" : "<=", aggregate);
    if (random_below(random, 2) != 0)
        buffer_printf(sql, " AND y.c%d = \1x.c%d\2g.k\3", random_column(random, &inner, false),
                      key);
    buffer_append_text(sql, ")");
    buffer_deinit(&source);
}

/* Queries that look at the groups around: at the key and at an aggregate, in the select list and in
 * HAVING. */
void random_group_values(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    static const char *const calls[] = {"COUNT(x.c%d)", "SUM(x.c%d)", "MAX(x.c%d)",
                                        "COUNT(DISTINCT x.c%d)"};
    Buffer inner = {0}, having = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    int key = random_column(random, &input, false);
    char aggregate[40];
    snprintf(aggregate, sizeof(aggregate), calls[random_below(random, 4)],
             random_column(random, &input, false));
    *shape = (QueryShape){3, {false, false, false}};
    buffer_printf(sql, "SELECT \1x.c%d\2g.k\3 AS c0, \1%s\2g.a\3 AS c1, ", key, aggregate);
    append_group_source(random, depth / 2, key, aggregate, "MAX(y.c%d)", sql);
    buffer_append_text(sql, " AS c2");
    uint32_t kind = random_below(random, 3);
    if (kind != 0)
        buffer_append_text(&having, kind == 1 ? "EXISTS " : "2 < ");
    if (kind != 0)
        append_group_source(random, depth / 2, key, aggregate,
                            kind == 1 ? "y.c%d" : "COUNT(y.c%d) + 1", &having);
    buffer_printf(sql, "\1 FROM (%s) x GROUP BY x.c%d%s", buffer_text(&inner), key,
                  kind == 0 ? "" : " HAVING ");
    if (kind != 0)
        buffer_append_text(sql, buffer_text(&having));
    buffer_printf(sql, "\2 FROM (SELECT x.c%d AS k, %s AS a FROM (%s) x GROUP BY x.c%d) g%s", key,
                  aggregate, buffer_text(&inner), key, kind == 0 ? "" : " WHERE ");
    if (kind != 0)
        buffer_append_text(sql, buffer_text(&having));
    buffer_append_text(sql, "\3");
    buffer_deinit(&inner);
    buffer_deinit(&having);
}

/* Groups by the value of a query, which the list, an aggregate and HAVING name again. */
void random_query_groups(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, value = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    append_value(random, depth / 2, &input, &value);
    const char *key = buffer_text(&value);
    *shape = (QueryShape){3, {false, false, false}};
    buffer_printf(sql, "SELECT %s AS c0, COUNT(*) AS c1, ", key);
    if (random_below(random, 2) == 0)
        buffer_printf(sql, "MAX(x.c%d)", random_column(random, &input, false));
    else
        buffer_printf(sql, "SUM(%s)", key);
    buffer_printf(sql, " AS c2 FROM (%s) x GROUP BY %s", buffer_text(&inner), key);
    if (random_below(random, 3) == 2)
        buffer_printf(sql, " HAVING COUNT(*) > 1 OR %s > 2", key);
    buffer_deinit(&inner);
    buffer_deinit(&value);
}

/* Rows chosen by a query that looks at the value of a window function. */
void random_over_membership(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, source = {0};
    QueryShape input, right;
    random_query(random, depth, &inner, &input);
    random_query(random, depth / 2, &source, &right);
    int shown = random_column(random, &input, false), part = random_column(random, &input, false);
    int match = random_column(random, &right, false);
    const char *negated = random_below(random, 2) == 0 ? "" : "NOT ";
    *shape = (QueryShape){2, {false, false}};
    buffer_printf(sql, "SELECT c0, r AS c1 FROM (SELECT x.c%d AS c0, ", shown);
    buffer_printf(sql,
                  "\1COUNT(*) OVER (PARTITION BY x.c%d) AS r FROM (%s) x QUALIFY\2x.r FROM (SELECT "
                  "x.*, COUNT(*) OVER (PARTITION BY x.c%d) AS r FROM (%s) x) x WHERE\3",
                  part, buffer_text(&inner), part, buffer_text(&inner));
    if (random_below(random, 2) == 0)
        buffer_printf(sql, " r %sIN (SELECT y.c%d", negated, match);
    else
        buffer_printf(sql, " r >= (SELECT MIN(y.c%d)", match);
    buffer_printf(sql, " FROM (%s) y", buffer_text(&source));
    if (random_below(random, 2) == 0)
        buffer_printf(
            sql, " WHERE y.c%d %s x.c%d", random_column(random, &right, false),
            random_below(random, 2) == 0 ? "=" : "<=", random_column(random, &input, false));
    buffer_append_text(sql, ")) q");
    buffer_deinit(&inner);
    buffer_deinit(&source);
}
