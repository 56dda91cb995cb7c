/* The syntax tree as an S-expression, for tests and for looking at it: the same tree always gives
 * the same text, and every field that the parser can set shows. Places are left out. */
#ifndef PARSER_AST_PRINT_H
#define PARSER_AST_PRINT_H

#include "core/buffer.h"
#include "parser/ast.h"

void ast_print_statement(const AstStatement *statement, Buffer *out);
void ast_print_query(const AstQuery *query, Buffer *out);
void ast_print_expr(const AstExpr *expr, Buffer *out);

#endif
