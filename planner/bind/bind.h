/* The binder: syntax tree to logical tree. Names become columns, operators and functions become
 * kernels with casts around their arguments.
 *
 * Every bind_ function that fails has set the error, with the place of what it was looking at. Text
 * that comes from a view or a computed column has no place in the statement being planned: while
 * such text is bound, `place` of the binder stands for all of it. */
#ifndef PLANNER_BIND_BIND_H
#define PLANNER_BIND_BIND_H

#include "planner/bind/sites.h"

/* What an expression is bound in. */
typedef struct ExprScope {
    Binder *binder;
    const Scope *scope;
    const char *clause;        /* for errors: "WHERE", "a computed column" */
    const AstSelect *select;   /* in WHERE and HAVING: whose they are; else NULL */
    AggregateList *aggregates; /* NULL: aggregates are refused */
    const GroupBy *groups;     /* NULL: GROUPING is refused */
    QueryList *queries;        /* NULL: queries are refused */
    bool in_aggregate;
    OverList *overs; /* NULL: OVER is refused */
    bool in_over;
    uint32_t depth;
} ExprScope;

static inline AstPlace bind_place(const Binder *binder, AstPlace place)
{
    return binder->has_place ? binder->place : place;
}
/* Sets the error's place and returns false. */
bool bind_error_at(const Binder *binder, Error *error, AstPlace place);
/* "not supported yet" for a construct, with what to do instead; returns NULL. */
void *bind_refuse(const Binder *binder, AstPlace place, Error *error, const char *construct,
                  const char *hint);

/* bind/scope.c */
const Expr *bind_column(const ExprScope *scope, const AstName *name, AstPlace place, Error *error);
/* The error that several columns have the name; it is the caller's to set the place. */
void bind_ambiguous(const Scope *scope, const char *name, Error *error);
/* A field of a ROW by name. */
const Expr *bind_field(const Binder *binder, const Expr *row, const char *name, AstPlace place,
                       Error *error);
/* A value over the rows around as the query of that frame refers to it. */
const Expr *bind_outer_value(Binder *binder, OuterFrame *frame, const Expr *value, AstPlace place);
/* Names every column of the node with one qualifier. */
void scope_of_node(Arena *arena, const LogicalNode *node, const char *relation, Scope *scope);

/* bind/time.c: whether the expression is a plain reference to a time attribute. */
TimeKind bind_time_kind(const Scope *scope, const Expr *expr);
/* That it is one, or the error that says how to keep it; `what` wants it: "TUMBLE". */
bool bind_need_time(const ExprScope *scope, const Expr *expr, bool event_only, const char *what,
                    AstPlace place, Error *error);

/* bind/literal.c */
const Expr *bind_literal(const ExprScope *scope, const AstExpr *ast, Error *error);

/* bind/expr.c */
const Expr *bind_expr(ExprScope *scope, const AstExpr *ast, Error *error);
/* The same, BOOLEAN or an error naming the clause. */
const Expr *bind_condition(ExprScope *scope, const AstExpr *ast, Error *error);
/* Casts all to the type they have in common; `what` words the error. */
const Type *bind_common(const ExprScope *scope, const Expr **exprs, uint32_t count,
                        const char *what, AstPlace place, Error *error);

/* bind/call.c */
const Expr *bind_call(ExprScope *scope, const AstExpr *ast, Error *error);

/* bind/outer_aggregate.c: which query an aggregate call belongs to. */
typedef struct AggregateHome {
    OuterFrame *frame;   /* of the query around whose aggregate it is; NULL: the query's own */
    AggregateList *list; /* where it is noted; NULL: aggregates are refused here */
    uint32_t *slots;     /* how many references each frame had */
} AggregateHome;
/* Before the call's arguments are bound, inside a query that has one around it. */
void home_note(const Binder *binder, AggregateHome *home);
/* Afterwards. The arguments of an aggregate of a query around are then over that query's rows. */
bool home_find(const ExprScope *scope, const AstExpr *ast, AggregateSite *site, AggregateHome *home,
               Error *error);

