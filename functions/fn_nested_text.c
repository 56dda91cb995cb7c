/* Text to lists and back: SPLIT, ARRAY_JOIN. */
#include "functions/nested_internal.h"

/* A piece of the text as the next element; long ones borrow it. */
static void put_piece(KernelCall *call, uint32_t offset, uint32_t piece, const char *data,
                      size_t length)
{
    Vector *child = &call->out->children[0];
    vector_set_valid(child, offset + piece);
    ((StringView *)child->data)[offset + piece] = string_view_borrow(data, length);
}

static void split_characters(KernelCall *call, uint32_t row, Str text)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.length; at += utf8_step(text.data[at]))
        count++;
    const uint32_t offset = vector_list_append(call->out, row, count, call->arena);
    uint32_t piece = 0;
    for (size_t at = 0; at < text.length; piece++) {
        size_t step = utf8_step(text.data[at]);
        step = step > text.length - at ? text.length - at : step;
        put_piece(call, offset, piece, text.data + at, step);
        at += step;
    }
}

static void split_text(KernelCall *call, uint32_t row, Str text, Str delimiter)
{
    uint32_t count = 1;
    size_t at = 0, next;
    while ((next = str_find_from(text, delimiter, at)) != SIZE_MAX) {
        at = next + delimiter.length;
        count++;
    }
    const uint32_t offset = vector_list_append(call->out, row, count, call->arena);
    at = 0;
    for (uint32_t piece = 0; piece < count; piece++) {
        next = str_find_from(text, delimiter, at);
        next = next == SIZE_MAX ? text.length : next;
        put_piece(call, offset, piece, text.data + at, next - at);
        at = next + delimiter.length;
    }
}

static bool split_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row), delimiter = kernel_str(call, 1, row);
        if (delimiter.length == 0)
            split_characters(call, row, text);
        else
            split_text(call, row, text, delimiter);
    }
    return true;
}

static bool bind_split(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    if (!signature_bind("(STRING, STRING) -> STRING", site, function, out))
        return false;
    out->result =
        array_type(site->arena, type_with_nullable(site->arena, &type_string, false), true);
    out->kernel = split_kernel;
    return true;
}

static bool join_kernel(KernelCall *call, Error *error)
{
    Buffer joined = {0};
    bool ok = true;
    for (uint32_t i = 0; i < call->row_count && ok; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = list_of(call, 0, row);
        const Str delimiter = kernel_str(call, 1, row);
        bool any = false;
        buffer_clear(&joined);
        for (uint32_t e = 0; e < entry.length; e++) {
            const Element element = list_element(call, 0, 0, entry, e);
            const bool is_null = element_is_null(element);
            if (is_null && call->arg_count < 3)
                continue;
            if (any)
                buffer_append_str(&joined, delimiter);
            buffer_append_str(&joined, is_null ? kernel_str(call, 2, row)
                                               : vector_str(element.vector, element.row));
            any = true;
        }
        if (joined.length > TEXT_BYTES_MAX)
            ok = kernel_fail(call, row, error, ERROR_LIMIT,
                             "ARRAY_JOIN made a text longer than %u bytes", TEXT_BYTES_MAX);
        else
            kernel_put_view(call, row, string_view_copy(call->arena, joined.data, joined.length));
    }
    buffer_deinit(&joined);
    return ok;
}

static bool bind_join(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count < 2 || site->argument_count > 3 ||
        !type_is_string(array_element_type(types[0])))
        return false;
    for (uint32_t i = 1; i < site->argument_count; i++) {
        if (types[i]->kind == TYPE_NULL)
            types[i] = &type_string;
        if (!type_is_string(types[i]))
            return false;
    }
    out->result = &type_string;
    out->kernel = join_kernel;
    return true;
}

static const ScalarFunction functions[] = {
    {"SPLIT", "(STRING, STRING) -> ARRAY", NULL, bind_split, 0, "collection",
     "The parts of the text between the delimiters; between all characters for an empty one."},
    {"ARRAY_JOIN", "(ARRAY, STRING, STRING?) -> STRING", NULL, bind_join, FUNCTION_CAN_FAIL,
     "collection",
     "The texts of the array joined by the delimiter; NULL is left out or becomes the third."},
    {0},
};

extern const FunctionFamily fn_nested_text;
const FunctionFamily fn_nested_text = {functions};
