/* STR_TO_MAP: a text of pairs as a map. Both delimiters are regular expressions.
 *
 * Cost: one match a delimiter; keys and values are not copied. */
#include "core/str.h"
#include "functions/nested_internal.h"
#include "functions/regexp.h"

typedef struct StrToMapPlan {
    const pcre2_code *codes[2]; /* of delimiters that are literals: between pairs, within one */
    const RowLayout *key;
} StrToMapPlan;

/* Keys and values of a row, as they are found. */
typedef struct Pairs {
    Str *keys;
    Str *values;
    bool *has_value;
    uint32_t count;
} Pairs;

/* The next match that is not empty; `text.length` when there is none. False with the error set. */
static bool find_delimiter(Regexp *regexp, Str text, size_t from, size_t *start, size_t *end,
                           Error *error)
{
    *start = *end = text.length;
    while (from <= text.length) {
        const int found = regexp_find(regexp, text, from, 0, error);
        if (found <= 0)
            return found == 0;
        if (regexp_end(regexp) > regexp_start(regexp)) {
            *start = regexp_start(regexp);
            *end = regexp_end(regexp);
            return true;
        }
        from = regexp_end(regexp) +
               (regexp_end(regexp) < text.length ? utf8_step(text.data[regexp_end(regexp)]) : 1);
    }
    return true;
}

static bool add_pair(Pairs *pairs, Regexp *within, Str pair, Error *error)
{
    size_t start, end;
    if (!find_delimiter(within, pair, 0, &start, &end, error))
        return false;
    const uint32_t at = pairs->count++;
    pairs->keys[at] = (Str){pair.data, start};
    pairs->values[at] = (Str){pair.data + end, pair.length - end};
    pairs->has_value[at] = start != end;
    return true;
}

/* All pairs but empty ones at the end. */
static bool split(KernelCall *call, Regexp *delimiters, Str text, Pairs *pairs, Error *error)
{
    size_t kept = 0; /* behind the last pair that is not empty */
    for (size_t at = 0; at <= text.length && text.length != 0;) {
        size_t start, end;
        if (!find_delimiter(&delimiters[0], text, at, &start, &end, error))
            return false;
        if (pairs->count % 64 == 0) {
            const size_t room = (size_t)pairs->count + 64;
            Pairs grown = {arena_new_array(call->arena, Str, room),
                           arena_new_array(call->arena, Str, room),
                           arena_new_array(call->arena, bool, room), pairs->count};
            for (uint32_t i = 0; i < pairs->count; i++) {
                grown.keys[i] = pairs->keys[i];
                grown.values[i] = pairs->values[i];
                grown.has_value[i] = pairs->has_value[i];
            }
            *pairs = grown;
        }
        if (!add_pair(pairs, &delimiters[1], (Str){text.data + at, start - at}, error))
            return false;
        kept = start != at ? pairs->count : kept;
        at = start == end ? text.length + 1 : end;
    }
    pairs->count = (uint32_t)kept;
    return true;
}

static void put_pairs(KernelCall *call, uint32_t row, const Pairs *pairs)
{
    Vector columns[2];
    Element *keys = element_room(call, pairs->count), *values = element_room(call, pairs->count);
    for (uint32_t part = 0; part < 2; part++)
        vector_init(&columns[part], &type_string, pairs->count + 1, call->arena);
    for (uint32_t i = 0; i < pairs->count; i++) {
        StringView *key = (StringView *)columns[0].data + i;
        StringView *value = (StringView *)columns[1].data + i;
        *key = string_view_borrow(pairs->keys[i].data, pairs->keys[i].length);
        *value = string_view_borrow(pairs->values[i].data, pairs->values[i].length);
        if (!pairs->has_value[i])
            vector_set_null(&columns[1], i, call->arena);
        keys[i] = (Element){&columns[0], i};
        values[i] = (Element){&columns[1], i};
    }
    KernelCall inner = *call;
    inner.data = ((const StrToMapPlan *)call->data)->key;
    map_put(&inner, row, keys, values, pairs->count);
}

static bool use_delimiters(KernelCall *call, uint32_t row, Regexp *delimiters, Error *error)
{
    const StrToMapPlan *plan = call->data;
    for (uint32_t d = 0; d < 2; d++)
        if (plan->codes[d] == NULL &&
            !regexp_use(&delimiters[d], kernel_str(call, d + 1, row), error)) {
            call->error_row = row;
            return false;
        }
    return true;
}

static bool str_to_map_kernel(KernelCall *call, Error *error)
{
    const StrToMapPlan *plan = call->data;
    Regexp delimiters[2] = {regexp_open(plan->codes[0]), regexp_open(plan->codes[1])};
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        Pairs pairs = {0};
        done = use_delimiters(call, row, delimiters, error);
        if (done && !split(call, delimiters, kernel_str(call, 0, row), &pairs, error)) {
            call->error_row = row;
            done = false;
        }
        if (done)
            put_pairs(call, row, &pairs);
    }
    regexp_close(&delimiters[0]);
    regexp_close(&delimiters[1]);
    return done;
}

static bool bind_str_to_map(const ScalarFunction *function, const FunctionSite *site,
                            BoundFunction *out, Error *error)
{
    static const char *const defaults[] = {",", "="};
    if (!signature_bind("(STRING, STRING?, STRING?) -> STRING", site, function, out))
        return false;
    StrToMapPlan *plan = arena_new_one(site->arena, StrToMapPlan);
    for (uint32_t d = 0; d < 2; d++) {
        Str pattern = str_of(defaults[d]);
        if (site->argument_count > d + 1 && !bind_literal_text(site, d + 1, &pattern))
            continue;
        pcre2_code *code = regexp_compile(pattern, error);
        if (code == NULL)
            return false;
        arena_on_close(site->arena, regexp_code_free, code);
        plan->codes[d] = code;
    }
    const TypeField parts[] = {{NULL, type_with_nullable(site->arena, &type_string, false)},
                               {NULL, &type_string}};
    plan->key = row_layout_new(site->arena, &parts[0].type, 1);
    out->result = type_new_nested(site->arena, TYPE_MAP, out->result->nullable, parts, 2);
    out->kernel = function->kernel;
    out->data = plan;
    return true;
}

static const ScalarFunction functions[] = {
    {"STR_TO_MAP", "(STRING, STRING?, STRING?) -> MAP", str_to_map_kernel, bind_str_to_map,
     FUNCTION_CAN_FAIL, "collection",
     "The pairs of a text as a map; what parts pairs, and key from value, are regular expressions, "
     "by default , and =."},
    {0},
};

extern const FunctionFamily fn_str_to_map;
const FunctionFamily fn_str_to_map = {functions};
