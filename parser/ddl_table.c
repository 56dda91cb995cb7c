/* CREATE TABLE and CREATE VIEW. */
#include "parser/parser_internal.h"

#include <string.h>
#include <strings.h>

#include "core/str.h"

typedef struct DdlTable {
    Parser *parser;
    AstCreateTable *create;
    ParserList columns;
    bool alters;      /* columns may say where they go */
    uint32_t untyped; /* the token of a column without a type; 0: none */
} DdlTable;

bool ddl_at_query(const Parser *parser)
{
    uint32_t at = parser->next;
    while (parser_is_symbol(parser, at, '('))
        at++;
    return parser_is_word(parser, at, KW_SELECT) || parser_is_word(parser, at, KW_VALUES) ||
           parser_is_word(parser, at, KW_WITH);
}

static bool ddl_if_not_exists(Parser *parser, bool *flag)
{
    static const Keyword words[] = {KW_IF, KW_NOT, KW_EXISTS, KW_NONE};
    *flag = parser_accept_words(parser, words);
    return true;
}

/* COMMENT 'text' */
static bool ddl_comment(Parser *parser, const char **comment)
{
    if (!parser_accept_word(parser, KW_COMMENT))
        return true;
    *comment = parser_expect_string(parser, "a comment in single quotes");
    return *comment != NULL;
}

static bool ddl_is_text(const Parser *parser, uint32_t at, const char *word)
{
    const Token *token = parser_token(parser, at);
    return token->kind == TOKEN_WORD && token->text_length == strlen(word) &&
           strncasecmp(token->text, word, token->text_length) == 0;
}

/* Whether FIRST or AFTER and a name end an element here. */
static bool ddl_at_position(const Parser *parser, uint32_t at)
{
    uint32_t end = at;
    if (ddl_is_text(parser, at, "FIRST"))
        end = at + 1;
    else if (ddl_is_text(parser, at, "AFTER") && parser_is_name(parser_token(parser, at + 1)))
        end = at + 2;
    return end != at && (end >= parser->limit || parser_is_symbol(parser, end, ',') ||
                         parser_is_symbol(parser, end, ')'));
}

/* The end of the expression at the cursor: an unbracketed comma, the closing parenthesis of the
 * list, or COMMENT before a string; of ALTER TABLE also where the column says where it goes. */
static uint32_t ddl_expression_end(const Parser *parser, bool alters)
{
    uint32_t at = parser->next;
    while (at < parser->limit) {
        const Token *token = parser_token(parser, at);
        if (token->symbol == ',' || token->symbol == ')')
            break;
        if (parser_is_word(parser, at, KW_COMMENT) &&
            parser_token(parser, at + 1)->kind == TOKEN_STRING)
            break;
        if (alters && at > parser->next && ddl_at_position(parser, at))
            break;
        at = token->match != TOKEN_NONE && token->match > at ? token->match + 1 : at + 1;
    }
    return at;
}

static bool ddl_expression(Parser *parser, bool alters, AstExpr **expr, Str *text)
{
    uint32_t end = ddl_expression_end(parser, alters);
    *expr = pg_tree_expression(parser, parser->next, end);
    if (*expr == NULL)
        return false;
    *text = parser_text(parser, parser->next, end - 1);
    parser->next = end;
    return true;
}

/* ----------------------------------------------------------------------------- constraints */

/* Behind PRIMARY KEY: Weir, as Flink, does not check uniqueness and wants that said. */
static bool ddl_not_enforced(Parser *parser, uint32_t first)
{
    static const Keyword words[] = {KW_NOT, KW_ENFORCED, KW_NONE};
    if (parser_accept_words(parser, words))
        return true;
    bool enforced = parser_accept_word(parser, KW_ENFORCED);
    AstPlace place = parser_place(parser, first, parser->next - 1);
    if (enforced)
        error_set(parser->error, ERROR_UNSUPPORTED, "an enforced PRIMARY KEY is not supported");
    else
        error_set(parser->error, ERROR_SYNTAX, "PRIMARY KEY lacks NOT ENFORCED");
    error_hint(parser->error, "Write PRIMARY KEY … NOT ENFORCED: the rows live outside, so the key "
                              "is trusted and not checked.");
    return error_at(parser->error, place.offset, place.length);
}

static bool ddl_set_primary_key(DdlTable *table, uint32_t first, const char *const *columns,
                                uint32_t count)
{
    Parser *parser = table->parser;
    AstPlace place = parser_place(parser, first, parser->next - 1);
    if (table->create->primary_key_count != 0) {
        error_set(parser->error, ERROR_SYNTAX, "a table has one PRIMARY KEY only");
        error_hint(parser->error, "List all its columns in one: PRIMARY KEY (a, b) NOT ENFORCED.");
        return error_at(parser->error, place.offset, place.length);
    }
    table->create->primary_key = columns;
    table->create->primary_key_count = count;
    table->create->primary_key_place = place;
    return true;
}

