/* Options in parentheses, and the hints that carry them.
 *
 *   WITH ('connector' = 'csv', 'path' = '…')      Flink
 *   WITH (connector = csv, "a.b" = 'c', a.b.c = 1) PostgreSQL, and what people type
 *
 * A key without quotes is everything up to '=' and must not contain white space. */
#include "parser/parser_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/str.h"

/* The key at the cursor, as written; NULL with the error set. */
static const char *parser_option_key(Parser *parser)
{
    const Token *token = parser_peek(parser);
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_NAME) {
        parser->next++;
        if (token->text_length != 0)
            return token->text;
        parser->next--;
        parser_fail_expected(parser, "the name of an option");
        return NULL;
    }
    uint32_t first = parser->next;
    while (token->kind == TOKEN_WORD || token->kind == TOKEN_NUMBER ||
           (parser->next != first && (token->symbol == '.' || token->symbol == '-'))) {
        const Token *before = token;
        token = parser_token(parser, ++parser->next);
        if (before->offset + before->length != token->offset)
            break;
    }
    if (parser->next == first) {
        parser_fail_expected(parser, "the name of an option, as in 'connector' = 'datagen'");
        return NULL;
    }
    return arena_str(parser->arena, parser_text(parser, first, parser->next - 1));
}

static const char *parser_option_value(Parser *parser, Option *option)
{
    const Token *token = parser_peek(parser);
    uint32_t first = parser->next;
    if (token->kind == TOKEN_STRING) {
        parser->next++;
        option->value = token->text;
    } else {
        bool sign = parser_accept_symbol(parser, '-');
        token = parser_peek(parser);
        if (token->kind != TOKEN_NUMBER && (sign || token->kind != TOKEN_WORD)) {
            parser->next = first;
            parser_fail_expected(parser, "a value in single quotes");
            return NULL;
        }
        parser->next++;
        option->value = arena_str(parser->arena, parser_text(parser, first, parser->next - 1));
    }
    AstPlace place = parser_place(parser, first, parser->next - 1);
    option->sql_offset = place.offset;
    option->sql_length = place.length;
    return option->value;
}

static int parser_option_compare(const void *a, const void *b)
{
    const Option *x = *(const Option *const *)a;
    const Option *y = *(const Option *const *)b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Sorting pointers keeps this quick for thousands of options, and the order as written. */
static bool parser_option_unique(Parser *parser, const Options *options)
{
    if (options->count < 2)
        return true;
    const Option **sorted = arena_new_array(parser->arena, const Option *, options->count);
    for (uint32_t i = 0; i < options->count; i++)
        sorted[i] = &options->items[i];
    qsort(sorted, options->count, sizeof *sorted, parser_option_compare);
    for (uint32_t i = 1; i < options->count; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0)
            continue;
        error_set(parser->error, ERROR_OPTION, "option \"%s\" is given twice", sorted[i]->key);
        return option_error_at_key(sorted[i], parser->error);
    }
    return true;
}

bool parser_read_options(Parser *parser, Options *options)
{
    ParserList list = {0};
    if (!parser_expect_symbol(parser, '('))
        return false;
    if (!parser_is_symbol(parser, parser->next, ')')) {
        do {
            Option *option = parser_list_add(parser->arena, &list, sizeof *option);
            uint32_t first = parser->next;
            option->key = parser_option_key(parser);
            AstPlace place = parser_place(parser, first, parser->next - 1);
            option->key_offset = place.offset;
            option->key_length = place.length;
            if (option->key == NULL || !parser_expect_symbol(parser, '=') ||
                parser_option_value(parser, option) == NULL)
                return false;
        } while (parser_accept_symbol(parser, ','));
    }
    *options = (Options){list.count, list.items};
    return parser_expect_symbol(parser, ')') && parser_option_unique(parser, options);
}

