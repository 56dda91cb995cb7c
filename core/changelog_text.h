/* Change streams as literal text: one row a line, "+I[1, Ann, NULL]".
 *
 * A value is written as value_print does, in single quotes ('' inside for one quote) when it is
 * text that would not read back: empty, with a comma, bracket, quote, line break, leading or
 * trailing space, or equal to NULL without case. What changelog_read reads, changelog_print wrote;
 * by hand quotes may stand around any text. Used by `.test` files, unit tests, traces and print. */
#ifndef CORE_CHANGELOG_TEXT_H
#define CORE_CHANGELOG_TEXT_H

#include "core/batch.h"
#include "core/datetime.h"

/* Appends "+I[…]" without a newline. */
void changelog_print_row(const Batch *batch, uint32_t row, const TimeZone *zone, Buffer *out);
/* All rows, a newline after each. */
void changelog_print(const Batch *batch, const TimeZone *zone, Buffer *out);

/* Reads one line (a missing kind means +I) to the end of a batch made with batch_new. The error
 * names the column. */
bool changelog_read_row(Batch *batch, Str line, const TimeZone *zone, Error *error) MUST_CHECK;

#endif
