/* Plans as EXPLAIN prints them: what the rules make of a query. */
#include "planner_cases.h"
#include "tests/suite.h"

/* Rewrites. */
static const PlanCase rules[] = {
    /* Windows: filters on the partition go below, calls nobody looks at are not made. */
    {"SELECT id, s FROM (SELECT id, cid, SUM(amount) OVER (PARTITION BY cid ORDER BY ts) AS s, "
     "LAG(note) OVER (PARTITION BY cid ORDER BY ts) AS n FROM o) x WHERE cid = 3 AND s > 5",
     "[4] Sink(table=[*collect*], fields=[id, s])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Calc(select=[id, $o0 AS s], where=[($o0 > 5.00)])\n"
     "      +- [2] Over(partitionBy=[cid], orderBy=[ts ASC NULLS FIRST], select=[SUM(amount) RANGE "
     "UNBOUNDED PRECEDING TO CURRENT ROW AS $o0])\n"
     "         +- Exchange(distribution=[hash[cid]])\n"
     "            +- [1] Calc(select=[id, cid, amount, ts], where=[(cid = 3)])\n"
     "               +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id, cid, amount, ts])\n"},
    {"SELECT id, amount * 2 AS twice FROM o WHERE amount > 10 AND note = UPPER('x')",
     "[2] Sink(table=[*collect*], fields=[id, twice])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Calc(select=[id, (amount * 2) AS twice], where=[((CAST(amount AS "
     "DECIMAL(12, 2)) > 10.00) AND (note = 'X'))])\n"
     "      +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id, amount, note])\n"},
    {"SELECT a.id, b.v + 1 FROM o a JOIN e b ON CAST(a.id AS STRING) = b.k AND a.cid > "
     "b.v AND b.v > 5",
     "[6] Sink(table=[*collect*], fields=[id, EXPR$1])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [5] Calc(select=[id, (v + 1) AS EXPR$1])\n"
     "      +- [4] Join(joinType=[InnerJoin], where=[($key0 = k) AND (cid > v)], "
     "select=[id, cid, $key0, k, v], leftInputSpec=[JoinKeyContainsUniqueKey], "
     "rightInputSpec=[NoUniqueKey])\n"
     "         +- Exchange(distribution=[hash[$key0]])\n"
     "            +- [1] Calc(select=[id, cid, CAST(id AS STRING) AS $key0])\n"
     "               +- [0] TableSourceScan(table=[[default_catalog, default_database, "
     "o]], fields=[id, cid])\n"
     "         +- Exchange(distribution=[hash[k]])\n"
     "            +- [3] Calc(select=[k, v], where=[(v > 5)])\n"
     "               +- [2] TableSourceScan(table=[[default_catalog, default_database, "
     "e]], fields=[k, v])\n"},
    {"SELECT a.id FROM o a, c b WHERE a.cid = b.id AND a.note IS NOT DISTINCT FROM "
     "b.name AND b.city = 'y'",
     "[5] Sink(table=[*collect*], fields=[id])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [4] Calc(select=[id])\n"
     "      +- [3] Join(joinType=[InnerJoin], where=[(cid = id) AND (note IS NOT "
     "DISTINCT FROM name)], select=[id, cid, note, id, name], "
     "leftInputSpec=[HasUniqueKey], rightInputSpec=[JoinKeyContainsUniqueKey])\n"
     "         +- Exchange(distribution=[hash[cid, note]])\n"
     "            +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id, cid, note])\n"
     "         +- Exchange(distribution=[hash[id, name]])\n"
     "            +- [2] Calc(select=[id, name], where=[(city = 'y')])\n"
     "               +- [1] TableSourceScan(table=[[default_catalog, default_database, "
     "c]], fields=[id, name, city])\n"},
    {"SELECT o.id FROM o LEFT JOIN c ON o.cid = c.id AND c.city = 'z' AND o.note = 'k' "
     "WHERE o.id > 4 AND c.name IS NULL",
     "[6] Sink(table=[*collect*], fields=[id])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [5] Calc(select=[id], where=[name IS NULL])\n"
     "      +- [4] Join(joinType=[LeftOuterJoin], where=[(cid = id) AND (note = 'k')], "
     "select=[id, cid, note, id, name], leftInputSpec=[HasUniqueKey], "
     "rightInputSpec=[JoinKeyContainsUniqueKey])\n"
     "         +- Exchange(distribution=[hash[cid]])\n"
     "            +- [1] Calc(select=[id, cid, note], where=[(id > 4)])\n"
     "               +- [0] TableSourceScan(table=[[default_catalog, default_database, "
     "o]], fields=[id, cid, note])\n"
     "         +- Exchange(distribution=[hash[id]])\n"
     "            +- [3] Calc(select=[id, name], where=[(city = 'z')])\n"
     "               +- [2] TableSourceScan(table=[[default_catalog, default_database, "
     "c]], fields=[id, name, city])\n"},
    {"SELECT k, COUNT(*) FROM (SELECT k FROM e UNION ALL SELECT note FROM o WHERE id > "
     "7) t GROUP BY k HAVING k <> 'a' AND COUNT(*) > 1",
     "[7] Sink(table=[*collect*], fields=[k, EXPR$1])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [6] Calc(select=[k, EXPR$0 AS EXPR$1], where=[(EXPR$0 > 1)])\n"
     "      +- [5] GroupAggregate(groupBy=[k], select=[k, COUNT(*) AS EXPR$0])\n"
     "         +- Exchange(distribution=[hash[k]])\n"
     "            +- [4] Union(all=[true], union=[k])\n"
     "               +- [1] Calc(select=[k], where=[(k <> 'a')])\n"
     "                  +- [0] TableSourceScan(table=[[default_catalog, "
     "default_database, e]], fields=[k])\n"
     "               +- [3] Calc(select=[note], where=[((id > 7) AND (note <> 'a'))])\n"
     "                  +- [2] TableSourceScan(table=[[default_catalog, "
     "default_database, o]], fields=[id, note])\n"},
    {"SELECT k FROM e UNION SELECT name FROM c",
     "[4] Sink(table=[*collect*], fields=[k])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] GroupAggregate(groupBy=[k], select=[k])\n"
     "      +- Exchange(distribution=[hash[k]])\n"
     "         +- [2] Union(all=[true], union=[k])\n"
     "            +- [0] TableSourceScan(table=[[default_catalog, default_database, e]], "
     "fields=[k])\n"
     "            +- [1] TableSourceScan(table=[[default_catalog, default_database, c]], "
     "fields=[name])\n"},
    {"SELECT COUNT(*) FROM o",
     "[2] Sink(table=[*collect*], fields=[EXPR$0])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] GroupAggregate(select=[COUNT(*) AS EXPR$0])\n"
     "      +- Exchange(distribution=[single])\n"
     "         +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id])\n"},
    {"SELECT COUNT(*), cid + 1, COUNT(DISTINCT note) FILTER (WHERE id > 3) FROM o GROUP "
     "BY cid + 1, cid",
     "[4] Sink(table=[*collect*], fields=[EXPR$0, EXPR$1, EXPR$2])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Calc(select=[EXPR$0, $f0 AS EXPR$1, EXPR$1 AS EXPR$2])\n"
     "      +- [2] GroupAggregate(groupBy=[$f0, cid], select=[$f0, cid, COUNT(*) AS "
     "EXPR$0, COUNT(DISTINCT note) FILTER $f3 AS EXPR$1])\n"
     "         +- Exchange(distribution=[hash[$f0, cid]])\n"
     "            +- [1] Calc(select=[(cid + 1) AS $f0, cid, note, (id > 3) AS $f3])\n"
     "               +- [0] TableSourceScan(table=[[default_catalog, default_database, "
     "o]], fields=[id, cid, note])\n"},
    {"WITH w AS (SELECT cid, SUM(amount) AS s FROM o GROUP BY cid) SELECT x.s, y.s FROM "
     "w x JOIN w y ON x.cid = y.cid",
     "[5] Sink(table=[*collect*], fields=[s, s0])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [4] Calc(select=[s, s AS s0])\n"
     "      +- [3] Join(joinType=[InnerJoin], where=[(cid = cid)], select=[cid, s, cid, "
     "s], leftInputSpec=[JoinKeyContainsUniqueKey], "
     "rightInputSpec=[JoinKeyContainsUniqueKey])\n"
     "         +- [2] Calc(select=[cid, EXPR$0 AS s])\n"
     "            +- [1] GroupAggregate(groupBy=[cid], select=[cid, SUM(amount) AS "
     "EXPR$0])\n"
     "               +- Exchange(distribution=[hash[cid]])\n"
     "                  +- [0] TableSourceScan(table=[[default_catalog, "
     "default_database, o]], fields=[cid, amount])\n"
     "         +- Reused(node=[2])\n"},
    {"SELECT note FROM (SELECT note, id + 1 AS q FROM o) WHERE q > 5",
     "[2] Sink(table=[*collect*], fields=[note])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Calc(select=[note], where=[((id + 1) > 5)])\n"
     "      +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id, note])\n"},
    {"SELECT note FROM (SELECT note, RAND() AS q FROM o) WHERE q > 5",
     "[3] Sink(table=[*collect*], fields=[note])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [2] Calc(select=[note], where=[(q > 5.0)])\n"
     "      +- [1] Calc(select=[note, RAND() AS q])\n"
     "         +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[note])\n"},
    {"SELECT 1 + 1, 'a' || 'b', 1 / 0, CASE WHEN 1 = 2 THEN 1 / 0 ELSE 3 END",
     "[2] Sink(table=[*collect*], fields=[EXPR$0, EXPR$1, EXPR$2, EXPR$3])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Calc(select=[2 AS EXPR$0, 'ab' AS EXPR$1, (1 / 0) AS EXPR$2, 3 AS "
     "EXPR$3])\n"
     "      +- [0] Values(tuples=[[{ 0 }]])\n"},
    {"SELECT 1 WHERE 1 = 0", "[1] Sink(table=[*collect*], fields=[EXPR$0])\n"
                             "+- Exchange(distribution=[single])\n"
                             "   +- [0] Values(tuples=[[]])\n"},
    {"SELECT k FROM e LIMIT 3 OFFSET 2",
     "[2] Sink(table=[*collect*], fields=[k])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Limit(offset=[2], fetch=[3])\n"
     "      +- Exchange(distribution=[single])\n"
     "         +- [0] TableSourceScan(table=[[default_catalog, default_database, e]], "
     "fields=[k])\n"},
    {"SELECT day, at FROM r WHERE k = 'x'",
     "[4] Sink(table=[*collect*], fields=[day, at])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Calc(select=[day, at], where=[(k = 'x')])\n"
     "      +- [2] WatermarkAssigner(rowtime=[ts], watermark=[(ts - INTERVAL '+0 "
     "00:00:05.000')])\n"
     "         +- [1] Calc(select=[k, ts, CAST(ts AS DATE) AS day, at])\n"
     "            +- [0] TableSourceScan(table=[[default_catalog, default_database, r]], "
     "fields=[k, ts, at])\n"},
};

