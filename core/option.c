/* Option tables: looking up, checking, reading. */
#include "core/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/str.h"

#define OPTION_NAMES_MAX 256

const Option *options_find(const Options *options, const char *key)
{
    for (uint32_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].key, key) == 0)
            return &options->items[i];
    return NULL;
}

/* "a.*" takes any suffix, '#' one segment without a point. */
static bool option_name_matches(const char *name, const char *key)
{
    for (; *name != '\0'; name++) {
        if (*name == '*' && name[1] == '\0')
            return *key != '\0';
        if (*name == '#') {
            const char *segment = key;
            while (*key != '\0' && *key != '.')
                key++;
            if (key == segment)
                return false;
        } else if (*name == *key) {
            key++;
        } else {
            return false;
        }
    }
    return *key == '\0';
}

static const OptionSpec *option_spec(const OptionSpec *specs, const char *key)
{
    for (const OptionSpec *spec = specs; spec != NULL && spec->name != NULL; spec++)
        if (option_name_matches(spec->name, key))
            return spec;
    return NULL;
}

static size_t option_names(const OptionSpec *specs, const char **names, size_t count)
{
    for (const OptionSpec *spec = specs; spec != NULL && spec->name != NULL; spec++)
        if (count < OPTION_NAMES_MAX)
            names[count++] = spec->name;
    return count;
}

static bool option_unknown(const char *key, const char *owner, const OptionSpec *specs,
                           const OptionSpec *more, Error *error)
{
    const char *names[OPTION_NAMES_MAX];
    size_t count = option_names(specs, names, 0);
    count = option_names(more, names, count);
    error_set(error, ERROR_OPTION, "unknown option \"%s\" for %s", key, owner);
    Buffer list = {0};
    for (size_t i = 0; i < count; i++)
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    error_detail(error, "Valid options are: %s.", buffer_text(&list));
    buffer_deinit(&list);
    const char *nearest = str_nearest(key, names, count);
    if (nearest != NULL)
        error_hint(error, "Did you mean \"%s\"?", nearest);
    return false;
}

static bool options_check_required(const Options *options, const char *owner,
                                   const OptionSpec *specs, Error *error)
{
    for (const OptionSpec *spec = specs; spec != NULL && spec->name != NULL; spec++) {
        if (!spec->required || options_find(options, spec->name) != NULL)
            continue;
        error_set(error, ERROR_OPTION, "option \"%s\" is missing for %s", spec->name, owner);
        return error_hint(error, "Add '%s' = '...' to the WITH clause. It means: %s", spec->name,
                          spec->doc);
    }
    return true;
}

bool option_error_at(const Option *option, Error *error)
{
    return error_at(error, option->sql_offset, option->sql_length);
}

bool option_error_at_key(const Option *option, Error *error)
{
    return option->key_length > 0 ? error_at(error, option->key_offset, option->key_length)
                                  : option_error_at(option, error);
}

bool options_check(const Options *options, const char *owner, const OptionSpec *specs,
                   const OptionSpec *more, Error *error)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const Option *option = &options->items[i];
        const OptionSpec *spec = option_spec(specs, option->key);
        if (spec == NULL)
            spec = option_spec(more, option->key);
        if (spec == NULL) {
            option_unknown(option->key, owner, specs, more, error);
            return option_error_at_key(option, error);
        }
        if (!option_check_value(spec, option->key, option->value, error))
            return option_error_at(option, error);
    }
    return options_check_required(options, owner, specs, error) &&
           options_check_required(options, owner, more, error);
}

const char *option_text(const Options *options, const OptionSpec *specs, const char *key)
{
    const OptionSpec *spec = option_spec(specs, key);
    assert(spec != NULL);
    const Option *option = options_find(options, key);
    return option != NULL ? option->value : spec->fallback;
}

bool option_boolean(const Options *options, const OptionSpec *specs, const char *key)
{
    const char *text = option_text(options, specs, key);
    bool value = false;
    bool good = text == NULL || option_parse_boolean(text, &value);
    assert(good);
    return good && value;
}

int64_t option_integer(const Options *options, const OptionSpec *specs, const char *key)
{
    const OptionSpec *spec = option_spec(specs, key);
    assert(spec != NULL);
    const char *text = option_text(options, specs, key);
    int64_t value = 0;
    bool good = text == NULL || (spec->type == OPTION_BYTES ? option_parse_bytes(text, &value)
                                                            : option_parse_integer(text, &value));
    assert(good);
    return good ? value : 0;
}

