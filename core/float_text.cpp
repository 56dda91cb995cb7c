/* The standard library's shortest printing and exact parsing of floating point, which C lacks.
 *
 * Nothing else of C++ is used: no exceptions, no allocation. */
#include "core/float_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>

namespace
{

/* Digits "d", "d.ddd" with a decimal exponent, as Java lays them out. */
size_t layout_java(const char *digits, int count, int exponent, char *out)
{
    char *to = out;
    if (exponent >= -3 && exponent < 7) {
        int at = 0;
        if (exponent < 0) {
            *to++ = '0';
            *to++ = '.';
            for (int i = -1; i > exponent; i--)
                *to++ = '0';
        } else {
            for (int i = 0; i <= exponent; i++)
                *to++ = at < count ? digits[at++] : '0';
            *to++ = '.';
            if (at == count)
                *to++ = '0';
        }
        while (at < count)
            *to++ = digits[at++];
        return static_cast<size_t>(to - out);
    }
    *to++ = digits[0];
    *to++ = '.';
    if (count == 1)
        *to++ = '0';
    for (int i = 1; i < count; i++)
        *to++ = digits[i];
    *to++ = 'E';
    return static_cast<size_t>(std::to_chars(to, to + 6, exponent).ptr - out);
}

template <typename Float> size_t print(Float value, char *out)
{
    if (std::isnan(value)) {
        std::memcpy(out, "NaN", 3);
        return 3;
    }
    char *to = out;
    if (std::signbit(value)) {
        *to++ = '-';
        value = -value;
    }
    if (std::isinf(value)) {
        std::memcpy(to, "Infinity", 8);
        return static_cast<size_t>(to + 8 - out);
    }
    if (value == 0) {
        std::memcpy(to, "0.0", 3);
        return static_cast<size_t>(to + 3 - out);
    }
    char text[FLOAT_TEXT_MAX];
    std::to_chars_result end =
        std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
    /* Java shows the nearest of two digits where one would do: another one than with a zero only
     * where numbers lie far apart, 4.9E-324. */
    if (text[1] == 'e' && value < 256 * std::numeric_limits<Float>::denorm_min())
        end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific, 1);
    char digits[FLOAT_TEXT_MAX];
    int count = 0;
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    count -= count == 2 && digits[1] == '0' ? 1 : 0;
    at++;
    int exponent = 0;
    std::from_chars(*at == '+' ? at + 1 : at, end.ptr, exponent);
    return static_cast<size_t>(to - out) + layout_java(digits, count, exponent, to);
}

/* Whether a well-formed number out of range is so for being large: by the place of its first
 * digit and its exponent. */
bool is_large(const char *text, const char *end)
{
    long place = 0;
    bool point = false, nonzero = false;
    const char *at = text;
    for (; at != end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            point = true;
        else if (nonzero || (*at >= '1' && *at <= '9')) {
            nonzero = true;
            place += point ? 0 : 1;
        } else if (point && *at == '0') {
            place--;
        }
    }
    if (at == end)
        return place > 0;
    at++;
    bool negative = at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+'))
        at++;
    long exponent = 0;
    for (; at != end && exponent < 1000000000; at++)
        exponent = exponent * 10 + (*at - '0');
    return place + (negative ? -exponent : exponent) > 0;
}

template <typename Float> bool parse(const char *text, size_t length, Float *out)
{
    const char *end = text + length;
    bool negative = false;
    if (length != 0 && (*text == '+' || *text == '-')) {
        negative = *text == '-';
        text++;
    }
    if (text == end || *text == '-')
        return false;
    Float value = 0;
    std::from_chars_result result = std::from_chars(text, end, value);
    if (result.ptr != end || result.ec == std::errc::invalid_argument)
        return false;
    if (result.ec == std::errc::result_out_of_range)
        value = is_large(text, end) ? std::numeric_limits<Float>::infinity() : 0;
    *out = negative ? -value : value;
    return true;
}

} // namespace

size_t float_text_print_f64(double value, char *out)
{
    return print(value, out);
}

size_t float_text_print_f32(float value, char *out)
{
    return print(value, out);
}

bool float_text_parse_f64(const char *text, size_t length, double *out)
{
    return parse(text, length, out);
}

bool float_text_parse_f32(const char *text, size_t length, float *out)
{
    return parse(text, length, out);
}
