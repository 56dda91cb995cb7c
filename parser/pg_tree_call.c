/* Function calls, their FILTER and OVER, window definitions and sort keys. */
#include "parser/pg_tree.h"

#include <ctype.h>

/* PostgreSQL's frame option bits (nodes/parsenodes.h of version 15), as its tree carries them. */
enum {
    PG_FRAME_NONDEFAULT = 0x1,
    PG_FRAME_ROWS = 0x4,
    PG_FRAME_START_UNBOUNDED_PRECEDING = 0x20,
    PG_FRAME_END_UNBOUNDED_FOLLOWING = 0x100,
    PG_FRAME_START_CURRENT_ROW = 0x200,
    PG_FRAME_END_CURRENT_ROW = 0x400,
    PG_FRAME_START_PRECEDING = 0x800,
    PG_FRAME_END_PRECEDING = 0x1000,
    PG_FRAME_START_FOLLOWING = 0x2000
};

bool pg_tree_read_list(const PgTree *tree, const json_t *list, AstExpr ***items, uint32_t *count)
{
    *count = (uint32_t)json_array_size(list);
    *items = arena_new_array(tree->parser->arena, AstExpr *, *count + 1);
    for (uint32_t i = 0; i < *count; i++) {
        Span span;
        (*items)[i] = pg_tree_read_expr(tree, json_array_get(list, i), &span);
        if ((*items)[i] == NULL)
            return false;
    }
    return true;
}

bool pg_tree_read_order(const PgTree *tree, const json_t *list, AstOrderItem **items,
                        uint32_t *count)
{
    *count = (uint32_t)json_array_size(list);
    *items = arena_new_array(tree->parser->arena, AstOrderItem, *count + 1);
    for (uint32_t i = 0; i < *count; i++) {
        PgNode node = pg_tree_open(json_array_get(list, i));
        const char *direction = pg_tree_text(node.body, "sortby_dir");
        const char *nulls = pg_tree_text(node.body, "sortby_nulls");
        AstOrderItem *item = &(*items)[i];
        Span span;
        item->expr = pg_tree_read_expr(tree, pg_tree_member(node.body, "node"), &span);
        if (item->expr == NULL)
            return false;
        if (strcmp(direction, "SORTBY_USING") == 0)
            return pg_tree_fail(tree, span.last + 1);
        item->descending = strcmp(direction, "SORTBY_DESC") == 0;
        item->nulls_given = strcmp(nulls, "SORTBY_NULLS_DEFAULT") != 0;
        item->nulls_last = strcmp(nulls, "SORTBY_NULLS_LAST") == 0;
    }
    return true;
}

static bool pg_tree_read_frame(const PgTree *tree, const json_t *body, AstWindow *window)
{
    int64_t options = pg_tree_number(body, "frameOptions");
    window->has_frame = (options & PG_FRAME_NONDEFAULT) != 0;
    window->frame_rows = (options & PG_FRAME_ROWS) != 0;
    if (options & PG_FRAME_START_UNBOUNDED_PRECEDING)
        window->frame_start = AST_BOUND_UNBOUNDED_PRECEDING;
    else if (options & PG_FRAME_START_PRECEDING)
        window->frame_start = AST_BOUND_PRECEDING;
    else if (options & PG_FRAME_START_CURRENT_ROW)
        window->frame_start = AST_BOUND_CURRENT_ROW;
    else
        window->frame_start = AST_BOUND_FOLLOWING;
    if (options & PG_FRAME_END_UNBOUNDED_FOLLOWING)
        window->frame_end = AST_BOUND_UNBOUNDED_FOLLOWING;
    else if (options & PG_FRAME_END_CURRENT_ROW)
        window->frame_end = AST_BOUND_CURRENT_ROW;
    else if (options & PG_FRAME_END_PRECEDING)
        window->frame_end = AST_BOUND_PRECEDING;
    else
        window->frame_end = AST_BOUND_FOLLOWING;
    const json_t *start = pg_tree_member(body, "startOffset");
    const json_t *end = pg_tree_member(body, "endOffset");
    Span span;
    if (start != NULL && (window->start_offset = pg_tree_read_expr(tree, start, &span)) == NULL)
        return false;
    return end == NULL || (window->end_offset = pg_tree_read_expr(tree, end, &span)) != NULL;
}

