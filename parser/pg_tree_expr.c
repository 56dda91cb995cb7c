/* PostgreSQL's expression nodes to ours.
 *
 * Invariant: every expression's span runs from its first token to its last; what PostgreSQL does
 * not tell (where a call, a CASE, a list ends) follows from the matched brackets. */
#include "parser/pg_tree.h"

#include "core/str.h"

#include <ctype.h>

AstPlace pg_tree_place(const PgTree *tree, Span span)
{
    return parser_place(tree->parser, span.first, span.last);
}

AstExpr *pg_tree_new(const PgTree *tree, AstExprKind kind, Span span)
{
    AstExpr *expr = arena_new_one(tree->parser->arena, AstExpr);
    expr->kind = kind;
    expr->place = pg_tree_place(tree, span);
    return expr;
}

Span pg_tree_widen(const PgTree *tree, Span span)
{
    while (span.first > tree->first && span.last + 1 < tree->end) {
        const Token *open = pg_tree_item(tree, span.first - 1);
        if (open->symbol != '(' || open->match != span.last + 1)
            break;
        span.first--;
        span.last++;
    }
    return span;
}

static void pg_tree_set_args(const PgTree *tree, AstExpr *expr, uint32_t count)
{
    expr->args = arena_new_array(tree->parser->arena, AstExpr *, count + 1);
    expr->arg_count = count;
}

/* An operand: its span takes in the parentheses around it. */
static AstExpr *pg_tree_operand(const PgTree *tree, const json_t *node, Span *span)
{
    AstExpr *expr = pg_tree_read_expr(tree, node, span);
    if (expr != NULL)
        *span = pg_tree_widen(tree, *span);
    return expr;
}

static AstExpr *pg_tree_one_arg(const PgTree *tree, AstExprKind kind, AstExpr *arg, Span span)
{
    AstExpr *expr = pg_tree_new(tree, kind, span);
    pg_tree_set_args(tree, expr, 1);
    expr->args[0] = arg;
    return expr;
}

/* --------------------------------------------------------------------- names and literals */

static AstExpr *pg_tree_literal(const PgTree *tree, uint32_t index, Span *span)
{
    const Token *token = pg_tree_item(tree, index);
    *span = (Span){index, token->last};
    AstExprKind kind = AST_NUMBER;
    if (token->type != NULL) {
        bool interval =
            token->type->kind == TYPE_INTERVAL_MONTH || token->type->kind == TYPE_INTERVAL_SECOND;
        kind = interval ? AST_INTERVAL : AST_TYPED;
    } else if (token->kind == TOKEN_STRING) {
        kind = AST_STRING;
    } else if (token->kind == TOKEN_BYTES) {
        kind = AST_BYTES;
    } else if (token->kind == TOKEN_WORD) {
        kind = token->keyword == KW_NULL ? AST_NULL : AST_BOOLEAN;
    }
    AstExpr *expr = pg_tree_new(tree, kind, *span);
    expr->type = token->type;
    expr->interval_value = token->interval;
    expr->boolean = token->keyword == KW_TRUE;
    if (kind != AST_INTERVAL && kind != AST_NULL && kind != AST_BOOLEAN) {
        expr->text = token->text;
        expr->text_length = token->text_length;
    }
    return expr;
}

static AstExpr *pg_tree_holder_expr(const PgTree *tree, char role, uint32_t token, Span *span)
{
    AstExpr *expr;
    *span = (Span){token, token};
    switch (role) {
    case 'l':
        return pg_tree_literal(tree, token, span);
    case 'c':
        expr = pg_tree_new(tree, AST_CALL, *span);
        expr->function = lexer_keyword_name(pg_tree_item(tree, token)->keyword);
        return expr;
    case 'u':
        expr = pg_tree_new(tree, AST_STRING, *span);
        expr->text = parser_time_unit(pg_tree_item(tree, token));
        expr->text_length = strlen(expr->text);
        return expr;
    case 'w':
        expr = pg_tree_new(tree, AST_STRING, *span);
        expr->text = pg_tree_item(tree, token)->text;
        expr->text_length = pg_tree_item(tree, token)->text_length;
        return expr;
    default:
        pg_tree_fail(tree, token);
        return NULL;
    }
}

