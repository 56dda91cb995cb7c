/* Memory by lifetime: what is made for a statement, a job or a batch is given back at once.
 *
 * Invariant: a block, once handed out, does not move and is aligned to 16 bytes.
 * Cost: an allocation is an addition and a compare; a new block doubles up to 1 MiB.
 * Allocation does not return NULL: when the system has no memory left, memory_exhausted() ends
 * the process with a clear message (a job's own limit is checked by its state tables long before).
 *
 * Ownership: the arena owns what it hands out. Foreign handles (files, library objects) are
 * closed by arena_on_close callbacks, last registered first. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/base.h"

typedef struct Arena Arena;

Arena *arena_new(size_t first_block_bytes);
void arena_free(Arena *arena); /* NULL is allowed */
/* Runs the callbacks and forgets every allocation, keeping the largest block for reuse. */
void arena_reset(Arena *arena);

void *arena_alloc(Arena *arena, size_t bytes);
void *arena_zalloc(Arena *arena, size_t bytes);
void *arena_memdup(Arena *arena, const void *data, size_t bytes);
/* Room for one more behind `count` items: the items themselves, or, where *capacity is reached, a
 * copy with twice the room (8 at first), zero behind what there was. */
void *arena_grow(Arena *arena, void *items, size_t item_bytes, uint32_t count, uint32_t *capacity);
char *arena_strdup(Arena *arena, const char *text);
/* A copy of the range with a terminating zero. */
char *arena_str(Arena *arena, Str text);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

void arena_on_close(Arena *arena, void (*close)(void *), void *handle);

/* Bytes taken from the system. */
size_t arena_bytes(const Arena *arena);

#define arena_new_array(arena, type, count) ((type *)arena_zalloc((arena), sizeof(type) * (count)))
#define arena_new_one(arena, type)          arena_new_array(arena, type, 1)

/* malloc and realloc that do not return NULL; for memory whose lifetime is no arena's. */
void *memory_alloc(size_t bytes);
void *memory_zalloc(size_t bytes);
void *memory_realloc(void *memory, size_t bytes);
char *memory_strdup(const char *text);
void memory_free(void *memory);
/* Has freed memory kept for the next batch instead of given back to the system at once: with
 * several threads that costs each of them a stop, and the next batch its page faults. For the whole
 * process, so the program asks for it and the library does not; blocks of 4 MB and more go back at
 * once all the same, and of others up to 16 MB stay at the end of each of the allocator's heaps. */
void memory_keep_freed(void);
/* Says how much was asked for and exits with status 70 (EX_SOFTWARE). */
_Noreturn void memory_exhausted(size_t bytes);

#endif