/* Where the window was written: its parentheses, or the one name. */
static AstPlace pg_tree_window_place(const PgTree *tree, const json_t *body)
{
    uint32_t first = pg_tree_token(tree, body);
    uint32_t last = first;
    if (pg_tree_item(tree, first)->symbol != '(' && first + 2 < tree->end &&
        pg_tree_item(tree, first + 1)->keyword == KW_AS)
        last = first + 2;
    if (pg_tree_item(tree, last)->symbol == '(')
        last = pg_tree_item(tree, last)->match;
    return parser_place(tree->parser, first, last);
}

bool pg_tree_read_window(const PgTree *tree, const json_t *body, AstWindow *window)
{
    const char *name = pg_tree_text(body, "name");
    const char *base = pg_tree_text(body, "refname");
    uint32_t token;
    window->place = pg_tree_window_place(tree, body);
    const json_t *partition = pg_tree_member(body, "partitionClause");
    if (!pg_tree_read_list(tree, partition, &window->partition_by, &window->partition_count) ||
        !pg_tree_read_order(tree, pg_tree_member(body, "orderClause"), &window->order_by,
                            &window->order_count) ||
        !pg_tree_read_frame(tree, body, window))
        return false;
    if (name[0] != '\0') {
        window->name = pg_tree_name(tree, name, &token);
        if (window->name == NULL)
            return false;
    }
    if (base[0] == '\0')
        return true;
    const char *refined = pg_tree_name(tree, base, &token);
    if (refined == NULL)
        return false;
    bool alone = name[0] == '\0' && window->partition_count == 0 && window->order_count == 0 &&
                 !window->has_frame;
    if (alone)
        window->name = refined;
    else
        window->base = refined;
    return true;
}

/* ----------------------------------------------------------------------------------- calls */

/* The last token of what may follow the arguments: IGNORE NULLS, FILTER ( … ), OVER … */
static uint32_t pg_tree_call_end(const PgTree *tree, uint32_t open)
{
    const Token *tokens = tree->parser->tokens.items;
    uint32_t last = tokens[open].match;
    while (last + 2 < tree->end && tokens[last + 1].kind == TOKEN_WORD) {
        const Token *next = &tokens[last + 2];
        Keyword word = tokens[last + 1].keyword;
        if ((word == KW_IGNORE || word == KW_RESPECT) && next->keyword == KW_NULLS)
            last += 2;
        else if ((word == KW_FILTER || word == KW_OVER) && next->symbol == '(')
            last = next->match;
        else if (word == KW_OVER)
            last += 2;
        else
            break;
    }
    return last;
}

