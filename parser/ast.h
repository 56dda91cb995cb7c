/* The syntax tree: what the user wrote, nothing resolved.
 *
 * Everything lies in the arena given to parser_parse and is immutable afterwards. Every node
 * carries the byte offset of its first character in the script and its length, for errors with a
 * caret. Identifiers keep their case; function names are upper case. */
#ifndef PARSER_AST_H
#define PARSER_AST_H

#include "core/option.h"
#include "core/type.h"

typedef struct AstPlace {
    int64_t offset; /* in the script; -1: made by the parser */
    int64_t length;
} AstPlace;

typedef struct AstQuery AstQuery;
typedef struct AstExpr AstExpr;

/* Names with one to three parts: [catalog.][database.]object, or table.column. */
typedef struct AstName {
    uint32_t part_count;
    const char *parts[4];
    AstPlace place;
} AstName;

/* -------------------------------------------------------------- expressions */

typedef enum AstExprKind {
    AST_COLUMN, /* name */
    AST_STAR,   /* * or name.*; only in select lists and COUNT(*) */
    AST_NULL,
    AST_BOOLEAN,  /* boolean */
    AST_NUMBER,   /* text as written: the binder decides INT, BIGINT, DECIMAL or DOUBLE */
    AST_STRING,   /* text */
    AST_BYTES,    /* text: the decoded bytes of x'…' */
    AST_TYPED,    /* DATE '…', TIME '…', TIMESTAMP '…': text, type */
    AST_INTERVAL, /* type (MONTH or SECOND kind) and interval_value: months or milliseconds */
    /* function, args; operators too: "+", "=", "<>" (also for !=), "LIKE", "NOT LIKE", "IS NULL",
     * "||", …; unary minus is "NEGATE". Forms with words become plain arguments:
     * EXTRACT(unit, x), FLOOR(x, unit), TIMESTAMPADD(unit, n, t) with the unit an upper-case
     * STRING; POSITION(a, b); SUBSTRING(a, from, for); OVERLAY(a, b, from, for); TRIM(text, what),
     * LTRIM and RTRIM for LEADING and TRAILING; OVERLAPS(a, b, c, d). CURRENT_DATE and its like
     * have none. */
    AST_CALL,
    AST_AND, /* args, two or more */
    AST_OR,
    AST_NOT,      /* args[0] */
    AST_CASE,     /* searched form: when, then, when, then, …, else (always there) */
    AST_CAST,     /* args[0], type; try_cast */
    AST_IN_LIST,  /* args[0] IN (args[1], …); negated */
    AST_BETWEEN,  /* args[0] BETWEEN args[1] AND args[2]; negated, symmetric */
    AST_IN_QUERY, /* args[0] IN (query), or a row of several in args; negated */
    /* args[0] function ANY (query), or ALL when negated; = ANY and <> ALL are an IN_QUERY. */
    AST_COMPARE_QUERY,
    AST_EXISTS,         /* query; negated */
    AST_SCALAR_QUERY,   /* query */
    AST_ROW,            /* ROW(args) or (a, b) */
    AST_ARRAY,          /* ARRAY[args] */
    AST_MAP,            /* MAP[k, v, k, v] */
    AST_INDEX,          /* args[0][args[1]] */
    AST_FIELD,          /* (args[0]).name */
    AST_DESCRIPTOR,     /* DESCRIPTOR(name): the columns as args */
    AST_TABLE_ARGUMENT, /* TABLE t: query; PARTITION BY and ORDER BY behind it: over */
    AST_NAMED_ARGUMENT  /* name => args[0] */
} AstExprKind;

/* An OVER clause or a window definition. */
typedef enum AstBoundKind {
    AST_BOUND_UNBOUNDED_PRECEDING,
    AST_BOUND_PRECEDING,
    AST_BOUND_CURRENT_ROW,
    AST_BOUND_FOLLOWING,
    AST_BOUND_UNBOUNDED_FOLLOWING
} AstBoundKind;

typedef struct AstOrderItem {
    AstExpr *expr;
    bool descending;
    bool nulls_given;
    bool nulls_last;
} AstOrderItem;

