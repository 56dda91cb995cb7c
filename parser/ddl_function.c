/* CREATE, ALTER and DROP FUNCTION. */
#include "parser/parser_internal.h"

/* The languages Flink knows, refused by name. */
static bool ddl_function_language(Parser *parser)
{
    static const char *const others[] = {"JAVA", "SCALA", "PYTHON", "SQL"};
    if (!parser_accept_text(parser, "LANGUAGE") || parser_accept_text(parser, "C"))
        return true;
    for (size_t i = 0; i < array_count(others); i++) {
        if (parser_accept_text(parser, others[i]))
            return parser_fail_unsupported(parser, parser->next - 2, parser->next - 1,
                                           "a function in another language than C",
                                           "Write LANGUAGE C USING LIBRARY 'file.so'.");
    }
    return parser_fail_expected(parser, "the language, C");
}

/* USING LIBRARY 'file.so' */
static bool ddl_function_library(Parser *parser, AstFunction *function)
{
    if (!parser_accept_word(parser, KW_USING))
        return function->action == AST_FUNCTION_ALTER ||
               parser_fail_expected(parser, "USING LIBRARY 'file.so'");
    if (parser_is_word(parser, parser->next, KW_JAR) || parser_accept_text(parser, "ARTIFACT")) {
        uint32_t last =
            parser_is_word(parser, parser->next, KW_JAR) ? parser->next : parser->next - 1;
        return parser_fail_unsupported(parser, last - 1, last, "a function in a JAR",
                                       "Write LANGUAGE C USING LIBRARY 'file.so'.");
    }
    if (!parser_accept_text(parser, "LIBRARY"))
        return parser_fail_expected(parser, "LIBRARY 'file.so'");
    uint32_t token = parser->next;
    function->library = parser_expect_string(parser, "the library's file in single quotes");
    function->library_place = parser_place(parser, token, token);
    return function->library != NULL;
}

bool ddl_read_function(Parser *parser, AstStatement *statement, AstFunctionAction action,
                       bool temporary)
{
    static const Keyword if_exists[] = {KW_IF, KW_EXISTS, KW_NONE};
    static const Keyword if_not_exists[] = {KW_IF, KW_NOT, KW_EXISTS, KW_NONE};
    AstFunction *function = arena_new_one(parser->arena, AstFunction);
    statement->kind = AST_STATEMENT_FUNCTION;
    statement->function = function;
    function->action = action;
    function->temporary = temporary;
    function->if_exists =
        parser_accept_words(parser, action == AST_FUNCTION_CREATE ? if_not_exists : if_exists);
    if (!parser_expect_path(parser, "the name of a function", &function->name))
        return false;
    if (action == AST_FUNCTION_DROP)
        return parser_expect_end(parser);
    if (!parser_expect_word(parser, KW_AS))
        return false;
    uint32_t token = parser->next;
    function->symbol = parser_expect_string(parser, "the function's name in its library");
    function->symbol_place = parser_place(parser, token, token);
    return function->symbol != NULL && ddl_function_language(parser) &&
           ddl_function_library(parser, function) && parser_expect_end(parser);
}
