/* op "scan": the place where a table's rows enter the dataflow.
 *
 * Reading is the task's (runtime/task_source.c), since one source may serve several scans and a fed
 * table has none; this operator passes rows on, so that a scan is counted and checked like any
 * other.
 *
 * Contract: rows as they come, but for an update that changes the primary key: its -U and +U become
 * -D and +I, since they are two rows to everybody behind, who may know rows by that key and take no
 * -U. Cost: two key comparisons an update of a table with a key, else nothing. */
#include "executor/operator.h"

#include <string.h>

typedef struct Scan {
    Operator base;
    uint32_t *keys;     /* columns of the primary key */
    uint32_t key_count; /* 0: none, or not all of it is read */
} Scan;

static bool moves(const Scan *scan, const Batch *batch, uint32_t row)
{
    for (uint32_t k = 0; k < scan->key_count; k++) {
        const Vector *key = &batch->columns[scan->keys[k]];
        if (!vector_values_equal(key, row, key, row + 1))
            return true;
    }
    return false;
}

/* The kinds with moves as two changes; those of the batch when there is none. */
static uint8_t *part_moves(const Scan *scan, Batch *batch)
{
    uint8_t *kinds = batch->kinds;
    for (uint32_t row = 0; row + 1 < batch->row_count; row++) {
        if (batch->kinds[row] != CHANGE_UPDATE_BEFORE ||
            batch->kinds[row + 1] != CHANGE_UPDATE_AFTER || !moves(scan, batch, row))
            continue;
        if (kinds == batch->kinds) {
            kinds = arena_alloc(batch->arena, batch->row_count);
            memcpy(kinds, batch->kinds, batch->row_count);
        }
        kinds[row] = CHANGE_DELETE;
        kinds[row + 1] = CHANGE_INSERT;
    }
    return kinds;
}

static bool op_scan_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                          Error *error)
{
    const Scan *scan = (const Scan *)op;
    if (scan->key_count != 0 && batch->kinds != NULL)
        batch->kinds = part_moves(scan, batch);
    return emit(emitter, batch, error);
}

static void find_keys(Scan *scan, const OperatorContext *context)
{
    const ScanInfo *read = &((const PlanScan *)context->node->spec)->scan;
    const TableInfo *table = read->table;
    scan->keys = arena_new_array(context->arena, uint32_t, table->primary_key_count + 1);
    for (uint32_t k = 0; k < table->primary_key_count; k++) {
        uint32_t column = 0;
        while (column < read->column_count && read->columns[column] != table->primary_key[k])
            column++;
        if (column == read->column_count)
            return;
        scan->keys[k] = column;
    }
    scan->key_count = table->primary_key_count;
}

static Operator *op_scan_open(const OperatorContext *context, Error *error)
{
    Scan *scan = arena_new_one(context->arena, Scan);
    scan->base.context = context;
    if (context->node->traits.kinds == CHANGES_ALL)
        find_keys(scan, context);
    return &scan->base;
}

extern const OperatorClass op_scan;
/* What is fed by hand comes in any order. */
static bool scan_has_pairs(const PlanNode *node, bool inputs)
{
    return !((const PlanScan *)node->spec)->is_fed;
}

const OperatorClass op_scan = {
    .name = "scan",
    .open = op_scan_open,
    .batch = op_scan_batch,
    .has_pairs = scan_has_pairs,
};
