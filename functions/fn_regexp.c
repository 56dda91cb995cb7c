/* Regular expressions: REGEXP and the functions that begin so, and SIMILAR TO.
 *
 * A literal expression is compiled when the call is bound and shared by all threads, read only;
 * others are compiled when they differ from the row before (regexp.h). */
#include <ctype.h>
#include <stdio.h>

#include "core/str.h"
#include "functions/nested_internal.h"
#include "functions/regexp.h"

/* SIMILAR TO as a regular expression: % and _ become .* and ., dots and the like are literal, and
 * so is what stands behind the escape character (0: none). */
static Str similar_translate(Arena *arena, Str pattern, char escape)
{
    Buffer text = {0};
    buffer_append_text(&text, "(?s)\\A(?:");
    bool in_class = false;
    for (size_t i = 0; i < pattern.length; i++) {
        const char c = pattern.data[i];
        if (escape != '\0' && c == escape && i + 1 < pattern.length) {
            const char next = pattern.data[++i];
            buffer_printf(&text, (next & 0x80) == 0 && !isalnum(next) ? "\\%c" : "%c", next);
            continue;
        }
        in_class = c == '[' ? true : c == ']' ? false : in_class;
        if (!in_class && c == '%')
            buffer_append_text(&text, ".*");
        else if (!in_class && c == '_')
            buffer_append_char(&text, '.');
        else if (c == '\\' || (!in_class && (c == '.' || c == '^' || c == '$')))
            buffer_printf(&text, "\\%c", c);
        else
            buffer_append_char(&text, c);
    }
    buffer_append_text(&text, ")\\z");
    const Str kept = {arena_memdup(arena, text.data, text.length), text.length};
    buffer_deinit(&text);
    return kept;
}

/* What was written is told, not what it became. Returns false. */
static bool similar_error(Str pattern, Error *error)
{
    if (error == NULL)
        return false;
    const char *reason = strchr(error->detail, ':');
    char kept[200];
    snprintf(kept, sizeof(kept), "%s", reason == NULL ? ": not known." : reason);
    error_set(error, ERROR_DATA, "invalid SIMILAR TO pattern \"%.*s\"",
              (int)u64_min(pattern.length, 200), pattern.data);
    return error_detail(error, "The reason%s", kept);
}

typedef struct RegexpPlan {
    const pcre2_code *code; /* of a literal expression, else NULL */
    bool similar;
    bool negated;
    char escape;
} RegexpPlan;

static Regexp matcher_open(const KernelCall *call)
{
    return regexp_open(((const RegexpPlan *)call->data)->code);
}

/* Makes the matcher ready for the row's expression. */
static bool matcher_ready(Regexp *matcher, KernelCall *call, uint32_t row, Error *error)
{
    const RegexpPlan *plan = call->data;
    if (plan->code != NULL)
        return true;
    const Str written = kernel_str(call, 1, row);
    const Str pattern =
        plan->similar ? similar_translate(call->arena, written, plan->escape) : written;
    if (regexp_use(matcher, pattern, error))
        return true;
    if (plan->similar)
        similar_error(written, error);
    call->error_row = row;
    return false;
}

/* Whether there is a match at or behind `from`: 1, 0, or -1 with an error. */
static int matcher_find(Regexp *matcher, KernelCall *call, uint32_t row, Str text, size_t from,
                        uint32_t options, Error *error)
{
    const int found = regexp_find(matcher, text, from, options, error);
    if (found < 0)
        call->error_row = row;
    return found;
}

static bool regexp_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    uint8_t *const out = call->out->data;
    const bool negated = ((const RegexpPlan *)call->data)->negated;
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        done = matcher_ready(&matcher, call, row, error);
        const int found =
            done ? matcher_find(&matcher, call, row, kernel_str(call, 0, row), 0, 0, error) : -1;
        done = found >= 0;
        out[row] = (found == 1) != negated;
    }
    regexp_close(&matcher);
    return done;
}

/* Stores group `index` of the match, NULL when there is no such group. */
static void put_group(KernelCall *call, uint32_t row, const Regexp *matcher, Str text,
                      int64_t index)
{
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(matcher->match);
    const bool exists = index >= 0 && index < (int64_t)pcre2_get_ovector_count(matcher->match) &&
                        offsets[2 * index] != PCRE2_UNSET &&
                        offsets[2 * index] <= offsets[2 * index + 1];
    if (exists)
        kernel_put_str(
            call, row,
            (Str){text.data + offsets[2 * index], offsets[2 * index + 1] - offsets[2 * index]});
    else
        kernel_put_null(call, row);
}

static bool regexp_extract_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        done = matcher_ready(&matcher, call, row, error);
        const int found = done ? matcher_find(&matcher, call, row, text, 0, 0, error) : -1;
        done = found >= 0;
        if (found == 1)
            put_group(call, row, &matcher, text,
                      call->arg_count > 2 ? kernel_i64(call, 2, row) : 0);
        else
            kernel_put_null(call, row);
    }
    regexp_close(&matcher);
    return done;
}