/* Bounded runs. */
static const PlanCase bounded[] = {
    {"SELECT k, SUM(v) AS s FROM f GROUP BY k ORDER BY s DESC, 1 LIMIT 5",
     "[4] Sink(table=[*collect*], fields=[k, s])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Sort(orderBy=[s DESC NULLS LAST, k ASC NULLS FIRST], fetch=[5])\n"
     "      +- Exchange(distribution=[single])\n"
     "         +- [2] Calc(select=[k, EXPR$0 AS s])\n"
     "            +- [1] GroupAggregate(groupBy=[k], select=[k, SUM(v) AS EXPR$0])\n"
     "               +- Exchange(distribution=[hash[k]])\n"
     "                  +- [0] TableSourceScan(table=[[default_catalog, "
     "default_database, f]], fields=[k, v])\n"},
    {"SELECT k FROM f ORDER BY v + 1 NULLS LAST",
     "[4] Sink(table=[*collect*], fields=[k])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Calc(select=[k])\n"
     "      +- [2] Sort(orderBy=[$sort0 ASC NULLS LAST])\n"
     "         +- Exchange(distribution=[single])\n"
     "            +- [1] Calc(select=[k, (v + 1) AS $sort0])\n"
     "               +- [0] TableSourceScan(table=[[default_catalog, default_database, "
     "f]], fields=[k, v])\n"},
    {"SELECT k FROM f UNION ALL SELECT 'x' ORDER BY 1 OFFSET 2",
     "[4] Sink(table=[*collect*], fields=[k])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Sort(orderBy=[k ASC NULLS FIRST], offset=[2])\n"
     "      +- Exchange(distribution=[single])\n"
     "         +- [2] Union(all=[true], union=[k])\n"
     "            +- [0] TableSourceScan(table=[[default_catalog, default_database, f]], "
     "fields=[k])\n"
     "            +- [1] Values(tuples=[[{ 'x' }]])\n"},
    {"SELECT * FROM e",
     "unsupported: table \"e\" has no end, which a batch run needs\n"
     "hint: SET 'execution.runtime-mode' = 'streaming', or have connector \"source\" "
     "read a bounded part.\n"
     "at: e\n"},
};

