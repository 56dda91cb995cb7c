/* ALTER TABLE and ALTER VIEW: the declaration is changed and defined anew, so that what CREATE
 * would refuse ALTER refuses, too. Running jobs keep what they were started with. */
#include <string.h>

#include "core/str.h"
#include "planner/catalog/internal.h"

typedef struct Alter {
    const AstStatement *statement;
    const AstAlter *alter;
    AstCreateTable *table; /* the declaration being changed */
    Arena *arena;
    Error *error;
} Alter;

/* The declaration's own texts have no place in the statement: it stands for them. */
static bool fail(const Alter *now)
{
    return error_at(now->error, now->statement->place.offset, now->statement->place.length);
}

static int32_t column_at(const AstCreateTable *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static int32_t need_column(const Alter *now, const char *name)
{
    int32_t at = column_at(now->table, name);
    if (at >= 0)
        return at;
    const char **names = arena_new_array(now->arena, const char *, now->table->column_count + 1);
    for (uint32_t i = 0; i < now->table->column_count; i++)
        names[i] = now->table->columns[i].name;
    error_set(now->error, ERROR_NAME, "column \"%s\" does not exist in table \"%s\"", name,
              now->table->name.parts[now->table->name.part_count - 1]);
    const char *near = str_nearest(name, names, now->table->column_count);
    if (near != NULL)
        error_hint(now->error, "Did you mean \"%s\"?", near);
    fail(now);
    return -1;
}

static bool is_in(const char *const *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* What a column that goes, or changes its name, must not be. */
static bool check_unused(const Alter *now, const char *name, bool renames)
{
    const AstCreateTable *table = now->table;
    const char *role = NULL;
    if (table->watermark_column != NULL && strcmp(table->watermark_column, name) == 0)
        role = "the column of WATERMARK";
    else if (!renames && is_in(table->primary_key, table->primary_key_count, name))
        role = "a column of the primary key";
    else if (!renames && is_in(table->partitioned_by, table->partitioned_count, name))
        role = "a column of PARTITIONED BY";
    if (role == NULL)
        return true;
    error_set(now->error, ERROR_UNSUPPORTED, "column \"%s\" is %s", name, role);
    error_hint(now->error, "Drop or change that first.");
    return fail(now);
}

/* -------------------------------------------------------------------- columns */

static void put_column(Alter *now, uint32_t at, const AstColumnDef *column)
{
    AstCreateTable *table = now->table;
    AstColumnDef *columns = arena_new_array(now->arena, AstColumnDef, table->column_count + 2);
    memcpy(columns, table->columns, sizeof(*columns) * at);
    columns[at] = *column;
    memcpy(columns + at + 1, table->columns + at, sizeof(*columns) * (table->column_count - at));
    table->columns = columns;
    table->column_count++;
}

static void take_column(Alter *now, uint32_t at)
{
    AstCreateTable *table = now->table;
    memmove(table->columns + at, table->columns + at + 1,
            sizeof(*table->columns) * (table->column_count - at - 1));
    table->column_count--;
}

/* Where the column says it goes; else `at`. */
static bool place_column(Alter *now, const AstColumnDef *column, uint32_t at)
{
    if (column->is_first)
        at = 0;
    if (column->after != NULL) {
        int32_t after = need_column(now, column->after);
        if (after < 0)
            return false;
        at = (uint32_t)after + 1;
    }
    put_column(now, at, column);
    return true;
}

static bool add_columns(Alter *now)
{
    const AstCreateTable *changed = now->alter->changed;
    for (uint32_t i = 0; i < changed->column_count; i++) {
        const AstColumnDef *column = &changed->columns[i];
        if (column_at(now->table, column->name) >= 0) {
            error_set(now->error, ERROR_NAME, "column \"%s\" exists already", column->name);
            error_hint(now->error, "ALTER TABLE … MODIFY changes it.");
            return error_at(now->error, column->place.offset, column->place.length);
        }
        if (!place_column(now, column, now->table->column_count))
            return false;
    }
    return true;
}

static bool modify_columns(Alter *now)
{
    const AstCreateTable *changed = now->alter->changed;
    for (uint32_t i = 0; i < changed->column_count; i++) {
        int32_t at = need_column(now, changed->columns[i].name);
        if (at < 0)
            return false;
        take_column(now, (uint32_t)at);
        if (!place_column(now, &changed->columns[i], (uint32_t)at))
            return false;
    }
    return true;
}

/* Primary key and watermark of ADD, which must not be there, or MODIFY, which must. */
static bool change_rest(Alter *now, bool adds)
{
    const AstCreateTable *changed = now->alter->changed;
    AstCreateTable *table = now->table;
    const char *what = NULL;
    if (changed->primary_key_count != 0 && (table->primary_key_count == 0) != adds)
        what = "primary key";
    if (changed->watermark_column != NULL && (table->watermark_column == NULL) != adds)
        what = "watermark";
    if (what != NULL) {
        error_set(now->error, ERROR_NAME,
                  adds ? "the table has a %s already" : "the table has no %s", what);
        error_hint(now->error, "Use %s.", adds ? "MODIFY" : "ADD");
        return fail(now);
    }
    if (changed->primary_key_count != 0) {
        table->primary_key = changed->primary_key;
        table->primary_key_count = changed->primary_key_count;
        table->primary_key_place = changed->primary_key_place;
        table->constraint_name = changed->constraint_name;
    }
    if (changed->watermark_column != NULL) {
        table->watermark_column = changed->watermark_column;
        table->watermark = changed->watermark;
        table->watermark_text = changed->watermark_text;
        table->watermark_place = changed->watermark_place;
    }
    return true;
}

static bool drop_columns(Alter *now)
{
    for (uint32_t i = 0; i < now->alter->name_count; i++) {
        int32_t at = need_column(now, now->alter->names[i]);
        if (at < 0 || !check_unused(now, now->alter->names[i], false))
            return false;
        take_column(now, (uint32_t)at);
    }
    return true;
}

static void rename_in(const char *const *names, uint32_t count, const char *from, const char *to)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], from) == 0)
            ((const char **)names)[i] = to; /* of the copy */
}

