/* Random queries inside queries: IN, EXISTS and their negations, rows of two, values of aggregates;
 * alone in WHERE, beside OR, in CASE and in the select list; correlated and not. */
#include "tests/random_query.h"

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

/* A number that an aggregate over another query is. */
static void append_value(Random *random, uint32_t depth, const QueryShape *outer, Buffer *sql)
{
    Buffer source = {0};
    QueryShape inner;
    random_query(random, depth, &source, &inner);
    int column = random_column(random, &inner, false);
    switch (random_below(random, 5)) {
    case 0:
        buffer_append_text(sql, "(SELECT COUNT(*)");
        break;
    case 1:
        buffer_printf(sql, "(SELECT COUNT(y.c%d) + 1", column);
        break;
    case 2:
        buffer_printf(sql, "(SELECT COALESCE(SUM(y.c%d), 7)", column);
        break;
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