/* INSERT and statement sets. */
static const PlanCase statements[] = {
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO u SELECT id, note FROM o; INSERT INTO n "
     "SELECT note, COUNT(*) FROM o GROUP BY note; END",
     "[2] Sink(table=[default_catalog.default_database.u], fields=[id, name])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Calc(select=[id, note AS name])\n"
     "      +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[id, note])\n"
     "\n"
     "[6] Sink(table=[default_catalog.default_database.n], fields=[name, n])\n"
     "+- [5] Calc(select=[note AS name, EXPR$0 AS n])\n"
     "   +- [4] GroupAggregate(groupBy=[note], select=[note, COUNT(*) AS EXPR$0])\n"
     "      +- Exchange(distribution=[hash[note]])\n"
     "         +- [3] Calc(select=[note])\n"
     "            +- Reused(node=[0])\n"},
    {"INSERT INTO p VALUES (1, 'x', 2.5), (3, 'y', NULL)",
     "[1] Sink(table=[default_catalog.default_database.p], fields=[id, name, extra])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [0] Values(tuples=[[{ 1, 'x', 2.5 }, { 3, 'y', NULL:DOUBLE }]])\n"},
    {"INSERT INTO p (name, id) SELECT note, cid FROM o",
     "[2] Sink(table=[default_catalog.default_database.p], fields=[id, name, extra])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [1] Calc(select=[CAST(cid AS BIGINT) AS id, note AS name, NULL:DOUBLE AS "
     "extra])\n"
     "      +- [0] TableSourceScan(table=[[default_catalog, default_database, o]], "
     "fields=[cid, note])\n"},
};

