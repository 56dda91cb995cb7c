/* The short statements: SET, RESET, SHOW, DESCRIBE, USE, STOP JOB, HELP, QUIT, CLEAR. */
#include "parser/parser_internal.h"

#include <string.h>

#include "core/str.h"

/* The rest of the statement as written. */
static const char *ddl_rest(Parser *parser)
{
    Str text = parser_text(parser, parser->next, parser->limit - 1);
    parser->next = parser->limit;
    return arena_str(parser->arena, text);
}

/* An option's key: 'quoted', or everything up to '='. NULL with the error set. */
static const char *ddl_key(Parser *parser)
{
    const Token *token = parser_peek(parser);
    uint32_t first = parser->next;
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_NAME) {
        parser->next++;
        if (token->text_length != 0)
            return token->text;
        parser->next--;
    }
    while (parser_peek(parser)->kind == TOKEN_WORD || parser_peek(parser)->kind == TOKEN_NUMBER ||
           (parser->next != first && (parser_is_symbol(parser, parser->next, '.') ||
                                      parser_is_symbol(parser, parser->next, '-'))))
        parser->next++;
    if (parser->next == first) {
        parser_fail_expected(parser, "the name of an option in single quotes");
        return NULL;
    }
    Str key = parser_text(parser, first, parser->next - 1);
    for (size_t i = 0; i < key.length; i++) {
        if (key.data[i] == ' ' || key.data[i] == '\t' || key.data[i] == '\n') {
            parser_fail_at(parser, first + 1, NULL, 0, "\"=\" and a value");
            return NULL;
        }
    }
    return arena_str(parser->arena, key);
}

/* SET; SET 'key' = 'value'; SET key = value with the value up to the end as it stands. */
static bool ddl_read_set(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_SET_OPTION;
    if (parser_at_end(parser))
        return true;
    statement->key = ddl_key(parser);
    if (statement->key == NULL || !parser_expect_symbol(parser, '='))
        return false;
    if (parser_at_end(parser))
        return parser_fail_expected(parser, "a value in single quotes");
    const Token *token = parser_peek(parser);
    if (token->kind != TOKEN_STRING) {
        statement->value = ddl_rest(parser);
        return true;
    }
    parser->next++;
    statement->value = token->text;
    return parser_expect_end(parser);
}

static bool ddl_read_reset(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_RESET;
    if (parser_at_end(parser))
        return true;
    statement->key = ddl_key(parser);
    return statement->key != NULL && parser_expect_end(parser);
}

/* -------------------------------------------------------------------------------------- SHOW */

typedef struct DdlShow {
    const char *words;
    bool has_name;  /* a name must follow */
    bool from_name; /* FROM or IN and a name: required for COLUMNS */
    bool has_like;
} DdlShow;

static const DdlShow ddl_shows[] = {
    {"CREATE TABLE", true, false, false},
    {"CREATE VIEW", true, false, false},
    {"COLUMNS", false, true, true},
    {"TABLES", false, true, true},
    {"VIEWS", false, true, true},
    {"USER FUNCTIONS", false, true, true},
    {"FUNCTIONS", false, true, true},
    {"JOBS", false, false, false},
    {"JARS", false, false, false},
    {"MODULES", false, false, false},
    {"FULL MODULES", false, false, false},
    {"PROCEDURES", false, true, true},
    {"MODELS", false, true, true},
    {"MATERIALIZED TABLES", false, true, true},
    {"DATABASES", false, true, true},
    {"CATALOGS", false, false, true},
    {"CURRENT DATABASE", false, false, false},
    {"CURRENT CATALOG", false, false, false},
};

/* [[NOT] LIKE | ILIKE 'pattern'] */
static bool ddl_show_like(Parser *parser, AstStatement *statement)
{
    statement->like_negated = parser_accept_word(parser, KW_NOT);
    statement->like_nocase = parser_accept_word(parser, KW_ILIKE);
    if (!statement->like_nocase && !parser_accept_word(parser, KW_LIKE))
        return !statement->like_negated || parser_expect_word(parser, KW_LIKE);
    statement->like = parser_expect_string(parser, "a pattern in single quotes");
    return statement->like != NULL;
}

static bool ddl_show_rest(Parser *parser, AstStatement *statement, const DdlShow *show)
{
    statement->object = show->words;
    bool columns = strcmp(show->words, "COLUMNS") == 0;
    bool names = show->has_name;
    if (show->from_name) {
        names = parser_accept_word(parser, KW_FROM) || parser_accept_word(parser, KW_IN);
        if (!names && columns)
            return parser_fail_expected(parser, "FROM and the name of a table");
    }
    if (names && !parser_expect_path(parser, "a name", &statement->name))
        return false;
    if (show->has_like && !ddl_show_like(parser, statement))
        return false;
    return parser_expect_end(parser);
}

