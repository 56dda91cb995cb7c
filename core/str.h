/* Small helpers on borrowed text. */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <string.h>

#include "core/base.h"

static inline Str str_of(const char *text)
{
    return (Str){text, strlen(text)};
}

static inline bool str_equal(Str a, Str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* ASCII letters compare without case: keywords, function names, option values. */
bool str_equal_nocase(Str a, Str b);
bool text_equal_nocase(const char *a, const char *b);
bool str_starts_with(Str text, Str prefix);
/* Without leading and trailing ASCII white space. */
Str str_trim(Str text);

/* Number of bytes of the longest prefix of `text` that is well-formed UTF-8 (all of it: length). */
size_t str_utf8_valid_prefix(Str text);
/* Code points in well-formed UTF-8. */
size_t str_utf8_length(Str text);

/* The candidate nearest to `name` by edit distance, without case, or NULL when none is near enough
 * to be what was meant. For "did you mean" hints. */
const char *str_nearest(const char *name, const char *const *candidates, size_t count);

#endif
