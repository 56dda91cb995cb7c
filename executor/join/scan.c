/* A join without a key: rows tested against everything the other side holds (join/internal.h).
 *
 * The other side is read a chunk at a time, each chunk decoded once for a block of input rows; the
 * condition runs over the chunk with one input row as a constant, so neither side is expanded into
 * pairs. A bit per input row says of each candidate which rows it matches: memory is a note per row
 * of the other side, whatever matches.
 *
 * Cost: per block a row_decode a candidate, then one run of the condition an input row and chunk.
 */
#include "executor/join/internal.h"

/* Candidates tested at once: their columns stay in the nearest cache. */
#define CHUNK_ROWS 1024

/* Room for more notes than this is given back after the batch. */
#define NOTES_KEPT 65536

struct JoinScan {
    /* Fixed. */
    const JoinPairs *pairs; /* the condition and what it reads */
    uint32_t *selected;
    /* Of the block at hand. */
    JoinCandidate *candidates;
    uint64_t *matches; /* by candidate: a bit per row of the block */
    size_t count;
    size_t capacity;
};

JoinScan *join_scan_new(Arena *arena, const JoinPairs *pairs)
{
    JoinScan *scan = arena_new_one(arena, JoinScan);
    scan->pairs = pairs;
    scan->selected = arena_new_array(arena, uint32_t, CHUNK_ROWS + 1);
    return scan;
}

void join_scan_free(JoinScan *scan)
{
    if (scan == NULL)
        return;
    memory_free(scan->candidates);
    memory_free(scan->matches);
    scan->candidates = NULL;
    scan->matches = NULL;
    scan->count = scan->capacity = 0;
}

void join_scan_trim(JoinScan *scan)
{
    if (scan->capacity > NOTES_KEPT)
        join_scan_free(scan);
}

static void note(JoinScan *scan, const JoinCandidate *candidate)
{
    if (scan->count == scan->capacity) {
        scan->capacity = scan->capacity == 0 ? CHUNK_ROWS : scan->capacity * 2;
        scan->candidates =
            memory_realloc(scan->candidates, sizeof(*scan->candidates) * scan->capacity);
        scan->matches = memory_realloc(scan->matches, sizeof(*scan->matches) * scan->capacity);
    }
    scan->candidates[scan->count] = *candidate;
    scan->matches[scan->count++] = 0;
}

/* The chunk's columns, as far as the condition reads them. */
static Batch *decode_chunk(const JoinScan *scan, const JoinSide *other, size_t first,
                           uint32_t count)
{
    Batch *pairs = join_pairs_batch(scan->pairs, count);
    Vector **columns = join_pairs_side(scan->pairs, pairs, other->first_column == 0);
    for (uint32_t i = 0; i < count; i++)
        row_decode(other->slot.layout, scan->candidates[first + i].row, columns, i, pairs->arena,
                   true);
    return pairs;
}

/* Makes the input's columns constants of the value in one row. */
static void place_row(const JoinScan *scan, const JoinSide *own, const Batch *in, uint32_t row,
                      Batch *pairs)
{
    for (uint32_t c = 0; c < own->column_count; c++) {
        uint32_t at = own->first_column + c;
        if (!scan->pairs->is_read[at])
            continue;
        vector_gather(&pairs->columns[at], &in->columns[c], &row, 1, pairs->arena);
        pairs->columns[at].constant = true;
    }
}

static bool test_chunk(JoinScan *scan, const JoinScanBlock *block, size_t first, Error *error)
{
    uint32_t count = (uint32_t)(scan->count - first);
    Batch *pairs = decode_chunk(scan, block->other, first, count);
    bool ok = true;
    for (uint32_t i = 0; i < block->count && ok; i++) {
        place_row(scan, block->own, block->in, block->row + i, pairs);
        int64_t found =
            expression_select(scan->pairs->condition, pairs, NULL, count, scan->selected, error);
        for (int64_t s = 0; s < found; s++)
            scan->matches[first + scan->selected[s]] |= UINT64_C(1) << i;
        ok = found >= 0;
    }
    batch_release(pairs);
    return ok;
}

bool join_scan_block(JoinScan *scan, const JoinScanBlock *block, JoinProbe *probe, Error *error)
{
    JoinCandidate candidate;
    scan->count = 0;
    size_t first = 0;
    for (bool more = true, restart = true; more; restart = false) {
        more = join_probe_next(probe, block->row, restart, &candidate);
        if (more)
            note(scan, &candidate);
        if (scan->count == first || (more && scan->count - first < CHUNK_ROWS))
            continue;
        if (!test_chunk(scan, block, first, error))
            return false;
        first = scan->count;
    }
    return true;
}

const JoinCandidate *join_scan_next(const JoinScan *scan, uint32_t row, size_t *at)
{
    while (*at < scan->count && (scan->matches[*at] >> row & 1) == 0)
        ++*at;
    return *at == scan->count ? NULL : &scan->candidates[(*at)++];
}
