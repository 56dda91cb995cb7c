/* FROM: tables, views, WITH entries, subqueries.
 *
 * A table is read as a scan of its physical and metadata columns with a calc on top that gives its
 * columns in the declared order, computed ones included; later rules take away what is not used. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

/* ------------------------------------------------------------------- tables */

static PlanTable *copy_table(Arena *arena, const CatalogEntry *entry)
{
    const TableInfo *from = &entry->table->info;
    PlanTable *table = arena_new_one(arena, PlanTable);
    table->def = entry->table;
    table->connector = entry->table->connector;
    table->info.name = arena_strdup(arena, entry->name);
    table->info.physical = schema_copy(arena, from->physical);
    table->info.primary_key =
        arena_memdup(arena, from->primary_key, sizeof(uint32_t) * from->primary_key_count);
    table->info.primary_key_count = from->primary_key_count;
    table->info.partition =
        arena_memdup(arena, from->partition, sizeof(uint32_t) * (from->partition_count + 1));
    table->info.partition_count = from->partition_count;
    table->info.options = options_copy(arena, from->options);
    table->info.format = from->format;
    return table;
}

static bool apply_hint(Binder *binder, PlanTable *table, const AstHint *hint, Error *error)
{
    Arena *arena = binder->context->arena;
    if (strcmp(hint->name, "OPTIONS") != 0) {
        error_set(error, ERROR_UNSUPPORTED, "the hint %s is not supported yet", hint->name);
        error_hint(error, "OPTIONS('key' = 'value') is.");
        return bind_error_at(binder, error, hint->place);
    }
    table->info.options = options_merge(arena, table->info.options, &hint->options);
    const Connector *connector = NULL;
    if (!table_check_options(table->info.options, table->info.name, hint->place, &connector,
                             &table->info.format, error))
        return bind_error_at(binder, error, hint->place);
    if (connector != table->connector) {
        error_set(error, ERROR_OPTION, "a hint cannot change the connector of a table");
        return bind_error_at(binder, error, hint->place);
    }
    if (connector->check != NULL && !connector->check(&table->info, error))
        return bind_error_at(binder, error, hint->place);
    return true;
}

static void find_source_kinds(PlanTable *table)
{
    const Connector *connector = table->connector;
    table->source_kinds = connector->source_kinds == NULL ? CHANGES_INSERT_ONLY
                                                          : connector->source_kinds(&table->info);
}

const PlanTable *bind_plan_table(Binder *binder, const CatalogEntry *entry, const AstHint *hints,
                                 uint32_t hint_count, Error *error)
{
    Arena *arena = binder->context->arena;
    for (uint32_t i = 0; hint_count == 0 && i < binder->table_count; i++)
        if (binder->tables[i]->def == entry->table)
            return binder->tables[i];
    PlanTable *table = copy_table(arena, entry);
    for (uint32_t i = 0; i < hint_count; i++)
        if (!apply_hint(binder, table, &hints[i], error))
            return NULL;
    find_source_kinds(table);
    if (hint_count != 0)
        return table;
    binder->tables = arena_grow(arena, binder->tables, sizeof(*binder->tables), binder->table_count,
                                &binder->table_capacity);
    binder->tables[binder->table_count++] = table;
    return table;
}

const Expr *bind_table_expr(Binder *binder, const Scope *scope, const AstExpr *ast,
                            const char *clause, Error *error)
{
    ExprScope expr_scope = {.binder = binder, .scope = scope, .clause = clause};
    OuterFrame *around = binder->outer;
    binder->outer = NULL;
    const Expr *expr = bind_expr(&expr_scope, ast, error);
    binder->outer = around;
    return expr;
}

/* Columns that computed ones may use: physical and metadata, as the table declares them. */
static bool stored_scope(Binder *binder, const TableDef *def, const LogicalNode *scan,
                         const Expr **values, Scope *scope, Error *error)
{
    const PlannerContext *context = binder->context;
    uint32_t metadata = def->info.physical->column_count;
    scope->columns = arena_new_array(context->arena, ScopeColumn, def->column_count + 1);
    scope->count = 0;
    for (uint32_t i = 0; i < def->column_count; i++) {
        const TableColumn *column = &def->columns[i];
        if (column->kind == AST_COLUMN_COMPUTED)
            continue;
        uint32_t from = column->kind == AST_COLUMN_PHYSICAL ? column->physical : metadata++;
        const Expr *value =
            expr_column(context->arena, from, scan->schema->columns[from].type, (AstPlace){-1, 0});
        const Type *type = type_copy(context->arena, column->type);
        value = expr_cast(&context->site, value, type, CAST_EXPLICIT, error);
        if (value == NULL)
            return false;
        values[i] = value;
        scope->columns[scope->count++] =
            (ScopeColumn){.name = arena_strdup(context->arena, column->name), .expr = value};
    }
    return true;
}

