/* Script text to tokens: where each begins and ends, and which brackets belong together.
 *
 * Invariant: tokens lie in the script in order and do not overlap; between them there is only
 * space, comments and hints. Cost: one pass, one decoded copy of names and strings. */
#include "parser/lexer.h"

#include <ctype.h>
#include <string.h>

#include "core/str.h"
#include "parser/parser_internal.h"

/* Longer names are machine-made; catalogs and files take no longer ones either. */
#define NAME_LENGTH_MAX 256

#define STATEMENT_TOO_LONG_HINT                                                                    \
    "Put the data into a file and read it with the filesystem connector."

static unsigned char lexer_byte(Str text, size_t at)
{
    return at < text.length ? (unsigned char)text.data[at] : '\0';
}

/* Bytes of white space at the place: ASCII, no-break space, byte order mark. */
static size_t lexer_space(Str text, size_t at)
{
    unsigned char c = lexer_byte(text, at);
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c == 0xc2 && lexer_byte(text, at + 1) == 0xa0)
        return 2;
    if (c == 0xef && lexer_byte(text, at + 1) == 0xbb && lexer_byte(text, at + 2) == 0xbf)
        return 3;
    return 0;
}

/* General punctuation (dashes, curly quotes) is no letter: it came from a word processor. */
static bool lexer_starts_word(Str text, size_t at)
{
    unsigned char c = lexer_byte(text, at);
    if (c < 0x80)
        return isalpha(c) || c == '_';
    bool punctuation = c == 0xe2 && (lexer_byte(text, at + 1) == 0x80);
    return !punctuation && lexer_space(text, at) == 0;
}

static bool lexer_continues_word(Str text, size_t at)
{
    unsigned char c = lexer_byte(text, at);
    return isdigit(c) || c == '$' || (at < text.length && lexer_starts_word(text, at));
}

/* The end of the block comment that opens at `at`, or 0 when it never closes. */
static size_t lexer_comment_end(Str text, size_t at)
{
    for (size_t i = at + 2; i + 1 < text.length; i++) {
        if (text.data[i] == '*' && text.data[i + 1] == '/')
            return i + 2;
    }
    return 0;
}

static size_t lexer_line_end(Str text, size_t at)
{
    while (at < text.length && text.data[at] != '\n')
        at++;
    return at;
}

/* Skips space and comments. Stops in front of a hint, and of a comment that never closes. */
static size_t lexer_skip(Str text, size_t at)
{
    while (at < text.length) {
        size_t space = lexer_space(text, at);
        if (space != 0) {
            at += space;
            continue;
        }
        if (text.data[at] == '-' && lexer_byte(text, at + 1) == '-') {
            at = lexer_line_end(text, at);
            continue;
        }
        if (text.data[at] != '/' || lexer_byte(text, at + 1) != '*')
            break;
        if (lexer_byte(text, at + 2) == '+')
            break;
        size_t end = lexer_comment_end(text, at);
        if (end == 0)
            break;
        at = end;
    }
    return at;
}

/* The end behind the closing quote, where a doubled quote stands for itself; 0: never closed. */
static size_t lexer_quote_end(Str text, size_t at, char quote, bool backslash)
{
    for (size_t i = at + 1; i < text.length; i++) {
        if (backslash && text.data[i] == '\\') {
            i++;
            continue;
        }
        if (text.data[i] != quote)
            continue;
        if (lexer_byte(text, i + 1) == (unsigned char)quote)
            i++;
        else
            return i + 1;
    }
    return 0;
}

static Token lexer_bad(size_t offset, size_t length, LexerFault why, LexerFault *fault)
{
    *fault = why;
    return (Token){.kind = TOKEN_BAD, .offset = offset, .length = length, .match = TOKEN_NONE};
}

static Token lexer_quoted(Str text, size_t offset, size_t prefix, TokenKind kind, LexerFault *fault)
{
    char quote = text.data[offset + prefix];
    bool backslash = prefix == 1 && (text.data[offset] == 'E' || text.data[offset] == 'e');
    size_t end = lexer_quote_end(text, offset + prefix, quote, backslash);
    if (end == 0) {
        LexerFault why = kind == TOKEN_NAME ? LEXER_OPEN_NAME : LEXER_OPEN_STRING;
        return lexer_bad(offset, text.length - offset, why, fault);
    }
    return (Token){.kind = kind, .offset = offset, .length = end - offset, .match = TOKEN_NONE};
}

