/* The registry of formats: the table is made from meson.build. */
#include "formats/format.h"

#include "core/str.h"

#define FORMAT_NAMES_MAX 64

extern const Format *const format_table[];

const Format *format_at(uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (format_table[i] == NULL)
            return NULL;
    return format_table[index];
}

const Format *format_find(const char *name, Error *error)
{
    const char *names[FORMAT_NAMES_MAX];
    size_t count = 0;
    for (; format_table[count] != NULL && count < FORMAT_NAMES_MAX; count++) {
        if (text_equal_nocase(format_table[count]->name, name))
            return format_table[count];
        names[count] = format_table[count]->name;
    }
    error_set(error, ERROR_NAME, "format \"%s\" does not exist", name);
    Buffer list = {0};
    for (size_t i = 0; i < count; i++)
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    error_detail(error, "The formats are: %s.", buffer_text(&list));
    buffer_deinit(&list);
    const char *nearest = str_nearest(name, names, count);
    if (nearest != NULL)
        error_hint(error, "Did you mean \"%s\"?", nearest);
    return NULL;
}
