/* Finding the bytes that matter in a csv file, 64 at a time.
 *
 * Bit i of a mask stands for byte i of the block. Chosen once at start-up: AVX-512 or AVX2 where
 * the processor has it, else eight bytes at a time in a plain register. */
#ifndef FORMATS_CSV_SCAN_H
#define FORMATS_CSV_SCAN_H

#include "core/base.h"

#define CSV_BLOCK_BYTES 64

/* Bytes looked for; a line feed as quote or escape means that there is none. */
typedef struct CsvMarks {
    char delimiter;
    char quote;
    char escape;
} CsvMarks;

typedef struct CsvBlock {
    uint64_t separators; /* delimiters and line feeds */
    uint64_t newlines;
    uint64_t quotes; /* quotes and escapes */
} CsvBlock;

/* Fills in so many blocks; whether all their bytes are ASCII. */
typedef bool (*CsvScan)(const char *data, size_t count, const CsvMarks *marks, CsvBlock *blocks);

CsvScan csv_scan_choose(void);

/* Bit i is the parity of bits 0 to i. */
static inline uint64_t csv_prefix_parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Bytes that text must not have to stand without quotes; unused places repeat another. */
typedef struct CsvSpecials {
    char bytes[5];
} CsvSpecials;

bool csv_scan_has(Str text, const CsvSpecials *specials);

bool csv_scan_portable(const char *data, size_t count, const CsvMarks *marks, CsvBlock *blocks);

#endif
