/* PostgreSQL's SelectStmt to our queries. */
#include "parser/pg_tree.h"

AstQuery *pg_tree_read_query(const PgTree *tree, const json_t *node)
{
    PgNode opened = pg_tree_open(node);
    if (pg_tree_is(opened, "SelectStmt"))
        return pg_tree_read_select(tree, opened.body);
    pg_tree_fail(tree, tree->first);
    return NULL;
}

/* -------------------------------------------------------------------------- SELECT items */

/* The SELECT word that the first item of the list stands for. */
static uint32_t pg_tree_select_token(const PgTree *tree, const json_t *targets)
{
    PgNode target = pg_tree_open(json_array_get(targets, 0));
    PgNode value = pg_tree_open(pg_tree_member(target.body, "val"));
    const json_t *fields = pg_tree_member(value.body, "fields");
    char role = '\0';
    uint32_t token = tree->first;
    pg_tree_holder(pg_tree_text(pg_tree_open(json_array_get(fields, 0)).body, "sval"), &role,
                   &token);
    assert(role == 's');
    return token;
}

static bool pg_tree_read_items(const PgTree *tree, const json_t *targets, AstSelect *select)
{
    uint32_t count = (uint32_t)json_array_size(targets) - 1;
    select->items = arena_new_array(tree->parser->arena, AstSelectItem, count + 1);
    select->item_count = count;
    for (uint32_t i = 0; i < count; i++) {
        PgNode target = pg_tree_open(json_array_get(targets, i + 1));
        const char *alias = pg_tree_text(target.body, "name");
        uint32_t token;
        Span span;
        if (alias[0] != '\0' &&
            (select->items[i].alias = pg_tree_name(tree, alias, &token)) == NULL)
            return false;
        select->items[i].expr = pg_tree_read_expr(tree, pg_tree_member(target.body, "val"), &span);
        if (select->items[i].expr == NULL)
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------------- GROUP BY */

static bool pg_tree_read_group(const PgTree *tree, const json_t *node, AstGroupItem *item);

static bool pg_tree_read_groups(const PgTree *tree, const json_t *list, AstGroupItem **items,
                                uint32_t *count)
{
    *count = (uint32_t)json_array_size(list);
    *items = arena_new_array(tree->parser->arena, AstGroupItem, *count + 1);
    for (uint32_t i = 0; i < *count; i++) {
        if (!pg_tree_read_group(tree, json_array_get(list, i), &(*items)[i]))
            return false;
    }
    return true;
}

static bool pg_tree_read_group(const PgTree *tree, const json_t *node, AstGroupItem *item)
{
    PgNode opened = pg_tree_open(node);
    if (!pg_tree_is(opened, "GroupingSet")) {
        Span span;
        item->expr = pg_tree_read_expr(tree, node, &span);
        if (item->expr == NULL)
            return false;
        item->place = item->expr->place;
        return true;
    }
    uint32_t token = pg_tree_token(tree, opened.body);
    uint32_t open = token;
    while (pg_tree_item(tree, open)->symbol != '(')
        open++;
    Span span = {token, pg_tree_item(tree, open)->match};
    item->place = pg_tree_place(tree, span);
    const char *kind = pg_tree_text(opened.body, "kind");
    if (strcmp(kind, "GROUPING_SET_EMPTY") == 0) {
        item->expr = pg_tree_new(tree, AST_ROW, span);
        return true;
    }
    item->kind = strcmp(kind, "GROUPING_SET_SETS") == 0     ? AST_GROUP_SETS
                 : strcmp(kind, "GROUPING_SET_ROLLUP") == 0 ? AST_GROUP_ROLLUP
                                                            : AST_GROUP_CUBE;
    return pg_tree_read_groups(tree, pg_tree_member(opened.body, "content"), &item->items,
                               &item->item_count);
}

static bool pg_tree_read_group_by(const PgTree *tree, const json_t *body, uint32_t select_token,
                                  AstSelect *select)
{
    if (pg_tree_flag(body, "groupDistinct"))
        return pg_tree_fail_unsupported(tree, select_token, "GROUP BY DISTINCT",
                                        "Write every grouping set once.");
    const json_t *list = pg_tree_member(body, "groupClause");
    select->has_group_by = json_array_size(list) != 0;
    if (!pg_tree_read_groups(tree, list, &select->group_by, &select->group_count))
        return false;
    const AstGroupItem *only = select->group_by;
    bool empty = select->group_count == 1 && only->kind == AST_GROUP_EXPR &&
                 only->expr->kind == AST_ROW && only->expr->arg_count == 0;
    if (empty)
        select->group_count = 0;
    return true;
}

/* --------------------------------------------------------------------- WINDOW and QUALIFY */

/* QUALIFY stands as a window that the user did not write. */
static bool pg_tree_read_windows(const PgTree *tree, const json_t *list, AstSelect *select)
{
    uint32_t count = (uint32_t)json_array_size(list);
    select->windows = arena_new_array(tree->parser->arena, AstWindow, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        PgNode node = pg_tree_open(json_array_get(list, i));
        char role = '\0';
        uint32_t token;
        bool holder = pg_tree_holder(pg_tree_text(node.body, "name"), &role, &token);
        if (!holder || role != 'q') {
            if (!pg_tree_read_window(tree, node.body, &select->windows[select->window_count++]))
                return false;
            continue;
        }
        const json_t *conditions = pg_tree_member(node.body, "partitionClause");
        Span span;
        select->qualify = pg_tree_read_expr(tree, json_array_get(conditions, 0), &span);
        if (select->qualify == NULL)
            return false;
        if (json_array_size(conditions) != 1)
            return pg_tree_fail(tree, pg_tree_widen(tree, span).last + 1);
    }
    return true;
}

/* ---------------------------------------------------------------------------- query bodies */

static bool pg_tree_read_where(const PgTree *tree, const json_t *body, const char *member,
                               AstExpr **expr)
{
    const json_t *node = pg_tree_member(body, member);
    Span span;
    if (node == NULL)
        return true;
    *expr = pg_tree_read_expr(tree, node, &span);
    return *expr != NULL;
}

static bool pg_tree_read_from(const PgTree *tree, const json_t *list, AstSelect *select)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        AstTable *table = pg_tree_read_table(tree, json_array_get(list, i));
        if (table == NULL)
            return false;
        if (select->from == NULL) {
            select->from = table;
            continue;
        }
        AstTable *join = arena_new_one(tree->parser->arena, AstTable);
        join->kind = AST_TABLE_JOIN;
        join->join = AST_JOIN_CROSS;
        join->left = select->from;
        join->right = table;
        join->place.offset = join->left->place.offset;
        join->place.length = table->place.offset + table->place.length - join->place.offset;
        select->from = join;
    }
    return true;
}

