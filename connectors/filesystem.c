/* filesystem: files in any format, read once, or written into a folder exactly once. */
#include "connectors/filesystem/splits.h"

#include <string.h>

const OptionSpec filesystem_options[] = {
    {.name = "path",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "A file, or a folder whose files are read or that files are written into."},
    {.name = "source.path.regex-pattern",
     .type = OPTION_TEXT,
     .doc = "Regular expression that the absolute path of a file in the folder must match."},
    {.name = "source.split-size",
     .type = OPTION_BYTES,
     .fallback = "1mb",
     .minimum = 0,
     .maximum = INT64_MAX,
     .doc = "Several workers share a larger file of csv, json or raw, by parts of so many bytes; "
            "its rows "
            "then come in no order between parts. 0: one worker reads it all."},
    {.name = "partition.default-name",
     .type = OPTION_TEXT,
     .fallback = "__DEFAULT_PARTITION__",
     .doc = "With PARTITIONED BY: the folder of rows whose value is NULL or empty."},
    {.name = "sink.rolling-policy.file-size",
     .type = OPTION_BYTES,
     .fallback = "128mb",
     .minimum = 1,
     .maximum = INT64_MAX,
     .doc = "Size from which on a sink begins a new file."},
    {.name = NULL}};

static const Type text_type = {
    .kind = TYPE_VARCHAR, .physical = PHYSICAL_STRING, .length = TYPE_LENGTH_MAX};
static const Type size_type = {.kind = TYPE_BIGINT, .physical = PHYSICAL_I64};
static const Type time_type = {
    .kind = TYPE_TIMESTAMP_LTZ, .physical = PHYSICAL_I64, .precision = 3};

static const MetadataColumn metadata[] = {
    [FILESYSTEM_FILE_PATH] = {"file.path", &text_type, "Path of the file the row is from."},
    [FILESYSTEM_FILE_NAME] = {"file.name", &text_type, "Name of the file, without its folder."},
    [FILESYSTEM_FILE_SIZE] = {"file.size", &size_type, "Bytes in the file."},
    [FILESYSTEM_FILE_MODIFIED] = {"file.modification-time", &time_type,
                                  "When the file was changed last."},
    {NULL, NULL, NULL}};

const char *filesystem_path(const Options *options)
{
    const char *path = option_text(options, filesystem_options, "path");
    return strncmp(path, "file://", 7) == 0 ? path + 7 : path;
}

static bool check_path(const TableInfo *table, Error *error)
{
    const char *path = filesystem_path(table->options);
    size_t scheme = strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (path[0] == 0) {
        error_set(error, ERROR_OPTION, "option \"path\" is empty");
    } else if (scheme > 0 && strncmp(path + scheme, "://", 3) == 0) {
        error_set(error, ERROR_OPTION, "option \"path\" lies on \"%.*s\"", (int)scheme, path);
        error_hint(error,
                   "Connector \"filesystem\" knows the files of this machine only: copy them "
                   "or mount their place.");
    } else {
        return true;
    }
    return option_error_at(options_find(table->options, "path"), error);
}

static bool filesystem_check(const TableInfo *table, Error *error)
{
    if (table->format == NULL) {
        error_set(error, ERROR_OPTION, "option \"format\" is missing for connector \"filesystem\"");
        return error_hint(error, "Say what the file holds, such as 'format' = 'csv'.");
    }
    if (!check_path(table, error))
        return false;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const char *name = table->physical->columns[table->partition[i]].name;
        if (name[0] != '.' && name[0] != '_')
            continue;
        error_set(error, ERROR_NAME, "column \"%s\" cannot be one of PARTITIONED BY", name);
        return error_hint(error, "Folders that begin with . or _ are hidden: rename it.");
    }
    const char *pattern =
        option_text(table->options, filesystem_options, "source.path.regex-pattern");
    return pattern == NULL || file_pattern_check(pattern, error);
}

static ChangeKinds source_kinds(const TableInfo *table)
{
    return table->format->source_kinds;
}

static ChangeKinds sink_kinds(const TableInfo *table)
{
    return table->format->sink_kinds;
}

static bool is_bounded(const TableInfo *table)
{
    return true;
}

extern const Connector connector_filesystem;
const Connector connector_filesystem = {
    .name = "filesystem",
    .doc = "Files: a file or the files of a folder, in any format.",
    .options = filesystem_options,
    .takes_format = true,
    .takes_partitions = true,
    .metadata = metadata,
    .check = filesystem_check,
    .source = &filesystem_source_class,
    .source_kinds = source_kinds,
    .is_bounded = is_bounded,
    .source_is_even = splits_are_even,
    .lookup_by_scan = true,
    .sink = &filesystem_sink_class,
    .sink_kinds = sink_kinds,
};
