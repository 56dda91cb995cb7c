/* sink: hands rows to a connector, or to whoever runs the query.
 *
 * Here the changes of a query meet what the target can take. A target that takes no -U finds rows
 * by its primary key. That is right as it is when the query's rows are known by the same key and
 * their changes come in order. When they are unique by it but may come out of order (a join moved
 * them between workers), or a row may move to another primary key, a materializer puts that right.
 * When several rows may claim one primary key it can only show the last of them: the user has to
 * ask for that with ON CONFLICT, or allow it in the configuration. */
#include <string.h>

#include "core/str.h"
#include "planner/nodes/lower.h"

extern const NodeClass node_sink;

static ChangeKinds sink_takes(const LogicalNode *node)
{
    const PlanTable *table = node->sink.table;
    if (table == NULL)
        return CHANGES_ALL;
    return table->connector->sink_kinds == NULL ? CHANGES_INSERT_ONLY
                                                : table->connector->sink_kinds(&table->info);
}

static bool takes_before(const LogicalNode *node)
{
    return (sink_takes(node) & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
}

static ColumnSet primary_key(const PlannerContext *context, const LogicalNode *node)
{
    const PlanTable *table = node->sink.table;
    if (table == NULL)
        return (ColumnSet){0, NULL};
    return column_set_new(context->arena, table->info.primary_key, table->info.primary_key_count);
}

/* The node that makes changes of this class out of input without them. */
static const LogicalNode *producer(const LogicalNode *node, ChangeClass changes)
{
    for (;;) {
        const LogicalNode *from = NULL;
        for (uint32_t i = 0; i < node->input_count && from == NULL; i++)
            if ((node->inputs[i]->changes & changes) != 0)
                from = node->inputs[i];
        if (from == NULL)
            return node;
        node = from;
    }
}

static bool refuse_changes(const LogicalNode *node, ChangeClass changes, Error *error)
{
    const PlanTable *table = node->sink.table;
    const LogicalNode *from = producer(node->inputs[0], changes);
    Buffer text = {0};
    from->class->describe(from, &text);
    error_set(error, ERROR_UNSUPPORTED, "table \"%s\" cannot take %s, which come from %s",
              table->info.name, changes == CHANGE_CLASS_UPDATE ? "updates" : "deletes",
              buffer_text(&text));
    buffer_deinit(&text);
    bool keyed = table->info.primary_key_count != 0;
    if (table->info.format != NULL)
        error_detail(error, "Connector \"%s\" with format \"%s\" only takes rows that stay.",
                     table->connector->name, table->info.format->name);
    else
        error_detail(error, "Connector \"%s\" %sonly takes rows that stay.", table->connector->name,
                     keyed ? "" : "without a primary key ");
    error_hint(error, "Write into a table that takes changes: sqlite with PRIMARY KEY (…) NOT "
                      "ENFORCED, print, or a changelog format such as debezium-json.");
    return error_at(error, node->place.offset, node->place.length);
}

/* ------------------------------------------------------------- materializer */

static bool refuse_conflict(const PlannerContext *context, const LogicalNode *node, ColumnSet key,
                            Error *error)
{
    const PlanTable *table = node->sink.table;
    const LogicalNode *input = node->inputs[0];
    Buffer text = {0};
    label_columns(table->info.physical, key.columns, key.count, &text);
    error_set(error, ERROR_UNSUPPORTED,
              "several rows of the query may have one primary key of table \"%s\"",
              table->info.name);
    if (input->traits.unique_key_count == 0) {
        error_detail(error, "The primary key is (%s); the query's rows have no known key.",
                     buffer_text(&text));
    } else {
        Buffer upsert = {0};
        label_columns(input->schema, input->traits.unique_keys[0].columns,
                      input->traits.unique_keys[0].count, &upsert);
        error_detail(error, "The primary key is (%s); the query's rows are known by (%s).",
                     buffer_text(&text), buffer_text(&upsert));
        buffer_deinit(&upsert);
    }
    buffer_deinit(&text);
    error_hint(
        error,
        "Add ON CONFLICT DO DEDUPLICATE to keep the latest row of each primary key, DO "
        "NOTHING to keep the first, DO ERROR to end the job, declare another primary key, or SET "
        "'table.exec.sink.require-on-conflict' = 'false'.");
    return error_at(error, node->place.offset, node->place.length);
}

/* Puts a node of this kind below the sink. */
static LogicalNode *put_below(const PlannerContext *context, LogicalNode *node, const char *op)
{
    LogicalNode *input = node->inputs[0];
    return logical_new_unary(context->arena, op, input->schema, input, node->place);
}

static void derive_below(const PlannerContext *context, LogicalNode *node, LogicalNode *below)
{
    Error none;
    error_clear(&none);
    bool derived = below->class->derive(context, below, &none);
    assert(derived);
    (void)derived;
    node->inputs[0] = below;
}

/* A bounded run shows what its changes have added up to, when all have come. */
static void wait_for_end(const PlannerContext *context, LogicalNode *node)
{
    if (!context->config->bounded_run || node->inputs[0]->changes == CHANGE_CLASS_INSERT)
        return;
    LogicalNode *below = put_below(context, node, "sort");
    below->sort.limit = UINT64_MAX;
    derive_below(context, node, below);
}

static PlanConflict conflict_of(const LogicalNode *node)
{
    const char *given = node->sink.on_conflict;
    if (given == NULL || strcmp(given, "DEDUPLICATE") == 0)
        return PLAN_CONFLICT_LAST;
    return strcmp(given, "NOTHING") == 0 ? PLAN_CONFLICT_NOTHING : PLAN_CONFLICT_ERROR;
}

static void materialize(const PlannerContext *context, LogicalNode *node, ColumnSet key,
                        const char *why)
{
    const LogicalNode *input = node->inputs[0];
    LogicalNode *below = put_below(context, node, "materialize");
    below->key.key = key;
    below->key.conflict = conflict_of(node);
    below->key.why = why;
    for (uint32_t i = 0; i < input->traits.upsert_key_count; i++)
        if (i == 0 || input->traits.upsert_keys[i].count < below->key.upsert_key.count)
            below->key.upsert_key = input->traits.upsert_keys[i];
    derive_below(context, node, below);
}

/* How the query's keys lie to the primary key. */
typedef enum KeyFit {
    KEY_ORDERED, /* rows are known by the primary key, and their changes come in order */
    KEY_UNIQUE,  /* rows of one primary key are one row, but its changes may come out of order, or
                    it may move to another primary key */
    KEY_OTHER    /* several rows may have one primary key */
} KeyFit;

static KeyFit key_fit(const LogicalNode *node, ColumnSet key)
{
    const LogicalNode *input = node->inputs[0];
    for (uint32_t i = 0; i < input->traits.upsert_key_count; i++)
        if (column_set_equal(input->traits.upsert_keys[i], key) && !input->parts_updates)
            return KEY_ORDERED;
    for (uint32_t i = 0; i < input->traits.unique_key_count; i++)
        if (column_set_contains(key, input->traits.unique_keys[i]))
            return KEY_UNIQUE;
    return KEY_OTHER;
}

static bool choose_materializer(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const char *mode = context->config->upsert_materialize;
    ColumnSet key = primary_key(context, node);
    bool deduplicate = node->sink.on_conflict != NULL;
    if (deduplicate && key.count == 0) {
        error_set(error, ERROR_UNSUPPORTED,
                  "ON CONFLICT needs a primary key, which table \"%s\" has not",
                  node->sink.table->info.name);
        error_hint(error, "Declare PRIMARY KEY (…) NOT ENFORCED on it.");
        return error_at(error, node->place.offset, node->place.length);
    }
    /* Rows that only come replace each other in the sink, unless the user wants otherwise. */
    bool chooses = deduplicate && conflict_of(node) != PLAN_CONFLICT_LAST;
    if (key.count == 0 || (node->inputs[0]->changes == CHANGE_CLASS_INSERT && !chooses))
        return true;
    KeyFit fit = key_fit(node, key);
    if (node->inputs[0]->changes == CHANGE_CLASS_INSERT && fit != KEY_OTHER)
        return true;
    if (mode != NULL && strcmp(mode, "FORCE") == 0) {
        materialize(context, node, key, "table.exec.sink.upsert-materialize is FORCE");
        return true;
    }
    if (chooses && fit == KEY_OTHER) {
        materialize(context, node, key, "several rows may have one primary key");
        return true;
    }
    if (fit == KEY_ORDERED || takes_before(node) || (mode != NULL && strcmp(mode, "NONE") == 0))
        return true;
    if (fit == KEY_OTHER && !deduplicate && context->config->require_on_conflict)
        return refuse_conflict(context, node, key, error);
    materialize(context, node, key,
                fit == KEY_OTHER ? "several rows may have one primary key"
                                 : "changes of one primary key may come out of order");
    return true;
}

static bool sink_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    wait_for_end(context, node);
    ChangeClass takes = traits_class(sink_takes(node));
    if (node->sink.table != NULL && !choose_materializer(context, node, error))
        return false;
    ChangeClass changes = node->inputs[0]->changes;
    if ((changes & CHANGE_CLASS_UPDATE) != 0 && (takes & CHANGE_CLASS_UPDATE) == 0)
        return refuse_changes(node, CHANGE_CLASS_UPDATE, error);
    const bool deletes = (changes & CHANGE_CLASS_DELETE) != 0 ||
                         (node->inputs[0]->parts_updates && !takes_before(node));
    if (deletes && (takes & CHANGE_CLASS_DELETE) == 0)
        return refuse_changes(node, CHANGE_CLASS_DELETE, error);
    lower_derive_from_input(context, node);
    return true;
}

