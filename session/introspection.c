/* What there is: functions, connectors, formats and options, by number, for lists and references.
 */
#include "session/session_internal.h"

#include <stdio.h>

#include "core/str.h"
#include "functions/window.h"

static uint32_t aggregate_total(void)
{
    uint32_t count = 0;
    while (aggregate_at(count) != NULL)
        count++;
    return count;
}

/* Window functions that are not aggregates as well. */
static bool window_entry(uint32_t index, WeirEntry *entry)
{
    const WindowFunction *window;
    uint32_t shown = 0;
    for (uint32_t i = 0; (window = window_function_at(i)) != NULL; i++) {
        if (window->is_aggregate || shown++ != index)
            continue;
        *entry = (WeirEntry){.name = window->name,
                             .signature = window->signature,
                             .category = "window",
                             .doc = window->doc};
        return true;
    }
    return false;
}

/* Scalar functions first, then aggregates, then window functions; operators' implementations are
 * passed over. */
bool weir_function_at(uint32_t index, WeirEntry *entry)
{
    uint32_t shown = 0;
    uint32_t i = 0;
    for (const ScalarFunction *function; (function = function_at(i)) != NULL; i++) {
        if ((function->flags & FUNCTION_HIDDEN) != 0)
            continue;
        if (shown++ == index) {
            *entry = (WeirEntry){.name = function->name,
                                 .signature = function->signature,
                                 .category = function->category,
                                 .doc = function->doc};
            return true;
        }
    }
    const AggregateFunction *aggregate = aggregate_at(index - shown);
    if (aggregate == NULL)
        return window_entry(index - shown - aggregate_total(), entry);
    *entry = (WeirEntry){.name = aggregate->name,
                         .signature = aggregate->signature,
                         .category = "aggregate",
                         .doc = aggregate->doc};
    return true;
}

bool weir_connector_at(uint32_t index, WeirEntry *entry)
{
    const Connector *connector = connector_at(index);
    if (connector == NULL)
        return false;
    bool looks_up = connector->lookup != NULL || connector->lookup_by_scan;
    bool both = connector->source != NULL && connector->sink != NULL;
    const char *roles = both && looks_up          ? "source, lookup and sink"
                        : both                    ? "source and sink"
                        : connector->sink != NULL ? "sink"
                        : looks_up                ? "source and lookup"
                                                  : "source";
    *entry = (WeirEntry){.name = connector->name,
                         .signature = roles,
                         .category = "connector",
                         .doc = connector->doc};
    return true;
}

bool weir_format_at(uint32_t index, WeirEntry *entry)
{
    const Format *format = format_at(index);
    if (format == NULL)
        return false;
    *entry = (WeirEntry){
        .name = format->name, .signature = "", .category = "format", .doc = format->doc};
    return true;
}

static const OptionSpec *owner_options(const char *owner)
{
    if (owner == NULL)
        return config_specs();
    const Connector *connector = connector_find(owner, NULL);
    if (connector != NULL)
        return connector->options;
    const Format *format = format_find(owner, NULL);
    return format == NULL ? NULL : format->options;
}

static const char *option_type_text(const OptionSpec *spec)
{
    switch (spec->type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        return "text";
    case OPTION_BOOLEAN:
        return "boolean";
    case OPTION_INTEGER:
        return "integer";
    case OPTION_DOUBLE:
        return "number";
    case OPTION_DURATION:
        return "duration";
    case OPTION_BYTES:
        return "size";
    case OPTION_ENUM:
        return spec->values;
    }
    return "";
}

bool weir_option_at(const char *owner, uint32_t option, WeirEntry *entry)
{
    const OptionSpec *specs = owner_options(owner);
    for (uint32_t i = 0; specs != NULL && specs[i].name != NULL; i++) {
        if (i < option)
            continue;
        const char *fallback = specs[i].fallback;
        *entry = (WeirEntry){.name = specs[i].name,
                             .signature = option_type_text(&specs[i]),
                             .category = specs[i].required  ? "required"
                                         : fallback == NULL ? ""
                                                            : fallback,
                             .doc = specs[i].doc};
        return true;
    }
    return false;
}

bool weir_metadata_at(const char *name, uint32_t column, WeirEntry *entry)
{
    const Connector *connector = connector_find(name, NULL);
    if (connector == NULL || connector->metadata == NULL)
        return false;
    for (uint32_t i = 0; connector->metadata[i].key != NULL; i++) {
        if (i < column)
            continue;
        const MetadataColumn *metadata = &connector->metadata[i];
        *entry = (WeirEntry){.name = metadata->key, .category = "metadata", .doc = metadata->doc};
        Buffer text = {0};
        type_print(metadata->type, &text);
        snprintf(entry->type, sizeof(entry->type), "%s", buffer_text(&text));
        buffer_deinit(&text);
        entry->signature = entry->type;
        return true;
    }
    return false;
}
