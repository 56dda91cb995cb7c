/* The checksum of binlog events: CRC-32 as in Ethernet and zlib. */
#ifndef CONNECTORS_MYSQL_CRC_H
#define CONNECTORS_MYSQL_CRC_H

#include "core/base.h"

uint32_t mysql_crc32(const uint8_t *bytes, size_t length);

#endif
