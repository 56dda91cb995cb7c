/* Where rows lie: which inputs need no exchange, as their rows are where it would bring them.
 *
 * Rows that came by a list of keys lie with the owners of those keys' hash, and what is made of
 * them does too, as long as the keys are still in it. An input that is to come by the same list
 * stays then. One that is to come by more columns than that may stay as well, if its operator can
 * keep its state by the part of its keys: rows with all keys equal are on one worker all the more.
 *
 * Cost: lists of a few columns, a handful a node; nothing here runs per row. */
#include <string.h>

#include "planner/logical.h"

#define PLACES_MAX 4

/* Lists of columns of one node's rows; the order of a list is that of the hash. */
typedef struct Places {
    ColumnSet lists[PLACES_MAX];
    uint32_t count;
} Places;

static void add_place(Places *places, ColumnSet list)
{
    if (places->count < PLACES_MAX)
        places->lists[places->count++] = list;
}

static bool lists_equal(ColumnSet a, ColumnSet b)
{
    return a.count == b.count && memcmp(a.columns, b.columns, sizeof(*a.columns) * a.count) == 0;
}

static bool list_has(ColumnSet list, uint32_t column)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.columns[i] == column)
            return true;
    return false;
}

static bool is_part(ColumnSet part, ColumnSet list)
{
    for (uint32_t i = 0; i < part.count; i++)
        if (!list_has(list, part.columns[i]))
            return false;
    return true;
}

/* Whether the rows stay where they are; the list may then be a part of what the node asked for. */
static void settle_input(const LogicalNode *node, PlanInput *input, const Places *at)
{
    for (uint32_t i = 0; i < at->count && !input->stays; i++)
        input->stays = lists_equal(at->lists[i], input->keys);
    bool takes_part = node->class->keeps_by_part != NULL && node->class->keeps_by_part(node);
    for (uint32_t i = 0; takes_part && i < at->count && !input->stays; i++)
        if (is_part(at->lists[i], input->keys)) {
            input->keys = at->lists[i];
            input->by_part = input->stays = true;
        }
}

/* The list in the node's rows, where all of its columns are there. */
static void pass_place(const PlannerContext *context, const LogicalNode *node, uint32_t input,
                       ColumnSet list, Places *to)
{
    uint32_t *columns = arena_new_array(context->arena, uint32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        int64_t column = node->class->column_of_input(node, input, list.columns[i]);
        if (column < 0)
            return;
        columns[i] = (uint32_t)column;
    }
    add_place(to, (ColumnSet){list.count, columns});
}

static void place_node(const PlannerContext *context, const LogicalNode *node, Places *all)
{
    const PlanNode *plan = node->plan;
    Places *to = &all[plan->id];
    for (uint32_t i = 0; i < plan->input_count; i++) {
        PlanInput *input = &plan->inputs[i];
        const Places *at = &all[input->node->id];
        if (input->distribution == DISTRIBUTE_HASH)
            settle_input(node, input, at);
        if (node->class->column_of_input == NULL || input->late)
            continue;
        bool moves = input->distribution == DISTRIBUTE_HASH && !input->stays;
        if (moves)
            pass_place(context, node, i, input->keys, to);
        for (uint32_t p = 0; p < at->count && !moves; p++)
            if (input->distribution != DISTRIBUTE_SINGLE)
                pass_place(context, node, i, at->lists[p], to);
    }
}

void plan_place(const PlannerContext *context, const LogicalOrder *order)
{
    Places *all = arena_new_array(context->arena, Places, order->count + 1);
    for (uint32_t n = 0; n < order->count; n++)
        place_node(context, order->nodes[n], all);
}
