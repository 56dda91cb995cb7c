/* Checking what operators emit. See runtime/stream_check.h for the rules. */
#include "executor/runtime/stream_check.h"

#include "executor/operator.h"

static bool broken(const StreamCheck *check, Error *error, const char *what)
{
    return error_set(error, ERROR_INTERNAL, "operator \"%s\" (node %u) %s",
                     check->node->label == NULL ? check->node->op : check->node->label,
                     check->node->id, what);
}

void stream_check_init(StreamCheck *check, const PlanNode *node, bool pairs)
{
    *check = (StreamCheck){.node = node, .pairs = pairs, .watermark_us = INT64_MIN};
}

static bool check_columns(const StreamCheck *check, const Batch *batch, Error *error)
{
    const Schema *schema = check->node->schema;
    if (batch->column_count != schema->column_count)
        return broken(check, error, "emits a batch with another number of columns");
    for (uint32_t i = 0; i < batch->column_count; i++) {
        const Vector *vector = &batch->columns[i];
        const Type *type = schema->columns[i].type;
        if (vector->type == NULL || vector->type->physical != type->physical ||
            vector->type->scale != type->scale) {
            broken(check, error, "emits a column of another type");
            return error_detail(error, "Column \"%s\".", schema->columns[i].name);
        }
        if (!vector->constant && vector->capacity < batch->row_count) {
            broken(check, error, "emits a column with fewer rows than the batch");
            return error_detail(error, "Column \"%s\".", schema->columns[i].name);
        }
    }
    return true;
}

static bool check_kinds(const StreamCheck *check, const Batch *batch, Error *error)
{
    const StreamTraits *traits = &check->node->traits;
    uint8_t before = CHANGE_INSERT;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        uint8_t kind = batch_kind(batch, i);
        if (kind > CHANGE_DELETE || (traits->kinds & CHANGES_OF(kind)) == 0) {
            broken(check, error, "emits a kind of change that the plan does not allow");
            return error_detail(error, "Row %u is %s.", i,
                                kind > CHANGE_DELETE ? "of no kind" : change_kind_text(kind));
        }
        bool waits = before == CHANGE_UPDATE_BEFORE;
        bool pairs = check->pairs && (traits->kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
        if (pairs && waits != (kind == CHANGE_UPDATE_AFTER))
            return broken(check, error, "emits a -U and +U that do not stand together");
        before = kind;
        if (pairs && kind == CHANGE_UPDATE_BEFORE && i + 1 == batch->row_count)
            return broken(check, error, "emits a -U as the last row of a batch");
    }
    return true;
}

bool stream_check_batch(StreamCheck *check, const Batch *batch, Error *error)
{
    if (check->ended)
        return broken(check, error, "emits rows after its end");
    if (batch->row_count > BATCH_ROWS_MAX)
        return broken(check, error, "emits a batch with too many rows");
    return check_columns(check, batch, error) && check_kinds(check, batch, error);
}

bool stream_check_watermark(StreamCheck *check, int64_t watermark_us, Error *error)
{
    if (check->ended)
        return broken(check, error, "emits a watermark after its end");
    if (watermark_us < check->watermark_us)
        return broken(check, error, "lets the watermark go back");
    check->watermark_us = watermark_us;
    return true;
}

bool stream_check_barrier(StreamCheck *check, uint64_t epoch, Error *error)
{
    if (check->ended)
        return broken(check, error, "emits a barrier after its end");
    if (epoch <= check->epoch)
        return broken(check, error, "emits barriers out of order");
    check->epoch = epoch;
    return true;
}

bool stream_check_end(StreamCheck *check, Error *error)
{
    if (check->ended)
        return broken(check, error, "ends twice");
    check->ended = true;
    return true;
}

bool stream_has_pairs(const PlanNode *node, const bool *pairs, const bool *split)
{
    const OperatorClass *class = operator_find(node->op);
    bool inputs = true;
    for (uint32_t i = 0; i < node->input_count; i++)
        inputs = inputs && !split[i] && pairs[node->inputs[i].node->id];
    return class->has_pairs != NULL && class->has_pairs(node, inputs);
}
