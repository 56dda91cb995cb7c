/* Records in blocks: a slab allocator whose pieces never move and have a 32-bit reference.
 *
 * Pieces come off the end of the open block, or from the free list of their size class: exact up to
 * 128 bytes, then eight classes per doubling, so at most an eighth is lost. A piece too large for
 * that gets a block of its own. Freed pieces wait for the next of their class; blocks shrink only
 * when a huge record goes.
 *
 * Cost: an allocation is a pop or an addition; blocks after the first ask for huge pages, because a
 * probe into a large table would else miss the TLB as well as the cache. */
#include "state/state_internal.h"

#include <sys/mman.h>

/* Larger pieces get their own block, so that little is lost at the end of the open one. */
#define HUGE_BYTES         (STATE_BLOCK_BYTES / 8)
#define EXACT_UNITS        16
#define FIRST_BYTES        64 /* keeps a fresh block's records from straddling cache lines */
#define CLASSES_PER_OCTAVE 8

/* Units of 8 bytes that a piece of its class takes, and the class. */
static uint32_t size_class(size_t bytes, size_t *class_bytes)
{
    size_t units = (bytes + STATE_UNIT_BYTES - 1) / STATE_UNIT_BYTES;
    if (units < 2)
        units = 2; /* a free piece holds a StateFree */
    if (units <= EXACT_UNITS) {
        *class_bytes = units * STATE_UNIT_BYTES;
        return (uint32_t)units - 1;
    }
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(units - 1);
    uint32_t shift = octave - 3;
    size_t steps = (units - 1) >> shift; /* 8..15 */
    *class_bytes = ((steps + 1) << shift) * STATE_UNIT_BYTES;
    uint32_t class = EXACT_UNITS + (octave - 4) * CLASSES_PER_OCTAVE + (uint32_t)(steps - 8);
    assert(class < STATE_SIZE_CLASSES);
    return class;
}

static bool is_huge(size_t bytes)
{
    return bytes > HUGE_BYTES;
}

bool state_record_fits(size_t old_bytes, size_t new_bytes)
{
    size_t old_room, new_room;
    if (is_huge(old_bytes) || is_huge(new_bytes))
        return old_bytes == new_bytes;
    return size_class(old_bytes, &old_room) == size_class(new_bytes, &new_room);
}

