/* Patterns of java.time's DateTimeFormatter, as DATE_FORMAT and TO_TIMESTAMP take them.
 *
 * Parsing follows the formatter's rules: a single letter takes as many digits as its field can
 * have, a repeated one exactly its number, so that "yyyyMMdd" needs no separators. Fields the
 * pattern does not name are those of 1970-01-01 00:00:00. A day past the month's end means its last
 * (the "smart" resolver). */
#include "core/datetime.h"

#include "core/str.h"

typedef struct PatternItem {
    char letter;   /* 0: literal text */
    uint8_t count; /* of the letter */
    Str text;      /* of the literal */
} PatternItem;

struct DatePattern {
    int64_t step; /* date_pattern_step */
    uint32_t count;
    PatternItem items[];
};

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

#define SHORT_NAME_LENGTH 3

/* The most a letter may be repeated, 0 for one that has no meaning here. */
static uint32_t letter_count_max(char letter)
{
    switch (letter) {
    case 'S':
        return 9;
    case 'y':
    case 'M':
    case 'E':
        return 4;
    case 'D':
        return 3;
    case 'd':
    case 'H':
    case 'h':
    case 'm':
    case 's':
        return 2;
    case 'a':
        return 1;
    default:
        return 0;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Reads quoted text from after the opening quote; '' stands for one quote. */
static bool read_quoted(Arena *arena, Str pattern, size_t *at, Str *text)
{
    char *copy = arena_alloc(arena, pattern.length);
    size_t length = 0;
    if (*at < pattern.length && pattern.data[*at] == '\'') { /* outside of quotes */
        (*at)++;
        copy[length++] = '\'';
        *text = (Str){copy, length};
        return true;
    }
    while (*at < pattern.length) {
        char c = pattern.data[(*at)++];
        if (c == '\'') {
            if (*at == pattern.length || pattern.data[*at] != '\'') {
                *text = (Str){copy, length};
                return true;
            }
            (*at)++;
        }
        copy[length++] = c;
    }
    return false;
}

static bool pattern_error(Str pattern, Error *error, const char *what, char c)
{
    error_set(error, ERROR_DATA, "date pattern \"%.*s\" has %s%c",
              (int)(pattern.length > 200 ? 200 : pattern.length), pattern.data, what, c);
    return error_hint(error, "Use the letters y M d H h m s S a E D; put other text in single "
                             "quotes.");
}

static bool compile_item(Arena *arena, Str pattern, size_t *at, PatternItem *item, Error *error)
{
    char c = pattern.data[*at];
    *item = (PatternItem){0};
    if (c == '\'') {
        (*at)++;
        return read_quoted(arena, pattern, at, &item->text) ||
               pattern_error(pattern, error, "no closing quote: ", '\'');
    }
    if (strchr("[]{}#", c) != NULL)
        return pattern_error(pattern, error, "the reserved character ", c);
    if (!is_letter(c)) {
        item->text = (Str){arena_memdup(arena, &c, 1), 1};
        (*at)++;
        return true;
    }
    uint32_t count = 0;
    for (; *at < pattern.length && pattern.data[*at] == c; (*at)++)
        count++;
    uint32_t most = letter_count_max(c);
    if (most == 0)
        return pattern_error(pattern, error, "a letter without a meaning: ", c);
    if (count > most)
        return pattern_error(pattern, error, "too many of the letter ", c);
    item->letter = c;
    item->count = (uint8_t)count;
    return true;
}

/* The time in which what the letter stands for does not change. */
static int64_t letter_step(const PatternItem *item)
{
    int64_t step = 1;
    switch (item->letter) {
    case 'S':
        for (uint32_t i = item->count; i < 9; i++)
            step *= 10;
        return step;
    case 's':
        return INT64_C(1000000000);
    case 'm':
        return INT64_C(60000000000);
    case 'H':
    case 'h':
    case 'a':
        return INT64_C(3600000000000);
    default:
        return INT64_C(86400000000000);
    }
}

int64_t date_pattern_step(const DatePattern *pattern)
{
    return pattern->step;
}

const DatePattern *date_pattern_compile(Arena *arena, Str pattern, Error *error)
{
    DatePattern *compiled =
        arena_zalloc(arena, sizeof(*compiled) + pattern.length * sizeof(PatternItem));
    compiled->step = INT64_C(86400000000000);
    for (size_t at = 0; at < pattern.length;) {
        PatternItem *item = &compiled->items[compiled->count++];
        if (!compile_item(arena, pattern, &at, item, error))
            return NULL;
        int64_t step = letter_step(item);
        compiled->step = step < compiled->step ? step : compiled->step;
    }
    return compiled;
}

static void print_name(const char *name, uint32_t count, Buffer *out)
{
    buffer_append(out, name, count <= SHORT_NAME_LENGTH ? SHORT_NAME_LENGTH : strlen(name));
}

static void print_item(const PatternItem *item, CivilDate civil, DateTime datetime, Buffer *out)
{
    uint32_t second = (uint32_t)(datetime.nanos / 1000000000);
    uint32_t hour = second / 3600;
    switch (item->letter) {
    case 'y':
        if (item->count == 2)
            buffer_append_padded(out, (uint64_t)(civil.year % 100), 2);
        else
            buffer_append_padded(out, (uint64_t)civil.year, item->count);
        break;
    case 'M':
        if (item->count > 2)
            print_name(month_names[civil.month - 1], item->count, out);
        else
            buffer_append_padded(out, (uint64_t)civil.month, item->count);
        break;
    case 'd':
        buffer_append_padded(out, (uint64_t)civil.day, item->count);
        break;
    case 'D':
        buffer_append_padded(out, (uint64_t)date_day_of_year(datetime.days), item->count);
        break;
    case 'E':
        print_name(day_names[date_day_of_week(datetime.days) - 1], item->count, out);
        break;
    case 'H':
        buffer_append_padded(out, hour, item->count);
        break;
    case 'h':
        buffer_append_padded(out, hour % 12 == 0 ? 12 : hour % 12, item->count);
        break;
    case 'm':
        buffer_append_padded(out, second / 60 % 60, item->count);
        break;
    case 's':
        buffer_append_padded(out, second % 60, item->count);
        break;
    case 'S': {
        uint64_t fraction = (uint64_t)(datetime.nanos % 1000000000);
        for (uint32_t i = item->count; i < 9; i++)
            fraction /= 10;
        buffer_append_padded(out, fraction, item->count);
        break;
    }
    case 'a':
        buffer_append_text(out, hour < 12 ? "AM" : "PM");
        break;
    default:
        buffer_append_str(out, item->text);
    }
}

void date_pattern_print(const DatePattern *pattern, DateTime datetime, Buffer *out)
{
    CivilDate civil = date_to_civil(datetime.days);
    for (uint32_t i = 0; i < pattern->count; i++)
        print_item(&pattern->items[i], civil, datetime, out);
}

/* Fields as they are found; -1 where the pattern has none. */
typedef struct PatternFields {
    int32_t year, month, day, day_of_year, day_of_week;
    int32_t hour, half_hour, minute, second, nanos;
    int32_t afternoon;
} PatternFields;

static bool take_number(Str *text, uint32_t least, uint32_t most, int32_t *out)
{
    int32_t value = 0;
    uint32_t count = 0;
    while (count < most && count < text->length && text->data[count] >= '0' &&
           text->data[count] <= '9')
        value = value * 10 + (text->data[count++] - '0');
    text->data += count;
    text->length -= count;
    *out = value;
    return count >= least;
}

/* Case-sensitive, as the formatter is. */
static bool take_name(Str *text, const char *const *names, int32_t name_count, uint32_t count,
                      int32_t *out)
{
    for (int32_t i = 0; i < name_count; i++) {
        Str name = str_of(names[i]);
        if (count <= SHORT_NAME_LENGTH)
            name.length = SHORT_NAME_LENGTH;
        if (!str_starts_with(*text, name))
            continue;
        text->data += name.length;
        text->length -= name.length;
        *out = i;
        return true;
    }
    return false;
}

static bool take_literal(Str *text, Str literal)
{
    if (!str_starts_with(*text, literal))
        return false;
    text->data += literal.length;
    text->length -= literal.length;
    return true;
}

/* A single letter takes up to two digits, a double one exactly two. */
static bool take_two(Str *text, uint32_t count, int32_t *out)
{
    return take_number(text, count, 2, out);
}

static bool parse_item(const PatternItem *item, Str *text, PatternFields *fields)
{
    static const char *const meridiems[] = {"AM", "PM"};
    switch (item->letter) {
    case 'y':
        if (item->count == 2) {
            bool good = take_number(text, 2, 2, &fields->year);
            fields->year += 2000;
            return good;
        }
        return take_number(text, item->count, 4, &fields->year);
    case 'M':
        if (item->count > 2) {
            bool good = take_name(text, month_names, 12, item->count, &fields->month);
            fields->month++;
            return good;
        }
        return take_two(text, item->count, &fields->month);
    case 'd':
        return take_two(text, item->count, &fields->day);
    case 'D':
        return take_number(text, item->count, 3, &fields->day_of_year);
    case 'E':
        return take_name(text, day_names, 7, item->count, &fields->day_of_week);
    case 'H':
        return take_two(text, item->count, &fields->hour);
    case 'h':
        return take_two(text, item->count, &fields->half_hour);
    case 'm':
        return take_two(text, item->count, &fields->minute);
    case 's':
        return take_two(text, item->count, &fields->second);
    case 'S':
        if (!take_number(text, item->count, item->count, &fields->nanos))
            return false;
        for (uint32_t i = item->count; i < 9; i++)
            fields->nanos *= 10;
        return true;
    case 'a':
        for (int32_t i = 0; i < 2; i++)
            if (take_literal(text, str_of(meridiems[i]))) {
                fields->afternoon = i;
                return true;
            }
        return false;
    default:
        return take_literal(text, item->text);
    }
}

static bool resolve_date(const PatternFields *fields, int32_t *days)
{
    CivilDate civil = {fields->year < 0 ? 1970 : fields->year,
                       fields->month < 0 ? 1 : fields->month, fields->day < 0 ? 1 : fields->day};
    if (civil.year < 1 || civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31)
        return false;
    int32_t last = civil_days_in_month(civil.year, civil.month);
    if (civil.day > last)
        civil.day = last;
    *days = date_from_civil(civil);
    if (fields->day_of_year >= 0 && fields->month < 0 && fields->day < 0) {
        *days = date_from_civil((CivilDate){civil.year, 1, 1}) + fields->day_of_year - 1;
        if (fields->day_of_year < 1 || date_to_civil(*days).year != civil.year)
            return false;
    } else if (fields->day_of_year >= 0 && date_day_of_year(*days) != fields->day_of_year) {
        return false;
    }
    return fields->day_of_week < 0 || date_day_of_week(*days) == fields->day_of_week + 1;
}

static bool resolve_time(const PatternFields *fields, int64_t *nanos)
{
    int64_t hour = fields->hour;
    if (fields->half_hour >= 0) {
        if (fields->half_hour < 1 || fields->half_hour > 12)
            return false;
        int64_t resolved = fields->half_hour % 12 + (fields->afternoon == 1 ? 12 : 0);
        if (hour >= 0 && hour != resolved)
            return false;
        hour = resolved;
    } else if (hour >= 0 && fields->afternoon >= 0 && (hour >= 12) != (fields->afternoon == 1)) {
        return false;
    }
    int64_t minute = fields->minute < 0 ? 0 : fields->minute;
    int64_t second = fields->second < 0 ? 0 : fields->second;
    hour = hour < 0 ? 0 : hour;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *nanos =
        ((hour * 60 + minute) * 60 + second) * 1000000000 + (fields->nanos < 0 ? 0 : fields->nanos);
    return true;
}

bool date_pattern_parse(const DatePattern *pattern, Str text, DateTime *out)
{
    PatternFields fields = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    for (uint32_t i = 0; i < pattern->count; i++)
        if (!parse_item(&pattern->items[i], &text, &fields))
            return false;
    return text.length == 0 && resolve_date(&fields, &out->days) &&
           resolve_time(&fields, &out->nanos);
}
