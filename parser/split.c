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

typedef struct SplitState {
    Keyword before[2]; /* the last two words, nearest first; KW_NONE behind anything else */
    uint32_t word_count;
    bool set;      /* the words of a set were seen */
    bool at_begin; /* the last thing was a semicolon inside the set, or BEGIN */
    bool ended;    /* END of the set was seen */
} SplitState;

static void parser_split_word(SplitState *state, Keyword word)
{
    if (state->word_count < SET_WORDS_MAX && state->before[0] == KW_STATEMENT && word == KW_SET) {
        /* BEGIN STATEMENT SET; or [EXECUTE] STATEMENT SET BEGIN; a column may be called
         * "statement". */
        state->set = state->before[1] == KW_BEGIN || state->before[1] == KW_EXECUTE ||
                     state->before[1] == KW_EXPLAIN || state->word_count <= 2;
    }
    if (state->set && state->at_begin && word == KW_END)
        state->ended = true;
    state->at_begin = state->set && word == KW_BEGIN;
    state->before[1] = state->before[0];
    state->before[0] = word;
    state->word_count++;
}

/* Whether the token closes the statement. */
static bool parser_split_token(SplitState *state, const Token *token)
{
    if (token->kind == TOKEN_SYMBOL && token->symbol == ';') {
        if (!state->set || state->ended)
            return true;
        state->at_begin = true;
        state->before[0] = state->before[1] = KW_NONE;
        return false;
    }
    if (token->kind == TOKEN_WORD) {
        parser_split_word(state, token->keyword);
        return false;
    }
    state->at_begin = false;
    state->ended = false;
    state->before[0] = state->before[1] = KW_NONE;
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
