/* INSERT and statement sets. */
#include "parser/parser_internal.h"

#include <string.h>

/* Where ON CONFLICT begins, outside of all brackets; the limit when it does not. */
static uint32_t ddl_query_end(const Parser *parser)
{
    uint32_t at = parser->next;
    while (at < parser->limit) {
        if (parser_is_word(parser, at, KW_ON) && parser_is_word(parser, at + 1, KW_CONFLICT))
            break;
        uint32_t match = parser_token(parser, at)->match;
        at = match != TOKEN_NONE && match > at ? match + 1 : at + 1;
    }
    return at;
}

/* ON CONFLICT DO ERROR | NOTHING | DEDUPLICATE */
static bool ddl_on_conflict(Parser *parser, AstInsert *insert)
{
    static const Keyword actions[] = {KW_ERROR, KW_NOTHING, KW_DEDUPLICATE};
    static const char *const names[] = {"ERROR", "NOTHING", "DEDUPLICATE"};
    if (!parser_accept_word(parser, KW_ON))
        return true;
    if (!parser_expect_word(parser, KW_CONFLICT) || !parser_expect_word(parser, KW_DO))
        return false;
    for (size_t i = 0; i < array_count(actions); i++) {
        if (parser_accept_word(parser, actions[i])) {
            insert->on_conflict = names[i];
            return parser_expect_end(parser);
        }
    }
    return parser_fail_at(parser, parser->next, names, array_count(names),
                          "ERROR, NOTHING or DEDUPLICATE");
}

/* (column = value, …); a column without a value is the query's, as it is anyway. */
static bool ddl_partition(Parser *parser, AstInsert *insert)
{
    ParserList names = {0}, values = {0};
    if (!parser_expect_symbol(parser, '('))
        return false;
    do {
        const char *name = parser_expect_name(parser, "the name of a column");
        if (name == NULL)
            return false;
        if (!parser_accept_symbol(parser, '='))
            continue;
        uint32_t end = parser->next;
        while (end < parser->limit && !parser_is_symbol(parser, end, ',') &&
               !parser_is_symbol(parser, end, ')')) {
            uint32_t match = parser_token(parser, end)->match;
            end = match != TOKEN_NONE && match > end ? match + 1 : end + 1;
        }
        AstExpr *value = pg_tree_expression(parser, parser->next, end);
        if (value == NULL)
            return false;
        parser->next = end;
        parser_list_add_name(parser->arena, &names, name);
        *(AstExpr **)parser_list_add(parser->arena, &values, sizeof(AstExpr *)) = value;
    } while (parser_accept_symbol(parser, ','));
    insert->partition = names.items;
    insert->partition_values = values.items;
    insert->partition_count = names.count;
    return parser_expect_symbol(parser, ')');
}

bool ddl_read_insert(Parser *parser, AstInsert *insert)
{
    static const char *const words[] = {"INTO", "OVERWRITE"};
    static const char *const queries[] = {"SELECT", "VALUES", "WITH"};
    uint32_t first = parser->next;
    if (!parser_expect_word(parser, KW_INSERT))
        return false;
    insert->overwrite = parser_accept_word(parser, KW_OVERWRITE);
    if (!parser_accept_word(parser, KW_INTO) && !insert->overwrite)
        return parser_fail_at(parser, parser->next, words, array_count(words), "INTO");
    if (!parser_expect_path(parser, "the name of a table", &insert->table) ||
        !parser_read_hints(parser, parser_token(parser, parser->next - 1), &insert->hints,
                           &insert->hint_count))
        return false;
    if (parser_accept_word(parser, KW_PARTITION) && !ddl_partition(parser, insert))
        return false;
    if (parser_is_symbol(parser, parser->next, '(') && !ddl_at_query(parser) &&
        !parser_expect_name_list(parser, "the name of a column", &insert->columns,
                                 &insert->column_count))
        return false;
    if (!ddl_at_query(parser))
        return parser_fail_at(parser, parser->next, queries, array_count(queries),
                              "VALUES or a query");
    uint32_t end = ddl_query_end(parser);
    insert->query = pg_tree_query(parser, parser->next, end);
    if (insert->query == NULL)
        return false;
    parser->next = end;
    insert->place = parser_place(parser, first, parser->limit - 1);
    return ddl_on_conflict(parser, insert);
}

/* --------------------------------------------------------------------------- statement sets */

static const Keyword ddl_set_flink[] = {KW_EXECUTE, KW_STATEMENT, KW_SET, KW_BEGIN, KW_NONE};
static const Keyword ddl_set_bare[] = {KW_STATEMENT, KW_SET, KW_BEGIN, KW_NONE};
static const Keyword ddl_set_old[] = {KW_BEGIN, KW_STATEMENT, KW_SET, KW_NONE};

bool ddl_at_statement_set(const Parser *parser)
{
    return parser_peek_words(parser, ddl_set_flink) || parser_peek_words(parser, ddl_set_bare) ||
           parser_peek_words(parser, ddl_set_old);
}

bool ddl_read_statement_set(Parser *parser, AstStatement *statement)
{
    ParserList list = {0};
    statement->kind = AST_STATEMENT_SET;
    if (parser_accept_words(parser, ddl_set_old)) {
        if (!parser_expect_symbol(parser, ';'))
            return false;
    } else if (!parser_accept_words(parser, ddl_set_flink)) {
        parser_accept_words(parser, ddl_set_bare);
    }
    uint32_t limit = parser->limit;
    while (!parser_accept_word(parser, KW_END)) {
        if (parser_accept_symbol(parser, ';'))
            continue;
        parser_accept_word(parser, KW_EXECUTE);
        if (!parser_is_word(parser, parser->next, KW_INSERT))
            return parser_fail_expected(parser, "INSERT or END");
        uint32_t end = parser->next;
        while (end < limit && !parser_is_symbol(parser, end, ';'))
            end++;
        if (end == limit) {
            parser->next = end;
            return parser_fail_expected(parser, "\";\" and END");
        }
        parser->limit = end;
        bool fine =
            ddl_read_insert(parser, parser_list_add(parser->arena, &list, sizeof(AstInsert)));
        parser->limit = limit;
        if (!fine)
            return false;
        parser->next = end + 1;
    }
    if (list.count == 0) {
        parser->next--;
        return parser_fail_expected(parser, "an INSERT in the statement set");
    }
    statement->inserts = list.items;
    statement->insert_count = list.count;
    parser_accept_symbol(parser, ';');
    return parser_expect_end(parser);
}
