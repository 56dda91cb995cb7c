/* Errors: code, words, hint and place of each, and bounds that keep bad input from hurting. */
#include "tests/parser_testing.h"

typedef struct ErrorCase {
    const char *sql; /* the place of the error between {{ and }} */
    ErrorCode code;
    const char *message;
    const char *hint; /* NULL: none */
} ErrorCase;

static const ErrorCase errors[] = {
    {"SELECT a {{FORM}} t", ERROR_SYNTAX, "syntax error at or near \"FORM\"", "Did you mean FROM?"},
    {"SELECT * {{FORM}} t", ERROR_SYNTAX, "syntax error at or near \"FORM\"", "Did you mean FROM?"},
    {"SELECT a FROM t {{GRUOP}} BY a", ERROR_SYNTAX, "syntax error at or near \"GRUOP\"",
     "Did you mean GROUP?"},
    {"SELECT * FROM t {{WEHRE}} a = 1", ERROR_SYNTAX, "syntax error at or near \"WEHRE\"",
     "Did you mean WHERE?"},
    {"SELECT a FROM t WHERE x {{LIEK}} 'a'", ERROR_SYNTAX, "syntax error at or near \"LIEK\"",
     "Did you mean LIKE?"},
    {"{{SELCT}} 1", ERROR_SYNTAX, "syntax error at or near \"SELCT\"", "Did you mean SELECT?"},
    {"{{CRAETE}} TABLE t (a INT)", ERROR_SYNTAX, "syntax error at or near \"CRAETE\"",
     "Did you mean CREATE?"},
    {"{{foo}}", ERROR_SYNTAX, "syntax error at or near \"foo\"",
     "Expected a statement such as SELECT, INSERT INTO or CREATE TABLE."},
    {"{{12}}", ERROR_SYNTAX, "syntax error at or near \"12\"",
     "Expected a statement such as SELECT, INSERT INTO or CREATE TABLE."},
    {"SELECT a FROM{{}}", ERROR_SYNTAX, "syntax error at end of input", NULL},
    {"SELECT {{FROM}} t", ERROR_SYNTAX, "syntax error at or near \"FROM\"",
     "Name the columns between SELECT and FROM, or write *."},
    {"SELECT a, {{FROM}} t", ERROR_SYNTAX, "syntax error at or near \"FROM\"",
     "There is a comma too many before FROM."},
    {"SELECT a,{{,}} b", ERROR_SYNTAX, "syntax error at or near \",\"", NULL},
    {"SELECT a b {{c}}", ERROR_SYNTAX, "syntax error at or near \"c\"", NULL},
    {"SELECT a = b {{=}} c", ERROR_SYNTAX, "syntax error at or near \"=\"",
     "Comparisons do not chain: write AND between them, or parentheses."},
    {"SELECT a {{'x'}} FROM t", ERROR_SYNTAX, "syntax error at or near \"'x'\"", NULL},
    {"SELECT 5 FROM {{5}}", ERROR_SYNTAX, "syntax error at or near \"5\"", NULL},
    {"SELECT a, {{order}} FROM t", ERROR_SYNTAX, "syntax error at or near \"order\"",
     "ORDER is a reserved word; as a name it is written `order`."},
    {"SELECT a FROM t {{FOR}} UPDATE", ERROR_SYNTAX, "syntax error at or near \"FOR\"", NULL},
    {"SELECT a {{INTO}} b FROM t", ERROR_SYNTAX, "syntax error at or near \"INTO\"", NULL},
    {"SELECT * FROM t {{*}}", ERROR_SYNTAX, "syntax error at or near \"*\"", NULL},
    {"SELECT a[1{{:}}2]", ERROR_SYNTAX, "syntax error at or near \":\"", NULL},
    {"SELECT ARRAY[{{[}}1]]", ERROR_SYNTAX, "syntax error at or near \"[\"", NULL},
    {"SELECT a FROM t{{;}} SELECT 1", ERROR_SYNTAX, "syntax error at or near \";\"", NULL},
    {"SELECT {{(}}1", ERROR_SYNTAX, "\"(\" is never closed", "Add a \")\"."},
    {"SELECT 1{{)}}", ERROR_SYNTAX, "syntax error at or near \")\"",
     "Nothing is open that it closes."},
    {"SELECT f(a{{]}}", ERROR_SYNTAX, "syntax error at or near \"]\"",
     "A \"(\" is still open before it."},
    {"SELECT a{{[}}1", ERROR_SYNTAX, "\"[\" is never closed", "Add a \"]\"."},
    {"SELECT {{'}}abc", ERROR_SYNTAX, "unterminated string",
     "Close it with a single quote; a quote inside is written twice."},
    {"SELECT {{`}}abc", ERROR_SYNTAX, "unterminated quoted name", "Close it with `."},
    {"SELECT 1 {{/*}} x", ERROR_SYNTAX, "unterminated comment", "Close it with */."},
    {"SELECT {{12abc}}", ERROR_SYNTAX, "trailing junk after number at or near \"12abc\"",
     "A name that starts with a digit needs backticks."},
    {"SELECT a {{!}} b", ERROR_SYNTAX, "unexpected character \"!\"",
     "Write NOT, or <> for unequal."},
    {"SELECT {{“}}a”", ERROR_SYNTAX, "unexpected character \"“\"",
     "Strings stand in plain single quotes."},
    {"SELECT x'{{0}}g'", ERROR_SYNTAX, "a binary literal takes hexadecimal digits only", NULL},
    {"SELECT {{x'012'}}", ERROR_SYNTAX, "a binary literal needs an even number of digits", NULL},
    {"SELECT E'{{\\q}}'", ERROR_SYNTAX, "unknown escape in a string", NULL},
    {"SELECT E'{{\\}}ud800'", ERROR_SYNTAX, "the escape is not a Unicode character", NULL},
    {"SELECT U&'{{\\}}00'", ERROR_SYNTAX, "the escape lacks hexadecimal digits", NULL},
    {"SELECT {{``}}", ERROR_SYNTAX, "a quoted name cannot be empty", NULL},
    {"SELECT DATE {{'2020-13-01'}}", ERROR_SYNTAX, "invalid DATE literal \"2020-13-01\"",
     "Its form is yyyy-MM-dd."},
    {"SELECT TIMESTAMP {{'yesterday'}}", ERROR_SYNTAX, "invalid TIMESTAMP literal \"yesterday\"",
     "Its form is yyyy-MM-dd HH:mm:ss[.fffffffff]."},
    {"SELECT INTERVAL '1' {{FORTNIGHT}}", ERROR_SYNTAX, "syntax error at or near \"FORTNIGHT\"",
     "An interval names its unit behind the string: INTERVAL '1' DAY, INTERVAL '1:30' HOUR TO "
     "MINUTE."},
    {"SELECT INTERVAL {{'1:70'}} HOUR TO MINUTE", ERROR_SYNTAX,
     "invalid interval \"1:70\" for HOUR TO MINUTE", NULL},
    {"SELECT INTERVAL '1 day'{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "An interval names its unit behind the string: INTERVAL '1' DAY, INTERVAL '1:30' HOUR TO "
     "MINUTE."},
    {"SELECT INTERVAL '1' DAY TO {{YEAR}}", ERROR_SYNTAX, "syntax error at or near \"YEAR\"",
     "Expected a smaller unit of the same kind."},
    {"SELECT INTERVAL {{'99999999999'}} DAY", ERROR_SYNTAX,
     "invalid interval \"99999999999\" for DAY", NULL},
    {"SELECT INTERVAL {{'999999999'}} YEAR", ERROR_SYNTAX,
     "invalid interval \"999999999\" for YEAR", NULL},
    {"SELECT EXTRACT({{DAYY}} FROM x)", ERROR_SYNTAX, "syntax error at or near \"DAYY\"",
     "Did you mean DAY?"},
    {"SELECT FLOOR(x TO {{Y}})", ERROR_SYNTAX, "syntax error at or near \"Y\"",
     "Expected a time unit such as DAY, HOUR or MINUTE."},
    {"SELECT CAST(a AS INT {{FORMAT}} 'x')", ERROR_SYNTAX, "syntax error at or near \"FORMAT\"",
     NULL},
    {"SELECT CAST(a AS {{TEXT}})", ERROR_SYNTAX, "syntax error at or near \"TEXT\"", "Use STRING."},
    {"SELECT CAST(a AS DECIMAL({{39}}))", ERROR_TYPE,
     "the precision of DECIMAL must be between 1 and 38", NULL},
    {"SELECT CAST(a AS TIMESTAMP(3) {{WITH TIME ZONE}})", ERROR_UNSUPPORTED,
     "TIMESTAMP WITH TIME ZONE is not supported",
     "Use TIMESTAMP_LTZ, which holds an instant and shows it in the session's time zone."},
    {"SELECT CAST(a AS ROW<x INT, {{x}} INT>)", ERROR_NAME, "field \"x\" is declared twice", NULL},
    {"SELECT CAST(a{{,}} INT)", ERROR_SYNTAX, "syntax error at or near \",\"", NULL},
    {"SELECT a::{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected a type such as INT, STRING, DECIMAL(10, 2) or TIMESTAMP(3)."},
    {"SELECT 1 {{LIMIT}} 5, 10", ERROR_UNSUPPORTED, "LIMIT with two numbers is not supported",
     "Use LIMIT count OFFSET start."},
    {"SELECT 1 FETCH FIRST 5 ROWS {{WITH TIES}}", ERROR_UNSUPPORTED,
     "FETCH … WITH TIES is not supported", "Use ROWS ONLY."},
    {"SELECT {{DISTINCT ON}} (a) b FROM t", ERROR_UNSUPPORTED,
     "SELECT DISTINCT ON is not supported",
     "Number the rows with ROW_NUMBER() OVER (PARTITION BY … ORDER BY …) and keep the first."},
    {"SELECT {{f}}(a ORDER BY b)", ERROR_UNSUPPORTED,
     "ORDER BY inside a function call is not supported", "Sort in a subquery instead."},
    {"SELECT LISTAGG(x) {{WITHIN GROUP}} (ORDER BY y)", ERROR_UNSUPPORTED,
     "WITHIN GROUP is not supported",
     "Values stand in the order in which they came; ARRAY_SORT(ARRAY_AGG(x)) sorts them, and "
     "ARRAY_JOIN makes a text of that."},
    {"SELECT x.{{f}}(1)", ERROR_UNSUPPORTED,
     "a function name with a database before it is not supported",
     "Write the function's name alone."},
    {"SELECT (a{{)}}.* FROM t", ERROR_UNSUPPORTED,
     "taking all fields of an expression is not supported", "Name the fields one by one."},
    {"SELECT a = ANY ({{)}}", ERROR_SYNTAX, "syntax error at or near \")\"", NULL},
    {"SELECT * FROM t {{MATCH_RECOGNIZE}} (x)", ERROR_UNSUPPORTED,
     "MATCH_RECOGNIZE is not supported",
     "LAG and LEAD with OVER compare a row with those around it; SESSION windows group rows that "
     "are near in time."},
    {"SELECT * FROM t {{TABLESAMPLE}} BERNOULLI(5)", ERROR_UNSUPPORTED,
     "TABLESAMPLE is not supported", "WHERE RAND() < 0.1 takes about a tenth of the rows."},
    {"{{WITH RECURSIVE}} q AS (SELECT 1) SELECT 1", ERROR_UNSUPPORTED,
     "WITH RECURSIVE is not supported", "Join as many levels as there can be, one with the next."},
    {"SELECT {{ARRAY(}}SELECT 1)", ERROR_UNSUPPORTED, "ARRAY of a subquery is not supported",
     "Use ARRAY_AGG in the subquery."},
    {"SELECT * FROM a LEFT JOIN b{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "A JOIN takes ON … or USING (…); CROSS JOIN takes every pair of rows."},
    {"SELECT * FROM (SELECT 1) a JOIN (SELECT 2) b {{WHERE}} x = 1", ERROR_SYNTAX,
     "syntax error at or near \"WHERE\"",
     "A JOIN takes ON … or USING (…); CROSS JOIN takes every pair of rows."},
    {"SELECT * FROM (a JOIN b ON TRUE) AS {{c}}", ERROR_UNSUPPORTED,
     "an alias for a join is not supported", "Put the join into a subquery and name that."},
    {"SELECT * FROM f(a) {{AS}} t(x INT)", ERROR_UNSUPPORTED,
     "a column list with types is not supported", "List the names of the columns only."},
    {"{{SELECT}} a FROM t GROUP BY DISTINCT a", ERROR_UNSUPPORTED,
     "GROUP BY DISTINCT is not supported", "Write every grouping set once."},
    {"SELECT 1 QUALIFY a{{,}} b", ERROR_SYNTAX, "syntax error at or near \",\"", NULL},
    {"SELECT * FROM TABLE({{a}} JOIN b)", ERROR_SYNTAX, "syntax error at or near \"a\"",
     "Expected a table function, as in TABLE(TUMBLE(TABLE t, …))."},
    {"SELECT * FROM {{TABLE}} t", ERROR_SYNTAX, "syntax error at or near \"TABLE\"", NULL},
    {"SELECT * FROM r FOR SYSTEM_TIME AS OF{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected a point in time, as in FOR SYSTEM_TIME AS OF o.proc_time."},
    {"SELECT * FROM r FOR SYSTEM_TIME AS {{x}}", ERROR_SYNTAX, "syntax error at or near \"x\"",
     "Expected OF."},
    {"VALUES (1, 2), {{(3)}}", ERROR_SYNTAX, "this row of VALUES has 1 columns, the first one 2",
     NULL},
    {"VALUES ({{)}}", ERROR_SYNTAX, "syntax error at or near \")\"", NULL},
    {"SELECT a {{/*+ OPTIONS('x'='y') */}} FROM t", ERROR_SYNTAX, "a hint cannot stand here",
     "Put it behind SELECT or behind the name of a table."},
    {"SELECT a FROM t /*+ {{OPTINS}}('x'='y') */", ERROR_UNSUPPORTED,
     "hint \"OPTINS\" is not supported", "Did you mean OPTIONS?"},
    {"SELECT a FROM t /*+ {{REPARTITION}}(x) */", ERROR_UNSUPPORTED,
     "hint \"REPARTITION\" is not supported",
     "The hints are OPTIONS, STATE_TTL, LATE_ROWS, LOOKUP, MULTI_JOIN and those of batch joins, "
     "which change nothing."},
    {"SELECT a FROM t /*+ OPTIONS('x'{{)}} */", ERROR_SYNTAX, "syntax error at or near \")\"",
     "Expected \"=\"."},
    {"{{/*+ OPTIONS('x'='y') */}} SELECT 1", ERROR_SYNTAX, "a hint cannot stand here",
     "Put it behind SELECT or behind the name of a table."},
    {"CREATE TABLE t{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected the columns of the table in parentheses, LIKE or AS."},
    {"CREATE TABLE t {{(}}a INT", ERROR_SYNTAX, "\"(\" is never closed", "Add a \")\"."},
    {"CREATE TABLE t ({{a}})", ERROR_UNSUPPORTED, "a column without a type is not supported",
     "Give it a type, or leave the columns to AS SELECT."},
    {"CREATE TABLE t (a INT, {{PRIMARY KEY (a)}})", ERROR_SYNTAX, "PRIMARY KEY lacks NOT ENFORCED",
     "Write PRIMARY KEY … NOT ENFORCED: the rows live outside, so the key is trusted and not "
     "checked."},
    {"CREATE TABLE t (a INT {{PRIMARY KEY ENFORCED}})", ERROR_UNSUPPORTED,
     "an enforced PRIMARY KEY is not supported",
     "Write PRIMARY KEY … NOT ENFORCED: the rows live outside, so the key is trusted and not "
     "checked."},
    {"CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED, {{PRIMARY KEY (a) NOT ENFORCED}})",
     ERROR_SYNTAX, "a table has one PRIMARY KEY only",
     "List all its columns in one: PRIMARY KEY (a, b) NOT ENFORCED."},
    {"CREATE TABLE t (a INT {{UNIQUE}})", ERROR_UNSUPPORTED, "UNIQUE is not supported",
     "Use PRIMARY KEY NOT ENFORCED."},
    {"CREATE TABLE t (a INT, {{UNIQUE}} (a))", ERROR_UNSUPPORTED, "UNIQUE is not supported",
     "Use PRIMARY KEY ( … ) NOT ENFORCED."},
    {"CREATE TABLE t (a {{INTT}})", ERROR_SYNTAX, "syntax error at or near \"INTT\"",
     "Did you mean INT?"},
    {"CREATE TABLE t (a VARCHAR({{0}}))", ERROR_TYPE, "the length must be between 1 and 2147483647",
     NULL},
    {"CREATE TABLE t (a INT {{DEFAULT}} 1)", ERROR_UNSUPPORTED, "DEFAULT is not supported",
     "Use COALESCE in the query that writes the table."},
    {"CREATE TABLE t ({{order}} INT)", ERROR_SYNTAX, "syntax error at or near \"order\"",
     "\"order\" is a reserved word; as a name it is written `order`."},
    {"CREATE TABLE t ({{'a'}} INT)", ERROR_SYNTAX, "syntax error at or near \"'a'\"",
     "Expected the name of a column; names stand in backticks or without quotes."},
    {"CREATE TABLE t (a INT {{b}} INT)", ERROR_SYNTAX, "syntax error at or near \"b\"",
     "Expected \",\" or \")\"."},
    {"CREATE TABLE t (a INT COMMENT {{\"x\"}})", ERROR_SYNTAX, "syntax error at or near \"\"x\"\"",
     "Expected a comment in single quotes: double quotes and bare words are names."},
    {"CREATE TABLE t (a AS b, {{c}}) WITH ('x' = 'y')", ERROR_UNSUPPORTED,
     "a column without a type is not supported",
     "Give it a type, or leave the columns to AS SELECT."},
    {"CREATE TABLE t (a AS {{SELECT}} 1)", ERROR_SYNTAX, "syntax error at or near \"SELECT\"",
     NULL},
    {"CREATE TABLE t (a AS b {{FROM}} t)", ERROR_SYNTAX, "syntax error at or near \"FROM\"", NULL},
    {"CREATE TABLE t (a INT, WATERMARK FOR a AS a, {{WATERMARK FOR a}} AS a)", ERROR_UNSUPPORTED,
     "a second watermark is not supported", "A table has one WATERMARK."},
    {"CREATE TABLE t (a INT, WATERMARK FOR {{a.}}b AS a)", ERROR_UNSUPPORTED,
     "a watermark on a field of a row is not supported",
     "Declare a computed column for the field first."},
    {"CREATE TABLE t (a INT) {{WIT}} ('a'='b')", ERROR_SYNTAX, "syntax error at or near \"WIT\"",
     "Did you mean WITH?"},
    {"CREATE TABLE t (a INT) WITH ('a'='b', {{'a'}}='c')", ERROR_OPTION,
     "option \"a\" is given twice", NULL},
    {"CREATE TABLE t (a INT) WITH ('a'{{)}}", ERROR_SYNTAX, "syntax error at or near \")\"",
     "Expected \"=\"."},
    {"CREATE TABLE t (a INT) WITH ('a'={{)}}", ERROR_SYNTAX, "syntax error at or near \")\"",
     "Expected a value in single quotes."},
    {"CREATE TABLE t (a INT) {{DISTRIBUTED}} BY (a)", ERROR_UNSUPPORTED,
     "DISTRIBUTED BY is not supported", NULL},
    {"CREATE TABLE t LIKE b ({{KEEPING}} ALL)", ERROR_SYNTAX, "syntax error at or near \"KEEPING\"",
     NULL},
    {"CREATE TABLE a.b.c.{{d}} (a INT)", ERROR_SYNTAX, "syntax error at or near \"d\"",
     "Expected a name of at most three parts."},
    {"CREATE {{TBALE}} t (a INT)", ERROR_SYNTAX, "syntax error at or near \"TBALE\"",
     "Did you mean TABLE?"},
    {"{{CREATE OR REPLACE}} VIEW v AS SELECT 1", ERROR_UNSUPPORTED,
     "CREATE OR REPLACE is not supported", "Use DROP … IF EXISTS and CREATE."},
    {"{{CREATE CATALOG}} c", ERROR_UNSUPPORTED, "CREATE CATALOG is not supported",
     "Weir has one catalog; declare tables with CREATE TABLE."},
    {"CREATE FUNCTION f AS 'x'{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected USING LIBRARY 'file.so'."},
    {"CREATE FUNCTION f AS {{x}}", ERROR_SYNTAX, "syntax error at or near \"x\"",
     "Expected the function's name in its library: double quotes and bare words are names."},
    {"CREATE FUNCTION f {{'x'}}", ERROR_SYNTAX, "syntax error at or near \"'x'\"", "Expected AS."},
    {"CREATE FUNCTION f AS 'x' {{LANGUAGE PYTHON}}", ERROR_UNSUPPORTED,
     "a function in another language than C is not supported",
     "Write LANGUAGE C USING LIBRARY 'file.so'."},
    {"CREATE FUNCTION f AS 'x' LANGUAGE {{RUST}}", ERROR_SYNTAX, "syntax error at or near \"RUST\"",
     "Expected the language, C."},
    {"CREATE FUNCTION f AS 'x' {{USING JAR}} 'a.jar'", ERROR_UNSUPPORTED,
     "a function in a JAR is not supported", "Write LANGUAGE C USING LIBRARY 'file.so'."},
    {"CREATE FUNCTION f AS 'x' {{USING ARTIFACT}} 'a.jar'", ERROR_UNSUPPORTED,
     "a function in a JAR is not supported", "Write LANGUAGE C USING LIBRARY 'file.so'."},
    {"CREATE FUNCTION f AS 'x' USING LIBRARY 'a.so'{{,}} LIBRARY 'b.so'", ERROR_SYNTAX,
     "syntax error at or near \",\"", NULL},
    {"CREATE {{SYSTEM}} FUNCTION f AS 'x'", ERROR_SYNTAX, "syntax error at or near \"SYSTEM\"",
     "Expected TABLE, VIEW or FUNCTION."},
    {"ALTER TEMPORARY {{TABLE}} t RENAME TO u", ERROR_SYNTAX, "syntax error at or near \"TABLE\"",
     "Expected FUNCTION."},
    {"{{CREATE MATERIALIZED TABLE}} t AS SELECT 1", ERROR_UNSUPPORTED,
     "CREATE MATERIALIZED TABLE is not supported",
     "Use CREATE TABLE and an INSERT INTO that keeps the table up to date."},
    {"ALTER TABLE t {{GROW}}", ERROR_SYNTAX, "syntax error at or near \"GROW\"",
     "Expected ADD, MODIFY, DROP, RENAME, SET or RESET."},
    {"{{ALTER DATABASE}} d SET ('a' = 'b')", ERROR_UNSUPPORTED, "ALTER DATABASE is not supported",
     "Weir has one database; ALTER TABLE and ALTER VIEW are supported."},
    {"{{UPDATE}} t SET a = 1", ERROR_UNSUPPORTED, "UPDATE is not supported",
     "Rows change where they come from; a query follows them."},
    {"{{DELETE}} FROM t", ERROR_UNSUPPORTED, "DELETE is not supported",
     "Rows change where they come from; a query follows them."},
    {"{{DROP DATABASE}} d", ERROR_UNSUPPORTED, "DROP DATABASE is not supported",
     "There is one database, default_database."},
    {"DROP {{t}}", ERROR_SYNTAX, "syntax error at or near \"t\"",
     "Expected TABLE, VIEW or FUNCTION."},
    {"INSERT INTO t{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected VALUES or a query."},
    {"INSERT {{t}} VALUES (1)", ERROR_SYNTAX, "syntax error at or near \"t\"", "Expected INTO."},
    {"INSERT INTO t (a, b) {{SELCT}} 1", ERROR_SYNTAX, "syntax error at or near \"SELCT\"",
     "Did you mean SELECT?"},
    {"INSERT INTO t SELECT 1 ON CONFLICT DO {{IGNORE}}", ERROR_SYNTAX,
     "syntax error at or near \"IGNORE\"", "Expected ERROR, NOTHING or DEDUPLICATE."},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1 END{{}}", ERROR_SYNTAX,
     "syntax error at end of input", "Expected \";\" and END."},
    {"EXECUTE STATEMENT SET BEGIN {{SELECT}} 1; END", ERROR_SYNTAX,
     "syntax error at or near \"SELECT\"", "Expected INSERT or END."},
    {"EXECUTE STATEMENT SET BEGIN {{END}}", ERROR_SYNTAX, "syntax error at or near \"END\"",
     "Expected an INSERT in the statement set."},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT{{;}} END", ERROR_SYNTAX,
     "syntax error at or near \";\"", NULL},
    {"EXPLAIN {{SHOW}} TABLES", ERROR_SYNTAX, "syntax error at or near \"SHOW\"",
     "Expected a query, INSERT or a statement set."},
    {"EXPLAIN {{CREATE VIEW}} v AS SELECT 1", ERROR_UNSUPPORTED,
     "EXPLAIN of a statement that runs nothing is not supported", "Explain a query or an INSERT."},
    {"EXPLAIN {{ESTIMATED_COST}} SELECT 1", ERROR_UNSUPPORTED, "ESTIMATED_COST is not supported",
     "No statistics of tables are kept. CHANGELOG_MODE shows what each operator keeps and how that "
     "grows."},
    {"SET a{{}}", ERROR_SYNTAX, "syntax error at end of input", "Expected \"=\"."},
    {"SET 'a' {{'b'}}", ERROR_SYNTAX, "syntax error at or near \"'b'\"", "Expected \"=\"."},
    {"SET a ={{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected a value in single quotes."},
    {"SHOW {{TABELS}}", ERROR_SYNTAX, "syntax error at or near \"TABELS\"", "Did you mean TABLES?"},
    {"SHOW {{CREATE}} x", ERROR_SYNTAX, "syntax error at or near \"CREATE\"",
     "Expected TABLES, VIEWS, COLUMNS FROM, CREATE TABLE, FUNCTIONS or JOBS."},
    {"SHOW COLUMNS{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected FROM and the name of a table."},
    {"DESCRIBE{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "Expected the name of a table or view."},
    {"{{USE MODULES}} m", ERROR_UNSUPPORTED, "USE MODULES is not supported",
     "Functions are built in: leave the statement out."},
    {"STOP JOB {{x}}", ERROR_SYNTAX, "syntax error at or near \"x\"",
     "Expected the job's id in single quotes: double quotes and bare words are names."},
    {"STOP JOB 'x' WITH {{DRAIN}}", ERROR_SYNTAX, "syntax error at or near \"DRAIN\"",
     "WITH DRAIN goes with WITH SAVEPOINT."},
    {"HELP {{me}}", ERROR_SYNTAX, "syntax error at or near \"me\"", NULL},
    {"SELECT ts {{AT TIME ZONE}} 'UTC'", ERROR_UNSUPPORTED, "AT TIME ZONE is not supported",
     "Use CONVERT_TZ, or TIMESTAMP_LTZ and the option table.local-time-zone."},
    {"SELECT a {{ILIKE}} 'x'", ERROR_UNSUPPORTED, "ILIKE is not supported",
     "Use LOWER(a) LIKE LOWER(b)."},
    {"SELECT a NOT {{ILIKE}} b", ERROR_UNSUPPORTED, "ILIKE is not supported",
     "Use LOWER(a) LIKE LOWER(b)."},
    {"SELECT a ={{=}} b", ERROR_SYNTAX, "syntax error at or near \"=\"",
     "Equality is written with one =."},
    {"SELECT a {{&}}& b", ERROR_SYNTAX, "unexpected character \"&\"", "Write AND."},
    {"SELECT CASE WHEN a THEN b{{}}", ERROR_SYNTAX, "syntax error at end of input",
     "A CASE lacks its END."},
    {"SELECT f{{(}}", ERROR_SYNTAX, "\"(\" is never closed", "Add a \")\"."},
    {"SELECT a FROM {{(}}SELECT b FROM c", ERROR_SYNTAX, "\"(\" is never closed", "Add a \")\"."},
    {"SELECT a FROM t WHERE{{}}", ERROR_SYNTAX, "syntax error at end of input", NULL},
    {"SELECT a FROM t GROUP BY a {{HAVIN}} b", ERROR_SYNTAX, "syntax error at or near \"HAVIN\"",
     "Did you mean HAVING?"},
    {"SELECT * FROM a INNER {{JION}} b ON TRUE", ERROR_SYNTAX, "syntax error at or near \"JION\"",
     "Did you mean JOIN?"},
    {"SELECT COUNT(*) AS count {{FRM}} t", ERROR_SYNTAX, "syntax error at or near \"FRM\"",
     "Did you mean FROM?"},
    {"INSERT {{INOT}} t VALUES (1)", ERROR_SYNTAX, "syntax error at or near \"INOT\"",
     "Did you mean INTO?"},
    {"EXPLAIN {{SELCT}} 1", ERROR_SYNTAX, "syntax error at or near \"SELCT\"",
     "Did you mean SELECT?"},
    {"INSERT INTO t PARTITION (p = {{)}} SELECT 1", ERROR_SYNTAX, "syntax error at or near \")\"",
     "Expected an expression."},
};

