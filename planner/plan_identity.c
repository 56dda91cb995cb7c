/* Identity of nodes: a hash over what a node computes, not over where it stands.
 *
 * Columns are known by where their values come from, so reading one more column of a table, or
 * adding a query beside this one, leaves the state of every other node where it was. What a node
 * keeps in state (a join: whole rows of both sides) is part of its identity, because other rows
 * would not fit the state. Never in it: passwords and other options that do not say which data it
 * is. */
#include "core/hash.h"
#include "planner/logical.h"

void identity_append(Buffer *text, uint64_t identity)
{
    buffer_printf(text, "|%016llx", (unsigned long long)identity);
}

void identity_append_expr(Buffer *text, const Expr *expr, const uint64_t *columns)
{
    buffer_printf(text, "(%d:", (int)expr->kind);
    if (expr->kind == EXPR_COLUMN) {
        identity_append(text, columns[expr->column]);
        buffer_append_char(text, ')');
        return;
    }
    type_print(expr->type, text);
    if (expr->kind == EXPR_LITERAL) {
        buffer_append_char(text, '=');
        expr_print(expr, NULL, text);
    }
    if (expr->kind == EXPR_CALL)
        buffer_printf(text, "%s", expr->call.function == NULL ? "CAST" : expr->call.function->name);
    if (expr->kind == EXPR_FIELD)
        buffer_printf(text, ".%u", expr->field);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        identity_append_expr(text, expr->args[i], columns);
    buffer_append_char(text, ')');
}

uint64_t identity_of_expr(const Expr *expr, const uint64_t *columns)
{
    /* A column is what it is wherever it is passed on. */
    if (expr->kind == EXPR_COLUMN)
        return columns[expr->column];
    Buffer text = {0};
    identity_append_expr(&text, expr, columns);
    uint64_t identity = hash_bytes(text.data, text.length);
    buffer_deinit(&text);
    return identity;
}

static void identify_values(const PlannerContext *context, LogicalNode *node)
{
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = node->row_identity + i;
    node->column_identities = columns;
}

/* State that is kept by a part of its keys does not fit where it is kept by all, or another part.
 */
static void append_parts(const LogicalNode *node, Buffer *text)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        const PlanInput *input = &node->plan->inputs[i];
        for (uint32_t k = 0; input->by_part && k < input->keys.count; k++) {
            buffer_append_text(text, k == 0 ? "|by" : "");
            identity_append(text, node->inputs[i]->column_identities[input->keys.columns[k]]);
        }
    }
}

void plan_identify(const PlannerContext *context, const LogicalOrder *order)
{
    for (uint32_t n = 0; n < order->count; n++) {
        LogicalNode *node = order->nodes[n];
        Buffer text = {0};
        buffer_append_text(&text, node->class->op);
        for (uint32_t i = 0; i < node->input_count; i++)
            identity_append(&text, node->inputs[i]->row_identity);
        if (node->input_count == 0 && node->since != 0)
            buffer_printf(&text, "|since %llu", (unsigned long long)node->since);
        node->class->identify(context, node, &text);
        append_parts(node, &text);
        uint64_t identity = hash_bytes(text.data, text.length);
        if (node->column_identities == NULL) {
            node->row_identity = identity;
            identify_values(context, node);
        }
        const char *uid = arena_printf(context->arena, "%s-%016llx", node->class->op,
                                       (unsigned long long)identity);
        /* Twice the same thing in one statement: numbered in order. */
        uint32_t twins = 0;
        for (uint32_t i = 0; i < n; i++)
            if (strncmp(order->nodes[i]->plan->uid, uid, strlen(uid)) == 0)
                twins++;
        node->plan->uid = twins == 0 ? uid : arena_printf(context->arena, "%s-%u", uid, twins + 1);
        buffer_deinit(&text);
    }
}
