/* PRINTF: a text with places for values, in the language of java.util.Formatter.
 *
 *     %[number$][flags][width][.precision]conversion
 *
 * Conversions: d o x X of integers, f e E g G of FLOAT, DOUBLE and DECIMAL, s S of anything,
 * b B of BOOLEAN, c of a code point, %% and %n. Flags: - + 0 space , ( #. A value that is NULL
 * reads "null"; a format that is wrong, or does not fit its values, makes the result NULL.
 * Cost: the format is read anew for each row; a value is written once. */
#include <math.h>
#include <stdio.h>
#include <utf8proc.h>

#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"
#include "functions/kernel_internal.h"

#define WIDTH_MAX     10000
#define PRECISION_MAX 300

typedef struct Spec {
    bool left, plus, zero, space, group, parentheses, alternate;
    int32_t width;     /* -1: none */
    int32_t precision; /* -1: none */
    uint32_t argument; /* from 1; 0: the next */
    char conversion;
} Spec;

typedef struct Printing {
    const KernelCall *call;
    uint32_t row;
    uint32_t next; /* argument that comes next, from 1 */
    Buffer *out;
    Buffer *value; /* what is being written, before it is padded */
} Printing;

/* ------------------------------------------------------------------- reading */

static bool read_number(Str format, size_t *at, int32_t limit, int32_t *number)
{
    const size_t start = *at;
    int32_t value = 0;
    while (*at < format.length && format.data[*at] >= '0' && format.data[*at] <= '9') {
        value = value * 10 + (format.data[*at] - '0');
        if (value > limit)
            return false;
        (*at)++;
    }
    *number = value;
    return *at != start;
}

static bool read_flags(Str format, size_t *at, Spec *spec)
{
    for (; *at < format.length; (*at)++) {
        bool *flag = NULL;
        switch (format.data[*at]) {
        case '-':
            flag = &spec->left;
            break;
        case '+':
            flag = &spec->plus;
            break;
        case '0':
            flag = &spec->zero;
            break;
        case ' ':
            flag = &spec->space;
            break;
        case ',':
            flag = &spec->group;
            break;
        case '(':
            flag = &spec->parentheses;
            break;
        case '#':
            flag = &spec->alternate;
            break;
        default:
            return true;
        }
        if (*flag)
            return false;
        *flag = true;
    }
    return true;
}

/* What stands behind a %. */
static bool read_spec(Str format, size_t *at, Spec *spec)
{
    *spec = (Spec){.width = -1, .precision = -1};
    size_t ahead = *at;
    int32_t number;
    if (ahead < format.length && format.data[ahead] != '0' &&
        read_number(format, &ahead, WIDTH_MAX, &number) && ahead < format.length &&
        format.data[ahead] == '$') {
        spec->argument = (uint32_t)number;
        *at = ahead + 1;
    }
    if (!read_flags(format, at, spec))
        return false;
    ahead = *at;
    if (ahead < format.length && format.data[ahead] >= '1' && format.data[ahead] <= '9' &&
        !read_number(format, at, WIDTH_MAX, &spec->width))
        return false;
    if (*at < format.length && format.data[*at] == '.') {
        (*at)++;
        if (!read_number(format, at, PRECISION_MAX, &spec->precision))
            return false;
    }
    if (*at >= format.length)
        return false;
    spec->conversion = format.data[(*at)++];
    const bool contradicts = (spec->left && spec->zero) || (spec->plus && spec->space);
    const bool no_width = (spec->left || spec->zero) && spec->width < 0;
    return !contradicts && !no_width;
}

/* ------------------------------------------------------------------- numbers */

/* A comma between groups of three digits before the point. */
static void group_digits(Buffer *digits)
{
    size_t whole = 0;
    while (whole < digits->length && digits->data[whole] >= '0' && digits->data[whole] <= '9')
        whole++;
    Buffer grouped = {0};
    for (size_t i = 0; i < whole; i++) {
        if (i != 0 && (whole - i) % 3 == 0)
            buffer_append_char(&grouped, ',');
        buffer_append_char(&grouped, digits->data[i]);
    }
    buffer_append(&grouped, digits->data + whole, digits->length - whole);
    buffer_deinit(digits);
    *digits = grouped;
}

/* Sign, zeros and digits; the digits have no sign. */
static void put_number(const Spec *spec, bool negative, Buffer *digits, Buffer *out)
{
    if (spec->group)
        group_digits(digits);
    const char *sign = negative      ? (spec->parentheses ? "(" : "-")
                       : spec->plus  ? "+"
                       : spec->space ? " "
                                     : "";
    const char *close = negative && spec->parentheses ? ")" : "";
    const size_t taken = strlen(sign) + digits->length + strlen(close);
    buffer_append_text(out, sign);
    for (size_t i = taken; spec->zero && spec->width > 0 && i < (size_t)spec->width; i++)
        buffer_append_char(out, '0');
    buffer_append(out, digits->data, digits->length);
    buffer_append_text(out, close);
}

