/* The cursor over the tokens of a statement: looking, taking, and refusing with a good word.
 *
 * Invariant: nothing is read at or behind `limit`; there the cursor sees TOKEN_END. */
#include "parser/parser_internal.h"

#include <string.h>
#include <strings.h>

const Token *parser_token(const Parser *parser, uint32_t index)
{
    static const Token end = {.kind = TOKEN_END, .match = TOKEN_NONE};
    return index < parser->limit ? &parser->tokens.items[index] : &end;
}

const Token *parser_peek(const Parser *parser)
{
    return parser_token(parser, parser->next);
}

bool parser_at_end(const Parser *parser)
{
    return parser->next >= parser->limit;
}

bool parser_is_word(const Parser *parser, uint32_t index, Keyword keyword)
{
    const Token *token = parser_token(parser, index);
    return token->kind == TOKEN_WORD && token->keyword == keyword;
}

bool parser_is_symbol(const Parser *parser, uint32_t index, uint32_t symbol)
{
    const Token *token = parser_token(parser, index);
    return token->kind == TOKEN_SYMBOL && token->symbol == symbol;
}

bool parser_peek_words(const Parser *parser, const Keyword *words)
{
    for (uint32_t i = 0; words[i] != KW_NONE; i++) {
        if (!parser_is_word(parser, parser->next + i, words[i]))
            return false;
    }
    return true;
}

bool parser_accept_word(Parser *parser, Keyword keyword)
{
    if (!parser_is_word(parser, parser->next, keyword))
        return false;
    parser->next++;
    return true;
}

bool parser_accept_words(Parser *parser, const Keyword *words)
{
    if (!parser_peek_words(parser, words))
        return false;
    while (*words++ != KW_NONE)
        parser->next++;
    return true;
}

bool parser_accept_text(Parser *parser, const char *word)
{
    const Token *token = parser_peek(parser);
    if (token->kind != TOKEN_WORD || token->text_length != strlen(word) ||
        strncasecmp(token->text, word, token->text_length) != 0)
        return false;
    parser->next++;
    return true;
}

bool parser_accept_symbol(Parser *parser, uint32_t symbol)
{
    if (!parser_is_symbol(parser, parser->next, symbol))
        return false;
    parser->next++;
    return true;
}

bool parser_expect_word(Parser *parser, Keyword keyword)
{
    if (parser_accept_word(parser, keyword))
        return true;
    const char *word = lexer_keyword_name(keyword);
    return parser_fail_at(parser, parser->next, &word, 1, word);
}

bool parser_expect_symbol(Parser *parser, uint32_t symbol)
{
    if (parser_accept_symbol(parser, symbol))
        return true;
    char expected[] = {'"', (char)symbol, '"', '\0'};
    return parser_fail_expected(parser, expected);
}

const char *parser_expect_string(Parser *parser, const char *what)
{
    const Token *token = parser_peek(parser);
    if (token->kind == TOKEN_STRING) {
        parser->next++;
        return token->text;
    }
    parser_fail_expected(parser, what);
    if (token->kind == TOKEN_NAME || token->kind == TOKEN_WORD)
        error_hint(parser->error, "Expected %s: double quotes and bare words are names.", what);
    return NULL;
}

bool parser_expect_end(Parser *parser)
{
    return parser_at_end(parser) || parser_fail_at(parser, parser->next, NULL, 0, NULL);
}

bool parser_is_name(const Token *token)
{
    if (token->kind == TOKEN_NAME)
        return true;
    return token->kind == TOKEN_WORD && lexer_keyword_flags(token->keyword) == 0;
}

const char *parser_expect_name(Parser *parser, const char *what)
{
    const Token *token = parser_peek(parser);
    if (parser_is_name(token)) {
        parser->next++;
        return token->text;
    }
    parser_fail_expected(parser, what);
    if (token->kind == TOKEN_WORD)
        error_hint(parser->error, "\"%s\" is a reserved word; as a name it is written `%s`.",
                   token->text, token->text);
    else if (token->kind == TOKEN_STRING)
        error_hint(parser->error, "Expected %s; names stand in backticks or without quotes.", what);
    return NULL;
}

bool parser_expect_path(Parser *parser, const char *what, AstName *name)
{
    *name = (AstName){0};
    uint32_t first = parser->next;
    do {
        if (name->part_count == 3) {
            parser_fail_expected(parser, "a name of at most three parts");
            return false;
        }
        const char *part = parser_expect_name(parser, what);
        if (part == NULL)
            return false;
        name->parts[name->part_count++] = part;
    } while (parser_accept_symbol(parser, '.'));
    name->place = parser_place(parser, first, parser->next - 1);
    return true;
}

