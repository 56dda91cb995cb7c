/* Arithmetic on DECIMAL: an unscaled 128-bit integer and a scale known from the type.
 *
 * Rounding is half up (away from zero), as Flink's. A result that does not fit 38 digits is an
 * overflow, which SQL turns into NULL; functions that can overflow return false. */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include "core/buffer.h"

/* 10 to the power of n, 0 <= n <= 38. */
int128_t decimal_power10(uint32_t n);
/* Whether |value| < 10^precision. */
bool decimal_fits(int128_t value, uint32_t precision);

/* The value at another scale, rounded half up; false when it leaves 38 digits. */
bool decimal_rescale(int128_t value, uint32_t from_scale, uint32_t to_scale,
                     int128_t *out) MUST_CHECK;

/* a × b and a ÷ b with results at `scale`, exact through 256 bits before rounding. Division by zero
 * is the caller's to refuse first. */
bool decimal_multiply(int128_t a, uint32_t a_scale, int128_t b, uint32_t b_scale, uint32_t scale,
                      int128_t *out) MUST_CHECK;
bool decimal_divide(int128_t a, uint32_t a_scale, int128_t b, uint32_t b_scale, uint32_t scale,
                    int128_t *out) MUST_CHECK;

/* Reads "-12.340", "1e3", ".5" at the given scale (rounded half up); false when it is no number or
 * does not fit the precision. */
bool decimal_parse(Str text, uint32_t precision, uint32_t scale, int128_t *out) MUST_CHECK;
/* Plain notation with exactly `scale` digits behind the point. */
void decimal_print(int128_t value, uint32_t scale, Buffer *out);

double decimal_to_double(int128_t value, uint32_t scale);
bool decimal_from_double(double value, uint32_t precision, uint32_t scale,
                         int128_t *out) MUST_CHECK;

#endif
