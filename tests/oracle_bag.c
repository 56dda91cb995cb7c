/* Open addressing, linear; a row that came to zero stays in its slot. */
#include "tests/oracle_bag.h"

#include <string.h>

#include "core/arena.h"
#include "core/hash.h"

void bag_clear(Bag *bag)
{
    for (uint32_t i = 0; i < bag->capacity; i++) {
        memory_free(bag->slots[i].text);
        bag->slots[i] = (BagRow){0};
    }
    bag->used = 0;
}

void bag_deinit(Bag *bag)
{
    bag_clear(bag);
    memory_free(bag->slots);
    *bag = (Bag){0};
}

static BagRow *find_slot(const Bag *bag, uint64_t hash, Str row)
{
    uint32_t at = (uint32_t)hash & (bag->capacity - 1);
    for (;; at = (at + 1) & (bag->capacity - 1)) {
        BagRow *slot = &bag->slots[at];
        bool same = slot->hash == hash && slot->length == row.length;
        if (slot->text == NULL || (same && memcmp(slot->text, row.data, row.length) == 0))
            return slot;
    }
}

static void bag_grow(Bag *bag)
{
    Bag old = *bag;
    bag->capacity = old.capacity == 0 ? 64 : old.capacity * 2;
    bag->slots = memory_zalloc(bag->capacity * sizeof(BagRow));
    for (uint32_t i = 0; i < old.capacity; i++) {
        const BagRow *row = &old.slots[i];
        if (row->text != NULL)
            *find_slot(bag, row->hash, (Str){row->text, row->length}) = *row;
    }
    memory_free(old.slots);
}

int bag_add(Bag *bag, Str row, int count)
{
    if (bag->used * 2 >= bag->capacity)
        bag_grow(bag);
    uint64_t hash = hash_bytes(row.data, row.length);
    BagRow *slot = find_slot(bag, hash, row);
    if (slot->text == NULL) {
        char *text = memory_alloc(row.length + 1);
        memcpy(text, row.data, row.length);
        text[row.length] = '\0';
        *slot = (BagRow){hash, text, (uint32_t)row.length, 0};
        bag->used++;
    }
    return slot->count += count;
}

static int bag_count(const Bag *bag, const BagRow *row)
{
    if (bag->capacity == 0)
        return 0;
    return find_slot(bag, row->hash, (Str){row->text, row->length})->count;
}

bool bag_compare(const Bag *expected, const Bag *actual, Buffer *out)
{
    bool equal = true;
    for (uint32_t i = 0; i < expected->capacity + actual->capacity; i++) {
        bool first = i < expected->capacity;
        const BagRow *row = first ? &expected->slots[i] : &actual->slots[i - expected->capacity];
        if (row->text == NULL)
            continue;
        int there = bag_count(first ? actual : expected, row);
        if (there == row->count || (!first && there != 0))
            continue; /* equal, or told already */
        equal = false;
        buffer_printf(out, "  %s: SQLite %d times, Weir %d times\n", row->text,
                      first ? row->count : there, first ? there : row->count);
    }
    return equal;
}
