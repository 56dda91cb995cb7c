/* Lookups in a table outside, which does not change: to SQLite an ordinary join with it. */
#include "tests/random_query.h"

void random_lookup(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    *shape = (QueryShape){.column_count = 0};
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < input.column_count && i + 2 < QUERY_COLUMNS_MAX; i++) {
        buffer_printf(sql, "a.c%u AS c%u, ", i, i);
        shape->is_text[shape->column_count++] = input.is_text[i];
    }
    buffer_printf(sql, "b.n AS c%u, b.s AS c%u FROM (SELECT *, ", shape->column_count,
                  shape->column_count + 1);
    shape->is_text[shape->column_count++] = false;
    shape->is_text[shape->column_count++] = true;
    buffer_printf(sql,
                  "CAST(c%d AS BIGINT) AS q\1, PROCTIME() AS p\2\3 FROM (%s) x) a %sJOIN side ",
                  random_column(random, &input, false), buffer_text(&inner),
                  random_below(random, 2) == 0 ? "" : "LEFT ");
    buffer_append_text(sql, "\1FOR SYSTEM_TIME AS OF a.p AS\2\3 b ON a.q = b.k");
    if (random_below(random, 3) == 2)
        buffer_printf(sql, " AND b.n <= a.c%d", random_column(random, &input, false));
    if (random_below(random, 4) == 3)
        buffer_append_text(sql, " AND b.s = 'a'");
    if (random_below(random, 4) == 3 && random_column(random, &input, true) >= 0)
        buffer_printf(sql, " AND b.s = a.c%d", random_column(random, &input, true));
    buffer_deinit(&inner);
}
