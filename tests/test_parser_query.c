/* Queries and expressions: every construct against its tree, and the places of expressions. */
#include "tests/parser_testing.h"

#include <pthread.h>

static const GoldenTree expressions[] = {
    /* Names keep their case; words that are no keywords here need no quotes. */
    {"SELECT Aa, `Order`, \"q\"\"x\", `a``b` FROM cat.db.`my Table` AS t (x, y)",
     "(select Aa Order q\"x a`b (from (table cat.db.my Table (as t x y))))"},
    {"SELECT user, value, `timestamp`, timestamp, date, year, rows, first, range, row, comment "
     "FROM t",
     "(select user value timestamp timestamp date year rows first range row comment (from (table "
     "t)))"},
    {"SELECT t.order, t.*, *, a.b.c, a.b.c.d.e.f FROM t",
     "(select t.order t.* * a.b.c (field f (field e a.b.c.d)) (from (table t)))"},
    /* Literals */
    {"SELECT 1, 1.5, .5, 1., 1e10, 99999999999999999999, 'it''s', TRUE, false, NULL",
     "(select 1 1.5 .5 1. 1e10 99999999999999999999 'it's' true false null)"},
    {"SELECT x'0aFF', U&'d\\0061t\\+000061', E'a\\n\\u00e9\\'', N'x', 'a\"b', ''",
     "(select x'0aff' 'data' 'a\\x0aé'' 'x' 'a\"b' '')"},
    {"SELECT DATE '2020-01-02', TIME '10:11:12.5', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP "
     "'2020-01-01 00:00:00.123456'",
     "(select (typed <DATE> '2020-01-02') (typed <TIME(1)> '10:11:12.5') (typed <TIMESTAMP(0)> "
     "'2020-01-01 00:00:00') (typed <TIMESTAMP(6)> '2020-01-01 00:00:00.123456'))"},
    {"SELECT INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3' MONTH, INTERVAL '-1' YEAR, INTERVAL '2' "
     "QUARTER",
     "(select (interval <INTERVAL YEAR TO MONTH> 14) (interval <INTERVAL YEAR TO MONTH> 3) "
     "(interval <INTERVAL YEAR TO MONTH> -12) (interval <INTERVAL YEAR TO MONTH> 6))"},
    {"SELECT INTERVAL '1' DAY, INTERVAL '10' SECOND(3), INTERVAL '1 02:03:04.5' DAY TO SECOND, "
     "INTERVAL -'2' HOURS, INTERVAL '1' WEEK, INTERVAL '90' MINUTE(3), INTERVAL '1:02' HOUR TO "
     "MINUTE, INTERVAL '0.0015' SECOND",
     "(select (interval <INTERVAL DAY TO SECOND> 86400000) (interval <INTERVAL DAY TO SECOND> "
     "10000) (interval <INTERVAL DAY TO SECOND> 93784500) (interval <INTERVAL DAY TO SECOND> "
     "-7200000) (interval <INTERVAL DAY TO SECOND> 604800000) (interval <INTERVAL DAY TO SECOND> "
     "5400000) (interval <INTERVAL DAY TO SECOND> 3720000) (interval <INTERVAL DAY TO SECOND> 1))"},
    /* Operators and their precedence */
    {"SELECT a + b * c, (a + b) * c, a - b - c, -a * b, - -a, +a, a % b / c, -5",
     "(select (+ a (* b c)) (* (+ a b) c) (- (- a b) c) (* (NEGATE a) b) (NEGATE (NEGATE a)) a (/ "
     "(% a b) c) (NEGATE 5))"},
    {"SELECT a || b * c, a + b || c, a || b || c",
     "(select (* (|| a b) c) (+ a (|| b c)) (|| (|| a b) c))"},
    {"SELECT NOT a = b, NOT a IS NULL, NOT a AND b, a = b IS NULL, a OR b AND c, (a OR b) AND c",
     "(select (not (= a b)) (not (IS NULL a)) (and (not a) b) (IS NULL (= a b)) (or a (and b c)) "
     "(and (or a b) c))"},
    {"SELECT a <> b, a != b, a <= b, a >= b, a < b, a > b",
     "(select (<> a b) (<> a b) (<= a b) (>= a b) (< a b) (> a b))"},
    {"SELECT a IS NOT NULL, a IS TRUE, a IS NOT FALSE, a IS UNKNOWN, a IS NOT UNKNOWN",
     "(select (IS NOT NULL a) (IS TRUE a) (IS NOT FALSE a) (IS UNKNOWN a) (IS NOT UNKNOWN a))"},
    {"SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b AND c, NOT a IS DISTINCT FROM b + 1",
     "(select (IS DISTINCT FROM a b) (and (IS NOT DISTINCT FROM a b) c) (not (IS DISTINCT FROM a "
     "(+ b 1))))"},
    {"SELECT a BETWEEN 1 AND 2 AND b, a NOT BETWEEN 1 AND 2, a BETWEEN SYMMETRIC 1 AND 2, a NOT "
     "BETWEEN ASYMMETRIC 1 AND 2",
     "(select (and (between a 1 2) b) (not-between a 1 2) (between symmetric a 1 2) (not-between a "
     "1 2))"},
    {"SELECT a LIKE 'x%', a NOT LIKE b, a LIKE 'x!%' ESCAPE '!', a SIMILAR TO 'x', a NOT SIMILAR "
     "TO 'x' ESCAPE 'y', a || b LIKE c",
     "(select (LIKE a 'x%') (NOT LIKE a b) (LIKE a 'x!%' '!') (SIMILAR TO a 'x') (NOT SIMILAR TO a "
     "'x' 'y') (LIKE (|| a b) c))"},
    {"SELECT a IN (1, 2), a NOT IN (1), (a, b) IN ((1, 2), (3, 4)), a + 1 IN (b)",
     "(select (in a 1 2) (not-in a 1) (in (row a b) (row 1 2) (row 3 4)) (in (+ a 1) b))"},
    {"SELECT (a, b) OVERLAPS (c, d)", "(select (OVERLAPS a b c d))"},
    /* Subqueries */
    {"SELECT (SELECT 1), EXISTS (SELECT 1), NOT EXISTS (SELECT 1), a IN (SELECT b FROM u), a NOT "
     "IN (SELECT b FROM u), NOT a IN (SELECT b FROM u), (a, b) IN (SELECT 1, 2)",
     "(select (scalar (select 1)) (exists (select 1)) (not-exists (select 1)) (in-query a (select "
     "b (from (table u)))) (not-in-query a (select b (from (table u)))) (not (in-query a (select b "
     "(from (table u))))) (in-query a b (select 1 2)))"},
    {"SELECT a = ANY (SELECT 1), a = SOME (SELECT 1), a <> ALL (SELECT 2)",
     "(select (in-query a (select 1)) (in-query a (select 1)) (not-in-query a (select 2)))"},
    {"SELECT a > ANY (SELECT 1), a != SOME (SELECT 1), a >= ALL (SELECT 2)",
     "(select (compare-query > a (select 1)) (compare-query <> a (select 1)) "
     "(not-compare-query >= a (select 2)))"},
    /* CASE, CAST */
    {"SELECT CASE WHEN a THEN b END, CASE WHEN a THEN b WHEN c THEN d ELSE e END, CASE a WHEN 1 "
     "THEN 2 ELSE 3 END",
     "(select (case a b null) (case a b c d e) (case (= a 1) 2 3))"},
    {"SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 ELSE 3 END END + 1",
     "(select (+ (case a (case (= b 1) 2 3) null) 1))"},
    {"SELECT CAST(a AS INT), CAST(a AS ROW<a INT, b ARRAY<STRING NOT NULL>>), TRY_CAST(a AS "
     "DECIMAL(10, 2)), CAST(a AS TIMESTAMP_LTZ(3)), CAST(a AS DOUBLE PRECISION), CAST(a AS "
     "MAP<INT, BYTES>)",
     "(select (cast <INT> a) (cast <ROW<`a` INT, `b` ARRAY<STRING NOT NULL>>> a) (try-cast "
     "<DECIMAL(10, 2)> a) (cast <TIMESTAMP_LTZ(3)> a) (cast <DOUBLE> a) (cast <MAP<INT, BYTES>> "
     "a))"},
    {"SELECT a::INT, -a::STRING, a::INT::BIGINT, a::TIMESTAMP(3) + b, 'x'::VARCHAR(3), CAST(a AS "
     "TIMESTAMP(3) WITH LOCAL TIME ZONE)",
     "(select (cast <INT> a) (NEGATE (cast <STRING> a)) (cast <BIGINT> (cast <INT> a)) (+ (cast "
     "<TIMESTAMP(3)> a) b) (cast <VARCHAR(3)> 'x') (cast <TIMESTAMP_LTZ(3)> a))"},
    /* Constructors and parts of values */
    {"SELECT ROW(1, 'a'), (1, 'a'), ROW(), ARRAY[1, 2], ARRAY[], MAP['a', 1, 'b', 2], MAP[], "
     "ARRAY[ARRAY[1], ARRAY[2]]",
     "(select (row 1 'a') (row 1 'a') (row) (array 1 2) (array) (map 'a' 1 'b' 2) (map) (array "
     "(array 1) (array 2)))"},
    {"SELECT a[1], a.b[1]['x'].c, f(x)[1], f(x)[1].b, f(x).y, (f(x)).y, MAP['a', 1]['a'], ARRAY[1, "
     "2][1], CAST(x AS ROW<a INT>).a, ROW(1, 2).x",
     "(select (index a 1) (field c (index (index a.b 1) 'x')) (index (F x) 1) (field b (index (F "
     "x) 1)) (field y (F x)) (field y (F x)) (index (map 'a' 1) 'a') (index (array 1 2) 1) (field "
     "a (cast <ROW<`a` INT>> x)) (field x (row 1 2)))"},
    /* Calls */
    {"SELECT f(), F(1, 2), `my_F`(a), COUNT(*), COUNT(DISTINCT a, b), COUNT(ALL a), SUM(a) FILTER "
     "(WHERE b > 0), if(a, b, c), COALESCE(a, b), NULLIF(a, b)",
     "(select (F) (F 1 2) (MY_F a) (COUNT *) (COUNT distinct a b) (COUNT a) (SUM a (filter (> b "
     "0))) (IF a b c) (COALESCE a b) (NULLIF a b))"},
    {"SELECT CURRENT_TIMESTAMP, CURRENT_DATE, current_time, LOCALTIME, LOCALTIMESTAMP, NOW(), "
     "`current_date`, 1 AS current_date, PROCTIME()",
     "(select (CURRENT_TIMESTAMP) (CURRENT_DATE) (CURRENT_TIME) (LOCALTIME) (LOCALTIMESTAMP) (NOW) "
     "current_date (as 1 current_date) (PROCTIME))"},
    {"SELECT EXTRACT(DAY FROM a), EXTRACT(EPOCH FROM a + b), FLOOR(a TO HOUR), CEIL(a TO months), "
     "CEILING(a), FLOOR(a)",
     "(select (EXTRACT 'DAY' a) (EXTRACT 'EPOCH' (+ a b)) (FLOOR a 'HOUR') (CEIL a 'MONTH') "
     "(CEILING a) (FLOOR a))"},
    {"SELECT TIMESTAMPADD(MINUTE, 5, a), TIMESTAMPDIFF(DAY, a, b), TIMESTAMPADD(SQL_TSI_HOUR, 1, "
     "a)",
     "(select (TIMESTAMPADD 'MINUTE' 5 a) (TIMESTAMPDIFF 'DAY' a b) (TIMESTAMPADD 'HOUR' 1 a))"},
    {"SELECT TRIM(a), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM a), TRIM(TRAILING 'x' FROM a), "
     "TRIM('x' FROM a), trim(both), TRIM(BOTH FROM a)",
     "(select (TRIM a) (TRIM a 'x') (LTRIM a) (RTRIM a 'x') (TRIM a 'x') (TRIM both) (TRIM a))"},
    {"SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a FROM 2), SUBSTRING(a, 2, 3), POSITION('a' IN "
     "b), OVERLAY(a PLACING b FROM 1 FOR 2), LEFT(a, 1), RIGHT(a, 1)",
     "(select (SUBSTRING a 2 3) (SUBSTRING a 2) (SUBSTRING a 2 3) (POSITION 'a' b) (OVERLAY a b 1 "
     "2) (LEFT a 1) (RIGHT a 1))"},
    {"SELECT JSON_VALUE(a, '$.x' RETURNING int DEFAULT b + 1 ON EMPTY NULL ON ERROR), "
     "JSON_QUERY(a, "
     "'$' WITH WRAPPER), JSON_EXISTS(a || 'x', '$'), json_value",
     "(select (JSON_VALUE a '$.x' 'RETURNING' 'int' 'DEFAULT' (+ b 1) 'ON' 'EMPTY' 'NULL' 'ON' "
     "'ERROR') (JSON_QUERY a '$' 'WITH' 'WRAPPER') (JSON_EXISTS (|| a 'x') '$') json_value)"},
    {"SELECT JSON_OBJECT(), JSON_OBJECT(KEY 'a' VALUE b, 'c' VALUE value ABSENT ON NULL), "
     "JSON_ARRAY(1, key NULL ON NULL), JSON_ARRAY(NULL), JSON_OBJECTAGG(KEY k VALUE v NULL ON "
     "NULL)",
     "(select (JSON_OBJECT 'JSON_OBJECT') (JSON_OBJECT 'ABSENT' 'a' b 'c' value) (JSON_ARRAY "
     "'NULL' "
     "1 key) (JSON_ARRAY 'JSON_ARRAY' null) (JSON_OBJECTAGG k v 'NULL'))"},
    {"SELECT a IS JSON, a IS NOT JSON OBJECT, NOT a IS JSON SCALAR = b, a || 'x' IS JSON ARRAY AND "
     "c",
     "(select (IS JSON VALUE a) (not (IS JSON OBJECT a)) (not (= (IS JSON SCALAR a) b)) (and (IS "
     "JSON ARRAY (|| a 'x')) c))"},
    {"SELECT f(a => 1, OFFSET => 2, `c` => b)",
     "(select (F (named a 1) (named OFFSET 2) (named c b)))"},
    {"SELECT ARRAY_AGG(x IGNORE NULLS), ARRAY_AGG(x RESPECT NULLS), LAST_VALUE(x) IGNORE NULLS "
     "OVER (ORDER BY y)",
     "(select (ARRAY_AGG x ignore-nulls) (ARRAY_AGG x) (LAST_VALUE x ignore-nulls (over (order "
     "y))))"},
    /* Windows */
    {"SELECT SUM(x) OVER (PARTITION BY k, l ORDER BY t DESC NULLS LAST, u NULLS FIRST ROWS BETWEEN "
     "3 PRECEDING AND CURRENT ROW)",
     "(select (SUM x (over (partition k l) (order t desc nulls-last u nulls-first) (rows preceding "
     "3 current-row))))"},
    {"SELECT SUM(x) OVER (ORDER BY t RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW), "
     "SUM(x) OVER (ROWS UNBOUNDED PRECEDING), SUM(x) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND "
     "UNBOUNDED FOLLOWING), SUM(x) OVER (ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)",
     "(select (SUM x (over (order t) (range preceding (interval <INTERVAL DAY TO SECOND> 3600000) "
     "current-row))) (SUM x (over (rows unbounded-preceding current-row))) (SUM x (over (rows "
     "unbounded-preceding unbounded-following))) (SUM x (over (rows following 1 following 2))))"},
    {"SELECT SUM(x) OVER w, SUM(x) OVER (w), SUM(x) OVER () FROM t WINDOW w AS (PARTITION BY k "
     "ORDER BY t), v AS (ORDER BY u)",
     "(select (SUM x (over w)) (SUM x (over w)) (SUM x (over)) (from (table t)) (window (over w "
     "(partition k) (order t))) (window (over v (order u))))"},
    {"SELECT SUM(x) OVER (w ORDER BY t) FROM t WINDOW w AS (PARTITION BY k), v AS (w ROWS 1 "
     "PRECEDING)",
     "(select (SUM x (over (base w) (order t))) (from (table t)) (window (over w (partition k))) "
     "(window (over v (base w) (rows preceding 1 current-row))))"},
    {"SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS rn FROM t WHERE TRUE GROUP BY a "
     "HAVING b WINDOW w AS (ORDER BY c) QUALIFY rn = 1 AND b ORDER BY d",
     "(select (as (ROW_NUMBER (over (partition a) (order b))) rn) (from (table t)) (where true) "
     "(group a) (having b) (window (over w (order c))) (qualify (and (= rn 1) b)) (order d))"},
    {"SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) <= 3 UNION ALL SELECT "
     "2",
     "(union-all (select a (from (table t)) (qualify (<= (ROW_NUMBER (over (partition a) (order "
     "b))) 3))) (select 2))"},
};

