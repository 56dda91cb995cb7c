/* Random queries that mean the same in Flink's dialect and in SQLite's: nested filters,
 * projections, aggregates, joins, unions and DISTINCT over three small tables. */
#ifndef TESTS_RANDOM_QUERY_H
#define TESTS_RANDOM_QUERY_H

#include "core/buffer.h"
#include "tests/random_choices.h"

#define QUERY_COLUMNS_MAX 12

typedef struct QueryShape {
    uint32_t column_count;
    bool is_text[QUERY_COLUMNS_MAX]; /* else a number; columns are called c0, c1, … */
} QueryShape;

/* Appends a SELECT of at most `depth` nested operators. Its tables are t0, t1, t2, each with the
 * columns id INT, k INT, v INT, s STRING. */
void random_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);

/* A query whose rows are known by some of its columns, which are never NULL. */
typedef struct KeyedShape {
    QueryShape shape;
    uint32_t key_count;
    uint32_t keys[QUERY_COLUMNS_MAX];
} KeyedShape;

/* The same with a key; `key_counts` says how many of the columns id, k are the primary key of each
 * of the three tables. */
void random_keyed_query(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape);

/* random_sets.c: INTERSECT and EXCEPT; GROUPING SETS, ROLLUP and CUBE. */
void random_set_operation(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_grouping_sets(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
/* random_rank.c: a filter on ROW_NUMBER, RANK or DENSE_RANK; ORDER BY with LIMIT. */
void random_top_n(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_sort_limit(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_keyed_top_n(Random *random, uint32_t depth, const uint32_t *key_counts, Buffer *sql,
                        KeyedShape *shape);
/* Query text as Weir or SQLite reads it: what one of them lacks stands there for both. */
void random_dialect(const char *text, bool sqlite, Buffer *out);
/* random_subquery.c: queries with queries in their expressions; as random_query. */
void random_membership_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_value_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_group_values(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_over_membership(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_query_groups(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);

/* random_lateral.c: UNNEST, aggregates that collect, LATERAL, WITH. */
void random_unnest(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_collected(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_lateral(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_shared(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);

/* random_lookup.c: joined with the table `side`, where there is one. */
void random_lookup(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);

/* The same around a query that there is. */
void random_membership_over(Random *random, uint32_t depth, const char *inner,
                            const QueryShape *shape, Buffer *sql);

/* A random query with columns more: window functions over its rows; and around one there is. */
void random_over(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);
void random_over_query(Random *random, const char *inner, const QueryShape *input, Buffer *sql,
                       QueryShape *shape);

/* ------------------------------------------------------- parts of a query */

/* A column of the wanted kind, or -1. */
int random_column(Random *random, const QueryShape *shape, bool text);
/* Of a column of a and one of b. */
void random_equality(Random *random, const QueryShape *left, const QueryShape *right, Buffer *sql);
void random_predicate(Random *random, const QueryShape *shape, Buffer *sql);
/* Over a column of the wanted kind, which there must be. */
void random_expression(Random *random, const QueryShape *input, bool text, Buffer *sql);
void random_aggregate(Random *random, const QueryShape *input, bool may_be_text, bool *is_text,
                      Buffer *sql);

#endif
