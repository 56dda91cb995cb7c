/* Names to columns.
 *
 * A bare name must be one of exactly one visible column; with a qualifier it is looked for in that
 * relation only. A name that is not found is answered with the nearest that is. Cost: linear in the
 * columns in scope. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

bool bind_error_at(const Binder *binder, Error *error, AstPlace place)
{
    AstPlace at = bind_place(binder, place);
    return error_at(error, at.offset, at.length);
}

void *bind_refuse(const Binder *binder, AstPlace place, Error *error, const char *construct,
                  const char *hint)
{
    error_set(error, ERROR_UNSUPPORTED, "%s is not supported yet", construct);
    if (hint != NULL)
        error_hint(error, "%s", hint);
    bind_error_at(binder, error, place);
    return NULL;
}

void scope_of_node(Arena *arena, const LogicalNode *node, const char *relation, Scope *scope)
{
    scope->count = node->schema->column_count;
    scope->columns = arena_new_array(arena, ScopeColumn, scope->count + 1);
    const char *qualifier = relation == NULL ? NULL : arena_strdup(arena, relation);
    for (uint32_t i = 0; i < scope->count; i++) {
        const Column *column = &node->schema->columns[i];
        scope->columns[i] =
            (ScopeColumn){.relation = qualifier,
                          .name = column->name,
                          .expr = expr_column(arena, i, column->type, (AstPlace){-1, 0}),
                          .time = logical_time(node, i),
                          .repeated = node->repeated != NULL && node->repeated[i]};
    }
}

static bool column_matches(const ScopeColumn *column, const char *relation, const char *name)
{
    if (strcmp(column->name, name) != 0)
        return false;
    if (relation == NULL)
        return !column->hidden;
    return column->relation != NULL && strcmp(column->relation, relation) == 0;
}

static bool relation_exists(const Scope *scope, const char *relation)
{
    for (uint32_t i = 0; i < scope->count; i++)
        if (scope->columns[i].relation != NULL && strcmp(scope->columns[i].relation, relation) == 0)
            return true;
    return false;
}

/* Whether what stands left in FROM has it, which a query sees with LATERAL only. */
static bool is_beside(const ExprScope *scope, const char *relation, const char *name)
{
    const Scope *beside = scope->binder->beside;
    for (uint32_t i = 0; beside != NULL && i < beside->count; i++)
        if (column_matches(&beside->columns[i], relation, name))
            return true;
    return false;
}

/* Whether the list, which comes after WHERE, gives the name. */
static bool names_alias(const AstSelect *select, const char *name)
{
    for (uint32_t i = 0; select != NULL && i < select->item_count; i++)
        if (select->items[i].alias != NULL && strcmp(select->items[i].alias, name) == 0)
            return true;
    return false;
}

/* Says what there is instead of a column that is not there. */
static void not_found(const ExprScope *scope, const char *relation, const char *name, Error *error)
{
    const Scope *columns = scope->scope;
    const char **candidates =
        arena_new_array(scope->binder->context->arena, const char *, columns->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < columns->count; i++) {
        const ScopeColumn *column = &columns->columns[i];
        if (relation == NULL ||
            (column->relation != NULL && strcmp(column->relation, relation) == 0))
            candidates[count++] = column->name;
    }
    if (relation != NULL && count == 0) {
        error_set(error, ERROR_NAME, "table or alias \"%s\" is not in FROM", relation);
        for (uint32_t i = 0; i < columns->count; i++)
            if (columns->columns[i].relation != NULL)
                candidates[count++] = columns->columns[i].relation;
        const char *near = str_nearest(relation, candidates, count);
        if (is_beside(scope, relation, name))
            error_hint(error,
                       "Write LATERAL in front of the query: then it sees what stands left of "
                       "it in FROM.");
        else if (near != NULL)
            error_hint(error, "Did you mean \"%s\"?", near);
        else
            error_hint(error, "A table that has an alias is known by its alias only.");
        return;
    }
    if (relation != NULL)
        error_set(error, ERROR_NAME, "column \"%s.%s\" does not exist", relation, name);
    else
        error_set(error, ERROR_NAME, "column \"%s\" does not exist", name);
    if (relation == NULL && names_alias(scope->select, name)) {
        error_hint(error,
                   "The select list, which names it, comes after %s: repeat what it stands for, "
                   "filter by a window function with QUALIFY, or in a query around this one.",
                   scope->clause);
        return;
    }
    const char *near = str_nearest(name, candidates, count);
    if (near != NULL) {
        error_hint(error, "Did you mean \"%s\"?", near);
        return;
    }
    Buffer names = {0};
    names_print(candidates, count, &names);
    if (count == 0)
        error_hint(error, "There are no columns here: the statement has no FROM.");
    else
        error_hint(error, "Columns here: %s.", buffer_text(&names));
    buffer_deinit(&names);
}

