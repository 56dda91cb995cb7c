/* Text that is built anew: padding, repeating, reversing, capitals, OVERLAY.
 *
 * What a function makes is bounded by TEXT_BYTES_MAX; past it an error. */
#include <utf8proc.h>

#include "core/str.h"
#include "functions/kernel_internal.h"

static bool too_long(KernelCall *call, uint32_t row, Error *error)
{
    return kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes", TEXT_BYTES_MAX);
}

/* `count` characters of `pad`, again and again; its bytes at `to` unless NULL. Returns how many. */
static size_t pad_fill(Str pad, size_t pad_count, size_t count, char *to)
{
    const size_t whole = count / pad_count;
    const size_t rest = utf8_offset(pad, count % pad_count);
    if (to != NULL) {
        for (size_t i = 0; i < whole; i++)
            memcpy(to + i * pad.length, pad.data, pad.length);
        memcpy(to + whole * pad.length, pad.data, rest);
    }
    return whole * pad.length + rest;
}

/* LPAD and RPAD: the text cut or filled to so many characters; NULL where that cannot be. */
static bool pad_rows(KernelCall *call, bool at_start, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const int64_t wanted = kernel_i64(call, 1, row);
        const Str pad = kernel_str(call, 2, row);
        if (wanted < 0 || pad.length == 0) {
            kernel_put_null(call, row);
            continue;
        }
        const size_t count = str_utf8_length(text);
        if ((uint64_t)wanted <= count) {
            kernel_put_str(call, row, (Str){text.data, utf8_offset(text, (size_t)wanted)});
            continue;
        }
        if (wanted > TEXT_BYTES_MAX)
            return too_long(call, row, error);
        const size_t pad_count = str_utf8_length(pad);
        const size_t missing = (size_t)wanted - count;
        const size_t added = pad_fill(pad, pad_count, missing, NULL);
        if (added + text.length > TEXT_BYTES_MAX)
            return too_long(call, row, error);
        char *to = text_writer_reserve(&writer, added + text.length);
        pad_fill(pad, pad_count, missing, at_start ? to : to + text.length);
        memcpy(at_start ? to + added : to, text.data, text.length);
        kernel_put_view(call, row, text_writer_take(&writer, added + text.length));
    }
    return true;
}

static bool lpad_kernel(KernelCall *call, Error *error)
{
    return pad_rows(call, true, error);
}

static bool rpad_kernel(KernelCall *call, Error *error)
{
    return pad_rows(call, false, error);
}

static bool repeat_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const int64_t times = kernel_i64(call, 1, row);
        const size_t count = times > 0 && text.length > 0 ? (size_t)times : 0;
        if (text.length > TEXT_BYTES_MAX || count > TEXT_BYTES_MAX / (text.length + 1))
            return too_long(call, row, error);
        char *to = text_writer_reserve(&writer, count * text.length);
        for (size_t k = 0; k < count; k++)
            memcpy(to + k * text.length, text.data, text.length);
        kernel_put_view(call, row, text_writer_take(&writer, count * text.length));
    }
    return true;
}

static bool reverse_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *to = text_writer_reserve(&writer, text.length);
        size_t end = text.length;
        for (size_t at = 0; at < text.length;) {
            const size_t step = (size_t)u64_min(utf8_step(text.data[at]), text.length - at);
            end -= step;
            memcpy(to + end, text.data + at, step);
            at += step;
        }
        kernel_put_view(call, row, text_writer_take(&writer, text.length));
    }
    return true;
}

static bool point_is_word(utf8proc_int32_t point)
{
    const utf8proc_category_t category = utf8proc_category(point);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           category == UTF8PROC_CATEGORY_ND;
}

/* The first letter of each word in upper case, the others in lower. */
static bool initcap_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        utf8proc_uint8_t *to =
            (utf8proc_uint8_t *)text_writer_reserve(&writer, 4 * text.length + 4);
        size_t length = 0;
        bool inside = false;
        for (size_t at = 0; at < text.length;) {
            utf8proc_int32_t point;
            const utf8proc_ssize_t read =
                utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                 (utf8proc_ssize_t)(text.length - at), &point);
            if (read <= 0)
                break;
            const utf8proc_int32_t mapped =
                inside ? utf8proc_tolower(point) : utf8proc_toupper(point);
            length += (size_t)utf8proc_encode_char(mapped, to + length);
            inside = point_is_word(point);
            at += (size_t)read;
        }
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

/* The text with the characters from a position on replaced; as many as the new text has, or as
 * said. A position outside the text changes nothing. */
static bool overlay_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str with = kernel_str(call, 1, row);
        const int64_t start = kernel_i64(call, 2, row);
        const int64_t length =
            call->arg_count > 3 ? kernel_i64(call, 3, row) : (int64_t)str_utf8_length(with);
        const int64_t count = (int64_t)str_utf8_length(text);
        if (start <= 0 || start > count) {
            kernel_put_str(call, row, text);
            continue;
        }
        const size_t head = utf8_offset(text, (size_t)start - 1);
        const bool tail_kept = length > 0 && length <= count - start;
        const size_t tail =
            tail_kept ? utf8_offset(text, (size_t)(start - 1 + length)) : text.length;
        const size_t total = head + with.length + (text.length - tail);
        if (total > TEXT_BYTES_MAX)
            return too_long(call, row, error);
        char *to = text_writer_reserve(&writer, total);
        memcpy(to, text.data, head);
        memcpy(to + head, with.data, with.length);
        memcpy(to + head + with.length, text.data + tail, text.length - tail);
        kernel_put_view(call, row, text_writer_take(&writer, total));
    }
    return true;
}

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"LPAD", "(STRING, BIGINT, STRING) -> STRING", lpad_kernel, NULL,
     FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL, CATEGORY,
     "The text cut to a length, or filled at its start with the third argument."},
    {"RPAD", "(STRING, BIGINT, STRING) -> STRING", rpad_kernel, NULL,
     FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL, CATEGORY,
     "The text cut to a length, or filled at its end with the third argument."},
    {"REPEAT", "(STRING, BIGINT) -> STRING", repeat_kernel, NULL, FUNCTION_CAN_FAIL, CATEGORY,
     "The text so many times."},
    {"REVERSE", "(STRING) -> STRING", reverse_kernel, NULL, 0, CATEGORY,
     "The characters in the opposite order."},
    {"INITCAP", "(STRING) -> STRING", initcap_kernel, NULL, 0, CATEGORY,
     "The text with each word's first letter in upper case, the others in lower."},
    {"OVERLAY", "(STRING, STRING, BIGINT, BIGINT?) -> STRING", overlay_kernel, NULL,
     FUNCTION_CAN_FAIL, CATEGORY,
     "The first text with characters from a position on replaced by the second. Written "
     "OVERLAY(a PLACING b FROM n [FOR m])."},
    {0},
};

extern const FunctionFamily fn_string_build;
const FunctionFamily fn_string_build = {functions};
