/* CREATE TABLE: from what was written to a definition that planning can rely on.
 *
 * Checked here, once: names, the primary key, computed columns and the watermark (they are bound
 * against the columns they see), metadata keys, connector, format and every option. */
#include "planner/catalog/internal.h"

#include <string.h>

#include "core/str.h"
#include "planner/bind/bind.h"

/* What is being put together. */
typedef struct Draft {
    const AstCreateTable *create;
    const PlannerConfig *config;
    Catalog *catalog;
    Arena *arena;
    TableDef *def;
    const char *name;
} Draft;

static int32_t key_position(const AstCreateTable *create, const char *column)
{
    for (uint32_t i = 0; i < create->primary_key_count; i++)
        if (strcmp(create->primary_key[i], column) == 0)
            return (int32_t)i;
    return -1;
}

static bool check_names(const AstCreateTable *create, Error *error)
{
    for (uint32_t i = 0; i < create->column_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(create->columns[i].name, create->columns[j].name) != 0)
                continue;
            error_set(error, ERROR_NAME, "column \"%s\" is declared twice",
                      create->columns[i].name);
            return error_at(error, create->columns[i].place.offset,
                            create->columns[i].place.length);
        }
    }
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_column(const AstCreateTable *create, Str word)
{
    for (uint32_t i = 0; i < create->column_count; i++)
        if (str_equal(str_of(create->columns[i].name), word))
            return true;
    return false;
}

/* Text of an expression as DESCRIBE shows it: as written, bare column names in back-ticks. */
static const char *expression_text(const Draft *draft, Str written)
{
    Str text = str_trim(written);
    Buffer out = {0};
    for (size_t i = 0; i < text.length;) {
        size_t end = i + 1;
        if (text.data[i] == '\'' || text.data[i] == '`' || text.data[i] == '"') {
            while (end < text.length && text.data[end] != text.data[i])
                end++;
            end += end < text.length ? 1 : 0;
        } else if (is_name_char(text.data[i])) {
            while (end < text.length && is_name_char(text.data[end]))
                end++;
        }
        Str word = {text.data + i, end - i};
        bool is_call = end < text.length && text.data[end] == '(';
        bool quote = is_name_char(text.data[i]) && !is_call && is_column(draft->create, word);
        buffer_printf(&out, quote ? "`%.*s`" : "%.*s", (int)word.length, word.data);
        i = end;
    }
    return label_take(draft->arena, &out);
}

/* Columns as declared; types of computed ones come later. */
static bool take_columns(Draft *draft, Error *error)
{
    const AstCreateTable *create = draft->create;
    TableDef *def = draft->def;
    def->column_count = create->column_count;
    def->columns = arena_new_array(draft->arena, TableColumn, create->column_count + 1);
    Column *physical = arena_new_array(draft->arena, Column, create->column_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < create->column_count; i++) {
        const AstColumnDef *from = &create->columns[i];
        TableColumn *to = &def->columns[i];
        to->kind = from->kind;
        to->name = arena_strdup(draft->arena, from->name);
        to->comment = from->comment == NULL ? NULL : arena_strdup(draft->arena, from->comment);
        to->is_virtual = from->is_virtual;
        if (from->metadata_key != NULL)
            to->metadata_key = arena_strdup(draft->arena, from->metadata_key);
        if (from->kind == AST_COLUMN_COMPUTED) {
            to->expr = ast_copy_expr(draft->arena, from->expr);
            to->expr_text = expression_text(draft, from->expr_text);
            continue;
        }
        to->type = type_copy(draft->arena, from->type);
        if (from->kind == AST_COLUMN_PHYSICAL) {
            if (key_position(create, from->name) >= 0)
                to->type = type_with_nullable(draft->arena, to->type, false);
            to->physical = count;
            physical[count++] = (Column){to->name, to->type};
        }
    }
    if (count == 0) {
        error_set(error, ERROR_SYNTAX, "table \"%s\" has no physical columns", draft->name);
        return error_at(error, create->name.place.offset, create->name.place.length);
    }
    def->info.physical = schema_new(draft->arena, physical, count);
    return true;
}

