/* scan: reads a table. Its kinds are the source's, its key the table's primary key. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_scan;

static bool scan_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalScan *x = &a->scan, *y = &b->scan;
    return x->table == y->table && x->column_count == y->column_count &&
           x->metadata_count == y->metadata_count &&
           memcmp(x->columns, y->columns, sizeof(*x->columns) * x->column_count) == 0 &&
           memcmp(x->metadata, y->metadata, sizeof(*x->metadata) * x->metadata_count) == 0;
}

static bool scan_is_fed(const PlanTable *table)
{
    return strcmp(table->connector->name, "feed") == 0;
}

static void scan_add_primary_key(const PlannerContext *context, LogicalNode *node)
{
    const TableInfo *info = &node->scan.table->info;
    uint32_t *key = arena_new_array(context->arena, uint32_t, info->primary_key_count + 1);
    for (uint32_t k = 0; k < info->primary_key_count; k++) {
        uint32_t c = 0;
        while (c < node->scan.column_count && node->scan.columns[c] != info->primary_key[k])
            c++;
        if (c == node->scan.column_count)
            return;
        key[k] = c;
    }
    if (info->primary_key_count != 0)
        traits_add_key(context->arena, &node->traits,
                       column_set_new(context->arena, key, info->primary_key_count));
}

static bool scan_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const PlanTable *table = node->scan.table;
    node->changes = traits_class(table->source_kinds);
    node->traits.bounded =
        table->connector->is_bounded != NULL && table->connector->is_bounded(&table->info);
    if (context->config->bounded_run && !node->traits.bounded) {
        error_set(error, ERROR_UNSUPPORTED, "table \"%s\" has no end, which a batch run needs",
                  table->info.name);
        error_hint(error,
                   "SET 'execution.runtime-mode' = 'streaming', or have connector \"%s\" "
                   "read a bounded part.",
                   table->connector->name);
        return error_at(error, node->place.offset, node->place.length);
    }
    /* Who feeds by hand gives row after row. */
    node->loose_pairs = scan_is_fed(table);
    bool after = (table->source_kinds & CHANGES_OF(CHANGE_UPDATE_AFTER)) != 0;
    bool before = (table->source_kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    if (after && !before && table->info.primary_key_count == 0) {
        error_set(error, ERROR_TYPE,
                  "table \"%s\" gives updates without the old row and has no "
                  "primary key to tell which row it was",
                  table->info.name);
        error_hint(error, "Declare PRIMARY KEY (…) NOT ENFORCED.");
        return error_at(error, node->place.offset, node->place.length);
    }
    scan_add_primary_key(context, node);
    return true;
}

static bool scan_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Arena *arena = context->arena;
    const LogicalScan *scan = &node->scan;
    PlanScan *spec = arena_new_one(arena, PlanScan);
    spec->connector = scan->table->connector;
    spec->is_fed = scan_is_fed(scan->table);
    spec->scan.table = &scan->table->info;
    spec->scan.columns = scan->columns;
    spec->scan.column_count = scan->column_count;
    uint32_t *metadata = arena_new_array(arena, uint32_t, scan->metadata_count + 1);
    for (uint32_t i = 0; i < scan->metadata_count; i++)
        metadata[i] = scan->table->def->columns[scan->metadata[i]].metadata;
    spec->scan.metadata = metadata;
    spec->scan.metadata_count = scan->metadata_count;
    spec->scan.schema = node->schema;
    spec->scan.fields = scan->fields;
    if (spec->connector->share_key != NULL)
        spec->share_key = spec->connector->share_key(&scan->table->info, arena);
    spec->server_key = spec->share_key;
    if (spec->share_key != NULL && node->since != 0)
        spec->share_key =
            arena_printf(arena, "%s since %llu", spec->share_key, (unsigned long long)node->since);
    node->plan->spec = spec;
    node->plan->parallelism = spec->connector->source_parallelism;

    Buffer label = {0};
    buffer_printf(&label, "TableSourceScan(table=[[%s, %s, %s]], fields=[", CATALOG_NAME,
                  DATABASE_NAME, scan->table->info.name);
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(arena, &label);
    return true;
}

/* Options that say which data it is; where reading starts, how fast, with which password does not
 * make another table of it. */
static const char *const identifying_options[] = {
    "connector", "path", "url", "hostname", "port", "database-name", "table-name", "topic",
};

static void scan_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalScan *scan = &node->scan;
    const TableInfo *info = &scan->table->info;
    buffer_printf(text, "|%s", info->name);
    for (size_t i = 0; i < array_count(identifying_options); i++) {
        const Option *option = options_find(info->options, identifying_options[i]);
        if (option != NULL)
            buffer_printf(text, "|%s=%s", option->key, option->value);
    }
    node->row_identity = hash_bytes(text->data, text->length);
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        Buffer column = {0};
        identity_append(&column, node->row_identity);
        buffer_printf(&column, "|%s|", node->schema->columns[i].name);
        type_print(node->schema->columns[i].type, &column);
        columns[i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->column_identities = columns;
}

static void scan_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "table \"%s\"", node->scan.table->info.name);
}

static Pruned prune_scan(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    const LogicalScan *scan = &node->scan;
    const PlanTable *table = scan->table;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);
    bool *physical = arena_new_array(arena, bool, table->info.physical->column_count + 1);
    bool *metadata = arena_new_array(arena, bool, table->def->column_count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!keep[i])
            continue;
        if (i < scan->column_count)
            physical[scan->columns[i]] = true;
        else
            metadata[scan->metadata[i - scan->column_count]] = true;
    }
    return (Pruned){logical_scan(arena, table, physical, metadata, node->place), map};
}

const NodeClass node_scan = {
    .op = "scan",
    .equal = scan_equal,
    .derive = scan_derive,
    .needs_before = lower_needs_no_before,
    .lower = scan_lower,
    .identify = scan_identify,
    .describe = scan_describe,
    .prune = prune_scan,
    .is_light = true,
};
