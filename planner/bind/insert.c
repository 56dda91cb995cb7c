/* INSERT INTO: columns of the query to columns of the table.
 *
 * By position, or to the columns listed; a column that is not listed becomes NULL. Values are cast
 * where Flink casts by itself; anything else is an error that names the column and both types. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

static void print_columns(const Schema *schema, bool with_types, Buffer *out)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "" : ", ", schema->columns[i].name);
        if (with_types) {
            buffer_append_char(out, ' ');
            type_print(schema->columns[i].type, out);
        }
    }
}

static bool wrong_count(const Binder *binder, const AstInsert *insert, const Schema *query,
                        const char *target, uint32_t count, const char *table, Error *error)
{
    Buffer names = {0};
    print_columns(query, true, &names);
    error_set(error, ERROR_TYPE, "INSERT INTO \"%s\" has %u column%s, the query %u", table, count,
              count == 1 ? "" : "s", query->column_count);
    error_detail(error, "The table takes: %s. The query gives: %s.", target, buffer_text(&names));
    error_hint(error,
               "List the columns meant: INSERT INTO %s (…) SELECT …; the others become NULL.",
               table);
    buffer_deinit(&names);
    return bind_error_at(binder, error, insert->query->place);
}

static bool find_target(const Binder *binder, const AstInsert *insert, const PlanTable *table,
                        uint32_t at, uint32_t *column, Error *error)
{
    Arena *arena = binder->context->arena;
    const char *name = insert->columns[at];
    int32_t found = schema_find(table->info.physical, name);
    if (found >= 0) {
        *column = (uint32_t)found;
        for (uint32_t i = 0; i < at; i++) {
            if (strcmp(insert->columns[i], name) != 0)
                continue;
            error_set(error, ERROR_NAME, "column \"%s\" is listed twice", name);
            return bind_error_at(binder, error, insert->place);
        }
        return true;
    }
    const TableDef *def = table->def;
    for (uint32_t i = 0; i < def->column_count; i++) {
        if (strcmp(def->columns[i].name, name) != 0)
            continue;
        error_set(error, ERROR_NAME, "column \"%s\" of table \"%s\" is %s and cannot be written",
                  name, table->info.name,
                  def->columns[i].kind == AST_COLUMN_COMPUTED ? "computed" : "metadata");
        return bind_error_at(binder, error, insert->place);
    }
    const Schema *schema = table->info.physical;
    const char **candidates = arena_new_array(arena, const char *, schema->column_count + 1);
    for (uint32_t i = 0; i < schema->column_count; i++)
        candidates[i] = schema->columns[i].name;
    error_set(error, ERROR_NAME, "column \"%s\" does not exist in table \"%s\"", name,
              table->info.name);
    const char *near = str_nearest(name, candidates, schema->column_count);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    return bind_error_at(binder, error, insert->place);
}

/* source[c]: the query's column for column c of the table, or -1. */
static bool map_columns(const Binder *binder, const AstInsert *insert, const PlanTable *table,
                        const Schema *query, int32_t *source, Error *error)
{
    const Schema *target = table->info.physical;
    for (uint32_t i = 0; i < target->column_count; i++)
        source[i] = insert->column_count == 0 ? (int32_t)i : -1;
    uint32_t count = insert->column_count == 0 ? target->column_count : insert->column_count;
    if (count != query->column_count) {
        Buffer names = {0};
        if (insert->column_count == 0)
            print_columns(target, true, &names);
        else
            names_print(insert->columns, insert->column_count, &names);
        wrong_count(binder, insert, query, buffer_text(&names), count, table->info.name, error);
        buffer_deinit(&names);
        return false;
    }
    for (uint32_t i = 0; i < insert->column_count; i++) {
        uint32_t column = 0;
        if (!find_target(binder, insert, table, i, &column, error))
            return false;
        source[column] = (int32_t)i;
    }
    return true;
}

/* The type that values are cast to. Lengths are the sink's matter, unless it wants them kept to. */
static const Type *written_type(const PlannerContext *context, const Type *type)
{
    const char *enforcer = context->config->length_enforcer;
    bool keeps = enforcer != NULL && text_equal_nocase(enforcer, "TRIM_PAD");
    if (keeps || (!type_is_string(type) && !type_is_bytes(type)))
        return type;
    return type_with_nullable(context->arena, type_is_string(type) ? &type_string : &type_bytes,
                              type->nullable);
}

