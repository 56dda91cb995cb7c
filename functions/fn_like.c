/* LIKE and NOT LIKE: % stands for any text, _ for one character.
 *
 * A literal pattern is compiled when the call is bound into pieces between its % signs, and a
 * pattern of one literal piece runs as a plain comparison, prefix, suffix or search. Any other
 * pattern is compiled when it differs from the row before.
 *
 * Matching never goes back behind a % that was satisfied: the leftmost place for each piece is
 * always good enough, so the cost is text × longest piece in the worst case. */
#include "functions/kernel_internal.h"

/* A run of the pattern without %: bytes to match, and which of them are _. */
typedef struct LikePiece {
    const char *bytes;
    const uint8_t *any; /* NULL when there is no _ */
    uint32_t length;
    uint32_t any_count;
} LikePiece;

typedef enum LikeForm {
    LIKE_GENERAL,
    LIKE_EQUAL,
    LIKE_PREFIX,
    LIKE_SUFFIX,
    LIKE_CONTAINS
} LikeForm;

typedef struct LikePattern {
    LikeForm form;
    bool open_start; /* starts with % */
    bool open_end;
    uint32_t piece_count;
    LikePiece *pieces; /* none is empty, but for a pattern of nothing else */
    bool negated;
} LikePattern;

/* Whether piece matches at text[at]; *end is where the match ends. */
static bool piece_at(const LikePiece *piece, Str text, size_t at, size_t *end)
{
    if (piece->any == NULL) {
        if (text.length - at < piece->length ||
            memcmp(text.data + at, piece->bytes, piece->length) != 0)
            return false;
        *end = at + piece->length;
        return true;
    }
    for (uint32_t i = 0; i < piece->length; i++) {
        if (at >= text.length)
            return false;
        if (piece->any[i] != 0) {
            at += utf8_step(text.data[at]);
            at = at < text.length ? at : text.length;
        } else if (text.data[at++] != piece->bytes[i]) {
            return false;
        }
    }
    *end = at;
    return true;
}

/* The first match of the piece at or behind `at`. */
static bool piece_find(const LikePiece *piece, Str text, size_t at, size_t *end)
{
    if (piece->any == NULL) {
        const size_t found = str_find_from(text, (Str){piece->bytes, piece->length}, at);
        *end = found + piece->length;
        return found != SIZE_MAX;
    }
    while (at <= text.length) {
        if (piece_at(piece, text, at, end))
            return true;
        if (at == text.length)
            return false;
        at += utf8_step(text.data[at]);
    }
    return false;
}

/* Where a piece that must end the text starts: so many characters and bytes from its end. */
static bool piece_ends(const LikePiece *piece, Str text, size_t at)
{
    size_t start = text.length;
    uint32_t bytes = piece->length - piece->any_count;
    if (piece->any == NULL) {
        if (start < bytes)
            return false;
        start -= bytes;
    } else {
        for (uint32_t i = piece->length; i > 0; i--) {
            if (start == 0)
                return false;
            start--;
            while (piece->any[i - 1] != 0 && start > 0 && (text.data[start] & 0xC0) == 0x80)
                start--;
        }
    }
    size_t end;
    return start >= at && piece_at(piece, text, start, &end) && end == text.length;
}

static bool like_general(const LikePattern *pattern, Str text)
{
    size_t at = 0;
    uint32_t first = 0;
    uint32_t last = pattern->piece_count;
    if (!pattern->open_start) {
        if (!piece_at(&pattern->pieces[first++], text, 0, &at))
            return false;
        if (first == last && !pattern->open_end)
            return at == text.length;
    }
    if (!pattern->open_end && last > first)
        last--;
    else if (!pattern->open_end)
        return at == text.length;
    for (uint32_t i = first; i < last; i++) {
        if (!piece_find(&pattern->pieces[i], text, at, &at))
            return false;
    }
    return pattern->open_end || piece_ends(&pattern->pieces[last], text, at);
}

static bool like_match(const LikePattern *pattern, Str text)
{
    const LikePiece *piece = pattern->pieces;
    const size_t length = piece != NULL ? piece->length : 0;
    switch (pattern->form) {
    case LIKE_EQUAL:
        return text.length == length && memcmp(text.data, piece->bytes, length) == 0;
    case LIKE_PREFIX:
        return text.length >= length && memcmp(text.data, piece->bytes, length) == 0;
    case LIKE_SUFFIX:
        return text.length >= length &&
               memcmp(text.data + text.length - length, piece->bytes, length) == 0;
    case LIKE_CONTAINS:
        return str_find_from(text, (Str){piece->bytes, length}, 0) != SIZE_MAX;
    case LIKE_GENERAL:
        return like_general(pattern, text);
    }
    return false;
}

