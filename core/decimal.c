/* Decimal arithmetic: native 128-bit integers where they hold the exact result, else 256 bits.
 *
 * Invariant: every result is computed exactly and rounded once. The wide path divides bit by bit
 * and is met only where operands together have more than 38 digits. */
#include "core/decimal.h"

#include "core/float_text.h"

/* Past this a decimal exponent says "zero" or "too large" whatever the digits. */
#define EXPONENT_LIMIT     100000
#define DECIMAL_DIGITS_MAX 38

int128_t decimal_power10(uint32_t n)
{
    static const uint64_t powers[] = {
        UINT64_C(1),
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    assert(n <= DECIMAL_DIGITS_MAX);
    if (n < array_count(powers))
        return (int128_t)powers[n];
    return (int128_t)((uint128_t)powers[19] * powers[n - 19]);
}

static uint128_t magnitude(int128_t value)
{
    return value < 0 ? 0 - (uint128_t)value : (uint128_t)value;
}

static bool magnitude_fits(uint128_t value, uint32_t precision)
{
    return value < (uint128_t)decimal_power10(precision);
}

bool decimal_fits(int128_t value, uint32_t precision)
{
    return magnitude_fits(magnitude(value), precision);
}

static bool result_of(uint128_t value, bool negative, int128_t *out)
{
    if (!magnitude_fits(value, DECIMAL_DIGITS_MAX))
        return false;
    *out = negative ? -(int128_t)value : (int128_t)value;
    return true;
}

static uint128_t divide_half_up(uint128_t value, uint128_t divisor)
{
    uint128_t quotient = value / divisor;
    uint128_t rest = value % divisor;
    return quotient + (rest >= divisor - rest ? 1 : 0);
}

bool decimal_rescale(int128_t value, uint32_t from_scale, uint32_t to_scale, int128_t *out)
{
    uint128_t size = magnitude(value);
    if (to_scale >= from_scale) {
        uint32_t more = to_scale - from_scale;
        if (size != 0 && (more > DECIMAL_DIGITS_MAX ||
                          __builtin_mul_overflow(size, (uint128_t)decimal_power10(more), &size)))
            return false;
        return result_of(size, value < 0, out);
    }
    uint32_t less = from_scale - to_scale;
    if (less > DECIMAL_DIGITS_MAX)
        size = 0;
    else
        size = divide_half_up(size, (uint128_t)decimal_power10(less));
    return result_of(size, value < 0, out);
}

/* 256 bits, low half first. */
typedef struct Wide {
    uint128_t low;
    uint128_t high;
} Wide;

static Wide wide_multiply(uint128_t a, uint128_t b)
{
    uint64_t a_low = (uint64_t)a, a_high = (uint64_t)(a >> 64);
    uint64_t b_low = (uint64_t)b, b_high = (uint64_t)(b >> 64);
    uint128_t low = (uint128_t)a_low * b_low;
    uint128_t cross = (uint128_t)a_high * b_low + (uint64_t)(low >> 64);
    uint128_t middle = (uint128_t)a_low * b_high + (uint64_t)cross;
    return (Wide){.low = middle << 64 | (uint64_t)low,
                  .high = (uint128_t)a_high * b_high + (uint64_t)(cross >> 64) +
                          (uint64_t)(middle >> 64)};
}

/* False when the product leaves 256 bits. */
static bool wide_scale_up(Wide value, uint128_t factor, Wide *out)
{
    Wide upper = wide_multiply(value.high, factor);
    *out = wide_multiply(value.low, factor);
    return upper.high == 0 && !__builtin_add_overflow(out->high, upper.low, &out->high);
}

static bool wide_less(Wide a, Wide b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static Wide wide_subtract(Wide a, Wide b)
{
    return (Wide){.low = a.low - b.low, .high = a.high - b.high - (a.low < b.low ? 1 : 0)};
}

/* Rounded half up; false when the quotient leaves 128 bits. */
static bool wide_divide(Wide value, Wide divisor, uint128_t *out)
{
    Wide rest = {0, 0};
    Wide quotient = {0, 0};
    for (int bit = 255; bit >= 0; bit--) {
        bool carry = rest.high >> 127 != 0;
        rest.high = rest.high << 1 | rest.low >> 127;
        rest.low <<= 1;
        rest.low |= (bit >= 128 ? value.high >> (bit - 128) : value.low >> bit) & 1;
        if (!carry && wide_less(rest, divisor))
            continue;
        rest = wide_subtract(rest, divisor);
        if (bit >= 128)
            quotient.high |= (uint128_t)1 << (bit - 128);
        else
            quotient.low |= (uint128_t)1 << bit;
    }
    bool up = !wide_less(rest, wide_subtract(divisor, rest));
    *out = quotient.low + (up ? 1 : 0);
    return quotient.high == 0 && *out >= quotient.low;
}

/* 10^n, n up to 76. */
static Wide wide_power10(uint32_t n)
{
    uint32_t half = n > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : n;
    return wide_multiply((uint128_t)decimal_power10(half), (uint128_t)decimal_power10(n - half));
}

bool decimal_multiply(int128_t a, uint32_t a_scale, int128_t b, uint32_t b_scale, uint32_t scale,
                      int128_t *out)
{
    bool negative = (a < 0) != (b < 0);
    uint32_t exact_scale = a_scale + b_scale;
    uint128_t product;
    if (exact_scale >= scale && exact_scale - scale <= DECIMAL_DIGITS_MAX &&
        !__builtin_mul_overflow(magnitude(a), magnitude(b), &product))
        return result_of(divide_half_up(product, (uint128_t)decimal_power10(exact_scale - scale)),
                         negative, out);
    Wide wide = wide_multiply(magnitude(a), magnitude(b));
    uint128_t result;
    if (exact_scale >= scale)
        return wide_divide(wide, wide_power10(exact_scale - scale), &result) &&
               result_of(result, negative, out);
    if (!wide_scale_up(wide, (uint128_t)decimal_power10(scale - exact_scale), &wide) ||
        wide.high != 0)
        return false;
    return result_of(wide.low, negative, out);
}

bool decimal_divide(int128_t a, uint32_t a_scale, int128_t b, uint32_t b_scale, uint32_t scale,
                    int128_t *out)
{
    assert(b != 0);
    bool negative = (a < 0) != (b < 0);
    /* a / 10^a_scale ÷ (b / 10^b_scale) at `scale` is a × 10^(scale + b_scale - a_scale) ÷ b. */
    uint32_t up = scale + b_scale;
    uint128_t scaled;
    if (up >= a_scale && up - a_scale <= DECIMAL_DIGITS_MAX &&
        !__builtin_mul_overflow(magnitude(a), (uint128_t)decimal_power10(up - a_scale), &scaled))
        return result_of(divide_half_up(scaled, magnitude(b)), negative, out);
    Wide numerator = {.low = magnitude(a)};
    Wide denominator = {.low = magnitude(b)};
    uint32_t digits = up >= a_scale ? up - a_scale : a_scale - up;
    Wide *grown = up >= a_scale ? &numerator : &denominator;
    while (digits != 0) {
        uint32_t step = digits > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : digits;
        /* A numerator past 256 bits over at most 38 digits has more than 38 of its own. */
        if (!wide_scale_up(*grown, (uint128_t)decimal_power10(step), grown))
            return false;
        digits -= step;
    }
    uint128_t result;
    return wide_divide(numerator, denominator, &result) && result_of(result, negative, out);
}

typedef struct DecimalText {
    Str digits;     /* with at most one point among them */
    int64_t places; /* power of ten of the first digit, plus one */
    bool negative;
} DecimalText;

/* Splits "-12.34e5" without looking at the value. */
static bool decimal_scan(Str text, DecimalText *out)
{
    size_t at = 0;
    out->negative = text.length != 0 && text.data[0] == '-';
    if (text.length != 0 && (text.data[0] == '-' || text.data[0] == '+'))
        at++;
    size_t start = at, count = 0;
    bool point = false;
    out->places = 0;
    for (; at < text.length; at++) {
        if (text.data[at] == '.' && !point) {
            point = true;
        } else if (text.data[at] >= '0' && text.data[at] <= '9') {
            count++;
            out->places += point ? 0 : 1;
        } else {
            break;
        }
    }
    out->digits = (Str){text.data + start, at - start};
    if (count == 0 || at == text.length)
        return count != 0;
    if (text.data[at] != 'e' && text.data[at] != 'E')
        return false;
    bool negative = at + 1 < text.length && text.data[at + 1] == '-';
    at += at + 1 < text.length && (negative || text.data[at + 1] == '+') ? 2 : 1;
    if (at == text.length)
        return false;
    int64_t exponent = 0;
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++)
        if (exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (text.data[at] - '0');
    out->places += negative ? -exponent : exponent;
    return at == text.length;
}

bool decimal_parse(Str text, uint32_t precision, uint32_t scale, int128_t *out)
{
    DecimalText parts;
    if (!decimal_scan(text, &parts))
        return false;
    uint128_t value = 0;
    int64_t power = parts.places - 1; /* of the digit at hand */
    int64_t last = -(int64_t)scale;
    bool round_up = false;
    for (size_t i = 0; i < parts.digits.length && power >= last - 1; i++) {
        if (parts.digits.data[i] == '.')
            continue;
        uint32_t digit = (uint32_t)(parts.digits.data[i] - '0');
        if (power < last) {
            round_up = digit >= 5;
        } else {
            if (!magnitude_fits(value, DECIMAL_DIGITS_MAX - 1) && value != 0)
                return false;
            value = value * 10 + digit;
        }
        power--;
    }
    for (; value != 0 && power >= last; power--) {
        if (!magnitude_fits(value, DECIMAL_DIGITS_MAX - 1))
            return false;
        value *= 10;
    }
    value += round_up ? 1 : 0;
    return magnitude_fits(value, precision) && result_of(value, parts.negative, out);
}

void decimal_print(int128_t value, uint32_t scale, Buffer *out)
{
    char digits[2 * DECIMAL_DIGITS_MAX + 4];
    char *end = digits + sizeof(digits);
    char *start = end;
    uint128_t rest = magnitude(value);
    for (uint32_t i = 0; rest != 0 || i <= scale; i++) {
        if (i == scale && scale != 0)
            *--start = '.';
        if (rest <= UINT64_MAX) { /* the cheaper division */
            *--start = (char)('0' + (uint64_t)rest % 10);
            rest = (uint64_t)rest / 10;
        } else {
            *--start = (char)('0' + (int)(rest % 10));
            rest /= 10;
        }
    }
    if (value < 0)
        *--start = '-';
    buffer_append(out, start, (size_t)(end - start));
}

double decimal_to_double(int128_t value, uint32_t scale)
{
    /* Both exact: one rounding. */
    if (magnitude(value) <= (uint128_t)1 << 53 && scale <= 15)
        return (double)(int64_t)value / (double)(int64_t)decimal_power10(scale);
    Buffer text = {0};
    decimal_print(value, scale, &text);
    double result = 0;
    bool good = float_text_parse_f64(text.data, text.length, &result);
    assert(good);
    buffer_deinit(&text);
    return good ? result : 0;
}

bool decimal_from_double(double value, uint32_t precision, uint32_t scale, int128_t *out)
{
    char text[FLOAT_TEXT_MAX];
    size_t length = float_text_print_f64(value, text);
    return decimal_parse((Str){text, length}, precision, scale, out);
}
