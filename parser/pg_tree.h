/* libpg_query's JSON tree, read back into ours. Private to pg_tree*.c.
 *
 * A node is an object with one member, its kind; below it lies the body. Members with PostgreSQL's
 * default value (false, 0, empty) are absent. */
#ifndef PARSER_PG_TREE_H
#define PARSER_PG_TREE_H

#include <jansson.h>
#include <string.h>

#include "parser/dialect.h"

/* The tokens an expression was written with. */
typedef struct Span {
    uint32_t first, last;
} Span;

typedef struct PgTree {
    Parser *parser;
    DialectText text;
    uint32_t first, end;
} PgTree;

typedef struct PgNode {
    const char *kind; /* "" when there is no node */
    json_t *body;
} PgNode;

PgNode pg_tree_open(const json_t *node);
static inline bool pg_tree_is(PgNode node, const char *kind)
{
    return strcmp(node.kind, kind) == 0;
}
json_t *pg_tree_member(const json_t *body, const char *name);
bool pg_tree_flag(const json_t *body, const char *name);
/* "" when absent. */
const char *pg_tree_text(const json_t *body, const char *name);
int64_t pg_tree_number(const json_t *body, const char *name);
/* The token at the body's location. */
uint32_t pg_tree_token(const PgTree *tree, const json_t *body);
const Token *pg_tree_item(const PgTree *tree, uint32_t token);

/* Splits a place holder into role and token; false when the text is none. */
bool pg_tree_holder(const char *text, char *role, uint32_t *token);
/* The name behind a place holder, or a syntax error at what stands there instead. */
const char *pg_tree_name(const PgTree *tree, const char *holder, uint32_t *token) MUST_CHECK;
/* A list of String nodes as names. */
bool pg_tree_names(const PgTree *tree, const json_t *list, const char *const **names,
                   uint32_t *count, uint32_t *last) MUST_CHECK;

/* Errors at a token. Return false. */
bool pg_tree_fail(const PgTree *tree, uint32_t token);
bool pg_tree_fail_unsupported(const PgTree *tree, uint32_t token, const char *what,
                              const char *hint);

AstExpr *pg_tree_new(const PgTree *tree, AstExprKind kind, Span span);
AstPlace pg_tree_place(const PgTree *tree, Span span);
/* The span with the parentheses written directly around it. */
Span pg_tree_widen(const PgTree *tree, Span span);

AstExpr *pg_tree_read_expr(const PgTree *tree, const json_t *node, Span *span) MUST_CHECK;
/* Calls and windows (pg_tree_call.c). */
AstExpr *pg_tree_read_call(const PgTree *tree, const json_t *body, Span *span) MUST_CHECK;
bool pg_tree_read_list(const PgTree *tree, const json_t *list, AstExpr ***items,
                       uint32_t *count) MUST_CHECK;
bool pg_tree_read_window(const PgTree *tree, const json_t *body, AstWindow *window) MUST_CHECK;
bool pg_tree_read_order(const PgTree *tree, const json_t *list, AstOrderItem **items,
                        uint32_t *count) MUST_CHECK;

/* A SelectStmt node or body (pg_tree_query.c, pg_tree_from.c). */
AstQuery *pg_tree_read_query(const PgTree *tree, const json_t *node) MUST_CHECK;
AstQuery *pg_tree_read_select(const PgTree *tree, const json_t *body) MUST_CHECK;
AstTable *pg_tree_read_table(const PgTree *tree, const json_t *node) MUST_CHECK;

#endif