static bool take_primary_key(Draft *draft, Error *error)
{
    const AstCreateTable *create = draft->create;
    TableInfo *info = &draft->def->info;
    uint32_t *key = arena_new_array(draft->arena, uint32_t, create->primary_key_count + 1);
    for (uint32_t i = 0; i < create->primary_key_count; i++) {
        int32_t column = schema_find(info->physical, create->primary_key[i]);
        if (column < 0) {
            const char **names =
                arena_new_array(draft->arena, const char *, info->physical->column_count + 1);
            for (uint32_t c = 0; c < info->physical->column_count; c++)
                names[c] = info->physical->columns[c].name;
            const char *near =
                str_nearest(create->primary_key[i], names, info->physical->column_count);
            error_set(error, ERROR_NAME,
                      "column \"%s\" of the primary key is no physical column of the table",
                      create->primary_key[i]);
            if (near != NULL)
                error_hint(error, "Did you mean \"%s\"?", near);
            return error_at(error, create->primary_key_place.offset,
                            create->primary_key_place.length);
        }
        key[i] = (uint32_t)column;
        for (uint32_t j = 0; j < i; j++) {
            if (key[j] != key[i])
                continue;
            error_set(error, ERROR_NAME, "column \"%s\" stands twice in the primary key",
                      create->primary_key[i]);
            return error_at(error, create->primary_key_place.offset,
                            create->primary_key_place.length);
        }
    }
    info->primary_key = key;
    info->primary_key_count = create->primary_key_count;
    if (create->constraint_name != NULL)
        draft->def->constraint_name = arena_strdup(draft->arena, create->constraint_name);
    return true;
}

/* Values that are the names of folders: what reads back as it was written. */
static bool names_folder(const Type *type)
{
    switch (type->kind) {
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DATE:
        return true;
    default:
        return false;
    }
}

static bool take_partition(Draft *draft, Error *error)
{
    const AstCreateTable *create = draft->create;
    TableInfo *info = &draft->def->info;
    uint32_t *columns = arena_new_array(draft->arena, uint32_t, create->partitioned_count + 1);
    for (uint32_t i = 0; i < create->partitioned_count; i++) {
        const char *name = create->partitioned_by[i];
        int32_t column = schema_find(info->physical, name);
        bool twice = false;
        for (uint32_t before = 0; before < i; before++)
            twice = twice || columns[before] == (uint32_t)column;
        if (column < 0)
            error_set(error, ERROR_NAME,
                      "column \"%s\" of PARTITIONED BY is no physical column of the table", name);
        else if (twice)
            error_set(error, ERROR_NAME, "column \"%s\" stands twice in PARTITIONED BY", name);
        else if (!names_folder(info->physical->columns[column].type))
            error_set(error, ERROR_TYPE, "column \"%s\" of type %s cannot be one of PARTITIONED BY",
                      name, type_text(draft->arena, info->physical->columns[column].type));
        else {
            columns[i] = (uint32_t)column;
            continue;
        }
        return error_at(error, create->name.place.offset, create->name.place.length);
    }
    info->partition = columns;
    info->partition_count = create->partitioned_count;
    if (create->partitioned_count == 0 || create->partitioned_count < info->physical->column_count)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "all columns are in PARTITIONED BY; one must not be");
    return error_at(error, create->name.place.offset, create->name.place.length);
}

/* A connector that keeps rows in one place would not do what was declared. */
static bool check_partition(const Draft *draft, Error *error)
{
    const Connector *connector = draft->def->connector;
    if (draft->create->partitioned_count == 0 || connector->takes_partitions)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "connector \"%s\" takes no PARTITIONED BY",
              connector->name);
    error_hint(error, "Leave it out; the filesystem connector takes it.");
    return error_at(error, draft->create->name.place.offset, draft->create->name.place.length);
}

