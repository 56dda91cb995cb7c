/* Finding the bytes that end a piece of a JSON string: quotes, backslashes, control characters, 64
 * bytes at a time. Bit i of a mask stands for byte i of the block. */
#ifndef FORMATS_JSON_SCAN_H
#define FORMATS_JSON_SCAN_H

#include "core/base.h"

#define JSON_BLOCK_BYTES 64

/* Fills in so many masks; whether all the blocks' bytes are ASCII. */
typedef bool (*JsonScan)(const char *data, size_t count, uint64_t *masks);

JsonScan json_scan_choose(void);
bool json_scan_portable(const char *data, size_t count, uint64_t *masks);

#endif
