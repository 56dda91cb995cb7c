/* Regular expressions for kernels: PCRE2 stands for Java's engine; both read the same everyday
 * expressions.
 *
 * Compiled expressions are read only and shared; a Regexp belongs to one run of a kernel: it has
 * the room for matches and compiles what is no literal when it differs from the row before.
 * A match that takes too many steps ends with an error instead of a hang. */
#ifndef FUNCTIONS_REGEXP_H
#define FUNCTIONS_REGEXP_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.h"

typedef struct Regexp {
    const pcre2_code *code;
    pcre2_code *owned; /* compiled by regexp_use */
    pcre2_match_data *match;
    Str last; /* what it was compiled of */
} Regexp;

/* Compiles (to machine code where that can be); NULL with the error set. */
pcre2_code *regexp_compile(Str pattern, Error *error);
/* For arena_on_close. */
void regexp_code_free(void *code);

/* With a compiled expression, or NULL: regexp_use says which. */
Regexp regexp_open(const pcre2_code *code);
void regexp_close(Regexp *regexp);
/* The text must live until the next call. */
bool regexp_use(Regexp *regexp, Str pattern, Error *error) MUST_CHECK;
/* Whether there is a match at or behind `from`: 1, 0, or -1 with the error set. */
int regexp_find(Regexp *regexp, Str text, size_t from, uint32_t options, Error *error);
/* Where the match found last begins and ends. */
static inline size_t regexp_start(const Regexp *regexp)
{
    return pcre2_get_ovector_pointer(regexp->match)[0];
}
static inline size_t regexp_end(const Regexp *regexp)
{
    return pcre2_get_ovector_pointer(regexp->match)[1];
}

#endif
