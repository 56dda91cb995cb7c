/* Flink's type grammar: "DECIMAL(10, 2) NOT NULL", "ROW<a INT, b ARRAY<STRING>>", "INT ARRAY".
 *
 * Types are nullable unless they say NOT NULL. Lengths and precisions default as Flink's DDL does:
 * CHAR is CHAR(1), a bare VARCHAR has no bound, DECIMAL is DECIMAL(10, 0), TIMESTAMP has six
 * digits. */
#include "parser/parser_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/str.h"

static const Type *type_grammar_read(Parser *parser, uint32_t depth);

typedef struct TypeWord {
    Keyword keyword;
    TypeKind kind;
    int32_t fallback; /* of length or precision */
    int32_t minimum;
    int32_t maximum; /* 0: takes no argument */
} TypeWord;

static const TypeWord type_grammar_words[] = {
    {KW_BOOLEAN, TYPE_BOOLEAN, 0, 0, 0},
    {KW_TINYINT, TYPE_TINYINT, 0, 0, 0},
    {KW_SMALLINT, TYPE_SMALLINT, 0, 0, 0},
    {KW_INT, TYPE_INT, 0, 0, 0},
    {KW_INTEGER, TYPE_INT, 0, 0, 0},
    {KW_BIGINT, TYPE_BIGINT, 0, 0, 0},
    {KW_FLOAT, TYPE_FLOAT, 0, 0, 0},
    {KW_REAL, TYPE_FLOAT, 0, 0, 0},
    {KW_DOUBLE, TYPE_DOUBLE, 0, 0, 0},
    {KW_CHAR, TYPE_CHAR, 1, 1, TYPE_LENGTH_MAX},
    {KW_CHARACTER, TYPE_CHAR, 1, 1, TYPE_LENGTH_MAX},
    {KW_VARCHAR, TYPE_VARCHAR, TYPE_LENGTH_MAX, 1, TYPE_LENGTH_MAX},
    {KW_STRING, TYPE_VARCHAR, TYPE_LENGTH_MAX, 0, 0},
    {KW_BINARY, TYPE_BINARY, 1, 1, TYPE_LENGTH_MAX},
    {KW_VARBINARY, TYPE_VARBINARY, TYPE_LENGTH_MAX, 1, TYPE_LENGTH_MAX},
    {KW_BYTES, TYPE_VARBINARY, TYPE_LENGTH_MAX, 0, 0},
    {KW_DATE, TYPE_DATE, 0, 0, 0},
    {KW_TIME, TYPE_TIME, 0, 0, 9},
    {KW_TIMESTAMP, TYPE_TIMESTAMP, 6, 0, 9},
    {KW_TIMESTAMP_LTZ, TYPE_TIMESTAMP_LTZ, 6, 0, 9},
};

static const char *const type_grammar_names[] = {
    "BOOLEAN", "TINYINT",   "SMALLINT",      "INT",      "INTEGER",  "BIGINT", "FLOAT",
    "DOUBLE",  "DECIMAL",   "NUMERIC",       "CHAR",     "VARCHAR",  "STRING", "BINARY",
    "BYTES",   "VARBINARY", "DATE",          "TIME",     "INTERVAL", "ARRAY",  "MULTISET",
    "MAP",     "ROW",       "TIMESTAMP_LTZ", "TIMESTAMP"};

/* Types other systems have, and what to write here. */
static const struct {
    const char *name;
    const char *instead;
} type_grammar_foreign[] = {
    {"TEXT", "STRING"},
    {"BLOB", "BYTES"},
    {"BYTEA", "BYTES"},
    {"INT2", "SMALLINT"},
    {"INT4", "INT"},
    {"INT8", "BIGINT"},
    {"BOOL", "BOOLEAN"},
    {"DATETIME", "TIMESTAMP(3)"},
    {"TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"},
    {"FLOAT8", "DOUBLE"},
    {"FLOAT4", "FLOAT"},
    {"NUMBER", "DECIMAL(p, s)"},
    {"UUID", "STRING"},
    {"JSON", "STRING"},
    {"JSONB", "STRING"},
};

static bool type_grammar_fail(const Parser *parser)
{
    const Token *token = parser_peek(parser);
    parser_fail_at(parser, parser->next, type_grammar_names, array_count(type_grammar_names),
                   "a type such as INT, STRING, DECIMAL(10, 2) or TIMESTAMP(3)");
    if (token->kind != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < array_count(type_grammar_foreign); i++) {
        if (text_equal_nocase(type_grammar_foreign[i].name, token->text))
            return error_hint(parser->error, "Use %s.", type_grammar_foreign[i].instead);
    }
    return false;
}

