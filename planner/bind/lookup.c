/* Lookup joins: FOR SYSTEM_TIME AS OF a processing time, and the hint LOOKUP that goes with them.
 *
 * The right side is one table, with nothing but projections and filters above it; its own event
 * time, if it has one, plays no part. */
#include "planner/lookup.h"

#include <string.h>

#include "core/str.h"

const OptionSpec lookup_hint_options[] = {
    {.name = "table",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "The table that is looked up, by its alias or name."},
    {.name = "async", .type = OPTION_BOOLEAN, .doc = "Whether rows come in while others wait."},
    {.name = "output-mode",
     .type = OPTION_ENUM,
     .values = "ordered|allow_unordered",
     .doc = "Whether rows may pass others that wait."},
    {.name = "capacity",
     .type = OPTION_INTEGER,
     .minimum = 1,
     .maximum = 100000,
     .doc = "Lookups under way at once."},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .minimum = 1,
     .maximum = INT64_MAX / 1000000,
     .doc = "The longest a row waits for its answer, retries included."},
    {.name = "retry-predicate",
     .type = OPTION_ENUM,
     .values = "lookup_miss",
     .doc = "When to ask again: a key has no row."},
    {.name = "retry-strategy",
     .type = OPTION_ENUM,
     .values = "fixed_delay",
     .doc = "How to ask again."},
    {.name = "fixed-delay",
     .type = OPTION_DURATION,
     .minimum = 1,
     .maximum = INT64_MAX / 1000000,
     .doc = "How long to wait before."},
    {.name = "max-attempts",
     .type = OPTION_INTEGER,
     .minimum = 1,
     .maximum = 1000000,
     .doc = "How often to ask again."},
    {.name = "shuffle",
     .type = OPTION_BOOLEAN,
     .doc = "Whether rows with equal keys go to one worker."},
    {.name = NULL},
};

/* ----------------------------------------------------------------------- hint */

static const char *name_of(const AstTable *table)
{
    if (table->alias != NULL)
        return table->alias;
    if (table->kind == AST_TABLE_NAME && table->name.part_count != 0)
        return table->name.parts[table->name.part_count - 1];
    return "";
}

static const AstTable *find_input(const AstTable *from, const char *name)
{
    if (from == NULL)
        return NULL;
    if (from->kind != AST_TABLE_JOIN)
        return strcmp(name_of(from), name) == 0 ? from : NULL;
    const AstTable *left = find_input(from->left, name);
    return left != NULL ? left : find_input(from->right, name);
}

static bool check_retry(const Binder *binder, const AstHint *hint, Error *error)
{
    static const char *const keys[] = {"retry-predicate", "retry-strategy", "fixed-delay",
                                       "max-attempts"};
    uint32_t given = 0;
    const char *missing = NULL;
    for (size_t i = 0; i < array_count(keys); i++) {
        if (options_find(&hint->options, keys[i]) != NULL)
            given++;
        else
            missing = keys[i];
    }
    if (given == 0 || missing == NULL)
        return true;
    error_set(error, ERROR_OPTION, "the hint LOOKUP lacks \"%s\"", missing);
    error_hint(error, "To ask again for keys without rows give all of 'retry-predicate', "
                      "'retry-strategy', 'fixed-delay' and 'max-attempts'.");
    return bind_error_at(binder, error, hint->place);
}

bool bind_lookup_hint(const Binder *binder, const AstHint *hint, const AstTable *from, Error *error)
{
    if (!options_check(&hint->options, "the hint LOOKUP", lookup_hint_options, NULL, error))
        return error->sql_offset >= 0 ? false : bind_error_at(binder, error, hint->place);
    const Option *name = options_find(&hint->options, "table");
    const AstTable *table = find_input(from, name->value);
    if (table == NULL) {
        error_set(error, ERROR_NAME, "LOOKUP names \"%s\", which is not in FROM", name->value);
        return bind_error_at(binder, error, (AstPlace){name->sql_offset, name->sql_length});
    }
    if (table->as_of == NULL) {
        error_set(error, ERROR_OPTION, "LOOKUP names \"%s\", which is not looked up", name->value);
        error_hint(error, "A lookup is JOIN %s FOR SYSTEM_TIME AS OF a processing time.",
                   name->value);
        return bind_error_at(binder, error, (AstPlace){name->sql_offset, name->sql_length});
    }
    return check_retry(binder, hint, error);
}

