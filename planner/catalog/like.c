/* CREATE TABLE … LIKE: a declaration made of another table's and its own.
 *
 * Physical columns are always taken over, in front of the table's own; of the other parts the
 * strategy of LIKE decides. */
#include <string.h>

#include "planner/catalog/internal.h"

typedef struct Merge {
    const AstCreateTable *create; /* the new table's own */
    const AstCreateTable *from;
    AstCreateTable *out;
    Error *error;
} Merge;

static bool twice(const Merge *merge, const char *what, const char *name, AstPlace place,
                  const char *part)
{
    error_set(merge->error, ERROR_NAME, "%s%s%s%s comes from table \"%s\" as well", what,
              name == NULL ? "" : " \"", name == NULL ? "" : name, name == NULL ? "" : "\"",
              merge->create->like.parts[merge->create->like.part_count - 1]);
    if (part != NULL)
        error_hint(merge->error, "Add (%s) behind LIKE and the name.", part);
    return error_at(merge->error, place.offset, place.length);
}

static const AstColumnDef *find_column(const AstCreateTable *create, const char *name)
{
    for (uint32_t i = 0; i < create->column_count; i++)
        if (strcmp(create->columns[i].name, name) == 0)
            return &create->columns[i];
    return NULL;
}

static AstLikeStrategy strategy_of(const Merge *merge, const AstColumnDef *column)
{
    if (column->kind == AST_COLUMN_PHYSICAL)
        return AST_LIKE_INCLUDING;
    return merge->create->like_strategy[column->kind == AST_COLUMN_COMPUTED ? AST_LIKE_GENERATED
                                                                            : AST_LIKE_METADATA];
}

static bool merge_columns(Merge *merge, Arena *arena)
{
    const AstCreateTable *own = merge->create, *from = merge->from;
    AstCreateTable *out = merge->out;
    out->columns = arena_new_array(arena, AstColumnDef, own->column_count + from->column_count + 1);
    out->column_count = 0;
    for (uint32_t i = 0; i < from->column_count; i++) {
        const AstColumnDef *column = &from->columns[i];
        AstLikeStrategy strategy = strategy_of(merge, column);
        const AstColumnDef *other = find_column(own, column->name);
        if (strategy == AST_LIKE_EXCLUDING)
            continue;
        if (other != NULL && (strategy != AST_LIKE_OVERWRITING || other->kind != column->kind))
            return twice(merge, "column", column->name, other->place,
                         column->kind == AST_COLUMN_PHYSICAL   ? NULL
                         : column->kind == AST_COLUMN_COMPUTED ? "OVERWRITING GENERATED"
                                                               : "OVERWRITING METADATA");
        out->columns[out->column_count++] = other != NULL ? *other : *column;
    }
    uint32_t taken = out->column_count;
    for (uint32_t i = 0; i < own->column_count; i++) {
        uint32_t at = 0;
        while (at < taken && strcmp(out->columns[at].name, own->columns[i].name) != 0)
            at++;
        if (at == taken)
            out->columns[out->column_count++] = own->columns[i];
    }
    return true;
}

static bool merge_constraints(Merge *merge)
{
    const AstCreateTable *own = merge->create, *from = merge->from;
    if (from->primary_key_count == 0 ||
        own->like_strategy[AST_LIKE_CONSTRAINTS] == AST_LIKE_EXCLUDING)
        return true;
    if (own->primary_key_count != 0)
        return twice(merge, "the primary key", NULL, own->primary_key_place,
                     "EXCLUDING CONSTRAINTS");
    merge->out->primary_key = from->primary_key;
    merge->out->primary_key_count = from->primary_key_count;
    merge->out->constraint_name = from->constraint_name;
    return true;
}

static bool merge_partitions(Merge *merge)
{
    const AstCreateTable *own = merge->create, *from = merge->from;
    if (from->partitioned_count == 0 ||
        own->like_strategy[AST_LIKE_PARTITIONS] == AST_LIKE_EXCLUDING)
        return true;
    if (own->partitioned_count != 0)
        return twice(merge, "PARTITIONED BY", NULL, own->name.place, "EXCLUDING PARTITIONS");
    merge->out->partitioned_by = from->partitioned_by;
    merge->out->partitioned_count = from->partitioned_count;
    return true;
}

static bool merge_watermarks(Merge *merge)
{
    const AstCreateTable *own = merge->create, *from = merge->from;
    AstLikeStrategy strategy = own->like_strategy[AST_LIKE_WATERMARKS];
    if (from->watermark_column == NULL || strategy == AST_LIKE_EXCLUDING)
        return true;
    if (own->watermark_column != NULL)
        return strategy == AST_LIKE_OVERWRITING ||
               twice(merge, "WATERMARK", NULL, own->watermark_place, "OVERWRITING WATERMARKS");
    merge->out->watermark_column = from->watermark_column;
    merge->out->watermark = from->watermark;
    merge->out->watermark_text = from->watermark_text;
    return true;
}

static bool merge_options(Merge *merge, Arena *arena)
{
    const AstCreateTable *own = merge->create, *from = merge->from;
    AstLikeStrategy strategy = own->like_strategy[AST_LIKE_OPTIONS];
    if (strategy == AST_LIKE_EXCLUDING)
        return true;
    for (uint32_t i = 0; i < own->options.count && strategy == AST_LIKE_INCLUDING; i++) {
        const Option *option = &own->options.items[i];
        if (options_find(&from->options, option->key) != NULL)
            return twice(merge, "option", option->key,
                         (AstPlace){option->sql_offset, option->sql_length}, "OVERWRITING OPTIONS");
    }
    merge->out->options = *options_merge(arena, &from->options, &own->options);
    return true;
}

const AstCreateTable *catalog_like(const Catalog *catalog, const AstCreateTable *create,
                                   Arena *arena, Error *error)
{
    const CatalogEntry *entry = catalog_find(catalog, &create->like, "table", error);
    if (entry == NULL)
        return NULL;
    if (entry->view != NULL) {
        error_set(error, ERROR_UNSUPPORTED, "\"%s\" is a view; LIKE takes a table", entry->name);
        error_at(error, create->like.place.offset, create->like.place.length);
        return NULL;
    }
    AstCreateTable *out = arena_memdup(arena, create, sizeof(*create));
    Merge merge = {create, entry->create, out, error};
    return merge_columns(&merge, arena) && merge_constraints(&merge) && merge_partitions(&merge) &&
                   merge_watermarks(&merge) && merge_options(&merge, arena)
               ? out
               : NULL;
}
