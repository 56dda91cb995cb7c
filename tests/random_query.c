/* A query is made inside out: each operator wraps the one before as a subquery and renames its
 * columns to c0, c1, …, so that both dialects see only plain names. */
#include "tests/random_query.h"

/* A column of the wanted kind, or -1. */
int random_column(Random *random, const QueryShape *shape, bool text)
{
    uint32_t start = random_below(random, shape->column_count);
    for (uint32_t i = 0; i < shape->column_count; i++) {
        uint32_t column = (start + i) % shape->column_count;
        if (shape->is_text[column] == text)
            return (int)column;
    }
    return -1;
}

static void wrap_base(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    (void)depth;
    buffer_printf(sql, "SELECT id AS c0, k AS c1, v AS c2, s AS c3 FROM t%u",
                  random_below(random, 3));
    *shape = (QueryShape){4, {false, false, false, true}};
}

/* ------------------------------------------------------------------ operators */

void random_predicate(Random *random, const QueryShape *shape, Buffer *sql)
{
    int number = random_column(random, shape, false);
    int text = random_column(random, shape, true);
    switch (random_below(random, 7)) {
    case 0:
        buffer_printf(sql, "c%d > %d", number, (int)random_below(random, 8));
        return;
    case 1:
        buffer_printf(sql, "c%d IS NOT NULL", number);
        return;
    case 2:
        buffer_printf(sql, "c%d BETWEEN 1 AND %d", number, (int)random_below(random, 6));
        return;
    case 3:
        buffer_printf(sql, "c%d IN (1, 3, %d)", number, (int)random_below(random, 8));
        return;
    case 4:
        buffer_printf(sql, "c%d <> 2 OR c%d IS NULL", number, number);
        return;
    case 5:
        if (text >= 0) {
            buffer_printf(sql, "c%d = 'b'", text);
            return;
        }
        break;
    default:
        break;
    }
    buffer_printf(sql, "COALESCE(c%d, 3) < 5", number);
}

static void wrap_filter(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    buffer_append_text(sql, "SELECT * FROM (");
    random_query(random, depth, sql, shape);
    buffer_append_text(sql, ") x WHERE ");
    random_predicate(random, shape, sql);
}

void random_expression(Random *random, const QueryShape *input, bool text, Buffer *sql)
{
    int column = random_column(random, input, text);
    if (text) {
        buffer_printf(sql, random_below(random, 2) == 0 ? "c%d || '+'" : "UPPER(c%d)", column);
        return;
    }
    switch (random_below(random, 4)) {
    case 0:
        buffer_printf(sql, "c%d + %u", column, random_below(random, 5));
        break;
    case 1:
        buffer_printf(sql, "c%d * 2", column);
        break;
    case 2:
        buffer_printf(sql, "CASE WHEN c%d > 2 THEN 1 ELSE c%d END", column, column);
        break;
    default:
        buffer_printf(sql, "c%d", column);
    }
}

static void wrap_projection(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    shape->column_count = 2 + random_below(random, 3);
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < shape->column_count; i++) {
        bool text =
            i > 0 && random_below(random, 3) == 0 && random_column(random, &input, true) >= 0;
        shape->is_text[i] = text;
        buffer_append_text(sql, i == 0 ? "" : ", ");
        random_expression(random, &input, text, sql);
        buffer_printf(sql, " AS c%u", i);
    }
    buffer_printf(sql, " FROM (%s) x", buffer_text(&inner));
    buffer_deinit(&inner);
}

