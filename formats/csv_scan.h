/* Finding the bytes that matter in a csv file, 64 at a time.
 *
 * Bit i of a mask stands for byte i of the block. Chosen once at start-up: AVX2 where the processor
 * has it, else eight bytes at a time in a plain register. */
#ifndef FORMATS_CSV_SCAN_H
#define FORMATS_CSV_SCAN_H

#include "core/base.h"

#define CSV_BLOCK_BYTES 64

/* Bytes looked for: delimiter, line feed, quote, escape; fill unused places with one of the others.
 */
typedef struct CsvMarks {
    char bytes[4];
} CsvMarks;

typedef uint64_t (*CsvScan)(const char *block, const CsvMarks *marks);

CsvScan csv_scan_choose(void);
uint64_t csv_scan_portable(const char *block, const CsvMarks *marks);

#endif