static AstExpr *pg_tree_field(const PgTree *tree, AstExpr *of, const char *name, Span span)
{
    AstExpr *field = pg_tree_one_arg(tree, AST_FIELD, of, span);
    field->name = (AstName){.part_count = 1, .parts = {name}, .place = field->place};
    return field;
}

/* Up to four parts are a name; fields of fields beyond them are taken one by one. */
static AstExpr *pg_tree_column(const PgTree *tree, const json_t *body, Span *span)
{
    const json_t *fields = pg_tree_member(body, "fields");
    size_t count = json_array_size(fields);
    AstExpr *expr = pg_tree_new(tree, AST_COLUMN, (Span){tree->first, tree->first});
    AstExpr *whole = expr;
    uint32_t token = pg_tree_token(tree, body);
    *span = (Span){token, token};
    for (size_t i = 0; i < count; i++) {
        PgNode part = pg_tree_open(json_array_get(fields, i));
        char role = '\0';
        if (pg_tree_is(part, "A_Star")) {
            expr->kind = AST_STAR;
            span->last = i == 0 ? token : token + 2;
            break;
        }
        const char *holder = pg_tree_text(part.body, "sval");
        if (count == 1 && pg_tree_holder(holder, &role, &token) && role != 'i')
            return pg_tree_holder_expr(tree, role, token, span);
        const char *name = pg_tree_name(tree, holder, &token);
        if (name == NULL)
            return NULL;
        span->last = token;
        if (expr->name.part_count == array_count(expr->name.parts))
            whole = pg_tree_field(tree, whole, name, *span);
        else
            expr->name.parts[expr->name.part_count++] = name;
    }
    expr->place = pg_tree_place(tree, *span);
    expr->name.place = expr->place;
    return whole;
}

/* ---------------------------------------------------------------------------- operators */

static const char *pg_tree_operator_name(const PgTree *tree, uint32_t index)
{
    const Token *token = pg_tree_item(tree, index);
    if (token->kind == TOKEN_WORD && token->keyword == KW_IS) {
        bool negated = pg_tree_item(tree, index + 1)->keyword == KW_NOT;
        return negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM";
    }
    if (token->symbol == SYMBOL_BANG_EQUAL)
        return "<>";
    return arena_str(tree->parser->arena,
                     (Str){tree->parser->script.data + token->offset, token->length});
}

static AstExpr *pg_tree_operator(const PgTree *tree, const json_t *body, Span *span)
{
    const json_t *left = pg_tree_member(body, "lexpr");
    uint32_t operator= pg_tree_token(tree, body);
    Span right_span;
    Span left_span = {operator, operator};
    AstExpr *left_expr = NULL;
    if (left != NULL) {
        left_expr = pg_tree_operand(tree, left, &left_span);
        if (left_expr == NULL)
            return NULL;
    }
    AstExpr *right_expr = pg_tree_operand(tree, pg_tree_member(body, "rexpr"), &right_span);
    if (right_expr == NULL)
        return NULL;
    *span = (Span){left_span.first, right_span.last};
    const char *name = pg_tree_operator_name(tree, operator);
    if (left_expr == NULL && strcmp(name, "+") == 0)
        return right_expr;
    AstExpr *expr = pg_tree_new(tree, AST_CALL, *span);
    expr->function = left_expr == NULL ? "NEGATE" : name;
    pg_tree_set_args(tree, expr, left_expr == NULL ? 1 : 2);
    expr->args[0] = left_expr == NULL ? right_expr : left_expr;
    if (left_expr != NULL)
        expr->args[1] = right_expr;
    return expr;
}