/* EXPLAIN CHANGELOG_MODE. */
static const PlanCase explained[] = {
    {"INSERT INTO u SELECT o.id, c.name FROM o JOIN c ON o.cid = c.id",
     "[5] Sink(table=[default_catalog.default_database.u], fields=[id, name], "
     "changelogMode=[I,UA,D], upsertKeys=[[id]])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [4] SinkMaterializer(primaryKey=[id], inputUpsertKey=[], "
     "changelogMode=[I,UA,D], upsertKeys=[[id]])\n"
     "         keeps every row that is not deleted, by the sink's primary key, for ever "
     "(table.exec.state.ttl is not set); it is there because "
     "changes of one primary key may come out of order\n"
     "      +- Exchange(distribution=[hash[id]])\n"
     "         +- [3] Calc(select=[id, name], changelogMode=[I,UB,UA,D])\n"
     "            +- [2] Join(joinType=[InnerJoin], where=[(cid = id)], select=[id, cid, "
     "id, name], leftInputSpec=[HasUniqueKey], "
     "rightInputSpec=[JoinKeyContainsUniqueKey], changelogMode=[I,UB,UA,D])\n"
     "                  keeps every row of both sides, for ever (table.exec.state.ttl is "
     "not set)\n"
     "               +- Exchange(distribution=[hash[cid]])\n"
     "                  +- [0] TableSourceScan(table=[[default_catalog, "
     "default_database, o]], fields=[id, cid], changelogMode=[I,UB,UA,D], "
     "upsertKeys=[[id]])\n"
     "               +- Exchange(distribution=[hash[id]])\n"
     "                  +- [1] TableSourceScan(table=[[default_catalog, "
     "default_database, c]], fields=[id, name], changelogMode=[I,UB,UA,D], "
     "upsertKeys=[[id]])\n"},
    {"SELECT note, COUNT(*) FROM o GROUP BY note LIMIT 2",
     "[4] Sink(table=[*collect*], fields=[note, EXPR$1], changelogMode=[I,D], "
     "upsertKeys=[[note]])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [3] Limit(offset=[0], fetch=[2], changelogMode=[I,D], upsertKeys=[[note]])\n"
     "         keeps every row of the input, for ever (table.exec.state.ttl is not set)\n"
     "      +- Exchange(distribution=[single])\n"
     "         +- [2] Calc(select=[note, EXPR$0 AS EXPR$1], changelogMode=[I,UB,UA,D], "
     "upsertKeys=[[note]])\n"
     "            +- [1] GroupAggregate(groupBy=[note], select=[note, COUNT(*) AS "
     "EXPR$0], changelogMode=[I,UB,UA,D], upsertKeys=[[note]])\n"
     "                  keeps one row per distinct (note), for ever "
     "(table.exec.state.ttl is not set)\n"
     "               +- Exchange(distribution=[hash[note]])\n"
     "                  +- [0] TableSourceScan(table=[[default_catalog, "
     "default_database, o]], fields=[note], changelogMode=[I,UB,UA,D])\n"},
    {"SELECT ts, k FROM r",
     "[3] Sink(table=[*collect*], fields=[ts, k], changelogMode=[I], rowtime=[ts])\n"
     "+- Exchange(distribution=[single])\n"
     "   +- [2] Calc(select=[ts, k], changelogMode=[I], rowtime=[ts])\n"
     "      +- [1] WatermarkAssigner(rowtime=[ts], watermark=[(ts - INTERVAL '+0 "
     "00:00:05.000')], changelogMode=[I], rowtime=[ts])\n"
     "         +- [0] TableSourceScan(table=[[default_catalog, default_database, r]], "
     "fields=[k, ts], changelogMode=[I])\n"},
};