/* A number in (…) between the bounds. */
static bool type_grammar_number(Parser *parser, const char *what, int32_t minimum, int32_t maximum,
                                int32_t *value)
{
    const Token *token = parser_peek(parser);
    if (token->kind != TOKEN_NUMBER || strspn(token->text, "0123456789") != token->text_length)
        return parser_fail_expected(parser, "a whole number");
    long long number = strtoll(token->text, NULL, 10);
    if (number < minimum || number > maximum) {
        error_set(parser->error, ERROR_TYPE, "%s must be between %d and %d", what, minimum,
                  maximum);
        return error_at(parser->error, (int64_t)token->offset, (int64_t)token->length);
    }
    *value = (int32_t)number;
    parser->next++;
    return true;
}

static const Type *type_grammar_decimal(Parser *parser)
{
    int32_t precision = 10;
    int32_t scale = 0;
    if (parser_accept_symbol(parser, '(')) {
        if (!type_grammar_number(parser, "the precision of DECIMAL", 1, DECIMAL_PRECISION_MAX,
                                 &precision))
            return NULL;
        if (parser_accept_symbol(parser, ',') &&
            !type_grammar_number(parser, "the scale of DECIMAL", 0, precision, &scale))
            return NULL;
        if (!parser_expect_symbol(parser, ')'))
            return NULL;
    }
    return type_new(parser->arena, TYPE_DECIMAL, true, precision, scale);
}

/* Behind TIME and TIMESTAMP: [WITHOUT TIME ZONE], WITH LOCAL TIME ZONE. */
static bool type_grammar_zone(Parser *parser, TypeKind *kind)
{
    static const Keyword without[] = {KW_WITHOUT, KW_TIME, KW_ZONE, KW_NONE};
    static const Keyword local[] = {KW_WITH, KW_LOCAL, KW_TIME, KW_ZONE, KW_NONE};
    static const Keyword with[] = {KW_WITH, KW_TIME, KW_ZONE, KW_NONE};
    if (parser_accept_words(parser, without))
        return true;
    if (*kind == TYPE_TIMESTAMP && parser_accept_words(parser, local)) {
        *kind = TYPE_TIMESTAMP_LTZ;
        return true;
    }
    if (!parser_peek_words(parser, with))
        return true;
    return parser_fail_unsupported(
        parser, parser->next, parser->next + 2,
        *kind == TYPE_TIME ? "TIME WITH TIME ZONE" : "TIMESTAMP WITH TIME ZONE",
        "Use TIMESTAMP_LTZ, which holds an instant and shows it in the session's time zone.");
}

static const Type *type_grammar_plain(Parser *parser, const TypeWord *word)
{
    static const char *const names[] = {"the length", "the precision"};
    int32_t argument = word->fallback;
    TypeKind kind = word->kind;
    bool has_precision = kind >= TYPE_DATE;
    if (word->keyword == KW_DOUBLE)
        parser_accept_word(parser, KW_PRECISION);
    if (word->maximum != 0 && parser_accept_symbol(parser, '(')) {
        if (!type_grammar_number(parser, names[has_precision], word->minimum, word->maximum,
                                 &argument) ||
            !parser_expect_symbol(parser, ')'))
            return NULL;
    }
    if ((kind == TYPE_TIME || kind == TYPE_TIMESTAMP) && !type_grammar_zone(parser, &kind))
        return NULL;
    return type_new(parser->arena, kind, true, argument, 0);
}

/* INTERVAL DAY(p) TO SECOND(f): Weir keeps months or milliseconds, whatever the digits say. */
static const Type *type_grammar_interval(Parser *parser)
{
    bool months = false;
    for (int part = 0; part < 2; part++) {
        const char *unit = parser_time_unit(parser_peek(parser));
        if (unit == NULL) {
            parser_fail_expected(parser, "YEAR, MONTH, DAY, HOUR, MINUTE or SECOND");
            return NULL;
        }
        bool is_months = strcmp(unit, "YEAR") == 0 || strcmp(unit, "MONTH") == 0;
        if (part == 1 && is_months != months) {
            parser_fail_expected(parser, months ? "MONTH" : "HOUR, MINUTE or SECOND");
            return NULL;
        }
        months = is_months;
        parser->next++;
        int32_t digits;
        if (parser_accept_symbol(parser, '(') &&
            (!type_grammar_number(parser, "the precision", 0, 9, &digits) ||
             !parser_expect_symbol(parser, ')')))
            return NULL;
        if (part == 1 || !parser_accept_word(parser, KW_TO))
            break;
    }
    TypeKind kind = months ? TYPE_INTERVAL_MONTH : TYPE_INTERVAL_SECOND;
    return type_new(parser->arena, kind, true, 0, 0);
}