LogicalNode *bind_scan(Binder *binder, const PlanTable *table, AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    const TableDef *def = table->def;
    bool *all = arena_alloc(arena, def->column_count + 1);
    memset(all, true, def->column_count + 1);
    LogicalNode *scan = logical_scan(arena, table, all, all, place);

    const Expr **values = arena_new_array(arena, const Expr *, def->column_count + 1);
    const char **names = arena_new_array(arena, const char *, def->column_count + 1);
    Scope stored;
    if (!stored_scope(binder, def, scan, values, &stored, error))
        return NULL;
    AstPlace outer = binder->place;
    bool had_place = binder->has_place;
    binder->place = bind_place(binder, place);
    binder->has_place = true;
    bool bound = true;
    for (uint32_t i = 0; bound && i < def->column_count; i++) {
        names[i] = arena_strdup(arena, def->columns[i].name);
        if (def->columns[i].kind != AST_COLUMN_COMPUTED)
            continue;
        values[i] =
            bind_table_expr(binder, &stored, def->columns[i].expr, "a computed column", error);
        bound = values[i] != NULL;
    }
    LogicalNode *node = NULL;
    if (bound) {
        node = logical_calc(arena, scan, NULL, values,
                            logical_schema(arena, values, names, def->column_count), place);
        node = bind_watermark(binder, table, node, place, error);
    } else {
        error_prefix(error, "table \"%s\": ", table->info.name);
    }
    binder->place = outer;
    binder->has_place = had_place;
    return node;
}

/* -------------------------------------------------------------------- names */

/* The node with other column names: WITH w(a, b), CREATE VIEW v(a, b), (VALUES …) AS t(a, b). */
static LogicalNode *rename_columns(Binder *binder, LogicalNode *node, const char *const *names,
                                   uint32_t count, const char *what, AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    if (count == 0)
        return node;
    if (count != node->schema->column_count) {
        error_set(error, ERROR_NAME, "%s names %u columns, its query has %u", what, count,
                  node->schema->column_count);
        bind_error_at(binder, error, place);
        return NULL;
    }
    const char **copies = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        copies[i] = arena_strdup(arena, names[i]);
    const Expr **identity = logical_identity(arena, node->schema);
    return logical_calc(arena, node, NULL, identity, logical_schema(arena, identity, copies, count),
                        node->place);
}

bool bind_rename(Binder *binder, const AstTable *ast, const char *name, Relation *out, Error *error)
{
    Arena *arena = binder->context->arena;
    const Schema *schema = out->node->schema;
    if (ast->column_alias_count > schema->column_count) {
        error_set(error, ERROR_NAME, "%u column aliases for %u columns", ast->column_alias_count,
                  schema->column_count);
        return bind_error_at(binder, error, ast->place);
    }
    /* VALUES has no other names: errors and plans are to speak of these. */
    if (logical_is(out->node, "values") && ast->column_alias_count == schema->column_count)
        out->node = rename_columns(binder, out->node, ast->column_aliases, schema->column_count,
                                   "an alias", ast->place, error);
    if (out->node == NULL)
        return false;
    scope_of_node(arena, out->node, ast->alias != NULL ? ast->alias : name, &out->scope);
    for (uint32_t i = 0; i < ast->column_alias_count; i++) {
        out->scope.columns[i].name = arena_strdup(arena, ast->column_aliases[i]);
        out->scope.columns[i].repeated = false;
    }
    return true;
}