static const char *pg_tree_upper(const PgTree *tree, const char *name)
{
    char *upper = arena_strdup(tree->parser->arena, name);
    for (char *at = upper; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return upper;
}

/* TRIM([side] [what] FROM text): the text first, as in LTRIM(text, what). */
static void pg_tree_finish_trim(const PgTree *tree, uint32_t token, AstExpr *call)
{
    const Token *name = pg_tree_item(tree, token);
    const Token *side = pg_tree_item(tree, token + 2);
    if (name->interval == 1 && call->arg_count == 2) {
        AstExpr *what = call->args[0];
        call->args[0] = call->args[1];
        call->args[1] = what;
    }
    const Token *behind = pg_tree_item(tree, token + 3);
    if (side->kind != TOKEN_WORD || behind->symbol == ')' || behind->symbol == ',' ||
        behind->symbol == '.')
        return;
    if (side->keyword == KW_LEADING)
        call->function = "LTRIM";
    else if (side->keyword == KW_TRAILING)
        call->function = "RTRIM";
}

/* TABLE t as an argument; PARTITION BY and ORDER BY stand in `over`. */
static AstExpr *pg_tree_table_argument(const PgTree *tree, const json_t *body, uint32_t token,
                                       Span *span)
{
    const json_t *args = pg_tree_member(body, "args");
    PgNode link = pg_tree_open(json_array_get(args, 0));
    if (!pg_tree_is(link, "SubLink")) {
        pg_tree_fail(tree, token);
        return NULL;
    }
    *span = (Span){token, pg_tree_item(tree, token)->last};
    AstExpr *expr = pg_tree_new(tree, AST_TABLE_ARGUMENT, *span);
    expr->query = pg_tree_read_query(tree, pg_tree_member(link.body, "subselect"));
    if (expr->query == NULL)
        return NULL;
    const json_t *over = pg_tree_member(body, "over");
    if (over == NULL)
        return expr;
    expr->over = arena_new_one(tree->parser->arena, AstWindow);
    if (!pg_tree_read_window(tree, over, expr->over))
        return NULL;
    AstWindow *window = expr->over;
    if (window->partition_count == 1 && window->partition_by[0]->kind == AST_ROW) {
        window->partition_count = window->partition_by[0]->arg_count;
        window->partition_by = window->partition_by[0]->args;
    }
    return expr;
}

/* PostgreSQL's own call for (a, b) OVERLAPS (c, d). */
static AstExpr *pg_tree_overlaps(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t token = pg_tree_token(tree, body);
    *span = (Span){pg_tree_item(tree, token - 1)->match, pg_tree_item(tree, token + 1)->match};
    AstExpr *expr = pg_tree_new(tree, AST_CALL, *span);
    expr->function = "OVERLAPS";
    if (!pg_tree_read_list(tree, pg_tree_member(body, "args"), &expr->args, &expr->arg_count))
        return NULL;
    return expr;
}

static bool pg_tree_refuse_call(const PgTree *tree, const json_t *body, uint32_t token)
{
    if (pg_tree_flag(body, "func_variadic"))
        return pg_tree_fail(tree, token);
    if (pg_tree_member(body, "agg_order") == NULL)
        return true;
    return pg_tree_fail_unsupported(tree, token, "ORDER BY inside a function call",
                                    "Sort in a subquery instead.");
}

static bool pg_tree_read_modifiers(const PgTree *tree, const json_t *body, AstExpr *call)
{
    const json_t *filter = pg_tree_member(body, "agg_filter");
    const json_t *over = pg_tree_member(body, "over");
    Span span;
    if (filter != NULL && (call->filter = pg_tree_read_expr(tree, filter, &span)) == NULL)
        return false;
    if (over == NULL)
        return true;
    call->over = arena_new_one(tree->parser->arena, AstWindow);
    return pg_tree_read_window(tree, over, call->over);
}

AstExpr *pg_tree_read_call(const PgTree *tree, const json_t *body, Span *span)
{
    const json_t *names = pg_tree_member(body, "funcname");
    size_t name_count = json_array_size(names);
    const char *holder =
        pg_tree_text(pg_tree_open(json_array_get(names, name_count - 1)).body, "sval");
    char role = '\0';
    uint32_t token;
    if (strcmp(holder, "overlaps") == 0)
        return pg_tree_overlaps(tree, body, span);
    if (!pg_tree_holder(holder, &role, &token) || strchr("iamy", role) == NULL) {
        pg_tree_fail(tree, pg_tree_token(tree, body));
        return NULL;
    }
    if (name_count > 1) {
        pg_tree_fail_unsupported(tree, token, "a function name with a database before it",
                                 "Write the function's name alone.");
        return NULL;
    }
    if (!pg_tree_refuse_call(tree, body, token))
        return NULL;
    if (role == 'a')
        return pg_tree_table_argument(tree, body, token, span);
    *span = (Span){token, pg_tree_call_end(tree, token + 1)};
    AstExpr *call = pg_tree_new(tree, AST_CALL, *span);
    if (!pg_tree_read_list(tree, pg_tree_member(body, "args"), &call->args, &call->arg_count) ||
        !pg_tree_read_modifiers(tree, body, call))
        return NULL;
    const Token *name = pg_tree_item(tree, token);
    bool bare = name->kind == TOKEN_WORD;
    if (role == 'm' || role == 'y') {
        call->kind = role == 'm' ? AST_MAP : AST_ARRAY;
    } else if (bare && name->keyword == KW_DESCRIPTOR) {
        call->kind = AST_DESCRIPTOR;
    } else {
        call->function = pg_tree_upper(tree, name->text);
        call->star = pg_tree_flag(body, "agg_star");
        call->distinct = pg_tree_flag(body, "agg_distinct");
        call->ignore_nulls = name->ignore_nulls;
        if (bare && name->keyword == KW_TRIM)
            pg_tree_finish_trim(tree, token, call);
    }
    return call;
}
