/* JSON_OBJECTAGG and JSON_ARRAYAGG: the values of a group, which the operator keeps in the order
 * they came, as one JSON text.
 *
 * The binder hands key and value of an object over as a ROW, and NULL or ABSENT ON NULL as a text.
 * Cost: each change writes the whole text again; it is bounded by TEXT_BYTES_MAX. */
#include "core/hash.h"
#include "core/json_text.h"
#include "core/str.h"
#include "functions/aggregate_internal.h"
#include "functions/json_value.h"

typedef struct JsonPlan {
    const char *name;
    const TimeZone *zone;
    bool absent_on_null;
} JsonPlan;

static bool put_text(const JsonPlan *plan, Buffer *text, Vector *out, uint32_t row, Arena *arena,
                     Error *error)
{
    const bool fits = text->length <= TEXT_BYTES_MAX;
    if (fits)
        vector_set_str(out, row, (Str){text->data, text->length}, arena);
    buffer_deinit(text);
    return fits || error_set(error, ERROR_LIMIT, "%s made a text longer than %u bytes", plan->name,
                             TEXT_BYTES_MAX);
}

static bool array_make(const void *data, const Vector *values, uint32_t count, Vector *out,
                       uint32_t row, Arena *arena, Error *error)
{
    const JsonPlan *plan = data;
    Buffer text = {0};
    buffer_append_char(&text, '[');
    for (uint32_t i = 0; i < count && text.length <= TEXT_BYTES_MAX; i++) {
        if (plan->absent_on_null && vector_is_null(values, i))
            continue;
        if (text.length > 1)
            buffer_append_char(&text, ',');
        json_print_value(values, i, plan->zone, &text);
    }
    buffer_append_char(&text, ']');
    return put_text(plan, &text, out, row, arena, error);
}

/* ----------------------------------------------------------------- objects */

/* Whether no key comes twice and none is NULL. */
static bool check_keys(const JsonPlan *plan, const Vector *keys, uint32_t count, Error *error)
{
    uint32_t mask = 15;
    while (mask < count * 2)
        mask = mask * 2 + 1;
    uint32_t *slots = memory_zalloc((size_t)(mask + 1) * sizeof(uint32_t));
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        if (vector_is_null(keys, i)) {
            ok = error_set(error, ERROR_DATA, "a key of %s is NULL", plan->name);
            break;
        }
        const Str key = vector_str(keys, i);
        uint32_t at = (uint32_t)hash_bytes(key.data, key.length) & mask;
        while (slots[at] != 0 && !str_equal(vector_str(keys, slots[at] - 1), key))
            at = (at + 1) & mask;
        if (slots[at] != 0)
            ok = error_set(error, ERROR_DATA, "%s has the key \"%.*s\" twice", plan->name,
                           (int)(key.length < 80 ? key.length : 80), key.data);
        slots[at] = i + 1;
    }
    memory_free(slots);
    return ok;
}

static bool object_make(const void *data, const Vector *values, uint32_t count, Vector *out,
                        uint32_t row, Arena *arena, Error *error)
{
    const JsonPlan *plan = data;
    const Vector *keys = &values->children[0];
    const Vector *members = &values->children[1];
    if (count != 0 && !check_keys(plan, keys, count, error))
        return false;
    Buffer text = {0};
    buffer_append_char(&text, '{');
    for (uint32_t i = 0; i < count && text.length <= TEXT_BYTES_MAX; i++) {
        if (plan->absent_on_null && vector_is_null(members, i))
            continue;
        if (text.length > 1)
            buffer_append_char(&text, ',');
        json_print_string(vector_str(keys, i), &text);
        buffer_append_char(&text, ':');
        json_print_value(members, i, plan->zone, &text);
    }
    buffer_append_char(&text, '}');
    return put_text(plan, &text, out, row, arena, error);
}

/* --------------------------------------------------------------------- binding */

static bool bind_json(const AggregateFunction *function, const FunctionSite *site, bool absent,
                      BoundAggregate *out)
{
    if (site->argument_count < 1 || site->argument_count > 2)
        return false;
    aggregate_begin(function, site, &type_string, out);
    JsonPlan *plan = arena_new_one(site->arena, JsonPlan);
    *plan = (JsonPlan){function->name, site->zone, absent};
    if (site->argument_count == 2) {
        Str word;
        if (!bind_literal_text(site, 1, &word))
            return false;
        plan->absent_on_null = str_equal_nocase(word, STR("ABSENT"));
        if (!plan->absent_on_null && !str_equal_nocase(word, STR("NULL")))
            return false;
    }
    out->result = type_with_nullable(site->arena, &type_string, false);
    out->keeps = AGGREGATE_KEEPS_ALL;
    out->keeps_nulls = true;
    out->data = plan;
    return true;
}

static bool bind_array(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                       BoundAggregate *out, Error *error)
{
    if (!bind_json(function, site, true, out))
        return false;
    out->make = array_make;
    return true;
}

static bool bind_object(const AggregateFunction *function, const FunctionSite *site,
                        bool retracting, BoundAggregate *out, Error *error)
{
    if (!bind_json(function, site, false, out))
        return false;
    const Type *pair = site->argument_types[0];
    if (pair->kind != TYPE_ROW || pair->field_count != 2 || !type_is_string(pair->fields[0].type)) {
        error_set(error, ERROR_TYPE, "JSON_OBJECTAGG needs a key that is text, and a value");
        return error_hint(error, "Write JSON_OBJECTAGG(KEY CAST(k AS STRING) VALUE v).");
    }
    out->make = object_make;
    return true;
}

static const AggregateFunction functions[] = {
    {"JSON_OBJECTAGG", "([KEY] STRING VALUE ANY [NULL ON NULL | ABSENT ON NULL]) -> STRING",
     bind_object, 0,
     "A JSON object of the keys and values in the order they came; two equal keys are an error."},
    {"JSON_ARRAYAGG", "(ANY [NULL ON NULL | ABSENT ON NULL]) -> STRING", bind_array, 0,
     "A JSON array of the values in the order they came; NULL is left out unless NULL ON NULL."},
    {0},
};

extern const AggregateFamily agg_json;
const AggregateFamily agg_json = {functions};