typedef struct AstWindow {
    const char *name; /* of the definition or, in OVER w, the one referred to; NULL: none */
    const char *base; /* the window this one adds to: OVER (base ORDER BY …); NULL: none */
    AstExpr **partition_by;
    uint32_t partition_count;
    AstOrderItem *order_by;
    uint32_t order_count;
    bool has_frame;
    bool frame_rows; /* ROWS, else RANGE */
    AstBoundKind frame_start, frame_end;
    AstExpr *start_offset, *end_offset;
    AstPlace place;
} AstWindow;

struct AstExpr {
    AstExprKind kind;
    AstPlace place;
    AstName name;     /* COLUMN, STAR (qualifier), FIELD, NAMED_ARGUMENT */
    const char *text; /* NUMBER, STRING, BYTES, TYPED */
    size_t text_length;
    bool boolean;
    const Type *type; /* CAST, TYPED, INTERVAL */
    int64_t interval_value;
    const char *function; /* CALL: upper case; COMPARE_QUERY */
    AstExpr **args;
    uint32_t arg_count;
    bool negated;   /* IN_LIST, IN_QUERY, COMPARE_QUERY, BETWEEN, EXISTS */
    bool symmetric; /* BETWEEN SYMMETRIC */
    bool try_cast;
    bool distinct; /* aggregate(DISTINCT …) */
    bool star;     /* COUNT(*) */
    bool ignore_nulls;
    AstExpr *filter; /* FILTER (WHERE …) */
    AstWindow *over;
    AstQuery *query;
};

/* ------------------------------------------------------------------ queries */

typedef enum AstTableKind {
    AST_TABLE_NAME,  /* name, options hint, as_of */
    AST_TABLE_QUERY, /* (query) AS alias */
    AST_TABLE_JOIN,
    AST_TABLE_FUNCTION /* call: TUMBLE(…), UNNEST(…), f(…) */
} AstTableKind;

typedef enum AstJoinKind {
    AST_JOIN_INNER,
    AST_JOIN_LEFT,
    AST_JOIN_RIGHT,
    AST_JOIN_FULL,
    AST_JOIN_CROSS
} AstJoinKind;

typedef struct AstHint {
    const char *name; /* upper case: OPTIONS, STATE_TTL, MULTI_JOIN, … */
    Options options;
    AstPlace place;
} AstHint;

typedef struct AstTable AstTable;
struct AstTable {
    AstTableKind kind;
    AstPlace place;
    AstName name;
    AstQuery *query;
    AstExpr *call;
    bool lateral;
    bool with_ordinality;
    const char *alias; /* NULL: none */
    const char *const *column_aliases;
    uint32_t column_alias_count;
    AstExpr *as_of; /* FOR SYSTEM_TIME AS OF */
    AstHint *hints;
    uint32_t hint_count;
    AstJoinKind join;
    AstTable *left, *right;
    AstExpr *on; /* NULL with USING, NATURAL, CROSS */
    const char *const *using_columns;
    uint32_t using_count;
    bool natural;
};

typedef struct AstSelectItem {
    AstExpr *expr;
    const char *alias; /* NULL: none */
} AstSelectItem;

typedef enum AstGroupKind {
    AST_GROUP_EXPR,
    AST_GROUP_SETS,
    AST_GROUP_ROLLUP,
    AST_GROUP_CUBE
} AstGroupKind;

typedef struct AstGroupItem AstGroupItem;
struct AstGroupItem {
    AstGroupKind kind;
    AstExpr *expr;       /* EXPR; a parenthesised list is an AST_ROW, () an AST_ROW without args */
    AstGroupItem *items; /* the others */
    uint32_t item_count;
    AstPlace place;
};

typedef struct AstSelect {
    bool distinct;
    AstSelectItem *items;
    uint32_t item_count;
    AstTable *from; /* NULL: SELECT 1; a comma list is a chain of CROSS joins */
    AstExpr *where;
    AstGroupItem *group_by;
    uint32_t group_count;
    bool has_group_by; /* GROUP BY () has no items and still groups */
    AstExpr *having;
    AstExpr *qualify;
    AstWindow *windows; /* WINDOW w AS (…) */
    uint32_t window_count;
    AstHint *hints;
    uint32_t hint_count;
} AstSelect;

