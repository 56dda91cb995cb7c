/* Tables of planner cases: a statement over tables that all of them share, and what is to come out.
 */
#ifndef TESTS_PLANNER_CASES_H
#define TESTS_PLANNER_CASES_H

#include "planner_testing.h"

/* What the cases below read and write. */
__attribute__((unused)) static const char *const planner_tables =
    "CREATE TABLE o (id BIGINT, cid INT, amount DECIMAL(10, 2), note STRING, ts "
    "TIMESTAMP(3),\n"
    "  PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'source', 'kinds' = 'all');\n"
    "CREATE TABLE c (id INT, name STRING, city STRING, PRIMARY KEY (id) NOT ENFORCED)\n"
    "  WITH ('connector' = 'source', 'kinds' = 'all');\n"
    "CREATE TABLE e (k STRING, v INT) WITH ('connector' = 'source');\n"
    "CREATE TABLE up (id BIGINT, v INT, PRIMARY KEY (id) NOT ENFORCED)\n"
    "  WITH ('connector' = 'source', 'kinds' = 'upsert');\n"
    "CREATE TABLE r (k STRING, ts TIMESTAMP(3), day AS CAST(ts AS DATE), at "
    "TIMESTAMP_LTZ(3) METADATA\n"
    "  FROM 'op_ts' VIRTUAL, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH "
    "('connector' = 'source');\n"
    "CREATE TABLE f (k STRING, v INT) WITH ('connector' = 'source', 'bounded' = "
    "'true');\n"
    "CREATE TABLE u (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)\n"
    "  WITH ('connector' = 'sink', 'takes' = 'upsert');\n"
    "CREATE TABLE n (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED)\n"
    "  WITH ('connector' = 'spread', 'takes' = 'upsert');\n"
    "CREATE TABLE p (id BIGINT, name STRING NOT NULL, extra DOUBLE) WITH ('connector' = "
    "'sink');\n"
    "CREATE TABLE a (k STRING, n BIGINT) WITH ('connector' = 'sink', 'takes' = "
    "'insert');\n";

/* A case of a table of tests: `sql` after the tables all cases share. */
typedef struct PlanCase {
    const char *sql;
    const char *expected;
} PlanCase;

static inline void expect_cases(const PlanCase *cases, size_t count, const PlannerConfig *config,
                                Shown shown)
{
    for (size_t i = 0; i < count; i++) {
        Buffer script = {0}, got = {0};
        buffer_append_text(&script, planner_tables);
        buffer_append_text(&script, cases[i].sql);
        run_script(buffer_text(&script), config, shown, &got);
        expect_text(cases[i].sql, &got, cases[i].expected);
        buffer_deinit(&script);
        buffer_deinit(&got);
    }
}

#endif