static const GoldenTree queries[] = {
    /* Tables */
    {"SELECT * FROM a, b AS x, c JOIN d ON TRUE",
     "(select * (from (cross-join (cross-join (table a) (table b (as x))) (inner-join (table c) "
     "(table d) (on true)))))"},
    {"SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (x, y) RIGHT OUTER JOIN d ON TRUE FULL "
     "JOIN e ON TRUE CROSS JOIN f NATURAL JOIN g INNER JOIN h ON FALSE",
     "(select * (from (inner-join (natural-inner-join (cross-join (full-join (right-join "
     "(left-join (inner-join (table a) (table b) (on (= a.x b.x))) (table c) (using x y)) (table "
     "d) (on true)) (table e) (on true)) (table f)) (table g)) (table h) (on false))))"},
    {"SELECT * FROM a FULL OUTER JOIN (b JOIN c ON TRUE) ON TRUE",
     "(select * (from (full-join (table a) (inner-join (table b) (table c) (on true)) (on "
     "true))))"},
    {"SELECT * FROM (SELECT 1) t, (SELECT 2), ((SELECT 3) UNION (SELECT 4)) AS u(x), LATERAL "
     "(SELECT 5)",
     "(select * (from (cross-join (cross-join (cross-join (query (select 1) (as t)) (query (select "
     "2))) (query (union (select 3) (select 4)) (as u x))) (lateral-query (select 5)))))"},
    {"SELECT * FROM (SELECT 1) FULL JOIN (SELECT 2) ON TRUE",
     "(select * (from (full-join (query (select 1)) (query (select 2)) (on true))))"},
    {"SELECT * FROM (VALUES (1, 2), (3, 4)) AS t(a, b)",
     "(select * (from (query (values (row 1 2) (row 3 4)) (as t a b))))"},
    {"SELECT * FROM UNNEST(a), UNNEST(b) WITH ORDINALITY AS u(v, i)",
     "(select * (from (cross-join (function (UNNEST a)) (function (UNNEST b) with-ordinality (as u "
     "v i)))))"},
    {"SELECT * FROM t CROSS JOIN UNNEST(t.arr) AS u(x) LEFT JOIN LATERAL TABLE(f(t.y)) AS v(z) ON "
     "TRUE, LATERAL TABLE(g(z))",
     "(select * (from (cross-join (left-join (cross-join (table t) (function (UNNEST t.arr) (as u "
     "x))) (lateral-function (F t.y) (as v z)) (on true)) (lateral-function (G z)))))"},
    /* Windowing table functions */
    {"SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS w",
     "(select * (from (function (TUMBLE (table (select * (from (table t)))) (descriptor ts) "
     "(interval <INTERVAL DAY TO SECOND> 60000)) (as w))))"},
    {"SELECT * FROM TABLE(HOP(DATA => TABLE c.d.t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL "
     "'5' MINUTE, SIZE => INTERVAL '10' MINUTE)) JOIN u ON TRUE",
     "(select * (from (inner-join (function (HOP (named DATA (table (select * (from (table "
     "c.d.t))))) (named TIMECOL (descriptor ts)) (named SLIDE (interval <INTERVAL DAY TO SECOND> "
     "300000)) (named SIZE (interval <INTERVAL DAY TO SECOND> 600000)))) (table u) (on true))))"},
    {"SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) w(a, b)",
     "(select * (from (function (TUMBLE (table (select * (from (table t)))) (descriptor ts) "
     "(interval <INTERVAL DAY TO SECOND> 60000)) (as w a b))))"},
    {"SELECT * FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE), f(TABLE "
     "u PARTITION BY (a, b) ORDER BY c)",
     "(select * (from (cross-join (function (SESSION (table (select * (from (table t))) (over "
     "(partition k))) (descriptor ts) (interval <INTERVAL DAY TO SECOND> 300000))) (function (F "
     "(table (select * (from (table u))) (over (partition a b) (order c))))))))"},
    {"SELECT * FROM TUMBLE(TABLE (SELECT a FROM t), DESCRIPTOR(a, b))",
     "(select * (from (function (TUMBLE (table (select a (from (table t)))) (descriptor a b)))))"},
    {"SELECT * FROM tumble(t, ts, INTERVAL '1' MINUTE)",
     "(select * (from (function (TUMBLE t ts (interval <INTERVAL DAY TO SECOND> 60000)))))"},
    {"SELECT TUMBLE_START(ts, INTERVAL '1' HOUR), COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' "
     "HOUR), k",
     "(select (TUMBLE_START ts (interval <INTERVAL DAY TO SECOND> 3600000)) (COUNT *) (from (table "
     "t)) (group (TUMBLE ts (interval <INTERVAL DAY TO SECOND> 3600000)) k))"},
    /* Temporal tables */
    {"SELECT * FROM o JOIN r FOR SYSTEM_TIME AS OF o.proc_time AS x ON o.a = x.a",
     "(select * (from (inner-join (table o) (table r (as-of o.proc_time) (as x)) (on (= o.a "
     "x.a)))))"},
    {"SELECT * FROM o AS a JOIN r FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01 00:00:00' - INTERVAL "
     "'5' MINUTE rr(x, y) ON TRUE",
     "(select * (from (inner-join (table o (as a)) (table r (as-of (- (typed <TIMESTAMP(0)> "
     "'2020-01-01 00:00:00') (interval <INTERVAL DAY TO SECOND> 300000))) (as rr x y)) (on "
     "true))))"},
    {"SELECT * FROM r FOR SYSTEM_TIME AS OF PROCTIME() WHERE a",
     "(select * (from (table r (as-of (PROCTIME)))) (where a))"},
    {"SELECT * FROM r FOR SYSTEM_TIME AS OF LEFT(x, 2) LEFT JOIN s FOR SYSTEM_TIME AS OF a[1] FULL "
     "JOIN t ON TRUE ON FALSE",
     "(select * (from (left-join (table r (as-of (LEFT x 2))) (full-join (table s (as-of (index a "
     "1))) (table t) (on true)) (on false))))"},
    /* Hints */
    {"SELECT a FROM t /*+ OPTIONS('x'='y', \"k\" = 'v', scan.mode = latest, n = -1) */ AS q JOIN u "
     "/*+ OPTIONS('z'='1') */ ON TRUE",
     "(select a (from (inner-join (table t (hint OPTIONS 'x'='y' 'k'='v' 'scan.mode'='latest' "
     "'n'='-1') (as q)) (table u (hint OPTIONS 'z'='1')) (on true))))"},
    {"SELECT /*+ STATE_TTL('a'='1d', 'b'='2d'), LOOKUP('table'='b') */ DISTINCT a FROM t",
     "(select-distinct (hint STATE_TTL 'a'='1d' 'b'='2d') (hint LOOKUP 'table'='b') a (from (table "
     "t)))"},
    /* Clauses */
    {"SELECT DISTINCT a FROM t WHERE b GROUP BY a, (b, c), d + 1 HAVING COUNT(*) > 1 ORDER BY 1, a "
     "DESC LIMIT 5 OFFSET 2",
     "(select-distinct a (from (table t)) (where b) (group a (row b c) (+ d 1)) (having (> (COUNT "
     "*) 1)) (order 1 a desc) (limit 5) (offset 2))"},
    {"SELECT ALL a FROM t GROUP BY GROUPING SETS ((a, b), (), ROLLUP(a, (b, c)), CUBE(b), GROUPING "
     "SETS (d)), c",
     "(select a (from (table t)) (group (sets (row a b) (row) (rollup a (row b c)) (cube b) (sets "
     "d)) c))"},
    {"SELECT a, GROUPING(a), GROUPING_ID(a, b) FROM t GROUP BY ROLLUP (a, b)",
     "(select a (GROUPING a) (GROUPING_ID a b) (from (table t)) (group (rollup a b)))"},
    {"SELECT COUNT(*) FROM t GROUP BY ()", "(select (COUNT *) (from (table t)) (group))"},
    {"SELECT 1 ORDER BY a NULLS LAST FETCH FIRST 5 ROWS ONLY",
     "(select 1 (order a nulls-last) (limit 5))"},
    {"SELECT 1 OFFSET 3 ROWS FETCH NEXT ROW ONLY", "(select 1 (limit 1) (offset 3))"},
    {"SELECT 1 LIMIT ALL", "(select 1)"},
    /* Sets, VALUES, WITH */
    {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4",
     "(except-all (union (select 1) (intersect (select 2) (select 3))) (select 4))"},
    {"(SELECT 1 ORDER BY a LIMIT 1) UNION ALL (SELECT 2) ORDER BY b",
     "(union-all (select 1 (order a) (limit 1)) (select 2) (order b))"},
    {"SELECT 1 UNION DISTINCT (SELECT 2 INTERSECT ALL SELECT 3)",
     "(union (select 1) (intersect-all (select 2) (select 3)))"},
    {"VALUES (1, 'a'), ROW(2, 'b'), (3, NULL)", "(values (row 1 'a') (row 2 'b') (row 3 null))"},
    {"VALUES 1, (2), (3) + 4, (5)", "(values (row 1) (row 2) (row (+ 3 4)) (row 5))"},
    {"WITH q(a) AS (SELECT 1), r AS (SELECT * FROM q) SELECT a FROM q UNION ALL SELECT b FROM r "
     "ORDER BY a",
     "((with q (columns a) (select 1)) (with r (select * (from (table q)))) union-all (select a "
     "(from (table q))) (select b (from (table r))) (order a))"},
    {"SELECT * FROM (WITH q AS (VALUES 1) SELECT * FROM q)",
     "(select * (from (query ((with q (values (row 1))) select * (from (table q))))))"},
    {"WITH q AS (SELECT 1 UNION SELECT 2) VALUES (1)",
     "((with q (union (select 1) (select 2))) values (row 1))"},
    /* Comments vanish */
    {"SELECT /* one */ 1 -- two", "(select 1)"},
};

