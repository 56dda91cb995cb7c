/* DESCRIBE and SHOW CREATE: a definition as rows and as text that runs again.
 *
 * Secret options are printed as ******, everything else as it was declared. */
#include "planner/catalog/internal.h"

#include <string.h>

#include "core/str.h"
#include "planner/bind/bind.h"

static void append_identifier(Buffer *out, const char *name)
{
    buffer_append_char(out, '`');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '`')
            buffer_append_char(out, '`');
        buffer_append_char(out, *c);
    }
    buffer_append_char(out, '`');
}

static void append_quoted(Buffer *out, const char *text)
{
    buffer_append_char(out, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            buffer_append_char(out, '\'');
        buffer_append_char(out, *c);
    }
    buffer_append_char(out, '\'');
}

/* The type without NOT NULL, which DESCRIBE shows in a column of its own. */
static const char *plain_type(Arena *arena, const Type *type)
{
    Type plain = *type;
    plain.nullable = true;
    return type_text(arena, &plain);
}

/* ------------------------------------------------------------------ DESCRIBE */

static const char *key_text(Arena *arena, const TableInfo *info)
{
    Buffer text = {0};
    buffer_append_text(&text, "PRI(");
    label_columns(info->physical, info->primary_key, info->primary_key_count, &text);
    buffer_append_char(&text, ')');
    return label_take(arena, &text);
}

static const char *extras_text(Arena *arena, const TableColumn *column)
{
    if (column->kind == AST_COLUMN_COMPUTED)
        return arena_printf(arena, "AS %s", column->expr_text);
    if (column->kind != AST_COLUMN_METADATA)
        return NULL;
    Buffer text = {0};
    buffer_append_text(&text, "METADATA");
    if (column->metadata_key != NULL) {
        buffer_append_text(&text, " FROM ");
        append_quoted(&text, column->metadata_key);
    }
    if (column->is_virtual)
        buffer_append_text(&text, " VIRTUAL");
    return label_take(arena, &text);
}

static void describe_table(const TableDef *def, Arena *arena, ColumnInfo *out)
{
    for (uint32_t i = 0; i < def->column_count; i++) {
        const TableColumn *column = &def->columns[i];
        out[i] = (ColumnInfo){.name = arena_strdup(arena, column->name),
                              .type = plain_type(arena, column->type),
                              .nullable = column->type->nullable,
                              .extras = extras_text(arena, column)};
        if (column->comment != NULL)
            out[i].comment = arena_strdup(arena, column->comment);
        if ((int32_t)i == def->watermark_column) {
            out[i].type = arena_printf(arena, "%s *ROWTIME*", out[i].type);
            out[i].watermark = arena_strdup(arena, def->watermark_text);
        }
        for (uint32_t k = 0; k < def->info.primary_key_count; k++)
            if (column->kind == AST_COLUMN_PHYSICAL && def->info.primary_key[k] == column->physical)
                out[i].key = key_text(arena, &def->info);
    }
}

static bool describe_view(Catalog *catalog, const CatalogEntry *entry, const PlannerConfig *config,
                          Arena *arena, const ColumnInfo **columns, uint32_t *count, Error *error)
{
    Arena *scratch = arena_new(16384);
    uint32_t visits = 0;
    PlannerContext context = {scratch, config, {scratch, config->zone, config->functions}, &visits};
    Binder binder = {.context = &context, .catalog = catalog, .has_place = true, .place = {-1, 0}};
    const LogicalNode *node = bind_query(&binder, entry->view->query, error);
    bool ok = node != NULL;
    if (ok && entry->view->column_count != 0 &&
        entry->view->column_count != node->schema->column_count)
        ok = error_set(error, ERROR_NAME, "view \"%s\" names %u columns, its query now has %u",
                       entry->name, entry->view->column_count, node->schema->column_count);
    if (ok) {
        *count = node->schema->column_count;
        ColumnInfo *out = arena_new_array(arena, ColumnInfo, *count + 1);
        for (uint32_t i = 0; i < *count; i++) {
            const Column *column = &node->schema->columns[i];
            const char *name =
                entry->view->column_count != 0 ? entry->view->columns[i] : column->name;
            out[i] = (ColumnInfo){.name = arena_strdup(arena, name),
                                  .type = plain_type(arena, column->type),
                                  .nullable = column->type->nullable};
        }
        *columns = out;
    }
    arena_free(scratch);
    return ok;
}

bool catalog_describe(Catalog *catalog, const AstName *name, const PlannerConfig *config,
                      Arena *arena, const ColumnInfo **columns, uint32_t *count, Error *error)
{
    const CatalogEntry *entry = catalog_find(catalog, name, "table", error);
    if (entry == NULL)
        return false;
    if (entry->view != NULL)
        return describe_view(catalog, entry, config, arena, columns, count, error);
    *count = entry->table->column_count;
    ColumnInfo *out = arena_new_array(arena, ColumnInfo, *count + 1);
    describe_table(entry->table, arena, out);
    *columns = out;
    return true;
}

