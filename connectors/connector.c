/* Finding connectors by name; the table is made from connectors/meson.build. */
#include "connectors/connector.h"

#include "core/str.h"

extern const Connector *const connector_table[];

#define NAMES_MAX 64

const Connector *connector_at(uint32_t index)
{
    for (uint32_t i = 0; i <= index; i++)
        if (connector_table[i] == NULL)
            return NULL;
    return connector_table[index];
}

const Connector *connector_find(const char *name, Error *error)
{
    const char *names[NAMES_MAX];
    uint32_t count = 0;
    for (; connector_table[count] != NULL && count < NAMES_MAX; count++) {
        if (text_equal_nocase(connector_table[count]->name, name))
            return connector_table[count];
        names[count] = connector_table[count]->name;
    }
    error_set(error, ERROR_NAME, "connector \"%s\" does not exist", name);
    Buffer list = {0};
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    error_detail(error, "There are: %s.", buffer_text(&list));
    buffer_deinit(&list);
    const char *nearest = str_nearest(name, names, count);
    if (nearest != NULL)
        error_hint(error, "Did you mean \"%s\"?", nearest);
    return NULL;
}
