/* Cutting plans into fragments: where rows move, and what shares a thread. */
#include "tests/job_fixture.h"

#include "executor/runtime/fragments.h"
#include "tests/suite.h"

static EdgeKind edge_kind(const FragmentGraph *graph, uint32_t from, uint32_t to, uint32_t input)
{
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const FragmentEdge *edge = &graph->edges[i];
        if (edge->from == from && edge->to == to && edge->input == input)
            return edge->kind;
    }
    ck_abort_msg("no edge %u -> %u", from, to);
    return EDGE_CHAIN;
}

static uint32_t copies(const FragmentGraph *graph, uint32_t node)
{
    return graph->fragments[graph->fragment_of[node]].parallelism;
}

START_TEST(test_single_worker_is_one_fragment)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *normalize = fixture_normalize(plan, scan);
    fixture_sink(plan, normalize, &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 1);
    ck_assert_uint_eq(graph->fragment_count, 1);
    ck_assert_uint_eq(graph->fragments[0].node_count, 3);
    ck_assert(graph->fragments[0].has_source);
    ck_assert_int_eq(edge_kind(graph, 0, 1, 0), EDGE_CHAIN);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_hash_moves_rows)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *normalize = fixture_normalize(plan, scan);
    fixture_sink(plan, normalize, &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 4);
    ck_assert_uint_eq(graph->fragment_count, 2);
    ck_assert_int_eq(edge_kind(graph, 0, 1, 0), EDGE_HASH);
    ck_assert_int_eq(edge_kind(graph, 1, 2, 0), EDGE_CHAIN);
    ck_assert_uint_eq(copies(graph, 0), 4);
    ck_assert_uint_eq(copies(graph, 2), 4);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_blocking_source_has_its_own_thread)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", &blocking_counter, CHANGES_INSERT_ONLY);
    PlanNode *pass = fixture_union(plan, scan, NULL);
    fixture_sink(plan, pass, &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 4);
    ck_assert_uint_eq(graph->fragment_count, 2);
    ck_assert_int_eq(edge_kind(graph, 0, 1, 0), EDGE_FORWARD);
    ck_assert_uint_eq(copies(graph, 0), 1);
    ck_assert_uint_eq(copies(graph, 1), 1);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_two_sources_meet_in_a_third_fragment)
{
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *b = fixture_scan(plan, "b", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_union(plan, a, b), &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 1);
    ck_assert_uint_eq(graph->fragment_count, 3);
    ck_assert_int_eq(edge_kind(graph, 0, 2, 0), EDGE_FORWARD);
    ck_assert_int_eq(edge_kind(graph, 1, 2, 1), EDGE_FORWARD);
    ck_assert_int_eq(edge_kind(graph, 2, 3, 0), EDGE_CHAIN);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_fed_tables_share_a_thread)
{
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", NULL, CHANGES_INSERT_ONLY);
    PlanNode *b = fixture_scan(plan, "b", NULL, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_union(plan, a, b), &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 1);
    ck_assert_uint_eq(graph->fragment_count, 1);
    ck_assert(!graph->fragments[0].has_source);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_shared_scans_are_one_source)
{
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", &blocking_counter, CHANGES_INSERT_ONLY);
    PlanNode *b = fixture_scan(plan, "b", &blocking_counter, CHANGES_INSERT_ONLY);
    ((PlanScan *)a->spec)->share_key = "server";
    ((PlanScan *)b->spec)->share_key = "server";
    fixture_sink(plan, fixture_union(plan, a, b), &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 2);
    ck_assert_uint_eq(graph->fragment_count, 2);
    ck_assert_uint_eq(graph->fragment_of[0], graph->fragment_of[1]);
    ck_assert_uint_eq(graph->fragments[0].node_count, 2);
    arena_free(plan->arena);
}
END_TEST