/* Address space aligned to the size of a block: a record finds its unit by its address. */
static char *map_aligned(size_t bytes)
{
    size_t asked = bytes + STATE_BLOCK_BYTES;
    char *start = mmap(NULL, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        memory_exhausted(bytes);
    char *base = (char *)size_round_up((size_t)(uintptr_t)start, STATE_BLOCK_BYTES);
    size_t before = (size_t)(base - start);
    if (before != 0)
        munmap(start, before);
    if (asked - before > bytes)
        munmap(base + bytes, asked - before - bytes);
    return base;
}

static uint32_t add_block(StateRecords *records, size_t bytes)
{
    uint32_t number;
    if (records->free_block_count != 0) {
        number = records->free_blocks[--records->free_block_count];
    } else {
        number = records->block_count++;
        /* state_store_check refuses long before. */
        if (number >= STATE_BLOCKS_MAX)
            memory_exhausted(bytes);
        if (number == records->block_capacity) {
            records->block_capacity = number == 0 ? 4 : number * 2;
            records->blocks =
                memory_realloc(records->blocks, records->block_capacity * sizeof(StateBlock));
            records->free_blocks =
                memory_realloc(records->free_blocks, records->block_capacity * sizeof(uint32_t));
        }
    }
    bytes = size_round_up(bytes, 4096);
    StateBlock *block = &records->blocks[number];
    block->base = map_aligned(bytes);
    block->bytes = bytes;
    block->any_changed = false;
    /* A huge record's header is within the first units. */
    block->changed = memory_zalloc(bytes == STATE_BLOCK_BYTES ? STATE_BLOCK_UNITS / 8 : 64);
    if (number > 0 && bytes == STATE_BLOCK_BYTES)
        madvise(block->base, bytes, MADV_HUGEPAGE);
    return number;
}

static void drop_block(StateRecords *records, uint32_t number)
{
    StateBlock *block = &records->blocks[number];
    munmap(block->base, block->bytes);
    memory_free(block->changed);
    *block = (StateBlock){0};
    records->free_blocks[records->free_block_count++] = number;
}

static char *take_from_open(StateRecords *records, size_t bytes, uint32_t *block)
{
    if (records->block_count == 0 || records->open_used + bytes > STATE_BLOCK_BYTES) {
        records->open_block = add_block(records, STATE_BLOCK_BYTES);
        records->open_used = FIRST_BYTES;
    }
    char *piece = records->blocks[records->open_block].base + records->open_used;
    records->open_used += bytes;
    *block = records->open_block;
    return piece;
}

StateHeader *state_record_new(StateRecords *records, size_t prefix, size_t bytes,
                              uint32_t key_group)
{
    size_t total = prefix + sizeof(StateHeader) + bytes;
    uint32_t block;
    char *piece;
    if (is_huge(total)) {
        block = add_block(records, total);
        piece = records->blocks[block].base;
        records->live_bytes += total;
    } else {
        size_t class_bytes;
        uint32_t class = size_class(total, &class_bytes);
        StateFree *free_piece = records->free_records[class];
        if (free_piece != NULL) {
            records->free_records[class] = free_piece->next;
            block = free_piece->block;
            piece = (char *)free_piece;
            memset(piece, 0, class_bytes);
        } else {
            piece = take_from_open(records, class_bytes, &block);
        }
        records->live_bytes += class_bytes;
    }
    StateHeader *header = (StateHeader *)(void *)(piece + prefix);
    header->where = block | key_group << STATE_BLOCK_BITS;
    return header;
}

void state_record_free(StateRecords *records, StateHeader *header, size_t prefix, size_t bytes)
{
    size_t total = prefix + sizeof(StateHeader) + bytes;
    uint32_t number = header->where & (STATE_BLOCKS_MAX - 1);
    if (is_huge(total)) {
        records->live_bytes -= total;
        drop_block(records, number);
        return;
    }
    StateBlock *block = &records->blocks[number];
    uint32_t unit = (uint32_t)(((uintptr_t)header & (STATE_BLOCK_BYTES - 1)) / STATE_UNIT_BYTES);
    block->changed[unit >> 6] &= ~(UINT64_C(1) << (unit & 63));
    size_t class_bytes;
    uint32_t class = size_class(total, &class_bytes);
    StateFree *piece = (StateFree *)(void *)((char *)header - prefix);
    piece->next = records->free_records[class];
    piece->block = number;
    records->free_records[class] = piece;
    records->live_bytes -= class_bytes;
}

char *state_text_new(StateRecords *records, size_t bytes)
{
    if (is_huge(bytes)) {
        records->live_bytes += bytes;
        records->huge_texts++;
        return memory_alloc(bytes);
    }
    size_t class_bytes;
    uint32_t class = size_class(bytes, &class_bytes);
    records->live_bytes += class_bytes;
    StateFree *piece = records->free_texts[class];
    if (piece != NULL) {
        records->free_texts[class] = piece->next;
        return (char *)piece;
    }
    uint32_t block;
    return take_from_open(records, class_bytes, &block);
}

void state_text_free(StateRecords *records, char *text, size_t bytes)
{
    if (is_huge(bytes)) {
        records->live_bytes -= bytes;
        records->huge_texts--;
        memory_free(text);
        return;
    }
    size_t class_bytes;
    uint32_t class = size_class(bytes, &class_bytes);
    records->live_bytes -= class_bytes;
    StateFree *piece = (StateFree *)(void *)text;
    piece->next = records->free_texts[class];
    records->free_texts[class] = piece;
}

void state_records_deinit(StateRecords *records)
{
    for (uint32_t i = 0; i < records->block_count; i++) {
        if (records->blocks[i].base == NULL)
            continue;
        munmap(records->blocks[i].base, records->blocks[i].bytes);
        memory_free(records->blocks[i].changed);
    }
    memory_free(records->blocks);
    memory_free(records->free_blocks);
    *records = (StateRecords){0};
}
