/* Change kinds: which a node can emit, which its consumers need, which it therefore emits.
 *
 * Three passes over the graph: upwards, what may change (insert, update, delete) and by which keys
 * rows are known; downwards, who needs -U; upwards again, the kinds. Between them
 * ChangelogNormalize goes on sources that only give the new row, and DropUpdateBefore on sources
 * whose -U nobody wants. Source of the rules: Flink's changelog mode inference. Cost: a few walks
 * over the graph. */
#include "planner/traits.h"

#include <string.h>

ChangeKinds traits_kinds(ChangeClass changes, bool with_before)
{
    ChangeKinds kinds = 0;
    if (changes & CHANGE_CLASS_INSERT)
        kinds |= CHANGES_OF(CHANGE_INSERT);
    if (changes & CHANGE_CLASS_UPDATE)
        kinds |= (ChangeKinds)(CHANGES_OF(CHANGE_UPDATE_AFTER) |
                               (with_before ? CHANGES_OF(CHANGE_UPDATE_BEFORE) : 0));
    if (changes & CHANGE_CLASS_DELETE)
        kinds |= CHANGES_OF(CHANGE_DELETE);
    return kinds;
}

ChangeClass traits_class(ChangeKinds kinds)
{
    ChangeClass changes = 0;
    if (kinds & CHANGES_OF(CHANGE_INSERT))
        changes |= CHANGE_CLASS_INSERT;
    if (kinds & (CHANGES_OF(CHANGE_UPDATE_BEFORE) | CHANGES_OF(CHANGE_UPDATE_AFTER)))
        changes |= CHANGE_CLASS_UPDATE;
    if (kinds & CHANGES_OF(CHANGE_DELETE))
        changes |= CHANGE_CLASS_DELETE;
    return changes;
}

void traits_print_kinds(ChangeKinds kinds, Buffer *out)
{
    static const char *const names[] = {"I", "UB", "UA", "D"};
    const char *separator = "";
    buffer_append_char(out, '[');
    for (uint32_t kind = 0; kind < array_count(names); kind++) {
        if ((kinds & CHANGES_OF(kind)) == 0)
            continue;
        buffer_printf(out, "%s%s", separator, names[kind]);
        separator = ",";
    }
    buffer_append_char(out, ']');
}

bool traits_needs_normalize(const PlannerContext *context, const PlanTable *table)
{
    if (table->info.primary_key_count == 0)
        return false;
    bool after = (table->source_kinds & CHANGES_OF(CHANGE_UPDATE_AFTER)) != 0;
    bool before = (table->source_kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    bool may_repeat =
        context->config->cdc_events_duplicate && table->source_kinds != CHANGES_INSERT_ONLY;
    return (after && !before) || may_repeat;
}

/* Puts a node of kind `op` between a scan and its consumers; several consumers share it. */
typedef struct Inserted {
    LogicalNode *scan;
    LogicalNode *node;
} Inserted;

static LogicalNode *normalize_over(const PlannerContext *context, LogicalNode *scan)
{
    const PlanTable *table = scan->scan.table;
    uint32_t count = table->info.primary_key_count;
    uint32_t *key = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < scan->scan.column_count; c++)
            if (scan->scan.columns[c] == table->info.primary_key[i])
                key[i] = c;
    LogicalNode *node =
        logical_new_unary(context->arena, "normalize", scan->schema, scan, scan->place);
    node->key.key = column_set_new(context->arena, key, count);
    return node;
}

/* The watermark that a consumer of the scan makes: its node, and what it is made of in columns of
 * the scan. False: none, or one of rows behind something else. */
static bool find_watermark(const PlannerContext *context, LogicalNode *consumer,
                           const LogicalNode *scan, const Expr **expr)
{
    if (!logical_is(consumer, "watermark") || consumer->watermark.watermark == NULL)
        return false;
    *expr = consumer->watermark.watermark;
    for (const LogicalNode *node = consumer->inputs[0]; node != scan; node = node->inputs[0]) {
        if (!logical_is(node, "calc"))
            return false;
        *expr = expr_replace_columns(&context->site, *expr, node->calc.projections);
    }
    return true;
}

