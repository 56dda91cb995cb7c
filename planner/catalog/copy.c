/* Deep copies of syntax trees: a view and a computed column outlive the statement they came from.
 *
 * Invariant: nothing in a copy points into the original. Recursion is as deep as the tree, which
 * the parser has bounded. */
#include "planner/catalog/internal.h"

#include <string.h>

static const char *copy_text(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static AstName copy_name(Arena *arena, const AstName *name)
{
    AstName copy = *name;
    for (uint32_t i = 0; i < name->part_count; i++)
        copy.parts[i] = copy_text(arena, name->parts[i]);
    return copy;
}

static const char *const *copy_names(Arena *arena, const char *const *names, uint32_t count)
{
    const char **copy = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = copy_text(arena, names[i]);
    return copy;
}

static AstExpr **copy_exprs(Arena *arena, AstExpr *const *exprs, uint32_t count)
{
    AstExpr **copy = arena_new_array(arena, AstExpr *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = (AstExpr *)ast_copy_expr(arena, exprs[i]);
    return copy;
}

static AstOrderItem *copy_order(Arena *arena, const AstOrderItem *items, uint32_t count)
{
    AstOrderItem *copy = arena_new_array(arena, AstOrderItem, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = items[i];
        copy[i].expr = (AstExpr *)ast_copy_expr(arena, items[i].expr);
    }
    return copy;
}

static void copy_window(Arena *arena, AstWindow *to, const AstWindow *from)
{
    *to = *from;
    to->name = copy_text(arena, from->name);
    to->base = copy_text(arena, from->base);
    to->partition_by = copy_exprs(arena, from->partition_by, from->partition_count);
    to->order_by = copy_order(arena, from->order_by, from->order_count);
    to->start_offset = (AstExpr *)ast_copy_expr(arena, from->start_offset);
    to->end_offset = (AstExpr *)ast_copy_expr(arena, from->end_offset);
}

const AstExpr *ast_copy_expr(Arena *arena, const AstExpr *expr)
{
    if (expr == NULL)
        return NULL;
    AstExpr *copy = arena_memdup(arena, expr, sizeof(*expr));
    copy->name = copy_name(arena, &expr->name);
    if (expr->text != NULL)
        copy->text = arena_str(arena, (Str){expr->text, expr->text_length});
    copy->type = expr->type == NULL ? NULL : type_copy(arena, expr->type);
    copy->function = copy_text(arena, expr->function);
    copy->args = copy_exprs(arena, expr->args, expr->arg_count);
    copy->filter = (AstExpr *)ast_copy_expr(arena, expr->filter);
    if (expr->over != NULL) {
        copy->over = arena_new_one(arena, AstWindow);
        copy_window(arena, copy->over, expr->over);
    }
    copy->query = (AstQuery *)ast_copy_query(arena, expr->query);
    return copy;
}

static AstHint *copy_hints(Arena *arena, const AstHint *hints, uint32_t count)
{
    AstHint *copy = arena_new_array(arena, AstHint, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = hints[i];
        copy[i].name = copy_text(arena, hints[i].name);
        copy[i].options = *options_copy(arena, &hints[i].options);
    }
    return copy;
}

static AstTable *copy_table(Arena *arena, const AstTable *table)
{
    if (table == NULL)
        return NULL;
    AstTable *copy = arena_memdup(arena, table, sizeof(*table));
    copy->name = copy_name(arena, &table->name);
    copy->query = (AstQuery *)ast_copy_query(arena, table->query);
    copy->call = (AstExpr *)ast_copy_expr(arena, table->call);
    copy->alias = copy_text(arena, table->alias);
    copy->column_aliases = copy_names(arena, table->column_aliases, table->column_alias_count);
    copy->as_of = (AstExpr *)ast_copy_expr(arena, table->as_of);
    copy->hints = copy_hints(arena, table->hints, table->hint_count);
    copy->left = copy_table(arena, table->left);
    copy->right = copy_table(arena, table->right);
    copy->on = (AstExpr *)ast_copy_expr(arena, table->on);
    copy->using_columns = copy_names(arena, table->using_columns, table->using_count);
    return copy;
}

static AstGroupItem *copy_groups(Arena *arena, const AstGroupItem *items, uint32_t count)
{
    AstGroupItem *copy = arena_new_array(arena, AstGroupItem, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = items[i];
        copy[i].expr = (AstExpr *)ast_copy_expr(arena, items[i].expr);
        copy[i].items = copy_groups(arena, items[i].items, items[i].item_count);
    }
    return copy;
}

static AstSelect *copy_select(Arena *arena, const AstSelect *select)
{
    if (select == NULL)
        return NULL;
    AstSelect *copy = arena_memdup(arena, select, sizeof(*select));
    copy->items = arena_new_array(arena, AstSelectItem, select->item_count + 1);
    for (uint32_t i = 0; i < select->item_count; i++)
        copy->items[i] = (AstSelectItem){(AstExpr *)ast_copy_expr(arena, select->items[i].expr),
                                         copy_text(arena, select->items[i].alias)};
    copy->from = copy_table(arena, select->from);
    copy->where = (AstExpr *)ast_copy_expr(arena, select->where);
    copy->group_by = copy_groups(arena, select->group_by, select->group_count);
    copy->having = (AstExpr *)ast_copy_expr(arena, select->having);
    copy->qualify = (AstExpr *)ast_copy_expr(arena, select->qualify);
    copy->windows = arena_new_array(arena, AstWindow, select->window_count + 1);
    for (uint32_t i = 0; i < select->window_count; i++)
        copy_window(arena, &copy->windows[i], &select->windows[i]);
    copy->hints = copy_hints(arena, select->hints, select->hint_count);
    return copy;
}

const AstQuery *ast_copy_query(Arena *arena, const AstQuery *query)
{
    if (query == NULL)
        return NULL;
    AstQuery *copy = arena_memdup(arena, query, sizeof(*query));
    copy->with = arena_new_array(arena, AstWith, query->with_count + 1);
    for (uint32_t i = 0; i < query->with_count; i++) {
        copy->with[i] = query->with[i];
        copy->with[i].name = copy_text(arena, query->with[i].name);
        copy->with[i].columns =
            copy_names(arena, query->with[i].columns, query->with[i].column_count);
        copy->with[i].query = (AstQuery *)ast_copy_query(arena, query->with[i].query);
    }
    copy->select = copy_select(arena, query->select);
    copy->values = copy_exprs(arena, query->values, query->value_count);
    copy->left = (AstQuery *)ast_copy_query(arena, query->left);
    copy->right = (AstQuery *)ast_copy_query(arena, query->right);
    copy->order_by = copy_order(arena, query->order_by, query->order_count);
    copy->limit = (AstExpr *)ast_copy_expr(arena, query->limit);
    copy->offset = (AstExpr *)ast_copy_expr(arena, query->offset);
    return copy;
}

static Str copy_str(Arena *arena, Str text)
{
    return (Str){arena_str(arena, text), text.length};
}

const AstCreateTable *ast_copy_create_table(Arena *arena, const AstCreateTable *create)
{
    AstCreateTable *copy = arena_memdup(arena, create, sizeof(*create));
    copy->name = copy_name(arena, &create->name);
    copy->columns = arena_new_array(arena, AstColumnDef, create->column_count + 1);
    for (uint32_t i = 0; i < create->column_count; i++) {
        const AstColumnDef *from = &create->columns[i];
        AstColumnDef *to = &copy->columns[i];
        *to = *from;
        to->name = copy_text(arena, from->name);
        to->type = from->type == NULL ? NULL : type_copy(arena, from->type);
        to->expr = (AstExpr *)ast_copy_expr(arena, from->expr);
        to->expr_text = copy_str(arena, from->expr_text);
        to->metadata_key = copy_text(arena, from->metadata_key);
        to->comment = copy_text(arena, from->comment);
        to->after = copy_text(arena, from->after);
    }
    copy->primary_key = copy_names(arena, create->primary_key, create->primary_key_count);
    copy->constraint_name = copy_text(arena, create->constraint_name);
    copy->watermark_column = copy_text(arena, create->watermark_column);
    copy->watermark = (AstExpr *)ast_copy_expr(arena, create->watermark);
    copy->watermark_text = copy_str(arena, create->watermark_text);
    copy->comment = copy_text(arena, create->comment);
    copy->partitioned_by = copy_names(arena, create->partitioned_by, create->partitioned_count);
    copy->options = *options_copy(arena, &create->options);
    copy->like = (AstName){0};
    copy->as_query = NULL;
    return copy;
}
