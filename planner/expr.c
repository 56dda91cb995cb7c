/* Typed expressions: printing, comparing, and what is known of them.
 *
 * Operators are written between their arguments, everything else as a call; text that was written
 * reads like SQL but need not parse again. Cost: linear in the size of the tree. */
#include "planner/expr_build.h"

#include <string.h>

#include "core/str.h"
#include "core/value_text.h"

static const char *const infix_names[] = {
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "<>",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "||",
    "LIKE",
    "NOT LIKE",
    "SIMILAR TO",
    "IS DISTINCT FROM",
    "IS NOT DISTINCT FROM",
};

static const char *const postfix_names[] = {
    "IS NULL",  "IS NOT NULL",  "IS TRUE",    "IS NOT TRUE",
    "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN",
};

static bool name_is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void print_literal(const Expr *expr, Buffer *out)
{
    if (expr_is_null_literal(expr)) {
        buffer_append_text(out, "NULL");
        if (expr->type->kind == TYPE_NULL)
            return;
        buffer_append_char(out, ':');
        type_print(expr->type, out);
        return;
    }
    const char *quote = type_is_string(expr->type) ? "'" : "";
    switch (expr->type->kind) {
    case TYPE_DATE:
        buffer_append_text(out, "DATE ");
        quote = "'";
        break;
    case TYPE_TIME:
        buffer_append_text(out, "TIME ");
        quote = "'";
        break;
    case TYPE_TIMESTAMP:
        buffer_append_text(out, "TIMESTAMP ");
        quote = "'";
        break;
    case TYPE_TIMESTAMP_LTZ:
        buffer_append_text(out, "TIMESTAMP_LTZ ");
        quote = "'";
        break;
    case TYPE_INTERVAL_MONTH:
    case TYPE_INTERVAL_SECOND:
        buffer_append_text(out, "INTERVAL ");
        quote = "'";
        break;
    default:
        break;
    }
    buffer_append_text(out, quote);
    size_t start = out->length;
    value_print(expr->literal, 0, NULL, out);
    buffer_append_text(out, quote);
    /* A quote inside stands twice; rare, so the text is put right afterwards. */
    if (type_is_string(expr->type) && memchr(out->data + start, '\'', out->length - start - 1)) {
        Buffer copy = {0};
        buffer_append(&copy, out->data + start, out->length - start - 1);
        out->length = start;
        for (size_t i = 0; i < copy.length; i++) {
            if (copy.data[i] == '\'')
                buffer_append_char(out, '\'');
            buffer_append_char(out, copy.data[i]);
        }
        buffer_append_char(out, '\'');
        buffer_deinit(&copy);
    }
}

static void print_list(const Expr *expr, uint32_t from, const Schema *schema, const char *separator,
                       Buffer *out)
{
    for (uint32_t i = from; i < expr->arg_count; i++) {
        if (i > from)
            buffer_append_text(out, separator);
        expr_print(expr->args[i], schema, out);
    }
}

static void print_call(const Expr *expr, const Schema *schema, Buffer *out)
{
    const char *name = expr->call.function == NULL ? "CAST" : expr->call.function->name;
    bool is_cast = strcmp(name, "CAST") == 0 || strcmp(name, "TRY_CAST") == 0;
    if (is_cast && expr->arg_count == 1) {
        buffer_printf(out, "%s(", name);
        expr_print(expr->args[0], schema, out);
        buffer_append_text(out, " AS ");
        const Type type = *expr->type;
        Type shown = type;
        shown.nullable = true;
        type_print(&shown, out);
        buffer_append_char(out, ')');
        return;
    }
    if (expr->arg_count == 2 && name_is_in(name, infix_names, array_count(infix_names))) {
        buffer_append_char(out, '(');
        expr_print(expr->args[0], schema, out);
        buffer_printf(out, " %s ", name);
        expr_print(expr->args[1], schema, out);
        buffer_append_char(out, ')');
        return;
    }
    if (expr->arg_count == 1 && name_is_in(name, postfix_names, array_count(postfix_names))) {
        expr_print(expr->args[0], schema, out);
        buffer_printf(out, " %s", name);
        return;
    }
    buffer_append_text(out, name);
    buffer_append_char(out, '(');
    print_list(expr, 0, schema, ", ", out);
    buffer_append_char(out, ')');
}

void expr_print(const Expr *expr, const Schema *schema, Buffer *out)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
        if (schema != NULL && expr->column < schema->column_count)
            buffer_append_text(out, schema->columns[expr->column].name);
        else
            buffer_printf(out, "$%u", expr->column);
        return;
    case EXPR_LITERAL:
        print_literal(expr, out);
        return;
    case EXPR_CALL:
        print_call(expr, schema, out);
        return;
    case EXPR_AND:
    case EXPR_OR:
        buffer_append_char(out, '(');
        print_list(expr, 0, schema, expr->kind == EXPR_AND ? " AND " : " OR ", out);
        buffer_append_char(out, ')');
        return;
    case EXPR_CASE:
        buffer_append_text(out, "CASE");
        for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
            buffer_append_text(out, " WHEN ");
            expr_print(expr->args[i], schema, out);
            buffer_append_text(out, " THEN ");
            expr_print(expr->args[i + 1], schema, out);
        }
        buffer_append_text(out, " ELSE ");
        expr_print(expr->args[expr->arg_count - 1], schema, out);
        buffer_append_text(out, " END");
        return;
    case EXPR_COALESCE:
        buffer_append_text(out, "COALESCE(");
        print_list(expr, 0, schema, ", ", out);
        buffer_append_char(out, ')');
        return;
    case EXPR_FIELD:
        expr_print(expr->args[0], schema, out);
        buffer_printf(out, ".%s", expr->args[0]->type->fields[expr->field].name);
        return;
    case EXPR_OUTER:
        buffer_printf(out, "$outer%u", expr->column);
        return;
    case EXPR_QUERY:
        buffer_printf(out, "$query%u", expr->column);
        return;
    }
}

bool expr_equal(const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->arg_count != b->arg_count ||
        !type_equal_ignoring_null(a->type, b->type))
        return false;
    switch (a->kind) {
    case EXPR_COLUMN:
    case EXPR_OUTER:
    case EXPR_QUERY:
        return a->column == b->column;
    case EXPR_LITERAL:
        return vector_values_equal(a->literal, 0, b->literal, 0);
    case EXPR_CALL:
        /* A cast's target is its type; what bind prepared follows from function and arguments. */
        if (a->call.function != b->call.function || a->call.kernel != b->call.kernel)
            return false;
        break;
    case EXPR_FIELD:
        if (a->field != b->field)
            return false;
        break;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_CASE:
    case EXPR_COALESCE:
        break;
    }
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

bool expr_is_deterministic(const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->call.function != NULL &&
        (expr->call.function->flags & FUNCTION_NOT_DETERMINISTIC) != 0)
        return false;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!expr_is_deterministic(expr->args[i]))
            return false;
    return true;
}
