/* Top-N: a filter on ROW_NUMBER, RANK or DENSE_RANK, and ORDER BY with LIMIT. ROW_NUMBER is ordered
 * by all columns, so that only equal rows are numbered by chance. */
#include "tests/random_query.h"

/* Columns from a random one on, each up or down. */
static void append_order(Random *random, uint32_t columns, uint32_t wanted, Buffer *sql)
{
    uint32_t start = random_below(random, columns);
    buffer_append_text(sql, " ORDER BY ");
    for (uint32_t i = 0; i < wanted; i++)
        buffer_printf(sql, "%sc%u%s", i == 0 ? "" : ", ", (start + i) % columns,
                      random_below(random, 3) == 0 ? " DESC" : "");
}

/* `partition`: a number the rows are parted by, or -1. */
static void append_range(Random *random, int partition, Buffer *sql)
{
    uint32_t end = 1 + random_below(random, 4);
    switch (random_below(random, 7)) {
    case 6:
        if (partition >= 0) {
            buffer_printf(sql, "rn <= c%d", partition);
            return;
        }
        break;
    case 0:
        buffer_append_text(sql, "rn = 1");
        return;
    case 1:
        buffer_printf(sql, "rn = %u", end);
        return;
    case 2:
        buffer_printf(sql, "rn < %u", end + 1);
        return;
    case 3:
        buffer_printf(sql, "rn BETWEEN 2 AND %u", end + 1);
        return;
    case 4:
        buffer_printf(sql, "%u >= rn AND rn <> 2", end);
        return;
    default:
        break;
    }
    buffer_printf(sql, "rn <= %u", end);
}

/* The columns of the inner query, and the number in the last when there is room and it is wanted.
 */
static void append_ranked(Random *random, Buffer *inner, const QueryShape *input, int partition,
                          bool with_number, Buffer *sql)
{
    static const char *const functions[] = {"ROW_NUMBER", "ROW_NUMBER", "RANK", "DENSE_RANK"};
    uint32_t function = random_below(random, 4);
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < input->column_count; i++)
        buffer_printf(sql, "%sc%u", i == 0 ? "" : ", ", i);
    if (with_number)
        buffer_printf(sql, ", rn AS c%u", input->column_count);
    buffer_printf(sql, " FROM (SELECT *, %s() OVER (", functions[function]);
    if (partition >= 0)
        buffer_printf(sql, "PARTITION BY c%d", partition);
    append_order(random, input->column_count,
                 function < 2 ? input->column_count : 1 + random_below(random, 2), sql);
    buffer_printf(sql, ") AS rn FROM (%s) x) y WHERE ", buffer_text(inner));
    append_range(random, partition >= 0 && !input->is_text[partition] ? partition : -1, sql);
}

/* The rows within a range of numbers, without a query around that has the number. */
static void append_qualified(Random *random, Buffer *inner, const QueryShape *input, int partition,
                             Buffer *sql)
{
    Buffer over = {0};
    uint32_t end = 1 + random_below(random, 4);
    buffer_append_text(&over, "ROW_NUMBER() OVER (");
    if (partition >= 0)
        buffer_printf(&over, "PARTITION BY c%d", partition);
    append_order(random, input->column_count, input->column_count, &over);
    buffer_printf(sql,
                  "\1SELECT * FROM (%s) x QUALIFY %s) <= %u"
                  "\2SELECT ",
                  buffer_text(inner), buffer_text(&over), end);
    for (uint32_t i = 0; i < input->column_count; i++)
        buffer_printf(sql, "%sc%u", i == 0 ? "" : ", ", i);
    buffer_printf(sql, " FROM (SELECT *, %s) AS rn FROM (%s) x) y WHERE rn <= %u\3",
                  buffer_text(&over), buffer_text(inner), end);
    buffer_deinit(&over);
}

void random_top_n(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    random_query(random, depth, &inner, shape);
    int partition =
        random_below(random, 4) == 0 ? -1 : (int)random_below(random, shape->column_count);
    if (random_below(random, 5) == 4) {
        append_qualified(random, &inner, shape, partition, sql);
        buffer_deinit(&inner);
        return;
    }
    bool with_number = random_below(random, 2) == 0 && shape->column_count + 1 < QUERY_COLUMNS_MAX;
    append_ranked(random, &inner, shape, partition, with_number, sql);
    if (with_number)
        shape->is_text[shape->column_count++] = false;
    buffer_deinit(&inner);
}

void random_sort_limit(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    buffer_append_text(sql, "SELECT * FROM (SELECT * FROM (");
    random_query(random, depth, sql, shape);
    buffer_append_text(sql, ") x");
    append_order(random, shape->column_count, shape->column_count, sql);
    buffer_printf(sql, " LIMIT %u", random_below(random, 6));
    if (random_below(random, 3) == 0)
        buffer_printf(sql, " OFFSET %u", random_below(random, 4));
    buffer_append_text(sql, ") y");
}

void random_keyed_top_n(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape)
{
    Buffer inner = {0};
    random_keyed_query(random, depth, key_counts, &inner, shape);
    int partition = (int)shape->keys[random_below(random, shape->key_count)];
    QueryShape *columns = &shape->shape;
    if (random_below(random, 2) == 0) {
        append_ranked(random, &inner, columns, partition, false, sql);
    } else {
        /* By partition and number, or by partition where there is one row of each. */
        bool first = random_below(random, 2) == 0 || columns->column_count == QUERY_COLUMNS_MAX;
        buffer_append_text(sql, "SELECT ");
        for (uint32_t i = 0; i < columns->column_count; i++)
            buffer_printf(sql, "%sc%u", i == 0 ? "" : ", ", i);
        if (!first)
            buffer_printf(sql, ", rn AS c%u", columns->column_count);
        buffer_printf(sql, " FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY c%d", partition);
        append_order(random, columns->column_count, columns->column_count, sql);
        buffer_printf(sql, ") AS rn FROM (%s) x) y WHERE rn <= %u", buffer_text(&inner),
                      first ? 1 : 1 + random_below(random, 3));
        shape->keys[0] = (uint32_t)partition;
        shape->key_count = 1;
        if (!first) {
            shape->keys[shape->key_count++] = columns->column_count;
            columns->is_text[columns->column_count++] = false;
        }
    }
    buffer_deinit(&inner);
}
