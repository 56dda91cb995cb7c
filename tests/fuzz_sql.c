/* Fuzzes the SQL front end: cutting a script, parsing each statement, parsing an expression and a
 * type.
 *
 * Strategy: mutate the seeds below. Invariants: nothing crashes; a refusal has a code and a place
 * within the text; a tree has its place within the text and parses to the same tree again. */
#include <stdio.h>
#include <stdlib.h>

#include "parser/ast_print.h"
#include "parser/parser.h"
#include "tests/fuzz_main.h"

const char *const fuzz_seeds[] = {
    "SELECT Aa, `Order`, \"q\"\"x\", `a``b` FROM cat.db.`my Table` AS t (x, y)",
    "SELECT user, value, `timestamp`, timestamp, date, year, rows, first, range, row, comment FROM "
    "t",
    "SELECT t.order, t.*, *, a.b.c, a.b.c.d.e.f FROM t",
    "SELECT 1, 1.5, .5, 1., 1e10, 99999999999999999999, 'it''s', TRUE, false, NULL",
    "SELECT x'0aFF', U&'d\\0061t\\+000061', E'a\\n\\u00e9\\'', N'x', 'a\"b', ''",
    "SELECT DATE '2020-01-02', TIME '10:11:12.5', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP "
    "'2020-01-01 00:00:00.123456'",
    "SELECT INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3' MONTH, INTERVAL '-1' YEAR, INTERVAL '2' "
    "QUARTER",
    "SELECT INTERVAL '1' DAY, INTERVAL '10' SECOND(3), INTERVAL '1 02:03:04.5' DAY TO SECOND, "
    "INTERVAL -'2' HOURS, INTERVAL '1' WEEK, INTERVAL '90' MINUTE(3), INTERVAL '1:02' HOUR TO "
    "MINUTE, INTERVAL '0.0015' SECOND",
    "SELECT a + b * c, (a + b) * c, a - b - c, -a * b, - -a, +a, a % b / c, -5",
    "SELECT a || b * c, a + b || c, a || b || c",
    "SELECT NOT a = b, NOT a IS NULL, NOT a AND b, a = b IS NULL, a OR b AND c, (a OR b) AND c",
    "SELECT a <> b, a != b, a <= b, a >= b, a < b, a > b",
    "SELECT a IS NOT NULL, a IS TRUE, a IS NOT FALSE, a IS UNKNOWN, a IS NOT UNKNOWN",
    "SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b AND c, NOT a IS DISTINCT FROM b + 1",
    "SELECT a BETWEEN 1 AND 2 AND b, a NOT BETWEEN 1 AND 2, a BETWEEN SYMMETRIC 1 AND 2, a NOT "
    "BETWEEN ASYMMETRIC 1 AND 2",
    "SELECT a LIKE 'x%', a NOT LIKE b, a LIKE 'x!%' ESCAPE '!', a SIMILAR TO 'x', a NOT SIMILAR TO "
    "'x' ESCAPE 'y', a || b LIKE c",
    "SELECT a IN (1, 2), a NOT IN (1), (a, b) IN ((1, 2), (3, 4)), a + 1 IN (b)",
    "SELECT (a, b) OVERLAPS (c, d)",
    "SELECT (SELECT 1), EXISTS (SELECT 1), NOT EXISTS (SELECT 1), a IN (SELECT b FROM u), a NOT IN "
    "(SELECT b FROM u), NOT a IN (SELECT b FROM u), (a, b) IN (SELECT 1, 2)",
    "SELECT a = ANY (SELECT 1), a = SOME (SELECT 1), a <> ALL (SELECT 2)",
    "SELECT CASE WHEN a THEN b END, CASE WHEN a THEN b WHEN c THEN d ELSE e END, CASE a WHEN 1 "
    "THEN 2 ELSE 3 END",
    "SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 ELSE 3 END END + 1",
    "SELECT CAST(a AS INT), CAST(a AS ROW<a INT, b ARRAY<STRING NOT NULL>>), TRY_CAST(a AS "
    "DECIMAL(10, 2)), CAST(a AS TIMESTAMP_LTZ(3)), CAST(a AS DOUBLE PRECISION), CAST(a AS MAP<INT, "
    "BYTES>)",
    "SELECT a::INT, -a::STRING, a::INT::BIGINT, a::TIMESTAMP(3) + b, 'x'::VARCHAR(3), CAST(a AS "
    "TIMESTAMP(3) WITH LOCAL TIME ZONE)",
    "SELECT ROW(1, 'a'), (1, 'a'), ROW(), ARRAY[1, 2], ARRAY[], MAP['a', 1, 'b', 2], MAP[], "
    "ARRAY[ARRAY[1], ARRAY[2]]",
    "SELECT a[1], a.b[1]['x'].c, f(x)[1], f(x)[1].b, f(x).y, (f(x)).y, MAP['a', 1]['a'], ARRAY[1, "
    "2][1], CAST(x AS ROW<a INT>).a, ROW(1, 2).x",
    "SELECT f(), F(1, 2), `my_F`(a), COUNT(*), COUNT(DISTINCT a, b), COUNT(ALL a), SUM(a) FILTER "
    "(WHERE b > 0), if(a, b, c), COALESCE(a, b), NULLIF(a, b)",
    "SELECT CURRENT_TIMESTAMP, CURRENT_DATE, current_time, LOCALTIME, LOCALTIMESTAMP, NOW(), "
    "`current_date`, 1 AS current_date, PROCTIME()",
    "SELECT EXTRACT(DAY FROM a), EXTRACT(EPOCH FROM a + b), FLOOR(a TO HOUR), CEIL(a TO months), "
    "CEILING(a), FLOOR(a)",
    "SELECT TIMESTAMPADD(MINUTE, 5, a), TIMESTAMPDIFF(DAY, a, b), TIMESTAMPADD(SQL_TSI_HOUR, 1, a)",
    "SELECT TRIM(a), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM a), TRIM(TRAILING 'x' FROM a), "
    "TRIM('x' FROM a), trim(both), TRIM(BOTH FROM a)",
    "SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a FROM 2), SUBSTRING(a, 2, 3), POSITION('a' IN "
    "b), OVERLAY(a PLACING b FROM 1 FOR 2), LEFT(a, 1), RIGHT(a, 1)",
    "SELECT f(a => 1, OFFSET => 2, `c` => b)",
    "SELECT ARRAY_AGG(x IGNORE NULLS), ARRAY_AGG(x RESPECT NULLS), LAST_VALUE(x) IGNORE NULLS OVER "
    "(ORDER BY y)",
    "SELECT SUM(x) OVER (PARTITION BY k, l ORDER BY t DESC NULLS LAST, u NULLS FIRST ROWS BETWEEN "
    "3 PRECEDING AND CURRENT ROW)",
    "SELECT SUM(x) OVER (ORDER BY t RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW), "
    "SUM(x) OVER (ROWS UNBOUNDED PRECEDING), SUM(x) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND "
    "UNBOUNDED FOLLOWING), SUM(x) OVER (ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)",
    "SELECT SUM(x) OVER w, SUM(x) OVER (w), SUM(x) OVER () FROM t WINDOW w AS (PARTITION BY k "
    "ORDER BY t), v AS (ORDER BY u)",
    "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS rn FROM t WHERE TRUE GROUP BY a "
    "HAVING b WINDOW w AS (ORDER BY c) QUALIFY rn = 1 AND b ORDER BY d",
    "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) <= 3 UNION ALL SELECT 2",
    "SELECT * FROM a, b AS x, c JOIN d ON TRUE",
    "SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (x, y) RIGHT OUTER JOIN d ON TRUE FULL "
    "JOIN e ON TRUE CROSS JOIN f NATURAL JOIN g INNER JOIN h ON FALSE",
    "SELECT * FROM a FULL OUTER JOIN (b JOIN c ON TRUE) ON TRUE",
    "SELECT * FROM (SELECT 1) t, (SELECT 2), ((SELECT 3) UNION (SELECT 4)) AS u(x), LATERAL "
    "(SELECT 5)",
    "SELECT * FROM (SELECT 1) FULL JOIN (SELECT 2) ON TRUE",
    "SELECT * FROM (VALUES (1, 2), (3, 4)) AS t(a, b)",
    "SELECT * FROM UNNEST(a), UNNEST(b) WITH ORDINALITY AS u(v, i)",
    "SELECT * FROM t CROSS JOIN UNNEST(t.arr) AS u(x) LEFT JOIN LATERAL TABLE(f(t.y)) AS v(z) ON "
    "TRUE, LATERAL TABLE(g(z))",
    "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS w",
    "SELECT * FROM TABLE(HOP(DATA => TABLE c.d.t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '5' "
    "MINUTE, SIZE => INTERVAL '10' MINUTE)) JOIN u ON TRUE",
    "SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) w(a, b)",
    "SELECT * FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE), f(TABLE u "
    "PARTITION BY (a, b) ORDER BY c)",
    "SELECT * FROM TUMBLE(TABLE (SELECT a FROM t), DESCRIPTOR(a, b))",
    "SELECT * FROM tumble(t, ts, INTERVAL '1' MINUTE)",
    "SELECT TUMBLE_START(ts, INTERVAL '1' HOUR), COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' "
    "HOUR), k",
    "SELECT * FROM o JOIN r FOR SYSTEM_TIME AS OF o.proc_time AS x ON o.a = x.a",
    "SELECT * FROM o AS a JOIN r FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01 00:00:00' - INTERVAL "
    "'5' MINUTE rr(x, y) ON TRUE",
    "SELECT * FROM r FOR SYSTEM_TIME AS OF PROCTIME() WHERE a",
    "SELECT * FROM r FOR SYSTEM_TIME AS OF LEFT(x, 2) LEFT JOIN s FOR SYSTEM_TIME AS OF a[1] FULL "
    "JOIN t ON TRUE ON FALSE",
    "SELECT a FROM t /*+ OPTIONS('x'='y', \"k\" = 'v', scan.mode = latest, n = -1) */ AS q JOIN u "
    "/*+ OPTIONS('z'='1') */ ON TRUE",
    "SELECT /*+ STATE_TTL('a'='1d', 'b'='2d'), LOOKUP('table'='b') */ DISTINCT a FROM t",
    "SELECT DISTINCT a FROM t WHERE b GROUP BY a, (b, c), d + 1 HAVING COUNT(*) > 1 ORDER BY 1, a "
    "DESC LIMIT 5 OFFSET 2",
    "SELECT ALL a FROM t GROUP BY GROUPING SETS ((a, b), (), ROLLUP(a, (b, c)), CUBE(b), GROUPING "
    "SETS (d)), c",
    "SELECT a, GROUPING(a), GROUPING_ID(a, b) FROM t GROUP BY ROLLUP (a, b)",
    "SELECT COUNT(*) FROM t GROUP BY ()",
    "SELECT 1 ORDER BY a NULLS LAST FETCH FIRST 5 ROWS ONLY",
    "SELECT 1 OFFSET 3 ROWS FETCH NEXT ROW ONLY",
    "SELECT 1 LIMIT ALL",
    "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4",
    "(SELECT 1 ORDER BY a LIMIT 1) UNION ALL (SELECT 2) ORDER BY b",
    "SELECT 1 UNION DISTINCT (SELECT 2 INTERSECT ALL SELECT 3)",
    "VALUES (1, 'a'), ROW(2, 'b'), (3, NULL)",
    "VALUES 1, (2), (3) + 4, (5)",
    "WITH q(a) AS (SELECT 1), r AS (SELECT * FROM q) SELECT a FROM q UNION ALL SELECT b FROM r "
    "ORDER BY a",
    "SELECT * FROM (WITH q AS (VALUES 1) SELECT * FROM q)",
    "WITH q AS (SELECT 1 UNION SELECT 2) VALUES (1)",
    "SELECT /* one */ 1 -- two",
    "CREATE TABLE t (a INT)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS c.d.`Orders` (id BIGINT NOT NULL PRIMARY KEY NOT "
    "ENFORCED COMMENT 'the id', name STRING NULL, watermark INT, primary INT, ts TIMESTAMP(3) "
    "METADATA FROM 'timestamp' VIRTUAL, op STRING METADATA COMMENT 'x', WATERMARK FOR ts AS ts - "
    "INTERVAL '5' SECOND)",
    "CREATE TABLE t (a INT, b AS a * 2 + f(a, 1) COMMENT 'twice', comment STRING, c AS CASE WHEN a "
    "> 0 THEN 'x' ELSE `comment` END, d AS PROCTIME()) COMMENT 'about t' PARTITIONED BY (a, b)",
    "CREATE TABLE t (a INT, b STRING, CONSTRAINT pk PRIMARY KEY (a, b) NOT ENFORCED)",
    "CREATE TABLE t (a INT CONSTRAINT pk PRIMARY KEY NOT ENFORCED)",
    "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '/tmp/x''y')",
    "CREATE TABLE t (a INT) WITH (connector = datagen, \"a.b\" = 'c', a.b.c = 1, "
    "json.ignore-parse-errors = true, server-id = 5400, x = -1.5)",
    "CREATE TABLE t (a INT) WITH ()",
    "CREATE TABLE t LIKE c.b",
    "CREATE TABLE t (b INT) WITH ('a' = 'b') LIKE src",
    "CREATE TABLE t WITH ('a' = 'b') AS SELECT 1 AS x",
    "CREATE TABLE t AS VALUES (1)",
    "CREATE TABLE t (a ROW<x INT 'first', y ARRAY<MAP<STRING, DOUBLE>>>, b INT ARRAY NOT NULL, c "
    "MULTISET<DATE>, d ROW(p CHAR, q VARBINARY(3)), e INTERVAL DAY(2) TO SECOND(3), f INTERVAL "
    "YEAR TO MONTH)",
    "CREATE TABLE t (a BOOLEAN, b TINYINT, c SMALLINT, d INTEGER, e FLOAT, f DOUBLE PRECISION, g "
    "DEC, h NUMERIC(5), i DECIMAL(38, 18), j CHAR(3), k VARCHAR, l VARCHAR(9), m BINARY(2), n "
    "BYTES, o TIME, p TIME(3), q TIMESTAMP, r TIMESTAMP(9) WITHOUT TIME ZONE, s TIMESTAMP_LTZ, t "
    "TIMESTAMP(0) WITH LOCAL TIME ZONE, u REAL)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TEMPORARY VIEW IF NOT EXISTS a.v (x, y) COMMENT 'c' AS SELECT 1, 2 FROM t",
    "DROP TABLE t",
    "DROP TEMPORARY TABLE IF EXISTS a.b",
    "DROP VIEW IF EXISTS v",
    "INSERT INTO t SELECT * FROM s",
    "INSERT INTO a.t /*+ OPTIONS('k'='v') */ PARTITION (p = 'x', q = 1 + 2) (a, b) SELECT 1, 2 ON "
    "CONFLICT DO NOTHING",
    "INSERT INTO t VALUES (1, 'a'), (2, NULL)",
    "INSERT OVERWRITE t (SELECT 1)",
    "INSERT INTO t WITH q AS (SELECT 1) SELECT * FROM q ON CONFLICT DO DEDUPLICATE",
    "EXECUTE INSERT INTO t SELECT 1 ON CONFLICT DO ERROR",
    "EXECUTE SELECT 1",
    "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 "
    "END FROM t; END",
    "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b VALUES (2); END;",
    "EXPLAIN SELECT 1",
    "EXPLAIN PLAN FOR INSERT INTO t SELECT 1",
    "SELECT a FORM t",
    "CRAETE TABLE t (a INT)",
    "SELECT a,, b",
    "SELECT a FROM t FOR UPDATE",
    "SELECT (1",
    "SELECT 1 /* x",
    "SELECT E'\\q'",
    "SELECT INTERVAL '1' FORTNIGHT",
    "SELECT EXTRACT(DAYY FROM x)",
    "SELECT CAST(a AS ROW<x INT, x INT>)",
    "SELECT f(a ORDER BY b)",
    "SELECT SUM(c) OVER (w ORDER BY x) FROM t WINDOW w AS (ORDER BY x)",
    "SELECT * FROM f(a) AS t(x INT)",
    "SELECT * FROM r FOR SYSTEM_TIME AS x",
    "SELECT a FROM t /*+ OPTIONS('x') */",
    "CREATE TABLE t (a INT PRIMARY KEY ENFORCED)",
    "CREATE TABLE t (a INT DEFAULT 1)",
    "CREATE TABLE t (a AS SELECT 1)",
    "CREATE TABLE t (a INT) WITH ('a')",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "DELETE FROM t",
    "INSERT INTO t SELECT 1 ON CONFLICT DO IGNORE",
    "EXPLAIN CREATE VIEW v AS SELECT 1",
    "SHOW JARS",
    "USE MODULES m",
    "SELECT 1; SET a = b; EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END; SELECT 2",
    NULL,
};

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "invariant broken: %s\n", what);
    abort();
}