/* Every shape keeps at least one number: only where `may_be_text` the result may be a text. */
void random_aggregate(Random *random, const QueryShape *input, bool may_be_text, bool *is_text,
                      Buffer *sql)
{
    int number = random_column(random, input, false);
    int text = may_be_text ? random_column(random, input, true) : -1;
    *is_text = false;
    int other = random_column(random, input, false);
    switch (random_below(random, 14)) {
    case 0:
        buffer_append_text(sql, "COUNT(*)");
        return;
    case 8:
        buffer_printf(sql, "\1AVG(c%d)\2SUM(c%d) / COUNT(c%d)\3", number, number, number);
        return;
    case 9:
        buffer_printf(sql, "COUNT(DISTINCT c%d) FILTER (WHERE c%d > 1)", number, other);
        return;
    case 10:
        buffer_printf(sql, "MIN(c%d) FILTER (WHERE c%d < 4)", number, other);
        return;
    case 11:
        if (text >= 0) {
            buffer_printf(sql, "\1CHAR_LENGTH(LISTAGG(c%d))\2LENGTH(GROUP_CONCAT(c%d))\3", text,
                          text);
            return;
        }
        break;
    case 12:
        buffer_printf(sql, "SUM(DISTINCT c%d) FILTER (WHERE c%d > 2)", number, other);
        return;
    case 13:
        buffer_printf(sql, "MAX(c%d) - COUNT(c%d)", number, other);
        return;
    case 1:
        buffer_printf(sql, "COUNT(DISTINCT c%d)", number);
        return;
    case 2:
        buffer_printf(sql, "MIN(c%d)", number);
        return;
    case 3:
        buffer_printf(sql, "MAX(c%d)", number);
        return;
    case 4:
        buffer_printf(sql, "SUM(c%d) FILTER (WHERE c%d > 1)", number, number);
        return;
    case 5:
        buffer_printf(sql, "SUM(DISTINCT c%d)", number);
        return;
    case 6:
        if (text >= 0) {
            *is_text = true;
            buffer_printf(sql, "MAX(c%d)", text);
            return;
        }
        break;
    default:
        break;
    }
    buffer_printf(sql, "SUM(c%d)", number);
}

/* By one column, two, or an expression. */
static void wrap_aggregate(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, groups = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    *shape = (QueryShape){.column_count = 0};
    uint32_t keys = 1 + random_below(random, 4) / 3, aggregates = 1 + random_below(random, 3);
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < keys; i++) {
        bool text = random_below(random, 3) == 2 && random_column(random, &input, true) >= 0;
        size_t start = groups.length + (i == 0 ? 0 : 2);
        buffer_append_text(&groups, i == 0 ? "" : ", ");
        if (random_below(random, 5) == 4)
            random_expression(random, &input, text, &groups);
        else
            buffer_printf(&groups, "c%d", random_column(random, &input, text));
        buffer_printf(sql, "%s%s AS c%u", i == 0 ? "" : ", ", buffer_text(&groups) + start, i);
        shape->is_text[shape->column_count++] = text;
    }
    for (uint32_t i = 0; i < aggregates; i++) {
        uint32_t at = shape->column_count++;
        buffer_append_text(sql, ", ");
        random_aggregate(random, &input, i > 0, &shape->is_text[at], sql);
        buffer_printf(sql, " AS c%u", at);
    }
    buffer_printf(sql, " FROM (%s) x GROUP BY %s", buffer_text(&inner), buffer_text(&groups));
    uint32_t having = random_below(random, 8);
    if (having >= 6)
        buffer_append_text(sql, having == 6 ? " HAVING COUNT(*) > 1" : " HAVING COUNT(*) < 3");
    buffer_deinit(&inner);
    buffer_deinit(&groups);
}

static void append_join_columns(const QueryShape *side, const char *alias, QueryShape *shape,
                                Buffer *sql)
{
    for (uint32_t i = 0; i < side->column_count && shape->column_count < QUERY_COLUMNS_MAX; i++) {
        buffer_printf(sql, "%s%s.c%u AS c%u", shape->column_count == 0 ? "" : ", ", alias, i,
                      shape->column_count);
        shape->is_text[shape->column_count++] = side->is_text[i];
    }
}

void random_equality(Random *random, const QueryShape *left, const QueryShape *right, Buffer *sql)
{
    bool text = random_below(random, 4) == 0 && random_column(random, left, true) >= 0 &&
                random_column(random, right, true) >= 0;
    buffer_printf(sql, "a.c%d %s b.c%d", random_column(random, left, text),
                  random_below(random, 4) == 0 ? "IS NOT DISTINCT FROM" : "=",
                  random_column(random, right, text));
}