/* [CONSTRAINT n] PRIMARY KEY (a, b) NOT ENFORCED */
static bool ddl_table_constraint(DdlTable *table)
{
    Parser *parser = table->parser;
    uint32_t first = parser->next;
    if (parser_accept_word(parser, KW_CONSTRAINT)) {
        table->create->constraint_name = parser_expect_name(parser, "the name of the constraint");
        if (table->create->constraint_name == NULL)
            return false;
    }
    if (parser_is_word(parser, parser->next, KW_UNIQUE))
        return parser_fail_unsupported(parser, parser->next, parser->next, "UNIQUE",
                                       "Use PRIMARY KEY ( … ) NOT ENFORCED.");
    const char *const *columns;
    uint32_t count;
    if (!parser_expect_word(parser, KW_PRIMARY) || !parser_expect_word(parser, KW_KEY) ||
        !parser_expect_name_list(parser, "the name of a column", &columns, &count) ||
        !ddl_not_enforced(parser, first))
        return false;
    return ddl_set_primary_key(table, first, columns, count);
}

/* WATERMARK FOR column AS expression */
static bool ddl_watermark(DdlTable *table)
{
    Parser *parser = table->parser;
    AstCreateTable *create = table->create;
    uint32_t first = parser->next;
    parser->next += 2;
    const char *column = parser_expect_name(parser, "the name of the time column");
    if (column == NULL)
        return false;
    if (parser_is_symbol(parser, parser->next, '.'))
        return parser_fail_unsupported(parser, parser->next - 1, parser->next,
                                       "a watermark on a field of a row",
                                       "Declare a computed column for the field first.");
    if (!parser_expect_word(parser, KW_AS))
        return false;
    if (create->watermark_column != NULL) {
        parser_fail_unsupported(parser, first, parser->next - 2, "a second watermark",
                                "A table has one WATERMARK.");
        return false;
    }
    create->watermark_column = column;
    if (!ddl_expression(parser, false, &create->watermark, &create->watermark_text))
        return false;
    create->watermark_place = parser_place(parser, first, parser->next - 1);
    return true;
}

/* -------------------------------------------------------------------------------- columns */

/* METADATA [FROM 'key'] [VIRTUAL] */
static bool ddl_metadata(Parser *parser, AstColumnDef *column)
{
    column->kind = AST_COLUMN_METADATA;
    if (parser_accept_word(parser, KW_FROM)) {
        column->metadata_key = parser_expect_string(parser, "the metadata key in single quotes");
        if (column->metadata_key == NULL)
            return false;
    }
    column->is_virtual = parser_accept_word(parser, KW_VIRTUAL);
    return true;
}

static bool ddl_column_key(DdlTable *table, const AstColumnDef *column)
{
    Parser *parser = table->parser;
    uint32_t first = parser->next;
    const char **names = arena_new_array(parser->arena, const char *, 1);
    names[0] = column->name;
    if (parser_accept_word(parser, KW_CONSTRAINT)) {
        table->create->constraint_name = parser_expect_name(parser, "the name of the constraint");
        if (table->create->constraint_name == NULL)
            return false;
    }
    return parser_expect_word(parser, KW_PRIMARY) && parser_expect_word(parser, KW_KEY) &&
           ddl_not_enforced(parser, first) && ddl_set_primary_key(table, first, names, 1);
}

static bool ddl_physical_column(DdlTable *table, AstColumnDef *column)
{
    Parser *parser = table->parser;
    column->type = parser_read_type(parser);
    if (column->type == NULL)
        return false;
    if (parser_accept_word(parser, KW_METADATA) && !ddl_metadata(parser, column))
        return false;
    if (parser_is_word(parser, parser->next, KW_PRIMARY) ||
        parser_is_word(parser, parser->next, KW_CONSTRAINT)) {
        if (!ddl_column_key(table, column))
            return false;
    }
    if (parser_is_word(parser, parser->next, KW_UNIQUE))
        return parser_fail_unsupported(parser, parser->next, parser->next, "UNIQUE",
                                       "Use PRIMARY KEY NOT ENFORCED.");
    if (parser_is_word(parser, parser->next, KW_DEFAULT))
        return parser_fail_unsupported(parser, parser->next, parser->next, "DEFAULT",
                                       "Use COALESCE in the query that writes the table.");
    if (parser_is_word(parser, parser->next, KW_GENERATED))
        return parser_fail_unsupported(parser, parser->next, parser->next, "GENERATED",
                                       "A computed column is written: name AS expression.");
    return true;
}