static bool print_integer(const Spec *spec, const Vector *vector, uint32_t row, Buffer *out)
{
    const uint32_t index = vector_index(vector, row);
    const uint32_t bytes = (uint32_t)physical_size(vector->type->physical);
    int64_t value = 0;
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        value = ((const int8_t *)vector->data)[index];
        break;
    case PHYSICAL_I16:
        value = ((const int16_t *)vector->data)[index];
        break;
    case PHYSICAL_I32:
        value = ((const int32_t *)vector->data)[index];
        break;
    default:
        value = ((const int64_t *)vector->data)[index];
    }
    if (spec->precision >= 0)
        return false;
    Buffer digits = {0};
    const bool decimal = spec->conversion == 'd';
    if (decimal) {
        buffer_printf(&digits, "%llu",
                      (unsigned long long)(value < 0 ? -(uint64_t)value : (uint64_t)value));
    } else {
        const uint64_t bits = (uint64_t)value & (UINT64_MAX >> (64 - 8 * bytes));
        const char *lead = !spec->alternate ? "" : spec->conversion == 'o' ? "0" : "0x";
        buffer_printf(&digits, spec->conversion == 'o' ? "%s%llo" : "%s%llx", lead,
                      (unsigned long long)bits);
    }
    const bool fits = decimal ? !spec->alternate
                              : !spec->group && !spec->plus && !spec->space && !spec->parentheses;
    if (fits)
        put_number(spec, decimal && value < 0, &digits, out);
    buffer_deinit(&digits);
    return fits;
}

/* With so many digits behind the point, rounded half up as it is written in decimal. */
static void print_fixed(const Vector *vector, uint32_t row, double value, uint32_t precision,
                        Buffer *digits)
{
    Buffer text = {0};
    int128_t exact;
    value_print(vector, row, NULL, &text);
    if (precision <= DECIMAL_PRECISION_MAX &&
        decimal_parse((Str){text.data, text.length}, DECIMAL_PRECISION_MAX, precision, &exact))
        decimal_print(exact < 0 ? -exact : exact, precision, digits);
    else
        buffer_printf(digits, "%.*f", (int)precision, fabs(value));
    buffer_deinit(&text);
}

static bool print_real(const Spec *spec, const Vector *vector, uint32_t row, Buffer *out)
{
    const uint32_t index = vector_index(vector, row);
    const Type *type = vector->type;
    double value = 0;
    if (type->kind == TYPE_DECIMAL) {
        Buffer text = {0};
        value_print(vector, row, NULL, &text);
        value = strtod(buffer_text(&text), NULL);
        buffer_deinit(&text);
    } else if (type->physical == PHYSICAL_F32) {
        value = (double)((const float *)vector->data)[index];
    } else {
        value = ((const double *)vector->data)[index];
    }
    const bool negative = signbit(value) != 0 && !isnan(value);
    Spec plain = *spec;
    Buffer digits = {0};
    const int precision = spec->precision < 0 ? 6 : spec->precision;
    const char lower = (char)(spec->conversion | 0x20);
    if (isnan(value) || isinf(value)) {
        buffer_append_text(&digits, isnan(value) ? "NaN" : "Infinity");
        plain.zero = plain.group = false;
    } else if (lower == 'f') {
        print_fixed(vector, row, value, (uint32_t)precision, &digits);
    } else if (lower == 'e') {
        buffer_printf(&digits, "%.*e", precision, fabs(value));
    } else {
        buffer_printf(&digits, "%#.*g", precision == 0 ? 1 : precision, fabs(value));
    }
    for (size_t i = 0; i < digits.length; i++) /* a process may have a locale with other points */
        digits.data[i] = digits.data[i] == ',' ? '.' : digits.data[i];
    const bool fits = !(lower == 'e' && spec->group) && !(lower == 'g' && spec->alternate);
    if (fits)
        put_number(&plain, negative, &digits, out);
    buffer_deinit(&digits);
    return fits;
}

/* -------------------------------------------------------------------- values */

static bool print_general(const Spec *spec, const Printing *printing, const Vector *vector)
{
    const KernelCall *call = printing->call;
    const bool truth = spec->conversion == 'b' || spec->conversion == 'B';
    Buffer *out = printing->value;
    if (spec->zero || spec->group || spec->plus || spec->space || spec->parentheses ||
        spec->alternate)
        return false;
    if (truth && vector->type->kind != TYPE_BOOLEAN)
        buffer_append_text(out, "true"); /* as Java: whatever is not NULL */
    else if (vector->type->kind == TYPE_BOOLEAN)
        buffer_append_text(out, ((const uint8_t *)vector->data)[vector_index(vector, printing->row)]
                                    ? "true"
                                    : "false");
    else
        value_print(vector, printing->row, call->environment->zone, out);
    return true;
}

static bool print_code(const Spec *spec, const Printing *printing, const Vector *vector)
{
    const Type *type = vector->type;
    if (type->kind != TYPE_INT || spec->precision >= 0 || spec->zero)
        return false;
    const int32_t code = ((const int32_t *)vector->data)[vector_index(vector, printing->row)];
    if (code < 0 || !utf8proc_codepoint_valid(code))
        return false;
    char bytes[4];
    const utf8proc_ssize_t length = utf8proc_encode_char(code, (utf8proc_uint8_t *)bytes);
    buffer_append(printing->value, bytes, (size_t)length);
    return true;
}

