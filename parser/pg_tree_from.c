/* The FROM clause: tables, subqueries, functions and joins. */
#include "parser/pg_tree.h"

static bool pg_tree_read_alias(const PgTree *tree, const json_t *body, AstTable *table)
{
    const json_t *alias = pg_tree_member(body, "alias");
    if (alias == NULL)
        return true;
    const char *holder = pg_tree_text(alias, "aliasname");
    char role = '\0';
    uint32_t token, last;
    if (pg_tree_holder(holder, &role, &token) && role == 'z')
        return true;
    table->alias = pg_tree_name(tree, holder, &token);
    return table->alias != NULL &&
           pg_tree_names(tree, pg_tree_member(alias, "colnames"), &table->column_aliases,
                         &table->column_alias_count, &last);
}

static bool pg_tree_table_name(const PgTree *tree, const json_t *body, AstTable *table)
{
    static const char *const members[] = {"catalogname", "schemaname", "relname"};
    uint32_t first = TOKEN_NONE;
    uint32_t last = tree->first;
    table->kind = AST_TABLE_NAME;
    for (size_t i = 0; i < array_count(members); i++) {
        const char *holder = pg_tree_text(body, members[i]);
        if (holder[0] == '\0')
            continue;
        const char *name = pg_tree_name(tree, holder, &last);
        if (name == NULL)
            return false;
        first = first == TOKEN_NONE ? last : first;
        table->name.parts[table->name.part_count++] = name;
    }
    table->place = parser_place(tree->parser, first, last);
    table->name.place = table->place;
    /* PostgreSQL takes "t *" for "t and what inherits from it". */
    if (last + 1 < tree->end && pg_tree_item(tree, last + 1)->symbol == '*')
        return pg_tree_fail(tree, last + 1);
    return parser_read_hints(tree->parser, pg_tree_item(tree, last), &table->hints,
                             &table->hint_count) &&
           pg_tree_read_alias(tree, body, table);
}

/* FOR SYSTEM_TIME AS OF */
static bool pg_tree_table_as_of(const PgTree *tree, const json_t *body, AstTable *table)
{
    PgNode relation = pg_tree_open(pg_tree_member(body, "relation"));
    if (!pg_tree_table_name(tree, relation.body, table))
        return false;
    const json_t *args = pg_tree_member(body, "args");
    Span span;
    table->as_of = pg_tree_read_expr(tree, json_array_get(args, 0), &span);
    return table->as_of != NULL;
}

static bool pg_tree_table_query(const PgTree *tree, const json_t *body, AstTable *table)
{
    table->kind = AST_TABLE_QUERY;
    table->lateral = pg_tree_flag(body, "lateral");
    table->query = pg_tree_read_query(tree, pg_tree_member(body, "subquery"));
    if (table->query == NULL)
        return false;
    table->place = table->query->place;
    return pg_tree_read_alias(tree, body, table);
}

static bool pg_tree_table_function(const PgTree *tree, const json_t *body, AstTable *table)
{
    PgNode list = pg_tree_open(json_array_get(pg_tree_member(body, "functions"), 0));
    const json_t *call = json_array_get(pg_tree_member(list.body, "items"), 0);
    Span span;
    table->kind = AST_TABLE_FUNCTION;
    table->lateral = pg_tree_flag(body, "lateral");
    table->with_ordinality = pg_tree_flag(body, "ordinality");
    table->call = pg_tree_read_expr(tree, call, &span);
    if (table->call == NULL)
        return false;
    if (table->call->kind != AST_CALL)
        return pg_tree_fail(tree, span.first);
    table->place = pg_tree_place(tree, span);
    if (pg_tree_member(body, "coldeflist") != NULL)
        return pg_tree_fail_unsupported(tree, span.last + 1, "a column list with types",
                                        "List the names of the columns only.");
    return pg_tree_read_alias(tree, body, table);
}

static bool pg_tree_join_condition(const PgTree *tree, const json_t *body, AstTable *table)
{
    const json_t *on = pg_tree_member(body, "quals");
    const json_t *using = pg_tree_member(body, "usingClause");
    uint32_t last;
    Span span;
    table->natural = pg_tree_flag(body, "isNatural");
    if (on != NULL) {
        table->on = pg_tree_read_expr(tree, on, &span);
        return table->on != NULL;
    }
    if (!pg_tree_names(tree, using, &table->using_columns, &table->using_count, &last))
        return false;
    if (!table->natural && table->using_count == 0)
        table->join = AST_JOIN_CROSS;
    return true;
}

static bool pg_tree_table_join(const PgTree *tree, const json_t *body, AstTable *table)
{
    const char *type = pg_tree_text(body, "jointype");
    table->kind = AST_TABLE_JOIN;
    table->join = strcmp(type, "JOIN_LEFT") == 0    ? AST_JOIN_LEFT
                  : strcmp(type, "JOIN_RIGHT") == 0 ? AST_JOIN_RIGHT
                  : strcmp(type, "JOIN_FULL") == 0  ? AST_JOIN_FULL
                                                    : AST_JOIN_INNER;
    table->left = pg_tree_read_table(tree, pg_tree_member(body, "larg"));
    if (table->left == NULL)
        return false;
    table->right = pg_tree_read_table(tree, pg_tree_member(body, "rarg"));
    if (table->right == NULL)
        return false;
    table->place.offset = table->left->place.offset;
    table->place.length =
        table->right->place.offset + table->right->place.length - table->place.offset;
    const json_t *alias = pg_tree_member(body, "alias");
    alias = alias != NULL ? alias : pg_tree_member(body, "join_using_alias");
    if (alias != NULL) {
        uint32_t token;
        char role;
        if (!pg_tree_holder(pg_tree_text(alias, "aliasname"), &role, &token))
            token = tree->first;
        return pg_tree_fail_unsupported(tree, token, "an alias for a join",
                                        "Put the join into a subquery and name that.");
    }
    return pg_tree_join_condition(tree, body, table);
}

AstTable *pg_tree_read_table(const PgTree *tree, const json_t *node)
{
    static const struct {
        const char *kind;
        bool (*read)(const PgTree *, const json_t *, AstTable *);
    } readers[] = {
        {"RangeVar", pg_tree_table_name},        {"RangeTableSample", pg_tree_table_as_of},
        {"RangeSubselect", pg_tree_table_query}, {"RangeFunction", pg_tree_table_function},
        {"JoinExpr", pg_tree_table_join},
    };
    PgNode opened = pg_tree_open(node);
    AstTable *table = arena_new_one(tree->parser->arena, AstTable);
    for (size_t i = 0; i < array_count(readers); i++) {
        if (strcmp(readers[i].kind, opened.kind) == 0)
            return readers[i].read(tree, opened.body, table) ? table : NULL;
    }
    pg_tree_fail(tree, tree->first);
    return NULL;
}