typedef enum AstQueryKind { AST_QUERY_SELECT, AST_QUERY_VALUES, AST_QUERY_SET } AstQueryKind;
typedef enum AstSetKind { AST_UNION, AST_INTERSECT, AST_EXCEPT } AstSetKind;

typedef struct AstWith {
    const char *name;
    const char *const *columns;
    uint32_t column_count;
    AstQuery *query;
    AstPlace place;
} AstWith;

struct AstQuery {
    AstQueryKind kind;
    AstPlace place;
    AstWith *with;
    uint32_t with_count;
    AstSelect *select;
    AstExpr **values; /* VALUES: each an AST_ROW */
    uint32_t value_count;
    AstSetKind set;
    bool all;
    AstQuery *left, *right;
    AstOrderItem *order_by;
    uint32_t order_count;
    AstExpr *limit; /* NULL: none */
    AstExpr *offset;
};

/* --------------------------------------------------------------- statements */

typedef enum AstColumnKind {
    AST_COLUMN_PHYSICAL,
    AST_COLUMN_COMPUTED,
    AST_COLUMN_METADATA
} AstColumnKind;

typedef struct AstColumnDef {
    AstColumnKind kind;
    const char *name;
    const Type *type;         /* PHYSICAL, METADATA */
    AstExpr *expr;            /* COMPUTED */
    Str expr_text;            /* as written, for SHOW CREATE TABLE */
    const char *metadata_key; /* FROM '…'; NULL: the column's name */
    bool is_virtual;
    const char *comment;
    bool is_first;     /* ALTER TABLE: FIRST */
    const char *after; /* ALTER TABLE: AFTER column; NULL: where it is, or at the end */
    AstPlace place;
} AstColumnDef;

/* CREATE TABLE … LIKE: what becomes of each part of the other table. */
typedef enum AstLikePart {
    AST_LIKE_CONSTRAINTS,
    AST_LIKE_PARTITIONS,
    AST_LIKE_GENERATED,
    AST_LIKE_METADATA,
    AST_LIKE_OPTIONS,
    AST_LIKE_WATERMARKS,
    AST_LIKE_PARTS
} AstLikePart;
typedef enum AstLikeStrategy {
    AST_LIKE_INCLUDING, /* having it twice is an error */
    AST_LIKE_EXCLUDING,
    AST_LIKE_OVERWRITING /* the new table's counts */
} AstLikeStrategy;

typedef struct AstCreateTable {
    AstName name;
    bool if_not_exists;
    bool temporary;
    AstColumnDef *columns;
    uint32_t column_count;
    const char *const *primary_key; /* from the column or the table constraint */
    uint32_t primary_key_count;
    const char *constraint_name;
    AstPlace primary_key_place;
    const char *watermark_column; /* NULL: none */
    AstExpr *watermark;
    Str watermark_text;
    AstPlace watermark_place;
    const char *comment;
    const char *const *partitioned_by;
    uint32_t partitioned_count;
    Options options;
    AstName like; /* part_count 0: none */
    AstLikeStrategy like_strategy[AST_LIKE_PARTS];
    AstQuery *as_query; /* CTAS; NULL: none. Columns without a type are the query's by name */
} AstCreateTable;

typedef struct AstCreateView {
    AstName name;
    bool if_not_exists;
    bool temporary;
    const char *const *columns;
    uint32_t column_count;
    const char *comment;
    AstQuery *query;
    Str query_text;
} AstCreateView;

typedef enum AstAlterKind {
    AST_ALTER_RENAME,        /* to */
    AST_ALTER_RENAME_COLUMN, /* names[0] to names[1] */
    AST_ALTER_SET,           /* changed: options */
    AST_ALTER_RESET,         /* names: keys of options */
    AST_ALTER_ADD,           /* changed: columns, primary key, watermark */
    AST_ALTER_MODIFY,        /* changed: the same */
    AST_ALTER_DROP_COLUMNS,  /* names */
    AST_ALTER_DROP_KEY,      /* names[0]: of the constraint, if it was named */
    AST_ALTER_DROP_WATERMARK,
    AST_ALTER_QUERY /* of a view: view */
} AstAlterKind;

