/* A query or expression of Flink's dialect, written anew as text that libpg_query reads.
 *
 * libpg_query sees only structural keywords, punctuation and place holders. A place holder is a
 * quoted identifier of a letter and the index of the token it stands for; the letter says what
 * role the token plays. Names, literals and types never reach PostgreSQL's scanner, so it cannot
 * fold their case, cut them, or take them for its own keywords, and every place holder leads back
 * to the user's text.
 *
 *   "i5"   a name                        "s0",   first in a select list: its SELECT
 *   "l5"   a literal                     "v3",   first in a row of VALUES: where the row begins
 *   "u5"   a time unit                   "z9"    alias of a subquery that has none
 *   "c5"   CURRENT_DATE and its like     "a5"(…) TABLE t as an argument, as a subquery
 *   "t5"   a type                        "m5"(…) "y5"(…) MAP[…] and ARRAY[…]
 *   TABLESAMPLE "o5"(e)                  FOR SYSTEM_TIME AS OF e
 *   WINDOW "q5" AS (PARTITION BY e)      QUALIFY e
 *
 * Operators are written as ones of the precedence they have in Flink (|| as *, IS DISTINCT FROM
 * as =); the token at their place says what they are. */
#ifndef PARSER_DIALECT_H
#define PARSER_DIALECT_H

#include "core/buffer.h"
#include "parser/parser_internal.h"

/* From `offset` on, the text stands for this token. */
typedef struct DialectMark {
    uint32_t offset;
    uint32_t token;
} DialectMark;

typedef struct DialectText {
    char *sql; /* in the arena */
    const DialectMark *marks;
    uint32_t mark_count;
    uint32_t paren_offset; /* of the parenthesis put around an expression */
} DialectText;

/* Writes tokens [first, end); `expression` wraps them into the one item of a SELECT. */
bool dialect_write(Parser *parser, uint32_t first, uint32_t end, bool expression,
                   DialectText *text) MUST_CHECK;

/* The token that the text at `offset` stands for. */
uint32_t dialect_token_at(const DialectText *text, size_t offset);

/* ------------------------------------------------------- shared by the files of the dialect */

/* Levels that an open CASE adds to PostgreSQL's tree. */
#define CASE_COST 4

typedef enum FrameKind {
    FRAME_TOP,
    FRAME_GROUP,  /* parentheses around an expression, a list, a join */
    FRAME_QUERY,  /* around a query */
    FRAME_CALL,   /* arguments; `special` when they are no plain list */
    FRAME_CAST,   /* CAST( … AS type ) */
    FRAME_WINDOW, /* OVER ( … ), WINDOW w AS ( … ) */
    FRAME_SETS,   /* GROUPING SETS ( … ) */
    FRAME_INDEX,  /* a[ … ] */
    FRAME_LIST,   /* ARRAY[ … ], MAP[ … ] */
    FRAME_UNWRAP  /* TABLE( … ) around a table function: not written */
} FrameKind;

typedef enum Clause {
    CLAUSE_NONE,
    CLAUSE_SELECT,
    CLAUSE_FROM,
    CLAUSE_GROUP,
    CLAUSE_WINDOW,
    CLAUSE_QUALIFY,
    CLAUSE_LIMIT,
    CLAUSE_VALUES,
    CLAUSE_OTHER
} Clause;

typedef struct Frame {
    FrameKind kind;
    Clause clause;
    uint32_t open;   /* the bracket's token */
    uint32_t callee; /* the token before it: function name, CAST, … */
    Keyword special;
    uint32_t select;    /* SELECT or VALUES whose end is not known yet; TOKEN_NONE: none */
    bool is_table;      /* a query that stands where a table does: PostgreSQL wants an alias */
    bool wraps;         /* one more ")" behind it */
    bool row_open;      /* a row of VALUES without parentheses */
    bool json_clauses;  /* JSON_VALUE: behind the path, words are clauses */
    bool json_value;    /* JSON_OBJECT, JSON_OBJECTAGG: VALUE has parted key and value */
    bool json_default;  /* and between DEFAULT and ON there is an expression */
    bool has_window;    /* a WINDOW clause has been written */
    uint32_t case_base; /* CASEs open when it began */
    uint32_t cost_base;
    uint32_t cost; /* bound on the depth of PostgreSQL's tree here */
} Frame;