/* Reads the pattern; an escape that stands before nothing it may escape is an error. */
static bool like_compile(LikePattern *pattern, Str text, const char *escape, Arena *arena,
                         Error *error)
{
    char *bytes = arena_alloc(arena, text.length + 1);
    uint8_t *any = arena_zalloc(arena, text.length + 1);
    *pattern = (LikePattern){0};
    pattern->pieces = arena_new_array(arena, LikePiece, text.length / 2 + 2);
    LikePiece piece = {bytes, NULL, 0, 0};
    uint32_t used = 0;
    for (size_t i = 0; i < text.length; i++) {
        const bool escaped = escape != NULL && text.data[i] == *escape;
        if (escaped && (++i == text.length ||
                        (text.data[i] != '%' && text.data[i] != '_' && text.data[i] != *escape))) {
            error_set(error, ERROR_DATA, "invalid escape in LIKE pattern \"%.*s\"",
                      (int)u64_min(text.length, 200), text.data);
            return error_hint(error, "The escape character stands before %%, _ or itself only.");
        }
        if (!escaped && text.data[i] == '%') {
            if (piece.length > 0)
                pattern->pieces[pattern->piece_count++] = piece;
            pattern->open_start = pattern->open_start || used == 0;
            pattern->open_end = true;
            piece = (LikePiece){bytes + used, NULL, 0, 0};
            continue;
        }
        pattern->open_end = false;
        if (!escaped && text.data[i] == '_') {
            any[used] = 1;
            piece.any = any + (piece.bytes - bytes);
            piece.any_count++;
        }
        bytes[used++] = text.data[i];
        piece.length++;
    }
    if (piece.length > 0 || pattern->piece_count == 0)
        pattern->pieces[pattern->piece_count++] = piece;
    if (pattern->piece_count == 1 && pattern->pieces[0].any == NULL) {
        static const LikeForm forms[2][2] = {{LIKE_EQUAL, LIKE_PREFIX},
                                             {LIKE_SUFFIX, LIKE_CONTAINS}};
        pattern->form = forms[pattern->open_start][pattern->open_end];
    }
    return true;
}

static bool escape_of(Str text, const char **escape, Error *error)
{
    if (text.length == 1) {
        *escape = text.data;
        return true;
    }
    return error_set(error, ERROR_DATA, "invalid escape character \"%.*s\"",
                     (int)u64_min(text.length, 20), text.data) ||
           error_hint(error, "ESCAPE takes one ASCII character.");
}

static bool like_literal(KernelCall *call, Error *error)
{
    const LikePattern *const pattern = call->data;
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = like_match(pattern, kernel_str(call, 0, row)) != pattern->negated;
    }
    return true;
}

/* data: the LikePattern with only `negated` set. */
static bool like_dynamic(KernelCall *call, Error *error)
{
    const bool negated = ((const LikePattern *)call->data)->negated;
    uint8_t *const out = call->out->data;
    LikePattern pattern = {0};
    StringView last = {0};
    bool compiled = false;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Vector *const patterns = call->args[1];
        const StringView *view = (const StringView *)patterns->data + vector_index(patterns, row);
        const char *escape = NULL;
        bool valid = call->arg_count < 3 || escape_of(kernel_str(call, 2, row), &escape, error);
        if (valid && (!compiled || escape != NULL || !string_view_equal(view, &last))) {
            valid = like_compile(&pattern, string_view_str(view), escape, call->arena, error);
            last = *view;
            compiled = true;
        }
        if (!valid) {
            call->error_row = row;
            return false;
        }
        out[row] = like_match(&pattern, kernel_str(call, 0, row)) != negated;
    }
    return true;
}

static bool bind_like_as(const ScalarFunction *function, const FunctionSite *site, bool negated,
                         BoundFunction *out, Error *error)
{
    if (!signature_bind("(STRING, STRING, STRING?) -> BOOLEAN", site, function, out))
        return false;
    LikePattern *pattern = arena_new_one(site->arena, LikePattern);
    Str text;
    Str escape_text;
    const char *escape = NULL;
    const bool literal = bind_literal_text(site, 1, &text) &&
                         (site->argument_count < 3 || bind_literal_text(site, 2, &escape_text));
    if (literal == ((function->flags & FUNCTION_CAN_FAIL) != 0))
        return false;
    out->kernel = literal ? like_literal : like_dynamic;
    if (literal && ((site->argument_count == 3 && !escape_of(escape_text, &escape, error)) ||
                    !like_compile(pattern, text, escape, site->arena, error)))
        return false;
    pattern->negated = negated;
    out->data = pattern;
    return true;
}

static bool bind_like(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    return bind_like_as(function, site, false, out, error);
}

static bool bind_not_like(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_like_as(function, site, true, out, error);
}

/* A literal pattern is checked when it is bound and cannot fail later: an overload of its own. */
#define LITERAL FUNCTION_HIDDEN
#define DYNAMIC (FUNCTION_HIDDEN | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"LIKE", "STRING LIKE 'pattern' [ESCAPE 'c']", NULL, bind_like, LITERAL, "comparison",
     "Whether the text matches the pattern, where % is any text and _ one character."},
    {"LIKE", "STRING LIKE STRING [ESCAPE STRING]", NULL, bind_like, DYNAMIC, "comparison",
     "The same with a pattern that is computed."},
    {"NOT LIKE", "STRING NOT LIKE 'pattern' [ESCAPE 'c']", NULL, bind_not_like, LITERAL,
     "comparison", "Whether the text does not match the pattern."},
    {"NOT LIKE", "STRING NOT LIKE STRING [ESCAPE STRING]", NULL, bind_not_like, DYNAMIC,
     "comparison", "The same with a pattern that is computed."},
    {0},
};

extern const FunctionFamily fn_like;
const FunctionFamily fn_like = {functions};