/* The hint for the table; of several the last counts. */
static const AstHint *hint_for(const Binder *binder, const AstTable *table)
{
    const AstHint *found = NULL;
    for (uint32_t i = 0; i < binder->hint_count; i++)
        if (strcmp(binder->hints[i].name, "LOOKUP") == 0 &&
            strcmp(options_find(&binder->hints[i].options, "table")->value, name_of(table)) == 0)
            found = &binder->hints[i];
    return found;
}

/* ----------------------------------------------------------------------- join */

static const LogicalNode *table_below(const LogicalNode *node)
{
    while (logical_is(node, "calc") || logical_is(node, "watermark"))
        node = node->inputs[0];
    return logical_is(node, "scan") ? node : NULL;
}

bool bind_can_look_up(const LogicalNode *right)
{
    const LogicalNode *scan = table_below(right);
    return scan != NULL && (scan->scan.table->connector->lookup != NULL ||
                            scan->scan.table->connector->lookup_by_scan);
}

static bool cannot_look_up(const Binder *binder, const LogicalNode *scan, AstPlace place,
                           Error *error)
{
    if (scan == NULL) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the right side of FOR SYSTEM_TIME AS OF a processing time must be a table");
        error_hint(error, "A view or subquery over one table may filter and compute columns, no "
                          "more: nothing else can be asked for by key.");
        return bind_error_at(binder, error, place);
    }
    Buffer names = {0};
    const Connector *connector;
    for (uint32_t i = 0; (connector = connector_at(i)) != NULL; i++)
        if (connector->lookup != NULL || connector->lookup_by_scan)
            buffer_printf(&names, "%s%s", names.length == 0 ? "" : ", ", connector->name);
    error_set(error, ERROR_UNSUPPORTED, "table \"%s\" cannot be looked up",
              scan->scan.table->info.name);
    error_detail(error, "Connector \"%s\" does not answer by key; these do: %s.",
                 scan->scan.table->connector->name, buffer_text(&names));
    buffer_deinit(&names);
    error_hint(error, "Changes of a table are joined by event time: FOR SYSTEM_TIME AS OF a column "
                      "with a WATERMARK; or by a regular JOIN.");
    return bind_error_at(binder, error, place);
}

bool bind_lookup_join(Binder *binder, const AstTable *ast, const Relation *right, LogicalNode *join,
                      Error *error)
{
    const LogicalNode *scan = table_below(right->node);
    if (scan == NULL || !bind_can_look_up(right->node))
        return cannot_look_up(binder, scan, ast->right->place, error);
    if (scan->scan.table->source_kinds != CHANGES_INSERT_ONLY) {
        error_set(error, ERROR_UNSUPPORTED, "table \"%s\" cannot be looked up",
                  scan->scan.table->info.name);
        error_detail(error, "It holds changes, not rows.");
        return bind_error_at(binder, error, ast->right->place);
    }
    struct LogicalLookup *lookup = arena_new_one(binder->context->arena, struct LogicalLookup);
    lookup->table = scan->scan.table;
    const AstHint *hint = hint_for(binder, ast->right);
    if (hint != NULL) {
        lookup->hint = options_merge(binder->context->arena, &(Options){0}, &hint->options);
        lookup->hint_place = bind_place(binder, hint->place);
    }
    join->class = node_find("lookup_join");
    join->join.lookup = lookup;
    return true;
}