static bool ddl_read_show(Parser *parser, AstStatement *statement)
{
    static const char *const words[] = {"TABLES", "VIEWS",     "FUNCTIONS", "JOBS",
                                        "CREATE", "DATABASES", "CATALOGS",  "COLUMNS"};
    statement->kind = AST_STATEMENT_SHOW;
    for (size_t i = 0; i < array_count(ddl_shows); i++) {
        const char *at = ddl_shows[i].words;
        uint32_t count = 0;
        bool same = true;
        while (same && *at != '\0') {
            size_t length = strcspn(at, " ");
            const Token *token = parser_token(parser, parser->next + count++);
            same = token->kind == TOKEN_WORD &&
                   str_equal_nocase((Str){token->text, token->text_length}, (Str){at, length});
            at += length;
            at += *at == ' ';
        }
        if (!same)
            continue;
        parser->next += count;
        return ddl_show_rest(parser, statement, &ddl_shows[i]);
    }
    return parser_fail_at(parser, parser->next, words, array_count(words),
                          "TABLES, VIEWS, COLUMNS FROM, CREATE TABLE, FUNCTIONS or JOBS");
}

/* ------------------------------------------------------------------------------ the others */

static bool ddl_read_describe(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_DESCRIBE;
    statement->object = "TABLE";
    bool function = parser_is_word(parser, parser->next, KW_FUNCTION);
    if ((function || parser_is_word(parser, parser->next, KW_CATALOG)) &&
        parser_token(parser, parser->next + 1)->kind != TOKEN_END) {
        parser->next++;
        statement->object = function ? "FUNCTION" : "CATALOG";
        statement->extended = parser_accept_word(parser, KW_EXTENDED);
        return parser_expect_path(parser, function ? "the name of a function" : "default_catalog",
                                  &statement->name) &&
               parser_expect_end(parser);
    }
    if (parser_is_word(parser, parser->next, KW_JOB) &&
        parser_token(parser, parser->next + 1)->kind == TOKEN_STRING) {
        parser->next++;
        statement->object = "JOB";
        statement->value = parser_expect_string(parser, "the job's id in single quotes");
        return statement->value != NULL && parser_expect_end(parser);
    }
    /* As in Flink, it says nothing more of a table. */
    if (parser_is_word(parser, parser->next, KW_EXTENDED) &&
        parser_is_name(parser_token(parser, parser->next + 1)))
        parser->next++;
    if (!parser_expect_path(parser, "the name of a table or view", &statement->name))
        return false;
    return parser_expect_end(parser);
}

static bool ddl_read_use(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_USE;
    statement->object = "DATABASE";
    if (parser_is_word(parser, parser->next, KW_CATALOG) &&
        parser_token(parser, parser->next + 1)->kind != TOKEN_END) {
        parser->next++;
        statement->object = "CATALOG";
    }
    return parser_expect_path(parser, "the name of a database", &statement->name) &&
           parser_expect_end(parser);
}

/* STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN] */
static bool ddl_read_stop(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_STOP_JOB;
    if (!parser_expect_word(parser, KW_JOB))
        return false;
    statement->value = parser_expect_string(parser, "the job's id in single quotes");
    if (statement->value == NULL)
        return false;
    while (parser_accept_word(parser, KW_WITH)) {
        if (parser_accept_word(parser, KW_SAVEPOINT))
            statement->with_savepoint = true;
        else if (parser_accept_word(parser, KW_DRAIN))
            statement->with_drain = true;
        else
            return parser_fail_expected(parser, "SAVEPOINT or DRAIN");
    }
    if (statement->with_drain && !statement->with_savepoint) {
        parser_fail_at(parser, parser->next - 1, NULL, 0, NULL);
        return error_hint(parser->error, "WITH DRAIN goes with WITH SAVEPOINT.");
    }
    return parser_expect_end(parser);
}

static bool ddl_read_word(Parser *parser, AstStatement *statement, AstStatementKind kind)
{
    statement->kind = kind;
    return parser_expect_end(parser);
}

bool ddl_read_utility(Parser *parser, AstStatement *statement, bool *found)
{
    *found = true;
    const Token *word = parser_peek(parser);
    parser->next++;
    switch (word->kind == TOKEN_WORD ? word->keyword : KW_NONE) {
    case KW_SET:
        return ddl_read_set(parser, statement);
    case KW_RESET:
        return ddl_read_reset(parser, statement);
    case KW_SHOW:
        return ddl_read_show(parser, statement);
    case KW_DESCRIBE:
    case KW_DESC:
        return ddl_read_describe(parser, statement);
    case KW_USE:
        return ddl_read_use(parser, statement);
    case KW_STOP:
        return ddl_read_stop(parser, statement);
    case KW_HELP:
        return ddl_read_word(parser, statement, AST_STATEMENT_HELP);
    case KW_QUIT:
    case KW_EXIT:
        return ddl_read_word(parser, statement, AST_STATEMENT_QUIT);
    case KW_CLEAR:
        return ddl_read_word(parser, statement, AST_STATEMENT_CLEAR);
    default:
        parser->next--;
        *found = false;
        return true;
    }
}