static void wrap_join(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};
    Buffer inner[2] = {{0}, {0}};
    QueryShape sides[2];
    random_query(random, depth, &inner[0], &sides[0]);
    random_query(random, depth / 2, &inner[1], &sides[1]);
    shape->column_count = 0;
    buffer_append_text(sql, "SELECT ");
    append_join_columns(&sides[0], "a", shape, sql);
    append_join_columns(&sides[1], "b", shape, sql);
    buffer_printf(sql, " FROM (%s) a %s (%s) b ON ", buffer_text(&inner[0]),
                  kinds[random_below(random, 4)], buffer_text(&inner[1]));
    bool theta = random_below(random, 8) == 0;
    if (!theta)
        random_equality(random, &sides[0], &sides[1], sql);
    if (!theta && random_below(random, 4) == 0) {
        buffer_append_text(sql, " AND ");
        random_equality(random, &sides[0], &sides[1], sql);
    }
    if (theta || random_below(random, 3) == 0)
        buffer_printf(sql, "%sa.c%d <= b.c%d", theta ? "" : " AND ",
                      random_column(random, &sides[0], false),
                      random_column(random, &sides[1], false));
    buffer_deinit(&inner[0]);
    buffer_deinit(&inner[1]);
}

/* Every row with every row; sometimes only those that a condition beside or around it lets pass. */
static void wrap_cross(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner[2] = {{0}, {0}};
    QueryShape sides[2];
    random_query(random, depth / 2, &inner[0], &sides[0]);
    random_query(random, depth / 2, &inner[1], &sides[1]);
    shape->column_count = 0;
    buffer_append_text(sql, "SELECT ");
    append_join_columns(&sides[0], "a", shape, sql);
    append_join_columns(&sides[1], "b", shape, sql);
    uint32_t kind = random_below(random, 4);
    buffer_printf(sql, " FROM (%s) a%s (%s) b", buffer_text(&inner[0]),
                  kind == 0 ? " CROSS JOIN" : ",", buffer_text(&inner[1]));
    int left = random_column(random, &sides[0], false);
    int right = random_column(random, &sides[1], false);
    if (kind == 2)
        buffer_printf(sql, " WHERE a.c%d = b.c%d OR a.c%d < 2", left, right, left);
    else if (kind == 3)
        buffer_printf(sql, " WHERE a.c%d + 1 = b.c%d", left, right);
    buffer_deinit(&inner[0]);
    buffer_deinit(&inner[1]);
}

/* The first or last row to arrive, by k, of a table that only grows, if there is one. */
static void wrap_last_row(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    uint32_t table = random_below(random, 3);
    for (uint32_t i = 0; i < 3 && (random->growing >> table & 1) == 0; i++)
        table = (table + 1) % 3;
    if ((random->growing >> table & 1) == 0) {
        wrap_base(random, depth, sql, shape);
        return;
    }
    const char *direction = random_below(random, 2) == 0 ? " DESC" : "";
    buffer_printf(sql,
                  "SELECT id AS c0, k AS c1, v AS c2, s AS c3 FROM (SELECT *, ROW_NUMBER() OVER "
                  "(PARTITION BY k ORDER BY \1at\2place\3%s) AS rn FROM t%u) x WHERE rn = 1",
                  direction, table);
    *shape = (QueryShape){4, {false, false, false, true}};
}

