/* A script cut into statements, and places in it told as line and column.
 *
 * A statement ends at a semicolon outside of strings, names and comments. A statement set holds
 * semicolons of its own and ends at the one behind END:
 *
 *   EXECUTE STATEMENT SET BEGIN insert; insert; END;
 *   BEGIN STATEMENT SET; insert; insert; END; */
#include "parser/parser.h"

#include "core/str.h"
#include "parser/lexer.h"

/* How far into a statement the words of a set are looked for: EXPLAIN and its details come first.
 */
#define SET_WORDS_MAX 12

typedef enum SplitStage {
    SPLIT_PLAIN,
    SPLIT_OPENING, /* behind STATEMENT SET: BEGIN or a semicolon must come now */
    SPLIT_INSIDE,
    SPLIT_BETWEEN, /* inside, at the beginning of an INSERT: END ends the set */
    SPLIT_ENDED
} SplitStage;

typedef struct SplitState {
    Keyword first;  /* word of the statement */
    Keyword before; /* the word before this token; KW_NONE when it was no word */
    uint32_t count; /* of tokens */
    SplitStage stage;
} SplitState;

static void parser_split_word(SplitState *state, Keyword word)
{
    bool sets = state->first == KW_EXECUTE || state->first == KW_EXPLAIN ||
                state->first == KW_BEGIN || state->first == KW_STATEMENT;
    if (state->stage == SPLIT_PLAIN) {
        bool set =
            sets && state->count < SET_WORDS_MAX && state->before == KW_STATEMENT && word == KW_SET;
        state->stage = set ? SPLIT_OPENING : SPLIT_PLAIN;
    } else if (state->stage == SPLIT_OPENING) {
        state->stage = word == KW_BEGIN ? SPLIT_BETWEEN : SPLIT_PLAIN;
    } else if (state->stage == SPLIT_BETWEEN) {
        state->stage = word == KW_END ? SPLIT_ENDED : SPLIT_INSIDE;
    }
}

/* Whether the token closes the statement. */
static bool parser_split_token(SplitState *state, const Token *token)
{
    bool word = token->kind == TOKEN_WORD;
    if (state->count == 0)
        state->first = word ? token->keyword : KW_NONE;
    if (token->kind == TOKEN_SYMBOL && token->symbol == ';') {
        bool opens = state->stage == SPLIT_OPENING && state->first == KW_BEGIN;
        if (!opens && state->stage != SPLIT_INSIDE && state->stage != SPLIT_BETWEEN)
            return true;
        state->stage = SPLIT_BETWEEN;
    } else if (word) {
        parser_split_word(state, token->keyword);
    } else if (state->stage == SPLIT_BETWEEN) {
        state->stage = SPLIT_INSIDE;
    }
    state->before = word ? token->keyword : KW_NONE;
    state->count++;
    return false;
}

bool parser_next_statement(Str script, size_t *offset, size_t *start, size_t *end, bool *incomplete)
{
    SplitState state = {0};
    size_t at = *offset;
    bool begun = false;
    *incomplete = false;
    while (true) {
        LexerFault fault;
        Token token = lexer_next(script, at, &fault);
        if (token.kind == TOKEN_END)
            break;
        bool semicolon = token.kind == TOKEN_SYMBOL && token.symbol == ';';
        if (!begun && semicolon) {
            at = token.offset + 1;
            continue;
        }
        if (!begun)
            *start = token.offset;
        begun = true;
        if (parser_split_token(&state, &token)) {
            *offset = token.offset + 1;
            return true;
        }
        *end = at = token.offset + token.length;
    }
    *incomplete = begun;
    *offset = begun ? *start : script.length;
    return false;
}

ParserLine parser_locate(Str script, size_t offset)
{
    ParserLine place = {.line = 1};
    size_t begin = 0;
    offset = offset < script.length ? offset : script.length;
    for (size_t i = 0; i < offset; i++) {
        if (script.data[i] == '\n') {
            place.line++;
            begin = i + 1;
        }
    }
    size_t end = begin;
    while (end < script.length && script.data[end] != '\n')
        end++;
    if (end > begin && script.data[end - 1] == '\r')
        end--;
    place.text = (Str){script.data + begin, end - begin};
    place.column = 1;
    for (size_t i = begin; i < offset; i++)
        place.column += ((unsigned char)script.data[i] & 0xc0) != 0x80;
    return place;
}