/* bind/aggregate.c */
const Expr *bind_aggregate_call(ExprScope *scope, const AstExpr *ast, Error *error);
/* Puts the aggregate node on top of `input` and rewrites the expressions to its output. */
LogicalNode *bind_aggregate_node(Binder *binder, LogicalNode *input, const GroupBy *groups,
                                 const AggregateList *list, const Expr **exprs, uint32_t expr_count,
                                 AstPlace place, Error *error);
/* DISTINCT: a group of all columns. */
LogicalNode *bind_distinct(Binder *binder, LogicalNode *input, AstPlace place);

/* bind/group.c */
bool bind_group_by(ExprScope *scope, const AstSelect *select, GroupBy *out, Error *error);
/* An expression of the SELECT; a group key may be NULL where a grouping set leaves it out. */
const Expr *bind_grouped(const ExprScope *scope, const Expr *expr);
/* GROUPING, GROUPING_ID and GROUP_ID. */
bool bind_is_grouping(const char *function);
const Expr *bind_grouping_call(ExprScope *scope, const AstExpr *ast, Error *error);
/* The rows once per grouping set, the keys a set leaves out NULL: `keys` are columns of the input,
 * and become the columns behind those that are passed on. */
LogicalNode *bind_expand(Binder *binder, LogicalNode *input, const uint32_t *keys,
                         const GroupBy *groups, AstPlace place);
/* bind/over.c */
const Expr *bind_over_call(ExprScope *scope, const AstExpr *ast, Error *error);
/* All expressions of the calls, for what must rewrite them; write them back the same way. */
uint32_t over_list_expressions(const OverList *list, const Expr **out);
void over_list_replace(OverList *list, const Expr *const *exprs);

/* bind/over_node.c: puts the over nodes on top of `input` and rewrites the expressions to their
 * output. */
LogicalNode *bind_over_nodes(Binder *binder, LogicalNode *input, const OverList *list,
                             const Expr **exprs, uint32_t expr_count, AstPlace place);

/* bind/group_window.c */
bool bind_is_group_window(const AstExpr *ast);
/* The window of GROUP BY; there can be one. */
bool bind_group_window(ExprScope *scope, const AstExpr *ast, GroupBy *groups, Error *error);
/* TUMBLE_START and the like. */
bool bind_is_window_property(const char *function);
const Expr *bind_window_property(ExprScope *scope, const AstExpr *ast, Error *error);

const char *bind_property_name(PlanWindowProperty property);
const Type *bind_property_type(Arena *arena, const GroupWindow *window,
                               PlanWindowProperty property);

/* bind/table.c */
/* Gives the relation its alias and, where the user listed them, other column names. */
bool bind_rename(Binder *binder, const AstTable *ast, const char *name, Relation *out,
                 Error *error);
bool bind_table(Binder *binder, const AstTable *ast, Relation *out, Error *error);
/* The table as this statement uses it, with options of a hint when there are any. */
const PlanTable *bind_plan_table(Binder *binder, const CatalogEntry *entry, const AstHint *hints,
                                 uint32_t hint_count, Error *error);
/* The columns a table declares, computed ones included, over its scan. */
LogicalNode *bind_scan(Binder *binder, const PlanTable *table, AstPlace place, Error *error);
/* A computed column or a watermark over the columns bound so far; in its own text's places. */
const Expr *bind_table_expr(Binder *binder, const Scope *scope, const AstExpr *ast,
                            const char *clause, Error *error);

/* bind/watermark.c: SOURCE_WATERMARK() */
bool watermark_is_from_source(const AstExpr *watermark);
/* The rows with the table's watermarks, if it declares any. */
LogicalNode *bind_watermark(Binder *binder, const PlanTable *table, LogicalNode *input,
                            AstPlace place, Error *error);

/* bind/window.c: TUMBLE, HOP, CUMULATE and SESSION in FROM. */
bool bind_is_window_tvf(const AstExpr *call);
LogicalNode *bind_window_tvf(Binder *binder, const AstExpr *call, Error *error);

/* bind/join.c */
bool bind_join(Binder *binder, const AstTable *ast, Relation *out, Error *error);