bool parser_expect_name_list(Parser *parser, const char *what, const char *const **names,
                             uint32_t *count)
{
    ParserList list = {0};
    if (!parser_expect_symbol(parser, '('))
        return false;
    do {
        const char *name = parser_expect_name(parser, what);
        if (name == NULL)
            return false;
        parser_list_add_name(parser->arena, &list, name);
    } while (parser_accept_symbol(parser, ','));
    if (!parser_expect_symbol(parser, ')'))
        return false;
    *names = list.items;
    *count = list.count;
    return true;
}

AstPlace parser_place(const Parser *parser, uint32_t first, uint32_t last)
{
    const Token *from = &parser->tokens.items[first];
    if (last < first || last >= parser->tokens.count)
        return (AstPlace){(int64_t)from->offset, (int64_t)from->length};
    const Token *to = &parser->tokens.items[last];
    return (AstPlace){(int64_t)from->offset, (int64_t)(to->offset + to->length - from->offset)};
}

Str parser_text(const Parser *parser, uint32_t first, uint32_t last)
{
    AstPlace place = parser_place(parser, first, last);
    return (Str){parser->script.data + place.offset, (size_t)place.length};
}

/* Whether a line begins there as a statement would, in the middle of another. */
static bool begins_statement(const Parser *parser, uint32_t index)
{
    static const Keyword begin[] = {KW_CREATE,   KW_INSERT,  KW_SELECT, KW_SET,
                                    KW_DROP,     KW_ALTER,   KW_SHOW,   KW_RESET,
                                    KW_DESCRIBE, KW_EXPLAIN, KW_EXECUTE};
    const Token *token = parser_token(parser, index);
    if (token->kind != TOKEN_WORD || index == 0)
        return false;
    const Token *before = &parser->tokens.items[index - 1];
    size_t end = before->offset + before->length;
    if (before->kind == TOKEN_SYMBOL && before->symbol != ')')
        return false;
    if (memchr(parser->script.data + end, '\n', token->offset - end) == NULL)
        return false;
    for (size_t i = 0; i < array_count(begin); i++)
        if (token->keyword == begin[i])
            return true;
    return false;
}

bool parser_fail_at(const Parser *parser, uint32_t index, const char *const *words, size_t count,
                    const char *expected)
{
    const Token *token = parser_token(parser, index);
    if (token->kind == TOKEN_END) {
        const Token *stop = &parser->tokens.items[parser->limit];
        bool separator = stop->kind != TOKEN_END;
        if (separator)
            error_set(parser->error, ERROR_SYNTAX, "syntax error at or near \"%.*s\"",
                      (int)stop->length, parser->script.data + stop->offset);
        else
            error_set(parser->error, ERROR_SYNTAX, "syntax error at end of input");
        error_at(parser->error, (int64_t)stop->offset, separator ? (int64_t)stop->length : 0);
    } else {
        int shown = token->length > 60 ? 60 : (int)token->length;
        error_set(parser->error, ERROR_SYNTAX, "syntax error at or near \"%.*s\"", shown,
                  parser->script.data + token->offset);
        error_at(parser->error, (int64_t)token->offset, (int64_t)token->length);
    }
    const char *nearest = NULL;
    if (token->kind == TOKEN_WORD && lexer_keyword_flags(token->keyword) == 0)
        nearest = lexer_nearest_word((Str){token->text, token->text_length}, words, count);
    if (nearest != NULL)
        error_hint(parser->error, "Did you mean %s?", nearest);
    else if (begins_statement(parser, index))
        error_hint(parser->error, "End the statement before it with a semicolon.");
    else if (expected != NULL)
        error_hint(parser->error, "Expected %s.", expected);
    return false;
}

bool parser_fail_expected(const Parser *parser, const char *expected)
{
    return parser_fail_at(parser, parser->next, NULL, 0, expected);
}

bool parser_fail_unsupported(const Parser *parser, uint32_t first, uint32_t last, const char *what,
                             const char *hint)
{
    error_set(parser->error, ERROR_UNSUPPORTED, "%s is not supported", what);
    if (hint != NULL)
        error_hint(parser->error, "%s", hint);
    AstPlace place = parser_place(parser, first, last);
    return error_at(parser->error, place.offset, place.length);
}

void *parser_list_add(Arena *arena, ParserList *list, size_t item_bytes)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        void *larger = arena_alloc(arena, item_bytes * list->capacity);
        if (list->count != 0)
            memcpy(larger, list->items, item_bytes * list->count);
        list->items = larger;
    }
    void *item = (char *)list->items + item_bytes * list->count++;
    memset(item, 0, item_bytes);
    return item;
}

void parser_list_add_name(Arena *arena, ParserList *list, const char *name)
{
    *(const char **)parser_list_add(arena, list, sizeof name) = name;
}