static bool rename_column(Alter *now)
{
    const char *from = now->alter->names[0], *to = now->alter->names[1];
    int32_t at = need_column(now, from);
    if (at < 0 || !check_unused(now, from, true))
        return false;
    now->table->columns[at].name = to;
    rename_in(now->table->primary_key, now->table->primary_key_count, from, to);
    rename_in(now->table->partitioned_by, now->table->partitioned_count, from, to);
    return true;
}

/* ----------------------------------------------------------------- other parts */

static bool drop_key(Alter *now)
{
    AstCreateTable *table = now->table;
    const char *given = now->alter->name_count == 0 ? NULL : now->alter->names[0];
    bool same = given == NULL ||
                (table->constraint_name != NULL && strcmp(table->constraint_name, given) == 0);
    if (table->primary_key_count == 0 || !same) {
        error_set(now->error, ERROR_NAME,
                  same ? "the table has no primary key" : "the table has no constraint \"%s\"",
                  given);
        return fail(now);
    }
    table->primary_key_count = 0;
    table->constraint_name = NULL;
    return true;
}

static bool drop_watermark(Alter *now)
{
    if (now->table->watermark_column == NULL) {
        error_set(now->error, ERROR_NAME, "the table has no watermark");
        return fail(now);
    }
    now->table->watermark_column = NULL;
    now->table->watermark = NULL;
    return true;
}

static bool reset_options(Alter *now)
{
    Option *kept = arena_new_array(now->arena, Option, now->table->options.count + 1);
    uint32_t count = 0;
    if (is_in(now->alter->names, now->alter->name_count, "connector")) {
        error_set(now->error, ERROR_OPTION, "a table keeps its connector");
        error_hint(now->error, "DROP TABLE, then CREATE TABLE with the other one.");
        return fail(now);
    }
    for (uint32_t i = 0; i < now->table->options.count; i++)
        if (!is_in(now->alter->names, now->alter->name_count, now->table->options.items[i].key))
            kept[count++] = now->table->options.items[i];
    now->table->options = (Options){count, kept};
    return true;
}