/* bind/select.c: `order` is bound here because it sees more than the select list. */
typedef struct BoundOrder {
    PlanSortKey *keys;
    uint32_t key_count;
    uint32_t visible;     /* columns of the result; the others serve sorting */
    const bool *repeated; /* of them: LogicalNode.repeated */
} BoundOrder;
LogicalNode *bind_select(Binder *binder, const AstQuery *query, BoundOrder *order, Error *error);
/* ORDER BY over output columns: ordinals, names, expressions. `repeated` as LogicalNode's. */
bool bind_order_item(ExprScope *scope, const AstOrderItem *item, const Schema *output,
                     const bool *repeated, const Expr *const *outputs, const Expr **expr,
                     int32_t *column, Error *error);

/* bind/query_same.c: the number of the query in the list that is the same as this one, or -1. */
int64_t queries_find(const Binder *binder, QueryList *list, QuerySite *site);

/* bind/subquery.c: queries inside expressions. */
const Expr *bind_subquery(ExprScope *scope, const AstExpr *ast, Error *error);
/* Binds a query that may refer to columns of `around`; the frame then says which it does. */
LogicalNode *bind_inner_query(Binder *binder, const ExprScope *around, const AstQuery *query,
                              OuterFrame **frame, Error *error);
/* What stands below the aggregate and in the expressions above it, other than as a key of GROUP BY,
 * becomes two: one for each. */
void queries_part(const Binder *binder, QueryList *list, const GroupBy *groups, const Expr **exprs,
                  uint32_t count);
/* Which queries are joined in, of those that are left. */
typedef enum QueryStage {
    QUERIES_IN_GROUPS,    /* below the aggregate */
    QUERIES_BEFORE_OVERS, /* that do not look at the value of a call with OVER */
    QUERIES_ALL
} QueryStage;
/* Whether it looks at the value of a call with OVER or, `groups`, of anything that stands above the
 * input of the aggregate, itself or by queries in it; as the name of a selected column may. */
bool queries_look_above(const QueryList *list, const Expr *expr, bool groups);
/* Joins the queries of a stage into `node`, which keeps its columns where they are. */
bool queries_join(Binder *binder, QueryList *list, QueryStage stage, LogicalNode **node,
                  Error *error);
/* The expression with the values of the queries that have been joined in. */
const Expr *queries_replace(const Binder *binder, const QueryList *list, const Expr *expr);
/* The rows for which the filter holds; queries that decide alone become SEMI and ANTI joins. */
LogicalNode *queries_filter(Binder *binder, QueryList *list, LogicalNode *node, const Expr *filter,
                            Error *error);
/* What the queries above the aggregate look at: to be put over the aggregate's output. Counts when
 * `exprs` is NULL; both give how many there are. */
uint32_t queries_take(const QueryList *list, const Expr **exprs);
uint32_t queries_give(QueryList *list, const Expr *const *exprs);
/* bind/quantified.c: value = ANY (query), value > ALL (query). */
/* One row of a query's one column: how many values, how many not NULL, the least, the greatest. */
LogicalNode *bind_extremes(Binder *binder, LogicalNode *query);
/* What ALL with the comparison says, from these columns. */
const Expr *bind_all_value(Binder *binder, const QuerySite *site, const Expr *const *extremes,
                           Error *error);
/* The comparison that is TRUE where this one is FALSE. */
const char *bind_opposite(const char *comparison);

/* bind/join_queries.c: an outer join with queries in ON; with the columns of its sides. */
LogicalNode *bind_on_queries(Binder *binder, QueryList *queries, PlanJoinKind kind,
                             LogicalNode *sides[2], const Expr *on, const int64_t *ttl_ms,
                             AstPlace place, Error *error);

/* bind/subquery_join.c */
/* A column of the node as an expression. */
const Expr *bind_output_column(Arena *arena, const LogicalNode *node, uint32_t column,
                               AstPlace place);