static bool take_metadata(Draft *draft, Error *error)
{
    const Connector *connector = draft->def->connector;
    for (uint32_t i = 0; i < draft->def->column_count; i++) {
        TableColumn *column = &draft->def->columns[i];
        if (column->kind != AST_COLUMN_METADATA)
            continue;
        const char *key = column->metadata_key != NULL ? column->metadata_key : column->name;
        const char *names[128];
        uint32_t count = 0;
        bool found = false;
        for (; connector->metadata != NULL && connector->metadata[count].key != NULL &&
               count < array_count(names);
             count++) {
            names[count] = connector->metadata[count].key;
            if (strcmp(names[count], key) != 0)
                continue;
            column->metadata = count;
            found = true;
            break;
        }
        if (found && cast_is_implicit(connector->metadata[count].type, column->type))
            continue;
        FunctionSite site = {NULL, NULL, 0, draft->config->zone, draft->arena, NULL};
        BoundFunction cast;
        if (found && (type_equal_ignoring_null(connector->metadata[count].type, column->type) ||
                      cast_bind(connector->metadata[count].type, column->type, CAST_EXPLICIT, &site,
                                &cast, error)))
            continue;
        AstPlace place = draft->create->columns[i].place;
        if (found)
            return error_at(error, place.offset, place.length);
        error_set(error, ERROR_NAME, "connector \"%s\" has no metadata \"%s\"", connector->name,
                  key);
        const char *near = str_nearest(key, names, count);
        Buffer list = {0};
        names_print(names, count, &list);
        if (near != NULL)
            error_hint(error, "Did you mean METADATA FROM '%s'?", near);
        else
            error_hint(error, "It has %s.", count == 0 ? "none" : buffer_text(&list));
        buffer_deinit(&list);
        return error_at(error, place.offset, place.length);
    }
    return true;
}

/* ---------------------------------------------- computed columns, watermark */

/* Columns by number in the table: what expressions of the table are bound over. */
static Scope table_scope(const Draft *draft, bool with_computed)
{
    const TableDef *def = draft->def;
    Scope scope = {arena_new_array(draft->arena, ScopeColumn, def->column_count + 1), 0};
    for (uint32_t i = 0; i < def->column_count; i++) {
        const TableColumn *column = &def->columns[i];
        if (column->kind == AST_COLUMN_COMPUTED && (!with_computed || column->type == NULL))
            continue;
        scope.columns[scope.count++] =
            (ScopeColumn){.name = column->name,
                          .expr = expr_column(draft->arena, i, column->type, (AstPlace){-1, 0})};
    }
    return scope;
}

static bool type_computed(Draft *draft, Binder *binder, Error *error)
{
    Scope scope = table_scope(draft, false);
    for (uint32_t i = 0; i < draft->def->column_count; i++) {
        TableColumn *column = &draft->def->columns[i];
        if (column->kind != AST_COLUMN_COMPUTED)
            continue;
        const Expr *expr = bind_table_expr(binder, &scope, draft->create->columns[i].expr,
                                           "a computed column", error);
        if (expr == NULL)
            return false;
        column->type = type_copy(draft->arena, expr->type);
    }
    return true;
}

static bool wrong_rowtime(const Draft *draft, const char *what, const Type *type, Error *error)
{
    AstPlace place = draft->create->watermark_place;
    error_set(error, ERROR_TYPE,
              "%s must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p up to 3, not %s", what,
              type_text(draft->arena, type));
    error_hint(error, "Declare the column TIMESTAMP(3) or add a computed column with a CAST.");
    return error_at(error, place.offset, place.length);
}

/* The watermark's value says how far the column's time has come, so both are of one kind. */
static bool check_watermark(const Draft *draft, Binder *binder, const Type *rowtime, Error *error)
{
    const AstCreateTable *create = draft->create;
    AstPlace place = create->watermark_place;
    if (watermark_is_from_source(create->watermark)) {
        const Connector *connector = draft->def->connector;
        if (connector->gives_watermarks)
            return true;
        error_set(error, ERROR_UNSUPPORTED, "connector \"%s\" gives no watermarks of its own",
                  connector->name);
        error_hint(error, "Say how late rows may be: WATERMARK FOR %s AS %s - INTERVAL '5' SECOND.",
                   create->watermark_column, create->watermark_column);
        return error_at(error, place.offset, place.length);
    }
    Scope scope = table_scope(draft, true);
    const Expr *expr = bind_table_expr(binder, &scope, create->watermark, "WATERMARK", error);
    if (expr == NULL)
        return false;
    if (!type_is_timestamp(expr->type) || expr->type->precision > 3)
        return wrong_rowtime(draft, "the expression of WATERMARK", expr->type, error);
    if (expr->type->kind == rowtime->kind)
        return true;
    error_set(error, ERROR_TYPE, "the expression of WATERMARK is %s, its column is %s",
              type_text(draft->arena, expr->type), type_text(draft->arena, rowtime));
    error_hint(error, "Make both TIMESTAMP(3) or both TIMESTAMP_LTZ(3).");
    return error_at(error, place.offset, place.length);
}

