/* What the files of parser/ share: the cursor over the tokens of one statement, and the entry of
 * each part of the grammar.
 *
 * Statements, options and types are read by recursive descent over the cursor; queries and
 * expressions are ranges of tokens handed to pg_tree_query() and pg_tree_expression(), which write
 * them anew for libpg_query (dialect.c) and read its tree back (pg_tree*.c). */
#ifndef PARSER_PARSER_INTERNAL_H
#define PARSER_PARSER_INTERNAL_H

#include "core/error.h"
#include "parser/ast.h"
#include "parser/lexer.h"

/* Brackets within brackets. A human's statement has fewer than ten; libpg_query and everything that
 * walks the tree recurse once or more per level. */
#define NESTING_MAX 256
/* libpg_query's tree, its JSON and jansson's tree of that take some 3 KB a token, for the time of
 * parsing. */
#define STATEMENT_BYTES_MAX  (1 << 20)
#define STATEMENT_TOKENS_MAX 200000
#define TYPE_NESTING_MAX     32

typedef struct Parser {
    Str script;
    Arena *arena;
    Error *error;
    Tokens tokens;
    uint32_t next;  /* the token to read */
    uint32_t limit; /* tokens from here on are not seen; TOKEN_END stands for them */
} Parser;

/* ------------------------------------------------------------- the cursor (parser_cursor.c) */

const Token *parser_token(const Parser *parser, uint32_t index);
const Token *parser_peek(const Parser *parser);
bool parser_at_end(const Parser *parser);
bool parser_is_word(const Parser *parser, uint32_t index, Keyword keyword);
bool parser_is_symbol(const Parser *parser, uint32_t index, uint32_t symbol);
/* Whether the next tokens are these words; the list ends with KW_NONE. */
bool parser_peek_words(const Parser *parser, const Keyword *words);
bool parser_accept_word(Parser *parser, Keyword keyword);
bool parser_accept_words(Parser *parser, const Keyword *words);
/* A word that is no keyword, in upper case. */
bool parser_accept_text(Parser *parser, const char *word);
bool parser_accept_symbol(Parser *parser, uint32_t symbol);
bool parser_expect_word(Parser *parser, Keyword keyword) MUST_CHECK;
bool parser_expect_symbol(Parser *parser, uint32_t symbol) MUST_CHECK;
/* The decoded string, with `what` for the error: "a comment". */
const char *parser_expect_string(Parser *parser, const char *what) MUST_CHECK;
bool parser_expect_end(Parser *parser) MUST_CHECK;

/* Names. A bare word that is structural in queries is refused, since it could not be used there. */
bool parser_is_name(const Token *token);
const char *parser_expect_name(Parser *parser, const char *what) MUST_CHECK;
bool parser_expect_path(Parser *parser, const char *what, AstName *name) MUST_CHECK;
/* "(a, b, …)" */
bool parser_expect_name_list(Parser *parser, const char *what, const char *const **names,
                             uint32_t *count) MUST_CHECK;

AstPlace parser_place(const Parser *parser, uint32_t first, uint32_t last);
Str parser_text(const Parser *parser, uint32_t first, uint32_t last);

/* Starts the error "syntax error at or near …" at the token; false. The hint proposes the nearest
 * of the words (which may be none) or says what was expected (which may be NULL). */
bool parser_fail_at(const Parser *parser, uint32_t index, const char *const *words, size_t count,
                    const char *expected);
bool parser_fail_expected(const Parser *parser, const char *expected);
/* ERROR_UNSUPPORTED over the tokens: `what` "is not supported". False. */
bool parser_fail_unsupported(const Parser *parser, uint32_t first, uint32_t last, const char *what,
                             const char *hint);

/* A list under construction in the arena. */
typedef struct ParserList {
    void *items;
    uint32_t count;
    uint32_t capacity;
} ParserList;
/* Room for one more zeroed item. */
void *parser_list_add(Arena *arena, ParserList *list, size_t item_bytes);
void parser_list_add_name(Arena *arena, ParserList *list, const char *name);

/* ---------------------------------------------------------------------------------- parts */

/* A type at the cursor, NOT NULL included (parser_type.c). */
const Type *parser_read_type(Parser *parser) MUST_CHECK;

/* DATE '…', INTERVAL '…' DAY, … starting at token `index`: fills its last, type, text and interval.
 * True when there is no such literal there; false with the error set when it is malformed
 * (parser_literal.c). */
bool parser_read_literal(Parser *parser, uint32_t index) MUST_CHECK;
/* The canonical name of a time unit ("DAYS" and "SQL_TSI_DAY" are DAY), or NULL. */
const char *parser_time_unit(const Token *token);
bool parser_fail_unit(const Parser *parser, uint32_t index);

/* Options "('k' = 'v', a.b = 1)" at the cursor (parser_option.c). */
bool parser_read_options(Parser *parser, Options *options) MUST_CHECK;
/* The hints hanging on the token, if any; marks them used. */
bool parser_read_hints(Parser *parser, const Token *token, AstHint **hints,
                       uint32_t *count) MUST_CHECK;
/* Refuses hints that nothing has read. */
bool parser_check_hints(const Parser *parser) MUST_CHECK;

/* Tokens [first, end) as a query or an expression (pg_tree.c). */
AstQuery *pg_tree_query(Parser *parser, uint32_t first, uint32_t end) MUST_CHECK;
AstExpr *pg_tree_expression(Parser *parser, uint32_t first, uint32_t end) MUST_CHECK;

/* Statements: everything from the cursor to its limit (ddl.c, ddl_table.c, ddl_alter.c,
 * ddl_function.c, ddl_dml.c, ddl_utility.c). */
bool ddl_read_statement(Parser *parser, AstStatement *statement) MUST_CHECK;
bool ddl_read_create_table(Parser *parser, AstStatement *statement, bool temporary) MUST_CHECK;
/* Elements of a table as ALTER TABLE adds or changes them. */
bool ddl_read_elements(Parser *parser, AstCreateTable *create) MUST_CHECK;
bool ddl_read_alter(Parser *parser, AstStatement *statement) MUST_CHECK;
bool ddl_read_create_view(Parser *parser, AstStatement *statement, bool temporary) MUST_CHECK;
/* FUNCTION, or SYSTEM FUNCTION behind TEMPORARY. */
bool ddl_accept_function(Parser *parser, bool temporary);
bool ddl_read_function(Parser *parser, AstStatement *statement, AstFunctionAction action,
                       bool temporary) MUST_CHECK;
bool ddl_read_insert(Parser *parser, AstInsert *insert) MUST_CHECK;
bool ddl_read_statement_set(Parser *parser, AstStatement *statement) MUST_CHECK;
bool ddl_read_utility(Parser *parser, AstStatement *statement, bool *found) MUST_CHECK;
bool ddl_at_query(const Parser *parser);
bool ddl_at_statement_set(const Parser *parser);

#endif
