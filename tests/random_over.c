/* Window functions. Rows that are equal in the order of a window stand in any order, so calls that
 * could tell order by all columns, where equal rows are the same in every way. */
#include "tests/random_query.h"

static const char *any_direction(Random *random)
{
    static const char *const directions[] = {" ASC NULLS FIRST", " ASC NULLS LAST",
                                             " DESC NULLS FIRST", " DESC NULLS LAST"};
    return directions[random_below(random, 4)];
}

static void append_order_column(Random *random, uint32_t column, Buffer *sql)
{
    buffer_printf(sql, "c%u%s", column, any_direction(random));
}

/* ORDER BY all columns, from any on. */
static void append_total_order(Random *random, const QueryShape *input, Buffer *sql)
{
    uint32_t start = random_below(random, input->column_count);
    for (uint32_t i = 0; i < input->column_count; i++) {
        buffer_append_text(sql, i == 0 ? " ORDER BY " : ", ");
        append_order_column(random, (start + i) % input->column_count, sql);
    }
}

static void append_partition(Random *random, const QueryShape *input, Buffer *sql)
{
    if (random_below(random, 4) != 0)
        buffer_printf(sql, "PARTITION BY c%u", random_below(random, input->column_count));
}

/* A bound from `least` on; returns how far it is, in halves of a bound. */
static int append_bound(Random *random, int least, Buffer *sql)
{
    static const char *const names[] = {
        "UNBOUNDED PRECEDING", "3 PRECEDING", "1 PRECEDING", "0 PRECEDING",        "CURRENT ROW",
        "0 FOLLOWING",         "1 FOLLOWING", "2 FOLLOWING", "UNBOUNDED FOLLOWING"};
    int last = least < 0 ? 7 : 8;
    int first = least < 0 ? 0 : least == 0 ? 1 : least;
    int bound = first + (int)random_below(random, (uint32_t)(last - first) + 1);
    buffer_append_text(sql, names[bound]);
    return bound;
}

static void append_frame(Random *random, const char *unit, Buffer *sql)
{
    buffer_printf(sql, " %s BETWEEN ", unit);
    int start = append_bound(random, -1, sql);
    buffer_append_text(sql, " AND ");
    append_bound(random, start, sql);
}

/* A number in the order, as it is or as one of another type. */
static void append_number_order(Random *random, uint32_t column, Buffer *sql)
{
    static const char *const types[] = {"DOUBLE", "DECIMAL(12, 2)", "FLOAT", "BIGINT"};
    if (random_below(random, 3) != 0) {
        append_order_column(random, column, sql);
        return;
    }
    buffer_printf(sql, "CAST(c%u AS %s)%s", column, types[random_below(random, 4)],
                  any_direction(random));
}

