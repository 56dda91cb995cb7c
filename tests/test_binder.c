/* Names, types and what is refused: SQL in, the result's columns or the error with its place out.
 */
#include "planner_cases.h"
#include "tests/suite.h"

/* Columns of results. */
static const PlanCase typed[] = {
    {"SELECT * FROM o", "id BIGINT NOT NULL\n"
                        "cid INT\n"
                        "amount DECIMAL(10, 2)\n"
                        "note STRING\n"
                        "ts TIMESTAMP(3)\n"},
    {"SELECT o.*, 1 AS one FROM o AS o", "id BIGINT NOT NULL\n"
                                         "cid INT\n"
                                         "amount DECIMAL(10, 2)\n"
                                         "note STRING\n"
                                         "ts TIMESTAMP(3)\n"
                                         "one INT NOT NULL\n"},
    {"SELECT id, id, id AS id0 FROM o", "id BIGINT NOT NULL\n"
                                        "id0 BIGINT NOT NULL\n"
                                        "id00 BIGINT NOT NULL\n"},
    {"SELECT 1, 3000000000, 30000000000000000000, 1.5, 1e0, 'abc', x'0a', NULL, TRUE",
     "EXPR$0 INT NOT NULL\n"
     "EXPR$1 BIGINT NOT NULL\n"
     "EXPR$2 DECIMAL(20, 0) NOT NULL\n"
     "EXPR$3 DECIMAL(2, 1) NOT NULL\n"
     "EXPR$4 DOUBLE NOT NULL\n"
     "EXPR$5 CHAR(3) NOT NULL\n"
     "EXPR$6 BINARY(1) NOT NULL\n"
     "EXPR$7 NULL\n"
     "EXPR$8 BOOLEAN NOT NULL\n"},
    {"SELECT DATE '2020-01-02', TIMESTAMP '2020-01-02 03:04:05.678', INTERVAL '1' DAY",
     "EXPR$0 DATE NOT NULL\n"
     "EXPR$1 TIMESTAMP(3) NOT NULL\n"
     "EXPR$2 INTERVAL DAY TO SECOND NOT NULL\n"},
    {"SELECT COUNT(*), COUNT(note), SUM(cid), SUM(amount), AVG(cid), MIN(note) FROM o",
     "EXPR$0 BIGINT NOT NULL\n"
     "EXPR$1 BIGINT NOT NULL\n"
     "EXPR$2 INT\n"
     "EXPR$3 DECIMAL(38, 2)\n"
     "EXPR$4 INT\n"
     "EXPR$5 STRING\n"},
    {"SELECT cid, COUNT(*), MAX(id) FROM o GROUP BY cid", "cid INT\n"
                                                          "EXPR$1 BIGINT NOT NULL\n"
                                                          "EXPR$2 BIGINT\n"},
    {"SELECT cid + 1, MIN(ts) FROM o GROUP BY cid + 1", "EXPR$0 INT\n"
                                                        "EXPR$1 TIMESTAMP(3)\n"},
    {"SELECT * FROM o JOIN c USING (id)", "id BIGINT NOT NULL\n"
                                          "cid INT\n"
                                          "amount DECIMAL(10, 2)\n"
                                          "note STRING\n"
                                          "ts TIMESTAMP(3)\n"
                                          "name STRING\n"
                                          "city STRING\n"},
    {"SELECT * FROM o RIGHT JOIN c ON o.cid = c.id", "id BIGINT\n"
                                                     "cid INT\n"
                                                     "amount DECIMAL(10, 2)\n"
                                                     "note STRING\n"
                                                     "ts TIMESTAMP(3)\n"
                                                     "id0 INT NOT NULL\n"
                                                     "name STRING\n"
                                                     "city STRING\n"},
    {"SELECT id, name FROM o FULL JOIN c USING (id)", "id BIGINT\n"
                                                      "name STRING\n"},
    {"SELECT c.id, o.id FROM o NATURAL JOIN c", "id INT NOT NULL\n"
                                                "id0 BIGINT NOT NULL\n"},
    {"SELECT NULLIF(cid, 0), IF(cid > 1, 'a', 'bb'), IFNULL(note, ''), COALESCE(note, "
     "'x', 'y') FROM o",
     "EXPR$0 INT\n"
     "EXPR$1 VARCHAR(2) NOT NULL\n"
     "EXPR$2 STRING NOT NULL\n"
     "EXPR$3 STRING NOT NULL\n"},
    {"SELECT ROW_NUMBER() OVER w, NTILE(3) OVER w, CUME_DIST() OVER w, LAG(amount) OVER w, "
     "LEAD(id, 1, "
     "0) OVER w, COUNT(*) OVER w, SUM(id) OVER w, SUM(id) OVER (ORDER BY id ROWS BETWEEN 2 "
     "PRECEDING "
     "AND 1 PRECEDING), FIRST_VALUE(note) OVER w FROM o WINDOW w AS (PARTITION BY cid ORDER BY id)",
     "EXPR$0 BIGINT NOT NULL\n"
     "EXPR$1 INT NOT NULL\n"
     "EXPR$2 DOUBLE NOT NULL\n"
     "EXPR$3 DECIMAL(10, 2)\n"
     "EXPR$4 BIGINT NOT NULL\n"
     "EXPR$5 BIGINT NOT NULL\n"
     "EXPR$6 BIGINT\n"
     "EXPR$7 BIGINT\n"
     "EXPR$8 STRING\n"},
    {"SELECT CASE cid WHEN 1 THEN 2.5 ELSE id END FROM o", "EXPR$0 DECIMAL(20, 1) NOT NULL\n"},
    {"SELECT id BETWEEN 1 AND 3, cid NOT IN (1, 2, NULL), note LIKE 'a%', note IS NULL "
     "FROM o",
     "EXPR$0 BOOLEAN NOT NULL\n"
     "EXPR$1 BOOLEAN\n"
     "EXPR$2 BOOLEAN\n"
     "EXPR$3 BOOLEAN NOT NULL\n"},
    {"SELECT CAST(note AS INT), TRY_CAST(note AS INT), CAST(id AS STRING), id + cid, cid "
     "/ 2 FROM o",
     "EXPR$0 INT\n"
     "EXPR$1 INT\n"
     "EXPR$2 STRING NOT NULL\n"
     "EXPR$3 BIGINT\n"
     "EXPR$4 INT\n"},
    {"SELECT k FROM e UNION ALL SELECT 'x'", "k STRING\n"},
    {"SELECT v FROM e UNION ALL SELECT amount FROM o", "v DECIMAL(12, 2)\n"},
    {"VALUES (1, 'a'), (2.5, NULL)", "EXPR$0 DECIMAL(11, 1) NOT NULL\n"
                                     "EXPR$1 CHAR(1)\n"},
    {"WITH w (x, y) AS (SELECT id, note FROM o) SELECT y, x FROM w", "y STRING\n"
                                                                     "x BIGINT NOT NULL\n"},
    {"SELECT q.b FROM (SELECT id, note FROM o) AS q (a, b)", "b STRING\n"},
    {"SELECT * FROM r", "k STRING\n"
                        "ts TIMESTAMP(3)\n"
                        "day DATE\n"
                        "at TIMESTAMP_LTZ(3)\n"},
    {"CREATE VIEW v (x) AS SELECT cid FROM o WHERE id > 1; SELECT * FROM v", "x INT\n"},
    {"SELECT * FROM default_catalog.default_database.e", "k STRING\n"
                                                         "v INT\n"},
    {"SELECT (id > 1 AND cid > 1) OR NOT cid = 2 FROM o", "EXPR$0 BOOLEAN\n"},
};

