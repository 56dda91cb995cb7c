/* What the decoder's own files share. */
#ifndef CONNECTORS_MYSQL_BINLOG_INTERNAL_H
#define CONNECTORS_MYSQL_BINLOG_INTERNAL_H

#include "connectors/mysql/binlog_event.h"

/* Words the error for an event that is not as it should be; returns false. */
bool binlog_malformed(uint8_t type, const char *what, Error *error);

/* MariaDB's compressed record: a byte with the size's length, the size (big-endian), zlib data.
 * False when it is damaged. */
bool binlog_unpack_mariadb(const uint8_t *bytes, size_t length, Buffer *out) MUST_CHECK;

#endif