void bind_ambiguous(const Scope *scope, const char *name, Error *error)
{
    error_set(error, ERROR_NAME, "column \"%s\" is ambiguous", name);
    Buffer names = {0};
    bool repeated = false;
    for (uint32_t i = 0; i < scope->count; i++) {
        const ScopeColumn *column = &scope->columns[i];
        if (!column_matches(column, NULL, name))
            continue;
        repeated = repeated || column->repeated;
        buffer_append_text(&names, names.length == 0 ? "\"" : " or \"");
        if (column->relation != NULL)
            buffer_printf(&names, "%s.", column->relation);
        buffer_printf(&names, "%s\"", name);
    }
    if (repeated || scope->count == 0)
        error_hint(error, "A query has several columns of that name: give them names with AS.");
    else
        error_hint(error, "Write %s.", buffer_text(&names));
    buffer_deinit(&names);
}

/* The column of that name; `*count` says how many there are, and only one is told of. */
static const ScopeColumn *find_column(const Scope *scope, const char *relation, const char *name,
                                      uint32_t *count)
{
    const ScopeColumn *found = NULL;
    *count = 0;
    for (uint32_t i = 0; i < scope->count; i++) {
        if (!column_matches(&scope->columns[i], relation, name))
            continue;
        found = &scope->columns[i];
        *count += found->repeated ? 2 : 1;
    }
    return found;
}

/* What a name with dots begins with, and how many of its parts that takes: column, table.column, or
 * a longer path to a table; the rest are fields. */
static const ScopeColumn *find_path(const Scope *scope, const AstName *name, uint32_t *parts,
                                    uint32_t *count)
{
    uint32_t last = name->part_count - 1;
    *parts = 1;
    if (last == 0)
        return find_column(scope, NULL, name->parts[0], count);
    *parts = 2;
    const ScopeColumn *found = find_column(scope, name->parts[0], name->parts[1], count);
    if (found != NULL || relation_exists(scope, name->parts[0]))
        return found;
    *parts = 1;
    found = find_column(scope, NULL, name->parts[0], count);
    if (found != NULL)
        return found;
    *parts = last + 1;
    return find_column(scope, name->parts[last - 1], name->parts[last], count);
}

const Expr *bind_field(const Binder *binder, const Expr *row, const char *name, AstPlace place,
                       Error *error)
{
    const Type *type = row->type;
    if (type->kind != TYPE_ROW) {
        error_set(error, ERROR_TYPE, "field \"%s\" of a value that is no ROW", name);
        error_detail(error, "The value is of type %s.", type_text(binder->context->arena, type));
        bind_error_at(binder, error, place);
        return NULL;
    }
    const char **names =
        arena_new_array(binder->context->arena, const char *, type->field_count + 1);
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (strcmp(type->fields[i].name, name) == 0)
            return expr_field(&binder->context->site, row, i, bind_place(binder, place));
        names[i] = type->fields[i].name;
    }
    error_set(error, ERROR_NAME, "the ROW has no field \"%s\"", name);
    const char *near = str_nearest(name, names, type->field_count);
    Buffer list = {0};
    names_print(names, type->field_count, &list);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    else
        error_hint(error, "Its fields: %s.", buffer_text(&list));
    buffer_deinit(&list);
    bind_error_at(binder, error, place);
    return NULL;
}