static const Expr *convert(const Binder *binder, const AstInsert *insert, const LogicalNode *query,
                           uint32_t from, const Column *to, Error *error)
{
    const PlannerContext *context = binder->context;
    const Type *type = query->schema->columns[from].type;
    const Expr *value = expr_column(context->arena, from, type, bind_place(binder, insert->place));
    if (type->kind != TYPE_NULL && expr_cast_needed(type, to->type) &&
        !cast_is_implicit(type, to->type)) {
        error_set(error, ERROR_TYPE, "column \"%s\" is %s, the query gives %s", to->name,
                  type_text(context->arena, to->type), type_text(context->arena, type));
        const char *target =
            type_text(context->arena, type_with_nullable(context->arena, to->type, true));
        const char *name = query->schema->columns[from].name;
        if (strncmp(name, "EXPR$", 5) == 0) /* which nobody wrote */
            error_hint(error, "Write CAST(… AS %s) around value %u of the query.", target,
                       from + 1);
        else
            error_hint(error, "Write CAST(%s AS %s) in the query.", name, target);
        bind_error_at(binder, error, insert->query->place);
        return NULL;
    }
    return expr_cast(&context->site, value, written_type(context, to->type), CAST_IMPLICIT, error);
}

static LogicalNode *bind_target(const Binder *binder, const AstInsert *insert,
                                const PlanTable *table, LogicalNode *query, Error *error)
{
    const PlannerContext *context = binder->context;
    const Schema *target = table->info.physical;
    int32_t *source = arena_new_array(context->arena, int32_t, target->column_count + 1);
    if (!map_columns(binder, insert, table, query->schema, source, error))
        return NULL;
    const Expr **values = arena_new_array(context->arena, const Expr *, target->column_count + 1);
    const char **names = arena_new_array(context->arena, const char *, target->column_count + 1);
    for (uint32_t i = 0; i < target->column_count; i++) {
        const Column *column = &target->columns[i];
        names[i] = column->name;
        if (source[i] >= 0) {
            values[i] = convert(binder, insert, query, (uint32_t)source[i], column, error);
            if (values[i] == NULL)
                return NULL;
            continue;
        }
        if (!column->type->nullable) {
            error_set(error, ERROR_TYPE,
                      "column \"%s\" of table \"%s\" is NOT NULL and gets no value", column->name,
                      table->info.name);
            error_hint(error, "Add it to the list of columns.");
            bind_error_at(binder, error, insert->place);
            return NULL;
        }
        values[i] = expr_null(context->arena, column->type, bind_place(binder, insert->place));
    }
    return logical_calc(context->arena, query, NULL, values,
                        logical_schema(context->arena, values, names, target->column_count),
                        bind_place(binder, insert->place));
}

static bool check_writable(const Binder *binder, const AstInsert *insert, const PlanTable *table,
                           Error *error)
{
    if (table->connector->sink == NULL) {
        error_set(error, ERROR_UNSUPPORTED, "table \"%s\" cannot be written", table->info.name);
        error_detail(error, "Connector \"%s\" is only for reading.", table->connector->name);
        return bind_error_at(binder, error, insert->table.place);
    }
    if (!table_check_format(&table->info, binder->context->config->zone, true, error))
        return bind_error_at(binder, error, insert->table.place);
    for (uint32_t i = 0; i < table->def->column_count; i++) {
        const TableColumn *column = &table->def->columns[i];
        if (column->kind != AST_COLUMN_METADATA || column->is_virtual)
            continue;
        error_set(error, ERROR_UNSUPPORTED,
                  "metadata column \"%s\" of table \"%s\" cannot be written", column->name,
                  table->info.name);
        error_hint(error, "Declare it METADATA … VIRTUAL.");
        return bind_error_at(binder, error, insert->table.place);
    }
    return true;
}

static bool refuse_clauses(const Binder *binder, const AstInsert *insert, Error *error)
{
    if (insert->overwrite) {
        bind_refuse(binder, insert->place, error, "INSERT OVERWRITE", "Use INSERT INTO.");
        return false;
    }
    return true;
}

static bool is_constant_of(const AstInsert *insert, const char *name)
{
    for (uint32_t i = 0; i < insert->partition_count; i++)
        if (strcmp(insert->partition[i], name) == 0)
            return true;
    return false;
}

static bool check_partition(const Binder *binder, const AstInsert *insert, const TableInfo *table,
                            Error *error)
{
    for (uint32_t i = 0; i < insert->partition_count; i++) {
        const char *name = insert->partition[i];
        bool found = false;
        for (uint32_t p = 0; p < table->partition_count; p++)
            found = found || strcmp(table->physical->columns[table->partition[p]].name, name) == 0;
        if (found)
            continue;
        error_set(error, ERROR_NAME, "\"%s\" is no column of PARTITIONED BY of table \"%s\"", name,
                  table->name);
        return bind_error_at(binder, error, insert->partition_values[i]->place);
    }
    return true;
}