/* Three inputs on one key of the first. */
static void wrap_star_join(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    static const char *const aliases[] = {"a", "b", "c"};
    Buffer inner[3] = {{0}, {0}, {0}};
    QueryShape sides[3];
    shape->column_count = 0;
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < 3; i++) {
        random_query(random, i == 0 ? depth : depth / 2, &inner[i], &sides[i]);
        append_join_columns(&sides[i], aliases[i], shape, sql);
    }
    int key = random_column(random, &sides[0], false);
    buffer_printf(sql, " FROM (%s) a", buffer_text(&inner[0]));
    for (uint32_t i = 1; i < 3; i++)
        buffer_printf(sql, " %sJOIN (%s) %s ON a.c%d = %s.c%d",
                      random_below(random, 2) == 0 ? "LEFT " : "", buffer_text(&inner[i]),
                      aliases[i], key, aliases[i], random_column(random, &sides[i], false));
    for (uint32_t i = 0; i < 3; i++)
        buffer_deinit(&inner[i]);
}

/* Two numbers and, where there is one, a text of each side. */
static void append_union_side(Random *random, uint32_t depth, Buffer *sql)
{
    Buffer inner = {0};
    QueryShape shape;
    random_query(random, depth, &inner, &shape);
    buffer_printf(sql, "SELECT c%d AS c0, c%d AS c1 FROM (%s) x",
                  random_column(random, &shape, false), random_column(random, &shape, false),
                  buffer_text(&inner));
    buffer_deinit(&inner);
}

static void wrap_union(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    append_union_side(random, depth, sql);
    buffer_append_text(sql, random_below(random, 3) == 0 ? " UNION " : " UNION ALL ");
    append_union_side(random, depth / 2, sql);
    *shape = (QueryShape){2, {false, false}};
}

static void wrap_distinct(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    int number = random_column(random, &input, false);
    buffer_printf(sql, "SELECT DISTINCT c%d AS c0 FROM (%s) x", number, buffer_text(&inner));
    *shape = (QueryShape){1, {false}};
    buffer_deinit(&inner);
}

/* One row over everything; none over nothing, which is so in a query inside another only. */
static void wrap_global(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    shape->column_count = 1 + random_below(random, 3);
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < shape->column_count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        random_aggregate(random, &input, i > 0, &shape->is_text[i], sql);
        buffer_printf(sql, " AS c%u", i);
    }
    buffer_printf(sql, " FROM (%s) x HAVING COUNT(*) > 0", buffer_text(&inner));
    buffer_deinit(&inner);
}

/* Which rows LIMIT takes is open; how many is not. */
static void wrap_limit(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    QueryShape input;
    buffer_append_text(sql, "SELECT COUNT(*) AS c0 FROM (SELECT * FROM (");
    random_query(random, depth, sql, &input);
    buffer_printf(sql, ") x LIMIT %u", random_below(random, 12));
    if (random_below(random, 2) == 0)
        buffer_printf(sql, " OFFSET %u", random_below(random, 5));
    buffer_append_text(sql, ") y HAVING COUNT(*) > 0");
    *shape = (QueryShape){1, {false}};
}

void random_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    typedef void (*Wrap)(Random *, uint32_t, Buffer *, QueryShape *);
    static const Wrap wraps[] = {wrap_base,
                                 wrap_filter,
                                 wrap_projection,
                                 wrap_aggregate,
                                 wrap_aggregate,
                                 wrap_join,
                                 wrap_join,
                                 wrap_join,
                                 wrap_star_join,
                                 wrap_union,
                                 wrap_distinct,
                                 wrap_global,
                                 wrap_limit,
                                 random_set_operation,
                                 random_grouping_sets,
                                 random_top_n,
                                 random_top_n,
                                 random_sort_limit,
                                 random_over,
                                 random_over,
                                 random_membership_query,
                                 random_membership_query,
                                 random_value_query,
                                 random_group_values,
                                 random_query_groups,
                                 random_over_membership,
                                 random_unnest,
                                 random_collected,
                                 random_lateral,
                                 random_lateral,
                                 random_shared,
                                 random_shared,
                                 wrap_cross,
                                 random_lookup,
                                 wrap_last_row};
    uint32_t span = random_enter(random, SPAN_QUERY);
    uint32_t wrap = random_below(random, array_count(wraps));
    if (depth == 0)
        wrap_base(random, 0, sql, shape);
    else
        wraps[wrap](random, depth - 1, sql, shape);
    random_leave(random, span);
}
