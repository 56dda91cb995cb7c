/* Records in blocks: a slab allocator whose pieces never move and have a 32-bit reference.
 *
 * A block holds pieces of one size class: exact up to 128 bytes, then eight classes per doubling,
 * so at most an eighth is lost. Freed pieces wait in their block for the next of the class; a block
 * without a piece in use goes back to the system, but for one per class that waits for the next
 * growth. A piece too large for that gets a block of its own.
 *
 * Invariant: a block begins with its number, by which a text finds its block. A bit of the bitmap
 * of changed records is set for records with STATE_CHANGED and for freed pieces that say so; what
 * such a piece is given to next takes the bit over or clears it.
 * Cost: an allocation is a pop or an addition; the blocks of a class after its first ask for huge
 * pages, because a probe into a large table would else miss the TLB as well as the cache, and
 * because one fault costs less than five hundred. Where a machine has to get the memory of a huge
 * page from somewhere first, as virtual ones do whose host takes free memory back, it costs several
 * times as much: that shows in the thread's time for the first write, and then most blocks do
 * without.
 * Segments of an index, few and hit by every probe, always get them. */
#include "core/clock.h"
#include "state/state_internal.h"

#include <sys/mman.h>

/* Larger pieces get their own block, so that little is lost at the end of the open one. */
#define HUGE_BYTES         (STATE_BLOCK_BYTES / 8)
#define EXACT_UNITS        16
#define FREED_BYTE         0xDD /* fills freed pieces in builds with assertions */
#define FIRST_BYTES        64   /* the block's number; keeps records from straddling cache lines */
#define CLASSES_PER_OCTAVE 8
/* A huge page for which the first write takes longer is not worth it: what small ones take. */
#define HUGE_PAGE_WORTH_US 1000
/* Blocks that go without before the next one tries again: four times as many each time. */
#define HUGE_PAGE_GAP_MIN 16
#define HUGE_PAGE_GAP_MAX 1024
/* From so many blocks on a table has small pieces in huge pages at any price: random reads pay that
 * back. Large pieces, mostly rows that are written once, do not. */
#define HUGE_PAGE_BLOCKS 64

/* Units of 8 bytes that a piece of its class takes, and the class. */
static uint32_t size_class(size_t bytes, size_t *class_bytes)
{
    size_t units = (bytes + STATE_UNIT_BYTES - 1) / STATE_UNIT_BYTES;
    if (units < 2)
        units = 2;
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
    /* Behind each other blocks mostly are. */
    char *next = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (next != MAP_FAILED && (uintptr_t)next % STATE_BLOCK_BYTES == 0)
        return next;
    if (next != MAP_FAILED)
        munmap(next, bytes);
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

/* A block for pieces of so many units; 0: for one huge record. */
static uint32_t add_block(StateRecords *records, size_t bytes, uint32_t piece_units)
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
            records->bases =
                memory_realloc(records->bases, records->block_capacity * sizeof(char *));
            records->free_blocks =
                memory_realloc(records->free_blocks, records->block_capacity * sizeof(uint32_t));
        }
    }
    bytes = size_round_up(bytes, 4096);
    StateBlock *block = &records->blocks[number];
    /* Headers are at least a piece apart. A huge record's is within the first units. */
    uint32_t shift = piece_units == 0 ? 0 : 31 - (uint32_t)__builtin_clz(piece_units);
    uint32_t words = piece_units == 0 ? 1 : (uint32_t)(STATE_BLOCK_UNITS >> shift) / 64;
    words = words == 0 ? 1 : words;
    *block =
        (StateBlock){.base = map_aligned(bytes),
                     .bytes = bytes,
                     .changed = memory_zalloc(words * sizeof(uint64_t)),
                     .live = records->marks_live ? memory_zalloc(words * sizeof(uint64_t)) : NULL,
                     .words = words,
                     .shift = (uint8_t)shift,
                     .piece_units = piece_units,
                     .class = STATE_SIZE_CLASSES,
                     .prev = STATE_NO_BLOCK,
                     .next = STATE_NO_BLOCK};
    records->bases[number] = block->base;
    return number;
}

