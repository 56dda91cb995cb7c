/* PCRE2 behind a few verbs. */
#include "functions/regexp.h"

#include "core/str.h"

void regexp_code_free(void *code)
{
    pcre2_code_free(code);
}

pcre2_code *regexp_compile(Str pattern, Error *error)
{
    int number;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length,
                                     PCRE2_UTF | PCRE2_UCP, &number, &offset, NULL);
    if (code == NULL) {
        PCRE2_UCHAR reason[160];
        pcre2_get_error_message(number, reason, sizeof(reason));
        error_set(error, ERROR_DATA, "invalid regular expression \"%.*s\"",
                  (int)u64_min(pattern.length, 200), pattern.data);
        error_detail(error, "At character %zu: %s.", (size_t)offset + 1, (const char *)reason);
        return NULL;
    }
    /* Without JIT support the interpreter does. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}

Regexp regexp_open(const pcre2_code *code)
{
    Regexp regexp = {.code = code};
    if (code != NULL)
        regexp.match = pcre2_match_data_create_from_pattern(code, NULL);
    return regexp;
}

void regexp_close(Regexp *regexp)
{
    pcre2_match_data_free(regexp->match);
    pcre2_code_free(regexp->owned);
}

bool regexp_use(Regexp *regexp, Str pattern, Error *error)
{
    if (regexp->owned != NULL && str_equal(pattern, regexp->last))
        return true;
    regexp_close(regexp);
    *regexp = (Regexp){.owned = regexp_compile(pattern, error), .last = pattern};
    if (regexp->owned == NULL)
        return false;
    regexp->code = regexp->owned;
    regexp->match = pcre2_match_data_create_from_pattern(regexp->code, NULL);
    return true;
}

int regexp_find(Regexp *regexp, Str text, size_t from, uint32_t options, Error *error)
{
    const PCRE2_SPTR subject = (PCRE2_SPTR)text.data;
    options |= PCRE2_NO_UTF_CHECK;
    int found = pcre2_match(regexp->code, subject, text.length, from, options, regexp->match, NULL);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(regexp->code, subject, text.length, from, options | PCRE2_NO_JIT,
                            regexp->match, NULL);
    if (found >= 0)
        return 1;
    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    PCRE2_UCHAR reason[160];
    pcre2_get_error_message(found, reason, sizeof(reason));
    error_set(error, ERROR_LIMIT, "regular expression gave up: %s", (const char *)reason);
    error_hint(error, "Nested repetitions such as (a+)+ may take forever; simplify it.");
    return -1;
}
