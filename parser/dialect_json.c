/* Constructs of JSON functions, as plain calls: clauses become arguments, texts of a word each.
 *
 *     JSON_VALUE(t, '$.a' RETURNING INT NULL ON EMPTY)  JSON_VALUE(t, '$.a', 'RETURNING', 'INT', …)
 *     JSON_OBJECTAGG(KEY k VALUE v ABSENT ON NULL)      JSON_OBJECTAGG(k, v, 'ABSENT')
 *     JSON_OBJECT(KEY k VALUE v ABSENT ON NULL)         JSON_OBJECT('ABSENT', k, v)
 *     JSON_ARRAY(a, b)                                  JSON_ARRAY('JSON_ARRAY', a, b)
 *     t IS JSON OBJECT                                  t IS DOCUMENT
 *
 * Invariant: with any number of values, how NULL is treated stands first, where it cannot be taken
 * for one of them; the function's own name stands for its default. */
#include "core/str.h"
#include "parser/dialect.h"

static bool dialect_is_text(const Dialect *dialect, uint32_t at, const char *word)
{
    const Token *token = parser_token(dialect->parser, at);
    return token->kind == TOKEN_WORD &&
           str_equal_nocase((Str){token->text, token->text_length}, str_of(word));
}

bool dialect_write_json_clause(Dialect *dialect, uint32_t *at)
{
    Frame *frame = dialect_frame(dialect);
    bool json = frame->special == KW_JSON_VALUE || frame->special == KW_JSON_QUERY ||
                frame->special == KW_JSON_EXISTS;
    if (!json)
        return false;
    if (!frame->json_clauses)
        frame->json_clauses = parser_token(dialect->parser, *at - 1)->kind == TOKEN_STRING &&
                              dialect_is_symbol(dialect, *at - 2, ',');
    Keyword word = dialect->parser->tokens.items[*at].keyword;
    if (!frame->json_clauses || (frame->json_default && word != KW_ON))
        return false;
    frame->json_default = word == KW_DEFAULT;
    dialect_put(dialect, *at, ",");
    dialect_put_holder(dialect, 'w', *at);
    if (frame->json_default)
        dialect_put(dialect, *at, ",");
    (*at)++;
    return true;
}

/* --------------------------------------------------- objects and arrays from values */

/* NULL ON NULL, ABSENT ON NULL. */
static bool dialect_treats_null(const Dialect *dialect, uint32_t at)
{
    return (dialect_is_text(dialect, at, "NULL") || dialect_is_text(dialect, at, "ABSENT")) &&
           dialect_is_word(dialect, at + 1, KW_ON) && dialect_is_text(dialect, at + 2, "NULL");
}

static bool dialect_constructs_json(const Frame *frame)
{
    return frame->special == KW_JSON_OBJECT || frame->special == KW_JSON_ARRAY;
}

void dialect_open_json(Dialect *dialect, uint32_t open)
{
    const Frame *frame = dialect_frame(dialect);
    if (!dialect_constructs_json(frame))
        return;
    const uint32_t close = dialect->parser->tokens.items[open].match;
    const bool treats = close >= open + 4 && dialect_treats_null(dialect, close - 3);
    const uint32_t end = treats ? close - 3 : close;
    dialect_put_holder(dialect, 'w', treats ? end : frame->callee);
    if (end != open + 1)
        dialect_put(dialect, open, ",");
}

/* KEY before a key, VALUE behind it. */
static bool dialect_write_json_key(Dialect *dialect, uint32_t *at)
{
    Frame *frame = dialect_frame(dialect);
    const bool first = *at == frame->open + 1 || dialect_is_symbol(dialect, *at - 1, ',');
    const bool ends =
        dialect_is_symbol(dialect, *at + 1, ',') || dialect_is_symbol(dialect, *at + 1, ')');
    if (first && !ends && dialect_is_text(dialect, *at, "KEY") &&
        !dialect_is_text(dialect, *at + 1, "VALUE")) {
        (*at)++;
        return true;
    }
    if (first || frame->json_value || !dialect_is_text(dialect, *at, "VALUE"))
        return false;
    frame->json_value = true;
    dialect_put(dialect, (*at)++, ",");
    return true;
}

bool dialect_write_json_pairs(Dialect *dialect, uint32_t *at)
{
    const Frame *frame = dialect_frame(dialect);
    const bool aggregate =
        frame->special == KW_JSON_OBJECTAGG || frame->special == KW_JSON_ARRAYAGG;
    if (!aggregate && !dialect_constructs_json(frame))
        return false;
    const bool object = frame->special == KW_JSON_OBJECTAGG || frame->special == KW_JSON_OBJECT;
    if (object && dialect_write_json_key(dialect, at))
        return true;
    const uint32_t close = dialect->parser->tokens.items[frame->open].match;
    if (*at + 3 != close || !dialect_treats_null(dialect, *at))
        return false;
    if (aggregate && *at == frame->open + 1)
        return false;
    if (aggregate) {
        dialect_put(dialect, *at, ",");
        dialect_put_holder(dialect, 'w', *at);
    }
    *at = close;
    return true;
}

/* ------------------------------------------------------------------------- IS JSON */

bool dialect_write_is_json(Dialect *dialect, uint32_t *at)
{
    static const char *const kinds[] = {"VALUE", "SCALAR", "OBJECT", "ARRAY"};
    dialect_put(dialect, (*at)++, "DOCUMENT");
    for (size_t i = 0; i < array_count(kinds); i++)
        if (dialect_is_text(dialect, *at, kinds[i])) {
            (*at)++;
            break;
        }
    return true;
}
