/* Random queries that mean the same in Flink's dialect and in SQLite's: nested filters,
 * projections, aggregates, joins, unions and DISTINCT over three small tables. */
#ifndef TESTS_RANDOM_QUERY_H
#define TESTS_RANDOM_QUERY_H

#include "core/buffer.h"

/* A generator that can be replayed: splitmix64. */
typedef struct Random {
    uint64_t state;
} Random;

uint64_t random_next(Random *random);
/* 0 <= result < bound. */
uint32_t random_below(Random *random, uint32_t bound);

#define QUERY_COLUMNS_MAX 12

typedef struct QueryShape {
    uint32_t column_count;
    bool is_text[QUERY_COLUMNS_MAX]; /* else a number; columns are called c0, c1, … */
} QueryShape;

/* Appends a SELECT of at most `depth` nested operators. Its tables are t0, t1, t2, each with the
 * columns id INT, k INT, v INT, s STRING. */
void random_query(Random *random, uint32_t depth, Buffer *sql, QueryShape *shape);

#endif