static bool pg_tree_read_plain(const PgTree *tree, const json_t *body, AstQuery *query)
{
    const json_t *targets = pg_tree_member(body, "targetList");
    uint32_t token = pg_tree_select_token(tree, targets);
    const Token *word = pg_tree_item(tree, token);
    AstSelect *select = arena_new_one(tree->parser->arena, AstSelect);
    query->kind = AST_QUERY_SELECT;
    query->select = select;
    query->place = parser_place(tree->parser, token, word->last);
    select->distinct = pg_tree_member(body, "distinctClause") != NULL;
    bool hints = word->keyword != KW_SELECT ||
                 parser_read_hints(tree->parser, word, &select->hints, &select->hint_count);
    return hints && pg_tree_read_items(tree, targets, select) &&
           pg_tree_read_from(tree, pg_tree_member(body, "fromClause"), select) &&
           pg_tree_read_where(tree, body, "whereClause", &select->where) &&
           pg_tree_read_group_by(tree, body, token, select) &&
           pg_tree_read_where(tree, body, "havingClause", &select->having) &&
           pg_tree_read_windows(tree, pg_tree_member(body, "windowClause"), select);
}

static AstExpr *pg_tree_read_row(const PgTree *tree, const json_t *items, uint32_t *token)
{
    PgNode marker = pg_tree_open(json_array_get(items, 0));
    const json_t *fields = pg_tree_member(marker.body, "fields");
    char role = '\0';
    pg_tree_holder(pg_tree_text(pg_tree_open(json_array_get(fields, 0)).body, "sval"), &role,
                   token);
    assert(role == 'v');
    uint32_t count = (uint32_t)json_array_size(items) - 1;
    AstExpr *row = pg_tree_new(tree, AST_ROW, (Span){*token, *token});
    row->args = arena_new_array(tree->parser->arena, AstExpr *, count + 1);
    row->arg_count = count;
    uint32_t last = *token;
    for (uint32_t i = 0; i < count; i++) {
        Span span;
        row->args[i] = pg_tree_read_expr(tree, json_array_get(items, i + 1), &span);
        if (row->args[i] == NULL)
            return NULL;
        last = pg_tree_widen(tree, span).last;
    }
    uint32_t open = pg_tree_item(tree, *token)->keyword == KW_ROW ? *token + 1 : *token;
    uint32_t match = pg_tree_item(tree, open)->match;
    if (match != TOKEN_NONE && match > last)
        last = match;
    row->place = parser_place(tree->parser, *token, last);
    return row;
}