/* The number of a reference to a column around, the same for the same column. */
static uint32_t frame_slot(Binder *binder, OuterFrame *frame, const Expr *value)
{
    Arena *arena = binder->context->arena;
    for (uint32_t i = 0; i < frame->slot_count; i++)
        if (expr_equal(frame->values[i], value))
            return frame->slots[i];
    uint32_t capacity = frame->slot_capacity; /* of both */
    frame->slots =
        arena_grow(arena, frame->slots, sizeof(*frame->slots), frame->slot_count, &capacity);
    frame->values = arena_grow(arena, frame->values, sizeof(*frame->values), frame->slot_count,
                               &frame->slot_capacity);
    frame->slots[frame->slot_count] = binder->slot_count++;
    frame->values[frame->slot_count] = value;
    return frame->slots[frame->slot_count++];
}

const Expr *bind_outer_value(Binder *binder, OuterFrame *frame, const Expr *value, AstPlace place)
{
    AstPlace at = bind_place(binder, place);
    Expr *expr = arena_new_one(binder->context->arena, Expr);
    *expr = (Expr){.kind = EXPR_OUTER,
                   .type = value->type,
                   .column = frame_slot(binder, frame, value),
                   .sql_offset = at.offset,
                   .sql_length = at.length};
    return expr;
}

/* A column of a query around this one; `out` is NULL when there is none of that name. */
static bool bind_outer_column(Binder *binder, const AstName *name, AstPlace place, uint32_t *parts,
                              const Expr **out, Error *error)
{
    *out = NULL;
    for (OuterFrame *frame = binder->outer; frame != NULL; frame = frame->outer) {
        uint32_t count;
        const ScopeColumn *found = find_path(frame->scope, name, parts, &count);
        if (found == NULL)
            continue;
        if (count > 1) {
            bind_ambiguous(frame->scope, name->parts[*parts - 1], error);
            return bind_error_at(binder, error, place);
        }
        AstPlace at = bind_place(binder, place);
        Expr *value = arena_memdup(binder->context->arena, found->expr, sizeof(*value));
        value->sql_offset = at.offset;
        value->sql_length = at.length;
        *out = bind_outer_value(binder, frame, value, place);
        return true;
    }
    return true;
}

const Expr *bind_column(const ExprScope *scope, const AstName *name, AstPlace place, Error *error)
{
    Binder *binder = scope->binder;
    uint32_t parts, count;
    const ScopeColumn *found = find_path(scope->scope, name, &parts, &count);
    const Expr *expr = NULL;
    if (found == NULL && !bind_outer_column(binder, name, place, &parts, &expr, error))
        return NULL;
    if ((found == NULL && expr == NULL) || (found != NULL && count > 1)) {
        uint32_t last = name->part_count - 1;
        if (found == NULL)
            not_found(scope, last == 0 ? NULL : name->parts[last - 1], name->parts[last], error);
        else
            bind_ambiguous(scope->scope, name->parts[parts - 1], error);
        bind_error_at(binder, error, place);
        return NULL;
    }
    if (expr == NULL) {
        AstPlace at = bind_place(binder, place);
        Expr *column = arena_memdup(binder->context->arena, found->expr, sizeof(*found->expr));
        column->sql_offset = at.offset;
        column->sql_length = at.length;
        expr = column;
    }
    for (uint32_t i = parts; i < name->part_count && expr != NULL; i++)
        expr = bind_field(binder, expr, name->parts[i], place, error);
    return expr;
}