static void check_error(const Error *error, Str script)
{
    check(error->code != ERROR_NONE && error->code != ERROR_INTERNAL, "a refusal has a code");
    check(error->message[0] != '\0', "a refusal has a message");
    check(error->sql_offset >= 0 && error->sql_length >= 0 &&
              (size_t)(error->sql_offset + error->sql_length) <= script.length,
          "the place of an error lies in the script");
}

/* The statement as text; false when it is refused. */
static bool print_parsed(Str script, size_t start, size_t end, Buffer *out)
{
    Arena *arena = arena_new(4096);
    Error error = {0};
    const AstStatement *statement = parser_parse(script, start, end, arena, &error);
    if (statement == NULL) {
        check_error(&error, script);
    } else {
        check(error.code == ERROR_NONE, "success leaves the error alone");
        check(statement->place.offset >= (int64_t)start &&
                  statement->place.offset + statement->place.length <= (int64_t)end,
              "the place of a statement lies in it");
        ast_print_statement(statement, out);
    }
    arena_free(arena);
    return statement != NULL;
}

static void fuzz_statement(Str script, size_t start, size_t end)
{
    Buffer first = {0};
    Buffer second = {0};
    bool fine = print_parsed(script, start, end, &first);
    check(fine == print_parsed(script, start, end, &second), "parsing is deterministic");
    check(strcmp(buffer_text(&first), buffer_text(&second)) == 0, "trees are deterministic");
    buffer_deinit(&first);
    buffer_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str script = {(const char *)data, size};
    size_t offset = 0, start = 0, end = 0;
    bool incomplete = false;
    size_t before = 0;
    while (parser_next_statement(script, &offset, &start, &end, &incomplete)) {
        check(start >= before && start < end && end < offset && offset <= size,
              "statements follow each other");
        before = offset;
        fuzz_statement(script, start, end);
    }
    if (incomplete)
        fuzz_statement(script, start, end);
    Arena *arena = arena_new(4096);
    Error error = {0};
    if (parser_parse_expression(script, arena, &error) == NULL)
        check_error(&error, script);
    error = (Error){0};
    if (parser_parse_type(script, arena, &error) == NULL)
        check_error(&error, script);
    arena_free(arena);
    return 0;
}