/* Tables that are normalized have their watermarks made below that (nodes/watermark.c). */
static void make_watermarks_below(const PlannerContext *context, const LogicalOrder *order)
{
    for (uint32_t n = 0; n < order->count; n++) {
        LogicalNode *node = order->nodes[n], *above = node, *marks;
        const Expr *expr;
        if (!logical_is(node, "watermark"))
            continue;
        while (logical_is(above->inputs[0], "calc"))
            above = above->inputs[0];
        LogicalNode *normalize = above->inputs[0], *scan;
        if (!logical_is(normalize, "normalize") || !find_watermark(context, node, normalize, &expr))
            continue;
        scan = normalize->inputs[0];
        if (logical_is(scan, "scan")) {
            marks = logical_new_unary(context->arena, "watermark", scan->schema, scan, node->place);
            marks->watermark = node->watermark;
            marks->watermark.marks_only = true;
            marks->watermark.drops_bad = false;
            marks->watermark.watermark = expr;
            normalize->inputs[0] = marks;
        }
        node->watermark.relays = true;
    }
}

static void insert_over_scans(const PlannerContext *context, LogicalNode **roots, uint32_t count,
                              LogicalNode *(*make)(const PlannerContext *, LogicalNode *scan))
{
    LogicalOrder order = logical_order(context, roots, count);
    Inserted *inserted = arena_new_array(context->arena, Inserted, order.count + 1);
    uint32_t inserted_count = 0;
    for (uint32_t n = 0; n < order.count; n++) {
        LogicalNode *node = order.nodes[n];
        for (uint32_t i = 0; i < node->input_count; i++) {
            LogicalNode *scan = node->inputs[i];
            if (!logical_is(scan, "scan"))
                continue;
            uint32_t at = 0;
            while (at < inserted_count && inserted[at].scan != scan)
                at++;
            if (at == inserted_count)
                inserted[inserted_count++] = (Inserted){scan, make(context, scan)};
            node->inputs[i] = inserted[at].node;
        }
    }
}

static LogicalNode *maybe_normalize(const PlannerContext *context, LogicalNode *scan)
{
    return traits_needs_normalize(context, scan->scan.table) ? normalize_over(context, scan) : scan;
}

static LogicalNode *maybe_drop_before(const PlannerContext *context, LogicalNode *scan)
{
    bool has_before = (scan->scan.table->source_kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    if (!has_before || scan->traits.wants_before)
        return scan;
    LogicalNode *node =
        logical_new_unary(context->arena, "drop_update_before", scan->schema, scan, scan->place);
    Error none;
    error_clear(&none);
    bool derived = node->class->derive(context, node, &none);
    assert(derived);
    (void)derived;
    return node;
}

static void want_before(const PlannerContext *context, const LogicalOrder *order)
{
    for (uint32_t n = order->count; n-- > 0;) {
        LogicalNode *node = order->nodes[n];
        for (uint32_t i = 0; i < node->input_count; i++)
            if ((node->inputs[i]->changes & CHANGE_CLASS_UPDATE) != 0 &&
                node->class->needs_before(context, node, i))
                node->inputs[i]->traits.wants_before = true;
    }
}

/* What a node emits: -U where it makes them for somebody, or where they come through it. */
static void settle_kinds(const LogicalOrder *order)
{
    for (uint32_t n = 0; n < order->count; n++) {
        LogicalNode *node = order->nodes[n];
        if (logical_is(node, "scan")) {
            node->traits.kinds = node->scan.table->source_kinds;
            continue;
        }
        bool before = node->traits.wants_before;
        if (node->class->passes_before) {
            before = false;
            for (uint32_t i = 0; i < node->input_count; i++) {
                bool passes =
                    node->class->passes_before_of == NULL || node->class->passes_before_of(node, i);
                before = before || (passes && (node->inputs[i]->traits.kinds &
                                               CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0);
            }
        }
        node->traits.kinds = traits_kinds(node->changes, before);
    }
}

bool traits_derive(const PlannerContext *context, LogicalNode **roots, uint32_t count, Error *error)
{
    insert_over_scans(context, roots, count, maybe_normalize);
    LogicalOrder order = logical_order(context, roots, count);
    make_watermarks_below(context, &order);
    order = logical_order(context, roots, count);
    rule_fold_unseen(context, &order);
    MiniBatches *bundles;
    if (!mini_batches_begin(context, &order, &bundles, error))
        return false;
    for (uint32_t n = 0; n < order.count; n++) {
        mini_batches_connect(context, bundles, n);
        if (!order.nodes[n]->class->derive(context, order.nodes[n], error) ||
            !mini_batches_put(context, bundles, n, error))
            return false;
    }
    /* A sink may have put a materializer below itself. */
    order = logical_order(context, roots, count);
    want_before(context, &order);
    insert_over_scans(context, roots, count, maybe_drop_before);
    order = logical_order(context, roots, count);
    settle_kinds(&order);
    return true;
}
