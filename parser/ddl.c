/* Which statement it is, and the ones that have no file of their own: DROP, EXPLAIN, and what Flink
 * has and Weir has not, refused by name. */
#include "parser/parser_internal.h"

#include <string.h>

/* Every word that begins a statement, for "did you mean". */
static const char *const ddl_first_words[] = {
    "SELECT",   "INSERT", "CREATE",  "DROP",  "SET",    "RESET",   "SHOW",
    "DESCRIBE", "DESC",   "EXPLAIN", "ALTER", "USE",    "STOP",    "WITH",
    "HELP",     "QUIT",   "EXIT",    "CLEAR", "VALUES", "EXECUTE", "BEGIN"};

/* Statements of Flink and of other databases that Weir does not have. */
static const struct {
    const char *words; /* as the statement begins */
    const char *hint;
} ddl_refused[] = {
    {"CREATE CATALOG", "Weir has one catalog; declare tables with CREATE TABLE."},
    {"CREATE DATABASE", "Weir has one database; declare tables with CREATE TABLE."},
    {"CREATE TEMPORARY MODEL", NULL},
    {"CREATE MODEL", NULL},
    {"CREATE MATERIALIZED TABLE",
     "Use CREATE TABLE and an INSERT INTO that keeps the table up to date."},
    {"CREATE OR ALTER MATERIALIZED TABLE",
     "Use CREATE TABLE and an INSERT INTO that keeps the table up to date."},
    {"CREATE MATERIALIZED VIEW",
     "Use CREATE TABLE and an INSERT INTO that keeps the table up to date."},
    {"CREATE OR REPLACE", "Use DROP … IF EXISTS and CREATE."},
    {"CREATE CONNECTION", NULL},
    {"CREATE TEMPORARY CONNECTION", NULL},
    {"CREATE SOURCE", "Use CREATE TABLE with the options of a connector that reads."},
    {"CREATE SINK", "Use CREATE TABLE with the options of a connector that writes."},
    {"CREATE INDEX", NULL},
    {"REPLACE TABLE", "Use DROP TABLE and CREATE TABLE."},
    {"ALTER DATABASE", "Weir has one database; ALTER TABLE and ALTER VIEW are supported."},
    {"ALTER CATALOG", "Weir has one catalog; ALTER TABLE and ALTER VIEW are supported."},
    {"ALTER MODEL", NULL},
    {"ALTER CONNECTION", NULL},
    {"ALTER MATERIALIZED TABLE", NULL},
    {"DROP CATALOG", "There is one catalog, default_catalog."},
    {"DROP DATABASE", "There is one database, default_database."},
    {"DROP MODEL", NULL},
    {"DROP TEMPORARY MODEL", NULL},
    {"DROP CONNECTION", NULL},
    {"DROP MATERIALIZED TABLE", NULL},
    {"UPDATE", "Rows change where they come from; a query follows them."},
    {"DELETE", "Rows change where they come from; a query follows them."},
    {"MERGE", "Use INSERT INTO a table with a PRIMARY KEY, which updates by key."},
    {"TRUNCATE", "Rows go where they came from; a query follows them."},
    {"COMPILE", "A job with a checkpoint folder keeps its plan: started again, it goes on."},
    {"EXECUTE PLAN", "Run the INSERT itself; with a checkpoint folder it goes on where it was."},
    {"CALL", "There are no procedures."},
    {"LOAD MODULE", "Functions are built in: leave the statement out."},
    {"UNLOAD MODULE", "Functions are built in."},
    {"USE MODULES", "Functions are built in: leave the statement out."},
    {"ANALYZE", "No statistics of tables are kept, and none are needed."},
    {"ADD JAR", "Connectors and functions are built in: leave the statement out."},
    {"REMOVE JAR", "Connectors and functions are built in: leave the statement out."},
    {"SHOW CONNECTIONS", NULL},
    {"SHOW PARTITIONS", "List the folders of the table with your shell."},
    {"SHOW CREATE CATALOG", NULL},
    {"SHOW CREATE MODEL", NULL},
    {"SHOW CREATE CONNECTION", NULL},
    {"SHOW CREATE MATERIALIZED TABLE", NULL},
    {"DESCRIBE DATABASE", NULL},
    {"DESCRIBE MODEL", NULL},
    {"DESCRIBE CONNECTION", NULL},
    {"DESC DATABASE", NULL},
    {"DESC MODEL", NULL},
    {"GRANT", NULL},
    {"REVOKE", NULL},
    {"COMMIT", "Every statement stands for itself."},
    {"ROLLBACK", "Every statement stands for itself."},
    {"COPY", "Use the filesystem connector and INSERT INTO."},
};