/* CASE WHEN when THEN then ELSE other END. */
const Expr *bind_choose(Binder *binder, const Expr *when, const Expr *then, const Expr *other);
/* A function of one argument that cannot be refused. */
const Expr *bind_call1(Binder *binder, const char *name, const Expr *arg, AstPlace place);
/* FROM a, LATERAL (query): the query's rows that belong to a row of a. */
typedef struct Lateral {
    bool is_correlated;
    const Expr *condition; /* over the columns of the join of both; NULL: TRUE */
    const Expr **defaults; /* not NULL: the join must be LEFT, and lateral_value says what a
                              column of the query is */
    uint32_t there;        /* a column of right->node that is NULL only in padding */
} Lateral;
/* `may_pad`: a LEFT join does what the join is to do when the query has a row for each of left's;
 * left->node may become another one of the same columns. */
bool bind_lateral(Binder *binder, Relation *left, const AstTable *ast, bool may_pad,
                  Lateral *lateral, Relation *right, Error *error);
const Expr *lateral_value(Binder *binder, const Lateral *lateral, const LogicalNode *join,
                          uint32_t column);
bool query_join_in(Binder *binder, QuerySite *site, LogicalNode **node, Error *error);
/* Leaves the rows for which the site's value is TRUE or, negated, FALSE. */
bool query_join_filter(Binder *binder, QuerySite *site, bool negated, LogicalNode **node,
                       Error *error);

/* bind/join_queries.c: which columns the expression looks at, itself or by the queries in it. */
void queries_mark_used(const QueryList *queries, const Expr *expr, bool *used);
/* An outer join of which the pairs of rows are there. */
typedef struct JoinPairs {
    PlanJoinKind kind;
    LogicalNode *sides[2]; /* shared with the pairs; only those of which all rows stay */
    uint32_t counts[2];    /* of a pair's columns, which are of either side */
    LogicalNode *node;     /* the pairs */
    const Schema *schema;  /* of the join */
    bool *used;            /* pair columns by which rows have the same pairs */
} JoinPairs;
/* The pairs that ON is TRUE for, and the rows without one. */
LogicalNode *bind_join_pairs(Binder *binder, QueryList *queries, const JoinPairs *join,
                             const Expr *on, Error *error);

/* bind/query.c */
LogicalNode *bind_query(Binder *binder, const AstQuery *query, Error *error);

/* bind/unnest.c: UNNEST and other functions in FROM that give a list, alone or right of a join. */
bool bind_is_table_function(const AstTable *ast);
bool bind_table_function(Binder *binder, const AstTable *ast, Relation *out, Error *error);
bool bind_table_function_join(Binder *binder, const AstTable *join, Relation *left, Relation *out,
                              Error *error);

/* bind/set.c: UNION, INTERSECT, EXCEPT. */
LogicalNode *bind_set(Binder *binder, const AstQuery *query, Error *error);

/* The sink of rows that come too late, into the table of that name. */
LogicalNode *bind_late_rows(Binder *binder, const char *table, bool is_hint, AstPlace place,
                            uint32_t ordinal, Error *error);

/* bind/values.c */
LogicalNode *bind_values(Binder *binder, const AstQuery *query, Error *error);
/* One row with a column that nobody looks at: what SELECT without FROM reads. */
LogicalNode *bind_one_row(Binder *binder, AstPlace place);

/* bind/insert.c */
LogicalNode *bind_insert(Binder *binder, const AstInsert *insert, uint32_t ordinal, Error *error);

/* Output names made unique the way Flink does: id, id0, id1. In the arena. */
const char **bind_unique_names(Arena *arena, const char *const *names, uint32_t count);

/* bind/hint.c */
/* Checks the hints of a SELECT and makes them those that count. */
bool bind_hints(Binder *binder, const AstSelect *select, Error *error) MUST_CHECK;
/* Whether a MULTI_JOIN hint names all inputs of the join. */
bool bind_multi_join(const Binder *binder, const AstTable *join);
/* STATE_TTL of an input of FROM: LogicalNode.hint_ttl_ms. */
int64_t bind_state_ttl(const Binder *binder, const AstTable *table);
/* Gives what the SELECT put above its FROM the TTL of its one input. */
/* Gives what the SELECT made the table of its LATE_ROWS. */
void bind_apply_late(const Binder *binder, const AstSelect *select, LogicalNode *top);
void bind_apply_ttl(const Binder *binder, const AstSelect *select, LogicalNode *top,
                    const LogicalNode *from);

#endif