/* PARTITION (column = value): the constants behind the query's columns, all of them listed. */
static LogicalNode *with_partition(Binder *binder, AstInsert *insert, const TableInfo *table,
                                   LogicalNode *query, Error *error)
{
    Arena *arena = binder->context->arena;
    uint32_t own = query->schema->column_count, more = insert->partition_count;
    if (!check_partition(binder, insert, table, error))
        return NULL;
    const Expr **values = arena_new_array(arena, const Expr *, own + more + 1);
    const char **names = arena_new_array(arena, const char *, own + more + 1);
    memcpy(values, logical_identity(arena, query->schema), sizeof(*values) * own);
    for (uint32_t i = 0; i < own; i++)
        names[i] = query->schema->columns[i].name;
    Scope none = {0};
    for (uint32_t i = 0; i < more; i++) {
        names[own + i] = insert->partition[i];
        values[own + i] =
            bind_table_expr(binder, &none, insert->partition_values[i], "PARTITION", error);
        if (values[own + i] == NULL)
            return NULL;
        /* The text of a folder's name is a value of any type. */
        int32_t column = schema_find(table->physical, insert->partition[i]);
        values[own + i] = expr_cast(&binder->context->site, values[own + i],
                                    table->physical->columns[column].type, CAST_EXPLICIT, error);
        if (values[own + i] == NULL) {
            bind_error_at(binder, error, insert->partition_values[i]->place);
            return NULL;
        }
    }
    uint32_t listed =
        insert->column_count != 0 ? insert->column_count : table->physical->column_count;
    const char **columns = arena_new_array(arena, const char *, listed + more + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < listed; i++) {
        const char *name =
            insert->column_count != 0 ? insert->columns[i] : table->physical->columns[i].name;
        if (insert->column_count != 0 || !is_constant_of(insert, name))
            columns[count++] = name;
    }
    for (uint32_t i = 0; i < more; i++)
        columns[count++] = insert->partition[i];
    insert->columns = columns;
    insert->column_count = count;
    return logical_calc(arena, query, NULL, values,
                        logical_schema(arena, values, names, own + more), query->place);
}

/* The table's columns get the query's, which is bound first unless it is given. */
static LogicalNode *bind_into(Binder *binder, const AstInsert *insert, LogicalNode *query,
                              uint32_t ordinal, Error *error)
{
    Arena *arena = binder->context->arena;
    const CatalogEntry *entry = catalog_find(binder->catalog, &insert->table, "table", error);
    if (entry == NULL) {
        bind_error_at(binder, error, insert->table.place);
        return NULL;
    }
    if (entry->view != NULL) {
        error_set(error, ERROR_UNSUPPORTED, "\"%s\" is a view and cannot be written", entry->name);
        bind_error_at(binder, error, insert->table.place);
        return NULL;
    }
    const PlanTable *table =
        bind_plan_table(binder, entry, insert->hints, insert->hint_count, error);
    if (table == NULL || !refuse_clauses(binder, insert, error) ||
        !check_writable(binder, insert, table, error))
        return NULL;
    if (query == NULL)
        query = bind_query(binder, insert->query, error);
    AstInsert whole = *insert;
    if (query != NULL && insert->partition_count != 0)
        query = with_partition(binder, &whole, &table->info, query, error);
    LogicalNode *values = query == NULL ? NULL : bind_target(binder, &whole, table, query, error);
    if (values == NULL)
        return NULL;
    LogicalNode *sink = logical_new_unary(arena, "sink", values->schema, values,
                                          bind_place(binder, insert->table.place));
    sink->sink.table = table;
    sink->sink.on_conflict =
        insert->on_conflict == NULL ? NULL : arena_strdup(arena, insert->on_conflict);
    sink->sink.ordinal = ordinal;
    return sink;
}

LogicalNode *bind_insert(Binder *binder, const AstInsert *insert, uint32_t ordinal, Error *error)
{
    return bind_into(binder, insert, NULL, ordinal, error);
}

LogicalNode *bind_late_rows(Binder *binder, const char *table, bool is_hint, AstPlace place,
                            uint32_t ordinal, Error *error)
{
    static const char *const columns[] = {"operator", "watermark", "row"};
    AstQuery query = {.kind = AST_QUERY_VALUES, .place = place};
    AstInsert insert = {.table = {.part_count = 1, .parts = {table}, .place = place},
                        .columns = columns,
                        .column_count = array_count(columns),
                        .query = &query,
                        .place = place};
    LogicalNode *late = logical_late_rows(binder->context->arena, is_hint ? table : NULL, place);
    LogicalNode *sink = bind_into(binder, &insert, late, ordinal, error);
    if (sink == NULL)
        error_prefix(error, is_hint ? "LATE_ROWS: " : "'table.exec.late-rows.table': ");
    return sink;
}