/* How many tokens the words cover when the statement begins with them, else 0. */
static uint32_t ddl_begins_with(const Parser *parser, const char *words)
{
    uint32_t count = 0;
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        const Token *token = parser_token(parser, parser->next + count);
        if (token->kind != TOKEN_WORD || token->text_length != length ||
            strncasecmp(token->text, words, length) != 0)
            return 0;
        words += length;
        words += *words == ' ';
        count++;
    }
    return count;
}

/* "DESCRIBE catalog" is a table of that name: what is refused has a name behind it. */
static bool ddl_check_refused(const Parser *parser)
{
    for (size_t i = 0; i < array_count(ddl_refused); i++) {
        const char *words = ddl_refused[i].words;
        uint32_t count = ddl_begins_with(parser, words);
        bool describes = strncmp(words, "DESC", 4) == 0;
        if (count == 0 || (describes && parser->next + count >= parser->limit))
            continue;
        return parser_fail_unsupported(parser, parser->next, parser->next + count - 1, words,
                                       ddl_refused[i].hint);
    }
    return true;
}

bool ddl_accept_function(Parser *parser, bool temporary)
{
    static const Keyword system_function[] = {KW_SYSTEM, KW_FUNCTION, KW_NONE};
    return parser_accept_word(parser, KW_FUNCTION) ||
           (temporary && parser_accept_words(parser, system_function));
}

static bool ddl_read_drop(Parser *parser, AstStatement *statement)
{
    static const Keyword if_exists[] = {KW_IF, KW_EXISTS, KW_NONE};
    static const char *const objects[] = {"TABLE", "VIEW", "FUNCTION"};
    parser->next++;
    statement->kind = AST_STATEMENT_DROP;
    statement->temporary = parser_accept_word(parser, KW_TEMPORARY);
    if (ddl_accept_function(parser, statement->temporary))
        return ddl_read_function(parser, statement, AST_FUNCTION_DROP, statement->temporary);
    if (parser_accept_word(parser, KW_TABLE))
        statement->object = "TABLE";
    else if (parser_accept_word(parser, KW_VIEW))
        statement->object = "VIEW";
    else
        return parser_fail_at(parser, parser->next, objects, array_count(objects),
                              "TABLE, VIEW or FUNCTION");
    statement->if_exists = parser_accept_words(parser, if_exists);
    return parser_expect_path(parser, "a name", &statement->name) && parser_expect_end(parser);
}

static bool ddl_read_create(Parser *parser, AstStatement *statement)
{
    static const char *const objects[] = {"TABLE", "VIEW", "FUNCTION", "TEMPORARY"};
    parser->next++;
    bool temporary = parser_accept_word(parser, KW_TEMPORARY);
    if (parser_accept_word(parser, KW_TABLE))
        return ddl_read_create_table(parser, statement, temporary);
    if (parser_accept_word(parser, KW_VIEW))
        return ddl_read_create_view(parser, statement, temporary);
    if (ddl_accept_function(parser, temporary))
        return ddl_read_function(parser, statement, AST_FUNCTION_CREATE, temporary);
    return parser_fail_at(parser, parser->next, objects, array_count(objects),
                          "TABLE, VIEW or FUNCTION");
}

static bool ddl_read_query(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_QUERY;
    statement->query = pg_tree_query(parser, parser->next, parser->limit);
    parser->next = parser->limit;
    return statement->query != NULL;
}

static bool ddl_read_one_insert(Parser *parser, AstStatement *statement)
{
    statement->kind = AST_STATEMENT_INSERT;
    statement->inserts = arena_new_one(parser->arena, AstInsert);
    statement->insert_count = 1;
    return ddl_read_insert(parser, statement->inserts);
}