START_TEST(test_rules)
{
    PlannerConfig config = fake_config();
    expect_cases(rules, array_count(rules), &config, SHOW_PLAN);
}
END_TEST

START_TEST(test_bounded_runs)
{
    PlannerConfig config = fake_config();
    config.bounded_run = true;
    expect_cases(bounded, array_count(bounded), &config, SHOW_PLAN);
}
END_TEST

START_TEST(test_statements)
{
    PlannerConfig config = fake_config();
    expect_cases(statements, array_count(statements), &config, SHOW_PLAN);
}
END_TEST

START_TEST(test_changelog_mode)
{
    PlannerConfig config = fake_config();
    expect_cases(explained, array_count(explained), &config, SHOW_CHANGELOG);
}
END_TEST

/* The uid of the plan's one node of that kind. */
static const char *uid_of(const char *sql, const char *op)
{
    static char uid[64];
    Buffer script = {0}, got = {0};
    buffer_append_text(&script, planner_tables);
    buffer_append_text(&script, sql);
    PlannerConfig config = fake_config();
    run_script(buffer_text(&script), &config, SHOW_UIDS, &got);
    const char *line = strstr(buffer_text(&got), op);
    ck_assert_msg(line != NULL, "no %s in %s", op, buffer_text(&got));
    snprintf(uid, sizeof(uid), "%.*s", (int)strcspn(line, "\n"), line);
    buffer_deinit(&script);
    buffer_deinit(&got);
    return uid;
}

