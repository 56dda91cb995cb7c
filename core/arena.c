/* Arenas: a chain of blocks, of which only the newest is cut from.
 *
 * Invariant: the arena's own struct is the head of its first block, so an arena that stays small is
 * one allocation. Requests too large for a block get one of their own behind the newest.
 * Cost: see the header. */
#include "core/arena.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGNMENT   16
#define ARENA_FIRST_MIN   256
#define ARENA_BLOCK_MAX   ((size_t)1 << 20)
#define ARENA_REQUEST_MAX ((size_t)1 << 46)

typedef struct ArenaBlock {
    struct ArenaBlock *previous;
    size_t bytes; /* with this head */
} ArenaBlock;

typedef struct ArenaClose {
    struct ArenaClose *previous;
    void (*close)(void *);
    void *handle;
} ArenaClose;

struct Arena {
    ArenaBlock first;
    char *next;
    char *end;
    ArenaBlock *newest; /* the first block is the last of this chain */
    ArenaBlock *spare;  /* kept by arena_reset, or NULL */
    ArenaClose *closes;
    size_t next_block_bytes;
    size_t total_bytes;
};

static_assert(sizeof(ArenaBlock) % ARENA_ALIGNMENT == 0, "what follows a head is aligned");

#define ARENA_HEAD_BYTES ((sizeof(Arena) + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT)

static void arena_cut_from_first(Arena *arena)
{
    arena->next = (char *)arena + ARENA_HEAD_BYTES;
    arena->end = (char *)arena + arena->first.bytes;
}

Arena *arena_new(size_t first_block_bytes)
{
    size_t bytes = first_block_bytes < ARENA_FIRST_MIN ? ARENA_FIRST_MIN : first_block_bytes;
    bytes = ARENA_HEAD_BYTES + size_round_up(bytes, ARENA_ALIGNMENT);
    Arena *arena = memory_alloc(bytes);
    *arena = (Arena){.first = {.previous = NULL, .bytes = bytes},
                     .newest = &arena->first,
                     .next_block_bytes = bytes < ARENA_BLOCK_MAX ? bytes * 2 : ARENA_BLOCK_MAX,
                     .total_bytes = bytes};
    arena_cut_from_first(arena);
    return arena;
}

static void arena_run_closes(Arena *arena)
{
    while (arena->closes != NULL) {
        ArenaClose *entry = arena->closes;
        arena->closes = entry->previous;
        entry->close(entry->handle);
    }
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    arena_run_closes(arena);
    ArenaBlock *block = arena->newest;
    while (block != &arena->first) {
        ArenaBlock *previous = block->previous;
        memory_free(block);
        block = previous;
    }
    memory_free(arena->spare);
    memory_free(arena);
}

void arena_reset(Arena *arena)
{
    arena_run_closes(arena);
    ArenaBlock *largest = arena->spare;
    ArenaBlock *block = arena->newest;
    while (block != &arena->first) {
        ArenaBlock *previous = block->previous;
        ArenaBlock *loser = block;
        if (largest == NULL || block->bytes > largest->bytes) {
            loser = largest;
            largest = block;
        }
        if (loser != NULL) {
            arena->total_bytes -= loser->bytes;
            memory_free(loser);
        }
        block = previous;
    }
    arena->spare = largest;
    arena->newest = &arena->first;
    arena_cut_from_first(arena);
}

static ArenaBlock *arena_block_new(Arena *arena, size_t bytes)
{
    ArenaBlock *block = memory_alloc(bytes);
    block->bytes = bytes;
    arena->total_bytes += bytes;
    return block;
}

/* `bytes` is rounded already. */
static void *arena_alloc_slow(Arena *arena, size_t bytes)
{
    ArenaBlock *block = arena->spare;
    size_t needed = bytes + sizeof(ArenaBlock);
    while (arena->next_block_bytes < ARENA_BLOCK_MAX && needed > arena->next_block_bytes / 2)
        arena->next_block_bytes *= 2;
    if (block != NULL && block->bytes >= needed) {
        arena->spare = NULL;
    } else if (needed > arena->next_block_bytes / 2) {
        /* A block of its own, chained behind the newest so that the rest of that stays in use. */
        block = arena_block_new(arena, needed);
        if (arena->newest == &arena->first) {
            block->previous = &arena->first;
            arena->newest = block;
        } else {
            block->previous = arena->newest->previous;
            arena->newest->previous = block;
        }
        return block + 1;
    } else {
        block = arena_block_new(arena, arena->next_block_bytes);
        if (arena->next_block_bytes < ARENA_BLOCK_MAX)
            arena->next_block_bytes *= 2;
    }
    block->previous = arena->newest;
    arena->newest = block;
    char *start = (char *)(block + 1);
    arena->next = start + bytes;
    arena->end = (char *)block + block->bytes;
    return start;
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    if (bytes > ARENA_REQUEST_MAX)
        memory_exhausted(bytes);
    bytes = size_round_up(bytes, ARENA_ALIGNMENT);
    if ((size_t)(arena->end - arena->next) < bytes)
        return arena_alloc_slow(arena, bytes);
    void *start = arena->next;
    arena->next += bytes;
    return start;
}

void *arena_zalloc(Arena *arena, size_t bytes)
{
    void *memory = arena_alloc(arena, bytes);
    memset(memory, 0, bytes);
    return memory;
}

void *arena_memdup(Arena *arena, const void *data, size_t bytes)
{
    void *copy = arena_alloc(arena, bytes);
    if (bytes != 0)
        memcpy(copy, data, bytes);
    return copy;
}

void *arena_grow(Arena *arena, void *items, size_t item_bytes, uint32_t count, uint32_t *capacity)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    void *grown = arena_zalloc(arena, item_bytes * *capacity);
    if (count != 0)
        memcpy(grown, items, item_bytes * count);
    return grown;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text) + 1);
}

char *arena_str(Arena *arena, Str text)
{
    char *copy = arena_alloc(arena, text.length + 1);
    if (text.length != 0)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return copy;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    assert(format != NULL);
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_on_close(Arena *arena, void (*close)(void *), void *handle)
{
    ArenaClose *entry = arena_alloc(arena, sizeof(*entry));
    *entry = (ArenaClose){.previous = arena->closes, .close = close, .handle = handle};
    arena->closes = entry;
}

size_t arena_bytes(const Arena *arena)
{
    return arena->total_bytes;
}

void *memory_alloc(size_t bytes)
{
    void *memory = malloc(bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        memory_exhausted(bytes);
    return memory;
}

void *memory_zalloc(size_t bytes)
{
    void *memory = calloc(1, bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        memory_exhausted(bytes);
    return memory;
}

void *memory_realloc(void *memory, size_t bytes)
{
    void *moved = realloc(memory, bytes == 0 ? 1 : bytes);
    if (moved == NULL)
        memory_exhausted(bytes);
    return moved;
}

char *memory_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(memory_alloc(bytes), text, bytes);
}

void memory_free(void *memory)
{
    free(memory);
}

void memory_keep_freed(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
#endif
}

_Noreturn void memory_exhausted(size_t bytes)
{
    fprintf(stderr, "weir: out of memory: could not allocate %zu bytes\n", bytes);
    exit(70);
}
