/* The call of libpg_query, its errors in the user's terms, and the reading of its JSON.
 *
 * libpg_query keeps a memory context per thread and empties it at the end of every call, so calls
 * on several threads do not meet. */
#include "parser/pg_tree.h"

#include <ctype.h>
#include <pg_query.h>
#include <stdlib.h>

#include "core/str.h"

/* --------------------------------------------------------------------------- reading JSON */

PgNode pg_tree_open(const json_t *node)
{
    void *member = json_object_iter((json_t *)(uintptr_t)node);
    if (member == NULL)
        return (PgNode){"", NULL};
    return (PgNode){json_object_iter_key(member), json_object_iter_value(member)};
}

json_t *pg_tree_member(const json_t *body, const char *name)
{
    return json_object_get(body, name);
}

bool pg_tree_flag(const json_t *body, const char *name)
{
    return json_is_true(json_object_get(body, name));
}

const char *pg_tree_text(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

int64_t pg_tree_number(const json_t *body, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(body, name));
}

uint32_t pg_tree_token(const PgTree *tree, const json_t *body)
{
    int64_t location = pg_tree_number(body, "location");
    return dialect_token_at(&tree->text, location < 0 ? 0 : (size_t)location);
}

const Token *pg_tree_item(const PgTree *tree, uint32_t token)
{
    return &tree->parser->tokens.items[token];
}