/* Walks over all matches. Calls `take` with each; an empty match is tried again one character on.
 */
typedef struct MatchWalk {
    Regexp *matcher;
    KernelCall *call;
    uint32_t row;
    Str text;
    size_t from;
    size_t start; /* of the match found last */
    size_t end;
} MatchWalk;

static int walk_next(MatchWalk *walk, Error *error)
{
    if (walk->from > walk->text.length)
        return 0;
    const int found =
        matcher_find(walk->matcher, walk->call, walk->row, walk->text, walk->from, 0, error);
    if (found != 1)
        return found;
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(walk->matcher->match);
    walk->start = offsets[0];
    walk->end = offsets[1];
    walk->from = walk->end;
    if (walk->start >= walk->end)
        walk->from += walk->end < walk->text.length ? utf8_step(walk->text.data[walk->end]) : 1;
    return 1;
}

static int replace_all(MatchWalk *walk, Str with, Buffer *out, Error *error)
{
    size_t copied = 0;
    int found;
    while ((found = walk_next(walk, error)) == 1) {
        buffer_append(out, walk->text.data + copied, walk->start - copied);
        buffer_append_str(out, with);
        copied = walk->end;
        if (out->length > TEXT_BYTES_MAX) {
            kernel_fail(walk->call, walk->row, error, ERROR_LIMIT, "text longer than %u bytes",
                        TEXT_BYTES_MAX);
            return -1;
        }
    }
    if (found == 0)
        buffer_append(out, walk->text.data + copied, walk->text.length - copied);
    return found;
}

static bool regexp_replace_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    TextWriter writer = text_writer_of(call);
    Buffer buffer = {0};
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        MatchWalk walk = {&matcher, call, row, kernel_str(call, 0, row), 0, 0, 0};
        buffer_clear(&buffer);
        done = matcher_ready(&matcher, call, row, error) &&
               replace_all(&walk, kernel_str(call, 2, row), &buffer, error) >= 0;
        if (!done)
            break;
        char *to = text_writer_reserve(&writer, buffer.length);
        if (buffer.length > 0)
            memcpy(to, buffer.data, buffer.length);
        kernel_put_view(call, row, text_writer_take(&writer, buffer.length));
    }
    buffer_deinit(&buffer);
    regexp_close(&matcher);
    return done;
}

static bool regexp_count_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    int32_t *const out = call->out->data;
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        MatchWalk walk = {&matcher, call, row, kernel_str(call, 0, row), 0, 0, 0};
        done = matcher_ready(&matcher, call, row, error);
        int found = done ? 1 : -1;
        int32_t count = -1;
        for (; found == 1; count++)
            found = walk_next(&walk, error);
        done = found >= 0;
        out[row] = count;
    }
    regexp_close(&matcher);
    return done;
}

/* Where the first match begins, in characters from 1; 0 without one. */
static bool regexp_instr_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    int32_t *const out = call->out->data;
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        MatchWalk walk = {&matcher, call, row, kernel_str(call, 0, row), 0, 0, 0};
        done = matcher_ready(&matcher, call, row, error);
        const int found = done ? walk_next(&walk, error) : -1;
        done = found >= 0;
        out[row] = found == 1 ? (int32_t)str_utf8_length((Str){walk.text.data, walk.start}) + 1 : 0;
    }
    regexp_close(&matcher);
    return done;
}

/* What one group matched in every match, as an array; group 1 where none is named. A group that
 * took no part is NULL; a number of no group gives NULL for the whole. */
static int extract_all(MatchWalk *walk, int64_t index, Error *error)
{
    KernelCall *call = walk->call;
    uint32_t groups;
    pcre2_pattern_info(walk->matcher->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (index < 0 || index > groups) {
        kernel_put_null(call, walk->row);
        return 1;
    }
    const uint32_t offset = vector_list_append(call->out, walk->row, 0, call->arena);
    int found;
    while ((found = walk_next(walk, error)) == 1) {
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(walk->matcher->match);
        const PCRE2_SIZE from = offsets[2 * index], to = offsets[2 * index + 1];
        const uint32_t at = vector_list_append(call->out, walk->row, 1, call->arena);
        Vector *child = &call->out->children[0];
        if (from == PCRE2_UNSET || from > to) {
            vector_set_null(child, at, call->arena);
            continue;
        }
        vector_set_valid(child, at);
        ((StringView *)child->data)[at] = string_view_borrow(walk->text.data + from, to - from);
    }
    ((ListEntry *)call->out->data)[walk->row] = (ListEntry){offset, call->out->child_rows - offset};
    return found;
}

static bool regexp_extract_all_kernel(KernelCall *call, Error *error)
{
    Regexp matcher = matcher_open(call);
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        MatchWalk walk = {&matcher, call, row, kernel_str(call, 0, row), 0, 0, 0};
        done = matcher_ready(&matcher, call, row, error) &&
               extract_all(&walk, call->arg_count > 2 ? kernel_i64(call, 2, row) : 1, error) >= 0;
    }
    regexp_close(&matcher);
    return done;
}

