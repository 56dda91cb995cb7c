/* Tables in folders: PARTITIONED BY (dt, hm) keeps rows in <path>/dt=2024-05-01/hm=10-30/, and the
 * values of these columns in the names of the folders only, as Hive and Flink do. */
#include "connectors/filesystem/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/str.h"
#include "core/value_text.h"

bool partition_has(const TableInfo *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->partition_count; i++)
        if (table->partition[i] == column)
            return true;
    return false;
}

const Schema *partition_stored(const TableInfo *table, Arena *arena)
{
    if (table->partition_count == 0)
        return table->physical;
    Column *columns = arena_new_array(arena, Column, table->physical->column_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->physical->column_count; i++)
        if (!partition_has(table, i))
            columns[count++] = table->physical->columns[i];
    return schema_new(arena, columns, count);
}

static const char *default_name(const TableInfo *table)
{
    return option_text(table->options, filesystem_options, "partition.default-name");
}

/* What cannot stand in the name of a folder, or would be read as something else. */
static bool is_escaped(unsigned char c)
{
    return c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{}[]^", c) != NULL;
}

static void append_escaped(Buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_escaped(c))
            buffer_printf(out, "%%%02X", c);
        else
            buffer_append_char(out, (char)c);
    }
}

void partition_print(const TableInfo *table, const Batch *batch, uint32_t row, Buffer *out)
{
    Buffer value = {0};
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const Vector *vector = &batch->columns[table->partition[i]];
        const char *name = table->physical->columns[table->partition[i]].name;
        buffer_clear(&value);
        if (!vector_is_null(vector, row))
            value_print(vector, row, NULL, &value);
        if (value.length == 0)
            buffer_append_text(&value, default_name(table));
        buffer_append_text(out, i == 0 ? "" : "/");
        append_escaped(out, name, strlen(name));
        buffer_append_char(out, '=');
        append_escaped(out, value.data, value.length);
    }
    buffer_deinit(&value);
}

static void unescape(Str text, Buffer *out)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned code;
        char hex[3] = {0};
        if (text.data[i] == '%' && i + 2 < text.length) {
            memcpy(hex, text.data + i + 1, 2);
            if (strspn(hex, "0123456789abcdefABCDEF") == 2 && sscanf(hex, "%2x", &code) == 1) {
                buffer_append_char(out, (char)code);
                i += 2;
                continue;
            }
        }
        buffer_append_char(out, text.data[i]);
    }
}

/* The folder "name=…" of the path. */
static bool find_value(const char *path, const char *name, Buffer *value)
{
    Buffer prefix = {0};
    append_escaped(&prefix, name, strlen(name));
    buffer_append_char(&prefix, '=');
    bool found = false;
    for (const char *at = path; at != NULL && !found; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, buffer_text(&prefix), prefix.length) != 0 || strchr(at, '/') == NULL)
            continue;
        const char *text = at + prefix.length;
        unescape((Str){text, strcspn(text, "/")}, value);
        found = true;
    }
    buffer_deinit(&prefix);
    return found;
}

bool partition_read(const TableInfo *table, const char *path, uint32_t column, Vector *vector,
                    Arena *arena, Error *error)
{
    const char *root = filesystem_path(table->options);
    const char *name = table->physical->columns[column].name;
    Buffer value = {0};
    size_t length = strlen(root);
    bool found = find_value(strncmp(path, root, length) == 0 ? path + length : path, name, &value);
    bool good = found;
    if (!found) {
        error_set(error, ERROR_DATA, "file \"%s\" lies in no folder \"%s=…\"", path, name);
        error_hint(error, "Files of a table PARTITIONED BY (…) lie in a folder for each column.");
    } else if (strcmp(buffer_text(&value), default_name(table)) == 0) {
        vector_set_null(vector, 0, arena);
    } else {
        vector_set_valid(vector, 0);
        good = value_parse(vector, 0, (Str){value.data, value.length}, NULL, arena, error) ||
               error_place(error, "%s", path);
    }
    buffer_deinit(&value);
    return good;
}
