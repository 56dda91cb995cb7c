/* SQL text to syntax tree. The dialect is Flink's; PostgreSQL's spellings that mean the same work
 * as well. Nothing else of Weir sees libpg_query. */
#ifndef PARSER_PARSER_H
#define PARSER_PARSER_H

#include "core/error.h"
#include "parser/ast.h"

/* Finds the next statement in `script` at or after `*offset`: skips space, comments and empty
 * statements, sets [*start, *end) to the statement without its semicolon and moves *offset behind
 * it. False at the end of the script, or, with `*incomplete` set, when a statement has begun but
 * its semicolon has not come (BEGIN … END of a statement set counts as one statement): [*start,
 * *end) then is what there is and *offset stays at its start, so that the shell asks for more, and
 * a file's last statement may do without. */
bool parser_next_statement(Str script, size_t *offset, size_t *start, size_t *end,
                           bool *incomplete);

/* Parses the statement [start, end) of the script; offsets in the tree and in the error are the
 * script's. */
const AstStatement *parser_parse(Str script, size_t start, size_t end, Arena *arena,
                                 Error *error) MUST_CHECK;

/* Parses a type ("DECIMAL(10, 2) NOT NULL", "ROW<a INT, b ARRAY<STRING>>"). */
const Type *parser_parse_type(Str text, Arena *arena, Error *error) MUST_CHECK;

/* Parses one expression, for tests and for watermarks given by API. */
const AstExpr *parser_parse_expression(Str text, Arena *arena, Error *error) MUST_CHECK;

/* Line and column (both from 1; columns count code points) of a byte offset, and the text of that
 * line without its line break. */
typedef struct ParserLine {
    uint32_t line;
    uint32_t column;
    Str text;
} ParserLine;
ParserLine parser_locate(Str script, size_t offset);

#endif