static bool pg_tree_read_values(const PgTree *tree, const json_t *lists, AstQuery *query)
{
    uint32_t count = (uint32_t)json_array_size(lists);
    query->kind = AST_QUERY_VALUES;
    query->values = arena_new_array(tree->parser->arena, AstExpr *, count + 1);
    query->value_count = count;
    for (uint32_t i = 0; i < count; i++) {
        PgNode list = pg_tree_open(json_array_get(lists, i));
        uint32_t token = tree->first;
        query->values[i] = pg_tree_read_row(tree, pg_tree_member(list.body, "items"), &token);
        if (query->values[i] == NULL)
            return false;
        if (query->values[i]->arg_count != query->values[0]->arg_count) {
            const AstPlace place = query->values[i]->place;
            error_set(tree->parser->error, ERROR_SYNTAX,
                      "this row of VALUES has %u columns, the first one %u",
                      query->values[i]->arg_count, query->values[0]->arg_count);
            return error_at(tree->parser->error, place.offset, place.length);
        }
        if (i == 0) {
            const Token *word = pg_tree_item(tree, token - 1);
            query->place = parser_place(tree->parser, token - 1, word->last);
        }
    }
    return true;
}

static bool pg_tree_read_set(const PgTree *tree, const json_t *body, AstQuery *query)
{
    const char *kind = pg_tree_text(body, "op");
    query->kind = AST_QUERY_SET;
    query->set = strcmp(kind, "SETOP_UNION") == 0       ? AST_UNION
                 : strcmp(kind, "SETOP_INTERSECT") == 0 ? AST_INTERSECT
                                                        : AST_EXCEPT;
    query->all = pg_tree_flag(body, "all");
    query->left = pg_tree_read_select(tree, pg_tree_member(body, "larg"));
    if (query->left == NULL)
        return false;
    query->right = pg_tree_read_select(tree, pg_tree_member(body, "rarg"));
    if (query->right == NULL)
        return false;
    query->place.offset = query->left->place.offset;
    query->place.length =
        query->right->place.offset + query->right->place.length - query->place.offset;
    return true;
}

/* --------------------------------------------------------------------- around the body */

static bool pg_tree_read_with(const PgTree *tree, const json_t *body, AstQuery *query)
{
    const json_t *list = pg_tree_member(body, "ctes");
    query->with_count = (uint32_t)json_array_size(list);
    query->with = arena_new_array(tree->parser->arena, AstWith, query->with_count + 1);
    for (uint32_t i = 0; i < query->with_count; i++) {
        PgNode node = pg_tree_open(json_array_get(list, i));
        AstWith *with = &query->with[i];
        uint32_t token, last;
        with->name = pg_tree_name(tree, pg_tree_text(node.body, "ctename"), &token);
        if (with->name == NULL || !pg_tree_names(tree, pg_tree_member(node.body, "aliascolnames"),
                                                 &with->columns, &with->column_count, &last))
            return false;
        with->place = parser_place(tree->parser, token, token);
        with->query = pg_tree_read_query(tree, pg_tree_member(node.body, "ctequery"));
        if (with->query == NULL)
            return false;
    }
    return true;
}

/* LIMIT ALL comes as a NULL constant and FETCH FIRST ROW ONLY as the constant 1: the only constants
 * that PostgreSQL makes itself. */
static bool pg_tree_read_count(const PgTree *tree, const json_t *node, AstExpr **expr)
{
    PgNode constant = pg_tree_open(node);
    Span span;
    if (!pg_tree_is(constant, "A_Const")) {
        *expr = pg_tree_read_expr(tree, node, &span);
        return *expr != NULL;
    }
    if (pg_tree_flag(constant.body, "isnull"))
        return true;
    *expr = pg_tree_new(tree, AST_NUMBER, (Span){tree->first, tree->first});
    (*expr)->place = (AstPlace){-1, -1};
    (*expr)->text = "1";
    (*expr)->text_length = 1;
    return true;
}

AstQuery *pg_tree_read_select(const PgTree *tree, const json_t *body)
{
    AstQuery *query = arena_new_one(tree->parser->arena, AstQuery);
    const json_t *values = pg_tree_member(body, "valuesLists");
    const json_t *with = pg_tree_member(body, "withClause");
    const json_t *limit = pg_tree_member(body, "limitCount");
    const json_t *offset = pg_tree_member(body, "limitOffset");
    bool fine;
    if (strcmp(pg_tree_text(body, "op"), "SETOP_NONE") != 0)
        fine = pg_tree_read_set(tree, body, query);
    else if (values != NULL)
        fine = pg_tree_read_values(tree, values, query);
    else
        fine = pg_tree_read_plain(tree, body, query);
    fine = fine && (with == NULL || pg_tree_read_with(tree, with, query)) &&
           pg_tree_read_order(tree, pg_tree_member(body, "sortClause"), &query->order_by,
                              &query->order_count) &&
           (limit == NULL || pg_tree_read_count(tree, limit, &query->limit)) &&
           (offset == NULL || pg_tree_read_count(tree, offset, &query->offset));
    return fine ? query : NULL;
}
