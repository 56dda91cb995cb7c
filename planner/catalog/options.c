/* Options of a table against the tables of its connector and format. */
#include "planner/catalog/internal.h"

#include <stdio.h>
#include <string.h>

#include "connectors/lookup.h"
#include "core/str.h"

Options *options_copy(Arena *arena, const Options *options)
{
    Options *copy = arena_new_one(arena, Options);
    Option *items = arena_new_array(arena, Option, options->count + 1);
    for (uint32_t i = 0; i < options->count; i++) {
        items[i] = options->items[i];
        items[i].key = arena_strdup(arena, options->items[i].key);
        items[i].value = arena_strdup(arena, options->items[i].value);
    }
    copy->count = options->count;
    copy->items = items;
    return copy;
}

Options *options_merge(Arena *arena, const Options *base, const Options *over)
{
    Options *merged = arena_new_one(arena, Options);
    Option *items = arena_new_array(arena, Option, base->count + over->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < base->count; i++)
        if (options_find(over, base->items[i].key) == NULL) {
            items[count] = base->items[i];
            items[count].sql_offset = -1; /* it stands in an earlier statement */
            items[count++].key_length = 0;
        }
    for (uint32_t i = 0; i < over->count; i++)
        items[count++] = over->items[i];
    merged->count = count;
    merged->items = items;
    Options *copy = options_copy(arena, merged);
    return copy;
}

/* `connector` and `format` choose the tables that the others are checked against. */
static bool is_selector(const char *key, const OptionSpec *specs)
{
    if (strcmp(key, "connector") != 0 && strcmp(key, "format") != 0)
        return false;
    for (const OptionSpec *spec = specs; spec != NULL && spec->name != NULL; spec++)
        if (strcmp(spec->name, key) == 0)
            return false;
    return true;
}

static const OptionSpec *find_spec(const OptionSpec *specs, const char *key)
{
    for (; specs->name != NULL; specs++)
        if (strcmp(specs->name, key) == 0)
            return specs;
    return NULL;
}

/* An option that any table takes that can be read, or looked up; NULL: it is none. */
static const OptionSpec *find_shared(const Connector *connector, const char *key)
{
    bool reads = connector->source != NULL || strcmp(connector->name, "feed") == 0;
    const OptionSpec *spec = reads ? find_spec(watermark_option_specs(), key) : NULL;
    bool looks_up = connector->lookup != NULL || connector->lookup_by_scan;
    return spec == NULL && looks_up ? find_spec(lookup_options, key) : spec;
}

static bool check_given(const Options *options, const Connector *connector, const Format *format,
                        Error *error)
{
    Option *items = memory_zalloc(sizeof(Option) * (options->count + 1));
    Options rest = {0, items};
    for (uint32_t i = 0; i < options->count; i++)
        if (!is_selector(options->items[i].key, connector->options) &&
            find_shared(connector, options->items[i].key) == NULL)
            items[rest.count++] = options->items[i];
    static const OptionSpec none[] = {{.name = NULL}};
    char owner[128];
    int length = snprintf(owner, sizeof(owner), "connector \"%s\"", connector->name);
    if (format != NULL && length > 0 && (size_t)length < sizeof(owner))
        snprintf(owner + length, sizeof(owner) - (size_t)length, " with format \"%s\"",
                 format->name);
    bool ok = options_check(&rest, owner, connector->options == NULL ? none : connector->options,
                            format == NULL ? NULL : format->options, error);
    for (uint32_t i = 0; ok && i < options->count; i++) {
        const Option *option = &options->items[i];
        const OptionSpec *shared = find_shared(connector, option->key);
        if (shared != NULL)
            ok = option_check_value(shared, option->key, option->value, error);
    }
    memory_free(items);
    return ok;
}

/* An option of the user's that was meant to be this one. */
static bool refuse_misspelt(const Options *options, const char *meant, Error *error)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const Option *option = &options->items[i];
        if (str_nearest(option->key, &meant, 1) == NULL)
            continue;
        error_set(error, ERROR_OPTION, "unknown option \"%s\"", option->key);
        error_hint(error, "Did you mean \"%s\"?", meant);
        option_error_at_key(option, error);
        return true;
    }
    return false;
}

static bool find_format(const Options *options, const Connector *connector, const char *table,
                        AstPlace place, const Format **format, Error *error)
{
    const Option *given = options_find(options, "format");
    *format = NULL;
    if (given == NULL) {
        if (!connector->takes_format)
            return true;
        if (refuse_misspelt(options, "format", error))
            return false;
        error_set(error, ERROR_OPTION, "table \"%s\" has no format", table);
        error_hint(error, "Connector \"%s\" needs one: add 'format' = 'csv' or another to WITH.",
                   connector->name);
        return error_at(error, place.offset, place.length);
    }
    if (!connector->takes_format && is_selector("format", connector->options)) {
        error_set(error, ERROR_OPTION, "connector \"%s\" takes no format", connector->name);
        error_hint(error, "Leave out 'format'.");
        return option_error_at_key(given, error);
    }
    if (!connector->takes_format)
        return true;
    *format = format_find(given->value, error);
    return *format != NULL || option_error_at(given, error);
}

bool table_check_options(const Options *options, const char *table, AstPlace place,
                         const Connector **connector, const Format **format, Error *error)
{
    const Option *given = options_find(options, "connector");
    if (given == NULL && refuse_misspelt(options, "connector", error))
        return false;
    if (given == NULL) {
        Buffer names = {0};
        for (uint32_t i = 0; connector_at(i) != NULL; i++)
            buffer_printf(&names, "%s%s", i == 0 ? "" : ", ", connector_at(i)->name);
        error_set(error, ERROR_OPTION, "table \"%s\" has no connector", table);
        error_hint(error, "Add 'connector' = '…' to WITH; there are: %s.", buffer_text(&names));
        buffer_deinit(&names);
        return error_at(error, place.offset, place.length);
    }
    *connector = connector_find(given->value, error);
    if (*connector == NULL)
        return option_error_at(given, error);
    if (!find_format(options, *connector, table, place, format, error))
        return false;
    if (check_given(options, *connector, *format, error))
        return true;
    return error_at(error, place.offset, place.length);
}

bool table_check_format(const TableInfo *table, const TimeZone *zone, bool for_sink, Error *error)
{
    const Format *format = table->format;
    if (format == NULL)
        return true;
    if (for_sink && format->encoder_open == NULL) {
        error_set(error, ERROR_UNSUPPORTED, "format \"%s\" cannot be written", format->name);
        return error_hint(error, "Declare table \"%s\" with a format that can, such as json.",
                          table->name);
    }
    FormatContext context = {
        .schema = table->physical, .options = table->options, .zone = zone, .name = table->name};
    return format->check == NULL || format->check(&context, for_sink, error);
}
