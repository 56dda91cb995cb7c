/* Stream properties: kinds and keys of every node of a plan, a line each, sources first. */
#include "planner_cases.h"
#include "tests/suite.h"

/* As Flink infers them, with materializers where -U and +U may part. */
static const PlanCase traits[] = {
    {"SELECT id, v FROM up", "scan I UA D upsert(id) unique(id)\n"
                             "normalize I UB UA D upsert(id) unique(id)\n"
                             "sink I UB UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT id, CAST(v AS STRING) FROM up",
     "scan I UA D upsert(id) unique(id)\n"
     "normalize I UA D upsert(id) unique(id)\n"
     "calc I UA D upsert(id) unique(id)\n"
     "sink I UA D upsert(id) unique(id)\n"},
    /* Parted by the join, a row may come anew before it goes: with ALL it is there twice. */
    {"SELECT o.id FROM o JOIN c ON o.cid = c.id EXCEPT ALL SELECT id FROM o",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D unique(id)\n"
     "calc I UB UA D unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "set_operation I D unique(id)\n"
     "sink I D unique(id)\n"},
    {"SELECT o.id FROM o JOIN c ON o.cid = c.id EXCEPT SELECT id FROM o",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D unique(id)\n"
     "calc I UB UA D unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "set_operation I D upsert(id) unique(id)\n"
     "sink I D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT id, note FROM o", "scan I UB UA D upsert(id) unique(id)\n"
                                             "drop_update_before I UA D upsert(id) unique(id)\n"
                                             "calc I UA D upsert(id) unique(id)\n"
                                             "sink I UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT id, note FROM o WHERE id > 5",
     "scan I UB UA D upsert(id) unique(id)\n"
     "drop_update_before I UA D upsert(id) unique(id)\n"
     "calc I UA D upsert(id) unique(id)\n"
     "sink I UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT id, note FROM o WHERE cid > 5",
     "scan I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "sink I UB UA D upsert(id) unique(id)\n"},
    {"INSERT INTO n SELECT note, COUNT(*) FROM o GROUP BY note",
     "scan I UB UA D\n"
     "aggregate I UA D upsert(note) unique(note)\n"
     "calc I UA D upsert(name) unique(name)\n"
     "sink I UA D upsert(name) unique(name)\n"},
    {"INSERT INTO n SELECT k, SUM(v) FROM e GROUP BY k", "scan I\n"
                                                         "aggregate I UA upsert(k) unique(k)\n"
                                                         "calc I UA upsert(name) unique(name)\n"
                                                         "sink I UA upsert(name) unique(name)\n"},
    /* Keys stay; in order while the partition is part of them. Numbers move from row to row. */
    {"SELECT id, cid, ROW_NUMBER() OVER (PARTITION BY cid ORDER BY amount) AS n FROM o",
     "scan I UB UA D upsert(id) unique(id)\n"
     "over I UB UA D unique(id) unique(cid $o0)\n"
     "calc I UB UA D unique(id) unique(cid n)\n"
     "sink I UB UA D unique(id) unique(cid n)\n"},
    {"SELECT id, SUM(cid) OVER (PARTITION BY id ORDER BY ts) FROM o",
     "scan I UB UA D upsert(id) unique(id)\n"
     "over I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "sink I UB UA D upsert(id) unique(id)\n"},
    {"SELECT k, SUM(v) OVER (PARTITION BY k) FROM e", "scan I\n"
                                                      "over I UB UA\n"
                                                      "calc I UB UA\n"
                                                      "sink I UB UA\n"},
    {"SELECT k, SUM(v) OVER (PARTITION BY k ROWS 2 PRECEDING) FROM e", "scan I\n"
                                                                       "over I\n"
                                                                       "calc I\n"
                                                                       "sink I\n"},
    {"INSERT INTO u SELECT o.id, c.name FROM o JOIN c ON o.cid = c.id",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D unique(id)\n"
     "calc I UB UA D unique(id)\n"
     "materialize I UA D upsert(id) unique(id)\n"
     "sink I UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT c.id, e.k FROM c JOIN (SELECT v, MAX(k) AS k FROM e GROUP BY "
     "v) e ON c.id = e.v",
     "scan I UB UA D upsert(id) unique(id)\n"
     "drop_update_before I UA D upsert(id) unique(id)\n"
     "scan I\n"
     "calc I\n"
     "aggregate I UA upsert(v) unique(v)\n"
     "calc I UA upsert(v) unique(v)\n"
     "join I UA D upsert(id) upsert(v) unique(id) unique(v)\n"
     "calc I UA D upsert(id) unique(id)\n"
     "sink I UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT o.id, CAST(up.v AS STRING) FROM o LEFT JOIN up ON o.id = up.id",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UA D upsert(id) unique(id)\n"
     "normalize I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "sink I UB UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT cid, note FROM o ON CONFLICT DO DEDUPLICATE",
     "scan I UB UA D\n"
     "calc I UB UA D\n"
     "materialize I UA D upsert(id) unique(id)\n"
     "sink I UA D upsert(id) unique(id)\n"},
    {"INSERT INTO u SELECT cid, MAX(note) FROM o GROUP BY cid, note",
     "unsupported: several rows of the query may have one primary key of table \"u\"\n"
     "detail: The primary key is (id); the query's rows have no known key.\n"
     "hint: Add ON CONFLICT DO DEDUPLICATE to keep the latest row of each primary key, DO NOTHING "
     "to "
     "keep the first, DO ERROR to end the job, "
     "declare another primary key, or SET 'table.exec.sink.require-on-conflict' = "
     "'false'.\n"
     "at: u\n"},
    {"SELECT ts, k FROM r", "scan I\n"
                            "watermark I rowtime(ts)\n"
                            "calc I rowtime(ts)\n"
                            "sink I rowtime(ts)\n"},
    {"SELECT k, COUNT(*) FROM r GROUP BY k", "scan I\n"
                                             "watermark I rowtime(ts)\n"
                                             "calc I\n"
                                             "aggregate I UB UA upsert(k) unique(k)\n"
                                             "calc I UB UA upsert(k) unique(k)\n"
                                             "sink I UB UA upsert(k) unique(k)\n"},
    {"SELECT id FROM o LIMIT 2", "scan I UB UA D upsert(id) unique(id)\n"
                                 "limit I D upsert(id) unique(id)\n"
                                 "sink I D upsert(id) unique(id)\n"},
    {"SELECT COUNT(*) FROM o", "scan I UB UA D upsert(id) unique(id)\n"
                               "aggregate I UB UA D upsert() unique()\n"
                               "sink I UB UA D upsert() unique()\n"},
    {"SELECT DISTINCT k FROM e", "scan I\n"
                                 "aggregate I upsert(k) unique(k)\n"
                                 "sink I upsert(k) unique(k)\n"},
    {"SELECT DISTINCT cid FROM o", "scan I UB UA D\n"
                                   "aggregate I UB UA D upsert(cid) unique(cid)\n"
                                   "sink I UB UA D upsert(cid) unique(cid)\n"},
    {"SELECT cid, id, MAX(note) FROM o GROUP BY cid, id",
     "scan I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "aggregate I UB UA D upsert(cid id) unique(id)\n"
     "calc I UB UA D upsert(cid id) unique(id)\n"
     "sink I UB UA D upsert(cid id) unique(id)\n"},
    {"SELECT o.id, up.v FROM o JOIN up ON o.id = up.id AND up.v > o.cid",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UA D upsert(id) unique(id)\n"
     "normalize I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D upsert(id) upsert(id) unique(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "sink I UB UA D upsert(id) unique(id)\n"},
    {"SELECT o.id, e.k FROM o JOIN e ON o.cid = e.v", "scan I UB UA D upsert(id) unique(id)\n"
                                                      "scan I\n"
                                                      "join I UB UA D\n"
                                                      "calc I UB UA D\n"
                                                      "sink I UB UA D\n"},
    {"SELECT o.id, c.id FROM o FULL JOIN c ON o.cid = c.id",
     "scan I UB UA D upsert(id) unique(id)\n"
     "scan I UB UA D upsert(id) unique(id)\n"
     "join I UB UA D unique(id id)\n"
     "calc I UB UA D unique(id id0)\n"
     "sink I UB UA D unique(id id0)\n"},
    {"SELECT k FROM e UNION ALL SELECT note FROM o", "scan I\n"
                                                     "scan I UB UA D\n"
                                                     "union I UB UA D\n"
                                                     "sink I UB UA D\n"},
    {"SELECT ts FROM r UNION ALL SELECT ts FROM r WHERE k = 'x'", "scan I\n"
                                                                  "watermark I rowtime(ts)\n"
                                                                  "calc I rowtime(ts)\n"
                                                                  "calc I rowtime(ts)\n"
                                                                  "union I rowtime(ts)\n"
                                                                  "sink I rowtime(ts)\n"},
    {"INSERT INTO p SELECT id, note, 1 FROM o", "scan I UB UA D upsert(id) unique(id)\n"
                                                "calc I UB UA D upsert(id) unique(id)\n"
                                                "sink I UB UA D upsert(id) unique(id)\n"},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO u SELECT id, note FROM o; INSERT INTO n "
     "SELECT note, COUNT(*) FROM o GROUP BY note; END",
     "scan I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D upsert(id) unique(id)\n"
     "sink I UB UA D upsert(id) unique(id)\n"
     "calc I UB UA D\n"
     "aggregate I UA D upsert(note) unique(note)\n"
     "calc I UA D upsert(name) unique(name)\n"
     "sink I UA D upsert(name) unique(name)\n"},
};

/* With mini-batch. */
static const PlanCase folded[] = {
    {"SELECT k, COUNT(*) FROM e GROUP BY k", "scan I\n"
                                             "aggregate I UB UA upsert(k) unique(k) folds\n"
                                             "calc I UB UA upsert(k) unique(k)\n"
                                             "sink I UB UA upsert(k) unique(k)\n"},
    {"SELECT id FROM up", "scan I UA D upsert(id) unique(id)\n"
                          "normalize I UB UA D upsert(id) unique(id) folds\n"
                          "mini_batch I UB UA D upsert(id) unique(id) folds\n"
                          "sink I UB UA D upsert(id) unique(id)\n"},
};

/* With table.exec.sink.require-on-conflict off. */
static const PlanCase allowed[] = {
    {"INSERT INTO u SELECT cid, note FROM o", "scan I UB UA D\n"
                                              "calc I UB UA D\n"
                                              "materialize I UA D upsert(id) unique(id)\n"
                                              "sink I UA D upsert(id) unique(id)\n"},
};

START_TEST(test_kinds_and_keys)
{
    PlannerConfig config = fake_config();
    expect_cases(traits, array_count(traits), &config, SHOW_TRAITS);
}
END_TEST

START_TEST(test_folding)
{
    PlannerConfig config = fake_config();
    config.mini_batch = true;
    config.mini_batch_latency_ms = 1000;
    config.mini_batch_size = 5000;
    expect_cases(folded, array_count(folded), &config, SHOW_TRAITS);
}
END_TEST

START_TEST(test_conflicts_allowed)
{
    PlannerConfig config = fake_config();
    config.require_on_conflict = false;
    expect_cases(allowed, array_count(allowed), &config, SHOW_TRAITS);
}
END_TEST

START_TEST(test_materializer_modes)
{
    PlannerConfig config = fake_config();
    static const struct {
        const char *mode;
        bool there;
    } modes[] = {{"AUTO", false}, {"FORCE", true}, {"NONE", false}};
    for (size_t i = 0; i < array_count(modes); i++) {
        Buffer script = {0}, got = {0};
        buffer_append_text(&script, planner_tables);
        buffer_append_text(&script, "INSERT INTO u SELECT id, note FROM o");
        config.upsert_materialize = modes[i].mode;
        run_script(buffer_text(&script), &config, SHOW_TRAITS, &got);
        ck_assert_msg((strstr(buffer_text(&got), "materialize") != NULL) == modes[i].there, "%s",
                      buffer_text(&got));
        buffer_deinit(&script);
        buffer_deinit(&got);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("traits");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_kinds_and_keys);
    tcase_add_test(cases, test_folding);
    tcase_add_test(cases, test_conflicts_allowed);
    tcase_add_test(cases, test_materializer_modes);
    return test_run("traits", cases);
}
