/* What kernels and binders share: per-type loops, text results, choice of argument types.
 *
 * Invariant: a generated kernel has one loop for plain columns without selection, which the
 * compiler turns into vector instructions, and one general loop; both compute the same.
 * Cost: one call per batch; inside the loop no look at types, flags or NULLs. */
#ifndef FUNCTIONS_KERNEL_INTERNAL_H
#define FUNCTIONS_KERNEL_INTERNAL_H

#include <string.h>

#include "functions/function.h"

/* Longest text or bytes that a function makes. */
#define TEXT_BYTES_MAX (UINT32_C(64) << 20)

/* static bool name(call, error): out[row] = expression over `a`, of type In. */
#define KERNEL_UNARY(name, In, Out, expression)                                                    \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        (void)error;                                                                               \
        const In *const in = call->args[0]->data;                                                  \
        Out *const out = call->out->data;                                                          \
        const uint32_t count = call->row_count;                                                    \
        if (call->rows == NULL && !call->args[0]->constant) {                                      \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                const In a = in[i];                                                                \
                out[i] = (Out)(expression);                                                        \
            }                                                                                      \
            return true;                                                                           \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const uint32_t row = kernel_row(call, i);                                              \
            const In a = in[vector_index(call->args[0], row)];                                     \
            out[row] = (Out)(expression);                                                          \
        }                                                                                          \
        return true;                                                                               \
    }

/* The same over `a` of type Left and `b` of type Right. */
#define KERNEL_BINARY(name, Left, Right, Out, expression)                                          \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        (void)error;                                                                               \
        const Left *const left = call->args[0]->data;                                              \
        const Right *const right = call->args[1]->data;                                            \
        Out *const out = call->out->data;                                                          \
        const uint32_t count = call->row_count;                                                    \
        const bool left_constant = call->args[0]->constant;                                        \
        const bool right_constant = call->args[1]->constant;                                       \
        if (call->rows == NULL && !left_constant && !right_constant) {                             \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                const Left a = left[i];                                                            \
                const Right b = right[i];                                                          \
                out[i] = (Out)(expression);                                                        \
            }                                                                                      \
            return true;                                                                           \
        }                                                                                          \
        if (call->rows == NULL && !left_constant) {                                                \
            const Right b = right[0];                                                              \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                const Left a = left[i];                                                            \
                out[i] = (Out)(expression);                                                        \
            }                                                                                      \
            return true;                                                                           \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const uint32_t row = kernel_row(call, i);                                              \
            const Left a = left[left_constant ? 0 : row];                                          \
            const Right b = right[right_constant ? 0 : row];                                       \
            out[row] = (Out)(expression);                                                          \
        }                                                                                          \
        return true;                                                                               \
    }

/* Fails the kernel in a row. Returns false. */
bool kernel_fail(KernelCall *call, uint32_t row, Error *error, ErrorCode code, const char *format,
                 ...) PRINTF_LIKE(5, 6);

static inline Str kernel_str(const KernelCall *call, uint32_t argument, uint32_t row)
{
    return vector_str(call->args[argument], row);
}

static inline bool kernel_bool(const KernelCall *call, uint32_t argument, uint32_t row)
{
    const Vector *vector = call->args[argument];
    return ((const uint8_t *)vector->data)[vector_index(vector, row)] != 0;
}

static inline int64_t kernel_i64(const KernelCall *call, uint32_t argument, uint32_t row)
{
    const Vector *vector = call->args[argument];
    return ((const int64_t *)vector->data)[vector_index(vector, row)];
}

static inline int32_t kernel_i32(const KernelCall *call, uint32_t argument, uint32_t row)
{
    const Vector *vector = call->args[argument];
    return ((const int32_t *)vector->data)[vector_index(vector, row)];
}

static inline void kernel_put_view(KernelCall *call, uint32_t row, StringView view)
{
    ((StringView *)call->out->data)[row] = view;
}

/* Text that lies in an argument, a literal or the arena: not copied. */
static inline void kernel_put_str(KernelCall *call, uint32_t row, Str text)
{
    kernel_put_view(call, row, string_view_borrow(text.data, text.length));
}