typedef struct AstAlter {
    AstAlterKind kind;
    bool is_view;
    AstName name;
    bool if_exists;
    AstName to;
    const char *const *names;
    uint32_t name_count;
    const AstCreateTable *changed;
    AstCreateView *view;
} AstAlter;

typedef struct AstInsert {
    AstName table;
    bool overwrite;
    AstHint *hints;
    uint32_t hint_count;
    const char *const *partition; /* PARTITION (column = value): columns that are constant */
    AstExpr **partition_values;
    uint32_t partition_count;
    const char *const *columns; /* target columns; count 0: all */
    uint32_t column_count;
    AstQuery *query;
    const char *on_conflict; /* "ERROR", "NOTHING", "DEDUPLICATE" or NULL */
    AstPlace place;
} AstInsert;

typedef enum AstFunctionAction {
    AST_FUNCTION_CREATE,
    AST_FUNCTION_ALTER,
    AST_FUNCTION_DROP
} AstFunctionAction;

/* CREATE, ALTER and DROP FUNCTION. */
typedef struct AstFunction {
    AstFunctionAction action;
    AstName name;
    bool if_exists;     /* IF NOT EXISTS of CREATE, IF EXISTS of the others */
    bool temporary;     /* TEMPORARY, TEMPORARY SYSTEM */
    const char *symbol; /* its name in the library */
    AstPlace symbol_place;
    const char *library; /* the file; NULL: ALTER keeps it */
    AstPlace library_place;
} AstFunction;

typedef enum AstStatementKind {
    AST_STATEMENT_QUERY,  /* query */
    AST_STATEMENT_INSERT, /* inserts[0] */
    AST_STATEMENT_SET,    /* EXECUTE STATEMENT SET: inserts */
    AST_STATEMENT_CREATE_TABLE,
    AST_STATEMENT_CREATE_VIEW,
    AST_STATEMENT_ALTER,
    AST_STATEMENT_FUNCTION,   /* function */
    AST_STATEMENT_DROP,       /* object ("TABLE", "VIEW"), name, if_exists */
    AST_STATEMENT_SET_OPTION, /* key, value; both NULL: list them */
    AST_STATEMENT_RESET,      /* key; NULL: all */
    AST_STATEMENT_SHOW,       /* object: "TABLES", "VIEWS", "CREATE TABLE", "CREATE VIEW", "JOBS",
                                 "FUNCTIONS", "COLUMNS", …; name, like */
    AST_STATEMENT_DESCRIBE, /* object: "TABLE", "FUNCTION", "CATALOG" (extended), name; "JOB", value
                             */
    AST_STATEMENT_EXPLAIN,  /* explained, detail */
    AST_STATEMENT_USE,      /* object "DATABASE" or "CATALOG", name */
    AST_STATEMENT_STOP_JOB, /* value: job id; with_savepoint, with_drain */
    AST_STATEMENT_HELP,
    AST_STATEMENT_QUIT,
    AST_STATEMENT_CLEAR
} AstStatementKind;

typedef struct AstStatement AstStatement;
struct AstStatement {
    AstStatementKind kind;
    AstPlace place; /* without the closing semicolon */
    AstQuery *query;
    AstInsert *inserts;
    uint32_t insert_count;
    AstCreateTable *create_table;
    AstCreateView *create_view;
    AstAlter *alter;
    AstFunction *function;
    const char *object;
    AstName name;
    bool if_exists;
    bool temporary;
    bool extended;
    const char *key, *value;
    const char *like; /* LIKE pattern; NULL: none */
    bool like_negated, like_nocase;
    AstStatement *explained;
    bool explain_changelog_mode, explain_advice, explain_json;
    bool with_savepoint, with_drain;
};

#endif
