/* Set operations and grouping sets. What SQLite lacks is written out for it: INTERSECT ALL and
 * EXCEPT ALL over numbered rows, each grouping set as a query of its own. Such text stands in both
 * dialects, "\1Weir's\2SQLite's\3", and random_dialect chooses. */
#include "tests/random_query.h"

#include <stdio.h>

void random_dialect(const char *text, bool sqlite, Buffer *out)
{
    int depth = 0, hidden = 0; /* the depth from which on text is left out */
    for (; *text != '\0'; text++) {
        if (*text == '\1') {
            depth++;
            hidden = hidden == 0 && sqlite ? depth : hidden;
        } else if (*text == '\2') {
            bool starts = hidden == 0 && !sqlite;
            hidden = hidden == depth ? 0 : starts ? depth : hidden;
        } else if (*text == '\3') {
            hidden = hidden == depth ? 0 : hidden;
            depth--;
        } else if (hidden == 0) {
            buffer_append_char(out, *text);
        }
    }
}

/* Two numbers of a random query. */
static void append_side(Random *random, uint32_t depth, Buffer *sql)
{
    Buffer inner = {0};
    QueryShape shape;
    random_query(random, depth, &inner, &shape);
    buffer_printf(sql, "SELECT c%d AS c0, c%d AS c1 FROM (%s) x",
                  random_column(random, &shape, false), random_column(random, &shape, false),
                  buffer_text(&inner));
    buffer_deinit(&inner);
}

void random_set_operation(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    static const char numbered[] = "SELECT c0, c1, ROW_NUMBER() OVER (PARTITION BY c0, c1) FROM";
    const char *operation = random_below(random, 2) == 0 ? "INTERSECT" : "EXCEPT";
    Buffer sides[2] = {{0}, {0}};
    append_side(random, depth, &sides[0]);
    append_side(random, depth / 2, &sides[1]);
    const char *left = buffer_text(&sides[0]), *right = buffer_text(&sides[1]);
    if (random_below(random, 2) == 0)
        buffer_printf(sql, "%s %s %s", left, operation, right);
    else
        buffer_printf(sql, "\1%s %s ALL %s\2SELECT c0, c1 FROM (%s (%s) %s %s (%s))\3", left,
                      operation, right, numbered, left, operation, numbered, right);
    *shape = (QueryShape){2, {false, false}};
    buffer_deinit(&sides[0]);
    buffer_deinit(&sides[1]);
}

/* ----------------------------------------------------------- grouping sets */

/* Sets over two keys, bit 0 for the second: what GROUPING of both says. */
typedef struct Grouping {
    const char *clause; /* of the columns %1$s and %2$s */
    uint32_t set_count;
    uint32_t sets[5];
} Grouping;

static const Grouping groupings[] = {
    {"ROLLUP (%1$s, %2$s)", 3, {0, 1, 3}},
    {"CUBE (%1$s, %2$s)", 4, {0, 1, 2, 3}},
    {"GROUPING SETS ((%1$s), (%2$s), ())", 3, {1, 2, 3}},
    {"%1$s, ROLLUP (%2$s)", 2, {0, 1}},
    {"GROUPING SETS (ROLLUP (%1$s, %2$s), (%1$s))", 4, {0, 1, 3, 1}},
};

/* The rows of one set, for SQLite. */
static void append_set(const char *const *keys, uint32_t set, const char *aggregates, Buffer *sql)
{
    buffer_printf(sql, "SELECT %s AS c0, %s AS c1, %u AS c2%s FROM w x ",
                  (set & 2) != 0 ? "NULL" : keys[0], (set & 1) != 0 ? "NULL" : keys[1], set,
                  aggregates);
    if (set == 3)
        buffer_append_text(sql, "HAVING COUNT(*) > 0");
    else
        buffer_printf(sql, "GROUP BY %s%s%s", (set & 2) != 0 ? "" : keys[0], set == 0 ? ", " : "",
                      (set & 1) != 0 ? "" : keys[1]);
}

/* Two different columns as keys; the second may be a text. */
static void choose_keys(Random *random, const QueryShape *input, char keys[2][16],
                        QueryShape *shape)
{
    int first = random_column(random, input, false);
    int second =
        (first + 1 + (int)random_below(random, input->column_count - 1)) % (int)input->column_count;
    shape->is_text[1] = input->is_text[second];
    snprintf(keys[0], sizeof(keys[0]), "x.c%d", first);
    snprintf(keys[1], sizeof(keys[1]), "x.c%d", second);
}

void random_grouping_sets(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape)
{
    Buffer inner = {0}, aggregates = {0};
    QueryShape input;
    do {
        buffer_clear(&inner);
        random_query(random, depth, &inner, &input);
    } while (input.column_count < 2);
    *shape = (QueryShape){3 + 1 + random_below(random, 2), {false}};
    char columns[2][16];
    choose_keys(random, &input, columns, shape);
    const char *keys[2] = {columns[0], columns[1]};
    for (uint32_t i = 3; i < shape->column_count; i++) {
        buffer_append_text(&aggregates, ", ");
        random_aggregate(random, &input, true, &shape->is_text[i], &aggregates);
        buffer_printf(&aggregates, " AS c%u", i);
    }
    const Grouping *grouping = &groupings[random_below(random, array_count(groupings))];
    buffer_printf(
        sql, "\1SELECT %s AS c0, %s AS c1, GROUPING(%s, %s) AS c2%s FROM (%s) x GROUP BY ", keys[0],
        keys[1], keys[0], keys[1], buffer_text(&aggregates), buffer_text(&inner));
    char clause[160];
    snprintf(clause, sizeof(clause), grouping->clause, keys[0], keys[1]);
    /* The total of nothing is a row in a bounded run and inside a query, else not. */
    buffer_printf(sql, "%s HAVING GROUPING(%s, %s) < 3 OR COUNT(*) > 0", clause, keys[0], keys[1]);
    buffer_printf(sql, "\2SELECT * FROM (WITH w AS (%s) ", buffer_text(&inner));
    for (uint32_t s = 0; s < grouping->set_count; s++) {
        buffer_append_text(sql, s == 0 ? "" : " UNION ALL ");
        append_set(keys, grouping->sets[s], buffer_text(&aggregates), sql);
    }
    buffer_append_text(sql, ")\3");
    buffer_deinit(&inner);
    buffer_deinit(&aggregates);
}
