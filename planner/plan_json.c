/* The plan as JSON: what a checkpoint keeps, and what is compared when a job is started again.
 *
 * Keys are in a fixed order, so equal plans are equal text. No option's value is in it. */
#include <jansson.h>

#include "planner/traits.h"

static json_t *json_of_schema(const Schema *schema)
{
    json_t *columns = json_array();
    for (uint32_t i = 0; i < schema->column_count; i++) {
        Buffer type = {0};
        type_print(schema->columns[i].type, &type);
        json_array_append_new(columns, json_pack("{s:s, s:s}", "name", schema->columns[i].name,
                                                 "type", buffer_text(&type)));
        buffer_deinit(&type);
    }
    return columns;
}

static json_t *json_of_columns(const Schema *schema, ColumnSet columns)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < columns.count; i++)
        json_array_append_new(names, json_string(schema->columns[columns.columns[i]].name));
    return names;
}

static json_t *json_of_inputs(const PlanNode *node)
{
    static const char *const distributions[] = {"any", "hash", "single"};
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < node->input_count; i++) {
        const PlanInput *input = &node->inputs[i];
        json_t *json = json_object();
        json_object_set_new(json, "node", json_integer((json_int_t)input->node->id));
        json_object_set_new(json, "distribution", json_string(distributions[input->distribution]));
        if (input->distribution == DISTRIBUTE_HASH)
            json_object_set_new(json, "keys", json_of_columns(input->node->schema, input->keys));
        if (input->stays)
            json_object_set_new(json, "stays", json_true());
        json_array_append_new(inputs, json);
    }
    return inputs;
}

static json_t *json_of_node(const PlanNode *node)
{
    json_t *json = json_object();
    json_object_set_new(json, "id", json_integer((json_int_t)node->id));
    json_object_set_new(json, "op", json_string(node->op));
    json_object_set_new(json, "uid", json_string(node->uid));
    json_object_set_new(json, "label", json_string(node->label));
    json_object_set_new(json, "parallelism", json_integer((json_int_t)node->parallelism));
    json_object_set_new(json, "inputs", json_of_inputs(node));
    json_object_set_new(json, "schema", json_of_schema(node->schema));
    Buffer kinds = {0};
    traits_print_kinds(node->traits.kinds, &kinds);
    json_object_set_new(json, "changelogMode", json_string(buffer_text(&kinds)));
    buffer_deinit(&kinds);
    json_t *keys = json_array();
    for (uint32_t i = 0; i < node->traits.upsert_key_count; i++)
        json_array_append_new(keys, json_of_columns(node->schema, node->traits.upsert_keys[i]));
    json_object_set_new(json, "upsertKeys", keys);
    if (node->state != NULL)
        json_object_set_new(json, "state", json_string(node->state));
    return json;
}

static int append_dump(const char *text, size_t length, void *out)
{
    buffer_append(out, text, length);
    return 0;
}

void plan_print_json(const Plan *plan, Buffer *out)
{
    json_t *nodes = json_array();
    for (uint32_t n = 0; n < plan->node_count; n++)
        json_array_append_new(nodes, json_of_node(plan->nodes[n]));
    json_t *json = json_object();
    json_object_set_new(json, "version", json_integer(1));
    json_object_set_new(json, "maxParallelism", json_integer((json_int_t)plan->max_parallelism));
    json_object_set_new(json, "nodes", nodes);
    json_dump_callback(json, append_dump, out, JSON_INDENT(2));
    json_decref(json);
}
