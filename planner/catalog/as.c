/* CREATE TABLE … AS SELECT: the table has the columns of its query.
 *
 * Columns that are declared as well come first, unless the query has a column of that name: then
 * the declared type counts, in the query's place. A list of names alone orders the query's columns.
 */
#include <string.h>

#include "planner/bind/bind.h"

static const AstColumnDef *declared(const AstCreateTable *create, const char *name)
{
    for (uint32_t i = 0; i < create->column_count; i++)
        if (strcmp(create->columns[i].name, name) == 0)
            return &create->columns[i];
    return NULL;
}

static bool only_names(const AstCreateTable *create)
{
    for (uint32_t i = 0; i < create->column_count; i++)
        if (create->columns[i].kind != AST_COLUMN_PHYSICAL || create->columns[i].type != NULL)
            return false;
    return create->column_count != 0;
}

static bool column_of(const AstCreateTable *create, const Schema *query, const char *name,
                      AstColumnDef *out, Arena *arena, Error *error)
{
    int32_t at = schema_find(query, name);
    const AstColumnDef *own = declared(create, name);
    AstPlace place = own == NULL ? create->as_query->place : own->place;
    if (at < 0) {
        error_set(error, ERROR_NAME, "the query has no column \"%s\"", name);
        error_hint(error, "Give it a type, or name a column of the query.");
        return error_at(error, place.offset, place.length);
    }
    const Type *type = query->columns[at].type;
    if (own != NULL && own->type != NULL) {
        *out = *own;
        return true;
    }
    if (type->kind == TYPE_NULL) {
        error_set(error, ERROR_TYPE, "column \"%s\" of the query has no type", name);
        error_hint(error, "Write CAST(NULL AS …).");
        return error_at(error, place.offset, place.length);
    }
    *out = (AstColumnDef){.name = arena_strdup(arena, name),
                          .type = type_copy(arena, type),
                          .comment = own == NULL ? NULL : own->comment,
                          .place = place};
    return true;
}

static bool list_columns(const AstCreateTable *create, const Schema *query, AstCreateTable *out,
                         Arena *arena, Error *error)
{
    uint32_t count = 0;
    out->columns =
        arena_new_array(arena, AstColumnDef, create->column_count + query->column_count + 1);
    if (only_names(create)) {
        if (create->column_count != query->column_count) {
            error_set(error, ERROR_NAME, "%u columns are named, the query has %u",
                      create->column_count, query->column_count);
            return error_at(error, create->name.place.offset, create->name.place.length);
        }
        for (; count < create->column_count; count++)
            if (!column_of(create, query, create->columns[count].name, &out->columns[count], arena,
                           error))
                return false;
        out->column_count = count;
        return true;
    }
    for (uint32_t i = 0; i < create->column_count; i++) {
        const AstColumnDef *own = &create->columns[i];
        bool from_query = schema_find(query, own->name) >= 0;
        if (from_query && own->kind == AST_COLUMN_PHYSICAL)
            continue;
        if (from_query || (own->kind == AST_COLUMN_PHYSICAL && own->type == NULL)) {
            error_set(error, ERROR_NAME,
                      from_query ? "column \"%s\" is computed, so the query cannot give it"
                                 : "column \"%s\" has no type and is none of the query's",
                      own->name);
            return error_at(error, own->place.offset, own->place.length);
        }
        out->columns[count++] = *own;
    }
    for (uint32_t c = 0; c < query->column_count; c++)
        if (!column_of(create, query, query->columns[c].name, &out->columns[count++], arena, error))
            return false;
    out->column_count = count;
    return true;
}

static LogicalNode *bind_rows(Catalog *catalog, const AstQuery *query, const PlannerConfig *config,
                              Arena *arena, Error *error)
{
    uint32_t *visits = arena_new_one(arena, uint32_t);
    PlannerContext *context = arena_new_one(arena, PlannerContext);
    *context = (PlannerContext){arena, config, {arena, config->zone, config->functions}, visits};
    Binder binder = {.context = context, .catalog = catalog};
    return bind_query(&binder, query, error);
}

const AstCreateTable *catalog_as(Catalog *catalog, const AstCreateTable *create,
                                 const PlannerConfig *config, Arena *arena, Error *error)
{
    Arena *scratch = arena_new(16384);
    LogicalNode *node = bind_rows(catalog, create->as_query, config, scratch, error);
    AstCreateTable *out = NULL;
    if (node != NULL) {
        out = arena_memdup(arena, create, sizeof(*create));
        if (!list_columns(create, node->schema, out, arena, error))
            out = NULL;
    }
    arena_free(scratch);
    return out;
}

bool catalog_create_as(Catalog *catalog, const AstStatement *statement, Str script,
                       const PlannerConfig *config, Arena *arena, const AstStatement **insert,
                       Error *error)
{
    const AstCreateTable *create = statement->create_table;
    const char *name = catalog_object_name(&create->name, error);
    *insert = NULL;
    if (name == NULL)
        return false;
    bool is_there = catalog_lookup(catalog, name) != NULL;
    if (!catalog_apply(catalog, statement, script, config, error))
        return false;
    if (is_there)
        return true; /* IF NOT EXISTS */
    LogicalNode *node = bind_rows(catalog, create->as_query, config, arena, error);
    if (node == NULL)
        return false;
    const char **columns = arena_new_array(arena, const char *, node->schema->column_count + 1);
    for (uint32_t i = 0; i < node->schema->column_count; i++)
        columns[i] = node->schema->columns[i].name;
    AstInsert *one = arena_new_one(arena, AstInsert);
    *one = (AstInsert){.table = create->name,
                       .columns = columns,
                       .column_count = node->schema->column_count,
                       .query = create->as_query,
                       .place = statement->place};
    AstStatement *made = arena_new_one(arena, AstStatement);
    *made = (AstStatement){
        .kind = AST_STATEMENT_INSERT, .place = statement->place, .inserts = one, .insert_count = 1};
    *insert = made;
    return true;
}

void catalog_undo_create(Catalog *catalog, const AstStatement *statement)
{
    const AstName *name = &statement->create_table->name;
    catalog_remove(catalog, name->parts[name->part_count - 1]);
}