static bool sink_needs_before(const PlannerContext *context, const LogicalNode *node,
                              uint32_t input)
{
    /* A materializer shows the last row of a key in place of the one before: it makes no -U. */
    return takes_before(node) && !logical_is(node->inputs[input], "materialize");
}

/* ------------------------------------------------------------------ lowering */

static void fill_not_null(const PlannerContext *context, const LogicalNode *node, PlanSink *spec)
{
    const Schema *target = node->sink.table->info.physical;
    const Schema *input = node->inputs[0]->schema;
    uint32_t *columns = arena_new_array(context->arena, uint32_t, target->column_count + 1);
    for (uint32_t i = 0; i < target->column_count; i++)
        if (!target->columns[i].type->nullable && input->columns[i].type->nullable)
            columns[spec->not_null_count++] = i;
    spec->not_null = columns;
    spec->drop_null_rows = context->config->not_null_drop;
}

/* Columns of a certain length, where a value of another one is an error. */
static void fill_lengths(const PlannerContext *context, const LogicalNode *node, PlanSink *spec)
{
    const Schema *target = node->sink.table->info.physical;
    const char *enforcer = context->config->length_enforcer;
    uint32_t *columns = arena_new_array(context->arena, uint32_t, target->column_count + 1);
    for (uint32_t i = 0; i < target->column_count; i++) {
        const Type *type = target->columns[i].type;
        if ((type_is_string(type) || type_is_bytes(type)) && type->length != INT32_MAX)
            columns[spec->length_count++] = i;
    }
    spec->lengths = columns;
    if (enforcer == NULL || !text_equal_nocase(enforcer, "ERROR"))
        spec->length_count = 0;
}

