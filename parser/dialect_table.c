/* What is special about tables: TABLE( … ) and TABLE t, FOR SYSTEM_TIME AS OF, rows of VALUES. */
#include "parser/dialect.h"

/* Words that continue a FROM clause or the query; LEFT( and RIGHT( are functions. */
static bool dialect_stops_as_of(const Dialect *dialect, uint32_t at)
{
    static const Keyword stops[] = {
        KW_AS,      KW_ON,    KW_JOIN,  KW_LEFT,      KW_RIGHT,  KW_INNER,   KW_CROSS, KW_USING,
        KW_NATURAL, KW_WHERE, KW_GROUP, KW_HAVING,    KW_WINDOW, KW_QUALIFY, KW_ORDER, KW_LIMIT,
        KW_OFFSET,  KW_FETCH, KW_UNION, KW_INTERSECT, KW_EXCEPT, KW_FOR,     KW_FULL};
    const Token *token = parser_token(dialect->parser, at);
    if (token->symbol == ',' || token->symbol == ')' || token->symbol == ']')
        return true;
    bool call = dialect_is_symbol(dialect, at + 1, '(') &&
                (token->keyword == KW_LEFT || token->keyword == KW_RIGHT);
    for (size_t i = 0; i < array_count(stops); i++) {
        if (dialect_is_word(dialect, at, stops[i]))
            return !call;
    }
    return false;
}

/* Where the point in time ends: in front of the alias or of whatever continues the FROM clause. */
static bool dialect_as_of_end(Dialect *dialect, uint32_t from, uint32_t *end)
{
    Token *tokens = dialect->parser->tokens.items;
    bool operand = false; /* the token before ends an operand, so a name now is the alias */
    uint32_t at = from;
    while (at < dialect->parser->limit && !dialect_stops_as_of(dialect, at)) {
        const Token *token = &tokens[at];
        if (operand && parser_is_name(token) && !dialect_is_symbol(dialect, at - 1, '.'))
            break;
        if (!parser_read_literal(dialect->parser, at))
            return false;
        bool open = token->symbol == '(' || token->symbol == '[';
        operand = open || token->kind != TOKEN_SYMBOL;
        at = open ? token->match : token->type != NULL ? token->last : at;
        at++;
    }
    *end = at;
    return true;
}

/* [AS] alias [(columns)] */
static uint32_t dialect_alias_end(Dialect *dialect, uint32_t at)
{
    if (dialect_is_word(dialect, at, KW_AS))
        at++;
    if (!dialect_is_alias(dialect, at))
        return at;
    at++;
    if (dialect_is_symbol(dialect, at, '('))
        at = dialect->parser->tokens.items[at].match + 1;
    return at;
}

/* PostgreSQL wants a sample clause behind the alias, Flink the point in time before it. */
bool dialect_write_as_of(Dialect *dialect, uint32_t *at)
{
    uint32_t place = *at;
    uint32_t from = place + 4;
    if (!dialect_is_word(dialect, place + 2, KW_AS))
        return parser_fail_at(dialect->parser, place + 2, NULL, 0, "AS OF");
    if (!dialect_is_word(dialect, place + 3, KW_OF))
        return parser_fail_at(dialect->parser, place + 3, NULL, 0, "OF");
    uint32_t end;
    if (!dialect_as_of_end(dialect, from, &end))
        return false;
    if (end == from)
        return parser_fail_at(dialect->parser, from, NULL, 0,
                              "a point in time, as in FOR SYSTEM_TIME AS OF o.proc_time");
    uint32_t behind = dialect_alias_end(dialect, end);
    if (!dialect_write_range(dialect, end, behind))
        return false;
    dialect_put(dialect, place, "TABLESAMPLE");
    dialect_put_holder(dialect, 'o', place);
    dialect_put(dialect, place, "(");
    if (!dialect_write_range(dialect, from, end))
        return false;
    dialect_put(dialect, end - 1, ")");
    *at = behind;
    return true;
}

/* The end of a name of several parts that begins at the token; `at` itself when there is none. */
static uint32_t dialect_path_end(const Dialect *dialect, uint32_t at)
{
    const Parser *parser = dialect->parser;
    if (!parser_is_name(parser_token(parser, at)))
        return at;
    at++;
    while (dialect_is_symbol(dialect, at, '.') &&
           (parser_token(parser, at + 1)->kind == TOKEN_NAME ||
            parser_token(parser, at + 1)->kind == TOKEN_WORD))
        at += 2;
    return at;
}

