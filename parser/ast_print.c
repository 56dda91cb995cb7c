/* The syntax tree as an S-expression. Names are written bare, strings in single quotes, absent
 * parts not at all. */
#include "parser/ast_print.h"

#include <inttypes.h>

static void ast_print_string(const char *text, size_t length, Buffer *out)
{
    buffer_append_char(out, '\'');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            buffer_printf(out, "\\x%02x", c);
        else
            buffer_append_char(out, text[i]);
    }
    buffer_append_char(out, '\'');
}

static void ast_print_text(const char *text, Buffer *out)
{
    ast_print_string(text, strlen(text), out);
}

static void ast_print_name(const AstName *name, Buffer *out)
{
    for (uint32_t i = 0; i < name->part_count; i++) {
        if (i != 0)
            buffer_append_char(out, '.');
        buffer_append_text(out, name->parts[i]);
    }
}

static void ast_print_names(const char *label, const char *const *names, uint32_t count,
                            Buffer *out)
{
    if (count == 0)
        return;
    buffer_printf(out, " (%s", label);
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, " %s", names[i]);
    buffer_append_char(out, ')');
}

static void ast_print_list(AstExpr *const *exprs, uint32_t count, Buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_char(out, ' ');
        ast_print_expr(exprs[i], out);
    }
}

static void ast_print_labelled(const char *label, const AstExpr *expr, Buffer *out)
{
    if (expr == NULL)
        return;
    buffer_printf(out, " (%s ", label);
    ast_print_expr(expr, out);
    buffer_append_char(out, ')');
}

static void ast_print_order(const AstOrderItem *items, uint32_t count, Buffer *out)
{
    if (count == 0)
        return;
    buffer_append_text(out, " (order");
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_char(out, ' ');
        ast_print_expr(items[i].expr, out);
        if (items[i].descending)
            buffer_append_text(out, " desc");
        if (items[i].nulls_given)
            buffer_append_text(out, items[i].nulls_last ? " nulls-last" : " nulls-first");
    }
    buffer_append_char(out, ')');
}

static void ast_print_options(const Options *options, Buffer *out)
{
    for (uint32_t i = 0; i < options->count; i++) {
        buffer_append_char(out, ' ');
        ast_print_text(options->items[i].key, out);
        buffer_append_char(out, '=');
        ast_print_text(options->items[i].value, out);
    }
}

static void ast_print_hints(const AstHint *hints, uint32_t count, Buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(out, " (hint %s", hints[i].name);
        ast_print_options(&hints[i].options, out);
        buffer_append_char(out, ')');
    }
}

static void ast_print_bound(AstBoundKind kind, const AstExpr *offset, Buffer *out)
{
    static const char *const names[] = {"unbounded-preceding", "preceding", "current-row",
                                        "following", "unbounded-following"};
    buffer_printf(out, " %s", names[kind]);
    if (offset != NULL) {
        buffer_append_char(out, ' ');
        ast_print_expr(offset, out);
    }
}

static void ast_print_window(const AstWindow *window, Buffer *out)
{
    buffer_append_text(out, " (over");
    if (window->name != NULL)
        buffer_printf(out, " %s", window->name);
    if (window->base != NULL)
        buffer_printf(out, " (base %s)", window->base);
    if (window->partition_count != 0) {
        buffer_append_text(out, " (partition");
        ast_print_list(window->partition_by, window->partition_count, out);
        buffer_append_char(out, ')');
    }
    ast_print_order(window->order_by, window->order_count, out);
    if (window->has_frame) {
        buffer_append_text(out, window->frame_rows ? " (rows" : " (range");
        ast_print_bound(window->frame_start, window->start_offset, out);
        ast_print_bound(window->frame_end, window->end_offset, out);
        buffer_append_char(out, ')');
    }
    buffer_append_char(out, ')');
}

/* ----------------------------------------------------------------------------- expressions */