static Token lexer_number(Str text, size_t offset, LexerFault *fault)
{
    size_t at = offset;
    while (isdigit(lexer_byte(text, at)))
        at++;
    if (lexer_byte(text, at) == '.') {
        at++;
        while (isdigit(lexer_byte(text, at)))
            at++;
    }
    unsigned char c = lexer_byte(text, at);
    if (c == 'e' || c == 'E') {
        size_t digits = at + 1;
        if (lexer_byte(text, digits) == '+' || lexer_byte(text, digits) == '-')
            digits++;
        if (isdigit(lexer_byte(text, digits))) {
            at = digits;
            while (isdigit(lexer_byte(text, at)))
                at++;
        }
    }
    if (lexer_continues_word(text, at)) {
        while (lexer_continues_word(text, at))
            at++;
        return lexer_bad(offset, at - offset, LEXER_BAD_NUMBER, fault);
    }
    return (Token){
        .kind = TOKEN_NUMBER, .offset = offset, .length = at - offset, .match = TOKEN_NONE};
}

static Token lexer_word(Str text, size_t offset)
{
    size_t at = offset;
    while (lexer_continues_word(text, at))
        at++;
    return (Token){.kind = TOKEN_WORD,
                   .keyword = lexer_find_keyword((Str){text.data + offset, at - offset}),
                   .offset = offset,
                   .length = at - offset,
                   .match = TOKEN_NONE};
}

static Token lexer_symbol(Str text, size_t offset, LexerFault *fault)
{
    static const uint32_t pairs[] = {SYMBOL_CONCAT,     SYMBOL_NOT_EQUAL,  SYMBOL_BANG_EQUAL,
                                     SYMBOL_LESS_EQUAL, SYMBOL_MORE_EQUAL, SYMBOL_CAST,
                                     SYMBOL_ARROW};
    unsigned char c = lexer_byte(text, offset);
    uint32_t pair = SYMBOL_PAIR(c, lexer_byte(text, offset + 1));
    Token token = {.kind = TOKEN_SYMBOL, .offset = offset, .length = 2, .match = TOKEN_NONE};
    for (size_t i = 0; i < array_count(pairs); i++) {
        if (pair == pairs[i]) {
            token.symbol = pair;
            return token;
        }
    }
    if (c == '\0' || strchr("()[],;.+-*/%=<>:?{}", c) == NULL) {
        size_t length = 1;
        while (c >= 0xc0 && (lexer_byte(text, offset + length) & 0xc0) == 0x80)
            length++;
        return lexer_bad(offset, length, LEXER_BAD_CHARACTER, fault);
    }
    token.symbol = c;
    token.length = 1;
    return token;
}

Token lexer_next(Str text, size_t offset, LexerFault *fault)
{
    *fault = LEXER_FINE;
    size_t at = lexer_skip(text, offset);
    if (at >= text.length)
        return (Token){.kind = TOKEN_END, .offset = text.length, .match = TOKEN_NONE};
    unsigned char c = lexer_byte(text, at);
    unsigned char next = lexer_byte(text, at + 1);
    if (c == '\'')
        return lexer_quoted(text, at, 0, TOKEN_STRING, fault);
    if (c == '`' || c == '"')
        return lexer_quoted(text, at, 0, TOKEN_NAME, fault);
    if (next == '\'' && (c == 'x' || c == 'X'))
        return lexer_quoted(text, at, 1, TOKEN_BYTES, fault);
    if (next == '\'' && strchr("EeNn", c) != NULL)
        return lexer_quoted(text, at, 1, TOKEN_STRING, fault);
    if ((c == 'u' || c == 'U') && next == '&' && lexer_byte(text, at + 2) == '\'')
        return lexer_quoted(text, at, 2, TOKEN_STRING, fault);
    if (c == '/' && next == '*') {
        size_t end = lexer_comment_end(text, at);
        if (end == 0)
            return lexer_bad(at, text.length - at, LEXER_OPEN_COMMENT, fault);
        return (Token){.kind = TOKEN_HINT, .offset = at, .length = end - at, .match = TOKEN_NONE};
    }
    if (isdigit(c) || (c == '.' && isdigit(next)))
        return lexer_number(text, at, fault);
    if (lexer_starts_word(text, at))
        return lexer_word(text, at);
    return lexer_symbol(text, at, fault);
}

