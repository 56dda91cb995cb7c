/* What a catalog keeps: definitions of tables and views, each in an arena of its own.
 *
 * Invariant: a definition is immutable; DROP takes it out and frees it. Whatever a plan keeps of it
 * is copied, so only planning itself may hold a pointer to a definition. */
#ifndef PLANNER_CATALOG_INTERNAL_H
#define PLANNER_CATALOG_INTERNAL_H

#include "planner/planner.h"

typedef struct TableColumn {
    AstColumnKind kind;
    const char *name;
    const Type *type;
    const AstExpr *expr; /* COMPUTED */
    const char *expr_text;
    uint32_t physical;        /* PHYSICAL: position in the physical schema */
    uint32_t metadata;        /* METADATA: position in the connector's metadata */
    const char *metadata_key; /* as declared; NULL: the column's name */
    bool is_virtual;
    const char *comment;
} TableColumn;

typedef struct TableDef {
    TableColumn *columns;
    uint32_t column_count;
    const Connector *connector;
    TableInfo info;
    const char *constraint_name;
    int32_t watermark_column; /* -1: none */
    const AstExpr *watermark;
    const char *watermark_text;
} TableDef;

typedef struct ViewDef {
    const AstQuery *query;
    const char *query_text;
    const char *const *columns; /* NULL: the query's */
    uint32_t column_count;
} ViewDef;

typedef struct CatalogEntry {
    Arena *arena;
    const char *name;
    const char *comment;
    bool temporary;
    const TableDef *table; /* one of the two */
    const ViewDef *view;
    const AstCreateTable *create; /* what the table was made from, LIKE and AS SELECT resolved */
} CatalogEntry;

struct Catalog {
    CatalogEntry **entries; /* by name, ascending */
    uint32_t count;
    uint32_t capacity;
};

/* The one database there is; its names are accepted as qualifiers. */
#define CATALOG_NAME  "default_catalog"
#define DATABASE_NAME "default_database"

/* The object of that name, or NULL without an error. */
const CatalogEntry *catalog_lookup(const Catalog *catalog, const char *name);
/* The object that the name means; NULL with an error that names the nearest. `what`: "table",
 * "view". */
const CatalogEntry *catalog_find(const Catalog *catalog, const AstName *name, const char *what,
                                 Error *error);

/* catalog/catalog.c: what the files that change the catalog share. */
CatalogEntry *catalog_entry_new(const char *name, const char *comment, bool temporary);
void catalog_add(Catalog *catalog, CatalogEntry *entry);
void catalog_remove(Catalog *catalog, const char *name);
/* An error when the name is taken. */
bool catalog_check_free(const Catalog *catalog, const AstName *name, Error *error) MUST_CHECK;
/* The entry's definition from a CREATE TABLE that has neither LIKE nor AS SELECT. */
bool catalog_define_table(Catalog *catalog, CatalogEntry *entry, const AstCreateTable *create,
                          const PlannerConfig *config, Error *error) MUST_CHECK;
/* The view's definition as it is. */
void catalog_keep_view(CatalogEntry *entry, const AstCreateView *create);
/* The same, once its query has been bound for what is wrong with it. */
bool catalog_define_view(Catalog *catalog, CatalogEntry *entry, const AstCreateView *create,
                         const PlannerConfig *config, Error *error) MUST_CHECK;

/* catalog/alter.c */
bool catalog_alter(Catalog *catalog, const AstStatement *statement, const PlannerConfig *config,
                   Error *error) MUST_CHECK;
/* catalog/like.c: CREATE TABLE with what LIKE takes from the other table; NULL with an error. */
const AstCreateTable *catalog_like(const Catalog *catalog, const AstCreateTable *create,
                                   Arena *arena, Error *error) MUST_CHECK;
/* catalog/as.c: CREATE TABLE with the columns of its query; NULL with an error. */
const AstCreateTable *catalog_as(Catalog *catalog, const AstCreateTable *create,
                                 const PlannerConfig *config, Arena *arena,
                                 Error *error) MUST_CHECK;

/* catalog/table.c: a definition from CREATE TABLE, in the arena. */
TableDef *table_define(Catalog *catalog, const AstCreateTable *create, const PlannerConfig *config,
                       Arena *arena, Error *error);

/* catalog/options.c: finds connector and format and checks every option against their tables. */
bool table_check_options(const Options *options, const char *table, AstPlace place,
                         const Connector **connector, const Format **format, Error *error);
/* bind/watermark.c: options that any table with a WATERMARK takes. */
const OptionSpec *watermark_option_specs(void);
/* What the option table cannot say. */
bool watermark_check_options(const Options *options, Error *error) MUST_CHECK;
/* Whether the table's format can read, or write, its columns; no format is fine. */
bool table_check_format(const TableInfo *table, const TimeZone *zone, bool for_sink, Error *error);
/* Options with those of a hint over them, in the arena. */
Options *options_merge(Arena *arena, const Options *base, const Options *over);
Options *options_copy(Arena *arena, const Options *options);

/* catalog/copy.c: deep copies, for what outlives the statement's tree. */
const AstExpr *ast_copy_expr(Arena *arena, const AstExpr *expr);
const AstQuery *ast_copy_query(Arena *arena, const AstQuery *query);
const AstCreateTable *ast_copy_create_table(Arena *arena, const AstCreateTable *create);

/* A list of names, for errors: "a, b, c". */
void names_print(const char *const *names, uint32_t count, Buffer *out);

#endif
