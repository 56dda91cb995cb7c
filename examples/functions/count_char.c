/* A library of functions in C, which SQL loads:
 *
 *     CREATE FUNCTION count_char AS 'count_char' LANGUAGE C USING LIBRARY 'count_char.so';
 *     SELECT count_char('abracadabra', 'a');
 *
 * Compiled by itself: cc -O2 -shared -fPIC -o count_char.so count_char.c
 */
#include "functions/weir_function.h"

/* How many bytes of the text equal the first byte of the other; none of NULL. */
static bool count_char(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        if (weir_argument_is_null(call, 0, row) || weir_argument_is_null(call, 1, row))
            continue; /* the result is 0 already */
        WeirText text = weir_argument_text(call, 0, row);
        WeirText wanted = weir_argument_text(call, 1, row);
        if (wanted.length == 0)
            return call->host->fail_row(call, row, "the character to count is missing");
        int64_t count = 0;
        for (size_t at = 0; at < text.length; at++)
            count += text.data[at] == wanted.data[0];
        weir_return_bigint(call, row, count);
    }
    return true;
}

static const WeirFunction functions[] = {
    {"count_char", "(STRING, STRING) -> BIGINT NOT NULL", count_char, WEIR_TAKES_NULL,
     "How often a character occurs in a text.", NULL},
    {NULL, NULL, NULL, 0, NULL, NULL},
};

const WeirLibrary weir_library = {WEIR_FUNCTION_ABI, functions};