/* --------------------------------------------------------------- SHOW CREATE */

static void append_comment(Buffer *out, const char *comment)
{
    if (comment == NULL)
        return;
    buffer_append_text(out, " COMMENT ");
    append_quoted(out, comment);
}

static void append_column(Buffer *out, const TableColumn *column)
{
    append_identifier(out, column->name);
    buffer_append_char(out, ' ');
    if (column->kind == AST_COLUMN_COMPUTED) {
        buffer_printf(out, "AS %s", column->expr_text);
    } else {
        type_print(column->type, out);
        if (column->kind == AST_COLUMN_METADATA) {
            buffer_append_text(out, " METADATA");
            if (column->metadata_key != NULL) {
                buffer_append_text(out, " FROM ");
                append_quoted(out, column->metadata_key);
            }
            if (column->is_virtual)
                buffer_append_text(out, " VIRTUAL");
        }
    }
    append_comment(out, column->comment);
}

static void append_primary_key(Buffer *out, const TableDef *def)
{
    if (def->info.primary_key_count == 0)
        return;
    buffer_append_text(out, ",\n  ");
    if (def->constraint_name != NULL) {
        buffer_append_text(out, "CONSTRAINT ");
        append_identifier(out, def->constraint_name);
        buffer_append_char(out, ' ');
    }
    buffer_append_text(out, "PRIMARY KEY (");
    for (uint32_t i = 0; i < def->info.primary_key_count; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        append_identifier(out, def->info.physical->columns[def->info.primary_key[i]].name);
    }
    buffer_append_text(out, ") NOT ENFORCED");
}

static bool is_secret(const TableDef *def, const char *key)
{
    return option_is_secret(def->connector->options, key) ||
           (def->info.format != NULL && option_is_secret(def->info.format->options, key));
}

static void append_table(Buffer *out, const CatalogEntry *entry)
{
    const TableDef *def = entry->table;
    buffer_printf(out, "CREATE %sTABLE ", entry->temporary ? "TEMPORARY " : "");
    append_identifier(out, entry->name);
    buffer_append_text(out, " (\n");
    for (uint32_t i = 0; i < def->column_count; i++) {
        buffer_append_text(out, i == 0 ? "  " : ",\n  ");
        append_column(out, &def->columns[i]);
    }
    if (def->watermark_column >= 0) {
        buffer_append_text(out, ",\n  WATERMARK FOR ");
        append_identifier(out, def->columns[def->watermark_column].name);
        buffer_printf(out, " AS %s", def->watermark_text);
    }
    append_primary_key(out, def);
    buffer_append_text(out, "\n)");
    if (entry->comment != NULL) {
        buffer_append_text(out, "\nCOMMENT ");
        append_quoted(out, entry->comment);
    }
    for (uint32_t i = 0; i < def->info.partition_count; i++) {
        buffer_append_text(out, i == 0 ? "\nPARTITIONED BY (" : ", ");
        append_identifier(out, def->info.physical->columns[def->info.partition[i]].name);
    }
    buffer_append_text(out, def->info.partition_count == 0 ? "" : ")");
    buffer_append_text(out, "\nWITH (\n");
    for (uint32_t i = 0; i < def->info.options->count; i++) {
        const Option *option = &def->info.options->items[i];
        buffer_append_text(out, i == 0 ? "  " : ",\n  ");
        append_quoted(out, option->key);
        buffer_append_text(out, " = ");
        append_quoted(out, is_secret(def, option->key) ? "******" : option->value);
    }
    buffer_append_text(out, "\n)");
}

static void append_view(Buffer *out, const CatalogEntry *entry)
{
    buffer_printf(out, "CREATE %sVIEW ", entry->temporary ? "TEMPORARY " : "");
    append_identifier(out, entry->name);
    for (uint32_t i = 0; i < entry->view->column_count; i++) {
        buffer_append_text(out, i == 0 ? " (" : ", ");
        append_identifier(out, entry->view->columns[i]);
    }
    if (entry->view->column_count != 0)
        buffer_append_char(out, ')');
    if (entry->comment != NULL) {
        buffer_append_text(out, "\nCOMMENT ");
        append_quoted(out, entry->comment);
    }
    buffer_printf(out, "\nAS %s", entry->view->query_text);
}

bool catalog_show_create(Catalog *catalog, const AstName *name, bool view, Buffer *out,
                         Error *error)
{
    const CatalogEntry *entry = catalog_find(catalog, name, view ? "view" : "table", error);
    if (entry == NULL)
        return false;
    if ((entry->view != NULL) != view) {
        error_set(error, ERROR_NAME, "\"%s\" is a %s", entry->name, view ? "table" : "view");
        error_hint(error, "Use SHOW CREATE %s.", view ? "TABLE" : "VIEW");
        return error_at(error, name->place.offset, name->place.length);
    }
    if (view)
        append_view(out, entry);
    else
        append_table(out, entry);
    return true;
}