static const char *const ast_expr_names[] = {
    [AST_COLUMN] = "column",
    [AST_STAR] = "star",
    [AST_NULL] = "null",
    [AST_BOOLEAN] = "boolean",
    [AST_NUMBER] = "number",
    [AST_STRING] = "string",
    [AST_BYTES] = "bytes",
    [AST_TYPED] = "typed",
    [AST_INTERVAL] = "interval",
    [AST_CALL] = "call",
    [AST_AND] = "and",
    [AST_OR] = "or",
    [AST_NOT] = "not",
    [AST_CASE] = "case",
    [AST_CAST] = "cast",
    [AST_IN_LIST] = "in",
    [AST_BETWEEN] = "between",
    [AST_IN_QUERY] = "in-query",
    [AST_COMPARE_QUERY] = "compare-query",
    [AST_EXISTS] = "exists",
    [AST_SCALAR_QUERY] = "scalar",
    [AST_ROW] = "row",
    [AST_ARRAY] = "array",
    [AST_MAP] = "map",
    [AST_INDEX] = "index",
    [AST_FIELD] = "field",
    [AST_DESCRIPTOR] = "descriptor",
    [AST_TABLE_ARGUMENT] = "table",
    [AST_NAMED_ARGUMENT] = "named",
};

/* Literals and names are written without parentheses. True when the expression was one. */
static bool ast_print_leaf(const AstExpr *expr, Buffer *out)
{
    switch (expr->kind) {
    case AST_COLUMN:
        ast_print_name(&expr->name, out);
        return true;
    case AST_STAR:
        ast_print_name(&expr->name, out);
        buffer_append_text(out, expr->name.part_count == 0 ? "*" : ".*");
        return true;
    case AST_NULL:
        buffer_append_text(out, "null");
        return true;
    case AST_BOOLEAN:
        buffer_append_text(out, expr->boolean ? "true" : "false");
        return true;
    case AST_NUMBER:
        buffer_append_text(out, expr->text);
        return true;
    case AST_STRING:
        ast_print_string(expr->text, expr->text_length, out);
        return true;
    case AST_BYTES:
        buffer_append_text(out, "x'");
        for (size_t i = 0; i < expr->text_length; i++)
            buffer_printf(out, "%02x", (unsigned char)expr->text[i]);
        buffer_append_char(out, '\'');
        return true;
    default:
        return false;
    }
}

static void ast_print_head(const AstExpr *expr, Buffer *out)
{
    buffer_append_char(out, '(');
    if (expr->negated)
        buffer_append_text(out, "not-");
    if (expr->kind == AST_CALL)
        buffer_append_text(out, expr->function);
    else
        buffer_append_text(out, expr->try_cast ? "try-cast" : ast_expr_names[expr->kind]);
    if (expr->kind == AST_COMPARE_QUERY)
        buffer_printf(out, " %s", expr->function);
    if (expr->symmetric)
        buffer_append_text(out, " symmetric");
    if (expr->distinct)
        buffer_append_text(out, " distinct");
    if (expr->star)
        buffer_append_text(out, " *");
    if (expr->type != NULL) {
        buffer_append_text(out, " <");
        type_print(expr->type, out);
        buffer_append_char(out, '>');
    }
    if (expr->kind == AST_TYPED) {
        buffer_append_char(out, ' ');
        ast_print_string(expr->text, expr->text_length, out);
    }
    if (expr->kind == AST_INTERVAL)
        buffer_printf(out, " %" PRId64, expr->interval_value);
    if (expr->name.part_count != 0) {
        buffer_append_char(out, ' ');
        ast_print_name(&expr->name, out);
    }
}

void ast_print_expr(const AstExpr *expr, Buffer *out)
{
    if (ast_print_leaf(expr, out))
        return;
    ast_print_head(expr, out);
    ast_print_list(expr->args, expr->arg_count, out);
    if (expr->query != NULL) {
        buffer_append_char(out, ' ');
        ast_print_query(expr->query, out);
    }
    if (expr->ignore_nulls)
        buffer_append_text(out, " ignore-nulls");
    ast_print_labelled("filter", expr->filter, out);
    if (expr->over != NULL)
        ast_print_window(expr->over, out);
    buffer_append_char(out, ')');
}

/* --------------------------------------------------------------------------------- queries */

static void ast_print_table(const AstTable *table, Buffer *out);

static void ast_print_join(const AstTable *table, Buffer *out)
{
    static const char *const names[] = {"inner", "left", "right", "full", "cross"};
    buffer_printf(out, "%s%s-join ", table->natural ? "natural-" : "", names[table->join]);
    ast_print_table(table->left, out);
    buffer_append_char(out, ' ');
    ast_print_table(table->right, out);
    ast_print_labelled("on", table->on, out);
    ast_print_names("using", table->using_columns, table->using_count, out);
}

