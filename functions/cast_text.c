/* Casts to and from text and bytes.
 *
 * Text reads and prints as core/value_text.h says; integers, the everyday case, have loops of their
 * own. CHAR(n) is filled with spaces, VARCHAR(n) cut; bytes become text only when they are UTF-8.
 * Cost: integers no allocation beyond the batch's; other types one buffer per batch. */
#include "functions/cast_internal.h"

#include "core/str.h"
#include "core/value_text.h"

/* How much of a value an error message quotes. */
#define QUOTED_MAX 100

static int quoted_length(Str text)
{
    const Str kept = {text.data, (size_t)u64_min(text.length, QUOTED_MAX)};
    return (int)str_utf8_valid_prefix(kept);
}

static const char *target_text(const KernelCall *call)
{
    const CastPlan *plan = call->data;
    return type_text(call->arena, type_with_nullable(call->arena, plan->to, true));
}

static bool fail_to_read(KernelCall *call, uint32_t row, Str text, Error *error)
{
    if (((const CastPlan *)call->data)->try_cast) {
        kernel_put_null(call, row);
        return true;
    }
    return cast_fail(call, row, error, "cannot cast \"%.*s\" to %s", quoted_length(text), text.data,
                     target_text(call));
}

/* Reads an integer, whose fraction is cut off. False when it is no number or beyond the limits. */
static bool integer_read(Str text, int64_t minimum, int64_t maximum, int64_t *out)
{
    text = str_trim(text);
    size_t at = 0;
    const bool negative = text.length > 0 && text.data[0] == '-';
    if (text.length > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        at++;
    const size_t digits = at;
    int64_t value = 0; /* kept negative, whose range is the larger */
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text.data[at] - '0', &value))
            return false;
    }
    bool any = at > digits;
    if (at < text.length && text.data[at] == '.') {
        const size_t fraction = ++at;
        while (at < text.length && text.data[at] >= '0' && text.data[at] <= '9')
            at++;
        any = any || at > fraction;
    }
    if (!any || at != text.length || (!negative && value == INT64_MIN))
        return false;
    *out = negative ? value : -value;
    return *out >= minimum && *out <= maximum;
}

#define TEXT_TO_INTEGER(name, T, minimum, maximum)                                                 \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const Str text = kernel_str(call, 0, row);                                             \
            int64_t value;                                                                         \
            if (integer_read(text, minimum, maximum, &value))                                      \
                out[row] = (T)value;                                                               \
            else if (!fail_to_read(call, row, text, error))                                        \
                return false;                                                                      \
        }                                                                                          \
        return true;                                                                               \
    }
TEXT_TO_INTEGER(text_to_i8, int8_t, INT8_MIN, INT8_MAX)
TEXT_TO_INTEGER(text_to_i16, int16_t, INT16_MIN, INT16_MAX)
TEXT_TO_INTEGER(text_to_i32, int32_t, INT32_MIN, INT32_MAX)
TEXT_TO_INTEGER(text_to_i64, int64_t, INT64_MIN, INT64_MAX)

static bool text_to_value(KernelCall *call, Error *error)
{
    const TimeZone *zone = call->environment->zone;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        if (!value_parse(call->out, row, text, zone, call->arena, NULL) &&
            !fail_to_read(call, row, text, error))
            return false;
    }
    return true;
}

/* Text brought to the target's length. */
static StringView text_fit(TextWriter *writer, Str text, const Type *to)
{
    const size_t length = (size_t)to->length;
    if (text.length > length) {
        const size_t kept = utf8_offset(text, length);
        if (kept < text.length)
            return string_view_borrow(text.data, kept);
    }
    const size_t count = to->kind == TYPE_CHAR ? str_utf8_length(text) : length;
    if (count >= length)
        return string_view_borrow(text.data, text.length);
    const size_t bytes = text.length + (length - count);
    char *padded = text_writer_reserve(writer, bytes);
    memcpy(padded, text.data, text.length);
    memset(padded + text.length, ' ', length - count);
    return text_writer_take(writer, bytes);
}

static bool text_to_text(KernelCall *call, Error *error)
{
    const CastPlan *const plan = call->data;
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        kernel_put_view(call, row, text_fit(&writer, kernel_str(call, 0, row), plan->to));
    }
    return true;
}

static bool bytes_to_text(KernelCall *call, Error *error)
{
    const CastPlan *const plan = call->data;
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str bytes = kernel_str(call, 0, row);
        if (str_utf8_valid_prefix(bytes) == bytes.length)
            kernel_put_view(call, row, text_fit(&writer, bytes, plan->to));
        else if (!cast_fail(call, row, error, "cannot cast bytes to %s: not UTF-8 at byte %zu",
                            target_text(call), str_utf8_valid_prefix(bytes) + 1))
            return false;
    }
    return true;
}

