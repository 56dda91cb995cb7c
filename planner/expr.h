/* Typed expressions: what the planner makes of the user's, and the executor compiles.
 *
 * Immutable, in the plan's arena. Casts the types ask for are there as calls; constants are folded.
 * AND, OR, CASE and COALESCE are nodes of their own because they evaluate only what they need. */
#ifndef PLANNER_EXPR_H
#define PLANNER_EXPR_H

#include "functions/function.h"

typedef enum ExprKind {
    EXPR_COLUMN,  /* column of the input */
    EXPR_LITERAL, /* a constant vector */
    EXPR_CALL,    /* call(args) */
    EXPR_AND,     /* two or more args, BOOLEAN */
    EXPR_OR,
    EXPR_CASE, /* when, then, when, then, …, else */
    EXPR_COALESCE,
    EXPR_FIELD, /* field `field` of args[0], a ROW; NULL when the row is */
    /* Only while a query is bound, never in a plan: */
    EXPR_OUTER, /* a column of the query around: `column` is the binder's number of it */
    EXPR_QUERY  /* the value of a query inside: `column` is its number in the clause */
} ExprKind;

typedef struct Expr Expr;
struct Expr {
    ExprKind kind;
    const Type *type;
    int64_t sql_offset; /* for run-time errors; -1: none */
    int64_t sql_length;
    uint32_t column;
    uint32_t field;
    const Vector *literal;
    BoundFunction call;
    const Expr **args;
    uint32_t arg_count;
};

/* Appends the expression as SQL-like text; columns by name when a schema is given, else $0, $1. */
void expr_print(const Expr *expr, const Schema *schema, Buffer *out);
bool expr_equal(const Expr *a, const Expr *b);
bool expr_is_deterministic(const Expr *expr);

#endif