START_TEST(test_errors)
{
    for (size_t i = 0; i < array_count(errors); i++) {
        Arena *arena = arena_new(4096);
        Error error = {0};
        MarkedSql sql = marked_sql(errors[i].sql);
        const AstStatement *statement =
            parser_parse((Str){sql.text, sql.length}, 0, sql.length, arena, &error);
        ck_assert_msg(statement == NULL, "%s is accepted", errors[i].sql);
        ck_assert_str_eq(error.message, errors[i].message);
        ck_assert_str_eq(error.hint, errors[i].hint == NULL ? "" : errors[i].hint);
        ck_assert_str_eq(error_code_name(error.code), error_code_name(errors[i].code));
        ck_assert_msg(error.sql_offset == sql.offset && error.sql_length == sql.marked,
                      "%s: the place is %d+%d", errors[i].sql, (int)error.sql_offset,
                      (int)error.sql_length);
        arena_free(arena);
    }
}
END_TEST

/* head, then `open` and `close` count times around the core. */
static ErrorCode parse_nested(const char *head, const char *open, const char *core,
                              const char *close, size_t count)
{
    Arena *arena = arena_new(4096);
    Buffer sql = {0};
    Error error = {0};
    buffer_append_text(&sql, head);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&sql, open);
    buffer_append_text(&sql, core);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&sql, close);
    const AstStatement *statement =
        parser_parse((Str){sql.data, sql.length}, 0, sql.length, arena, &error);
    ck_assert((statement == NULL) == (error.code != ERROR_NONE));
    buffer_deinit(&sql);
    arena_free(arena);
    return error.code;
}