/* ARRAY<t>, MULTISET<t>, MAP<k, v> behind the word. */
static const Type *type_grammar_collection(Parser *parser, TypeKind kind, uint32_t depth)
{
    uint32_t count = kind == TYPE_MAP ? 2 : 1;
    TypeField *fields = arena_new_array(parser->arena, TypeField, 2);
    if (!parser_expect_symbol(parser, '<'))
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (i != 0 && !parser_expect_symbol(parser, ','))
            return NULL;
        fields[i].type = type_grammar_read(parser, depth + 1);
        if (fields[i].type == NULL)
            return NULL;
    }
    if (!parser_expect_symbol(parser, '>'))
        return NULL;
    return type_new_nested(parser->arena, kind, true, fields, count);
}

static const Type *type_grammar_row(Parser *parser, uint32_t depth)
{
    uint32_t close = parser_is_symbol(parser, parser->next, '(') ? ')' : '>';
    if (!parser_expect_symbol(parser, close == ')' ? '(' : '<'))
        return NULL;
    ParserList list = {0};
    do {
        const Token *token = parser_peek(parser);
        const char *name = parser_expect_name(parser, "the name of a field");
        if (name == NULL)
            return NULL;
        for (uint32_t i = 0; i < list.count; i++) {
            if (strcmp(((TypeField *)list.items)[i].name, name) != 0)
                continue;
            error_set(parser->error, ERROR_NAME, "field \"%s\" is declared twice", name);
            error_at(parser->error, (int64_t)token->offset, (int64_t)token->length);
            return NULL;
        }
        const Type *type = type_grammar_read(parser, depth + 1);
        if (type == NULL)
            return NULL;
        if (parser_peek(parser)->kind == TOKEN_STRING)
            parser->next++; /* a field's comment says nothing to the engine */
        TypeField *field = parser_list_add(parser->arena, &list, sizeof *field);
        *field = (TypeField){name, type};
    } while (parser_accept_symbol(parser, ','));
    if (!parser_expect_symbol(parser, close))
        return NULL;
    return type_new_nested(parser->arena, TYPE_ROW, true, list.items, list.count);
}

static const Type *type_grammar_base(Parser *parser, uint32_t depth)
{
    const Token *token = parser_peek(parser);
    uint32_t at = parser->next;
    if (token->kind == TOKEN_WORD) {
        for (size_t i = 0; i < array_count(type_grammar_words); i++) {
            if (type_grammar_words[i].keyword != token->keyword)
                continue;
            parser->next++;
            return type_grammar_plain(parser, &type_grammar_words[i]);
        }
        parser->next++;
        switch (token->keyword) {
        case KW_DECIMAL:
        case KW_DEC:
        case KW_NUMERIC:
            return type_grammar_decimal(parser);
        case KW_INTERVAL:
            return type_grammar_interval(parser);
        case KW_ARRAY:
            return type_grammar_collection(parser, TYPE_ARRAY, depth);
        case KW_MULTISET:
            return type_grammar_collection(parser, TYPE_MULTISET, depth);
        case KW_MAP:
            return type_grammar_collection(parser, TYPE_MAP, depth);
        case KW_ROW:
            return type_grammar_row(parser, depth);
        case KW_RAW:
            parser_fail_unsupported(parser, at, at, "type RAW", NULL);
            return NULL;
        default:
            parser->next = at;
        }
    }
    type_grammar_fail(parser);
    return NULL;
}

static const Type *type_grammar_nullability(Parser *parser, const Type *type)
{
    static const Keyword not_null[] = {KW_NOT, KW_NULL, KW_NONE};
    if (parser_accept_words(parser, not_null))
        return type_with_nullable(parser->arena, type, false);
    parser_accept_word(parser, KW_NULL);
    return type;
}

static const Type *type_grammar_read(Parser *parser, uint32_t depth)
{
    if (depth > TYPE_NESTING_MAX) {
        const Token *token = parser_peek(parser);
        error_set(parser->error, ERROR_LIMIT, "the type is nested more than %d levels deep",
                  TYPE_NESTING_MAX);
        error_at(parser->error, (int64_t)token->offset, (int64_t)token->length);
        return NULL;
    }
    const Type *type = type_grammar_base(parser, depth);
    if (type == NULL)
        return NULL;
    type = type_grammar_nullability(parser, type);
    /* "INT ARRAY" and "INT MULTISET" stand behind the element type, any number of times. */
    uint32_t wrapped = 0;
    while (parser_is_word(parser, parser->next, KW_ARRAY) ||
           parser_is_word(parser, parser->next, KW_MULTISET)) {
        if (depth + ++wrapped > TYPE_NESTING_MAX) {
            parser_fail_expected(parser, "fewer levels of nesting");
            return NULL;
        }
        TypeField *field = arena_new_one(parser->arena, TypeField);
        field->type = type;
        bool array = parser_is_word(parser, parser->next++, KW_ARRAY);
        TypeKind kind = array ? TYPE_ARRAY : TYPE_MULTISET;
        type = type_new_nested(parser->arena, kind, true, field, 1);
        type = type_grammar_nullability(parser, type);
    }
    return type;
}

const Type *parser_read_type(Parser *parser)
{
    return type_grammar_read(parser, 0);
}
