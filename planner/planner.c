/* Planning a statement: bind each of its queries, then build one plan for all. */
#include "planner/planner.h"

#include <string.h>

#include "planner/bind/bind.h"

static LogicalNode *plan_query(Binder *binder, const AstStatement *statement, Error *error)
{
    LogicalNode *query = bind_query(binder, statement->query, error);
    if (query == NULL)
        return NULL;
    return logical_new_unary(binder->context->arena, "sink", query->schema, query,
                             statement->place);
}

/* How many inserts before this one go into the same table. */
static uint32_t insert_ordinal(const AstStatement *statement, uint32_t index)
{
    const AstName *name = &statement->inserts[index].table;
    uint32_t ordinal = 0;
    for (uint32_t i = 0; i < index; i++) {
        const AstName *other = &statement->inserts[i].table;
        if (strcmp(other->parts[other->part_count - 1], name->parts[name->part_count - 1]) == 0)
            ordinal++;
    }
    return ordinal;
}

static bool bind_roots(Binder *binder, const AstStatement *statement, LogicalNode **roots,
                       uint32_t count, Error *error)
{
    if (statement->kind == AST_STATEMENT_QUERY) {
        roots[0] = plan_query(binder, statement, error);
        return roots[0] != NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        roots[i] = bind_insert(binder, &statement->inserts[i], insert_ordinal(statement, i), error);
        if (roots[i] == NULL)
            return false;
    }
    return true;
}

/* A sink for late rows: the session's, and one for each table that hints name. */
static bool add_late_rows(Binder *binder, const AstStatement *statement, LogicalNode ***roots,
                          uint32_t *count, Error *error)
{
    const PlannerContext *context = binder->context;
    const char *of_all = context->config->late_rows_table;
    const char **tables;
    uint32_t inserts = *count;
    uint32_t hinted = logical_late_tables(context, *roots, inserts, &tables);
    LogicalNode **all = arena_new_array(context->arena, LogicalNode *, inserts + hinted + 2);
    memcpy(all, *roots, sizeof(LogicalNode *) * inserts);
    *roots = all;
    for (uint32_t i = 0; i < hinted + (of_all != NULL ? 1 : 0); i++) {
        bool is_hint = i < hinted;
        all[*count] = bind_late_rows(binder, is_hint ? tables[i] : of_all, is_hint,
                                     statement->place, is_hint ? inserts + 1 + i : inserts, error);
        if (all[(*count)++] == NULL)
            return false;
    }
    return true;
}

Plan *planner_plan(Catalog *catalog, const AstStatement *statement, Str script,
                   const PlannerConfig *config, Error *error)
{
    if (statement->kind == AST_STATEMENT_EXPLAIN)
        statement = statement->explained;
    bool is_query = statement->kind == AST_STATEMENT_QUERY;
    uint32_t count = is_query ? 1 : statement->insert_count;
    if (!is_query && statement->kind != AST_STATEMENT_INSERT &&
        statement->kind != AST_STATEMENT_SET) {
        error_set(error, ERROR_UNSUPPORTED, "only queries, INSERT and statement sets have a plan");
        error_at(error, statement->place.offset, statement->place.length);
        return NULL;
    }
    if (count == 0) {
        error_set(error, ERROR_SYNTAX, "the statement set is empty");
        error_hint(error, "Put at least one INSERT between BEGIN and END.");
        error_at(error, statement->place.offset, statement->place.length);
        return NULL;
    }
    Arena *arena = arena_new(65536);
    uint32_t visits = 0;
    PlannerContext context = {arena, config, {arena, config->zone, config->functions}, &visits};
    Binder binder = {.context = &context, .catalog = catalog};
    LogicalNode **roots = arena_new_array(arena, LogicalNode *, count + 1);
    Str sql = script;
    if (statement->place.offset >= 0 && (size_t)statement->place.offset <= script.length) {
        size_t start = (size_t)statement->place.offset;
        size_t length = (size_t)statement->place.length;
        sql = (Str){script.data + start,
                    length <= script.length - start ? length : script.length - start};
    }
    Plan *plan = NULL;
    bool bound = bind_roots(&binder, statement, roots, count, error);
    bound = bound && add_late_rows(&binder, statement, &roots, &count, error);
    if (bound)
        plan = plan_build(&context, roots, count, sql,
                          statement->place.offset < 0 ? 0 : statement->place.offset, error);
    if (plan == NULL)
        arena_free(arena);
    return plan;
}