/* Names that are not there, or mean too much. */
static const PlanCase names[] = {
    {"SELECT amout FROM o", "name: column \"amout\" does not exist\n"
                            "hint: Did you mean \"amount\"?\n"
                            "at: amout\n"},
    {"SELECT x.id FROM o", "name: table or alias \"x\" is not in FROM\n"
                           "hint: A table that has an alias is known by its alias only.\n"
                           "at: x.id\n"},
    {"SELECT oo.id FROM o AS ox", "name: table or alias \"oo\" is not in FROM\n"
                                  "hint: Did you mean \"ox\"?\n"
                                  "at: oo.id\n"},
    {"SELECT * FROM orders", "name: table \"orders\" does not exist\n"
                             "hint: There are: a, c, e, f, n, o, p, r, u, up.\n"
                             "at: orders\n"},
    {"SELECT * FROM upp", "name: table \"upp\" does not exist\n"
                          "hint: Did you mean \"up\"?\n"
                          "at: upp\n"},
    {"SELECT id FROM o JOIN c ON o.cid = c.id", "name: column \"id\" is ambiguous\n"
                                                "hint: Write \"o.id\" or \"c.id\".\n"
                                                "at: id\n"},
    {"SELECT t.* FROM o", "name: table or alias \"t\" is not in FROM\n"
                          "hint: A table that has an alias is known by its alias only.\n"
                          "at: t.*\n"},
    {"SELECT *", "name: SELECT * needs a FROM\n"
                 "at: *\n"},
    {"SELECT UPER(note) FROM o", "name: function \"UPER\" does not exist\n"
                                 "hint: Did you mean \"UPPER\"?\n"
                                 "at: UPER(note)\n"},
    {"SELECT note AS m, COUNT(*) FROM o GROUP BY m",
     "name: column \"m\" does not exist\n"
     "hint: \"m\" is an alias of the select list: write the expression itself in GROUP "
     "BY.\n"
     "at: m\n"},
    {"SELECT note, COUNT(*) FROM o",
     "name: column \"note\" must appear in GROUP BY or inside an aggregate function\n"
     "hint: Add it to GROUP BY, or use MIN or MAX of it.\n"
     "at: note\n"},
    {"SELECT * FROM o JOIN o ON o.id = o.id", "name: \"o\" stands twice in FROM\n"
                                              "hint: Give one of them an alias: o AS o2.\n"
                                              "at: o\n"},
    {"SELECT * FROM o AS x (p, q, r, s, t, w)", "name: 6 column aliases for 5 columns\n"
                                                "at: o\n"},
    {"SELECT * FROM o JOIN c USING (cid)",
     "name: column \"cid\" of USING does not exist on the right side\n"
     "at: o JOIN c\n"},
    {"SELECT * FROM db.o", "name: database \"db\" does not exist\n"
                           "hint: There is one database, default_database.\n"
                           "at: db.o\n"},
    {"SELECT id FROM o UNION ALL SELECT id, cid FROM o",
     "type: the sides of UNION have 1 and 2 columns\n"
     "at: SELECT id FROM o UNION ALL SELECT id, ci\n"},
    {"CREATE VIEW v AS SELECT idd FROM o", "name: column \"idd\" does not exist\n"
                                           "hint: Did you mean \"id\"?\n"
                                           "at: idd\n"},
    {"CREATE VIEW v (a, b) AS SELECT id FROM o", "name: the view names 2 columns, its query has 1\n"
                                                 "at: v\n"},
    {"WITH w (a, b) AS (SELECT id FROM o) SELECT * FROM w",
     "name: WITH \"w\" names 2 columns, its query has 1\n"
     "at: w\n"},
};

