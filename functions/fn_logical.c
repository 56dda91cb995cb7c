/* NOT and the tests IS [NOT] TRUE, FALSE, UNKNOWN. AND, OR and CASE belong to the evaluator, which
 * computes only the arms that rows need. */
#include "functions/kernel_internal.h"

KERNEL_UNARY(not_kernel, uint8_t, uint8_t, a == 0)

/* `wanted`: the answer for FALSE, TRUE and NULL. */
#define TEST_KERNEL(name, of_false, of_true, of_null)                                              \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        static const uint8_t answers[3] = {of_false, of_true, of_null};                            \
        const uint8_t *const in = call->args[0]->data;                                             \
        uint8_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const bool null = vector_is_null(call->args[0], row);                                  \
            out[row] = answers[null ? 2 : in[vector_index(call->args[0], row)] != 0];              \
        }                                                                                          \
        return true;                                                                               \
    }
TEST_KERNEL(is_true, 0, 1, 0)
TEST_KERNEL(is_not_true, 1, 0, 1)
TEST_KERNEL(is_false, 1, 0, 0)
TEST_KERNEL(is_not_false, 0, 1, 1)
TEST_KERNEL(is_unknown, 0, 0, 1)
TEST_KERNEL(is_not_unknown, 1, 1, 0)

#define AWARE (FUNCTION_HIDDEN | FUNCTION_NULL_AWARE)

/* The tests never answer NULL. */
static bool bind_test(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    if (!signature_bind("(BOOLEAN) -> BOOLEAN", site, function, out))
        return false;
    out->result = type_with_nullable(site->arena, &type_boolean, false);
    out->kernel = function->kernel;
    return true;
}

static const ScalarFunction functions[] = {
    {"NOT", "(BOOLEAN) -> BOOLEAN", not_kernel, NULL, FUNCTION_HIDDEN, "logical",
     "The opposite; NULL stays NULL."},
    {"IS TRUE", "BOOLEAN IS TRUE", is_true, bind_test, AWARE, "logical",
     "Whether the value is TRUE."},
    {"IS NOT TRUE", "BOOLEAN IS NOT TRUE", is_not_true, bind_test, AWARE, "logical",
     "Whether the value is FALSE or NULL."},
    {"IS FALSE", "BOOLEAN IS FALSE", is_false, bind_test, AWARE, "logical",
     "Whether the value is FALSE."},
    {"IS NOT FALSE", "BOOLEAN IS NOT FALSE", is_not_false, bind_test, AWARE, "logical",
     "Whether the value is TRUE or NULL."},
    {"IS UNKNOWN", "BOOLEAN IS UNKNOWN", is_unknown, bind_test, AWARE, "logical",
     "Whether the value is NULL."},
    {"IS NOT UNKNOWN", "BOOLEAN IS NOT UNKNOWN", is_not_unknown, bind_test, AWARE, "logical",
     "Whether the value is TRUE or FALSE."},
    {0},
};

extern const FunctionFamily fn_logical;
const FunctionFamily fn_logical = {functions};