static void append_range(Random *random, const QueryShape *input, Buffer *sql)
{
    static const char *const frames[] = {
        "",
        " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        " RANGE BETWEEN CURRENT ROW AND CURRENT ROW",
        " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    };
    append_partition(random, input, sql);
    int number = random_column(random, input, false);
    buffer_append_text(sql, " ORDER BY ");
    if (random_below(random, 2) == 0) {
        append_number_order(random, (uint32_t)number, sql);
        append_frame(random, "RANGE", sql);
        return;
    }
    append_order_column(random, random_below(random, input->column_count), sql);
    buffer_append_text(sql, frames[random_below(random, 4)]);
}

/* Returns what stands behind the window. */
static const char *append_aggregate(Random *random, const QueryShape *input, bool *is_text,
                                    Buffer *sql)
{
    static const char *const names[] = {"SUM", "SUM", "COUNT", "MIN", "MAX"};
    if (random_below(random, 6) == 5) {
        /* Eighths are sums of powers of two: whatever the order, nothing is rounded. */
        *is_text = false;
        buffer_printf(sql, "CAST(%s(CAST(c%d AS DOUBLE) / 8)",
                      random_below(random, 3) == 0 ? "AVG" : "SUM",
                      random_column(random, input, false));
        if (random_below(random, 4) == 0)
            buffer_printf(sql, " FILTER (WHERE c%d > 2)", random_column(random, input, false));
        return " * 1024 AS BIGINT)";
    }
    uint32_t kind = random_below(random, 6);
    bool text =
        kind >= 2 && random_below(random, 3) == 0 && random_column(random, input, true) >= 0;
    int column = random_column(random, input, text);
    *is_text = text && kind > 2;
    if (kind == 5) {
        buffer_append_text(sql, "COUNT(*)");
        *is_text = false;
    } else {
        buffer_printf(sql, "%s(c%d)", names[kind], column);
    }
    /* SQLite's MIN and MAX over frames that slide pay no heed to FILTER. */
    if (kind != 3 && kind != 4 && random_below(random, 6) == 0)
        buffer_printf(sql, " FILTER (WHERE c%d > 2)", random_column(random, input, false));
    return "";
}

/* Calls that do not see the order of equal rows. */
static void append_range_call(Random *random, const QueryShape *input, bool *is_text, Buffer *sql)
{
    static const char *const places[] = {"RANK()", "DENSE_RANK()"};
    static const char *const ratios[] = {"PERCENT_RANK()", "CUME_DIST()"};
    uint32_t kind = random_below(random, 6);
    *is_text = false;
    if (kind >= 2) {
        const char *behind = append_aggregate(random, input, is_text, sql);
        buffer_append_text(sql, " OVER (");
        append_range(random, input, sql);
        buffer_append_char(sql, ')');
        buffer_append_text(sql, behind);
        return;
    }
    const char *call = (kind == 0 ? places : ratios)[random_below(random, 2)];
    buffer_printf(sql, kind == 0 ? "%s OVER (" : "CAST(%s OVER (", call);
    append_partition(random, input, sql);
    buffer_append_text(sql, " ORDER BY ");
    append_order_column(random, random_below(random, input->column_count), sql);
    buffer_append_text(sql, kind == 0 ? ")" : ") * 10000 AS INT)");
}

/* The value of another row; FIRST_VALUE and LAST_VALUE pass over NULLs, so they get none. */
static void append_value(Random *random, const QueryShape *input, bool *is_text, Buffer *sql)
{
    int column = random_column(random, input, false);
    switch (random_below(random, 6)) {
    case 0:
        buffer_printf(sql, "LAG(c%d, %u) OVER (", column, random_below(random, 3));
        return;
    case 1:
        buffer_printf(sql, "LEAD(c%d, 2, -1) OVER (", column);
        return;
    case 2:
        column = random_column(random, input, true);
        *is_text = column >= 0;
        buffer_printf(sql, "%s(c%d) OVER (", random_below(random, 2) == 0 ? "LAG" : "LEAD",
                      column < 0 ? random_column(random, input, false) : column);
        return;
    case 3:
        buffer_append_text(sql, "ROW_NUMBER() OVER (");
        return;
    default:
        buffer_printf(sql, "NTILE(%u) OVER (", 1 + random_below(random, 9));
    }
}

static void append_rows_call(Random *random, const QueryShape *input, bool *is_text, Buffer *sql)
{
    *is_text = false;
    const char *behind = "";
    uint32_t kind = random_below(random, 4);
    if (kind == 0)
        append_value(random, input, is_text, sql);
    else if (kind == 1)
        buffer_printf(sql,
                      random_below(random, 2) == 0 ? "FIRST_VALUE(COALESCE(c%d, -7)) OVER ("
                                                   : "LAST_VALUE(COALESCE(c%d, -7)) OVER (",
                      random_column(random, input, false));
    else if (random_below(random, 5) == 0)
        buffer_printf(sql, "NTH_VALUE(c%d, 2) OVER (", random_column(random, input, false));
    else {
        behind = append_aggregate(random, input, is_text, sql);
        buffer_append_text(sql, " OVER (");
    }
    append_partition(random, input, sql);
    append_total_order(random, input, sql);
    if (kind != 0)
        append_frame(random, "ROWS", sql);
    buffer_append_char(sql, ')');
    buffer_append_text(sql, behind);
}

void random_over_query(Random *random, const char *inner, const QueryShape *input, Buffer *sql,
                       QueryShape *shape)
{
    *shape = *input;
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < input->column_count; i++)
        buffer_printf(sql, "%sc%u", i == 0 ? "" : ", ", i);
    uint32_t calls = 1 + random_below(random, 3);
    for (uint32_t i = 0; i < calls && shape->column_count < QUERY_COLUMNS_MAX; i++) {
        uint32_t at = shape->column_count++;
        buffer_append_text(sql, ", ");
        /* One call alone may tell rows apart that are the same: two would have to agree which. */
        if (i > 0 || random_below(random, 2) == 0)
            append_range_call(random, input, &shape->is_text[at], sql);
        else
            append_rows_call(random, input, &shape->is_text[at], sql);
        buffer_printf(sql, " AS c%u", at);
    }
    buffer_printf(sql, " FROM (%s) x", inner);
}

void random_over(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    random_over_query(random, buffer_text(&inner), &input, sql, shape);
    buffer_deinit(&inner);
}