/* Options about watermarks say nothing where there are none. */
static bool refuse_watermark_options(const Draft *draft, Error *error)
{
    const Options *options = &draft->create->options;
    for (uint32_t i = 0; i < options->count; i++) {
        const Option *option = &options->items[i];
        if (strncmp(option->key, "scan.watermark.", 15) != 0)
            continue;
        error_set(error, ERROR_OPTION, "option \"%s\" needs a WATERMARK", option->key);
        error_hint(error, "Add WATERMARK FOR column AS column - INTERVAL '5' SECOND to the "
                          "columns, or leave the option out.");
        return option_error_at_key(option, error);
    }
    return true;
}

static bool take_watermark(Draft *draft, Binder *binder, Error *error)
{
    const AstCreateTable *create = draft->create;
    TableDef *def = draft->def;
    def->watermark_column = -1;
    if (create->watermark_column == NULL)
        return refuse_watermark_options(draft, error);
    for (uint32_t i = 0; i < def->column_count; i++)
        if (strcmp(def->columns[i].name, create->watermark_column) == 0)
            def->watermark_column = (int32_t)i;
    if (def->watermark_column < 0) {
        const char **names = arena_new_array(draft->arena, const char *, def->column_count + 1);
        for (uint32_t i = 0; i < def->column_count; i++)
            names[i] = def->columns[i].name;
        const char *near = str_nearest(create->watermark_column, names, def->column_count);
        error_set(error, ERROR_NAME, "column \"%s\" of WATERMARK does not exist",
                  create->watermark_column);
        if (near != NULL)
            error_hint(error, "Did you mean \"%s\"?", near);
        return error_at(error, create->watermark_place.offset, create->watermark_place.length);
    }
    const Type *type = def->columns[def->watermark_column].type;
    if (!type_is_timestamp(type) || type->precision > 3)
        return wrong_rowtime(
            draft, arena_printf(draft->arena, "WATERMARK column \"%s\"", create->watermark_column),
            type, error);
    if (!check_watermark(draft, binder, type, error) ||
        !watermark_check_options(&create->options, error))
        return false;
    def->watermark = ast_copy_expr(draft->arena, create->watermark);
    def->watermark_text = expression_text(draft, create->watermark_text);
    return true;
}

/* ------------------------------------------------------------------- options */

/* What a format cannot do in one direction only is refused when the table is used in it. */
static bool check_format(const Draft *draft, Error *error)
{
    const TableInfo *info = &draft->def->info;
    Error writing;
    error_clear(&writing);
    return table_check_format(info, draft->config->zone, true, &writing) ||
           table_check_format(info, draft->config->zone, false, error);
}

static bool take_options(Draft *draft, Error *error)
{
    const AstCreateTable *create = draft->create;
    TableInfo *info = &draft->def->info;
    info->name = draft->name;
    info->options = options_copy(draft->arena, &create->options);
    return table_check_options(info->options, draft->name, create->name.place,
                               &draft->def->connector, &info->format, error);
}

static bool check_connector(const Draft *draft, Error *error)
{
    const TableDef *def = draft->def;
    AstPlace place = draft->create->name.place;
    if (!check_format(draft, error) ||
        (def->connector->check != NULL && !def->connector->check(&def->info, error)))
        return error_at(error, place.offset, place.length);
    return true;
}

TableDef *table_define(Catalog *catalog, const AstCreateTable *create, const PlannerConfig *config,
                       Arena *arena, Error *error)
{
    Draft draft = {create,
                   config,
                   catalog,
                   arena,
                   arena_new_one(arena, TableDef),
                   arena_strdup(arena, create->name.parts[create->name.part_count - 1])};
    uint32_t visits = 0;
    PlannerContext context = {arena, config, {arena, config->zone, config->functions}, &visits};
    Binder binder = {.context = &context, .catalog = catalog};
    if (!check_names(create, error) || !take_columns(&draft, error) ||
        !take_primary_key(&draft, error) || !take_partition(&draft, error) ||
        !take_options(&draft, error) || !check_partition(&draft, error) ||
        !take_metadata(&draft, error) || !type_computed(&draft, &binder, error) ||
        !take_watermark(&draft, &binder, error) || !check_connector(&draft, error))
        return NULL;
    return draft.def;
}
