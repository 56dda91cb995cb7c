/* What the binder keeps while it binds: names in scope, and the aggregates, window functions and
 * queries it has found inside expressions and puts into the tree later.
 *
 * Until such a node exists, columns from a base on stand for its values. */
#ifndef PLANNER_BIND_SITES_H
#define PLANNER_BIND_SITES_H

#include "planner/logical.h"

/* A column that can be named. */
typedef struct ScopeColumn {
    const char *relation; /* table name or alias; NULL: none */
    const char *name;
    const Expr *expr; /* its value over the node's columns */
    TimeKind time;    /* whether it is a time attribute */
    bool hidden;      /* merged by USING: only found with its qualifier, not part of * */
    bool repeated;    /* a query in FROM gives another one of that name: neither is meant */
} ScopeColumn;

typedef struct Scope {
    ScopeColumn *columns;
    uint32_t count;
} Scope;

/* What FROM gives: rows, and the names for their columns. */
typedef struct Relation {
    LogicalNode *node;
    Scope scope;
} Relation;

/* A WITH entry that is visible, innermost first. */
typedef struct WithFrame {
    const AstWith *with;
    const struct WithFrame *outer;
    struct OuterFrame *around; /* what the entry's query may refer to */
} WithFrame;

/* Names a query may refer to that belong to the query around it, innermost first. */
typedef struct OuterFrame {
    const Scope *scope;
    struct OuterFrame *outer;
    struct AggregateList *aggregates; /* of the query around; NULL: not where this query stands */
    /* References made so far: their numbers, and their values over the rows around. */
    uint32_t *slots;
    const Expr **values;
    uint32_t slot_count;
    uint32_t slot_capacity;
} OuterFrame;

typedef struct Binder {
    const PlannerContext *context;
    Catalog *catalog;
    const WithFrame *with;
    AstPlace place; /* offset >= 0: stands for all places, see above */
    bool has_place;
    uint32_t query_depth;
    const AstHint *hints; /* of the SELECT whose FROM is being bound */
    uint32_t hint_count;
    OuterFrame *outer;   /* NULL: no query around this one */
    const Scope *beside; /* what stands left in FROM of a query without LATERAL; NULL: nothing */
    uint32_t slot_count; /* references to outer columns in the statement */
    PlanTable **tables;  /* copied so far */
    uint32_t table_count;
    uint32_t table_capacity;
} Binder;

/* An aggregate call found while binding the expressions of a SELECT. */
typedef struct AggregateSite {
    const char *name;
    const Expr **args;
    const Type **arg_types;  /* before the casts the function asked for: they chose it */
    const Vector **literals; /* of arguments that are one, likewise */
    uint32_t arg_count;
    const Expr *filter;
    bool distinct;
    const Type *type;
    AstPlace place;
} AggregateSite;

typedef struct AggregateList {
    AggregateSite *sites;
    uint32_t count;
    uint32_t capacity;
    bool global; /* no GROUP BY: no row in means NULL for all but COUNT */
} AggregateList;

/* Until the aggregate node exists, the value of call i is this column. */
#define AGGREGATE_COLUMN_BASE UINT32_C(0x40000000)
/* And the number of the grouping set this one. */
#define GROUPING_COLUMN (AGGREGATE_COLUMN_BASE - 1)

/* TUMBLE, HOP or SESSION in GROUP BY, and what of its windows the SELECT shows. */
typedef struct GroupWindow {
    PlanWindow window;
    const Expr *time;
    const char *name; /* of the function */
    PlanWindowProperty properties[4];
    uint32_t property_count;
    AstPlace place;
} GroupWindow;

/* Until the aggregate node exists, property i of its window is this column. */
#define WINDOW_COLUMN_BASE UINT32_C(0x60000000)

/* GROUP BY: the keys, each once, and the sets of them that rows are grouped by. */
typedef struct GroupBy {
    const Expr **keys;
    const Expr **bound; /* the keys as they were bound: queries in them are not joined in yet */
    uint32_t key_count;
    uint32_t set_count; /* 1: by all keys */
    /* With more sets: per set the keys it leaves out, bit key_count - 1 - k for key k, and above
     * these bits how many equal sets stand before it. Different for every set. */
    int64_t *sets;
    GroupWindow *window; /* NULL: rows are not grouped by time */
} GroupBy;

/* A call with OVER found while binding the expressions of a SELECT. */
typedef struct OverSite {
    const char *name;
    const WindowFunction *window; /* NULL: an aggregate */
    const Expr **args;
    const Type **arg_types;  /* before the casts the function asked for */
    const Vector **literals; /* of arguments that are one, likewise */
    uint32_t arg_count;
    const Expr *filter;
    bool distinct;
    bool ignore_nulls;
    int64_t number; /* see BoundWindow */
    const Expr **partition;
    uint32_t partition_count;
    const Expr **order;
    PlanSortKey *order_keys; /* direction and NULLs of each; the column comes later */
    uint32_t order_count;
    PlanFrame frame;
    const Type *type;
    AstPlace place;
} OverSite;

typedef struct OverList {
    OverSite *sites;
    uint32_t count;
    uint32_t capacity;
    const AstWindow *windows; /* the SELECT's WINDOW clause */
    uint32_t window_count;
} OverList;

/* Until the over nodes exist, the value of call i is this column. */
#define OVER_COLUMN_BASE UINT32_C(0x20000000)

/* A query found in an expression; an EXPR_QUERY stands for its value until it is joined in. */
typedef enum QuerySiteKind {
    QUERY_SITE_EXISTS,
    QUERY_SITE_IN,
    QUERY_SITE_SCALAR,
    QUERY_SITE_ALL /* value compared with all of a column: the query is what bind_extremes gives */
} QuerySiteKind;

typedef struct QuerySite {
    QuerySiteKind kind;
    LogicalNode *query;
    LogicalNode *pruned;   /* of the columns that somebody looks at; NULL: not asked for yet */
    const Expr **compared; /* IN, ALL: what is looked for, over the rows around */
    uint32_t compared_count;
    const char *comparison; /* ALL */
    OuterFrame *frame;
    const Type *type;
    bool in_group;     /* inside an aggregate call or a key of GROUP BY */
    bool above;        /* and elsewhere too */
    const Expr *value; /* once it is joined in */
    AstPlace place;
} QuerySite;

typedef struct QueryList {
    QuerySite *sites;
    uint32_t count;
    uint32_t capacity;
    bool in_group; /* what is being bound now is below the aggregate */
} QueryList;

#endif