static bool change(Alter *now)
{
    switch (now->alter->kind) {
    case AST_ALTER_SET:
        now->table->options =
            *options_merge(now->arena, &now->table->options, &now->alter->changed->options);
        return true;
    case AST_ALTER_RESET:
        return reset_options(now);
    case AST_ALTER_ADD:
        return add_columns(now) && change_rest(now, true);
    case AST_ALTER_MODIFY:
        return modify_columns(now) && change_rest(now, false);
    case AST_ALTER_DROP_COLUMNS:
        return drop_columns(now);
    case AST_ALTER_DROP_KEY:
        return drop_key(now);
    case AST_ALTER_DROP_WATERMARK:
        return drop_watermark(now);
    case AST_ALTER_RENAME_COLUMN:
        return rename_column(now);
    default:
        return true; /* RENAME TO: the name is the entry's */
    }
}

static bool alter_table(Catalog *catalog, Alter *now, const CatalogEntry *entry,
                        CatalogEntry *changed, const PlannerConfig *config)
{
    now->table = (AstCreateTable *)ast_copy_create_table(now->arena, entry->create);
    now->table->name =
        (AstName){.part_count = 1, .parts = {changed->name}, .place = now->statement->place};
    if (!change(now))
        return false;
    bool renames =
        now->alter->kind == AST_ALTER_RENAME_COLUMN || now->alter->kind == AST_ALTER_DROP_COLUMNS;
    if (catalog_define_table(catalog, changed, now->table, config, now->error))
        return true;
    AstPlace place = now->statement->place;
    bool is_own = now->error->sql_offset >= place.offset &&
                  now->error->sql_offset < place.offset + place.length;
    if (renames || !is_own)
        now->error->sql_offset = -1; /* a place in the text of CREATE TABLE */
    if (renames)
        error_detail(now->error, "A computed column or the watermark may still use the old name.");
    return fail(now);
}

/* A view that is only renamed is not looked at: what it reads may be gone by now. */
static bool alter_view(Catalog *catalog, const Alter *now, const CatalogEntry *entry,
                       CatalogEntry *changed, const PlannerConfig *config)
{
    if (now->alter->kind == AST_ALTER_QUERY)
        return catalog_define_view(catalog, changed, now->alter->view, config, now->error);
    AstCreateView view = {.columns = entry->view->columns,
                          .column_count = entry->view->column_count,
                          .query = (AstQuery *)entry->view->query,
                          .query_text = str_of(entry->view->query_text)};
    catalog_keep_view(changed, &view);
    return true;
}

bool catalog_alter(Catalog *catalog, const AstStatement *statement, const PlannerConfig *config,
                   Error *error)
{
    const AstAlter *alter = statement->alter;
    const char *object = catalog_object_name(&alter->name, error);
    if (object == NULL)
        return false;
    if (alter->if_exists && catalog_lookup(catalog, object) == NULL)
        return true;
    const CatalogEntry *entry =
        catalog_find(catalog, &alter->name, alter->is_view ? "view" : "table", error);
    if (entry == NULL)
        return false;
    if ((entry->view != NULL) != alter->is_view) {
        error_set(error, ERROR_NAME, "\"%s\" is a %s", object, alter->is_view ? "table" : "view");
        error_hint(error, "Use ALTER %s.", alter->is_view ? "TABLE" : "VIEW");
        return error_at(error, alter->name.place.offset, alter->name.place.length);
    }
    const char *name = object;
    if (alter->kind == AST_ALTER_RENAME) {
        if (!catalog_check_free(catalog, &alter->to, error))
            return false;
        name = alter->to.parts[alter->to.part_count - 1];
    }
    CatalogEntry *changed = catalog_entry_new(name, entry->comment, entry->temporary);
    Alter now = {statement, alter, NULL, changed->arena, error};
    bool ok = alter->is_view ? alter_view(catalog, &now, entry, changed, config)
                             : alter_table(catalog, &now, entry, changed, config);
    if (!ok) {
        arena_free(changed->arena);
        return false;
    }
    catalog_remove(catalog, object);
    catalog_add(catalog, changed);
    return true;
}