/* [FIRST | AFTER column] */
static bool ddl_column_position(Parser *parser, AstColumnDef *column)
{
    column->is_first = parser_accept_text(parser, "FIRST");
    if (column->is_first || !parser_accept_text(parser, "AFTER"))
        return true;
    column->after = parser_expect_name(parser, "the name of a column");
    return column->after != NULL;
}

static bool ddl_column(DdlTable *table)
{
    Parser *parser = table->parser;
    uint32_t first = parser->next;
    const char *name = parser_expect_name(parser, "the name of a column");
    if (name == NULL)
        return false;
    AstColumnDef *column = parser_list_add(parser->arena, &table->columns, sizeof *column);
    column->name = name;
    if (!table->alters && (parser_is_symbol(parser, parser->next, ',') ||
                           parser_is_symbol(parser, parser->next, ')'))) {
        table->untyped = first;
        column->place = parser_place(parser, first, first);
        return true;
    }
    if (parser_accept_word(parser, KW_AS)) {
        column->kind = AST_COLUMN_COMPUTED;
        if (!ddl_expression(parser, table->alters, &column->expr, &column->expr_text))
            return false;
    } else if (!ddl_physical_column(table, column)) {
        return false;
    }
    if (!ddl_comment(parser, &column->comment) ||
        (table->alters && !ddl_column_position(parser, column)))
        return false;
    column->place = parser_place(parser, first, parser->next - 1);
    return true;
}

static bool ddl_element(DdlTable *table)
{
    const Parser *parser = table->parser;
    uint32_t at = parser->next;
    if (parser_is_word(parser, at, KW_WATERMARK) && parser_is_word(parser, at + 1, KW_FOR))
        return ddl_watermark(table);
    bool constraint =
        (parser_is_word(parser, at, KW_PRIMARY) && parser_is_word(parser, at + 1, KW_KEY)) ||
        (parser_is_word(parser, at, KW_UNIQUE) && parser_is_symbol(parser, at + 1, '(')) ||
        (parser_is_word(parser, at, KW_CONSTRAINT) &&
         (parser_is_word(parser, at + 2, KW_PRIMARY) || parser_is_word(parser, at + 2, KW_UNIQUE)));
    return constraint ? ddl_table_constraint(table) : ddl_column(table);
}

/* ALTER TABLE … ADD or MODIFY: one element, or several in parentheses. */
bool ddl_read_elements(Parser *parser, AstCreateTable *create)
{
    DdlTable table = {.parser = parser, .create = create, .alters = true};
    bool many = parser_accept_symbol(parser, '(');
    do {
        if (!ddl_element(&table))
            return false;
    } while (many && parser_accept_symbol(parser, ','));
    create->columns = table.columns.items;
    create->column_count = table.columns.count;
    return !many || parser_expect_symbol(parser, ')');
}

static bool ddl_columns(DdlTable *table)
{
    static const char *const words[] = {"PRIMARY",  "NOT",     "COMMENT",
                                        "METADATA", "VIRTUAL", "CONSTRAINT"};
    Parser *parser = table->parser;
    if (!parser_accept_symbol(parser, '('))
        return true;
    do {
        if (!ddl_element(table))
            return false;
    } while (parser_accept_symbol(parser, ','));
    if (!parser_accept_symbol(parser, ')'))
        return parser_fail_at(parser, parser->next, words, array_count(words), "\",\" or \")\"");
    table->create->columns = table->columns.items;
    table->create->column_count = table->columns.count;
    return true;
}

/* ---------------------------------------------------------------------------- around them */

/* "INCLUDING ALL EXCLUDING OPTIONS … )": ALL first, whatever the order, then what is named. */
static bool ddl_like_choices(Parser *parser, AstCreateTable *create)
{
    static const char *const strategies[] = {"INCLUDING", "EXCLUDING", "OVERWRITING"};
    static const char *const parts[] = {
        [AST_LIKE_CONSTRAINTS] = "CONSTRAINTS", [AST_LIKE_PARTITIONS] = "PARTITIONS",
        [AST_LIKE_GENERATED] = "GENERATED",     [AST_LIKE_METADATA] = "METADATA",
        [AST_LIKE_OPTIONS] = "OPTIONS",         [AST_LIKE_WATERMARKS] = "WATERMARKS"};
    bool named[AST_LIKE_PARTS] = {false}, all = false;
    while (!parser_accept_symbol(parser, ')')) {
        uint32_t first = parser->next, strategy = 0, part = 0;
        while (strategy < array_count(strategies) &&
               !parser_accept_text(parser, strategies[strategy]))
            strategy++;
        if (strategy == array_count(strategies))
            return parser_fail_at(parser, first, strategies, array_count(strategies), NULL);
        bool keeps = strategy != AST_LIKE_OVERWRITING;
        if (keeps && parser_accept_text(parser, "DISTRIBUTION"))
            continue; /* no table has one */
        if (keeps && !all && parser_accept_word(parser, KW_ALL)) {
            all = true;
            for (uint32_t i = 0; i < AST_LIKE_PARTS; i++)
                if (!named[i])
                    create->like_strategy[i] = strategy;
            continue;
        }
        while (part < AST_LIKE_PARTS && !parser_accept_text(parser, parts[part]))
            part++;
        if (part == AST_LIKE_PARTS || named[part] || (!keeps && part <= AST_LIKE_PARTITIONS)) {
            parser->next -= part < AST_LIKE_PARTS ? 1 : 0;
            return parser_fail_at(parser, parser->next, parts, array_count(parts),
                                  "a part of the table that is not named yet; OVERWRITING goes "
                                  "with GENERATED, METADATA, OPTIONS and WATERMARKS");
        }
        named[part] = true;
        create->like_strategy[part] = strategy;
    }
    return true;
}