static void drop_block(StateRecords *records, uint32_t number)
{
    StateBlock *block = &records->blocks[number];
    for (uint32_t word = 0; block->any_changed && word < block->words; word++)
        records->changed_count -= (uint32_t)__builtin_popcountll(block->changed[word]);
    munmap(block->base, block->bytes);
    memory_free(block->changed);
    memory_free(block->live);
    *block = (StateBlock){0};
    records->free_blocks[records->free_block_count++] = number;
}

/* ------------------------------------------------------------- blocks of a class */

static void class_append(StateRecords *records, uint32_t number)
{
    StateBlock *block = &records->blocks[number];
    StateClass *class = &records->classes[block->class];
    bool is_first = class->blocks == 0 || class->first == STATE_NO_BLOCK;
    block->is_partial = true;
    block->next = STATE_NO_BLOCK;
    block->prev = is_first ? STATE_NO_BLOCK : class->last;
    if (is_first)
        class->first = number;
    else
        records->blocks[class->last].next = number;
    class->last = number;
}

static void class_unlink(StateRecords *records, const StateBlock *block)
{
    StateClass *class = &records->classes[block->class];
    if (block->prev == STATE_NO_BLOCK)
        class->first = block->next;
    else
        records->blocks[block->prev].next = block->next;
    if (block->next == STATE_NO_BLOCK)
        class->last = block->prev;
    else
        records->blocks[block->next].prev = block->prev;
}

static void write_in_huge_page(char *base, uint32_t number)
{
    madvise(base, STATE_BLOCK_BYTES, MADV_HUGEPAGE);
    memcpy(base, &number, sizeof(number));
}

/* Writes a block's number, by which it gets a huge page where those are wanted and worth it. */
static void write_first(StateRecords *records, char *base, uint32_t number, bool wants_huge,
                        bool small_pieces)
{
    bool at_any_price = small_pieces && records->block_count > HUGE_PAGE_BLOCKS;
    bool waits = records->huge_page_wait != 0 && !at_any_price;
    if (!wants_huge || waits) {
        records->huge_page_wait -= wants_huge;
        memcpy(base, &number, sizeof(number));
        return;
    }
    int64_t start_us = clock_thread_us();
    write_in_huge_page(base, number);
    bool worth_it = clock_thread_us() - start_us <= HUGE_PAGE_WORTH_US;
    uint32_t gap = worth_it ? 0 : HUGE_PAGE_GAP_MIN;
    if (!worth_it && records->huge_page_gap != 0)
        gap = records->huge_page_gap < HUGE_PAGE_GAP_MAX ? records->huge_page_gap * 4
                                                         : HUGE_PAGE_GAP_MAX;
    records->huge_page_gap = records->huge_page_wait = gap;
}

static uint32_t class_add_block(StateRecords *records, uint32_t number_of_class, size_t class_bytes)
{
    StateClass *class = &records->classes[number_of_class];
    uint32_t number =
        add_block(records, STATE_BLOCK_BYTES, (uint32_t)(class_bytes / STATE_UNIT_BYTES));
    StateBlock *block = &records->blocks[number];
    size_t segment_bytes;
    uint32_t of_segments = size_class(STATE_SEGMENT_BYTES, &segment_bytes);
    if (number_of_class == of_segments && class->blocks != 0)
        write_in_huge_page(block->base, number);
    else
        write_first(records, block->base, number, class->blocks != 0,
                    number_of_class < EXACT_UNITS);
    block->class = number_of_class;
    block->used = FIRST_BYTES;
    class_append(records, number);
    class->blocks++;
    class->empty++;
    return number;
}

uint32_t state_run_new(StateRecords *records, size_t bytes, bool is_first)
{
    size_t room = bytes + STATE_RUN_FIRST;
    bool fits = room <= STATE_BLOCK_BYTES;
    uint32_t number = add_block(records, fits ? STATE_BLOCK_BYTES : room, 0);
    StateBlock *block = &records->blocks[number];
    write_first(records, block->base, number, fits && !is_first, false);
    block->used = STATE_RUN_FIRST;
    return number;
}

static char *piece_at(const StateBlock *block, uint32_t unit)
{
    return block->base + (size_t)unit * STATE_UNIT_BYTES;
}

