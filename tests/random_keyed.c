/* Queries with a key: tables with primary keys and groups, and what keeps or joins their keys.
 * Whether the planner sees the key is its own matter; that it is one holds by construction. */
#include "tests/random_query.h"

/* A table with a primary key, if there is one. */
static bool append_table(Random *random, const uint32_t *key_counts, Buffer *sql, KeyedShape *shape)
{
    uint32_t start = random_below(random, 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t table = (start + i) % 3;
        if (key_counts[table] == 0)
            continue;
        buffer_printf(sql, "SELECT id AS c0, k AS c1, v AS c2, s AS c3 FROM t%u", table);
        *shape = (KeyedShape){{4, {false, false, false, true}}, key_counts[table], {0, 1}};
        return true;
    }
    return false;
}

/* Adds a group key that is never NULL: by its own form or by a condition. */
static void append_group(Random *random, const QueryShape *input, KeyedShape *shape, Buffer *groups,
                         Buffer *where)
{
    bool text = random_below(random, 3) == 0 && random_column(random, input, true) >= 0;
    int column = random_column(random, input, text);
    uint32_t at = shape->key_count++;
    shape->keys[at] = at;
    shape->shape.is_text[at] = text;
    if (random_below(random, 2) == 0) {
        buffer_printf(groups, text ? "COALESCE(c%d, '-')" : "COALESCE(c%d, -1)", column);
        return;
    }
    buffer_printf(groups, "c%d", column);
    buffer_printf(where, "%sc%d IS NOT NULL", where->length == 0 ? " WHERE " : " AND ", column);
}

static void append_groups(Random *random, uint32_t depth, Buffer *sql, KeyedShape *shape)
{
    Buffer inner = {0}, groups = {0}, where = {0};
    QueryShape input;
    random_query(random, depth, &inner, &input);
    *shape = (KeyedShape){.key_count = 0};
    uint32_t keys = 1 + random_below(random, 2), aggregates = 1 + random_below(random, 3);
    buffer_append_text(sql, "SELECT ");
    for (uint32_t i = 0; i < keys; i++) {
        buffer_append_text(&groups, i == 0 ? "" : ", ");
        size_t start = groups.length;
        append_group(random, &input, shape, &groups, &where);
        buffer_printf(sql, "%s%s AS c%u", i == 0 ? "" : ", ", buffer_text(&groups) + start, i);
    }
    shape->shape.column_count = keys;
    for (uint32_t i = 0; i < aggregates; i++) {
        uint32_t at = shape->shape.column_count++;
        buffer_append_text(sql, ", ");
        random_aggregate(random, &input, i > 0, &shape->shape.is_text[at], sql);
        buffer_printf(sql, " AS c%u", at);
    }
    buffer_printf(sql, " FROM (%s) x%s GROUP BY %s", buffer_text(&inner), buffer_text(&where),
                  buffer_text(&groups));
    if (random_below(random, 4) == 0)
        buffer_append_text(sql, " HAVING COUNT(*) > 1");
    buffer_deinit(&inner);
    buffer_deinit(&groups);
    buffer_deinit(&where);
}

static void append_groups_of(Random *random, uint32_t depth, const uint32_t *key_counts,
                             Buffer *sql, KeyedShape *shape)
{
    (void)key_counts;
    append_groups(random, depth, sql, shape);
}

static void append_leaf(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape)
{
    bool wants_groups = random_below(random, 3) == 2;
    if (wants_groups || !append_table(random, key_counts, sql, shape))
        append_groups(random, depth, sql, shape);
}

/* ---------------------------------------------------------------- operators */

static void wrap_filter(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape)
{
    buffer_append_text(sql, "SELECT * FROM (");
    random_keyed_query(random, depth, key_counts, sql, shape);
    buffer_append_text(sql, ") x WHERE ");
    random_predicate(random, &shape->shape, sql);
}

/* The key, anywhere in the row, and some expressions. */
static void wrap_projection(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                            KeyedShape *shape)
{
    Buffer inner = {0};
    KeyedShape input;
    random_keyed_query(random, depth, key_counts, &inner, &input);
    *shape = (KeyedShape){.key_count = input.key_count};
    buffer_append_text(sql, "SELECT ");
    for (uint32_t next = 0; next < input.key_count || shape->shape.column_count < 3;) {
        uint32_t at = shape->shape.column_count++;
        bool room = at + input.key_count - next < QUERY_COLUMNS_MAX - 1;
        bool expression = next == input.key_count || (room && random_below(random, 3) == 0);
        buffer_append_text(sql, at == 0 ? "" : ", ");
        if (expression) {
            random_expression(random, &input.shape, false, sql);
        } else {
            buffer_printf(sql, "c%u", input.keys[next]);
            shape->shape.is_text[at] = input.shape.is_text[input.keys[next]];
            shape->keys[next++] = at;
        }
        buffer_printf(sql, " AS c%u", at);
    }
    if (random_column(random, &shape->shape, false) < 0) {
        buffer_printf(sql, ", 1 AS c%u", shape->shape.column_count);
        shape->shape.column_count++;
    }
    buffer_printf(sql, " FROM (%s) x", buffer_text(&inner));
    buffer_deinit(&inner);
}