/* PostgreSQL hides the escape character in a call of like_escape or similar_to_escape. */
static AstExpr *pg_tree_like(const PgTree *tree, const json_t *body, bool similar, Span *span)
{
    Span text_span, span_of_pattern, escape_span;
    AstExpr *text = pg_tree_operand(tree, pg_tree_member(body, "lexpr"), &text_span);
    if (text == NULL)
        return NULL;
    const json_t *pattern_node = pg_tree_member(body, "rexpr");
    const json_t *escape_node = NULL;
    PgNode call = pg_tree_open(pattern_node);
    if (pg_tree_is(call, "FuncCall") &&
        json_array_size(pg_tree_member(call.body, "funcname")) == 2) {
        const json_t *args = pg_tree_member(call.body, "args");
        pattern_node = json_array_get(args, 0);
        escape_node = json_array_get(args, 1);
    }
    AstExpr *pattern = pg_tree_operand(tree, pattern_node, &span_of_pattern);
    if (pattern == NULL)
        return NULL;
    AstExpr *escape = NULL;
    escape_span = span_of_pattern;
    if (escape_node != NULL) {
        escape = pg_tree_operand(tree, escape_node, &escape_span);
        if (escape == NULL)
            return NULL;
    }
    *span = (Span){text_span.first, escape_span.last};
    bool negated = pg_tree_item(tree, pg_tree_token(tree, body))->keyword == KW_NOT;
    AstExpr *expr = pg_tree_new(tree, AST_CALL, *span);
    expr->function =
        similar ? (negated ? "NOT SIMILAR TO" : "SIMILAR TO") : (negated ? "NOT LIKE" : "LIKE");
    pg_tree_set_args(tree, expr, escape == NULL ? 2 : 3);
    expr->args[0] = text;
    expr->args[1] = pattern;
    if (escape != NULL)
        expr->args[2] = escape;
    return expr;
}

/* BETWEEN and IN: the left side, then a list. */
static AstExpr *pg_tree_with_list(const PgTree *tree, const json_t *body, AstExprKind kind,
                                  Span *span)
{
    AstExpr *left = pg_tree_operand(tree, pg_tree_member(body, "lexpr"), span);
    if (left == NULL)
        return NULL;
    PgNode right = pg_tree_open(pg_tree_member(body, "rexpr"));
    const json_t *items = pg_tree_member(right.body, "items");
    uint32_t count = (uint32_t)json_array_size(items);
    AstExpr *expr = pg_tree_new(tree, kind, *span);
    pg_tree_set_args(tree, expr, count + 1);
    expr->args[0] = left;
    Span last = *span;
    for (uint32_t i = 0; i < count; i++) {
        expr->args[i + 1] = pg_tree_operand(tree, json_array_get(items, i), &last);
        if (expr->args[i + 1] == NULL)
            return NULL;
    }
    uint32_t word = pg_tree_token(tree, body);
    expr->negated = pg_tree_item(tree, word)->keyword == KW_NOT;
    if (kind == AST_IN_LIST)
        last.last = pg_tree_item(tree, word + (expr->negated ? 2u : 1u))->match;
    span->last = last.last;
    expr->place = pg_tree_place(tree, *span);
    return expr;
}

/* x > ANY (a, b) is x > a OR x > b, ALL is AND; equality with any is IN. */
static AstExpr *pg_tree_quantified_list(const PgTree *tree, const json_t *body, bool all,
                                        Span *span)
{
    uint32_t operator= pg_tree_token(tree, body);
    Span left_span = {operator, operator};
    Span right_span;
    AstExpr *left = pg_tree_operand(tree, pg_tree_member(body, "lexpr"), &left_span);
    AstExpr *list =
        left == NULL ? NULL : pg_tree_operand(tree, pg_tree_member(body, "rexpr"), &right_span);
    if (list == NULL)
        return NULL;
    *span = (Span){left_span.first, right_span.last};
    if (list->kind == AST_ARRAY && list->arg_count == 1 && list->args[0]->kind == AST_ARRAY)
        list = list->args[0];
    if (list->kind != AST_ARRAY || list->arg_count == 0) {
        pg_tree_fail(tree, pg_tree_item(tree, operator+ 2)->match);
        return NULL;
    }
    const char *name = pg_tree_operator_name(tree, operator);
    if (strcmp(name, all ? "<>" : "=") == 0) {
        AstExpr *in = pg_tree_new(tree, AST_IN_LIST, *span);
        in->negated = all;
        pg_tree_set_args(tree, in, list->arg_count + 1);
        in->args[0] = left;
        memcpy(in->args + 1, list->args, sizeof(*list->args) * list->arg_count);
        return in;
    }
    AstExpr *chain = pg_tree_new(tree, all ? AST_AND : AST_OR, *span);
    pg_tree_set_args(tree, chain, list->arg_count);
    for (uint32_t i = 0; i < list->arg_count; i++) {
        chain->args[i] = pg_tree_new(tree, AST_CALL, *span);
        chain->args[i]->function = name;
        pg_tree_set_args(tree, chain->args[i], 2);
        chain->args[i]->args[0] = left;
        chain->args[i]->args[1] = list->args[i];
    }
    return list->arg_count == 1 ? chain->args[0] : chain;
}