static void push_free(StateBlock *block, char *piece, bool is_marked)
{
    enum { LAST = STATE_FREE_AHEAD - 1 };
    uint32_t behind = block->free[LAST];
    memmove(block->free + 1, block->free, LAST * sizeof(uint32_t));
    block->free[0] = (uint32_t)((piece - block->base) / STATE_UNIT_BYTES);
    *(StateFree *)(void *)piece = (StateFree){.behind = behind, .changed = is_marked};
}

static char *pop_free(StateBlock *block, bool *is_marked)
{
    enum { LAST = STATE_FREE_AHEAD - 1 };
    char *piece = piece_at(block, block->free[0]);
    const StateFree *freed = (const StateFree *)(void *)piece;
    memmove(block->free, block->free + 1, LAST * sizeof(uint32_t));
    block->free[LAST] = freed->behind;
    const char *ahead = piece_at(block, freed->behind);
    __builtin_prefetch(ahead, 1);
    __builtin_prefetch(ahead + (size_t)block->piece_units * STATE_UNIT_BYTES - 1, 1);
    *is_marked = freed->changed != 0;
    return piece;
}

static StateHeader *marked_header(const StateRecords *records, void *piece)
{
    return (StateHeader *)piece + records->prefix_units;
}

/* What the piece is given to is no record that a snapshot holds. */
static void clear_mark(StateRecords *records, StateBlock *block, char *piece)
{
    uint32_t bit = state_mark_of(block, marked_header(records, piece));
    block->changed[bit >> 6] &= ~(UINT64_C(1) << (bit & 63));
    records->changed_count--;
}

/* A piece of the class: zeroed, for a record, or, a text, one that need not be. `changed` gets
 * STATE_CHANGED when it is wanted and the bit is set. */
static char *take_piece(StateRecords *records, uint32_t class_number, size_t class_bytes,
                        bool zeroed, uint32_t *changed, uint32_t *number)
{
    StateClass *class = &records->classes[class_number];
    if (class->blocks == 0 || class->first == STATE_NO_BLOCK)
        *number = class_add_block(records, class_number, class_bytes);
    else
        *number = class->first;
    StateBlock *block = &records->blocks[*number];
    class->empty -= block->pieces == 0;
    block->pieces++;
    char *piece;
    if (block->free[0] != 0) {
        bool is_marked;
        piece = pop_free(block, &is_marked);
        if (is_marked && changed != NULL)
            *changed = STATE_CHANGED;
        else if (is_marked)
            clear_mark(records, block, piece);
        if (zeroed)
            memset(piece, 0, class_bytes);
    } else {
        piece = block->base + block->used;
        block->used += class_bytes;
    }
    if (block->free[0] == 0 && block->used + class_bytes > STATE_BLOCK_BYTES) {
        class_unlink(records, block);
        block->is_partial = false;
    }
    records->live_bytes += class_bytes;
    return piece;
}

static void give_piece(StateRecords *records, char *piece, size_t class_bytes, uint32_t number,
                       bool is_marked)
{
    StateBlock *block = &records->blocks[number];
    StateClass *class = &records->classes[block->class];
#ifndef NDEBUG
    memset(piece, FREED_BYTE, class_bytes); /* who still reads it shall see */
#endif
    if (is_marked)
        marked_header(records, piece)->where = 0;
    push_free(block, piece, is_marked);
    records->live_bytes -= class_bytes;
    if (!block->is_partial)
        class_append(records, number);
    if (--block->pieces != 0)
        return;
    if (class->empty == 0) {
        class->empty++;
        return;
    }
    class_unlink(records, block);
    class->blocks--;
    drop_block(records, number);
}

/* ------------------------------------------------------------------------ pieces */

