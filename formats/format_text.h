/* Values as the text formats carry them. Like core/value_text.h, but bytes are base64,
 * TIMESTAMP_LTZ is in UTC and says so with a Z, and timestamps may have the ISO form.
 *
 * Cost: whole numbers and short decimals are read without a call per digit or an allocation. */
#ifndef FORMATS_FORMAT_TEXT_H
#define FORMATS_FORMAT_TEXT_H

#include "core/batch.h"
#include "core/datetime.h"
#include "core/error.h"

/* What stands between the date and the time of a timestamp. */
typedef enum TimestampForm {
    TIMESTAMP_FORM_ANY, /* reads both, writes SQL */
    TIMESTAMP_FORM_SQL, /* a space */
    TIMESTAMP_FORM_ISO  /* a T */
} TimestampForm;

/* No record may be longer: a quote or brace that is never closed would have a file read into
 * memory. */
#define FORMAT_RECORD_BYTES_MAX ((size_t)64 << 20)

/* Reads text into a row of a flat vector. TIMESTAMP_LTZ may end in Z or an offset, else it is of
 * the zone. Strings must be well-formed UTF-8. */
bool format_text_read(Vector *vector, uint32_t row, Str text, TimestampForm form,
                      const TimeZone *zone, Arena *arena, Error *error) MUST_CHECK;

/* Reads a whole number of up to 18 digits into a column of whole numbers; false leaves it to
 * format_text_read. */
bool format_text_read_integer(Vector *vector, uint32_t row, Str text);

/* Appends a value that is not NULL; DECIMAL plain, or as Java's BigDecimal.toString does, which
 * uses an exponent for values with six zeros or more behind the point. */
void format_text_print(const Vector *vector, uint32_t row, TimestampForm form,
                       bool decimal_scientific, Buffer *out);

/* Number of line breaks. */
uint64_t format_text_count_lines(Str text);

/* The first place at `from` or behind it that follows such a character; RECORD_NOT_FOUND: none. */
size_t format_text_behind(Str text, size_t from, char character);

#endif