/* Compiles a literal expression. */
static bool bind_pattern(const ScalarFunction *function, const FunctionSite *site, RegexpPlan *plan,
                         BoundFunction *out, Error *error)
{
    Str written;
    if (bind_literal_text(site, 1, &written)) {
        const Str pattern =
            plan->similar ? similar_translate(site->arena, written, plan->escape) : written;
        pcre2_code *code = regexp_compile(pattern, error);
        if (code == NULL)
            return plan->similar && similar_error(written, error);
        arena_on_close(site->arena, regexp_code_free, code);
        plan->code = code;
    }
    out->kernel = function->kernel;
    out->data = plan;
    return true;
}

static bool bind_regexp(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    return signature_bind(function->signature, site, function, out) &&
           bind_pattern(function, site, arena_new_one(site->arena, RegexpPlan), out, error);
}

static bool bind_extract_all(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    if (!signature_bind("(STRING, STRING, BIGINT?) -> STRING", site, function, out))
        return false;
    out->result = array_type(site->arena, &type_string, true);
    return bind_pattern(function, site, arena_new_one(site->arena, RegexpPlan), out, error);
}

static bool bind_similar_as(const ScalarFunction *function, const FunctionSite *site, bool negated,
                            BoundFunction *out, Error *error)
{
    if (!signature_bind("(STRING, STRING, STRING?) -> BOOLEAN", site, function, out))
        return false;
    RegexpPlan *plan = arena_new_one(site->arena, RegexpPlan);
    plan->similar = true;
    plan->negated = negated;
    Str escape;
    if (site->argument_count > 2) {
        if (!bind_literal_text(site, 2, &escape) || escape.length != 1) {
            error_set(error, ERROR_TYPE, "invalid escape character");
            return error_hint(error, "ESCAPE takes one ASCII character, as a literal.");
        }
        plan->escape = escape.data[0];
    }
    return bind_pattern(function, site, plan, out, error);
}

static bool bind_similar(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    return bind_similar_as(function, site, false, out, error);
}

static bool bind_not_similar(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    return bind_similar_as(function, site, true, out, error);
}

static const ScalarFunction functions[] = {
    {"REGEXP", "(STRING, STRING) -> BOOLEAN", regexp_kernel, bind_regexp, FUNCTION_CAN_FAIL,
     "string", "Whether any part of the text matches the regular expression."},
    {"REGEXP_EXTRACT", "(STRING, STRING, BIGINT?) -> STRING", regexp_extract_kernel, bind_regexp,
     FUNCTION_CAN_FAIL | FUNCTION_NULLABLE_RESULT, "string",
     "The first match of the regular expression, or one of its groups; NULL without a match."},
    {"REGEXP_REPLACE", "(STRING, STRING, STRING) -> STRING", regexp_replace_kernel, bind_regexp,
     FUNCTION_CAN_FAIL, "string",
     "The text with every match of the regular expression replaced by the third argument as it "
     "is."},
    {"REGEXP_COUNT", "(STRING, STRING) -> INT", regexp_count_kernel, bind_regexp, FUNCTION_CAN_FAIL,
     "string", "How many times the regular expression matches."},
    {"REGEXP_SUBSTR", "(STRING, STRING) -> STRING", regexp_extract_kernel, bind_regexp,
     FUNCTION_CAN_FAIL | FUNCTION_NULLABLE_RESULT, "string",
     "The first match of the regular expression; NULL without a match."},
    {"REGEXP_INSTR", "(STRING, STRING) -> INT", regexp_instr_kernel, bind_regexp, FUNCTION_CAN_FAIL,
     "string", "Where the first match of the regular expression begins; 0 without a match."},
    {"REGEXP_EXTRACT_ALL", "(STRING, STRING, BIGINT?) -> ARRAY", regexp_extract_all_kernel,
     bind_extract_all, FUNCTION_CAN_FAIL | FUNCTION_NULLABLE_RESULT, "string",
     "What a group of the regular expression, the first if none is named, matched in every match."},
    {"NOT SIMILAR TO", "STRING NOT SIMILAR TO STRING [ESCAPE 'c']", regexp_kernel, bind_not_similar,
     FUNCTION_HIDDEN | FUNCTION_CAN_FAIL, "comparison",
     "Whether the whole text does not match the SQL regular expression."},
    {"SIMILAR TO", "STRING SIMILAR TO STRING [ESCAPE 'c']", regexp_kernel, bind_similar,
     FUNCTION_HIDDEN | FUNCTION_CAN_FAIL, "comparison",
     "Whether the whole text matches the SQL regular expression."},
    {0},
};

extern const FunctionFamily fn_regexp;
const FunctionFamily fn_regexp = {functions};
