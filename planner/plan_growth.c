/* What of a plan grows for as long as rows come, and what would bound it: said once, when the job
 * starts.
 *
 * Only what surely grows with the length of the stream is told: rows that never change or go, kept
 * for ever by a join or for window functions, and the values a DISTINCT or collecting aggregate has
 * seen. Groups and rows by key grow with the keys, which is what the user asked for; changing
 * inputs shrink as well. */
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

static const char values_seen[] = "every value that DISTINCT has seen";
static const char rows_left[] = "a column of every row";

typedef struct Growth {
    void (*say)(void *to, const char *text);
    void *to;
} Growth;

/* "Join(joinType=[InnerJoin], where=[(a = b)])": the label without what it shows. */
static void name_operator(const PlanNode *node, Buffer *out)
{
    const char *rest = strstr(node->label, ", select=[");
    if (rest == NULL)
        buffer_append_text(out, node->label);
    else
        buffer_printf(out, "%.*s)", (int)(rest - node->label), node->label);
}

static void keeps_rows(const Growth *growth, const PlanNode *node, uint32_t input,
                       const char *bounds)
{
    Buffer tables = {0}, text = {0};
    list_tables(node->inputs[input].node, &tables);
    name_operator(node, &text);
    buffer_printf(&text,
                  " keeps every row from %s for ever, as they never change: %s would bound that",
                  buffer_text(&tables), bounds);
    growth->say(growth->to, buffer_text(&text));
    buffer_deinit(&tables);
    buffer_deinit(&text);
}

static void join_growth(const Growth *growth, const PlanNode *node, const PlanJoinSide *sides)
{
    for (uint32_t s = 0; s < node->input_count; s++)
        if (sides[s].state_ttl_ms <= 0 && only_grows(node->inputs[s].node))
            keeps_rows(growth, node, s,
                       "'table.exec.state.ttl', a STATE_TTL hint, or a condition on the time of "
                       "both sides");
}

static void over_growth(const Growth *growth, const PlanNode *node)
{
    const PlanOver *over = node->spec;
    if (over->state_ttl_ms <= 0 && only_grows(node->inputs[0].node))
        keeps_rows(growth, node, 0, "'table.exec.state.ttl' or a STATE_TTL hint");
}

static void say_values(const Growth *growth, const PlanNode *node, const char *what)
{
    Buffer text = {0};
    name_operator(node, &text);
    buffer_printf(&text,
                  " keeps %s for ever: 'table.exec.state.ttl', a STATE_TTL hint or a window would "
                  "bound that",
                  what);
    growth->say(growth->to, buffer_text(&text));
    buffer_deinit(&text);
}

/* Rows leave when their time has come; the values that DISTINCT met stay, and rows that LAG may
 * have to go back to. */
static void time_over_growth(const Growth *growth, const PlanNode *node)
{
    const PlanOver *over = &((const PlanTimeOver *)node->spec)->over;
    const char *what = NULL;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const PlanOverCall *call = &over->calls[i];
        bool unbounded = call->frame.start.kind == PLAN_BOUND_UNBOUNDED_PRECEDING;
        if ((call->kind == WINDOW_LAG && call->ignore_nulls) ||
            (call->kind == WINDOW_NTH_VALUE && unbounded))
            what = rows_left;
        else if (call->distinct && call->fold == PLAN_FOLD_FORWARD && what == NULL)
            what = values_seen;
    }
    if (what != NULL && over->state_ttl_ms <= 0 && only_grows(node->inputs[0].node))
        say_values(growth, node, what);
}

static void aggregate_growth(const Growth *growth, const PlanNode *node)
{
    const PlanAggregate *aggregate = node->spec;
    const char *what = NULL;
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (aggregate->calls[i].call.keeps != AGGREGATE_KEEPS_NONE)
            what = "every value that came";
        else if (aggregate->calls[i].distinct && what == NULL)
            what = values_seen;
    }
    if (what == NULL || aggregate->state_ttl_ms > 0 || !only_grows(node->inputs[0].node))
        return;
    say_values(growth, node, what);
}

void plan_say_growth(const Plan *plan, void (*say)(void *to, const char *text), void *to)
{
    Growth growth = {say, to};
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        if (strcmp(node->op, "join") == 0)
            join_growth(&growth, node, ((const PlanJoin *)node->spec)->sides);
        else if (strcmp(node->op, "multi_join") == 0)
            join_growth(&growth, node, ((const PlanMultiJoin *)node->spec)->sides);
        else if (strcmp(node->op, "over") == 0)
            over_growth(&growth, node);
        else if (strcmp(node->op, "time_over") == 0)
            time_over_growth(&growth, node);
        else if (strcmp(node->op, "aggregate") == 0)
            aggregate_growth(&growth, node);
    }
}