static bool option_parse_double(const char *text, double *out)
{
    char *end;
    if (*text == '\0' || strchr(" \t\n\r\f\v", *text) != NULL)
        return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

double option_double(const Options *options, const OptionSpec *specs, const char *key)
{
    const char *text = option_text(options, specs, key);
    double value = 0;
    bool good = text == NULL || option_parse_double(text, &value);
    assert(good);
    return good ? value : 0;
}

int64_t option_duration_ms(const Options *options, const OptionSpec *specs, const char *key)
{
    const char *text = option_text(options, specs, key);
    int64_t value = 0;
    bool good = text == NULL || option_parse_duration_ms(text, &value);
    assert(good);
    return good ? value : 0;
}

bool option_parse_boolean(const char *text, bool *out)
{
    if (text_equal_nocase(text, "true"))
        *out = true;
    else if (text_equal_nocase(text, "false"))
        *out = false;
    else
        return false;
    return true;
}

bool option_parse_integer(const char *text, int64_t *out)
{
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (*digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

typedef struct Unit {
    const char *names; /* between spaces */
    int64_t multiply;
    int64_t divide;
} Unit;

/* A number, optional space, and a unit; no unit means the first of the table. */
static bool parse_with_unit(const char *text, const Unit *units, size_t unit_count, int64_t *out)
{
    Str rest = str_trim(str_of(text));
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < rest.length && rest.data[digits] >= '0' && rest.data[digits] <= '9'; digits++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(rest.data[digits] - '0'), &number))
            return false;
    if (digits == 0 || number > INT64_MAX)
        return false;
    Str unit = str_trim((Str){rest.data + digits, rest.length - digits});
    for (size_t i = 0; i < unit_count; i++) {
        bool matches = unit.length == 0;
        for (const char *name = units[i].names; !matches && *name != '\0';) {
            size_t length = strcspn(name, " ");
            matches = str_equal_nocase(unit, (Str){name, length});
            name += length + (name[length] == ' ');
        }
        if (!matches)
            continue;
        int64_t value;
        if (__builtin_mul_overflow((int64_t)number, units[i].multiply, &value))
            return false;
        *out = value / units[i].divide;
        return true;
    }
    return false;
}

bool option_parse_duration_ms(const char *text, int64_t *out)
{
    static const Unit units[] = {
        {"ms milli millis millisecond milliseconds", 1, 1},
        {"s sec secs second seconds", 1000, 1},
        {"m min mins minute minutes", 60 * 1000, 1},
        {"h hour hours", 60 * 60 * 1000, 1},
        {"d day days", 24 * 60 * 60 * 1000, 1},
        {"\xC2\xB5s us micro micros microsecond microseconds", 1, 1000},
        {"ns nano nanos nanosecond nanoseconds", 1, 1000000},
    };
    return parse_with_unit(text, units, array_count(units), out);
}

bool option_parse_bytes(const char *text, int64_t *out)
{
    static const Unit units[] = {
        {"b byte bytes", 1, 1},
        {"k kb kib kibibytes", INT64_C(1) << 10, 1},
        {"m mb mib mebibytes", INT64_C(1) << 20, 1},
        {"g gb gib gibibytes", INT64_C(1) << 30, 1},
        {"t tb tib tebibytes", INT64_C(1) << 40, 1},
    };
    return parse_with_unit(text, units, array_count(units), out);
}

static bool option_is_listed(const char *values, const char *text)
{
    while (*values != '\0') {
        size_t length = strcspn(values, "|");
        if (str_equal_nocase((Str){values, length}, str_of(text)))
            return true;
        values += length + (values[length] == '|');
    }
    return false;
}

static bool key_is_secret(const char *key)
{
    static const char *const words[] = {"password", "secret", "token"};
    for (size_t i = 0; i < array_count(words); i++)
        if (strcasestr(key, words[i]) != NULL)
            return true;
    return false;
}

static bool option_bad_value(const OptionSpec *spec, const char *key, const char *value,
                             const char *wanted, Error *error)
{
    error_set(error, ERROR_OPTION, "option \"%s\" has a bad value: \"%s\"", key,
              key_is_secret(key) ? "******" : value);
    if (spec->type == OPTION_ENUM)
        return error_hint(error, "Use one of: %s.", wanted);
    return error_hint(error, "Use %s.", wanted);
}

bool option_check_value(const OptionSpec *spec, const char *key, const char *value, Error *error)
{
    int64_t number = 0;
    double fraction;
    bool flag;
    const char *wanted = NULL;
    switch (spec->type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        return true;
    case OPTION_BOOLEAN:
        return option_parse_boolean(value, &flag) ||
               option_bad_value(spec, key, value, "true or false", error);
    case OPTION_DOUBLE:
        return option_parse_double(value, &fraction) ||
               option_bad_value(spec, key, value, "a number", error);
    case OPTION_ENUM:
        return option_is_listed(spec->values, value) ||
               option_bad_value(spec, key, value, spec->values, error);
    case OPTION_INTEGER:
        wanted = option_parse_integer(value, &number) ? NULL : "a whole number";
        break;
    case OPTION_DURATION:
        wanted = option_parse_duration_ms(value, &number) ? NULL : "a duration such as '10 s'";
        break;
    case OPTION_BYTES:
        wanted = option_parse_bytes(value, &number) ? NULL : "a size such as '64 mb'";
        break;
    }
    if (wanted != NULL)
        return option_bad_value(spec, key, value, wanted, error);
    if (spec->minimum >= spec->maximum || (number >= spec->minimum && number <= spec->maximum))
        return true;
    error_set(error, ERROR_OPTION, "option \"%s\" is out of range: \"%s\"", key, value);
    return error_hint(error, "Use a value from %lld to %lld%s.", (long long)spec->minimum,
                      (long long)spec->maximum,
                      spec->type == OPTION_DURATION ? " milliseconds"
                      : spec->type == OPTION_BYTES  ? " bytes"
                                                    : "");
}

bool option_is_secret(const OptionSpec *specs, const char *key)
{
    const OptionSpec *spec = option_spec(specs, key);
    return (spec != NULL && spec->type == OPTION_SECRET) || key_is_secret(key);
}