START_TEST(test_depth)
{
    static const struct {
        const char *head, *open, *core, *close;
        size_t fine; /* this many parse; 20,000 are refused unless many is true */
        bool many;
    } cases[] = {
        {"SELECT ", "(", "1", ")", 250, false},
        {"SELECT ", "f(", "1", ")", 250, false},
        {"SELECT ", "(SELECT ", "1", ")", 150, false},
        {"SELECT * FROM ", "(SELECT * FROM ", "t", ")", 150, false},
        {"SELECT ", "ARRAY[", "1", "]", 250, false},
        {"SELECT ", "a + ", "1", "", 600, false},
        {"SELECT ", "NOT ", "1", "", 600, false},
        {"SELECT ", "- ", "1", "", 600, false},
        {"SELECT a", "::INT", "", "", 600, false},
        {"SELECT a", " IS NULL", "", "", 1, false},
        {"SELECT ", "CASE WHEN a AND b THEN ", "1", " END", 200, false},
        {"SELECT ", "CASE WHEN a THEN 1 ELSE ", "1", " END", 200, false},
        {"", "SELECT 1 UNION ALL ", "SELECT 1", "", 400, false},
        {"SELECT * FROM a", " JOIN b ON a.x = b.x AND TRUE", "", "", 400, false},
        {"SELECT a::", "ARRAY<", "INT", ">", 30, false},
        {"SELECT a::INT", " ARRAY", "", "", 30, false},
        {"SELECT a", " OR a = 1", "", "", 600, true},
        {"SELECT a", " AND a = 1", "", "", 600, true},
        {"SELECT a", ", a", "", "", 600, true},
        {"SELECT a", "[1]", "", "", 600, true},
        {"SELECT a", ".b", "", "", 600, true},
        {"VALUES (1)", ", (1)", "", "", 600, true},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        ErrorCode fine = parse_nested(cases[i].head, cases[i].open, cases[i].core, cases[i].close,
                                      cases[i].fine);
        ck_assert_msg(fine == ERROR_NONE, "%s%s...: %s", cases[i].head, cases[i].open,
                      error_code_name(fine));
        ErrorCode many =
            parse_nested(cases[i].head, cases[i].open, cases[i].core, cases[i].close, 20000);
        ck_assert_msg((many == ERROR_NONE) == cases[i].many, "%s%s...: %s", cases[i].head,
                      cases[i].open, error_code_name(many));
    }
}
END_TEST

