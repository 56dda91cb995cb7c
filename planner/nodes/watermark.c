/* watermark: the rows of a table with an event time. Its column is the event-time attribute from
 * here on.
 *
 * Where rows without usable time are left out it is a filter as well, and as with any filter on a
 * column that updates may change the old row must be known.
 *
 * A source of upserts is normalized first, which parts its rows by key among the workers. Each of
 * them would make a watermark of the rows it has, and one whose keys have none would keep all
 * waiting: so the watermark of such a table is made by a second node, below. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_watermark;

static bool watermark_equal(const LogicalNode *a, const LogicalNode *b)
{
    const PlanWatermark *x = &a->watermark, *y = &b->watermark;
    if (x->rowtime != y->rowtime || x->marks_only != y->marks_only || x->relays != y->relays ||
        x->interval_ms != y->interval_ms || x->idle_ms != y->idle_ms ||
        x->drops_bad != y->drops_bad || x->max_ahead_ms != y->max_ahead_ms ||
        (x->watermark == NULL) != (y->watermark == NULL) ||
        (x->align_group == NULL) != (y->align_group == NULL) ||
        x->align_drift_ms != y->align_drift_ms || x->align_interval_ms != y->align_interval_ms)
        return false;
    if (x->align_group != NULL && strcmp(x->align_group, y->align_group) != 0)
        return false;
    return x->watermark == NULL ||
           (expr_equal(x->watermark, y->watermark) && expr_is_deterministic(x->watermark));
}

static TimeKind watermark_time(const LogicalNode *node, uint32_t column)
{
    return column == node->watermark.rowtime && !node->watermark.marks_only
               ? TIME_EVENT
               : logical_time(node->inputs[0], column);
}

static bool watermark_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    if (node->watermark.marks_only)
        return true;
    node->traits.rowtime = (int32_t)node->watermark.rowtime;
    bool updates = (node->changes & CHANGE_CLASS_UPDATE) != 0;
    if (node->watermark.max_ahead_ms >= 0 && node->changes != CHANGE_CLASS_INSERT) {
        error_set(error, ERROR_UNSUPPORTED,
                  "'scan.watermark.max-ahead' needs a table whose rows do not change");
        error_detail(error, "A row that is left out today would be taken back tomorrow.");
        return error_at(error, node->place.offset, node->place.length);
    }
    if (node->watermark.drops_bad && updates) {
        node->changes = CHANGE_CLASS_ALL;
        node->parts_updates = node->parts_updates || node->inputs[0]->loose_pairs;
    }
    return true;
}

static bool watermark_needs_before(const PlannerContext *context, const LogicalNode *node,
                                   uint32_t input)
{
    return node->traits.wants_before || node->watermark.drops_bad;
}

static bool watermark_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanWatermark *spec = arena_new_one(context->arena, PlanWatermark);
    *spec = node->watermark;
    node->plan->spec = spec;
    Buffer label = {0};
    if (spec->marks_only)
        buffer_append_text(&label, "Watermarks(watermark=[");
    else
        buffer_printf(&label, "WatermarkAssigner(rowtime=[%s], watermark=[",
                      node->schema->columns[spec->rowtime].name);
    if (spec->watermark == NULL)
        buffer_append_text(&label, "SOURCE_WATERMARK()");
    else
        expr_print(spec->watermark, node->inputs[0]->schema, &label);
    buffer_append_text(&label, "])");
    if (spec->relays) {
        spec->watermark = NULL;
        spec->align_group = NULL;
        spec->idle_ms = 0;
    }
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void watermark_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const uint64_t *columns = node->inputs[0]->column_identities;
    if (node->watermark.marks_only)
        buffer_append_text(text, "|marks");
    else
        identity_append(text, columns[node->watermark.rowtime]);
    if (node->watermark.watermark != NULL)
        identity_append_expr(text, node->watermark.watermark, columns);
    lower_identify_as_input(node);
}

static void watermark_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "WATERMARK");
}

/* The event time and what the watermark is made of are always read. */
static Pruned prune_watermark(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    bool *used = arena_memdup(arena, needed, node->schema->column_count + 1);
    used[node->watermark.rowtime] = true;
    if (node->watermark.watermark != NULL)
        expr_mark_columns(node->watermark.watermark, used);
    Pruned input = prune_input(pruning, node->inputs[0], used);
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->schema = input.node->schema;
    copy->watermark.rowtime = input.map[node->watermark.rowtime];
    if (node->watermark.watermark != NULL)
        copy->watermark.watermark =
            expr_map_columns(&pruning->context->site, node->watermark.watermark, input.map);
    return (Pruned){copy, input.map};
}

const NodeClass node_watermark = {
    .op = "watermark",
    .equal = watermark_equal,
    .derive = watermark_derive,
    .time = watermark_time,
    .passes_before = true,
    .needs_before = watermark_needs_before,
    .lower = watermark_lower,
    .identify = watermark_identify,
    .describe = watermark_describe,
    .prune = prune_watermark,
};