static void ast_print_table(const AstTable *table, Buffer *out)
{
    buffer_append_char(out, '(');
    if (table->lateral)
        buffer_append_text(out, "lateral-");
    switch (table->kind) {
    case AST_TABLE_NAME:
        buffer_append_text(out, "table ");
        ast_print_name(&table->name, out);
        break;
    case AST_TABLE_QUERY:
        buffer_append_text(out, "query ");
        ast_print_query(table->query, out);
        break;
    case AST_TABLE_FUNCTION:
        buffer_append_text(out, "function ");
        ast_print_expr(table->call, out);
        break;
    case AST_TABLE_JOIN:
        ast_print_join(table, out);
        break;
    }
    if (table->with_ordinality)
        buffer_append_text(out, " with-ordinality");
    ast_print_hints(table->hints, table->hint_count, out);
    ast_print_labelled("as-of", table->as_of, out);
    if (table->alias != NULL)
        buffer_printf(out, " (as %s", table->alias);
    for (uint32_t i = 0; i < table->column_alias_count; i++)
        buffer_printf(out, " %s", table->column_aliases[i]);
    buffer_append_text(out, table->alias != NULL ? "))" : ")");
}

static void ast_print_group(const AstGroupItem *item, Buffer *out)
{
    static const char *const names[] = {"expr", "sets", "rollup", "cube"};
    buffer_append_char(out, ' ');
    if (item->kind == AST_GROUP_EXPR) {
        ast_print_expr(item->expr, out);
        return;
    }
    buffer_printf(out, "(%s", names[item->kind]);
    for (uint32_t i = 0; i < item->item_count; i++)
        ast_print_group(&item->items[i], out);
    buffer_append_char(out, ')');
}

static void ast_print_select(const AstSelect *select, Buffer *out)
{
    buffer_append_text(out, select->distinct ? "select-distinct" : "select");
    ast_print_hints(select->hints, select->hint_count, out);
    for (uint32_t i = 0; i < select->item_count; i++) {
        const AstSelectItem *item = &select->items[i];
        buffer_append_text(out, item->alias != NULL ? " (as " : " ");
        ast_print_expr(item->expr, out);
        if (item->alias != NULL)
            buffer_printf(out, " %s)", item->alias);
    }
    if (select->from != NULL) {
        buffer_append_text(out, " (from ");
        ast_print_table(select->from, out);
        buffer_append_char(out, ')');
    }
    ast_print_labelled("where", select->where, out);
    if (select->has_group_by) {
        buffer_append_text(out, " (group");
        for (uint32_t i = 0; i < select->group_count; i++)
            ast_print_group(&select->group_by[i], out);
        buffer_append_char(out, ')');
    }
    ast_print_labelled("having", select->having, out);
    for (uint32_t i = 0; i < select->window_count; i++) {
        buffer_append_text(out, " (window");
        ast_print_window(&select->windows[i], out);
        buffer_append_char(out, ')');
    }
    ast_print_labelled("qualify", select->qualify, out);
}

static void ast_print_set(const AstQuery *query, Buffer *out)
{
    static const char *const names[] = {"union", "intersect", "except"};
    buffer_printf(out, "%s%s ", names[query->set], query->all ? "-all" : "");
    ast_print_query(query->left, out);
    buffer_append_char(out, ' ');
    ast_print_query(query->right, out);
}

void ast_print_query(const AstQuery *query, Buffer *out)
{
    buffer_append_char(out, '(');
    for (uint32_t i = 0; i < query->with_count; i++) {
        buffer_printf(out, "(with %s", query->with[i].name);
        ast_print_names("columns", query->with[i].columns, query->with[i].column_count, out);
        buffer_append_char(out, ' ');
        ast_print_query(query->with[i].query, out);
        buffer_append_text(out, ") ");
    }
    if (query->kind == AST_QUERY_SELECT) {
        ast_print_select(query->select, out);
    } else if (query->kind == AST_QUERY_VALUES) {
        buffer_append_text(out, "values");
        ast_print_list(query->values, query->value_count, out);
    } else {
        ast_print_set(query, out);
    }
    ast_print_order(query->order_by, query->order_count, out);
    ast_print_labelled("limit", query->limit, out);
    ast_print_labelled("offset", query->offset, out);
    buffer_append_char(out, ')');
}
