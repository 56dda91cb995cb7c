/* The two halves of a hash: see the header. */
#include "executor/key_hash.h"

#include "core/hash.h"

struct KeyPart {
    ColumnSet columns;
    const RowLayout *layout;
};

const KeyPart *key_part_new(Arena *arena, const PlanInput *input)
{
    if (!input->by_part)
        return NULL;
    KeyPart *part = arena_new_one(arena, KeyPart);
    part->columns = input->keys;
    part->layout =
        row_layout_of_columns(arena, input->node->schema, input->keys.columns, input->keys.count);
    return part;
}

void key_hash_many(const KeyPart *part, const Batch *in, const Str *keys, uint32_t count,
                   Arena *scratch, uint64_t *hashes)
{
    if (part == NULL) {
        hash_many(keys, count, hashes);
        return;
    }
    const Vector **vectors = arena_new_array(scratch, const Vector *, part->columns.count);
    for (uint32_t i = 0; i < part->columns.count; i++)
        vectors[i] = &in->columns[part->columns.columns[i]];
    uint64_t *places = arena_alloc(scratch, sizeof(uint64_t) * count);
    row_hash(part->layout, vectors, count, scratch, places);
    hash_many(keys, count, hashes);
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = (places[i] & ~(uint64_t)UINT32_MAX) | (uint32_t)hashes[i];
}