START_TEST(test_bounds)
{
    Arena *arena = arena_new(4096);
    Error error = {0};
    size_t length = (1 << 20) + 1;
    char *text = memory_alloc(length);
    memset(text, ' ', length);
    memcpy(text, "SELECT 1", 8);
    ck_assert(parser_parse((Str){text, length}, 0, length, arena, &error) == NULL);
    ck_assert_int_eq(error.code, ERROR_LIMIT);
    error = (Error){0};
    ck_assert(parser_parse((Str){text, length}, 0, length - 1, arena, &error) != NULL);
    memset(text + 7, 'a', 300);
    ck_assert(parser_parse((Str){text, length}, 0, 400, arena, &error) == NULL);
    ck_assert_int_eq(error.code, ERROR_LIMIT);
    for (size_t i = 7; i + 1 < length - 1; i += 2)
        memcpy(text + i, "1,", 2);
    error = (Error){0};
    ck_assert(parser_parse((Str){text, length}, 0, 400007, arena, &error) == NULL);
    ck_assert_int_eq(error.code, ERROR_LIMIT);
    memory_free(text);

    static const struct {
        Str sql;
        int64_t offset;
    } bytes[] = {{{"SELECT '\xff'", 11}, 8}, {{"SELECT \0 1", 10}, 7}, {{"SELECT '\0'", 10}, 8}};
    for (size_t i = 0; i < array_count(bytes); i++) {
        error = (Error){0};
        ck_assert(parser_parse(bytes[i].sql, 0, bytes[i].sql.length, arena, &error) == NULL);
        ck_assert_int_eq(error.code, ERROR_SYNTAX);
        ck_assert_int_eq(error.sql_offset, bytes[i].offset);
    }
    error = (Error){0};
    ck_assert(parser_parse(STR("  "), 0, 2, arena, &error) == NULL);
    ck_assert_str_eq(error.message, "the statement is empty");
    arena_free(arena);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {test_errors, test_depth, test_bounds};
    return run_suite("parser_errors", tests, array_count(tests));
}
