/* Flink's lexical rules: script text to tokens.
 *
 * A token keeps its place in the script and, for names and strings, its decoded text in the arena.
 * Comments vanish; a hint comment hangs on the token before it. */
#ifndef PARSER_LEXER_H
#define PARSER_LEXER_H

#include "core/error.h"
#include "core/type.h"
#include "parser/ast.h"
#include "parser/keyword.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD, /* bare: keyword is set when it is spelled like one */
    TOKEN_NAME, /* `…` or "…" */
    TOKEN_NUMBER,
    TOKEN_STRING, /* '…', E'…', U&'…' */
    TOKEN_BYTES,  /* x'…' */
    TOKEN_SYMBOL,
    TOKEN_HINT, /* only from lexer_next: the list hangs it on the token before */
    TOKEN_BAD   /* only from lexer_next */
} TokenKind;

/* Two-character symbols; one-character ones are their character. */
#define SYMBOL_PAIR(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))
#define SYMBOL_CONCAT     SYMBOL_PAIR('|', '|')
#define SYMBOL_NOT_EQUAL  SYMBOL_PAIR('<', '>')
#define SYMBOL_BANG_EQUAL SYMBOL_PAIR('!', '=')
#define SYMBOL_LESS_EQUAL SYMBOL_PAIR('<', '=')
#define SYMBOL_MORE_EQUAL SYMBOL_PAIR('>', '=')
#define SYMBOL_CAST       SYMBOL_PAIR(':', ':')
#define SYMBOL_ARROW      SYMBOL_PAIR('=', '>')

#define TOKEN_NONE UINT32_MAX

typedef struct TokenHint {
    size_t offset; /* of the slash of its opening */
    size_t length;
    bool used; /* by SELECT or a table; a hint nobody used is an error */
} TokenHint;

typedef struct Token {
    TokenKind kind;
    Keyword keyword;
    uint32_t symbol;
    uint32_t
        match; /* the partner of ( ) [ ] and, once the dialect has seen them, of CASE and END */
    size_t offset;
    size_t length;
    const char *text; /* NAME, STRING, BYTES: decoded; WORD, NUMBER: as written; ends with zero */
    size_t text_length;
    TokenHint *hint;
    /* Filled by the dialect where several tokens form one thing (a literal with its type word, a
     * type, a select): the last of them, and what they mean. */
    uint32_t last;
    const Type *type;
    int64_t interval;
    bool ignore_nulls;
} Token;

typedef struct Tokens {
    Token *items; /* count tokens and one TOKEN_END behind them */
    uint32_t count;
    TokenHint **hints;
    uint32_t hint_count;
} Tokens;

/* Why lexer_next returned TOKEN_BAD. */
typedef enum LexerFault {
    LEXER_FINE,
    LEXER_OPEN_STRING,
    LEXER_OPEN_NAME,
    LEXER_OPEN_COMMENT,
    LEXER_BAD_CHARACTER,
    LEXER_BAD_NUMBER
} LexerFault;

/* The raw token at or after `offset`: kind, keyword, symbol and place, nothing decoded. At the end
 * TOKEN_END. Never reads behind text.length, never returns an empty token but TOKEN_END. */
Token lexer_next(Str text, size_t offset, LexerFault *fault);

/* All tokens of [start, end), brackets matched, texts decoded. Refuses what is too long, too deep
 * or not UTF-8. */
bool lexer_scan(Str text, size_t start, size_t end, Arena *arena, Tokens *tokens,
                Error *error) MUST_CHECK;

/* Decodes a NAME, STRING or BYTES token into its text. */
bool lexer_decode(Str text, Token *token, Arena *arena, Error *error) MUST_CHECK;

#endif