static LogicalNode *bind_view(Binder *binder, const CatalogEntry *entry, AstPlace place,
                              Error *error)
{
    const WithFrame *with = binder->with;
    OuterFrame *around = binder->outer;
    AstPlace outer = binder->place;
    bool had_place = binder->has_place;
    binder->place = bind_place(binder, place);
    binder->has_place = true;
    binder->with = NULL;
    binder->outer = NULL;
    LogicalNode *node = bind_query(binder, entry->view->query, error);
    binder->outer = around;
    binder->with = with;
    binder->place = outer;
    binder->has_place = had_place;
    if (node == NULL) {
        error_prefix(error, "view \"%s\": ", entry->name);
        return NULL;
    }
    node->repeated = NULL; /* a view's columns are those that DESCRIBE shows */
    return rename_columns(binder, node, entry->view->columns, entry->view->column_count,
                          arena_printf(binder->context->arena, "view \"%s\"", entry->name), place,
                          error);
}

static LogicalNode *bind_with(Binder *binder, const WithFrame *frame, Error *error)
{
    const WithFrame *with = binder->with;
    OuterFrame *around = binder->outer;
    binder->with = frame->outer;
    binder->outer = frame->around;
    LogicalNode *node = bind_query(binder, frame->with->query, error);
    binder->outer = around;
    binder->with = with;
    if (node == NULL)
        return NULL;
    return rename_columns(binder, node, frame->with->columns, frame->with->column_count,
                          arena_printf(binder->context->arena, "WITH \"%s\"", frame->with->name),
                          frame->with->place, error);
}

static LogicalNode *bind_stored(Binder *binder, const AstTable *ast, Error *error)
{
    const CatalogEntry *entry = catalog_find(binder->catalog, &ast->name, "table", error);
    if (entry == NULL) {
        bind_error_at(binder, error, ast->place);
        return NULL;
    }
    if (entry->view != NULL) {
        if (ast->hint_count != 0) {
            error_set(error, ERROR_OPTION, "\"%s\" is a view, which takes no hint", entry->name);
            bind_error_at(binder, error, ast->hints[0].place);
            return NULL;
        }
        return bind_view(binder, entry, ast->place, error);
    }
    const PlanTable *table = bind_plan_table(binder, entry, ast->hints, ast->hint_count, error);
    if (table == NULL)
        return NULL;
    if (table->connector->source == NULL && strcmp(table->connector->name, "feed") != 0) {
        error_set(error, ERROR_UNSUPPORTED, "table \"%s\" cannot be read", entry->name);
        error_detail(error, "Connector \"%s\" is only for writing.", table->connector->name);
        bind_error_at(binder, error, ast->place);
        return NULL;
    }
    if (!table_check_format(&table->info, binder->context->config->zone, false, error)) {
        bind_error_at(binder, error, ast->place);
        return NULL;
    }
    return bind_scan(binder, table, bind_place(binder, ast->place), error);
}

static bool bind_name(Binder *binder, const AstTable *ast, Relation *out, Error *error)
{
    if (ast->as_of != NULL) {
        bind_refuse(binder, ast->as_of->place, error, "FOR SYSTEM_TIME AS OF outside of a join",
                    "It stands behind the right table of a JOIN.");
        return false;
    }
    const char *name = ast->name.parts[ast->name.part_count - 1];
    out->node = NULL;
    bool found = false;
    for (const WithFrame *frame = binder->with;
         frame != NULL && !found && ast->name.part_count == 1; frame = frame->outer) {
        if (strcmp(frame->with->name, name) != 0)
            continue;
        found = true;
        out->node = bind_with(binder, frame, error);
    }
    if (!found)
        out->node = bind_stored(binder, ast, error);
    return out->node != NULL && bind_rename(binder, ast, name, out, error);
}

bool bind_table(Binder *binder, const AstTable *ast, Relation *out, Error *error)
{
    if (ast->kind == AST_TABLE_JOIN)
        return bind_join(binder, ast, out, error);
    if (ast->kind == AST_TABLE_NAME)
        return bind_name(binder, ast, out, error);
    if (bind_is_table_function(ast))
        return bind_table_function(binder, ast, out, error);
    if (ast->kind == AST_TABLE_FUNCTION) {
        out->node = bind_window_tvf(binder, ast->call, error);
        return out->node != NULL && bind_rename(binder, ast, NULL, out, error);
    }
    out->node = bind_query(binder, ast->query, error);
    return out->node != NULL && bind_rename(binder, ast, NULL, out, error);
}