/* What people mean by characters that SQL does not have. */
static void lexer_hint_character(Str text, size_t at, Error *error)
{
    static const struct {
        const char *bytes;
        const char *hint;
    } hints[] = {
        {"&", "Write AND."},
        {"|", "Write OR; || joins strings."},
        {"^", "Write POWER(a, b)."},
        {"!", "Write NOT, or <> for unequal."},
        {"#", "A comment begins with --."},
        {"\xe2\x80\x98", "Strings stand in plain single quotes."},
        {"\xe2\x80\x99", "Strings stand in plain single quotes."},
        {"\xe2\x80\x9c", "Strings stand in plain single quotes."},
        {"\xe2\x80\x9d", "Strings stand in plain single quotes."},
    };
    for (size_t i = 0; i < array_count(hints); i++) {
        if (str_starts_with((Str){text.data + at, text.length - at}, str_of(hints[i].bytes)))
            error_hint(error, "%s", hints[i].hint);
    }
}

static bool lexer_fail(Str text, Token token, LexerFault fault, Error *error)
{
    switch (fault) {
    case LEXER_OPEN_STRING:
        error_set(error, ERROR_SYNTAX, "unterminated string");
        error_hint(error, "Close it with a single quote; a quote inside is written twice.");
        break;
    case LEXER_OPEN_NAME:
        error_set(error, ERROR_SYNTAX, "unterminated quoted name");
        error_hint(error, "Close it with %c.", text.data[token.offset]);
        break;
    case LEXER_OPEN_COMMENT:
        error_set(error, ERROR_SYNTAX, "unterminated comment");
        error_hint(error, "Close it with */.");
        break;
    case LEXER_BAD_NUMBER:
        error_set(error, ERROR_SYNTAX, "trailing junk after number at or near \"%.*s\"",
                  (int)token.length, text.data + token.offset);
        error_hint(error, "A name that starts with a digit needs backticks.");
        break;
    default:
        if (text.data[token.offset] == '\0')
            error_set(error, ERROR_SYNTAX, "the statement has a zero byte in it");
        else
            error_set(error, ERROR_SYNTAX, "unexpected character \"%.*s\"", (int)token.length,
                      text.data + token.offset);
        lexer_hint_character(text, token.offset, error);
    }
    /* The caret stands where the open thing begins; the rest of the script is not underlined. */
    bool open = fault == LEXER_OPEN_STRING || fault == LEXER_OPEN_NAME;
    return error_at(error, (int64_t)token.offset,
                    open                          ? 1
                    : fault == LEXER_OPEN_COMMENT ? 2
                                                  : (int64_t)token.length);
}

typedef struct LexerList {
    Tokens *tokens;
    Arena *arena;
    uint32_t capacity;
    uint32_t hint_capacity;
    uint32_t open[NESTING_MAX]; /* brackets not closed yet */
    uint32_t depth;
} LexerList;

static void *lexer_grow(Arena *arena, void *items, size_t bytes, uint32_t count, uint32_t *capacity)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *larger = arena_alloc(arena, bytes * *capacity);
    if (count != 0)
        memcpy(larger, items, bytes * count);
    return larger;
}

static void lexer_push(LexerList *list, Token token)
{
    Tokens *tokens = list->tokens;
    tokens->items =
        lexer_grow(list->arena, tokens->items, sizeof(Token), tokens->count, &list->capacity);
    token.last = tokens->count;
    tokens->items[tokens->count++] = token;
}

static bool lexer_push_hint(LexerList *list, Token token, Error *error)
{
    Tokens *tokens = list->tokens;
    if (tokens->count == 0 || tokens->items[tokens->count - 1].hint != NULL) {
        error_set(error, ERROR_SYNTAX, "a hint cannot stand here");
        error_hint(error, "Put it behind SELECT or behind the name of a table.");
        return error_at(error, (int64_t)token.offset, (int64_t)token.length);
    }
    TokenHint *hint = arena_new_one(list->arena, TokenHint);
    *hint = (TokenHint){.offset = token.offset, .length = token.length};
    tokens->hints = lexer_grow(list->arena, tokens->hints, sizeof(TokenHint *), tokens->hint_count,
                               &list->hint_capacity);
    tokens->hints[tokens->hint_count++] = hint;
    tokens->items[tokens->count - 1].hint = hint;
    return true;
}