static void append_columns(const QueryShape *side, char alias, QueryShape *shape, Buffer *sql)
{
    for (uint32_t i = 0; i < side->column_count && shape->column_count < QUERY_COLUMNS_MAX; i++) {
        buffer_printf(sql, "%s%c.c%u AS c%u", shape->column_count == 0 ? "" : ", ", alias, i,
                      shape->column_count);
        shape->is_text[shape->column_count++] = side->is_text[i];
    }
}

/* ON the whole key of the right side, so that a left row meets one row at most; false when the left
 * side has no columns to compare it with. */
static bool append_key_condition(Random *random, const KeyedShape sides[2], Buffer *sql)
{
    for (uint32_t i = 0; i < sides[1].key_count; i++) {
        uint32_t key = sides[1].keys[i];
        int left = random_column(random, &sides[0].shape, sides[1].shape.is_text[key]);
        if (left < 0)
            return false;
        buffer_printf(sql, "%sa.c%d = b.c%u", i == 0 ? "" : " AND ", left, key);
    }
    return true;
}

/* Adds the whole SELECT of a join of two queries. */
static void append_join(Random *random, Buffer inner[2], const KeyedShape sides[2], Buffer *sql,
                        KeyedShape *shape)
{
    Buffer on = {0};
    bool by_key = random_below(random, 3) != 0 && append_key_condition(random, sides, &on);
    bool left = by_key && random_below(random, 2) == 0;
    if (!by_key) {
        buffer_clear(&on);
        random_equality(random, &sides[0].shape, &sides[1].shape, &on);
    }
    *shape = sides[0];
    shape->shape.column_count = 0;
    buffer_append_text(sql, "SELECT ");
    append_columns(&sides[0].shape, 'a', &shape->shape, sql);
    append_columns(&sides[1].shape, 'b', &shape->shape, sql);
    for (uint32_t i = 0; !by_key && i < sides[1].key_count; i++)
        shape->keys[shape->key_count++] = sides[0].shape.column_count + sides[1].keys[i];
    if (random_below(random, 4) == 0)
        buffer_printf(&on, " AND a.c%d <= b.c%d", random_column(random, &sides[0].shape, false),
                      random_column(random, &sides[1].shape, false));
    buffer_printf(sql, " FROM (%s) a %s (%s) b ON %s", buffer_text(&inner[0]),
                  left ? "LEFT JOIN" : "JOIN", buffer_text(&inner[1]), buffer_text(&on));
    buffer_deinit(&on);
}

static void wrap_join(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                      KeyedShape *shape)
{
    Buffer inner[2] = {{0}, {0}};
    KeyedShape sides[2];
    random_keyed_query(random, depth, key_counts, &inner[0], &sides[0]);
    random_keyed_query(random, depth / 2, key_counts, &inner[1], &sides[1]);
    if (sides[0].shape.column_count + sides[1].shape.column_count <= QUERY_COLUMNS_MAX) {
        append_join(random, inner, sides, sql, shape);
    } else {
        buffer_append_text(sql, buffer_text(&inner[0]));
        *shape = sides[0];
    }
    buffer_deinit(&inner[0]);
    buffer_deinit(&inner[1]);
}

/* Rows that another query has something to say about. */
static void wrap_membership(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                            KeyedShape *shape)
{
    Buffer inner = {0};
    random_keyed_query(random, depth, key_counts, &inner, shape);
    random_membership_over(random, depth, buffer_text(&inner), &shape->shape, sql);
    buffer_deinit(&inner);
}

/* Columns more: window functions over the rows. */
static void wrap_over(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                      KeyedShape *shape)
{
    Buffer inner = {0};
    random_keyed_query(random, depth, key_counts, &inner, shape);
    QueryShape input = shape->shape;
    random_over_query(random, buffer_text(&inner), &input, sql, &shape->shape);
    buffer_deinit(&inner);
}

void random_keyed_query(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape)
{
    typedef void (*Wrap)(Random *, uint32_t, const uint32_t *, Buffer *, KeyedShape *);
    static const Wrap wraps[] = {append_leaf,        wrap_filter, wrap_projection, append_groups_of,
                                 random_keyed_top_n, wrap_join,   wrap_join,       wrap_join,
                                 wrap_membership,    wrap_over};
    uint32_t span = random_enter(random, SPAN_QUERY);
    uint32_t wrap = random_below(random, array_count(wraps));
    if (depth == 0)
        append_leaf(random, 0, key_counts, sql, shape);
    else
        wraps[wrap](random, depth - 1, key_counts, sql, shape);
    random_leave(random, span);
}
