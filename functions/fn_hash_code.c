/* HASH_CODE: a number made from values, the same for equal values.
 *
 * It is the upper half of the engine's hash over the encoded arguments, so what is equal to GROUP
 * BY (NULL and NULL, 0.0 and -0.0) has the same code. It decides where partial groups are kept and
 * so never changes. Cost: the arguments encoded, one hash a row. */
#include "core/hash.h"
#include "core/row.h"
#include "functions/kernel_internal.h"

static bool hash_code_kernel(KernelCall *call, Error *error)
{
    const RowLayout *layout = call->data;
    Str *encoded = arena_alloc(call->arena, sizeof(Str) * (call->row_count + 1));
    row_encode(layout, call->args, call->rows, call->row_count, call->arena, encoded);
    int32_t *out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        vector_set_valid(call->out, row);
        out[row] = (int32_t)(hash_bytes(encoded[i].data, encoded[i].length) >> 33);
    }
    return true;
}

static bool bind_hash_code(const ScalarFunction *function, const FunctionSite *site,
                           BoundFunction *out, Error *error)
{
    if (site->argument_count == 0)
        return false;
    bind_begin(site, function, &type_null, out);
    out->result = type_with_nullable(site->arena, &type_int, false);
    out->kernel = hash_code_kernel;
    out->data = row_layout_new(site->arena, out->argument_types, site->argument_count);
    return true;
}

static const ScalarFunction functions[] = {
    {"HASH_CODE", "(ANY...) -> INT", NULL, bind_hash_code, FUNCTION_NULL_AWARE, "hash",
     "A number from 0 on made from the arguments, the same for equal ones, NULL among them."},
    {0},
};

extern const FunctionFamily fn_hash_code;
const FunctionFamily fn_hash_code = {functions};