static inline void kernel_put_null(KernelCall *call, uint32_t row)
{
    vector_set_null(call->out, row, call->arena);
}

/* Room for text results, taken from the arena in large pieces. */
typedef struct TextWriter {
    Arena *arena;
    char *next;
    char *end;
} TextWriter;

static inline TextWriter text_writer_of(const KernelCall *call)
{
    return (TextWriter){call->arena, NULL, NULL};
}

char *text_writer_grow(TextWriter *writer, size_t bytes);

/* At least `bytes` bytes in a row; text_writer_take keeps the first `length` of them. */
static inline char *text_writer_reserve(TextWriter *writer, size_t bytes)
{
    if ((size_t)(writer->end - writer->next) <= bytes) /* also makes the first piece */
        return text_writer_grow(writer, bytes);
    return writer->next;
}

static inline StringView text_writer_take(TextWriter *writer, size_t length)
{
    const StringView view = string_view_borrow(writer->next, length);
    if (length > STRING_INLINE_MAX)
        writer->next += length;
    return view;
}

/* Bytes of the code point that starts with this byte of well-formed UTF-8. */
static inline size_t utf8_step(char lead)
{
    const uint8_t byte = (uint8_t)lead;
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

static inline bool str_is_ascii(Str text)
{
    uint64_t high = 0;
    size_t i = 0;
    for (; i + 8 <= text.length; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, 8);
        high |= word;
    }
    for (; i < text.length; i++)
        high |= (uint64_t)(uint8_t)text.data[i];
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

/* Byte offset of code point `index`, or text.length when there are not as many. */
size_t utf8_offset(Str text, size_t index);

/* Where `needle` first lies in text at or behind `from`, or SIZE_MAX. */
size_t str_find_from(Str text, Str needle, size_t from);

/* Nearest integer division, downwards, for units of time before 1970 as well as after. */
static inline int64_t i64_floor_div(int64_t a, int64_t b)
{
    const int64_t quotient = a / b;
    return a % b != 0 && (a % b < 0) != (b < 0) ? quotient - 1 : quotient;
}
static inline int64_t i64_floor_mod(int64_t a, int64_t b)
{
    return a - i64_floor_div(a, b) * b;
}

/* Starts a bound call: the arguments keep their types, but for an untyped NULL, which gets
 * `null_as`. Returns the array of argument types, for the binder to change. */
const Type **bind_begin(const FunctionSite *site, const ScalarFunction *function,
                        const Type *null_as, BoundFunction *out);
/* Whether any argument can be NULL. */
bool bind_any_nullable(const FunctionSite *site);
/* The literal's text when argument `i` is a string literal that is not NULL. */
bool bind_literal_text(const FunctionSite *site, uint32_t i, Str *out);
/* A literal as a constant of another type, in the plan's arena; NULL when that cast fails or there
 * is no literal. */
const Vector *bind_literal_as(const FunctionSite *site, uint32_t i, const Type *type);
/* Types of the arguments as text: "INT, STRING". */
const char *bind_arguments_text(const FunctionSite *site);

/* Matches the arguments against a signature (functions/README.md) and sets types, not the kernel;
 * false when they do not fit. */
bool signature_bind(const char *signature, const FunctionSite *site, const ScalarFunction *function,
                    BoundFunction *out);
/* Parts of the same for aggregates: fills types[] (site->argument_count of them), returns the
 * result type without nullability, NULL when the arguments do not fit. */
const Type *signature_match(const char *text, const FunctionSite *site, const Type **types);

/* The exact numeric type as a DECIMAL: INT is DECIMAL(10, 0). */
Type decimal_type_of(const Type *type);
/* DECIMAL(precision, scale) brought within 38 digits as Flink does: digits before the point are
 * kept, at least min(scale, 6) behind it. */
const Type *decimal_type_adjusted(Arena *arena, int32_t precision, int32_t scale);
/* The wider of two integer kinds, and the numeric type two numbers are computed in. */
const Type *type_common_numeric(Arena *arena, const Type *a, const Type *b);

#endif