/* Types that do not fit. */
static const PlanCase types[] = {
    {"SELECT note + 1 FROM o",
     "type: operator \"+\" does not take (STRING, INT NOT NULL)\n"
     "detail: It can be used as NUMERIC + NUMERIC; DECIMAL + DECIMAL; TIMEPOINT + "
     "INTERVAL.\n"
     "hint: Convert an argument with CAST(… AS …).\n"
     "at: note + 1\n"},
    {"SELECT * FROM o WHERE note", "type: WHERE must be BOOLEAN, not STRING\n"
                                   "at: note\n"},
    {"SELECT * FROM o WHERE note = 1",
     "type: implicit type conversion between STRING and INT NOT NULL is not supported\n"
     "hint: Convert one side of \"=\" with CAST(… AS …).\n"
     "at: note = 1\n"},
    {"SELECT CASE WHEN id > 1 THEN 'a' ELSE 2 END FROM o",
     "type: the results of CASE have no type in common: CHAR(1) NOT NULL and INT NOT "
     "NULL\n"
     "hint: CAST one of them to the type of the other.\n"
     "at: 2\n"},
    {"SELECT id IN (1, 'a') FROM o",
     "type: the values compared by IN have no type in common: BIGINT NOT NULL and "
     "CHAR(1) NOT NULL\n"
     "hint: CAST one of them to the type of the other.\n"
     "at: 'a'\n"},
    {"SELECT id FROM o UNION ALL SELECT note FROM o",
     "type: column 1 of UNION is BIGINT NOT NULL on one side and STRING on the other\n"
     "hint: CAST one of them to the type of the other.\n"
     "at: SELECT id FROM o UNION ALL SELECT note F\n"},
    {"SELECT * FROM o LIMIT 'a'", "type: LIMIT must be a whole number that is not negative\n"
                                  "at: 'a'\n"},
    {"SELECT * FROM o LIMIT -1", "type: LIMIT must be a whole number that is not negative\n"
                                 "at: -1\n"},
    {"SELECT IF(id, 1, 2) FROM o", "type: condition of IF must be BOOLEAN, not BIGINT NOT NULL\n"
                                   "at: id\n"},
    {"SELECT NULLIF(id) FROM o", "type: NULLIF does not take 1 argument\n"
                                 "hint: It is used as NULLIF(value, value that means NULL).\n"
                                 "at: NULLIF(id)\n"},
    {"SELECT 100000000000000000000000000000000000000000",
     "type: the number has 42 digits, more than DECIMAL's 38\n"
     "hint: Write it with an exponent to have a DOUBLE.\n"
     "at: 1000000000000000000000000000000000000000\n"},
    {"SELECT SUM(note) FROM o", "type: function \"SUM\" does not take (STRING)\n"
                                "detail: It can be used as SUM(NUMERIC) -> NUMERIC.\n"
                                "at: SUM(note)\n"},
    {"VALUES (1, 2), (3)", "syntax: this row of VALUES has 1 columns, the first one 2\n"
                           "at: (3)\n"},
    {"SELECT COUNT(*) FROM o WHERE COUNT(*) > 1",
     "syntax: aggregate function COUNT is not allowed in WHERE\n"
     "hint: Aggregate in a subquery, or filter groups with HAVING.\n"
     "at: COUNT(*)\n"},
    {"SELECT SUM(COUNT(*)) FROM o", "syntax: aggregate function COUNT is inside another one\n"
                                    "hint: Compute the inner one in a subquery in FROM.\n"
                                    "at: COUNT(*)\n"},
    {"SELECT UPPER(DISTINCT note) FROM o",
     "syntax: DISTINCT is only for aggregate functions, which UPPER is not\n"
     "at: UPPER(DISTINCT note)\n"},
};

