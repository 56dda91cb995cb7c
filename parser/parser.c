/* The four entries of the parser: a statement, a query's expression, a type, all over one list of
 * tokens. */
#include "parser/parser.h"

#include "parser/parser_internal.h"

static bool parser_begin(Parser *parser, Str text, size_t start, size_t end, Arena *arena,
                         Error *error)
{
    *parser = (Parser){.script = text, .arena = arena, .error = error};
    if (!lexer_scan(text, start, end, arena, &parser->tokens, error))
        return false;
    parser->limit = parser->tokens.count;
    return true;
}

const AstStatement *parser_parse(Str script, size_t start, size_t end, Arena *arena, Error *error)
{
    Parser parser;
    if (!parser_begin(&parser, script, start, end, arena, error))
        return NULL;
    if (parser.limit == 0) {
        error_set(error, ERROR_SYNTAX, "the statement is empty");
        error_at(error, (int64_t)start, (int64_t)(end - start));
        return NULL;
    }
    AstStatement *statement = arena_new_one(arena, AstStatement);
    statement->place = parser_place(&parser, 0, parser.limit - 1);
    if (!ddl_read_statement(&parser, statement) || !parser_expect_end(&parser) ||
        !parser_check_hints(&parser))
        return NULL;
    return statement;
}

const Type *parser_parse_type(Str text, Arena *arena, Error *error)
{
    Parser parser;
    if (!parser_begin(&parser, text, 0, text.length, arena, error))
        return NULL;
    const Type *type = parser_read_type(&parser);
    return type != NULL && parser_expect_end(&parser) && parser_check_hints(&parser) ? type : NULL;
}

const AstExpr *parser_parse_expression(Str text, Arena *arena, Error *error)
{
    Parser parser;
    if (!parser_begin(&parser, text, 0, text.length, arena, error))
        return NULL;
    const AstExpr *expr = pg_tree_expression(&parser, 0, parser.limit);
    return expr != NULL && parser_check_hints(&parser) ? expr : NULL;
}