static void expect_uids(const char *op, const char *sql, const char *other, bool same)
{
    char uid[64];
    snprintf(uid, sizeof(uid), "%s", uid_of(sql, op));
    ck_assert_msg((strcmp(uid, uid_of(other, op)) == 0) == same, "%s: %s / %s", op, sql, other);
}

START_TEST(test_identity_follows_what_is_computed)
{
    const char *sql = "SELECT note, COUNT(*) FROM o GROUP BY note";
    /* The same state: other names, other columns around it, other queries beside it. */
    expect_uids("aggregate", sql,
                "SELECT COUNT(*) + 1, UPPER(x.note) AS q FROM o AS x GROUP BY x.note", true);
    expect_uids("aggregate", sql,
                "EXECUTE STATEMENT SET BEGIN INSERT INTO p SELECT id, note, amount FROM o; "
                "INSERT INTO n SELECT note, COUNT(*) FROM o GROUP BY note; END",
                true);
    expect_uids("join", "SELECT o.id, c.name FROM o JOIN c ON o.cid = c.id",
                "SELECT c.name, 1, o.id FROM c JOIN o ON c.id = o.cid", false);
    expect_uids("join", "SELECT o.id, c.name FROM o JOIN c ON o.cid = c.id",
                "SELECT c.name, 1, o.id FROM o JOIN c ON c.id = o.cid", true);
    /* Other state. */
    expect_uids("aggregate", sql, "SELECT note, COUNT(*) FROM o WHERE id > 1 GROUP BY note", false);
    expect_uids("aggregate", sql, "SELECT note, COUNT(*), SUM(id) FROM o GROUP BY note", false);
    expect_uids("aggregate", sql, "SELECT cid, COUNT(*) FROM o GROUP BY cid", false);
    expect_uids("join", "SELECT o.id, c.name FROM o JOIN c ON o.cid = c.id",
                "SELECT o.id, c.name, c.city FROM o JOIN c ON o.cid = c.id", false);
    expect_uids("sink", "INSERT INTO p SELECT id, note, 1 FROM o",
                "INSERT INTO p SELECT cid, note, 2 FROM o", true);
}
END_TEST

START_TEST(test_secrets_stay_inside)
{
    static const char *const script =
        "CREATE TABLE s (a INT) WITH ('connector' = 'source', 'password' = 'geheim');"
        "SELECT a FROM s WHERE a > 1";
    PlannerConfig config = fake_config();
    for (int shown = SHOW_PLAN; shown <= SHOW_UIDS; shown++) {
        Buffer got = {0};
        run_script(script, &config, (Shown)shown, &got);
        ck_assert(got.length > 0);
        ck_assert_msg(strstr(buffer_text(&got), "geheim") == NULL, "%s", buffer_text(&got));
        buffer_deinit(&got);
    }
}
END_TEST

START_TEST(test_json_names_every_node)
{
    Buffer script = {0}, got = {0};
    buffer_append_text(&script, planner_tables);
    buffer_append_text(&script, "SELECT note, COUNT(*) FROM o GROUP BY note");
    PlannerConfig config = fake_config();
    run_script(buffer_text(&script), &config, SHOW_JSON, &got);
    static const char *const parts[] = {"\"op\": \"scan\"", "\"op\": \"aggregate\"",
                                        "\"distribution\": \"hash\"", "\"name\": \"note\"",
                                        "\"changelogMode\": \"[I,UB,UA,D]\""};
    for (size_t i = 0; i < array_count(parts); i++)
        ck_assert_msg(strstr(buffer_text(&got), parts[i]) != NULL, "%s not in %s", parts[i],
                      buffer_text(&got));
    buffer_deinit(&script);
    buffer_deinit(&got);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("plan");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_rules);
    tcase_add_test(cases, test_bounded_runs);
    tcase_add_test(cases, test_statements);
    tcase_add_test(cases, test_changelog_mode);
    tcase_add_test(cases, test_identity_follows_what_is_computed);
    tcase_add_test(cases, test_secrets_stay_inside);
    tcase_add_test(cases, test_json_names_every_node);
    return test_run("plan", cases);
}
