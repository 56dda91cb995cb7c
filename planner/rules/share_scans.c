/* One statement reads a table once: all its scans of a table become one with the columns that any
 * of them needs; a calc above each takes the columns that are wanted there.
 *
 * A table that ChangelogNormalize will stand on keeps its primary key in the scan, which is what
 * the changes are put right by. */
#include "planner/logical.h"

#include <string.h>

#include "planner/traits.h"

typedef struct SharedScan {
    const PlanTable *table;
    uint64_t since;
    bool *physical;
    bool *metadata;
} SharedScan;

typedef struct SharedScans {
    SharedScan *items;
    uint32_t count;
    uint32_t capacity;
} SharedScans;

static SharedScan *scans_of(const PlannerContext *context, SharedScans *scans,
                            const LogicalNode *node)
{
    const PlanTable *table = node->scan.table;
    for (uint32_t i = 0; i < scans->count; i++)
        if (scans->items[i].table == table && scans->items[i].since == node->since)
            return &scans->items[i];
    scans->items = arena_grow(context->arena, scans->items, sizeof(*scans->items), scans->count,
                              &scans->capacity);
    SharedScan *scan = &scans->items[scans->count++];
    scan->table = table;
    scan->since = node->since;
    scan->physical = arena_new_array(context->arena, bool, table->info.physical->column_count + 1);
    scan->metadata = arena_new_array(context->arena, bool, table->def->column_count + 1);
    if (traits_needs_normalize(context, table))
        for (uint32_t i = 0; i < table->info.primary_key_count; i++)
            scan->physical[table->info.primary_key[i]] = true;
    return scan;
}

static void collect(const PlannerContext *context, SharedScans *scans, const LogicalNode *node)
{
    for (uint32_t i = 0; i < node->input_count; i++)
        collect(context, scans, node->inputs[i]);
    if (!logical_is(node, "scan"))
        return;
    SharedScan *shared = scans_of(context, scans, node);
    for (uint32_t i = 0; i < node->scan.column_count; i++)
        shared->physical[node->scan.columns[i]] = true;
    for (uint32_t i = 0; i < node->scan.metadata_count; i++)
        shared->metadata[node->scan.metadata[i]] = true;
}

/* Where column `column` of the small scan lies in the shared one. */
static uint32_t shared_column(const LogicalScan *small, const LogicalScan *shared, uint32_t column)
{
    if (column < small->column_count) {
        for (uint32_t i = 0; i < shared->column_count; i++)
            if (shared->columns[i] == small->columns[column])
                return i;
    } else {
        for (uint32_t i = 0; i < shared->metadata_count; i++)
            if (shared->metadata[i] == small->metadata[column - small->column_count])
                return shared->column_count + i;
    }
    assert(false);
    return 0;
}

static void replace(const PlannerContext *context, SharedScans *scans, LogicalNode *node)
{
    if (!logical_is(node, "scan")) {
        for (uint32_t i = 0; i < node->input_count; i++)
            replace(context, scans, node->inputs[i]);
        return;
    }
    Arena *arena = context->arena;
    const SharedScan *shared = scans_of(context, scans, node);
    LogicalNode *scan =
        logical_scan(arena, shared->table, shared->physical, shared->metadata, node->place);
    uint32_t count = node->schema->column_count;
    scan->since = node->since;
    if (scan->schema->column_count == count)
        return;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        projections[i] = expr_column(arena, shared_column(&node->scan, &scan->scan, i),
                                     node->schema->columns[i].type, (AstPlace){-1, 0});
    LogicalNode *calc = logical_calc(arena, scan, NULL, projections, node->schema, node->place);
    *node = *calc;
}

void rule_share_scans(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    SharedScans scans = {0};
    for (uint32_t i = 0; i < count; i++)
        collect(context, &scans, roots[i]);
    for (uint32_t i = 0; i < count; i++)
        replace(context, &scans, roots[i]);
}