START_TEST(test_expressions)
{
    check_golden_trees(expressions, array_count(expressions));
}
END_TEST

START_TEST(test_queries)
{
    check_golden_trees(queries, array_count(queries));
}
END_TEST

/* The first item of each SELECT is the marked text. */
static const char *const places[] = {
    "SELECT {{a}} FROM t",
    "SELECT {{a . `b`}}, c",
    "SELECT {{t.*}} FROM t",
    "SELECT {{*}} FROM t",
    "SELECT {{ 'it''s' }}",
    "SELECT {{a + b * c}} AS d",
    "SELECT {{(a + b) * (c)}}",
    "SELECT ({{a + b}})",
    "SELECT {{-(a)}}, b",
    "SELECT {{f( a, b )}}, c",
    "SELECT {{`f`()}}",
    "SELECT {{COUNT(DISTINCT a) FILTER (WHERE b) OVER (PARTITION BY c)}} d",
    "SELECT {{SUM(a) OVER w}} FROM t WINDOW w AS ()",
    "SELECT {{LAST_VALUE(a) IGNORE NULLS OVER (ORDER BY b)}}",
    "SELECT {{CASE a WHEN 1 THEN CASE WHEN b THEN c END END}} + 1",
    "SELECT {{CASE WHEN a THEN b END}}, c",
    "SELECT {{CAST(a AS ARRAY<INT>)}} b",
    "SELECT {{a::ARRAY<INT>}} b",
    "SELECT {{TRY_CAST((a) AS INT NOT NULL)}}",
    "SELECT {{(a) IS NOT NULL}}",
    "SELECT {{a IS DISTINCT FROM (b)}}",
    "SELECT {{a NOT IN (1, 2)}} AND b",
    "SELECT {{a IN (SELECT 1)}}, c",
    "SELECT {{a NOT IN ((SELECT 1))}}",
    "SELECT {{NOT EXISTS (SELECT 1)}}",
    "SELECT {{(SELECT 1)}} AS x",
    "SELECT {{a BETWEEN 1 AND (2)}}",
    "SELECT {{a LIKE b ESCAPE 'c'}}",
    "SELECT {{NOT a OR (b AND c)}}",
    "SELECT {{INTERVAL '1' DAY}}",
    "SELECT {{DATE '2020-01-01'}} d",
    "SELECT {{ROW(1, 2)}}, 1",
    "SELECT {{(1, 2)}}, 1",
    "SELECT {{ARRAY[1, 2]}}",
    "SELECT {{MAP['a', 1]['a']}}",
    "SELECT {{f(x)[1].b}} FROM t",
    "SELECT {{a[1]}}, b",
    "SELECT {{CURRENT_DATE}}",
    "SELECT {{EXTRACT(DAY FROM a)}}",
    "SELECT {{TRIM(BOTH 'x' FROM a)}} b",
    "SELECT {{(a, b) OVERLAPS (c, d)}}",
};

