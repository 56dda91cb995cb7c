/* ALTER TABLE and ALTER VIEW, and which ALTER it is. */
#include "parser/parser_internal.h"

static bool ddl_one_name(Parser *parser, AstAlter *alter)
{
    const char **names = arena_new_array(parser->arena, const char *, 2);
    names[0] = parser_expect_name(parser, "the name of a column");
    alter->names = names;
    alter->name_count = 1;
    return names[0] != NULL;
}

/* RENAME TO t2; RENAME a TO b */
static bool ddl_alter_rename(Parser *parser, AstAlter *alter)
{
    alter->kind = AST_ALTER_RENAME;
    if (parser_accept_word(parser, KW_TO))
        return parser_expect_path(parser, "the new name", &alter->to);
    alter->kind = AST_ALTER_RENAME_COLUMN;
    if (alter->is_view)
        return parser_fail_expected(parser, "TO and the new name");
    const char **names = arena_new_array(parser->arena, const char *, 2);
    names[0] = parser_expect_name(parser, "the name of a column");
    if (names[0] == NULL || !parser_expect_word(parser, KW_TO))
        return false;
    names[1] = parser_expect_name(parser, "the new name of the column");
    alter->names = names;
    alter->name_count = 2;
    return names[1] != NULL;
}

/* RESET ('key', …) */
static bool ddl_alter_reset(Parser *parser, AstAlter *alter)
{
    ParserList list = {0};
    alter->kind = AST_ALTER_RESET;
    if (!parser_expect_symbol(parser, '('))
        return false;
    do {
        const char *key = parser_expect_string(parser, "the name of an option in single quotes");
        if (key == NULL)
            return false;
        parser_list_add_name(parser->arena, &list, key);
    } while (parser_accept_symbol(parser, ','));
    alter->names = list.items;
    alter->name_count = list.count;
    return parser_expect_symbol(parser, ')');
}

/* DROP a; DROP (a, b); DROP PRIMARY KEY; DROP CONSTRAINT n; DROP WATERMARK */
static bool ddl_alter_drop(Parser *parser, AstAlter *alter)
{
    static const Keyword primary_key[] = {KW_PRIMARY, KW_KEY, KW_NONE};
    if (parser_accept_words(parser, primary_key)) {
        alter->kind = AST_ALTER_DROP_KEY;
        return true;
    }
    if (parser_accept_word(parser, KW_CONSTRAINT)) {
        alter->kind = AST_ALTER_DROP_KEY;
        return ddl_one_name(parser, alter);
    }
    if (parser_accept_word(parser, KW_WATERMARK)) {
        alter->kind = AST_ALTER_DROP_WATERMARK;
        return true;
    }
    alter->kind = AST_ALTER_DROP_COLUMNS;
    if (parser_is_symbol(parser, parser->next, '('))
        return parser_expect_name_list(parser, "the name of a column", &alter->names,
                                       &alter->name_count);
    return ddl_one_name(parser, alter);
}

static bool ddl_alter_action(Parser *parser, AstAlter *alter)
{
    static const char *const words[] = {"ADD", "MODIFY", "DROP", "RENAME", "SET", "RESET"};
    AstCreateTable *changed = arena_new_one(parser->arena, AstCreateTable);
    alter->changed = changed;
    bool modifies = parser_accept_text(parser, "MODIFY");
    if (modifies || parser_accept_text(parser, "ADD")) {
        alter->kind = modifies ? AST_ALTER_MODIFY : AST_ALTER_ADD;
        return ddl_read_elements(parser, changed);
    }
    if (parser_accept_word(parser, KW_DROP))
        return ddl_alter_drop(parser, alter);
    if (parser_accept_text(parser, "RENAME"))
        return ddl_alter_rename(parser, alter);
    if (parser_accept_word(parser, KW_SET)) {
        alter->kind = AST_ALTER_SET;
        return parser_read_options(parser, &changed->options);
    }
    if (parser_accept_word(parser, KW_RESET))
        return ddl_alter_reset(parser, alter);
    return parser_fail_at(parser, parser->next, words, array_count(words),
                          "ADD, MODIFY, DROP, RENAME, SET or RESET");
}

/* ALTER VIEW v RENAME TO w; ALTER VIEW v AS query */
static bool ddl_alter_view(Parser *parser, AstAlter *alter)
{
    if (parser_accept_text(parser, "RENAME"))
        return ddl_alter_rename(parser, alter);
    if (!parser_accept_word(parser, KW_AS))
        return parser_fail_expected(parser, "RENAME TO or AS and a query");
    alter->kind = AST_ALTER_QUERY;
    alter->view = arena_new_one(parser->arena, AstCreateView);
    alter->view->name = alter->name;
    alter->view->query = pg_tree_query(parser, parser->next, parser->limit);
    if (alter->view->query == NULL)
        return false;
    alter->view->query_text = parser_text(parser, parser->next, parser->limit - 1);
    parser->next = parser->limit;
    return true;
}

bool ddl_read_alter(Parser *parser, AstStatement *statement)
{
    static const char *const objects[] = {"TABLE", "VIEW", "FUNCTION"};
    static const Keyword if_exists[] = {KW_IF, KW_EXISTS, KW_NONE};
    AstAlter *alter = arena_new_one(parser->arena, AstAlter);
    parser->next++;
    bool temporary = parser_accept_word(parser, KW_TEMPORARY);
    if (ddl_accept_function(parser, temporary))
        return ddl_read_function(parser, statement, AST_FUNCTION_ALTER, temporary);
    if (temporary)
        return parser_fail_at(parser, parser->next, NULL, 0, "FUNCTION");
    statement->kind = AST_STATEMENT_ALTER;
    statement->alter = alter;
    alter->is_view = parser_accept_word(parser, KW_VIEW);
    if (!alter->is_view && !parser_accept_word(parser, KW_TABLE))
        return parser_fail_at(parser, parser->next, objects, array_count(objects),
                              "TABLE, VIEW or FUNCTION");
    alter->if_exists = parser_accept_words(parser, if_exists);
    return parser_expect_path(parser, "a name", &alter->name) &&
           (alter->is_view ? ddl_alter_view(parser, alter) : ddl_alter_action(parser, alter)) &&
           parser_expect_end(parser);
}
