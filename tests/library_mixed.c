/* A library with a function of two signatures, and with some that cannot be. */
#include "functions/weir_function.h"

static bool size_of_text(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        weir_return_int(call, row, (int32_t)weir_argument_text(call, 0, row).length);
    }
    return true;
}

static bool size_of_bytes(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        weir_return_bigint(call, row, (int64_t)weir_argument_text(call, 0, row).length);
    }
    return true;
}

static const WeirFunction functions[] = {
    {"size", "(STRING) -> INT NOT NULL", size_of_text, 0, "How many bytes there are.", NULL},
    {"size", "(BYTES) -> BIGINT NOT NULL", size_of_bytes, 0, "How many bytes there are.", NULL},
    {"nested", "(ARRAY<INT>) -> INT", size_of_text, 0, NULL, NULL},
    {"incomplete", "(INT) -> INT", NULL, 0, NULL, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL},
};

const WeirLibrary weir_library = {WEIR_FUNCTION_ABI, functions};