/* "(a, b.c, 'd')": names of tables, each a key whose value is the name again. */
static bool parser_read_hint_names(Parser *hints, Options *options)
{
    ParserList list = {0};
    if (!parser_expect_symbol(hints, '('))
        return false;
    do {
        uint32_t first = hints->next;
        AstName path = {0};
        const char *name = NULL;
        if (parser_peek(hints)->kind == TOKEN_STRING)
            name = parser_expect_string(hints, "the name of a table");
        else if (parser_expect_path(hints, "the name of a table", &path))
            name = path.parts[path.part_count - 1];
        if (name == NULL)
            return false;
        AstPlace place = parser_place(hints, first, hints->next - 1);
        Option *option = parser_list_add(hints->arena, &list, sizeof *option);
        *option = (Option){name, name, place.offset, place.length, place.offset, place.length};
    } while (parser_accept_symbol(hints, ','));
    *options = (Options){list.count, list.items};
    return parser_expect_symbol(hints, ')') && parser_option_unique(hints, options);
}

static bool parser_read_hint(Parser *hints, AstHint *hint)
{
    static const char *const known[] = {"OPTIONS",      "STATE_TTL",     "LATE_ROWS",
                                        "LOOKUP",       "MULTI_JOIN",    "BROADCAST",
                                        "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP"};
    const size_t of_options = 4; /* the others list names */
    bool lists_names = false;
    uint32_t first = hints->next;
    const char *name = parser_expect_name(hints, "the name of a hint");
    if (name == NULL)
        return false;
    for (size_t i = 0; i < array_count(known); i++) {
        if (!text_equal_nocase(name, known[i]))
            continue;
        hint->name = known[i];
        lists_names = i >= of_options;
    }
    if (hint->name == NULL) {
        parser_fail_unsupported(hints, first, first,
                                arena_printf(hints->arena, "hint \"%s\"", name), NULL);
        const char *nearest = str_nearest(name, known, array_count(known));
        if (nearest != NULL)
            return error_hint(hints->error, "Did you mean %s?", nearest);
        return error_hint(hints->error,
                          "The hints are OPTIONS, STATE_TTL, LATE_ROWS, LOOKUP, MULTI_JOIN and "
                          "those of batch joins, which change nothing.");
    }
    if (lists_names ? !parser_read_hint_names(hints, &hint->options)
                    : !parser_read_options(hints, &hint->options))
        return false;
    hint->place = parser_place(hints, first, hints->next - 1);
    return true;
}

bool parser_read_hints(Parser *parser, const Token *token, AstHint **hints, uint32_t *count)
{
    *hints = NULL;
    *count = 0;
    TokenHint *comment = token->hint;
    if (comment == NULL)
        return true;
    comment->used = true;
    Parser inner = {.script = parser->script, .arena = parser->arena, .error = parser->error};
    size_t start = comment->offset + 3; /* behind its opening */
    size_t end = comment->offset + comment->length - 2;
    if (!lexer_scan(parser->script, start, end, parser->arena, &inner.tokens, parser->error))
        return false;
    inner.limit = inner.tokens.count;
    ParserList list = {0};
    while (!parser_at_end(&inner)) {
        if (list.count != 0)
            parser_accept_symbol(&inner, ','); /* Flink allows hints without a comma between */
        if (!parser_read_hint(&inner, parser_list_add(parser->arena, &list, sizeof(AstHint))))
            return false;
    }
    *hints = list.items;
    *count = list.count;
    return true;
}

bool parser_check_hints(const Parser *parser)
{
    for (uint32_t i = 0; i < parser->tokens.hint_count; i++) {
        const TokenHint *hint = parser->tokens.hints[i];
        if (hint->used)
            continue;
        error_set(parser->error, ERROR_SYNTAX, "a hint cannot stand here");
        error_hint(parser->error, "Put it behind SELECT or behind the name of a table.");
        return error_at(parser->error, (int64_t)hint->offset, (int64_t)hint->length);
    }
    return true;
}