static AstExpr *pg_tree_a_expr(const PgTree *tree, const json_t *body, Span *span)
{
    const char *kind = pg_tree_text(body, "kind");
    if (strcmp(kind, "AEXPR_OP") == 0)
        return pg_tree_operator(tree, body, span);
    if (strcmp(kind, "AEXPR_LIKE") == 0 || strcmp(kind, "AEXPR_SIMILAR") == 0)
        return pg_tree_like(tree, body, strcmp(kind, "AEXPR_SIMILAR") == 0, span);
    if (strcmp(kind, "AEXPR_IN") == 0)
        return pg_tree_with_list(tree, body, AST_IN_LIST, span);
    if (strstr(kind, "BETWEEN") != NULL) {
        AstExpr *between = pg_tree_with_list(tree, body, AST_BETWEEN, span);
        if (between != NULL)
            between->symmetric = strstr(kind, "_SYM") != NULL;
        return between;
    }
    return pg_tree_quantified_list(tree, body, strcmp(kind, "AEXPR_OP_ALL") == 0, span);
}

/* --------------------------------------------------------------------------- truth values */

static AstExpr *pg_tree_not(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t word = pg_tree_token(tree, body);
    const json_t *arg = json_array_get(pg_tree_member(body, "args"), 0);
    PgNode inner = pg_tree_open(arg);
    AstExpr *expr = pg_tree_operand(tree, arg, span);
    if (expr == NULL)
        return NULL;
    /* "a NOT IN (query)" comes as NOT at the same place as the IN. */
    bool same = pg_tree_is(inner, "SubLink") &&
                pg_tree_number(inner.body, "location") == pg_tree_number(body, "location");
    if (expr->kind == AST_IN_QUERY && same) {
        expr->negated = true;
        return expr;
    }
    if (word < span->first)
        span->first = word;
    if (expr->kind == AST_EXISTS && !expr->negated) {
        expr->negated = true;
        expr->place = pg_tree_place(tree, *span);
        return expr;
    }
    return pg_tree_one_arg(tree, AST_NOT, expr, *span);
}

static AstExpr *pg_tree_bool(const PgTree *tree, const json_t *body, Span *span)
{
    const char *operator= pg_tree_text(body, "boolop");
    if (strcmp(operator, "NOT_EXPR") == 0)
        return pg_tree_not(tree, body, span);
    const json_t *args = pg_tree_member(body, "args");
    uint32_t count = (uint32_t)json_array_size(args);
    AstExpr *expr = pg_tree_new(tree, strcmp(operator, "AND_EXPR") == 0 ? AST_AND : AST_OR,
                                (Span){tree->first, tree->first});
    pg_tree_set_args(tree, expr, count);
    *span = (Span){UINT32_MAX, 0};
    for (uint32_t i = 0; i < count; i++) {
        Span part;
        expr->args[i] = pg_tree_operand(tree, json_array_get(args, i), &part);
        if (expr->args[i] == NULL)
            return NULL;
        span->first = i == 0 ? part.first : span->first;
        span->last = part.last;
    }
    expr->place = pg_tree_place(tree, *span);
    return expr;
}

