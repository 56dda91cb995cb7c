/* Statements other than queries against their trees, types, and cutting a script into statements.
 */
#include "tests/parser_testing.h"

static const GoldenTree statements[] = {
    {"CREATE TABLE t (a INT)", "(create-table t (physical a <INT>))"},
    {"CREATE TEMPORARY TABLE IF NOT EXISTS c.d.`Orders` (id BIGINT NOT NULL PRIMARY KEY NOT "
     "ENFORCED COMMENT 'the id', name STRING NULL, watermark INT, primary INT, ts TIMESTAMP(3) "
     "METADATA FROM 'timestamp' VIRTUAL, op STRING METADATA COMMENT 'x', WATERMARK FOR ts AS ts - "
     "INTERVAL '5' SECOND)",
     "(create-table temporary if-not-exists c.d.Orders (physical id <BIGINT NOT NULL> (comment "
     "'the id')) (physical name <STRING>) (physical watermark <INT>) (physical primary <INT>) "
     "(metadata ts <TIMESTAMP(3)> (from 'timestamp') virtual) (metadata op <STRING> (comment 'x')) "
     "(key id) (watermark ts (- ts (interval <INTERVAL DAY TO SECOND> 5000)) 'ts - INTERVAL '5' "
     "SECOND'))"},
    {"CREATE TABLE t (a INT, b AS a * 2 + f(a, 1) COMMENT 'twice', comment STRING, c AS CASE WHEN "
     "a > 0 THEN 'x' ELSE `comment` END, d AS PROCTIME()) COMMENT 'about t' PARTITIONED BY (a, b)",
     "(create-table t (physical a <INT>) (computed b (+ (* a 2) (F a 1)) 'a * 2 + f(a, 1)' "
     "(comment 'twice')) (physical comment <STRING>) (computed c (case (> a 0) 'x' comment) 'CASE "
     "WHEN a > 0 THEN 'x' ELSE `comment` END') (computed d (PROCTIME) 'PROCTIME()') (comment "
     "'about t') (partitioned a b))"},
    {"CREATE TABLE t (a INT, b STRING, CONSTRAINT pk PRIMARY KEY (a, b) NOT ENFORCED)",
     "(create-table t (physical a <INT>) (physical b <STRING>) (key a b) (constraint pk))"},
    {"CREATE TABLE t (a INT CONSTRAINT pk PRIMARY KEY NOT ENFORCED)",
     "(create-table t (physical a <INT>) (key a) (constraint pk))"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '/tmp/x''y')",
     "(create-table t (physical a <INT>) (with 'connector'='filesystem' 'path'='/tmp/x'y'))"},
    {"CREATE TABLE t (a INT) WITH (connector = datagen, \"a.b\" = 'c', a.b.c = 1, "
     "json.ignore-parse-errors = true, server-id = 5400, x = -1.5)",
     "(create-table t (physical a <INT>) (with 'connector'='datagen' 'a.b'='c' 'a.b.c'='1' "
     "'json.ignore-parse-errors'='true' 'server-id'='5400' 'x'='-1.5'))"},
    {"CREATE TABLE t (a INT) WITH ()", "(create-table t (physical a <INT>))"},
    {"CREATE TABLE t LIKE c.b", "(create-table t (like c.b))"},
    {"ALTER TABLE t RENAME a TO b", "(alter-table t rename-column a b)"},
    {"ALTER TABLE IF EXISTS c.t ADD (x INT FIRST, y AS x AFTER z, PRIMARY KEY (x) NOT ENFORCED)",
     "(alter-table if-exists c.t add (create-table (physical x <INT> first) (computed y x 'x' "
     "(after 'z')) (key x)))"},
    {"ALTER TABLE t DROP (a, b)", "(alter-table t drop a b)"},
    {"ALTER TABLE t RESET ('a', 'b')", "(alter-table t reset a b)"},
    {"ALTER VIEW v AS SELECT 1", "(alter-view v query (create-view v (select 1) 'SELECT 1'))"},
    {"CREATE TABLE t (b INT) WITH ('a' = 'b') LIKE src",
     "(create-table t (physical b <INT>) (with 'a'='b') (like src))"},
    {"CREATE TABLE t WITH ('a' = 'b') AS SELECT 1 AS x",
     "(create-table t (with 'a'='b') (select (as 1 x)))"},
    {"CREATE TABLE t AS VALUES (1)", "(create-table t (values (row 1)))"},
    {"CREATE TABLE t (a ROW<x INT 'first', y ARRAY<MAP<STRING, DOUBLE>>>, b INT ARRAY NOT NULL, c "
     "MULTISET<DATE>, d ROW(p CHAR, q VARBINARY(3)), e INTERVAL DAY(2) TO SECOND(3), f INTERVAL "
     "YEAR TO MONTH)",
     "(create-table t (physical a <ROW<`x` INT, `y` ARRAY<MAP<STRING, DOUBLE>>>>) (physical b "
     "<ARRAY<INT> NOT NULL>) (physical c <MULTISET<DATE>>) (physical d <ROW<`p` CHAR(1), `q` "
     "VARBINARY(3)>>) (physical e <INTERVAL DAY TO SECOND>) (physical f <INTERVAL YEAR TO "
     "MONTH>))"},
    {"CREATE TABLE t (a BOOLEAN, b TINYINT, c SMALLINT, d INTEGER, e FLOAT, f DOUBLE PRECISION, g "
     "DEC, h NUMERIC(5), i DECIMAL(38, 18), j CHAR(3), k VARCHAR, l VARCHAR(9), m BINARY(2), n "
     "BYTES, o TIME, p TIME(3), q TIMESTAMP, r TIMESTAMP(9) WITHOUT TIME ZONE, s TIMESTAMP_LTZ, t "
     "TIMESTAMP(0) WITH LOCAL TIME ZONE, u REAL)",
     "(create-table t (physical a <BOOLEAN>) (physical b <TINYINT>) (physical c <SMALLINT>) "
     "(physical d <INT>) (physical e <FLOAT>) (physical f <DOUBLE>) (physical g <DECIMAL(10, 0)>) "
     "(physical h <DECIMAL(5, 0)>) (physical i <DECIMAL(38, 18)>) (physical j <CHAR(3)>) (physical "
     "k <STRING>) (physical l <VARCHAR(9)>) (physical m <BINARY(2)>) (physical n <BYTES>) "
     "(physical o <TIME(0)>) (physical p <TIME(3)>) (physical q <TIMESTAMP(6)>) (physical r "
     "<TIMESTAMP(9)>) (physical s <TIMESTAMP_LTZ(6)>) (physical t <TIMESTAMP_LTZ(0)>) (physical u "
     "<FLOAT>))"},
    {"CREATE VIEW v AS SELECT 1", "(create-view v (select 1) 'SELECT 1')"},
    {"CREATE TEMPORARY VIEW IF NOT EXISTS a.v (x, y) COMMENT 'c' AS SELECT 1, 2 FROM t",
     "(create-view temporary if-not-exists a.v (columns x y) (comment 'c') (select 1 2 (from "
     "(table t))) 'SELECT 1, 2 FROM t')"},
    {"DROP TABLE t", "(drop TABLE t)"},
    {"DROP TEMPORARY TABLE IF EXISTS a.b", "(drop temporary TABLE if-exists a.b)"},
    {"DROP VIEW IF EXISTS v", "(drop VIEW if-exists v)"},
    {"INSERT INTO t SELECT * FROM s", "(insert t (select * (from (table s))))"},
    {"INSERT INTO a.t /*+ OPTIONS('k'='v') */ (a, b) SELECT 1, 2 ON CONFLICT DO NOTHING",
     "(insert a.t (hint OPTIONS 'k'='v') (columns a b) (select 1 2) (on-conflict NOTHING))"},
    {"INSERT INTO t VALUES (1, 'a'), (2, NULL)", "(insert t (values (row 1 'a') (row 2 null)))"},
    {"INSERT OVERWRITE t (SELECT 1)", "(insert-overwrite t (select 1))"},
    {"INSERT INTO t WITH q AS (SELECT 1) SELECT * FROM q ON CONFLICT DO DEDUPLICATE",
     "(insert t ((with q (select 1)) select * (from (table q))) (on-conflict DEDUPLICATE))"},
    {"EXECUTE INSERT INTO t SELECT 1 ON CONFLICT DO ERROR",
     "(insert t (select 1) (on-conflict ERROR))"},
    {"EXECUTE SELECT 1", "(select 1)"},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 "
     "END FROM t; END",
     "(statement-set (insert a (select 1)) (insert b (select (case x 1 null) (from (table t)))))"},
    {"BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b VALUES (2); END;",
     "(statement-set (insert a (select 1)) (insert b (values (row 2))))"},
    {"INSERT INTO t PARTITION (p = 'x', q, r = 1 + 2) (a) SELECT 1",
     "(insert t (partition p 'x') (partition r (+ 1 2)) (columns a) (select 1))"},
    {"EXPLAIN SELECT 1", "(explain (select 1))"},
    {"EXPLAIN PLAN FOR INSERT INTO t SELECT 1", "(explain (insert t (select 1)))"},
    {"EXPLAIN PLAN_ADVICE, CHANGELOG_MODE, JSON_EXECUTION_PLAN SELECT 1",
     "(explain changelog-mode advice json (select 1))"},
    {"SELECT /*+ MULTI_JOIN(a, b.c, 'd') */ 1",
     "(select (hint MULTI_JOIN 'a'='a' 'c'='c' 'd'='d') 1)"},
    {"EXPLAIN CHANGELOG_MODE EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END",
     "(explain changelog-mode (statement-set (insert a (select 1))))"},
    {"EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END",
     "(explain (statement-set (insert a (select 1))))"},
    {"EXPLAIN CREATE TABLE t AS SELECT 1", "(explain (create-table t (select 1)))"},
    {"SET", "(set)"},
    {"SET 'a.b' = '10 s'", "(set 'a.b'='10 s')"},
    {"SET parallelism.default = 2", "(set 'parallelism.default'='2')"},
    {"SET table.exec.state.ttl = 10 s", "(set 'table.exec.state.ttl'='10 s')"},
    {"SET \"a\" = 'b'", "(set 'a'='b')"},
    {"RESET", "(reset)"},
    {"RESET 'a.b'", "(reset 'a.b')"},
    {"RESET parallelism.default", "(reset 'parallelism.default')"},
    {"SHOW TABLES", "(show 'TABLES')"},
    {"SHOW TABLES FROM db NOT LIKE 'a%'", "(show 'TABLES' db (not-like 'a%'))"},
    {"SHOW VIEWS", "(show 'VIEWS')"},
    {"SHOW CREATE TABLE a.b", "(show 'CREATE TABLE' a.b)"},
    {"SHOW CREATE VIEW v", "(show 'CREATE VIEW' v)"},
    {"SHOW COLUMNS IN t LIKE 'x'", "(show 'COLUMNS' t (like 'x'))"},
    {"SHOW USER FUNCTIONS", "(show 'USER FUNCTIONS')"},
    {"SHOW FUNCTIONS ILIKE 'a'", "(show 'FUNCTIONS' (ilike 'a'))"},
    {"SHOW JOBS", "(show 'JOBS')"},
    {"SHOW DATABASES", "(show 'DATABASES')"},
    {"SHOW CATALOGS", "(show 'CATALOGS')"},
    {"SHOW CURRENT DATABASE", "(show 'CURRENT DATABASE')"},
    {"SHOW CURRENT CATALOG", "(show 'CURRENT CATALOG')"},
    {"DESCRIBE a.b", "(describe a.b)"},
    {"DESC t", "(describe t)"},
    {"DESCRIBE FUNCTION f", "(describe 'FUNCTION' f)"},
    {"DESC FUNCTION EXTENDED a.f", "(describe extended 'FUNCTION' a.f)"},
    {"DESC function", "(describe function)"},
    {"DESCRIBE EXTENDED t", "(describe t)"},
    {"DESCRIBE CATALOG EXTENDED c", "(describe extended 'CATALOG' c)"},
    {"SHOW JARS", "(show 'JARS')"},
    {"SHOW FULL MODULES", "(show 'FULL MODULES')"},
    {"SHOW PROCEDURES IN c.d LIKE 'a'", "(show 'PROCEDURES' c.d (like 'a'))"},
    {"SHOW USER FUNCTIONS FROM d NOT ILIKE 'a'", "(show 'USER FUNCTIONS' d (not-ilike 'a'))"},
    {"CREATE FUNCTION f AS 'x' LANGUAGE C USING LIBRARY 'a.so'",
     "(create-function f (as 'x') (library 'a.so'))"},
    {"CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS a.b.f AS 'x' USING LIBRARY 'a.so'",
     "(create-function temporary if-not-exists a.b.f (as 'x') (library 'a.so'))"},
    {"ALTER TEMPORARY FUNCTION IF EXISTS f AS 'y' LANGUAGE C",
     "(alter-function temporary if-exists f (as 'y'))"},
    {"DROP TEMPORARY FUNCTION f", "(drop-function temporary f)"},
    {"DROP FUNCTION IF EXISTS f", "(drop-function if-exists f)"},
    {"USE db", "(use DATABASE db)"},
    {"USE CATALOG c", "(use CATALOG c)"},
    {"STOP JOB 'x'", "(stop-job 'x')"},
    {"STOP JOB 'x' WITH SAVEPOINT WITH DRAIN", "(stop-job 'x' with-savepoint with-drain)"},
    {"help", "(help)"},
    {"QUIT", "(quit)"},
    {"Exit", "(quit)"},
    {"CLEAR", "(clear)"},
};

