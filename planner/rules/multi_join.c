/* Joins on one key become one multi-way join: inner joins by themselves, others where
 * table.optimizer.multi-join.enabled or a hint says so.
 *
 * a JOIN b ON a.k = b.k LEFT JOIN c ON a.k = c.k keeps the rows of a JOIN b for the second join;
 * one operator with three inputs keeps a, b and c only. Joins are merged where the left side is a
 * join, nothing is asked but equalities, and the key is, column by column, that of the join below,
 * of an input that is never padded. The order of the inputs stays as written. Cost: one walk. */
#include "planner/logical.h"

#include <string.h>
#include <strings.h>

static bool is_wanted(const PlannerConfig *config, const LogicalNode *node)
{
    if (node->join.is_multi || config->multi_join == NULL)
        return node->join.is_multi;
    if (strcasecmp(config->multi_join, "TRUE") == 0)
        return true;
    return strcasecmp(config->multi_join, "AUTO") == 0 && node->join.kind == PLAN_JOIN_INNER;
}

static bool is_plain(const PlannerContext *context, const LogicalNode *node)
{
    if (!logical_is(node, "join") || node->join.condition != NULL || node->join.key_count == 0 ||
        node->join.single || !is_wanted(context->config, node))
        return false;
    for (uint32_t k = 0; k < node->join.key_count; k++)
        if (node->join.null_matches[k])
            return false;
    return node->join.kind == PLAN_JOIN_INNER || node->join.kind == PLAN_JOIN_LEFT;
}

/* The join as a multi-way join of two inputs. */
static LogicalNode *as_multi_join(Arena *arena, LogicalNode *node)
{
    if (logical_is(node, "multi_join"))
        return node;
    LogicalNode *multi = logical_new(arena, "multi_join", node->schema, node->place);
    multi->inputs = node->inputs;
    multi->input_count = 2;
    multi->multi_join.key_count = node->join.key_count;
    multi->multi_join.keys = arena_new_array(arena, uint32_t *, 2);
    multi->multi_join.is_left = arena_new_array(arena, bool, 2);
    multi->multi_join.keys[0] = node->join.keys[0];
    multi->multi_join.keys[1] = node->join.keys[1];
    multi->multi_join.is_left[1] = node->join.kind == PLAN_JOIN_LEFT;
    multi->multi_join.hint_ttl_ms = arena_memdup(arena, node->hint_ttl_ms, sizeof(int64_t) * 2);
    return multi;
}

/* Which part of the key an output column is, in an input that is never padded; -1: none. */
static int64_t key_part(const LogicalNode *multi, uint32_t column)
{
    for (uint32_t i = 0; i < multi->input_count; i++) {
        uint32_t count = multi->inputs[i]->schema->column_count;
        if (column >= count) {
            column -= count;
            continue;
        }
        for (uint32_t k = 0; k < multi->multi_join.key_count && !multi->multi_join.is_left[i]; k++)
            if (multi->multi_join.keys[i][k] == column)
                return k;
        return -1;
    }
    return -1;
}

/* The join's right side as one more input of the left side's multi-way join; NULL: other keys. */
static LogicalNode *append(Arena *arena, const LogicalNode *left, const LogicalNode *node)
{
    const LogicalMultiJoin *from = &left->multi_join;
    uint32_t count = left->input_count;
    uint32_t *keys = arena_new_array(arena, uint32_t, from->key_count + 1);
    bool *taken = arena_new_array(arena, bool, from->key_count + 1);
    if (node->join.key_count != from->key_count)
        return NULL;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        int64_t part = key_part(left, node->join.keys[0][k]);
        if (part < 0 || taken[part])
            return NULL;
        taken[part] = true;
        keys[part] = node->join.keys[1][k];
    }
    LogicalNode *multi = logical_new(arena, "multi_join", node->schema, node->place);
    multi->input_count = count + 1;
    multi->inputs = arena_new_array(arena, LogicalNode *, count + 1);
    memcpy(multi->inputs, left->inputs, sizeof(*multi->inputs) * count);
    multi->inputs[count] = node->inputs[1];
    multi->multi_join.key_count = from->key_count;
    multi->multi_join.keys = arena_new_array(arena, uint32_t *, count + 1);
    memcpy(multi->multi_join.keys, from->keys, sizeof(*from->keys) * count);
    multi->multi_join.keys[count] = keys;
    multi->multi_join.is_left = arena_new_array(arena, bool, count + 1);
    memcpy(multi->multi_join.is_left, from->is_left, sizeof(bool) * count);
    multi->multi_join.is_left[count] = node->join.kind == PLAN_JOIN_LEFT;
    multi->multi_join.hint_ttl_ms = arena_new_array(arena, int64_t, count + 1);
    memcpy(multi->multi_join.hint_ttl_ms, from->hint_ttl_ms, sizeof(int64_t) * count);
    multi->multi_join.hint_ttl_ms[count] = node->hint_ttl_ms[1];
    return multi;
}

LogicalNode *rule_multi_join(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_multi_join(context, node->inputs[i]);
    if (!is_plain(context, copy) || copy->hint_ttl_ms[0] != 0 ||
        (!logical_is(copy->inputs[0], "multi_join") && !is_plain(context, copy->inputs[0])))
        return copy;
    LogicalNode *multi =
        append(context->arena, as_multi_join(context->arena, copy->inputs[0]), copy);
    return multi == NULL ? copy : multi;
}