bool pg_tree_holder(const char *text, char *role, uint32_t *token)
{
    if (!islower((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return false;
    *role = text[0];
    *token = (uint32_t)strtoul(text + 1, NULL, 10);
    return true;
}

const char *pg_tree_name(const PgTree *tree, const char *holder, uint32_t *token)
{
    char role = '\0';
    *token = tree->first;
    if (pg_tree_holder(holder, &role, token) && role == 'i')
        return pg_tree_item(tree, *token)->text;
    pg_tree_fail(tree, *token);
    return NULL;
}

bool pg_tree_names(const PgTree *tree, const json_t *list, const char *const **names,
                   uint32_t *count, uint32_t *last)
{
    size_t size = json_array_size(list);
    const char **items = arena_new_array(tree->parser->arena, const char *, size + 1);
    for (size_t i = 0; i < size; i++) {
        PgNode node = pg_tree_open(json_array_get(list, i));
        items[i] = pg_tree_name(tree, pg_tree_text(node.body, "sval"), last);
        if (items[i] == NULL)
            return false;
    }
    *names = items;
    *count = (uint32_t)size;
    return true;
}

/* ---------------------------------------------------------------------------------- errors */

/* The words of queries that people misspell. */
static const char *const pg_tree_words[] = {
    "SELECT", "FROM",   "WHERE", "GROUP",     "BY",      "HAVING",  "ORDER",   "WINDOW",
    "LIMIT",  "OFFSET", "FETCH", "UNION",     "EXCEPT",  "VALUES",  "JOIN",    "INNER",
    "RIGHT",  "FULL",   "CROSS", "INTERSECT", "USING",   "AND",     "BETWEEN", "LIKE",
    "WHEN",   "THEN",   "ELSE",  "END",       "OVER",    "OUTER",   "LATERAL", "EXISTS",
    "LEFT",   "NULL",   "AS",    "QUALIFY",   "NATURAL", "SIMILAR", "DISTINCT"};

/* A misspelt keyword is first taken for a name, and the word behind it does not fit: the word to
 * blame is then the one before. */
static uint32_t pg_tree_blame(const PgTree *tree, uint32_t token)
{
    for (uint32_t back = 0; back < 2 && token >= tree->first + back; back++) {
        const Token *word = parser_token(tree->parser, token - back);
        if (word->kind == TOKEN_WORD && word->keyword == KW_NONE &&
            lexer_nearest_word((Str){word->text, word->text_length}, pg_tree_words,
                               array_count(pg_tree_words)) != NULL)
            return token - back;
    }
    return token;
}

/* Whether the JOIN at that place takes a condition. */
static bool pg_tree_join_asks(const PgTree *tree, uint32_t join)
{
    static const Keyword sides[] = {KW_INNER, KW_OUTER, KW_LEFT, KW_RIGHT, KW_FULL};
    const Token *before = NULL;
    bool side = true;
    for (uint32_t i = join; side && i > tree->first; i--) {
        before = pg_tree_item(tree, i - 1);
        side = false;
        for (size_t k = 0; k < array_count(sides); k++)
            side = side || before->keyword == sides[k];
    }
    return before == NULL || (before->keyword != KW_CROSS && before->keyword != KW_NATURAL);
}

/* Whether FROM, up to what follows it, has more joins than conditions. */
static bool pg_tree_lacks_condition(const PgTree *tree, uint32_t token)
{
    static const Keyword behind[] = {KW_WHERE, KW_GROUP,   KW_HAVING,    KW_ORDER,  KW_LIMIT,
                                     KW_UNION, KW_QUALIFY, KW_INTERSECT, KW_EXCEPT, KW_WINDOW};
    const Token *word = parser_token(tree->parser, token);
    bool ends = word->kind == TOKEN_END || (word->kind == TOKEN_SYMBOL && word->symbol == ')');
    for (size_t i = 0; i < array_count(behind); i++)
        ends = ends || (word->kind == TOKEN_WORD && word->keyword == behind[i]);
    int open = 0;
    for (uint32_t i = token; ends && i > tree->first;) {
        const Token *item = pg_tree_item(tree, --i);
        if (item->kind == TOKEN_SYMBOL && item->symbol == ')' && item->match < i)
            i = item->match;
        else if (item->kind == TOKEN_SYMBOL && item->symbol == '(')
            break;
        if (item->kind != TOKEN_WORD)
            continue;
        if (item->keyword == KW_FROM)
            break;
        open += item->keyword == KW_JOIN && pg_tree_join_asks(tree, i);
        open -= item->keyword == KW_ON || item->keyword == KW_USING;
    }
    return open > 0;
}

/* What the word at fault and the one before it tell about the mistake. */
static void pg_tree_hint(const PgTree *tree, uint32_t token)
{
    static const Keyword before_names[] = {KW_AS, KW_BY, KW_SELECT, KW_WHERE, KW_ON, KW_AND};
    const Parser *parser = tree->parser;
    Error *error = parser->error;
    const Token *word = parser_token(parser, token);
    if (error->hint[0] != '\0' || token == tree->first)
        return;
    if (pg_tree_lacks_condition(tree, token)) {
        error_hint(error, "A JOIN takes ON … or USING (…); CROSS JOIN takes every pair of rows.");
        return;
    }
    for (uint32_t i = tree->first; i < tree->end && word->kind == TOKEN_END; i++) {
        const Token *open = pg_tree_item(tree, i);
        if (open->kind == TOKEN_WORD && open->keyword == KW_CASE && open->match == TOKEN_NONE) {
            error_hint(error, "A CASE lacks its END.");
            return;
        }
    }
    const Token *before = parser_token(parser, token - 1);
    if (before->keyword == KW_ORDER || before->keyword == KW_GROUP ||
        before->keyword == KW_PARTITION) {
        error_hint(error, "Expected BY.");
        return;
    }
    bool compares = word->kind == TOKEN_SYMBOL && strchr("=<>", (int)(word->symbol & 0x7f)) != NULL;
    if (compares && before->kind == TOKEN_SYMBOL && before->symbol == '=') {
        error_hint(error, "Equality is written with one =.");
        return;
    }
    if (compares) {
        error_hint(error, "Comparisons do not chain: write AND between them, or parentheses.");
        return;
    }
    bool reserved = word->kind == TOKEN_WORD && lexer_keyword_flags(word->keyword) != 0;
    if (word->kind == TOKEN_WORD && word->keyword == KW_FROM) {
        if (before->keyword == KW_SELECT)
            error_hint(error, "Name the columns between SELECT and FROM, or write *.");
        else if (before->symbol == ',')
            error_hint(error, "There is a comma too many before FROM.");
        return;
    }
    bool name = before->symbol == ',' || before->symbol == '=';
    for (size_t i = 0; i < array_count(before_names); i++)
        name = name || before->keyword == before_names[i];
    if (reserved && name)
        error_hint(error, "%s is a reserved word; as a name it is written `%s`.",
                   lexer_keyword_name(word->keyword), word->text);
}

bool pg_tree_fail(const PgTree *tree, uint32_t token)
{
    Parser *parser = tree->parser;
    uint32_t limit = parser->limit;
    parser->limit = tree->end;
    uint32_t blamed = pg_tree_blame(tree, token);
    parser_fail_at(parser, blamed, pg_tree_words, array_count(pg_tree_words), NULL);
    pg_tree_hint(tree, blamed);
    parser->limit = limit;
    return false;
}

bool pg_tree_fail_unsupported(const PgTree *tree, uint32_t token, const char *what,
                              const char *hint)
{
    return parser_fail_unsupported(tree->parser, token, token, what, hint);
}

/* PostgreSQL's other messages may quote place holders. */
static void pg_tree_set_message(const PgTree *tree, const char *message)
{
    Buffer text = {0};
    for (const char *at = message; *at != '\0'; at++) {
        char role;
        uint32_t token;
        const char *close = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (close != NULL && pg_tree_holder(at + 1, &role, &token) && token < tree->end) {
            buffer_append_char(&text, '"');
            buffer_append_text(&text, pg_tree_item(tree, token)->text);
            buffer_append_char(&text, '"');
            at = close;
            continue;
        }
        buffer_append_char(&text, *at);
    }
    error_set(tree->parser->error, ERROR_SYNTAX, "%s", buffer_text(&text));
    buffer_deinit(&text);
}

static bool pg_tree_fail_parse(const PgTree *tree, const PgQueryError *error)
{
    size_t offset = error->cursorpos > 0 ? (size_t)error->cursorpos - 1 : 0;
    bool syntax = strncmp(error->message, "syntax error", 12) == 0;
    uint32_t token = offset >= strlen(tree->text.sql) || strstr(error->message, "end of input")
                         ? tree->end
                         : dialect_token_at(&tree->text, offset);
    if (syntax)
        return pg_tree_fail(tree, token);
    if (strncmp(error->message, "LIMIT #,#", 9) == 0)
        return pg_tree_fail_unsupported(tree, token, "LIMIT with two numbers",
                                        "Use LIMIT count OFFSET start.");
    pg_tree_set_message(tree, error->message);
    const Token *place = pg_tree_item(tree, token < tree->end ? token : tree->end - 1);
    return error_at(tree->parser->error, (int64_t)place->offset, (int64_t)place->length);
}

/* ------------------------------------------------------------------------------ the calls */

/* The tree of the one statement, to be given back with json_decref; NULL with the error set. */
static json_t *pg_tree_parse(PgTree *tree)
{
    PgQueryParseResult result = pg_query_parse(tree->text.sql);
    json_t *root = NULL;
    if (result.error != NULL) {
        pg_tree_fail_parse(tree, result.error);
    } else {
        json_error_t why;
        root = json_loads(result.parse_tree, 0, &why);
        if (root == NULL) {
            error_set(tree->parser->error, ERROR_LIMIT, "the statement is nested too deeply");
            error_hint(tree->parser->error, "Split it with WITH or with views.");
            const Token *token = pg_tree_item(tree, tree->first);
            error_at(tree->parser->error, (int64_t)token->offset, (int64_t)token->length);
        }
    }
    pg_query_free_parse_result(result);
    return root;
}

static PgNode pg_tree_statement(const json_t *root)
{
    const json_t *statements = pg_tree_member(root, "stmts");
    return pg_tree_open(pg_tree_member(json_array_get(statements, 0), "stmt"));
}

static bool pg_tree_begin(PgTree *tree, Parser *parser, uint32_t first, uint32_t end,
                          bool expression)
{
    *tree = (PgTree){.parser = parser, .first = first, .end = end};
    if (first == end) {
        uint32_t limit = parser->limit;
        parser->limit = end;
        parser_fail_at(parser, end, NULL, 0, expression ? "an expression" : "a query");
        parser->limit = limit;
        return false;
    }
    return dialect_write(parser, first, end, expression, &tree->text);
}

AstQuery *pg_tree_query(Parser *parser, uint32_t first, uint32_t end)
{
    PgTree tree;
    if (!pg_tree_begin(&tree, parser, first, end, false))
        return NULL;
    json_t *root = pg_tree_parse(&tree);
    if (root == NULL)
        return NULL;
    PgNode statement = pg_tree_statement(root);
    AstQuery *query = NULL;
    if (pg_tree_is(statement, "SelectStmt"))
        query = pg_tree_read_select(&tree, statement.body);
    else
        pg_tree_fail(&tree, first);
    if (query != NULL)
        query->place = parser_place(parser, first, end - 1);
    json_decref(root);
    return query;
}

/* "a, b" and "SELECT 1" inside the parentheses we add would be a row and a scalar query. */
static bool pg_tree_check_expression(const PgTree *tree, PgNode value)
{
    bool row = pg_tree_is(value, "RowExpr");
    if (!row && !pg_tree_is(value, "SubLink"))
        return true;
    if (pg_tree_number(value.body, "location") != tree->text.paren_offset)
        return true;
    /* "(SELECT 1)" is a scalar query when its parentheses are the user's. */
    bool own = pg_tree_item(tree, tree->first)->symbol == '(' &&
               pg_tree_item(tree, tree->first)->match == tree->end - 1;
    if (!row)
        return own || pg_tree_fail(tree, tree->first);
    uint32_t token = tree->first;
    while (pg_tree_item(tree, token)->symbol != ',') {
        uint32_t match = pg_tree_item(tree, token)->match;
        token = match != TOKEN_NONE && match > token ? match : token + 1;
    }
    return pg_tree_fail(tree, token);
}

AstExpr *pg_tree_expression(Parser *parser, uint32_t first, uint32_t end)
{
    PgTree tree;
    if (!pg_tree_begin(&tree, parser, first, end, true))
        return NULL;
    json_t *root = pg_tree_parse(&tree);
    if (root == NULL)
        return NULL;
    PgNode statement = pg_tree_statement(root);
    const json_t *items = pg_tree_member(statement.body, "targetList");
    const json_t *node = pg_tree_member(pg_tree_open(json_array_get(items, 1)).body, "val");
    AstExpr *expr = NULL;
    Span span;
    if (pg_tree_check_expression(&tree, pg_tree_open(node)))
        expr = pg_tree_read_expr(&tree, node, &span);
    json_decref(root);
    return expr;
}