/* FROM TABLE(f( … )): the function alone says it all. */
static bool dialect_unwrap_table(Dialect *dialect, uint32_t *at)
{
    uint32_t open = *at + 1;
    const Token *tokens = dialect->parser->tokens.items;
    uint32_t call = dialect_path_end(dialect, open + 1);
    bool fits =
        dialect_is_symbol(dialect, call, '(') && tokens[call].match + 1 == tokens[open].match;
    if (!fits)
        return parser_fail_at(dialect->parser, open + 1, NULL, 0,
                              "a table function, as in TABLE(TUMBLE(TABLE t, …))");
    *at = open + 1;
    return dialect_push(dialect, FRAME_UNWRAP, open, 0);
}

/* Behind TABLE t: PARTITION BY k [ORDER BY o], up to the next argument. */
static bool dialect_write_argument_window(Dialect *dialect, uint32_t table, uint32_t *at)
{
    bool partition = dialect_is_word(dialect, *at, KW_PARTITION);
    if (!partition && !dialect_is_word(dialect, *at, KW_ORDER))
        return true;
    uint32_t end = *at;
    const Token *tokens = dialect->parser->tokens.items;
    while (end < dialect->parser->limit && tokens[end].symbol != ',' && tokens[end].symbol != ')') {
        bool open = tokens[end].symbol == '(' || tokens[end].symbol == '[';
        end = open ? tokens[end].match + 1 : end + 1;
    }
    dialect_put(dialect, table, "OVER (");
    if (!dialect_write_range(dialect, *at, end))
        return false;
    dialect_put(dialect, end - 1, ")");
    *at = end;
    return true;
}

/* TABLE t and TABLE (query) as arguments. */
static bool dialect_write_table_argument(Dialect *dialect, uint32_t *at)
{
    uint32_t table = (*at)++;
    uint32_t end = dialect_path_end(dialect, *at);
    dialect_put_holder(dialect, 'a', table);
    dialect_put(dialect, table, "(");
    if (dialect_is_symbol(dialect, *at, '(') && dialect_holds_query(dialect, *at)) {
        end = dialect->parser->tokens.items[*at].match + 1;
        if (!dialect_write_range(dialect, *at, end))
            return false;
    } else if (end == *at) {
        return parser_fail_at(dialect->parser, *at, NULL, 0, "the name of a table");
    } else {
        dialect_put(dialect, table, "( SELECT");
        dialect_put_holder(dialect, 's', table);
        dialect_put(dialect, table, ", * FROM");
        if (!dialect_write_range(dialect, *at, end))
            return false;
        dialect_put(dialect, end - 1, ")");
    }
    dialect_put(dialect, end - 1, ")");
    *at = end;
    if (!dialect_write_argument_window(dialect, table, at))
        return false;
    dialect->parser->tokens.items[table].last = *at - 1;
    return true;
}

bool dialect_write_table_word(Dialect *dialect, uint32_t *at)
{
    if (dialect_at_table(dialect, *at) && dialect_is_symbol(dialect, *at + 1, '('))
        return dialect_unwrap_table(dialect, at);
    FrameKind kind = dialect_frame(dialect)->kind;
    if (kind == FRAME_CALL)
        return dialect_write_table_argument(dialect, at);
    return parser_fail_at(dialect->parser, *at, NULL, 0, NULL);
}

/* -------------------------------------------------------------------------- VALUES rows */

static bool dialect_ends_row(const Dialect *dialect, uint32_t token)
{
    static const Keyword words[] = {KW_UNION, KW_INTERSECT, KW_EXCEPT, KW_ORDER,
                                    KW_LIMIT, KW_OFFSET,    KW_FETCH};
    if (token >= dialect->end || dialect_is_symbol(dialect, token, ',') ||
        dialect_is_symbol(dialect, token, ')'))
        return true;
    for (size_t i = 0; i < array_count(words); i++) {
        if (dialect_is_word(dialect, token, words[i]))
            return true;
    }
    return false;
}

/* A row is "( … )", "ROW( … )" or, with one column, a bare expression. */
bool dialect_write_row_head(Dialect *dialect, uint32_t *at)
{
    uint32_t row = *at;
    uint32_t open = dialect_is_word(dialect, row, KW_ROW) ? row + 1 : row;
    bool bracketed = dialect_is_symbol(dialect, open, '(') &&
                     dialect_ends_row(dialect, dialect->parser->tokens.items[open].match + 1);
    if (!bracketed) {
        dialect_put(dialect, row, "(");
        dialect_put_holder(dialect, 'v', row);
        dialect_put(dialect, row, ",");
        dialect_frame(dialect)->row_open = true;
        return true;
    }
    if (!dialect_push(dialect, FRAME_GROUP, open, 5))
        return false;
    dialect_put(dialect, open, "(");
    dialect_put_holder(dialect, 'v', row);
    dialect_put(dialect, open, ",");
    *at = open + 1;
    return true;
}
