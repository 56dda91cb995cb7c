/* Masks of 64 bytes to the places of separators. */
#include "formats/csv_grid.h"

#include "core/arena.h"

/* So many that they and their fields stay in the nearest cache from the scan to the last column. */
#define GRID_BYTES_MAX ((size_t)16 << 10)
#define GRID_BYTES_MIN ((size_t)1 << 10)
/* Places are stored four at a time, also where there are fewer. */
#define ENDS_SLACK 8

/* What the quotes of the bytes before a block say about it. */
typedef struct QuoteState {
    uint64_t inside;    /* all ones: the block begins within quotes */
    uint64_t separator; /* 1: a separator stands before the block */
    uint64_t closed;    /* 1: a closing quote does */
} QuoteState;

void csv_grid_init(CsvGrid *grid)
{
    *grid = (CsvGrid){.bytes = GRID_BYTES_MIN};
}

void csv_grid_deinit(CsvGrid *grid)
{
    if (grid->ends != NULL)
        memory_free(grid->ends - 1);
    memory_free(grid->blocks);
}

/* Closing quotes at the end of lines with a carriage return. */
static bool are_line_ends(const char *block, uint64_t behind)
{
    for (; behind != 0; behind &= behind - 1) {
        const char *at = block + __builtin_ctzll(behind);
        if (at[0] != '\r' || at[1] != '\n')
            return false;
    }
    return true;
}

/* Takes separators within quotes out of a block; false when its quotes are not only around fields,
 * or line breaks lie within. */
static bool apply_quotes(const char *data, const CsvBlock *block, QuoteState *state,
                         uint64_t *separators)
{
    uint64_t quotes = block->quotes;
    uint64_t inside = csv_prefix_parity(quotes) ^ state->inside; /* with the opening quote */
    uint64_t opens = quotes & inside, closes = quotes & ~inside;
    *separators = block->separators & ~inside;
    uint64_t behind_separator = *separators << 1 | state->separator;
    uint64_t behind_close = closes << 1 | state->closed;
    if ((block->newlines & inside) != 0 || (opens & ~(behind_separator | behind_close)) != 0 ||
        !are_line_ends(data, behind_close & ~(*separators | opens)))
        return false;
    state->inside = (uint64_t)((int64_t)inside >> 63);
    state->separator = *separators >> 63;
    state->closed = closes >> 63;
    return true;
}

static inline uint32_t lowest(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
}

/* The places of the mask's bits: four at a time, since how many there are is hard to foretell. */
static inline __attribute__((always_inline)) void store_places(uint32_t *to, uint32_t base,
                                                               uint64_t bits, uint32_t count)
{
    uint32_t stored = 0;
    do {
        for (uint32_t i = 0; i < 4; i++) {
            to[stored + i] = base + lowest(bits);
            bits &= bits - 1;
        }
        stored += 4;
    } while (stored < count);
}

/* Goes through the blocks until a record does not fit. */
static inline __attribute__((always_inline)) void walk(CsvGrid *grid, size_t blocks,
                                                       uint32_t max_rows)
{
    const uint32_t fields = grid->fields;
    QuoteState quotes = {0, 1, 0};
    uint32_t count = 0, last = fields - 1; /* the place of the next line feed among the ends */
    for (size_t b = 0; b < blocks; b++) {
        const CsvBlock *block = &grid->blocks[b];
        uint64_t separators = block->separators, newlines = block->newlines;
        uint32_t base = (uint32_t)(b * CSV_BLOCK_BYTES);
        if ((block->quotes | quotes.inside | quotes.closed) != 0) {
            if (!apply_quotes(grid->data + base, block, &quotes, &separators)) {
                grid->irregular = true;
                return;
            }
        } else {
            quotes.separator = separators >> 63;
        }
        uint32_t found = (uint32_t)__builtin_popcountll(separators);
        store_places(grid->ends + count, base, separators, found);
        for (; newlines != 0; newlines &= newlines - 1) {
            uint64_t before = (newlines & (0 - newlines)) - 1;
            if (count + (uint32_t)__builtin_popcountll(separators & before) != last) {
                grid->irregular = true;
                return;
            }
            last += fields;
            grid->rows++;
            grid->length = base + lowest(newlines) + 1;
            if (grid->rows == max_rows)
                return;
        }
        count += found;
    }
}

#if defined(__x86_64__)

__attribute__((target("bmi,popcnt"))) static void walk_popcnt(CsvGrid *grid, size_t blocks,
                                                              uint32_t max_rows)
{
    walk(grid, blocks, max_rows);
}

static void walk_blocks(CsvGrid *grid, size_t blocks, uint32_t max_rows)
{
    if (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi"))
        walk_popcnt(grid, blocks, max_rows);
    else
        walk(grid, blocks, max_rows);
}

#else

static void walk_blocks(CsvGrid *grid, size_t blocks, uint32_t max_rows)
{
    walk(grid, blocks, max_rows);
}

#endif

void csv_grid_find(CsvGrid *grid, Str data, uint32_t fields, uint32_t max_rows, CsvScan scan,
                   const CsvMarks *marks)
{
    grid->data = data.data;
    grid->fields = fields;
    grid->rows = 0;
    grid->length = 0;
    grid->irregular = false;
    size_t bytes = data.length < CSV_GRID_PADDING ? 0 : data.length - CSV_GRID_PADDING;
    size_t blocks = (bytes < grid->bytes ? bytes : grid->bytes) / CSV_BLOCK_BYTES;
    if (blocks == 0)
        return;
    if (grid->ends == NULL) {
        grid->ends = memory_alloc(sizeof(*grid->ends) * (1 + GRID_BYTES_MAX + ENDS_SLACK));
        *grid->ends++ = UINT32_MAX;
        grid->blocks = memory_alloc(sizeof(CsvBlock) * (GRID_BYTES_MAX / CSV_BLOCK_BYTES));
    }
    grid->ascii = scan(data.data, blocks, marks, grid->blocks);
    walk_blocks(grid, blocks, max_rows);
    /* Where records do not fit, little is looked at in vain. */
    if (grid->irregular)
        grid->bytes = GRID_BYTES_MIN;
    else if (grid->bytes < GRID_BYTES_MAX)
        grid->bytes *= 2;
}