/* IS [NOT] NULL, TRUE, FALSE, UNKNOWN: the words themselves are the function's name. */
static AstExpr *pg_tree_test(const PgTree *tree, const json_t *body, Span *span)
{
    AstExpr *arg = pg_tree_operand(tree, pg_tree_member(body, "arg"), span);
    if (arg == NULL)
        return NULL;
    uint32_t word = pg_tree_token(tree, body) + 1;
    bool negated = pg_tree_item(tree, word)->keyword == KW_NOT;
    span->last = negated ? word + 1 : word;
    AstExpr *expr = pg_tree_one_arg(tree, AST_CALL, arg, *span);
    expr->function = arena_printf(tree->parser->arena, "IS %s%s", negated ? "NOT " : "",
                                  lexer_keyword_name(pg_tree_item(tree, span->last)->keyword));
    return expr;
}

/* IS JSON [VALUE | SCALAR | OBJECT | ARRAY], written as IS DOCUMENT. */
static AstExpr *pg_tree_is_json(const PgTree *tree, const json_t *body, Span *span)
{
    static const char *const kinds[] = {"VALUE", "SCALAR", "OBJECT", "ARRAY"};
    AstExpr *arg = pg_tree_operand(tree, json_array_get(pg_tree_member(body, "args"), 0), span);
    if (arg == NULL)
        return NULL;
    span->last = pg_tree_token(tree, body) + 1;
    if (pg_tree_item(tree, span->last)->keyword == KW_NOT)
        span->last++;
    const Token *word = pg_tree_item(tree, span->last + 1);
    const char *kind = "VALUE";
    for (size_t i = 0; i < array_count(kinds) && word->kind == TOKEN_WORD; i++)
        if (str_equal_nocase((Str){word->text, word->text_length}, str_of(kinds[i]))) {
            kind = kinds[i];
            span->last++;
            break;
        }
    AstExpr *expr = pg_tree_one_arg(tree, AST_CALL, arg, *span);
    expr->function = arena_printf(tree->parser->arena, "IS JSON %s", kind);
    return expr;
}

/* ---------------------------------------------------------------------------- subqueries */

static AstExpr *pg_tree_in_query(const PgTree *tree, const json_t *body, AstQuery *query,
                                 Span *span)
{
    AstExpr *left = pg_tree_operand(tree, pg_tree_member(body, "testexpr"), span);
    if (left == NULL)
        return NULL;
    uint32_t word = pg_tree_token(tree, body);
    bool all = strcmp(pg_tree_text(body, "subLinkType"), "ALL_SUBLINK") == 0;
    AstExpr *expr = pg_tree_new(tree, AST_IN_QUERY, *span);
    if (pg_tree_item(tree, word)->kind == TOKEN_SYMBOL) {
        /* = ANY is IN, <> ALL is NOT IN. */
        expr->function = pg_tree_operator_name(tree, word);
        if (strcmp(expr->function, all ? "<>" : "=") != 0)
            expr->kind = AST_COMPARE_QUERY;
    }
    if (left->kind == AST_ROW) {
        expr->args = left->args;
        expr->arg_count = left->arg_count;
    } else {
        pg_tree_set_args(tree, expr, 1);
        expr->args[0] = left;
    }
    expr->negated = all;
    expr->query = query;
    uint32_t open = word + 1;
    while (open < tree->end && pg_tree_item(tree, open)->symbol != '(')
        open++;
    span->last = open < tree->end ? pg_tree_item(tree, open)->match : open - 1;
    expr->place = pg_tree_place(tree, *span);
    return expr;
}

