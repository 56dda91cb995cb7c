/* JSON text from values: JSON_OBJECT, JSON_ARRAY, JSON_STRING; IS JSON.
 *
 * The first argument of JSON_OBJECT and JSON_ARRAY is a text: NULL or ABSENT, or the function's own
 * name for its default. A value that is JSON already (a JSON_OBJECT inside another, JSON(text))
 * comes from the hidden function JSON as a ROW of one field with a name of its own, so that it is
 * told from text by its type and not quoted again.
 *
 * Cost: one text a row, written into one buffer; members that are JSON are copied as they are. */
#include "core/json_text.h"
#include "core/str.h"
#include "functions/json_path.h"
#include "functions/json_value.h"
#include "functions/kernel_internal.h"

#define RAW_FIELD "JSON text" /* no column has this name */

typedef struct MakePlan {
    const char *name;
    const TimeZone *zone;
    bool absent_on_null;
} MakePlan;

static bool is_raw(const Type *type)
{
    return type->kind == TYPE_ROW && type->field_count == 1 &&
           strcmp(type->fields[0].name, RAW_FIELD) == 0;
}

static bool is_null(const Vector *value, uint32_t row)
{
    return vector_is_null(value, row) ||
           (is_raw(value->type) && vector_is_null(&value->children[0], vector_index(value, row)));
}

static void print_member(const MakePlan *plan, const Vector *value, uint32_t row, Buffer *out)
{
    if (is_raw(value->type) && !is_null(value, row))
        buffer_append_str(out, vector_str(&value->children[0], vector_index(value, row)));
    else if (is_null(value, row))
        buffer_append_text(out, "null");
    else
        json_print_value(value, row, plan->zone, out);
}

/* Each row's text: `step` arguments a member, the value last. */
static bool make_rows(KernelCall *call, uint32_t step, const char *brackets, Error *error)
{
    const MakePlan *plan = call->data;
    Buffer text = {0};
    bool fits = true;
    for (uint32_t i = 0; i < call->row_count && fits; i++) {
        const uint32_t row = kernel_row(call, i);
        buffer_clear(&text);
        buffer_append_char(&text, brackets[0]);
        for (uint32_t a = 1; a + step <= call->arg_count && text.length <= TEXT_BYTES_MAX;
             a += step) {
            const Vector *value = call->args[a + step - 1];
            if (plan->absent_on_null && is_null(value, row))
                continue;
            if (text.length > 1)
                buffer_append_char(&text, ',');
            if (step == 2) {
                json_print_string(kernel_str(call, a, row), &text);
                buffer_append_char(&text, ':');
            }
            print_member(plan, value, row, &text);
        }
        buffer_append_char(&text, brackets[1]);
        fits = text.length <= TEXT_BYTES_MAX;
        if (fits)
            kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
        else
            fits = kernel_fail(call, row, error, ERROR_LIMIT, "%s made a text longer than %u bytes",
                               plan->name, TEXT_BYTES_MAX);
    }
    buffer_deinit(&text);
    return fits;
}

static bool object_kernel(KernelCall *call, Error *error)
{
    return make_rows(call, 2, "{}", error);
}

static bool array_kernel(KernelCall *call, Error *error)
{
    return make_rows(call, 1, "[]", error);
}

static bool string_kernel(KernelCall *call, Error *error)
{
    const MakePlan *plan = call->data;
    Buffer text = {0};
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        buffer_clear(&text);
        json_print_value(call->args[0], row, plan->zone, &text);
        kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
    }
    buffer_deinit(&text);
    return true;
}

/* -------------------------------------------------------------- text that is JSON */

/* What a row's text is: JSON_INVALID when it is no JSON. */
static JsonKind kind_of(JsonFinder *finder, Str text)
{
    static const JsonPath whole = {.lax = false};
    const JsonOutcome outcome = json_finder_find(finder, &whole, text);
    return outcome == JSON_FOUND || outcome == JSON_EMPTY ? finder->kind : JSON_INVALID;
}

static bool is_json_kernel(KernelCall *call, Error *error)
{
    const char which = *(const char *)call->data; /* Value, Scalar, Object, Array */
    JsonFinder finder;
    json_finder_init(&finder);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const JsonKind kind = kind_of(&finder, kernel_str(call, 0, row));
        const bool nested = kind == JSON_OBJECT || kind == JSON_ARRAY;
        const bool is = which == 'O'   ? kind == JSON_OBJECT
                        : which == 'A' ? kind == JSON_ARRAY
                                       : kind != JSON_INVALID && !(which == 'S' && nested);
        ((uint8_t *)call->out->data)[row] = is;
    }
    json_finder_deinit(&finder);
    return true;
}

static bool raw_kernel(KernelCall *call, Error *error)
{
    JsonFinder finder;
    json_finder_init(&finder);
    bool ok = true;
    for (uint32_t i = 0; i < call->row_count && ok; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        if (kind_of(&finder, text) == JSON_INVALID)
            ok = kernel_fail(call, row, error, ERROR_DATA, "JSON of a text that is none: \"%.*s\"",
                             (int)u64_min(text.length, 80), text.data);
        else
            vector_copy_value(&call->out->children[0], row, call->args[0], row, call->arena, true);
    }
    json_finder_deinit(&finder);
    return ok;
}