StateHeader *state_record_new(StateRecords *records, size_t prefix, size_t bytes,
                              uint32_t key_group)
{
    size_t total = prefix + sizeof(StateHeader) + bytes;
    uint32_t block, changed = 0;
    char *piece;
    if (is_huge(total)) {
        block = add_block(records, total, 0);
        piece = records->blocks[block].base;
        records->live_bytes += total;
    } else {
        size_t class_bytes;
        uint32_t class = size_class(total, &class_bytes);
        bool may_change = prefix == (size_t)records->prefix_units * STATE_UNIT_BYTES;
        piece = take_piece(records, class, class_bytes, true, may_change ? &changed : NULL, &block);
    }
    StateHeader *header = (StateHeader *)(void *)(piece + prefix);
    header->where = block | key_group << STATE_BLOCK_BITS | changed;
    return header;
}

void state_record_free(StateRecords *records, StateHeader *header, size_t prefix, size_t bytes)
{
    size_t total = prefix + sizeof(StateHeader) + bytes;
    uint32_t number = header->where & (STATE_BLOCKS_MAX - 1);
    bool is_marked = (header->where & STATE_CHANGED) != 0;
    records->churn += is_marked && (header->where & STATE_PERSISTED) == 0;
    if (is_huge(total)) {
        records->live_bytes -= total;
        drop_block(records, number);
        return;
    }
    StateBlock *block = &records->blocks[number];
    if (block->live != NULL) {
        uint32_t bit = state_mark_of(block, header);
        block->live[bit >> 6] &= ~(UINT64_C(1) << (bit & 63));
    }
    size_t class_bytes;
    size_class(total, &class_bytes);
    give_piece(records, (char *)header - prefix, class_bytes, number, is_marked);
}

bool state_record_is_there(const StateRecords *records, StateHeader *header)
{
    if ((header->where & STATE_CHANGED) != 0)
        return true;
    ((StateFree *)(void *)(header - records->prefix_units))->changed = 0;
    return false;
}

void state_record_mark_live(StateRecords *records, const StateHeader *header)
{
    StateBlock *block = &records->blocks[header->where & (STATE_BLOCKS_MAX - 1)];
    uint32_t bit = state_mark_of(block, header);
    block->live[bit >> 6] |= UINT64_C(1) << (bit & 63);
}

StateRef state_marked_ref(const StateRecords *records, uint32_t number, uint32_t bit)
{
    const StateBlock *block = &records->blocks[number];
    uint32_t unit = bit << block->shift;
    if (block->piece_units != 0) {
        uint32_t first = FIRST_BYTES / STATE_UNIT_BYTES + records->prefix_units;
        uint32_t past = unit <= first ? 0 : unit - first;
        unit = first + (past + block->piece_units - 1) / block->piece_units * block->piece_units;
    }
    return number << STATE_UNIT_BITS | unit;
}

char *state_text_new(StateRecords *records, size_t bytes)
{
    if (is_huge(bytes)) {
        records->live_bytes += bytes;
        records->huge_texts++;
        return memory_alloc(bytes);
    }
    size_t class_bytes;
    uint32_t block;
    uint32_t class = size_class(bytes, &class_bytes);
    return take_piece(records, class, class_bytes, false, NULL, &block);
}

StateBucket *state_segment_new(StateRecords *records)
{
    size_t class_bytes;
    uint32_t block;
    uint32_t class = size_class(STATE_SEGMENT_BYTES, &class_bytes);
    return (StateBucket *)(void *)take_piece(records, class, class_bytes, true, NULL, &block);
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
    uint32_t number;
    size_class(bytes, &class_bytes);
    memcpy(&number, (char *)((uintptr_t)text & ~(uintptr_t)(STATE_BLOCK_BYTES - 1)),
           sizeof(number));
    give_piece(records, text, class_bytes, number, false);
}

/* Pages are given back before their addresses are: threads that free at the same time do the one
 * beside each other, but the other one after the other. */
void state_records_deinit(StateRecords *records)
{
    for (uint32_t i = 0; i < records->block_count; i++) {
        if (records->blocks[i].base == NULL)
            continue;
        madvise(records->blocks[i].base, records->blocks[i].bytes, MADV_DONTNEED);
        munmap(records->blocks[i].base, records->blocks[i].bytes);
        memory_free(records->blocks[i].changed);
        memory_free(records->blocks[i].live);
    }
    memory_free(records->blocks);
    memory_free(records->bases);
    memory_free(records->free_blocks);
    *records = (StateRecords){0};
}