START_TEST(test_places)
{
    for (size_t i = 0; i < array_count(places); i++) {
        Arena *arena = arena_new(4096);
        Error error = {0};
        MarkedSql sql = marked_sql(places[i]);
        Str marked = str_trim((Str){sql.text + sql.offset, (size_t)sql.marked});
        const AstStatement *statement =
            parser_parse((Str){sql.text, sql.length}, 0, sql.length, arena, &error);
        ck_assert_msg(statement != NULL, "%s: %s", places[i], error.message);
        const AstExpr *expr = statement->query->select->items[0].expr;
        while (expr->place.length > (int64_t)marked.length && expr->kind == AST_CALL)
            expr = expr->args[0];
        if (expr->kind == AST_AND)
            expr = expr->args[0];
        ck_assert_msg(sql.text + expr->place.offset == marked.data &&
                          expr->place.length == (int64_t)marked.length,
                      "%s: the place is \"%.*s\"", places[i], (int)expr->place.length,
                      sql.text + expr->place.offset);
        arena_free(arena);
    }
}
END_TEST

START_TEST(test_expression_alone)
{
    static const GoldenTree cases[] = {
        {"a + 1", "(+ a 1)"},
        {"(a, b)", "(row a b)"},
        {"(SELECT 1)", "(scalar (select 1))"},
        {"ts - INTERVAL '5' SECOND", "(- ts (interval <INTERVAL DAY TO SECOND> 5000))"},
    };
    static const char *const bad[] = {
        "",     "a, b", "SELECT 1",     "a FROM t",    "a) + (b",  "a AS b",
        "a; b", "*, a", "a ORDER BY b", "(a) WHERE b", "VALUES 1", "(SELECT 1) UNION (SELECT 2)"};
    Arena *arena = arena_new(4096);
    for (size_t i = 0; i < array_count(cases); i++) {
        Error error = {0};
        Buffer printed = {0};
        const AstExpr *expr = parser_parse_expression(str_of(cases[i].sql), arena, &error);
        ck_assert_msg(expr != NULL, "%s: %s", cases[i].sql, error.message);
        ast_print_expr(expr, &printed);
        ck_assert_str_eq(buffer_text(&printed), cases[i].tree);
        buffer_deinit(&printed);
    }
    for (size_t i = 0; i < array_count(bad); i++) {
        Error error = {0};
        const AstExpr *expr = parser_parse_expression(str_of(bad[i]), arena, &error);
        ck_assert_msg(expr == NULL, "\"%s\" is taken for an expression", bad[i]);
        ck_assert_int_eq(error.code, ERROR_SYNTAX);
    }
    arena_free(arena);
}
END_TEST

/* libpg_query has a memory context per thread: parsing on several at once must not meet. */
static void *parse_all(void *unused)
{
    check_golden_trees(expressions, array_count(expressions));
    check_golden_trees(queries, array_count(queries));
    return NULL;
}

START_TEST(test_threads)
{
    pthread_t threads[4];
    for (size_t i = 0; i < array_count(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, parse_all, NULL), 0);
    for (size_t i = 0; i < array_count(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {test_expressions, test_queries, test_places, test_expression_alone,
                            test_threads};
    return run_suite("parser_query", tests, array_count(tests));
}