/* -------------------------------------------------------------------- binding */

static bool null_treatment(const FunctionSite *site, const ScalarFunction *function, MakePlan *plan)
{
    Str word;
    if (site->argument_count == 0 || !bind_literal_text(site, 0, &word))
        return false;
    const bool array = strcmp(function->name, "JSON_ARRAY") == 0;
    plan->absent_on_null = str_equal_nocase(word, STR("ABSENT")) ||
                           (array && str_equal_nocase(word, str_of(function->name)));
    return plan->absent_on_null || str_equal_nocase(word, STR("NULL")) ||
           str_equal_nocase(word, str_of(function->name));
}

static bool bind_make(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    MakePlan *plan = arena_new_one(site->arena, MakePlan);
    *plan = (MakePlan){.name = function->name, .zone = site->zone};
    if (!null_treatment(site, function, plan))
        return false;
    const bool object = strcmp(function->name, "JSON_OBJECT") == 0;
    for (uint32_t i = 1; object && i < site->argument_count; i += 2) {
        Str key;
        if (bind_literal_text(site, i, &key) && i + 1 < site->argument_count)
            continue;
        error_set(error, ERROR_TYPE, "a key of JSON_OBJECT must be a text literal with a VALUE");
        return error_hint(error, "Write JSON_OBJECT(KEY 'name' VALUE x).");
    }
    (void)bind_begin(site, function, &type_string, out);
    out->result = type_with_nullable(site->arena, &type_string, false);
    out->kernel = function->kernel;
    out->data = plan;
    return true;
}

static bool bind_string(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count != 1)
        return false;
    MakePlan *plan = arena_new_one(site->arena, MakePlan);
    *plan = (MakePlan){.name = function->name, .zone = site->zone};
    (void)bind_begin(site, function, &type_string, out);
    out->result = type_with_nullable(site->arena, &type_string, site->argument_types[0]->nullable);
    out->kernel = function->kernel;
    out->data = plan;
    return true;
}

static bool bind_is_json(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    if (site->argument_count != 1 || !type_is_string(site->argument_types[0]))
        return false;
    (void)bind_begin(site, function, &type_string, out);
    out->result = type_with_nullable(site->arena, &type_boolean, site->argument_types[0]->nullable);
    out->kernel = function->kernel;
    out->data = function->name + strlen("IS JSON ");
    return true;
}

static bool bind_raw(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    if (site->argument_count != 1 || !type_is_string(site->argument_types[0]))
        return false;
    const TypeField field = {RAW_FIELD, site->argument_types[0]};
    (void)bind_begin(site, function, &type_string, out);
    out->result =
        type_new_nested(site->arena, TYPE_ROW, site->argument_types[0]->nullable, &field, 1);
    out->kernel = function->kernel;
    return true;
}

#define CATEGORY "json"
#define MAKES    (FUNCTION_NULL_AWARE | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"JSON_OBJECT", "([[KEY] 'key' VALUE ANY]... [NULL ON NULL | ABSENT ON NULL]) -> STRING",
     object_kernel, bind_make, MAKES, CATEGORY,
     "A JSON object of keys and values; what JSON_OBJECT, JSON_ARRAY or JSON(text) made is "
     "nested."},
    {"JSON_ARRAY", "(ANY... [NULL ON NULL | ABSENT ON NULL]) -> STRING", array_kernel, bind_make,
     MAKES, CATEGORY, "A JSON array of the values; NULL is left out unless NULL ON NULL."},
    {"JSON_STRING", "(ANY) -> STRING", string_kernel, bind_string, 0, CATEGORY,
     "The value as JSON text."},
    {"IS JSON VALUE", "STRING IS [NOT] JSON [VALUE]", is_json_kernel, bind_is_json, 0, CATEGORY,
     "Whether the text is JSON."},
    {"IS JSON SCALAR", "STRING IS [NOT] JSON SCALAR", is_json_kernel, bind_is_json, 0, CATEGORY,
     "Whether the text is a JSON string, number, true, false or null."},
    {"IS JSON OBJECT", "STRING IS [NOT] JSON OBJECT", is_json_kernel, bind_is_json, 0, CATEGORY,
     "Whether the text is a JSON object."},
    {"IS JSON ARRAY", "STRING IS [NOT] JSON ARRAY", is_json_kernel, bind_is_json, 0, CATEGORY,
     "Whether the text is a JSON array."},
    {"JSON", "(STRING) -> ROW", raw_kernel, bind_raw, FUNCTION_CAN_FAIL | FUNCTION_HIDDEN, CATEGORY,
     "JSON text as a value that is JSON."},
    {0},
};

extern const FunctionFamily fn_json_make;
const FunctionFamily fn_json_make = {functions};
