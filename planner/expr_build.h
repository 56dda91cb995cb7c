/* Making and rewriting typed expressions.
 *
 * Invariant: an Expr, once made, does not change; a rewrite makes a new one and shares what stayed
 * the same. Everything lies in the arena of the plan. */
#ifndef PLANNER_EXPR_BUILD_H
#define PLANNER_EXPR_BUILD_H

#include "parser/ast.h"
#include "planner/expr.h"

/* Where new expressions are made and what binding may know. */
typedef struct ExprSite {
    Arena *arena;
    const TimeZone *zone;
    const struct UserFunctions *own; /* functions of the session's own; NULL: none */
} ExprSite;

const Expr *expr_column(Arena *arena, uint32_t column, const Type *type, AstPlace place);
const Expr *expr_literal(Arena *arena, const Vector *value, AstPlace place);
/* NULL of a type. */
const Expr *expr_null(Arena *arena, const Type *type, AstPlace place);
const Expr *expr_boolean(Arena *arena, bool value, AstPlace place);
const Expr *expr_text(Arena *arena, Str text, AstPlace place);
/* AND, OR, CASE, COALESCE over arguments that have their final types; folds what is constant. */
const Expr *expr_new(const ExprSite *site, ExprKind kind, const Type *type, const Expr **args,
                     uint32_t arg_count, AstPlace place);

/* A field of a ROW. */
const Expr *expr_field(const ExprSite *site, const Expr *row, uint32_t field, AstPlace place);

/* A call by name: binds, casts the arguments, folds. NULL with an error at `place`. */
const Expr *expr_call(const ExprSite *site, const char *name, const Expr **args, uint32_t arg_count,
                      AstPlace place, Error *error);
/* The expression as another type; itself when no value would change. */
const Expr *expr_cast(const ExprSite *site, const Expr *expr, const Type *to, CastMode mode,
                      Error *error);
/* Whether values of `from` must be converted to be values of `to`: VARCHAR(3) in VARCHAR(5) need
 * not. */
bool expr_cast_needed(const Type *from, const Type *to);

/* A call with other arguments of the same types; folds. Where they are the same it is itself. */
const Expr *expr_with_args(const ExprSite *site, const Expr *expr, const Expr **args);

/* Column i becomes replacements[i]; where that is NULL the column must not occur. */
const Expr *expr_replace_columns(const ExprSite *site, const Expr *expr,
                                 const Expr *const *replacements);
/* Column i becomes column map[i]. */
const Expr *expr_map_columns(const ExprSite *site, const Expr *expr, const uint32_t *map);
const Expr *expr_shift_columns(const ExprSite *site, const Expr *expr, int64_t by);

/* used[i] becomes true for every column i that occurs. */
void expr_mark_columns(const Expr *expr, bool *used);
/* Nodes of the expression, counted up to `limit`. */
uint32_t expr_size(const Expr *expr, uint32_t limit);
/* May raise an error for some row. */
bool expr_can_fail(const Expr *expr);

/* Parts of a conjunction: calls itself for nested ANDs; room for what expr_count_conjuncts says. */
uint32_t expr_count_conjuncts(const Expr *expr);
uint32_t expr_conjuncts(const Expr *expr, const Expr **out);
/* Their conjunction; NULL when there are none. */
const Expr *expr_and(const ExprSite *site, const Expr **parts, uint32_t count);

static inline bool expr_is_literal(const Expr *expr)
{
    return expr->kind == EXPR_LITERAL;
}
static inline bool expr_is_null_literal(const Expr *expr)
{
    return expr->kind == EXPR_LITERAL && vector_is_null(expr->literal, 0);
}
/* A BOOLEAN literal of that value, not NULL. */
bool expr_is_boolean(const Expr *expr, bool value);
static inline AstPlace expr_place(const Expr *expr)
{
    return (AstPlace){expr->sql_offset, expr->sql_length};
}

/* rules/fold_constants.c: the constant the expression always gives, else the expression itself. A
 * call that would fail stays a call: it fails only when a row asks for it. */
const Expr *rule_fold_constants(const ExprSite *site, const Expr *expr);
/* What the expression always gives, ARRAY[1, 2] and the like among them, which stay calls; NULL
 * when it depends on rows. */
const Vector *rule_constant_value(const ExprSite *site, const Expr *expr);

#endif
