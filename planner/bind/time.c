/* Time attributes as expressions meet them: a column that a WATERMARK declares, or PROCTIME(), for
 * as long as it is passed on as it is. */
#include "planner/bind/bind.h"

TimeKind bind_time_kind(const Scope *scope, const Expr *expr)
{
    if (expr->kind != EXPR_COLUMN)
        return TIME_NONE;
    for (uint32_t i = 0; i < scope->count; i++)
        if (scope->columns[i].expr->kind == EXPR_COLUMN &&
            scope->columns[i].expr->column == expr->column)
            return scope->columns[i].time;
    return TIME_NONE;
}

bool bind_need_time(const ExprScope *scope, const Expr *expr, bool event_only, const char *what,
                    AstPlace place, Error *error)
{
    TimeKind time = bind_time_kind(scope->scope, expr);
    if (time == TIME_EVENT || (time == TIME_PROCESSING && !event_only))
        return true;
    error_set(error, ERROR_TYPE, "%s needs %s", what,
              event_only ? "an event-time attribute" : "a time attribute");
    if (time == TIME_PROCESSING)
        error_detail(error, "This column is processing time.");
    else if (expr->kind != EXPR_COLUMN)
        error_detail(error, "An expression over a time attribute is an ordinary value.");
    else
        error_detail(error, "This column is an ordinary %s.",
                     type_text(scope->binder->context->arena, expr->type));
    error_hint(error, "Declare WATERMARK FOR the column in CREATE TABLE and pass it on by its name "
                      "only: a function, a CAST, GROUP BY or a regular join make it an ordinary "
                      "value.");
    return bind_error_at(scope->binder, error, place);
}