/* Bytes of text or other bytes: BINARY(n) is filled with zeros, both are cut. */
static bool any_to_bytes(KernelCall *call, Error *error)
{
    const CastPlan *const plan = call->data;
    const size_t length = (size_t)plan->to->length;
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        Str bytes = kernel_str(call, 0, row);
        bytes.length = (size_t)u64_min(bytes.length, length);
        if (plan->to->kind == TYPE_VARBINARY || bytes.length == length) {
            kernel_put_str(call, row, bytes);
            continue;
        }
        char *padded = text_writer_reserve(&writer, length);
        memcpy(padded, bytes.data, bytes.length);
        memset(padded + bytes.length, 0, length - bytes.length);
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

/* Decimal digits of an integer, written to the end of `buffer`. */
static Str integer_print(int64_t value, char buffer[24])
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = buffer + 24;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        *--at = '-';
    return (Str){at, (size_t)(buffer + 24 - at)};
}

#define INTEGER_TO_TEXT(name, T)                                                                   \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const CastPlan *const plan = call->data;                                                   \
        const T *const in = call->args[0]->data;                                                   \
        TextWriter writer = text_writer_of(call);                                                  \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            char digits[24];                                                                       \
            const Str text = integer_print(in[vector_index(call->args[0], row)], digits);          \
            char *to = text_writer_reserve(&writer, text.length);                                  \
            memcpy(to, text.data, text.length);                                                    \
            const Str kept = {to, text.length};                                                    \
            writer.next += text.length;                                                            \
            kernel_put_view(call, row, text_fit(&writer, kept, plan->to));                         \
        }                                                                                          \
        return true;                                                                               \
    }
INTEGER_TO_TEXT(i8_to_text, int8_t)
INTEGER_TO_TEXT(i16_to_text, int16_t)
INTEGER_TO_TEXT(i32_to_text, int32_t)
INTEGER_TO_TEXT(i64_to_text, int64_t)

static bool value_to_text(KernelCall *call, Error *error)
{
    const CastPlan *const plan = call->data;
    TextWriter writer = text_writer_of(call);
    Buffer buffer = {0};
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        buffer_clear(&buffer);
        value_print(call->args[0], row, call->environment->zone, &buffer);
        char *to = text_writer_reserve(&writer, buffer.length);
        memcpy(to, buffer.data, buffer.length);
        const Str kept = {to, buffer.length};
        writer.next += buffer.length;
        kernel_put_view(call, row, text_fit(&writer, kept, plan->to));
    }
    buffer_deinit(&buffer);
    return true;
}

/* Whether text of the source type always fits the target as it is. */
static bool fits_as_it_is(const Type *from, const Type *to)
{
    return to->kind == TYPE_VARCHAR && to->length >= from->length;
}

KERNEL_UNARY(view_copy, StringView, StringView, a)

static Cast cast_from_text(const Type *from, const Type *to)
{
    if (type_is_string(to))
        return (Cast){fits_as_it_is(from, to) ? view_copy : text_to_text, false, false};
    switch (to->kind) {
    case TYPE_TINYINT:
        return (Cast){text_to_i8, true, false};
    case TYPE_SMALLINT:
        return (Cast){text_to_i16, true, false};
    case TYPE_INT:
        return (Cast){text_to_i32, true, false};
    case TYPE_BIGINT:
        return (Cast){text_to_i64, true, false};
    case TYPE_BOOLEAN:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return (Cast){text_to_value, true, false};
    default:
        return (Cast){0};
    }
}

Cast cast_text_find(const Type *from, const Type *to)
{
    if (type_is_bytes(to)) {
        if (!type_is_string(from) && !type_is_bytes(from))
            return (Cast){0};
        const bool kept =
            to->kind == TYPE_VARBINARY &&
            (to->length == TYPE_LENGTH_MAX || (type_is_bytes(from) && to->length >= from->length));
        return (Cast){kept ? view_copy : any_to_bytes, false, false};
    }
    if (type_is_bytes(from))
        return type_is_string(to) ? (Cast){bytes_to_text, true, false} : (Cast){0};
    if (type_is_string(from))
        return cast_from_text(from, to);
    if (!type_is_string(to))
        return (Cast){0};
    switch (from->kind) {
    case TYPE_TINYINT:
        return (Cast){i8_to_text, false, false};
    case TYPE_SMALLINT:
        return (Cast){i16_to_text, false, false};
    case TYPE_INT:
        return (Cast){i32_to_text, false, false};
    case TYPE_BIGINT:
        return (Cast){i64_to_text, false, false};
    default:
        return (Cast){value_to_text, false, false};
    }
}