static bool print_value(const Spec *spec, Printing *printing, const Vector *vector)
{
    if (vector_is_null(vector, printing->row)) {
        buffer_append_text(printing->value, "null");
        return true;
    }
    const Type *type = vector->type;
    switch (spec->conversion) {
    case 'd':
    case 'o':
    case 'x':
    case 'X':
        return type_is_integer(type) && print_integer(spec, vector, printing->row, printing->value);
    case 'f':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        return type_is_numeric(type) && !type_is_integer(type) &&
               print_real(spec, vector, printing->row, printing->value);
    case 's':
    case 'S':
    case 'b':
    case 'B':
        return print_general(spec, printing, vector);
    case 'c':
        return print_code(spec, printing, vector);
    default:
        return false;
    }
}

static void append_upper(Str text, Buffer *out)
{
    for (size_t at = 0; at < text.length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t bytes = utf8proc_iterate(
            (const utf8proc_uint8_t *)text.data + at, (utf8proc_ssize_t)(text.length - at), &point);
        if (bytes <= 0)
            return;
        out->length += (size_t)utf8proc_encode_char(utf8proc_toupper(point),
                                                    (utf8proc_uint8_t *)buffer_reserve(out, 4));
        at += (size_t)bytes;
    }
}

static void put_padded(const Spec *spec, Str text, Buffer *out)
{
    const bool cuts = spec->precision >= 0 && strchr("sSbB", spec->conversion) != NULL;
    if (cuts && str_utf8_length(text) > (size_t)spec->precision)
        text.length = utf8_offset(text, (size_t)spec->precision);
    const size_t length = str_utf8_length(text);
    const size_t missing =
        spec->width > 0 && length < (size_t)spec->width ? (size_t)spec->width - length : 0;
    for (size_t i = 0; i < missing && !spec->left; i++)
        buffer_append_char(out, ' ');
    if (strchr("XEGSB", spec->conversion) != NULL)
        append_upper(text, out);
    else
        buffer_append_str(out, text);
    for (size_t i = 0; i < missing && spec->left; i++)
        buffer_append_char(out, ' ');
}

static bool print_spec(Printing *printing, const Spec *spec)
{
    buffer_clear(printing->value);
    if (spec->conversion == 'n') {
        buffer_append_char(printing->out, '\n');
        return spec->width < 0 && spec->precision < 0;
    }
    if (spec->conversion == '%') {
        buffer_append_char(printing->value, '%');
    } else {
        const uint32_t argument = spec->argument != 0 ? spec->argument : printing->next++;
        if (argument >= printing->call->arg_count ||
            !print_value(spec, printing, printing->call->args[argument]))
            return false;
    }
    put_padded(spec, (Str){printing->value->data, printing->value->length}, printing->out);
    return true;
}

/* False when the format is wrong or does not fit. */
static bool print_row(Printing *printing, Str format)
{
    for (size_t at = 0; at < format.length;) {
        const char *percent = memchr(format.data + at, '%', format.length - at);
        const size_t plain =
            percent == NULL ? format.length - at : (size_t)(percent - format.data) - at;
        buffer_append(printing->out, format.data + at, plain);
        at += plain;
        if (percent == NULL)
            return true;
        at++;
        Spec spec;
        if (!read_spec(format, &at, &spec) || !print_spec(printing, &spec))
            return false;
    }
    return true;
}

static bool printf_kernel(KernelCall *call, Error *error)
{
    Buffer text = {0}, value = {0};
    bool fits = true;
    for (uint32_t i = 0; i < call->row_count && fits; i++) {
        const uint32_t row = kernel_row(call, i);
        Printing printing = {call, row, 1, &text, &value};
        buffer_clear(&text);
        if (vector_is_null(call->args[0], row) || !print_row(&printing, kernel_str(call, 0, row)))
            kernel_put_null(call, row);
        else if (text.length <= TEXT_BYTES_MAX)
            kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
        else
            fits = kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes",
                               TEXT_BYTES_MAX);
    }
    buffer_deinit(&text);
    buffer_deinit(&value);
    return fits;
}

static bool bind_printf(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count == 0 || !type_is_string(site->argument_types[0]))
        return false;
    (void)bind_begin(site, function, &type_string, out);
    out->result = &type_string;
    out->kernel = function->kernel;
    return true;
}

static const ScalarFunction functions[] = {
    {"PRINTF", "(STRING, ANY...) -> STRING", printf_kernel, bind_printf,
     FUNCTION_NULL_AWARE | FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL, "string",
     "The values written into a format as Java's Formatter does, such as '%05d: %,.2f %s'; NULL "
     "when the format is wrong or does not fit."},
    {0},
};

extern const FunctionFamily fn_printf;
const FunctionFamily fn_printf = {functions};