static AstExpr *pg_tree_sublink(const PgTree *tree, const json_t *body, Span *span)
{
    const char *type = pg_tree_text(body, "subLinkType");
    uint32_t token = pg_tree_token(tree, body);
    AstQuery *query = pg_tree_read_query(tree, pg_tree_member(body, "subselect"));
    if (query == NULL)
        return NULL;
    if (strcmp(type, "ANY_SUBLINK") == 0 || strcmp(type, "ALL_SUBLINK") == 0)
        return pg_tree_in_query(tree, body, query, span);
    bool exists = strcmp(type, "EXISTS_SUBLINK") == 0;
    if (!exists && strcmp(type, "EXPR_SUBLINK") != 0) {
        pg_tree_fail(tree, token);
        return NULL;
    }
    uint32_t open = exists ? token + 1 : token;
    uint32_t match = pg_tree_item(tree, open)->match;
    *span = (Span){token, match == TOKEN_NONE ? token : match};
    AstExpr *expr = pg_tree_new(tree, exists ? AST_EXISTS : AST_SCALAR_QUERY, *span);
    expr->query = query;
    return expr;
}

/* -------------------------------------------------------------------------- other forms */

/* CASE x WHEN 1 … becomes CASE WHEN x = 1 …; x is shared, not copied. */
static AstExpr *pg_tree_when(const PgTree *tree, const json_t *node, AstExpr *subject)
{
    Span span;
    AstExpr *condition = pg_tree_read_expr(tree, node, &span);
    if (condition == NULL || subject == NULL)
        return condition;
    AstExpr *equal = pg_tree_new(tree, AST_CALL, span);
    equal->function = "=";
    pg_tree_set_args(tree, equal, 2);
    equal->args[0] = subject;
    equal->args[1] = condition;
    return equal;
}

static AstExpr *pg_tree_case(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t token = pg_tree_token(tree, body);
    const json_t *arms = pg_tree_member(body, "args");
    const json_t *subject_node = pg_tree_member(body, "arg");
    const json_t *otherwise = pg_tree_member(body, "defresult");
    Span inner;
    AstExpr *subject = NULL;
    if (subject_node != NULL) {
        subject = pg_tree_read_expr(tree, subject_node, &inner);
        if (subject == NULL)
            return NULL;
    }
    uint32_t match = pg_tree_item(tree, token)->match;
    *span = (Span){token, match == TOKEN_NONE ? token : match};
    AstExpr *expr = pg_tree_new(tree, AST_CASE, *span);
    uint32_t count = (uint32_t)json_array_size(arms);
    pg_tree_set_args(tree, expr, count * 2 + 1);
    for (uint32_t i = 0; i < count; i++) {
        PgNode arm = pg_tree_open(json_array_get(arms, i));
        expr->args[i * 2] = pg_tree_when(tree, pg_tree_member(arm.body, "expr"), subject);
        if (expr->args[i * 2] == NULL)
            return NULL;
        expr->args[i * 2 + 1] = pg_tree_read_expr(tree, pg_tree_member(arm.body, "result"), &inner);
        if (expr->args[i * 2 + 1] == NULL)
            return NULL;
    }
    AstExpr *last;
    if (otherwise != NULL) {
        last = pg_tree_read_expr(tree, otherwise, &inner);
    } else {
        last = pg_tree_new(tree, AST_NULL, *span);
        last->place = (AstPlace){-1, -1};
    }
    expr->args[count * 2] = last;
    return last == NULL ? NULL : expr;
}

static AstExpr *pg_tree_cast(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t token = pg_tree_token(tree, body);
    const Token *word = pg_tree_item(tree, token);
    const json_t *names = pg_tree_member(pg_tree_member(body, "typeName"), "names");
    PgNode name = pg_tree_open(json_array_get(names, json_array_size(names) - 1));
    char role = '\0';
    uint32_t type = token;
    if (!pg_tree_holder(pg_tree_text(name.body, "sval"), &role, &type) || role != 't') {
        pg_tree_fail(tree, type);
        return NULL;
    }
    AstExpr *arg = pg_tree_operand(tree, pg_tree_member(body, "arg"), span);
    if (arg == NULL)
        return NULL;
    if (word->kind == TOKEN_WORD)
        *span = (Span){token, pg_tree_item(tree, token + 1)->match};
    else
        span->last = pg_tree_item(tree, type)->last;
    AstExpr *expr = pg_tree_one_arg(tree, AST_CAST, arg, *span);
    expr->type = pg_tree_item(tree, type)->type;
    expr->try_cast = word->keyword == KW_TRY_CAST;
    return expr;
}

