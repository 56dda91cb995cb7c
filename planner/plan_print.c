/* EXPLAIN: the plan as a tree of lines, from each sink down, in the form Flink prints.
 *
 * A node that several consumers share is printed once, below the first of them; the others name its
 * number. With CHANGELOG_MODE each line also says which changes the node emits, by which keys its
 * rows are known, and, below it, what it keeps. */
#include "planner/traits.h"

typedef struct Printer {
    const Plan *plan;
    bool changelog_mode;
    bool *printed;
    Buffer *out;
} Printer;

static void print_columns(const Schema *schema, ColumnSet columns, Buffer *out)
{
    for (uint32_t i = 0; i < columns.count; i++)
        buffer_printf(out, "%s%s", i == 0 ? "" : ", ", schema->columns[columns.columns[i]].name);
}

static void print_prefix(uint32_t depth, Buffer *out)
{
    for (uint32_t i = 1; i < depth; i++)
        buffer_append_text(out, "   ");
    if (depth > 0)
        buffer_append_text(out, "+- ");
}

static void print_traits(const Printer *printer, const PlanNode *node)
{
    Buffer *out = printer->out;
    buffer_append_text(out, ", changelogMode=");
    traits_print_kinds(node->traits.kinds, out);
    if (node->traits.upsert_key_count != 0 && node->traits.kinds != CHANGES_INSERT_ONLY) {
        buffer_append_text(out, ", upsertKeys=[");
        for (uint32_t i = 0; i < node->traits.upsert_key_count; i++) {
            buffer_append_text(out, i == 0 ? "[" : ", [");
            print_columns(node->schema, node->traits.upsert_keys[i], out);
            buffer_append_char(out, ']');
        }
        buffer_append_char(out, ']');
    }
    if (node->traits.rowtime >= 0)
        buffer_printf(out, ", rowtime=[%s]", node->schema->columns[node->traits.rowtime].name);
    if (node->traits.folds)
        buffer_append_text(out, ", folds=[true]");
}

static bool label_ends_open(const char *label)
{
    size_t length = strlen(label);
    return length != 0 && label[length - 1] == ')';
}

static void print_node(const Printer *printer, const PlanNode *node, uint32_t depth);

static void print_input(const Printer *printer, const PlanInput *input, uint32_t depth)
{
    if (input->distribution != DISTRIBUTE_ANY && !input->stays) {
        print_prefix(depth, printer->out);
        if (input->distribution == DISTRIBUTE_SINGLE) {
            buffer_append_text(printer->out, "Exchange(distribution=[single])\n");
        } else {
            buffer_append_text(printer->out, "Exchange(distribution=[hash[");
            print_columns(input->node->schema, input->keys, printer->out);
            buffer_append_text(printer->out, "]])\n");
        }
        depth++;
    }
    print_node(printer, input->node, depth);
}

static void print_node(const Printer *printer, const PlanNode *node, uint32_t depth)
{
    Buffer *out = printer->out;
    print_prefix(depth, out);
    if (printer->printed[node->id]) {
        buffer_printf(out, "Reused(node=[%u])\n", node->id);
        return;
    }
    printer->printed[node->id] = true;
    buffer_printf(out, "[%u] ", node->id);
    if (!printer->changelog_mode) {
        buffer_printf(out, "%s\n", node->label);
    } else {
        /* Into the label's parentheses, as Flink does. */
        size_t length = strlen(node->label);
        bool open = label_ends_open(node->label);
        buffer_append(out, node->label, open ? length - 1 : length);
        if (!open)
            buffer_append_char(out, '(');
        size_t start = out->length;
        print_traits(printer, node);
        if (!open) { /* no comma in front of the first */
            memmove(out->data + start, out->data + start + 2, out->length - start - 2);
            out->length -= 2;
        }
        buffer_append_text(out, ")\n");
        if (node->state != NULL) {
            for (uint32_t i = 0; i < depth; i++)
                buffer_append_text(out, "   ");
            buffer_printf(out, "   keeps %s\n", node->state);
        }
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        print_input(printer, &node->inputs[i], depth + 1);
}

void plan_explain(const Plan *plan, bool changelog_mode, Buffer *out)
{
    bool *printed = memory_zalloc(plan->node_count + 1);
    bool *consumed = memory_zalloc(plan->node_count + 1);
    for (uint32_t n = 0; n < plan->node_count; n++)
        for (uint32_t i = 0; i < plan->nodes[n]->input_count; i++)
            consumed[plan->nodes[n]->inputs[i].node->id] = true;
    Printer printer = {plan, changelog_mode, printed, out};
    buffer_append_text(out, "== Optimized Execution Plan ==\n");
    bool first = true;
    for (uint32_t n = 0; n < plan->node_count; n++) {
        if (consumed[n])
            continue;
        if (!first)
            buffer_append_char(out, '\n');
        first = false;
        print_node(&printer, plan->nodes[n], 0);
    }
    memory_free(printed);
    memory_free(consumed);
}