static bool ddl_table_like(Parser *parser, AstCreateTable *create)
{
    if (!parser_accept_word(parser, KW_LIKE))
        return true;
    create->like_strategy[AST_LIKE_OPTIONS] = AST_LIKE_OVERWRITING;
    if (!parser_expect_path(parser, "the name of a table", &create->like))
        return false;
    return !parser_accept_symbol(parser, '(') || ddl_like_choices(parser, create);
}

static bool ddl_table_query(Parser *parser, AstCreateTable *create)
{
    if (!parser_accept_word(parser, KW_AS))
        return true;
    create->as_query = pg_tree_query(parser, parser->next, parser->limit);
    parser->next = parser->limit;
    return create->as_query != NULL;
}

static bool ddl_table_clauses(Parser *parser, AstCreateTable *create)
{
    static const char *const words[] = {"WITH", "COMMENT", "PARTITIONED", "LIKE", "AS"};
    if (!ddl_comment(parser, &create->comment))
        return false;
    if (parser_is_word(parser, parser->next, KW_DISTRIBUTED))
        return parser_fail_unsupported(parser, parser->next, parser->next, "DISTRIBUTED BY", NULL);
    if (parser_accept_word(parser, KW_PARTITIONED) &&
        (!parser_expect_word(parser, KW_BY) ||
         !parser_expect_name_list(parser, "the name of a column", &create->partitioned_by,
                                  &create->partitioned_count)))
        return false;
    if (parser_accept_word(parser, KW_WITH) && !parser_read_options(parser, &create->options))
        return false;
    if (!ddl_table_like(parser, create) || !ddl_table_query(parser, create))
        return false;
    if (create->as_query != NULL && create->like.part_count != 0)
        return parser_fail_unsupported(parser, parser->limit - 1, parser->limit - 1,
                                       "LIKE together with AS", "Use one of the two.");
    return parser_at_end(parser) ||
           parser_fail_at(parser, parser->next, words, array_count(words), NULL);
}

bool ddl_read_create_table(Parser *parser, AstStatement *statement, bool temporary)
{
    AstCreateTable *create = arena_new_one(parser->arena, AstCreateTable);
    DdlTable table = {.parser = parser, .create = create};
    statement->kind = AST_STATEMENT_CREATE_TABLE;
    statement->create_table = create;
    create->temporary = temporary;
    if (!ddl_if_not_exists(parser, &create->if_not_exists) ||
        !parser_expect_path(parser, "the name of a table", &create->name) || !ddl_columns(&table) ||
        !ddl_table_clauses(parser, create))
        return false;
    if (table.untyped != 0 && create->as_query == NULL)
        return parser_fail_unsupported(parser, table.untyped, table.untyped,
                                       "a column without a type",
                                       "Give it a type, or leave the columns to AS SELECT.");
    bool declared =
        create->column_count != 0 || create->like.part_count != 0 || create->as_query != NULL;
    return declared ||
           parser_fail_expected(parser, "the columns of the table in parentheses, LIKE or AS");
}

bool ddl_read_create_view(Parser *parser, AstStatement *statement, bool temporary)
{
    AstCreateView *create = arena_new_one(parser->arena, AstCreateView);
    statement->kind = AST_STATEMENT_CREATE_VIEW;
    statement->create_view = create;
    create->temporary = temporary;
    if (!ddl_if_not_exists(parser, &create->if_not_exists) ||
        !parser_expect_path(parser, "the name of a view", &create->name))
        return false;
    if (parser_is_symbol(parser, parser->next, '(') &&
        !parser_expect_name_list(parser, "the name of a column", &create->columns,
                                 &create->column_count))
        return false;
    if (!ddl_comment(parser, &create->comment) || !parser_expect_word(parser, KW_AS))
        return false;
    create->query = pg_tree_query(parser, parser->next, parser->limit);
    if (create->query == NULL)
        return false;
    create->query_text = parser_text(parser, parser->next, parser->limit - 1);
    parser->next = parser->limit;
    return true;
}