/* [PLAN FOR | CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE] */
static bool ddl_explain_details(Parser *parser, AstStatement *statement)
{
    static const char *const details[] = {"CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"};
    static const Keyword plan_for[] = {KW_PLAN, KW_FOR, KW_NONE};
    if (parser_accept_words(parser, plan_for))
        return true;
    bool more = false;
    do {
        if (parser_is_word(parser, parser->next, KW_ESTIMATED_COST))
            return parser_fail_unsupported(parser, parser->next, parser->next, "ESTIMATED_COST",
                                           "No statistics of tables are kept. CHANGELOG_MODE shows "
                                           "what each operator keeps and how that grows.");
        if (parser_accept_word(parser, KW_CHANGELOG_MODE))
            statement->explain_changelog_mode = true;
        else if (parser_accept_word(parser, KW_JSON_EXECUTION_PLAN))
            statement->explain_json = true;
        else if (parser_accept_word(parser, KW_PLAN_ADVICE))
            statement->explain_advice = true;
        else if (more)
            return parser_fail_at(parser, parser->next, details, array_count(details), NULL);
        more = parser_accept_symbol(parser, ',');
    } while (more);
    return true;
}

static bool ddl_read_explain(Parser *parser, AstStatement *statement)
{
    static const char *const words[] = {"SELECT",         "INSERT",         "CREATE",
                                        "CHANGELOG_MODE", "ESTIMATED_COST", "WITH",
                                        "EXECUTE",        "PLAN",           "VALUES"};
    parser->next++;
    statement->kind = AST_STATEMENT_EXPLAIN;
    if (!ddl_explain_details(parser, statement))
        return false;
    AstStatement *explained = arena_new_one(parser->arena, AstStatement);
    statement->explained = explained;
    uint32_t first = parser->next;
    bool fine;
    if (ddl_at_statement_set(parser)) {
        fine = ddl_read_statement_set(parser, explained);
    } else {
        parser_accept_word(parser, KW_EXECUTE);
        if (ddl_at_query(parser))
            fine = ddl_read_query(parser, explained);
        else if (parser_is_word(parser, parser->next, KW_INSERT))
            fine = ddl_read_one_insert(parser, explained);
        else if (parser_is_word(parser, parser->next, KW_CREATE))
            fine = ddl_check_refused(parser) && ddl_read_create(parser, explained);
        else
            fine = parser_fail_at(parser, parser->next, words, array_count(words),
                                  "a query, INSERT or a statement set");
    }
    if (!fine)
        return false;
    explained->place = parser_place(parser, first, parser->limit - 1);
    bool plans = explained->kind != AST_STATEMENT_CREATE_VIEW &&
                 explained->kind != AST_STATEMENT_FUNCTION &&
                 (explained->kind != AST_STATEMENT_CREATE_TABLE ||
                  explained->create_table->as_query != NULL);
    return plans || parser_fail_unsupported(parser, first, first + 1,
                                            "EXPLAIN of a statement that runs nothing",
                                            "Explain a query or an INSERT.");
}

bool ddl_read_statement(Parser *parser, AstStatement *statement)
{
    if (ddl_at_statement_set(parser))
        return ddl_read_statement_set(parser, statement);
    if (!ddl_check_refused(parser))
        return false;
    uint32_t first = parser->next;
    if (parser_accept_word(parser, KW_EXECUTE) && !ddl_at_query(parser) &&
        !parser_is_word(parser, parser->next, KW_INSERT))
        return parser_fail_expected(parser, "INSERT, SELECT or STATEMENT SET");
    if (ddl_at_query(parser))
        return ddl_read_query(parser, statement);
    switch (parser_peek(parser)->keyword) {
    case KW_INSERT:
        return ddl_read_one_insert(parser, statement);
    case KW_CREATE:
        return ddl_read_create(parser, statement);
    case KW_ALTER:
        return ddl_read_alter(parser, statement);
    case KW_DROP:
        return ddl_read_drop(parser, statement);
    case KW_EXPLAIN:
        return ddl_read_explain(parser, statement);
    default:
        break;
    }
    bool found = false;
    if (!ddl_read_utility(parser, statement, &found))
        return false;
    return found || parser_fail_at(parser, first, ddl_first_words, array_count(ddl_first_words),
                                   "a statement such as SELECT, INSERT INTO or CREATE TABLE");
}