START_TEST(test_statements)
{
    check_golden_trees(statements, array_count(statements));
}
END_TEST

START_TEST(test_places)
{
    const char *text =
        "CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED, b AS a + 1, WATERMARK FOR b AS b) "
        "WITH ('k' = 'v')";
    Arena *arena = arena_new(4096);
    Error error = {0};
    const AstStatement *statement = parser_parse(str_of(text), 0, strlen(text), arena, &error);
    ck_assert_msg(statement != NULL, "%s", error.message);
    const AstCreateTable *create = statement->create_table;
    const struct {
        AstPlace place;
        const char *text;
    } parts[] = {
        {statement->place, text},
        {create->name.place, "t"},
        {create->primary_key_place, "PRIMARY KEY NOT ENFORCED"},
        {create->columns[0].place, "a INT PRIMARY KEY NOT ENFORCED"},
        {create->columns[1].place, "b AS a + 1"},
        {create->columns[1].expr->place, "a + 1"},
        {create->watermark_place, "WATERMARK FOR b AS b"},
        {{create->options.items[0].sql_offset, create->options.items[0].sql_length}, "'v'"},
    };
    for (size_t i = 0; i < array_count(parts); i++) {
        Str found = {text + parts[i].place.offset, (size_t)parts[i].place.length};
        ck_assert_msg(str_equal(found, str_of(parts[i].text)), "\"%.*s\" is not \"%s\"",
                      (int)found.length, found.data, parts[i].text);
    }
    arena_free(arena);
}
END_TEST