static bool lexer_bracket(LexerList *list, Str text, Token token, Error *error)
{
    Tokens *tokens = list->tokens;
    uint32_t symbol = token.symbol;
    if (symbol == '(' || symbol == '[') {
        if (list->depth == NESTING_MAX) {
            error_set(error, ERROR_LIMIT, "the statement is nested more than %d levels deep",
                      NESTING_MAX);
            error_hint(error, "Split it with WITH or with views.");
            return error_at(error, (int64_t)token.offset, 1);
        }
        list->open[list->depth++] = tokens->count - 1;
        return true;
    }
    if (symbol != ')' && symbol != ']')
        return true;
    uint32_t wanted = symbol == ')' ? '(' : '[';
    if (list->depth == 0 || tokens->items[list->open[list->depth - 1]].symbol != wanted) {
        error_set(error, ERROR_SYNTAX, "syntax error at or near \"%c\"", (char)symbol);
        if (list->depth == 0)
            error_hint(error, "Nothing is open that it closes.");
        else
            error_hint(error, "A \"%c\" is still open before it.",
                       text.data[tokens->items[list->open[list->depth - 1]].offset]);
        return error_at(error, (int64_t)token.offset, 1);
    }
    uint32_t partner = list->open[--list->depth];
    tokens->items[partner].match = tokens->count - 1;
    tokens->items[tokens->count - 1].match = partner;
    return true;
}

static bool lexer_add(LexerList *list, Str text, Token token, Error *error)
{
    if (token.kind == TOKEN_HINT)
        return lexer_push_hint(list, token, error);
    if (token.kind == TOKEN_NAME || token.kind == TOKEN_STRING || token.kind == TOKEN_BYTES) {
        if (!lexer_decode(text, &token, list->arena, error))
            return false;
    } else if (token.kind == TOKEN_WORD || token.kind == TOKEN_NUMBER) {
        token.text = arena_str(list->arena, (Str){text.data + token.offset, token.length});
        token.text_length = token.length;
    }
    bool is_name = token.kind == TOKEN_WORD || token.kind == TOKEN_NAME;
    if (is_name && token.text_length > NAME_LENGTH_MAX) {
        error_set(error, ERROR_LIMIT, "a name of %zu bytes is longer than the %d allowed",
                  token.text_length, NAME_LENGTH_MAX);
        return error_at(error, (int64_t)token.offset, (int64_t)token.length);
    }
    lexer_push(list, token);
    return token.kind != TOKEN_SYMBOL || lexer_bracket(list, text, token, error);
}

static bool lexer_check_text(Str text, size_t start, size_t end, Error *error)
{
    if (end - start > STATEMENT_BYTES_MAX) {
        error_set(error, ERROR_LIMIT, "a statement of %zu bytes is longer than the %d allowed",
                  end - start, STATEMENT_BYTES_MAX);
        error_hint(error, STATEMENT_TOO_LONG_HINT);
        return error_at(error, (int64_t)start, 1);
    }
    size_t valid = str_utf8_valid_prefix((Str){text.data + start, end - start});
    if (valid == end - start)
        return true;
    error_set(error, ERROR_SYNTAX, "the statement is not valid UTF-8: byte 0x%02x",
              (unsigned char)text.data[start + valid]);
    error_hint(error, "Save the file as UTF-8.");
    return error_at(error, (int64_t)(start + valid), 1);
}

bool lexer_scan(Str text, size_t start, size_t end, Arena *arena, Tokens *tokens, Error *error)
{
    assert(start <= end && end <= text.length);
    *tokens = (Tokens){0};
    if (!lexer_check_text(text, start, end, error))
        return false;
    LexerList list = {.tokens = tokens, .arena = arena};
    Str range = {text.data, end};
    size_t at = start;
    while (true) {
        LexerFault fault;
        Token token = lexer_next(range, at, &fault);
        if (token.kind == TOKEN_BAD)
            return lexer_fail(range, token, fault, error);
        if (token.kind == TOKEN_END)
            break;
        if (tokens->count == STATEMENT_TOKENS_MAX) {
            error_set(error, ERROR_LIMIT, "the statement has more than %d words and symbols",
                      STATEMENT_TOKENS_MAX);
            error_hint(error, STATEMENT_TOO_LONG_HINT);
            return error_at(error, (int64_t)token.offset, (int64_t)token.length);
        }
        if (!lexer_add(&list, range, token, error))
            return false;
        at = token.offset + token.length;
    }
    if (list.depth != 0) {
        const Token *open = &tokens->items[list.open[list.depth - 1]];
        error_set(error, ERROR_SYNTAX, "\"%c\" is never closed", (char)open->symbol);
        error_hint(error, "Add a \"%c\".", open->symbol == '(' ? ')' : ']');
        return error_at(error, (int64_t)open->offset, 1);
    }
    lexer_push(&list, (Token){.kind = TOKEN_END, .offset = end, .match = TOKEN_NONE});
    tokens->count--;
    return true;
}
