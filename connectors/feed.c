/* feed: a table whose rows a test or an embedding program hands over itself.
 *
 * There is nothing to open: the executor takes the rows of such a table from job_feed. This file
 * says what may be declared: which changes will come, and whether they end. */
#include "connectors/connector.h"
#include "core/str.h"

static const OptionSpec options[] = {
    {.name = "changelog-mode",
     .type = OPTION_TEXT,
     .fallback = "I",
     .doc = "Kinds of change that will be fed: a list of I, UB, UA and D."},
    {.name = "bounded",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "Whether the rows come to an end."},
    {.name = NULL}};

static bool kind_of(Str word, ChangeKinds *kinds)
{
    static const char *const words[] = {"I", "UB", "UA", "D"};
    for (uint32_t kind = 0; kind < array_count(words); kind++) {
        if (!str_equal_nocase(word, str_of(words[kind])))
            continue;
        *kinds |= CHANGES_OF(kind);
        return true;
    }
    return false;
}

/* Reads "I,UB,UA,D"; false with the word that is none. */
static bool parse_kinds(const char *text, ChangeKinds *kinds, Str *bad)
{
    *kinds = 0;
    for (;;) {
        const char *comma = strchr(text, ',');
        *bad = str_trim((Str){text, comma == NULL ? strlen(text) : (size_t)(comma - text)});
        if (!kind_of(*bad, kinds))
            return false;
        if (comma == NULL)
            return true;
        text = comma + 1;
    }
}

static ChangeKinds feed_kinds(const TableInfo *table)
{
    ChangeKinds kinds;
    Str bad;
    bool parsed = parse_kinds(option_text(table->options, options, "changelog-mode"), &kinds, &bad);
    assert(parsed);
    return parsed ? kinds : CHANGES_ALL;
}

static bool feed_check(const TableInfo *table, Error *error)
{
    ChangeKinds kinds;
    Str bad;
    const char *text = option_text(table->options, options, "changelog-mode");
    if (!parse_kinds(text, &kinds, &bad)) {
        error_set(error, ERROR_OPTION, "\"%.*s\" in option \"changelog-mode\" is no kind of change",
                  (int)bad.length, bad.data);
        return error_hint(error, "Give a list of I, UB, UA and D, such as 'I,UB,UA,D'.");
    }
    bool before = (kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    bool after = (kinds & CHANGES_OF(CHANGE_UPDATE_AFTER)) != 0;
    if (before && !after) {
        error_set(error, ERROR_OPTION, "option \"changelog-mode\" has UB without UA");
        return error_hint(error, "The old row of an update is followed by the new one: add UA.");
    }
    if (after && !before && table->primary_key_count == 0) {
        error_set(error, ERROR_OPTION,
                  "table \"%s\" is fed updates without the old row and has no primary key",
                  table->name);
        return error_hint(error, "Declare a PRIMARY KEY, or add UB to \"changelog-mode\".");
    }
    return true;
}

static bool feed_is_bounded(const TableInfo *table)
{
    return option_boolean(table->options, options, "bounded");
}

extern const Connector connector_feed;
const Connector connector_feed = {
    .name = "feed",
    .doc = "Rows that a test or an embedding program hands over.",
    .options = options,
    .check = feed_check,
    .source_kinds = feed_kinds,
    .is_bounded = feed_is_bounded,
    .source_parallelism = 1,
    .gives_watermarks = true,
};