START_TEST(test_types)
{
    static const GoldenTree cases[] = {
        {"int", "INT"},
        {"INT NOT NULL", "INT NOT NULL"},
        {"DECIMAL(10, 2) NULL", "DECIMAL(10, 2)"},
        {"ROW<a INT NOT NULL, `b c` ARRAY<STRING>>", "ROW<`a` INT NOT NULL, `b c` ARRAY<STRING>>"},
        {"INT NOT NULL ARRAY ARRAY NOT NULL", "ARRAY<ARRAY<INT NOT NULL>> NOT NULL"},
        {"MAP<STRING, ROW(x TIMESTAMP(3))>", "MAP<STRING, ROW<`x` TIMESTAMP(3)>>"},
    };
    static const char *const bad[] = {"",         "INT INT",
                                      "ARRAY",    "ARRAY<INT",
                                      "MAP<INT>", "ROW<>",
                                      "CHAR(0)",  "DECIMAL(2, 3)",
                                      "TIME(10)", "VARCHAR(-1)",
                                      "INT(3)",   "DECIMAL(1.5)",
                                      "NOT NULL", "`INT`",
                                      "ROW<a>",   "VARCHAR(2147483648)",
                                      "INTERVAL", "INTERVAL DAY TO MONTH"};
    Arena *arena = arena_new(4096);
    for (size_t i = 0; i < array_count(cases); i++) {
        Error error = {0};
        const Type *type = parser_parse_type(str_of(cases[i].sql), arena, &error);
        ck_assert_msg(type != NULL, "%s: %s", cases[i].sql, error.message);
        ck_assert_str_eq(type_text(arena, type), cases[i].tree);
    }
    for (size_t i = 0; i < array_count(bad); i++) {
        Error error = {0};
        ck_assert_msg(parser_parse_type(str_of(bad[i]), arena, &error) == NULL,
                      "\"%s\" is taken for a type", bad[i]);
        ck_assert_int_ne(error.code, ERROR_NONE);
    }
    arena_free(arena);
}
END_TEST

