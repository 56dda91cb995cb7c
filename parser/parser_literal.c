/* Literals of several tokens: DATE '…', TIME '…', TIMESTAMP '…' and INTERVAL '…' unit [TO unit].
 *
 * Their text is checked here, so that a bad one is refused with its place. An interval becomes a
 * number of months or of milliseconds; digits beyond the millisecond are cut, as Flink does. */
#include "parser/parser_internal.h"

#include <ctype.h>
#include <string.h>

#include "core/datetime.h"
#include "core/str.h"

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

/* Leading fields have at most this many digits, which keeps the sums within 64 bits. */
#define INTERVAL_DIGITS_MAX 10

/* The units of intervals, in the order in which one may lead to another. */
typedef struct IntervalUnit {
    const char *name;
    bool months;
    int64_t worth;     /* months or milliseconds */
    char before;       /* what separates it from the unit before; '\0': it only stands alone */
    int64_t count_max; /* behind another unit */
} IntervalUnit;

static const IntervalUnit parser_interval_units[] = {
    {"YEAR", true, 12, '\0', 0},
    {"MONTH", true, 1, '-', 11},
    {"DAY", false, MS_PER_DAY, '\0', 0},
    {"HOUR", false, MS_PER_HOUR, ' ', 23},
    {"MINUTE", false, MS_PER_MINUTE, ':', 59},
    {"SECOND", false, MS_PER_SECOND, ':', 59},
    {"QUARTER", true, 3, '\0', 0},
    {"WEEK", false, 7 * MS_PER_DAY, '\0', 0},
};

static const char *const parser_units[] = {
    "YEAR",   "QUARTER",     "MONTH",       "WEEK",       "DAY",       "HOUR",   "MINUTE",
    "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND", "EPOCH",     "DECADE", "CENTURY",
    "DOW",    "ISODOW",      "DOY",         "ISOYEAR",    "MILLENNIUM"};

const char *parser_time_unit(const Token *token)
{
    if (token->kind != TOKEN_WORD)
        return NULL;
    Str word = {token->text, token->text_length};
    if (word.length > 8 && str_equal_nocase((Str){word.data, 8}, STR("SQL_TSI_"))) {
        word.data += 8;
        word.length -= 8;
    }
    for (int plural = 0; plural < 2; plural++) {
        for (size_t i = 0; i < array_count(parser_units); i++) {
            if (str_equal_nocase(word, str_of(parser_units[i])))
                return parser_units[i];
        }
        if (word.length < 2 || toupper((unsigned char)word.data[word.length - 1]) != 'S')
            break;
        word.length--;
    }
    return NULL;
}

bool parser_fail_unit(const Parser *parser, uint32_t index)
{
    return parser_fail_at(parser, index, parser_units, array_count(parser_units),
                          "a time unit such as DAY, HOUR or MINUTE");
}

static const IntervalUnit *parser_interval_unit(const Token *token)
{
    const char *name = parser_time_unit(token);
    for (size_t i = 0; name != NULL && i < array_count(parser_interval_units); i++) {
        if (strcmp(parser_interval_units[i].name, name) == 0)
            return &parser_interval_units[i];
    }
    return NULL;
}

/* Digits of one field; false when there are none or too many. */
static bool parser_interval_digits(Str text, size_t *at, int64_t *value)
{
    size_t start = *at;
    *value = 0;
    while (*at < text.length && isdigit((unsigned char)text.data[*at])) {
        if (*at - start == INTERVAL_DIGITS_MAX)
            return false;
        *value = *value * 10 + (text.data[(*at)++] - '0');
    }
    return *at != start;
}

/* ".125" as milliseconds. */
static bool parser_interval_fraction(Str text, size_t *at, int64_t *ms)
{
    int64_t worth = 100;
    *ms = 0;
    if (*at >= text.length || text.data[*at] != '.')
        return true;
    size_t start = ++*at;
    while (*at < text.length && isdigit((unsigned char)text.data[*at])) {
        *ms += (text.data[(*at)++] - '0') * worth;
        worth /= 10;
    }
    return *at != start && *at - start <= 9;
}

static bool parser_interval_value(Str text, const IntervalUnit *from, const IntervalUnit *to,
                                  int64_t *value)
{
    text = str_trim(text);
    size_t at = 0;
    bool negative = text.length != 0 && text.data[0] == '-';
    if (text.length != 0 && (text.data[0] == '-' || text.data[0] == '+'))
        at = 1;
    int64_t sum = 0;
    for (const IntervalUnit *unit = from; unit <= to; unit++) {
        if (unit != from) {
            if (at >= text.length || text.data[at] != unit->before)
                return false;
            at++;
        }
        int64_t count;
        if (!parser_interval_digits(text, &at, &count))
            return false;
        if (unit != from && count > unit->count_max)
            return false;
        sum += count * unit->worth;
        if (unit->worth == MS_PER_SECOND) {
            int64_t ms;
            if (!parser_interval_fraction(text, &at, &ms))
                return false;
            sum += ms;
        }
    }
    *value = negative ? -sum : sum;
    return at == text.length;
}

