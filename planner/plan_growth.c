/* What of a plan grows for as long as rows come, and what would bound it: said once, when the job
 * starts.
 *
 * Only what surely grows with the length of the stream is told: rows that never change or go, kept
 * for ever by a join, and the values a DISTINCT aggregate has seen. Groups and rows by key grow
 * with the keys, which is what the user asked for; changing inputs shrink as well. */
#include <string.h>

#include "planner/logical.h"
#include "planner/planner.h"

static bool only_grows(const PlanNode *input)
{
    return input->traits.kinds == CHANGES_INSERT_ONLY && !input->traits.bounded;
}

/* The tables that an input comes from: "a, b". */
static void list_tables(const PlanNode *node, Buffer *out)
{
    if (strcmp(node->op, "scan") == 0) {
        const char *name = ((const PlanScan *)node->spec)->scan.table->name;
        buffer_printf(out, "%s\"%s\"", out->length == 0 ? "" : ", ", name);
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        list_tables(node->inputs[i].node, out);
}

static void join_growth(const PlanNode *node, void (*say)(void *to, const char *text), void *to)
{
    const PlanJoin *join = node->spec;
    for (uint32_t s = 0; s < 2; s++) {
        if (join->sides[s].state_ttl_ms > 0 || !only_grows(node->inputs[s].node))
            continue;
        Buffer tables = {0}, text = {0};
        list_tables(node->inputs[s].node, &tables);
        buffer_printf(
            &text,
            "the join keeps every row from %s for ever, as they never change: "
            "'table.exec.state.ttl', a STATE_TTL hint, or a condition on the time of both "
            "sides would bound that",
            buffer_text(&tables));
        say(to, buffer_text(&text));
        buffer_deinit(&tables);
        buffer_deinit(&text);
    }
}

static void aggregate_growth(const PlanNode *node, void (*say)(void *to, const char *text),
                             void *to)
{
    const PlanAggregate *aggregate = node->spec;
    bool distinct = false;
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        distinct = distinct || aggregate->calls[i].distinct;
    if (!distinct || aggregate->state_ttl_ms > 0 || !only_grows(node->inputs[0].node))
        return;
    Buffer text = {0};
    buffer_printf(&text,
                  "%.*s keeps every value that DISTINCT has seen for ever: 'table.exec.state.ttl', "
                  "a STATE_TTL hint or a window would bound that",
                  (int)strcspn(node->label, "("), node->label);
    say(to, buffer_text(&text));
    buffer_deinit(&text);
}

void plan_say_growth(const Plan *plan, void (*say)(void *to, const char *text), void *to)
{
    for (uint32_t i = 0; i < plan->node_count; i++) {
        if (strcmp(plan->nodes[i]->op, "join") == 0)
            join_growth(plan->nodes[i], say, to);
        else if (strcmp(plan->nodes[i]->op, "aggregate") == 0)
            aggregate_growth(plan->nodes[i], say, to);
    }
}