START_TEST(test_single_gathers)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *normalize = fixture_normalize(plan, scan);
    fixture_sink(plan, normalize, &ledger);
    plan->nodes[2]->inputs[0].distribution = DISTRIBUTE_SINGLE;
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 4);
    ck_assert_int_eq(edge_kind(graph, 1, 2, 0), EDGE_FORWARD);
    ck_assert_uint_eq(copies(graph, 2), 1);
    arena_free(plan->arena);
}
END_TEST

/* A fragment must not wait for one that waits for it. Here the union could be called directly by
 * the first normalize, but its other input comes from there over a channel. */
START_TEST(test_no_cycle_of_channels)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *first = fixture_normalize(plan, scan);
    PlanNode *second = fixture_normalize(plan, first);
    PlanNode *both = fixture_union(plan, first, second);
    fixture_sink(plan, both, &ledger);
    const FragmentGraph *graph = fragments_build(plan->arena, plan, 2);
    ck_assert_uint_ne(graph->fragment_of[first->id], graph->fragment_of[both->id]);
    ck_assert_int_eq(edge_kind(graph, first->id, both->id, 0), EDGE_FORWARD);
    arena_free(plan->arena);
}
END_TEST

/* Any graph: fragments have no cycles, sources no channels, and every node one fragment. */
static void check_graph(const Plan *plan, const FragmentGraph *graph)
{
    bool reach[32][32] = {{false}};
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < graph->fragment_count; i++)
        nodes += graph->fragments[i].node_count;
    ck_assert_uint_eq(nodes, plan->node_count);
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const FragmentEdge *edge = &graph->edges[i];
        uint32_t from = graph->fragment_of[edge->from];
        uint32_t to = graph->fragment_of[edge->to];
        ck_assert_int_eq(edge->kind == EDGE_CHAIN, from == to);
        if (from == to)
            continue;
        ck_assert(!graph->fragments[to].has_source);
        reach[from][to] = true;
    }
    for (uint32_t k = 0; k < graph->fragment_count; k++)
        for (uint32_t i = 0; i < graph->fragment_count; i++)
            for (uint32_t j = 0; j < graph->fragment_count; j++)
                reach[i][j] = reach[i][j] || (reach[i][k] && reach[k][j]);
    for (uint32_t i = 0; i < graph->fragment_count; i++)
        ck_assert_msg(!reach[i][i], "fragment %u waits for itself", i);
}

START_TEST(test_random_graphs)
{
    unsigned seed = (unsigned)clock_monotonic_us();
    for (uint32_t round = 0; round < 500; round++, seed++) {
        srandom(seed);
        Plan *plan = fixture_plan(128);
        for (uint32_t i = 0; i < 12; i++) {
            uint32_t pick = (uint32_t)random() % 4;
            if (i < 2 || pick == 0) {
                const Connector *of = random() % 2 == 0 ? &counter : &blocking_counter;
                PlanNode *scan =
                    fixture_scan(plan, "a", random() % 4 == 0 ? NULL : of, CHANGES_INSERT_ONLY);
                if (random() % 2 == 0)
                    ((PlanScan *)scan->spec)->share_key = "one";
                continue;
            }
            PlanNode *a = plan->nodes[random() % i];
            PlanNode *b = plan->nodes[random() % i];
            if (pick == 1)
                fixture_normalize(plan, a);
            else
                fixture_union(plan, a, pick == 2 ? b : NULL);
        }
        const FragmentGraph *graph = fragments_build(plan->arena, plan, 1 + (uint32_t)random() % 3);
        check_graph(plan, graph);
        arena_free(plan->arena);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("fragments");
    tcase_add_test(cases, test_single_worker_is_one_fragment);
    tcase_add_test(cases, test_hash_moves_rows);
    tcase_add_test(cases, test_blocking_source_has_its_own_thread);
    tcase_add_test(cases, test_two_sources_meet_in_a_third_fragment);
    tcase_add_test(cases, test_fed_tables_share_a_thread);
    tcase_add_test(cases, test_shared_scans_are_one_source);
    tcase_add_test(cases, test_single_gathers);
    tcase_add_test(cases, test_no_cycle_of_channels);
    tcase_add_test(cases, test_random_graphs);
    return test_run("fragments", cases);
}
