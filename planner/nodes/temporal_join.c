/* temporal_join: FOR SYSTEM_TIME AS OF an event time. Its rows are the left side's, each with one
 * version of the right side's row at most; so the left side's keys stay unique, and it emits the
 * left side's kinds.
 *
 * Versions are told apart by a unique key of the right side, which the equalities must hold; the
 * others become conditions on the version. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_temporal_join;

static bool temporal_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalInterval *x = a->join.interval, *y = b->join.interval;
    return x->times[0] == y->times[0] && x->times[1] == y->times[1] &&
           node_find("join")->equal(a, b);
}

static TimeKind temporal_time(const LogicalNode *node, uint32_t column)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    return column < left ? logical_time(node->inputs[0], column) : TIME_NONE;
}

/* The first unique key of the right side that the equalities hold; NULL: none. */
static const ColumnSet *find_key(const PlannerContext *context, const LogicalNode *node)
{
    const StreamTraits *right = &node->inputs[1]->traits;
    ColumnSet keys = column_set_new(context->arena, node->join.keys[1], node->join.key_count);
    for (uint32_t i = 0; i < right->unique_key_count; i++)
        if (right->unique_keys[i].count != 0 && column_set_contains(keys, right->unique_keys[i]))
            return &right->unique_keys[i];
    return NULL;
}

static bool is_in(const ColumnSet *set, uint32_t column)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->columns[i] == column)
            return true;
    return false;
}

static const Expr *equality(const PlannerContext *context, const LogicalNode *node, uint32_t key,
                            Error *error)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    for (uint32_t s = 0; s < 2; s++) {
        uint32_t column = node->join.keys[s][key];
        args[s] = expr_column(context->arena, s == 0 ? column : left + column,
                              node->inputs[s]->schema->columns[column].type, node->place);
    }
    return expr_call(&context->site, node->join.null_matches[key] ? "IS NOT DISTINCT FROM" : "=",
                     args, 2, node->place, error);
}

/* Leaves the columns of the unique key as keys; the other equalities go into the condition. */
static bool narrow_keys(const PlannerContext *context, LogicalNode *node, const ColumnSet *key,
                        Error *error)
{
    LogicalJoin *join = &node->join;
    const Expr **parts = arena_new_array(context->arena, const Expr *, join->key_count + 1);
    uint32_t part_count = 0, kept = 0;
    if (join->condition != NULL)
        parts[part_count++] = join->condition;
    for (uint32_t k = 0; k < join->key_count; k++) {
        if (is_in(key, join->keys[1][k])) {
            join->keys[0][kept] = join->keys[0][k];
            join->keys[1][kept] = join->keys[1][k];
            join->null_matches[kept++] = join->null_matches[k];
            continue;
        }
        parts[part_count] = equality(context, node, k, error);
        if (parts[part_count++] == NULL)
            return false;
    }
    join->key_count = kept;
    join->condition = expr_and(&context->site, parts, part_count);
    return true;
}

static bool temporal_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const ColumnSet *key = find_key(context, node);
    if (key == NULL) {
        error_set(error, ERROR_TYPE,
                  "FOR SYSTEM_TIME AS OF needs the primary key of the right "
                  "table in the equalities of ON");
        error_detail(error, node->inputs[1]->traits.unique_key_count == 0
                                ? "The right side has no key that tells its rows apart."
                                : "A version is found by its key and the time.");
        error_hint(error, "Declare PRIMARY KEY (…) NOT ENFORCED and compare all of its columns "
                          "with columns of the left side.");
        return error_at(error, node->place.offset, node->place.length);
    }
    const LogicalInterval *interval = node->join.interval;
    for (uint32_t s = 0; s < 2; s++)
        if (logical_time(node->inputs[s], interval->times[s]) != TIME_EVENT)
            return lower_lost_time(node, s, interval->times[s], error);
    const Type *a = node->inputs[0]->schema->columns[interval->times[0]].type;
    const Type *b = node->inputs[1]->schema->columns[interval->times[1]].type;
    if (a->kind != b->kind) {
        error_set(error, ERROR_TYPE,
                  "the sides of FOR SYSTEM_TIME AS OF have times of two types, "
                  "%s and %s",
                  type_text(context->arena, a), type_text(context->arena, b));
        return error_at(error, node->place.offset, node->place.length);
    }
    if (!narrow_keys(context, node, key, error))
        return false;
    const LogicalNode *left = node->inputs[0];
    node->changes = left->changes;
    node->loose_pairs = true;
    node->parts_updates = left->changes != CHANGE_CLASS_INSERT;
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = logical_rowtime(node);
    for (uint32_t i = 0; i < left->traits.unique_key_count; i++)
        traits_add_unique_key(context->arena, &node->traits, left->traits.unique_keys[i]);
    return true;
}

static bool temporal_needs_before(const PlannerContext *context, const LogicalNode *node,
                                  uint32_t input)
{
    return input == 0;
}

static bool temporal_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanTemporalJoin *spec = arena_new_one(context->arena, PlanTemporalJoin);
    const LogicalInterval *interval = node->join.interval;
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;
    lower_join_spec(node, &spec->join);
    for (uint32_t s = 0; s < 2; s++) {
        spec->times[s] = interval->times[s];
    }
    node->plan->spec = spec;
    Buffer label = {0};
    buffer_printf(&label, "TemporalJoin(joinType=[%s], where=[",
                  spec->join.kind == PLAN_JOIN_INNER ? "InnerJoin" : "LeftOuterJoin");
    for (uint32_t k = 0; k < spec->join.key_count; k++)
        buffer_printf(&label, "(%s = %s) AND ", left->columns[node->join.keys[0][k]].name,
                      right->columns[node->join.keys[1][k]].name);
    buffer_printf(&label, "__TEMPORAL_JOIN_CONDITION(%s, %s)", left->columns[spec->times[0]].name,
                  right->columns[spec->times[1]].name);
    if (spec->join.condition != NULL) {
        buffer_append_text(&label, " AND ");
        expr_print(spec->join.condition, node->schema, &label);
    }
    buffer_append_text(&label, "], select=[");
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    node->plan->state =
        "left rows until the watermark reaches them; of each right row the versions "
        "that they may still ask for, one at least";
    return true;
}

static void temporal_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    for (uint32_t s = 0; s < 2; s++)
        identity_append(text, node->inputs[s]->column_identities[node->join.interval->times[s]]);
    node_find("join")->identify(context, node, text);
}

static void temporal_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "JOIN … FOR SYSTEM_TIME AS OF");
}

const NodeClass node_temporal_join = {
    .op = "temporal_join",
    .equal = temporal_equal,
    .derive = temporal_derive,
    .time = temporal_time,
    .passes_before = true,
    .needs_before = temporal_needs_before,
    .lower = temporal_lower,
    .identify = temporal_identify,
    .describe = temporal_describe,
    .column_of_input = lower_join_column_of_input,
    .prune = join_prune,
    .push = join_push,
};
