/* What the kinds of node have in common. */
#include "planner/nodes/lower.h"

#include <string.h>

bool lower_equal_always(const LogicalNode *a, const LogicalNode *b)
{
    return true;
}

bool lower_equal_never(const LogicalNode *a, const LogicalNode *b)
{
    return false;
}

bool lower_needs_before(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    return true;
}

bool lower_needs_no_before(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    return false;
}

bool lower_passes_need(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    return node->traits.wants_before;
}

bool lower_lost_time(const LogicalNode *node, uint32_t input, uint32_t column, Error *error)
{
    /* A column that a window keeps for itself has its name below. */
    const LogicalNode *from = node->inputs[input];
    const char *name = from->schema->columns[column].name;
    if (name[0] == '$' && logical_is(from, "calc") &&
        from->calc.projections[column]->kind == EXPR_COLUMN)
        name = from->inputs[0]->schema->columns[from->calc.projections[column]->column].name;
    error_set(error, ERROR_TYPE, "column \"%s\" is no time attribute any more", name);
    /* What lost it is the nearest join or Top-N. */
    while (from->input_count == 1 && !logical_is(from, "rank"))
        from = from->inputs[0];
    bool is_rank = logical_is(from, "rank");
    error_detail(error, "It comes out of a %s, whose rows do not follow time.",
                 is_rank ? "Top-N" : "regular join");
    error_hint(error, "%s, or put this below it.",
               is_rank ? "Make it a Top-N of each window (PARTITION BY window_start, window_end)"
                       : "Bound that join by time on both sides (l.ts BETWEEN r.ts - INTERVAL … "
                         "AND r.ts)");
    return error_at(error, node->place.offset, node->place.length);
}

bool lower_inputs_bounded(const LogicalNode *node)
{
    bool bounded = true;
    for (uint32_t i = 0; i < node->input_count; i++)
        bounded = bounded && node->inputs[i]->traits.bounded;
    return bounded;
}

TimeKind lower_time_of_input(const LogicalNode *node, uint32_t column)
{
    return logical_time(node->inputs[0], column);
}

void lower_derive_from_input(const PlannerContext *context, LogicalNode *node)
{
    const LogicalNode *input = node->inputs[0];
    node->changes = input->changes;
    node->loose_pairs = input->loose_pairs;
    node->parts_updates = input->parts_updates;
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = input->traits.rowtime;
    traits_copy_keys(context->arena, &node->traits, &input->traits);
}

int64_t lower_column_stays(const LogicalNode *node, uint32_t input, uint32_t column)
{
    return column;
}

void lower_identify_rows(const LogicalNode *node, Buffer *text)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        const LogicalNode *input = node->inputs[i];
        buffer_append_text(text, "|rows");
        for (uint32_t c = 0; c < input->schema->column_count; c++)
            identity_append(text, input->column_identities[c]);
    }
}

void lower_identify_as_input(LogicalNode *node)
{
    node->column_identities = node->inputs[0]->column_identities;
    node->row_identity = node->inputs[0]->row_identity;
}

void lower_hash(PlanInput *input, const uint32_t *columns, uint32_t count)
{
    input->distribution = DISTRIBUTE_HASH;
    input->keys = (ColumnSet){count, columns};
}

void lower_single(LogicalNode *node)
{
    node->plan->parallelism = 1;
    for (uint32_t i = 0; i < node->plan->input_count; i++)
        node->plan->inputs[i].distribution = DISTRIBUTE_SINGLE;
}

int64_t lower_ttl_of_hint(const PlannerContext *context, int64_t hint_ms)
{
    /* A bounded run shows what its whole input adds up to. */
    if (context->config->bounded_run)
        return 0;
    if (hint_ms != 0)
        return hint_ms == STATE_TTL_NEVER ? 0 : hint_ms;
    return context->config->state_ttl_ms;
}

int64_t lower_state_ttl(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    return lower_ttl_of_hint(context, node->hint_ttl_ms[input]);
}

const char *lower_ttl_of(const PlannerContext *context, int64_t ttl_ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    if (ttl_ms <= 0)
        return context->config->state_ttl_ms == 0 ? "for ever (table.exec.state.ttl is not set)"
                                                  : "for ever";
    uint32_t unit = 0;
    while (ttl_ms % units[unit].ms != 0)
        unit++;
    return arena_printf(context->arena, "until not written for %lld %s",
                        (long long)(ttl_ms / units[unit].ms), units[unit].unit);
}

const char *lower_ttl_text(const PlannerContext *context)
{
    return lower_ttl_of(context, context->config->bounded_run ? 0 : context->config->state_ttl_ms);
}