static void spread(const PlannerContext *context, LogicalNode *node)
{
    const Connector *connector = node->sink.table->connector;
    node->plan->parallelism = connector->sink_parallelism;
    if (connector->sink_parallelism == 1) {
        lower_single(node);
        return;
    }
    /* All changes of a primary key go to one instance, which keeps them in order. */
    const TableInfo *info = &node->sink.table->info;
    if (info->primary_key_count != 0)
        lower_hash(&node->plan->inputs[0], info->primary_key, info->primary_key_count);
}

static bool sink_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Arena *arena = context->arena;
    PlanSink *spec = arena_new_one(arena, PlanSink);
    const PlanTable *table = node->sink.table;
    spec->takes = sink_takes(node);
    spec->number = node->sink.number;
    spec->since = node->since;
    Buffer label = {0};
    if (table == NULL) {
        spec->sink_id = "collect";
        lower_single(node);
        buffer_append_text(&label, "Sink(table=[*collect*], fields=[");
    } else {
        spec->connector = table->connector;
        spec->table = table->info;
        spec->sink_id = node->sink.ordinal == 0 ? table->info.name
                                                : arena_printf(arena, "%s#%u", table->info.name,
                                                               node->sink.ordinal + 1);
        fill_not_null(context, node, spec);
        fill_lengths(context, node, spec);
        spread(context, node);
        buffer_printf(&label, "Sink(table=[%s.%s.%s], fields=[", CATALOG_NAME, DATABASE_NAME,
                      table->info.name);
    }
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(arena, &label);
    node->plan->spec = spec;
    return true;
}

static void sink_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    /* A sink is known by its table, not by the query behind it: transactions that wait in the
     * target are found again after the query was edited. */
    buffer_clear(text);
    buffer_printf(text, "sink|%s|%u",
                  node->sink.table == NULL ? "*collect*" : node->sink.table->info.name,
                  node->sink.ordinal);
    lower_identify_as_input(node);
}

static void sink_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "table \"%s\"",
                  node->sink.table == NULL ? "*collect*" : node->sink.table->info.name);
}

const NodeClass node_sink = {
    .op = "sink",
    .equal = lower_equal_never,
    .derive = sink_derive,
    .passes_before = true,
    .needs_before = sink_needs_before,
    .lower = sink_lower,
    .identify = sink_identify,
    .describe = sink_describe,
};