typedef struct Dialect {
    Parser *parser;
    Buffer out;
    ParserList marks;
    uint32_t first, end;
    uint32_t frame_count;
    uint32_t case_count;
    uint32_t chain_count;
    uint32_t cases[NESTING_MAX];
    Frame frames[NESTING_MAX + 2];
} Dialect;

Frame *dialect_frame(Dialect *dialect);
/* Writes text that stands for the token. */
void dialect_put(Dialect *dialect, uint32_t token, const char *text);
void dialect_put_holder(Dialect *dialect, char role, uint32_t token);
/* AND, OR: what comes is no deeper than what was before. */
void dialect_begin_operand(Dialect *dialect);
bool dialect_add_cost(Dialect *dialect, uint32_t token, uint32_t cost) MUST_CHECK;
/* Writes tokens [from, to). */
bool dialect_write_range(Dialect *dialect, uint32_t from, uint32_t to) MUST_CHECK;
/* Opens a frame for the bracket; the text for it is written by the caller. */
bool dialect_push(Dialect *dialect, FrameKind kind, uint32_t open, uint32_t cost) MUST_CHECK;

bool dialect_is_word(const Dialect *dialect, uint32_t token, Keyword keyword);
bool dialect_is_symbol(const Dialect *dialect, uint32_t token, uint32_t symbol);
/* Whether a table may begin at the token. */
bool dialect_at_table(Dialect *dialect, uint32_t token);
/* Whether a table's alias without AS may stand at the token. */
bool dialect_is_alias(const Dialect *dialect, uint32_t token);
/* Whether the parenthesis holds a query (not a join that begins with one). */
bool dialect_holds_query(const Dialect *dialect, uint32_t open);
/* Whether the bracket's result is indexed or has a field taken, which PostgreSQL allows only for
 * parenthesised expressions. */
bool dialect_needs_wrap(const Dialect *dialect, uint32_t open);
/* Closes what a clause keeps open (a bare row of VALUES, QUALIFY's window). */
void dialect_end_clause(Dialect *dialect, uint32_t token);

/* One word (dialect_word.c) and what is special about tables (dialect_table.c). Each advances
 * *at behind what it has written. */
bool dialect_write_word(Dialect *dialect, uint32_t *at) MUST_CHECK;

/* ---------------------------------------------------------------------- dialect_json.c */

/* Behind the parenthesis of a call: JSON_OBJECT and JSON_ARRAY are told how to treat NULL first. */
void dialect_open_json(Dialect *dialect, uint32_t open);
/* True when the word parts key from value, or says how NULL is treated. */
bool dialect_write_json_pairs(Dialect *dialect, uint32_t *at);
/* True when the word is of a clause behind the path of JSON_VALUE and its like. */
bool dialect_write_json_clause(Dialect *dialect, uint32_t *at);
/* IS [NOT] JSON [VALUE | SCALAR | OBJECT | ARRAY], at JSON. */
bool dialect_write_is_json(Dialect *dialect, uint32_t *at) MUST_CHECK;
bool dialect_write_as_of(Dialect *dialect, uint32_t *at) MUST_CHECK;
bool dialect_write_table_word(Dialect *dialect, uint32_t *at) MUST_CHECK;
/* At the beginning of a row of VALUES: writes its head; *at moves to what follows it. */
bool dialect_write_row_head(Dialect *dialect, uint32_t *at) MUST_CHECK;
void dialect_write_name(Dialect *dialect, uint32_t token);

#endif
