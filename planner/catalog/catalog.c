/* The catalog of a session: names to definitions.
 *
 * There is one database; its names may stand before an object's and are checked. Names are kept in
 * order, so lookups are binary and listings sorted. */
#include "planner/catalog/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "planner/bind/bind.h"

Catalog *catalog_new(void)
{
    return memory_zalloc(sizeof(Catalog));
}

void catalog_free(Catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (uint32_t i = 0; i < catalog->count; i++)
        arena_free(catalog->entries[i]->arena);
    memory_free(catalog->entries);
    memory_free(catalog);
}

/* Where `name` is, or where it would be put. */
static uint32_t catalog_position(const Catalog *catalog, const char *name, bool *found)
{
    uint32_t low = 0, high = catalog->count;
    *found = false;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(catalog->entries[middle]->name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const CatalogEntry *catalog_lookup(const Catalog *catalog, const char *name)
{
    bool found = false;
    uint32_t position = catalog_position(catalog, name, &found);
    return found ? catalog->entries[position] : NULL;
}

const char *catalog_object_name(const AstName *name, Error *error)
{
    const char *database = name->part_count >= 2 ? name->parts[name->part_count - 2] : NULL;
    const char *owner = name->part_count >= 3 ? name->parts[name->part_count - 3] : NULL;
    if (name->part_count > 3) {
        error_set(error, ERROR_NAME, "a name has at most three parts: catalog, database, object");
    } else if (owner != NULL && strcmp(owner, CATALOG_NAME) != 0) {
        error_set(error, ERROR_NAME, "catalog \"%s\" does not exist", owner);
        error_hint(error, "There is one catalog, %s.", CATALOG_NAME);
    } else if (database != NULL && strcmp(database, DATABASE_NAME) != 0) {
        error_set(error, ERROR_NAME, "database \"%s\" does not exist", database);
        error_hint(error, "There is one database, %s.", DATABASE_NAME);
    } else {
        return name->parts[name->part_count - 1];
    }
    error_at(error, name->place.offset, name->place.length);
    return NULL;
}

void names_print(const char *const *names, uint32_t count, Buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i == 40) {
            buffer_printf(out, ", … (%u in all)", count);
            return;
        }
        buffer_printf(out, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
}

const CatalogEntry *catalog_find(const Catalog *catalog, const AstName *name, const char *what,
                                 Error *error)
{
    const char *object = catalog_object_name(name, error);
    if (object == NULL)
        return NULL;
    const CatalogEntry *entry = catalog_lookup(catalog, object);
    if (entry != NULL)
        return entry;
    const char **names = memory_zalloc(sizeof(char *) * (catalog->count + 1));
    for (uint32_t i = 0; i < catalog->count; i++)
        names[i] = catalog->entries[i]->name;
    error_set(error, ERROR_NAME, "%s \"%s\" does not exist", what, object);
    const char *near = str_nearest(object, names, catalog->count);
    if (near != NULL) {
        error_hint(error, "Did you mean \"%s\"?", near);
    } else if (catalog->count == 0) {
        error_hint(error, "No table is declared yet; CREATE TABLE declares one.");
    } else {
        Buffer list = {0};
        names_print(names, catalog->count, &list);
        error_hint(error, "There are: %s.", buffer_text(&list));
        buffer_deinit(&list);
    }
    memory_free(names);
    error_at(error, name->place.offset, name->place.length);
    return NULL;
}

/* ------------------------------------------------------------------- changes */

void catalog_add(Catalog *catalog, CatalogEntry *entry)
{
    bool found = false;
    uint32_t position = catalog_position(catalog, entry->name, &found);
    assert(!found);
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity == 0 ? 16 : catalog->capacity * 2;
        catalog->entries =
            memory_realloc(catalog->entries, sizeof(*catalog->entries) * catalog->capacity);
    }
    memmove(catalog->entries + position + 1, catalog->entries + position,
            sizeof(*catalog->entries) * (catalog->count - position));
    catalog->entries[position] = entry;
    catalog->count++;
}

void catalog_remove(Catalog *catalog, const char *name)
{
    bool found = false;
    uint32_t position = catalog_position(catalog, name, &found);
    assert(found);
    arena_free(catalog->entries[position]->arena);
    memmove(catalog->entries + position, catalog->entries + position + 1,
            sizeof(*catalog->entries) * (catalog->count - position - 1));
    catalog->count--;
}

bool catalog_check_free(const Catalog *catalog, const AstName *name, Error *error)
{
    const char *object = catalog_object_name(name, error);
    const CatalogEntry *entry = object == NULL ? NULL : catalog_lookup(catalog, object);
    if (entry == NULL)
        return object != NULL;
    const char *kind = entry->view != NULL ? "view" : "table";
    error_set(error, ERROR_NAME, "%s \"%s\" exists already", kind, object);
    error_hint(error, "DROP %s it first, or use IF NOT EXISTS.",
               entry->view != NULL ? "VIEW" : "TABLE");
    return error_at(error, name->place.offset, name->place.length);
}

/* Whether the name is free; `*skip`: it is taken, and IF NOT EXISTS says that this is all right. */
static bool check_free(const Catalog *catalog, const AstName *name, bool if_not_exists, bool *skip,
                       Error *error)
{
    const char *object = catalog_object_name(name, error);
    *skip = object != NULL && if_not_exists && catalog_lookup(catalog, object) != NULL;
    return *skip || (object != NULL && catalog_check_free(catalog, name, error));
}

CatalogEntry *catalog_entry_new(const char *name, const char *comment, bool temporary)
{
    Arena *arena = arena_new(4096);
    CatalogEntry *entry = arena_new_one(arena, CatalogEntry);
    entry->arena = arena;
    entry->name = arena_strdup(arena, name);
    entry->comment = comment == NULL ? NULL : arena_strdup(arena, comment);
    entry->temporary = temporary;
    return entry;
}

bool catalog_define_table(Catalog *catalog, CatalogEntry *entry, const AstCreateTable *create,
                          const PlannerConfig *config, Error *error)
{
    entry->table = table_define(catalog, create, config, entry->arena, error);
    entry->create = ast_copy_create_table(entry->arena, create);
    return entry->table != NULL;
}

/* The name's last part; it has been checked. */
static const char *last_part(const AstName *name)
{
    return name->parts[name->part_count - 1];
}

static bool create_table(Catalog *catalog, const AstCreateTable *create,
                         const PlannerConfig *config, Error *error)
{
    bool skip = false;
    if (!check_free(catalog, &create->name, create->if_not_exists, &skip, error))
        return false;
    if (skip)
        return true;
    CatalogEntry *entry =
        catalog_entry_new(last_part(&create->name), create->comment, create->temporary);
    if (create->like.part_count != 0)
        create = catalog_like(catalog, create, entry->arena, error);
    if (create != NULL && create->as_query != NULL)
        create = catalog_as(catalog, create, config, entry->arena, error);
    if (create == NULL || !catalog_define_table(catalog, entry, create, config, error)) {
        arena_free(entry->arena);
        return false;
    }
    catalog_add(catalog, entry);
    return true;
}

/* Binds the view's query once, so that what is wrong with it is said now and not at its first use.
 */
static bool check_view(Catalog *catalog, const AstCreateView *create, const PlannerConfig *config,
                       Error *error)
{
    Arena *arena = arena_new(16384);
    uint32_t visits = 0;
    PlannerContext context = {arena, config, {arena, config->zone, config->functions}, &visits};
    Binder binder = {.context = &context, .catalog = catalog};
    LogicalNode *node = bind_query(&binder, create->query, error);
    bool ok = node != NULL;
    if (ok && create->column_count != 0 && create->column_count != node->schema->column_count) {
        error_set(error, ERROR_NAME, "the view names %u columns, its query has %u",
                  create->column_count, node->schema->column_count);
        ok = error_at(error, create->name.place.offset, create->name.place.length);
    }
    arena_free(arena);
    return ok;
}

void catalog_keep_view(CatalogEntry *entry, const AstCreateView *create)
{
    Arena *arena = entry->arena;
    ViewDef *view = arena_new_one(arena, ViewDef);
    view->query = ast_copy_query(arena, create->query);
    view->query_text = arena_str(arena, str_trim(create->query_text));
    const char **columns = arena_new_array(arena, const char *, create->column_count + 1);
    for (uint32_t i = 0; i < create->column_count; i++)
        columns[i] = arena_strdup(arena, create->columns[i]);
    view->columns = columns;
    view->column_count = create->column_count;
    entry->view = view;
}

bool catalog_define_view(Catalog *catalog, CatalogEntry *entry, const AstCreateView *create,
                         const PlannerConfig *config, Error *error)
{
    if (!check_view(catalog, create, config, error))
        return false;
    catalog_keep_view(entry, create);
    return true;
}

static bool create_view(Catalog *catalog, const AstCreateView *create, const PlannerConfig *config,
                        Error *error)
{
    bool skip = false;
    if (!check_free(catalog, &create->name, create->if_not_exists, &skip, error))
        return false;
    if (skip)
        return true;
    CatalogEntry *entry =
        catalog_entry_new(last_part(&create->name), create->comment, create->temporary);
    if (!catalog_define_view(catalog, entry, create, config, error)) {
        arena_free(entry->arena);
        return false;
    }
    catalog_add(catalog, entry);
    return true;
}

static bool drop(Catalog *catalog, const AstStatement *statement, Error *error)
{
    bool is_view = strcmp(statement->object, "VIEW") == 0;
    if (!is_view && strcmp(statement->object, "TABLE") != 0) {
        error_set(error, ERROR_UNSUPPORTED, "DROP %s is not supported yet", statement->object);
        error_hint(error, "DROP TABLE and DROP VIEW are.");
        return error_at(error, statement->place.offset, statement->place.length);
    }
    const char *object = catalog_object_name(&statement->name, error);
    if (object == NULL)
        return false;
    if (statement->if_exists && catalog_lookup(catalog, object) == NULL)
        return true;
    const CatalogEntry *entry =
        catalog_find(catalog, &statement->name, is_view ? "view" : "table", error);
    if (entry == NULL)
        return false;
    if ((entry->view != NULL) != is_view) {
        error_set(error, ERROR_NAME, "\"%s\" is a %s", object, is_view ? "table" : "view");
        error_hint(error, "Use DROP %s.", is_view ? "TABLE" : "VIEW");
        return error_at(error, statement->name.place.offset, statement->name.place.length);
    }
    catalog_remove(catalog, object);
    return true;
}

bool catalog_check_owner(const AstName *name, bool is_catalog, Error *error)
{
    const char *last = name->parts[name->part_count - 1];
    const char *only = is_catalog ? CATALOG_NAME : DATABASE_NAME;
    bool owner_fits =
        name->part_count < 2 || strcmp(name->parts[name->part_count - 2], CATALOG_NAME) == 0;
    if (strcmp(last, only) == 0 && owner_fits)
        return true;
    error_set(error, ERROR_NAME, "%s \"%s\" does not exist", is_catalog ? "catalog" : "database",
              owner_fits ? last : name->parts[name->part_count - 2]);
    error_hint(error, "There is one, %s.", only);
    return error_at(error, name->place.offset, name->place.length);
}

bool catalog_apply(Catalog *catalog, const AstStatement *statement, Str script,
                   const PlannerConfig *config, Error *error)
{
    switch (statement->kind) {
    case AST_STATEMENT_CREATE_TABLE:
        return create_table(catalog, statement->create_table, config, error);
    case AST_STATEMENT_CREATE_VIEW:
        return create_view(catalog, statement->create_view, config, error);
    case AST_STATEMENT_ALTER:
        return catalog_alter(catalog, statement, config, error);
    case AST_STATEMENT_DROP:
        return drop(catalog, statement, error);
    case AST_STATEMENT_USE:
        return catalog_check_owner(&statement->name, strcmp(statement->object, "CATALOG") == 0,
                                   error);
    default:
        return error_set(error, ERROR_INTERNAL, "the statement does not change the catalog");
    }
}

uint32_t catalog_names(const Catalog *catalog, const char *kind, Arena *arena,
                       const char *const **names)
{
    bool views_only = strcmp(kind, "VIEWS") == 0;
    const char **found = arena_new_array(arena, const char *, catalog->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalog->count; i++)
        if (!views_only || catalog->entries[i]->view != NULL)
            found[count++] = arena_strdup(arena, catalog->entries[i]->name);
    *names = found;
    return count;
}

const Schema *catalog_table_schema(Catalog *catalog, const char *name, Arena *arena, Error *error)
{
    AstName parts = {.part_count = 1, .parts = {name}, .place = {-1, 0}};
    const CatalogEntry *entry = catalog_find(catalog, &parts, "table", error);
    if (entry == NULL)
        return NULL;
    if (entry->table == NULL) {
        error_set(error, ERROR_NAME, "\"%s\" is a view", name);
        return NULL;
    }
    return schema_copy(arena, entry->table->info.physical);
}
