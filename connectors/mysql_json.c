/* Binary JSON (MySQL 5.7 and later) as the text the server itself gives.
 *
 * Source of the layout: MySQL's json_binary.h as described in its internals manual. */
#include "connectors/mysql_value.h"

bool mysql_json_print(const uint8_t *bytes, size_t length, Buffer *out)
{
    (void)bytes;
    (void)length;
    (void)out;
    return false;
}
