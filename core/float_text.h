/* FLOAT and DOUBLE as text, whatever the process's locale says about points.
 *
 * Printing follows Java's Double.toString, which Flink's CAST shows: the fewest digits that read
 * back as the same number (of two digits, where one would do, the nearest: 4.9E-324), "1.0E10" from
 * 10^7 on and below 10^-3, "NaN", "Infinity". */
#ifndef CORE_FLOAT_TEXT_H
#define CORE_FLOAT_TEXT_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room that the printers need. */
#define FLOAT_TEXT_MAX 32

/* Return the number of characters; no terminator. */
size_t float_text_print_f64(double value, char *out);
size_t float_text_print_f32(float value, char *out);

/* All of `length` bytes must be the number; too large is Infinity, too small zero. */
bool float_text_parse_f64(const char *text, size_t length, double *out);
bool float_text_parse_f32(const char *text, size_t length, float *out);

#ifdef __cplusplus
}
#endif

#endif