static AstExpr *pg_tree_row(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t token = pg_tree_token(tree, body);
    uint32_t open = pg_tree_item(tree, token)->symbol == '(' ? token : token + 1;
    *span = (Span){token, pg_tree_item(tree, open)->match};
    AstExpr *expr = pg_tree_new(tree, AST_ROW, *span);
    if (!pg_tree_read_list(tree, pg_tree_member(body, "args"), &expr->args, &expr->arg_count))
        return NULL;
    return expr;
}

/* a[1] and (r).f, any number of them one after the other. */
static AstExpr *pg_tree_indirection(const PgTree *tree, const json_t *body, Span *span)
{
    AstExpr *expr = pg_tree_operand(tree, pg_tree_member(body, "arg"), span);
    const json_t *steps = pg_tree_member(body, "indirection");
    for (size_t i = 0; expr != NULL && i < json_array_size(steps); i++) {
        PgNode step = pg_tree_open(json_array_get(steps, i));
        uint32_t token = span->last;
        if (pg_tree_is(step, "String")) {
            const char *name = pg_tree_name(tree, pg_tree_text(step.body, "sval"), &token);
            if (name == NULL)
                return NULL;
            span->last = token;
            expr = pg_tree_field(tree, expr, name, *span);
            continue;
        }
        if (!pg_tree_is(step, "A_Indices") || pg_tree_flag(step.body, "is_slice")) {
            pg_tree_fail_unsupported(tree, token, "taking all fields of an expression",
                                     "Name the fields one by one.");
            return NULL;
        }
        Span inner;
        AstExpr *index = pg_tree_operand(tree, pg_tree_member(step.body, "uidx"), &inner);
        if (index == NULL)
            return NULL;
        span->last = inner.last + 1;
        AstExpr *element = pg_tree_new(tree, AST_INDEX, *span);
        pg_tree_set_args(tree, element, 2);
        element->args[0] = expr;
        element->args[1] = index;
        expr = element;
    }
    return expr;
}

static AstExpr *pg_tree_named(const PgTree *tree, const json_t *body, Span *span)
{
    uint32_t token;
    const char *name = pg_tree_name(tree, pg_tree_text(body, "name"), &token);
    if (name == NULL)
        return NULL;
    AstExpr *arg = pg_tree_operand(tree, pg_tree_member(body, "arg"), span);
    if (arg == NULL)
        return NULL;
    *span = (Span){token, span->last};
    AstExpr *expr = pg_tree_one_arg(tree, AST_NAMED_ARGUMENT, arg, *span);
    expr->name = (AstName){.part_count = 1, .parts = {name}};
    expr->name.place = parser_place(tree->parser, token, token);
    return expr;
}

AstExpr *pg_tree_read_expr(const PgTree *tree, const json_t *node, Span *span)
{
    static const struct {
        const char *kind;
        AstExpr *(*read)(const PgTree *, const json_t *, Span *);
    } readers[] = {
        {"ColumnRef", pg_tree_column},   {"A_Expr", pg_tree_a_expr},
        {"BoolExpr", pg_tree_bool},      {"FuncCall", pg_tree_read_call},
        {"NullTest", pg_tree_test},      {"BooleanTest", pg_tree_test},
        {"XmlExpr", pg_tree_is_json},    {"TypeCast", pg_tree_cast},
        {"CaseExpr", pg_tree_case},      {"SubLink", pg_tree_sublink},
        {"RowExpr", pg_tree_row},        {"A_Indirection", pg_tree_indirection},
        {"NamedArgExpr", pg_tree_named},
    };
    PgNode opened = pg_tree_open(node);
    *span = (Span){tree->first, tree->first};
    for (size_t i = 0; i < array_count(readers); i++) {
        if (strcmp(readers[i].kind, opened.kind) == 0)
            return readers[i].read(tree, opened.body, span);
    }
    uint32_t token = opened.body == NULL ? tree->first : pg_tree_token(tree, opened.body);
    pg_tree_fail(tree, token);
    return NULL;
}