/* "(3)" behind a unit: digits to print, which nothing here depends on. */
static bool parser_skip_precision(Parser *parser)
{
    if (!parser_accept_symbol(parser, '('))
        return true;
    do {
        if (parser_peek(parser)->kind != TOKEN_NUMBER)
            return parser_fail_expected(parser, "a number of digits");
        parser->next++;
    } while (parser_accept_symbol(parser, ','));
    return parser_expect_symbol(parser, ')');
}

static bool parser_interval_units_at(Parser *parser, const IntervalUnit **from,
                                     const IntervalUnit **to)
{
    *from = parser_interval_unit(parser_peek(parser));
    if (*from == NULL) {
        parser_fail_unit(parser, parser->next);
        return error_hint(parser->error, "An interval names its unit behind the string: "
                                         "INTERVAL '1' DAY, INTERVAL '1:30' HOUR TO MINUTE.");
    }
    *to = *from;
    parser->next++;
    if (!parser_skip_precision(parser))
        return false;
    if (!parser_accept_word(parser, KW_TO))
        return true;
    *to = parser_interval_unit(parser_peek(parser));
    if (*to == NULL)
        return parser_fail_unit(parser, parser->next);
    bool follows = *to > *from && (*to)->before != '\0' && (*to)->months == (*from)->months;
    if (!follows)
        return parser_fail_expected(parser, "a smaller unit of the same kind");
    parser->next++;
    return parser_skip_precision(parser);
}

static bool parser_read_interval(Parser *parser, uint32_t index, uint32_t string, bool negative)
{
    Token *token = &parser->tokens.items[index];
    const Token *text = parser_token(parser, string);
    const IntervalUnit *from = NULL, *to = NULL;
    parser->next = string + 1;
    if (!parser_interval_units_at(parser, &from, &to))
        return false;
    int64_t value;
    bool fine = parser_interval_value((Str){text->text, text->text_length}, from, to, &value);
    bool fits = !fine || !from->months || (value >= INT32_MIN && value <= INT32_MAX);
    if (!fine || !fits) {
        error_set(parser->error, ERROR_SYNTAX, "invalid interval \"%s\" for %s%s%s", text->text,
                  from->name, from == to ? "" : " TO ", from == to ? "" : to->name);
        return error_at(parser->error, (int64_t)text->offset, (int64_t)text->length);
    }
    token->interval = negative ? -value : value;
    token->type = from->months ? &type_interval_month : &type_interval_second;
    token->last = parser->next - 1;
    return true;
}

/* Digits behind the point: the precision of the literal's type. */
static int32_t parser_fraction_digits(Str text)
{
    text = str_trim(text);
    const char *point = memchr(text.data, '.', text.length);
    return point == NULL ? 0 : (int32_t)(text.data + text.length - point - 1);
}

static bool parser_read_datetime(Parser *parser, uint32_t index)
{
    Token *token = &parser->tokens.items[index];
    const Token *string = parser_token(parser, index + 1);
    Str text = {string->text, string->text_length};
    int32_t days;
    int64_t nanos;
    DateTime datetime;
    bool fine;
    TypeKind kind;
    const char *form;
    if (token->keyword == KW_DATE) {
        kind = TYPE_DATE;
        fine = date_parse(text, &days);
        form = "yyyy-MM-dd";
    } else if (token->keyword == KW_TIME) {
        kind = TYPE_TIME;
        fine = time_parse(text, &nanos);
        form = "HH:mm:ss";
    } else {
        kind = TYPE_TIMESTAMP;
        fine = datetime_parse(text, &datetime);
        form = "yyyy-MM-dd HH:mm:ss[.fffffffff]";
    }
    int32_t digits = kind == TYPE_DATE ? 0 : parser_fraction_digits(text);
    if (!fine || digits > 9) {
        error_set(parser->error, ERROR_SYNTAX, "invalid %s literal \"%s\"",
                  lexer_keyword_name(token->keyword), string->text);
        error_hint(parser->error, "Its form is %s.", form);
        return error_at(parser->error, (int64_t)string->offset, (int64_t)string->length);
    }
    token->type = type_new(parser->arena, kind, true, digits, 0);
    token->text = string->text;
    token->text_length = string->text_length;
    token->last = index + 1;
    return true;
}

bool parser_read_literal(Parser *parser, uint32_t index)
{
    const Token *token = parser_token(parser, index);
    if (token->kind != TOKEN_WORD)
        return true;
    bool datetime =
        token->keyword == KW_DATE || token->keyword == KW_TIME || token->keyword == KW_TIMESTAMP;
    if (datetime && parser_token(parser, index + 1)->kind == TOKEN_STRING)
        return parser_read_datetime(parser, index);
    if (token->keyword != KW_INTERVAL)
        return true;
    bool minus = parser_is_symbol(parser, index + 1, '-');
    uint32_t string = minus || parser_is_symbol(parser, index + 1, '+') ? index + 2 : index + 1;
    if (parser_token(parser, string)->kind != TOKEN_STRING)
        return true;
    uint32_t next = parser->next;
    bool fine = parser_read_interval(parser, index, string, minus);
    parser->next = next;
    return fine;
}