/* What is understood and refused, with what to do instead. */
static const PlanCase refused[] = {
    {"SELECT * FROM o ORDER BY id",
     "unsupported: a continuous query cannot ORDER BY without LIMIT\n"
     "detail: A row that belongs in front of those already given may always come.\n"
     "hint: Add LIMIT to keep the first rows up to date, or SET 'execution.runtime-mode' = "
     "'batch' to sort bounded tables.\n"
     "at: id\n"},
    {"SELECT id, note FROM o EXCEPT SELECT id FROM o",
     "type: the sides of EXCEPT have 2 and 1 columns\n"
     "at: SELECT id, note FROM o EXCEPT SELECT id \n"},
    {"SELECT * FROM UNNEST(1)",
     "type: the argument of UNNEST gives no table but a value of type INT NOT NULL\n"
     "hint: In FROM may stand what is an ARRAY, a MAP or a MULTISET.\n"
     "at: 1\n"},
    {"SELECT 1 FROM o FOR SYSTEM_TIME AS OF o.ts",
     "unsupported: FOR SYSTEM_TIME AS OF outside of a join is not supported yet\n"
     "hint: It stands behind the right table of a JOIN.\n"
     "at: o.ts\n"},
    {"SELECT * FROM u", "unsupported: table \"u\" cannot be read\n"
                        "detail: Connector \"sink\" is only for writing.\n"
                        "at: u\n"},
    {"SELECT * FROM e /*+ LOOKUP('a' = 'b') */",
     "unsupported: the hint LOOKUP is not supported yet\n"
     "hint: OPTIONS('key' = 'value') is.\n"
     "at: LOOKUP('a' = 'b')\n"},
};