/* Each script with its statements, '|' between them; a last one that lacks its semicolon ends
 * with '~'. */
START_TEST(test_split)
{
    static const GoldenTree cases[] = {
        {"", ""},
        {"  -- nothing; at all\n /* ; */ ;;; ", ""},
        {"SELECT 1; SELECT 2;", "SELECT 1|SELECT 2|"},
        {"SELECT ';', `;`, \";\" -- ;\n;", "SELECT ';', `;`, \";\"|"},
        {"SELECT E'\\';', 1;SELECT 2", "SELECT E'\\';', 1|SELECT 2~"},
        {"SELECT 'abc; SELECT 2;", "SELECT 'abc; SELECT 2;~"},
        {"SELECT 1 /* ; SELECT 2;", "SELECT 1 /* ; SELECT 2;~"},
        {"SELECT 1 -- end", "SELECT 1~"},
        {"EXECUTE STATEMENT SET BEGIN a; b; END; c;", "EXECUTE STATEMENT SET BEGIN a; b; END|c|"},
        {"begin statement set; a; b; end; c;", "begin statement set; a; b; end|c|"},
        {"EXPLAIN CHANGELOG_MODE STATEMENT SET BEGIN a; END ;b;",
         "EXPLAIN CHANGELOG_MODE STATEMENT SET BEGIN a; END|b|"},
        {"EXECUTE STATEMENT SET BEGIN a; CASE x END; END;",
         "EXECUTE STATEMENT SET BEGIN a; CASE x END; END|"},
        {"EXECUTE STATEMENT SET BEGIN a; b;", "EXECUTE STATEMENT SET BEGIN a; b;~"},
        {"SELECT a END; b;", "SELECT a END|b|"},
        {"SET statement = 1; b;", "SET statement = 1|b|"},
        {"@ # $;x", "@ # $|x~"},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        Str script = str_of(cases[i].sql);
        Buffer found = {0};
        size_t offset = 0, start = 0, end = 0;
        bool incomplete = false;
        while (parser_next_statement(script, &offset, &start, &end, &incomplete)) {
            buffer_append(&found, script.data + start, end - start);
            buffer_append_char(&found, '|');
        }
        if (incomplete) {
            ck_assert_uint_eq(offset, start);
            buffer_append(&found, script.data + start, end - start);
            buffer_append_char(&found, '~');
        } else {
            ck_assert_uint_eq(offset, script.length);
        }
        ck_assert_str_eq(buffer_text(&found), cases[i].tree);
        buffer_deinit(&found);
    }
}
END_TEST

START_TEST(test_locate)
{
    Str script = STR("ab\r\n\xc3\xa9x\n\nlast");
    const struct {
        size_t offset;
        uint32_t line, column;
        const char *text;
    } cases[] = {{0, 1, 1, "ab"}, {1, 1, 2, "ab"},   {4, 2, 1, "\xc3\xa9x"}, {6, 2, 2, "\xc3\xa9x"},
                 {8, 3, 1, ""},   {9, 4, 1, "last"}, {13, 4, 5, "last"},     {99, 4, 5, "last"}};
    for (size_t i = 0; i < array_count(cases); i++) {
        ParserLine line = parser_locate(script, cases[i].offset);
        ck_assert_uint_eq(line.line, cases[i].line);
        ck_assert_uint_eq(line.column, cases[i].column);
        ck_assert(str_equal(line.text, str_of(cases[i].text)));
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {test_statements, test_places, test_types, test_split, test_locate};
    return run_suite("parser_statement", tests, array_count(tests));
}