/* What cannot be written. */
static const PlanCase inserts[] = {
    {"INSERT INTO p SELECT id FROM o",
     "type: INSERT INTO \"p\" has 3 columns, the query 1\n"
     "detail: The table takes: id BIGINT, name STRING NOT NULL, extra DOUBLE. The query "
     "gives: id BIGINT NOT NULL.\n"
     "hint: List the columns meant: INSERT INTO p (…) SELECT …; the others become NULL.\n"
     "at: SELECT id FROM o\n"},
    {"INSERT INTO p (id, nam) SELECT id, note FROM o",
     "name: column \"nam\" does not exist in table \"p\"\n"
     "hint: Did you mean \"name\"?\n"
     "at: INSERT INTO p (id, nam) SELECT id, note \n"},
    {"INSERT INTO p (id) SELECT id FROM o",
     "type: column \"name\" of table \"p\" is NOT NULL and gets no value\n"
     "hint: Add it to the list of columns.\n"
     "at: INSERT INTO p (id) SELECT id FROM o\n"},
    {"INSERT INTO p SELECT note, note, 1 FROM o",
     "type: column \"id\" is BIGINT, the query gives STRING\n"
     "hint: Write CAST(note AS BIGINT) in the query.\n"
     "at: SELECT note, note, 1 FROM o\n"},
    {"INSERT INTO p (id, id) SELECT id, id FROM o",
     "name: column \"id\" is listed twice\n"
     "at: INSERT INTO p (id, id) SELECT id, id FRO\n"},
    {"INSERT INTO e SELECT note, 1 FROM o", "unsupported: table \"e\" cannot be written\n"
                                            "detail: Connector \"source\" is only for reading.\n"
                                            "at: e\n"},
    {"INSERT INTO nosuch SELECT 1", "name: table \"nosuch\" does not exist\n"
                                    "hint: There are: a, c, e, f, n, o, p, r, u, up.\n"
                                    "at: nosuch\n"},
    {"INSERT INTO u SELECT cid, note FROM o",
     "unsupported: several rows of the query may have one primary key of table \"u\"\n"
     "detail: The primary key is (id); the query's rows have no known key.\n"
     "hint: Add ON CONFLICT DO DEDUPLICATE to keep the latest row of each primary key, DO NOTHING "
     "to "
     "keep the first, DO ERROR to end the job, "
     "declare another primary key, or SET 'table.exec.sink.require-on-conflict' = "
     "'false'.\n"
     "at: u\n"},
    {"INSERT INTO u SELECT id, note FROM o ON CONFLICT DO NOTHING", "id BIGINT NOT NULL\n"
                                                                    "name STRING\n"},
    {"INSERT INTO p SELECT id, note, 1 FROM o ON CONFLICT DO DEDUPLICATE",
     "unsupported: ON CONFLICT needs a primary key, which table \"p\" has not\n"
     "hint: Declare PRIMARY KEY (…) NOT ENFORCED on it.\n"
     "at: p\n"},
    {"INSERT INTO a SELECT k, COUNT(*) FROM e GROUP BY k",
     "unsupported: table \"a\" cannot take updates, which come from GROUP BY k\n"
     "detail: Connector \"sink\" without a primary key only takes rows that stay.\n"
     "hint: Write into a table that takes changes: sqlite with PRIMARY KEY (…) NOT "
     "ENFORCED, print, or a changelog format such as debezium-json.\n"
     "at: a\n"},
    {"INSERT INTO a SELECT note, id FROM o",
     "unsupported: table \"a\" cannot take updates, which come from table \"o\"\n"
     "detail: Connector \"sink\" without a primary key only takes rows that stay.\n"
     "hint: Write into a table that takes changes: sqlite with PRIMARY KEY (…) NOT "
     "ENFORCED, print, or a changelog format such as debezium-json.\n"
     "at: a\n"},
    {"INSERT OVERWRITE p SELECT id, note, 1 FROM o",
     "unsupported: INSERT OVERWRITE is not supported yet\n"
     "hint: Use INSERT INTO.\n"
     "at: INSERT OVERWRITE p SELECT id, note, 1 FR\n"},
};

START_TEST(test_types_of_results)
{
    PlannerConfig config = fake_config();
    expect_cases(typed, array_count(typed), &config, SHOW_SCHEMA);
}
END_TEST

START_TEST(test_names)
{
    PlannerConfig config = fake_config();
    expect_cases(names, array_count(names), &config, SHOW_SCHEMA);
}
END_TEST

START_TEST(test_types_that_do_not_fit)
{
    PlannerConfig config = fake_config();
    expect_cases(types, array_count(types), &config, SHOW_SCHEMA);
}
END_TEST

START_TEST(test_refusals)
{
    PlannerConfig config = fake_config();
    expect_cases(refused, array_count(refused), &config, SHOW_SCHEMA);
}
END_TEST

START_TEST(test_inserts)
{
    PlannerConfig config = fake_config();
    expect_cases(inserts, array_count(inserts), &config, SHOW_SCHEMA);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("binder");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_types_of_results);
    tcase_add_test(cases, test_names);
    tcase_add_test(cases, test_types_that_do_not_fit);
    tcase_add_test(cases, test_refusals);
    tcase_add_test(cases, test_inserts);
    return test_run("binder", cases);
}
