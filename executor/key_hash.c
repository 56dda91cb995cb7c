/* Where hashes of keys come from: see the header. */
#include "executor/key_hash.h"

#include "core/hash.h"

/* Some columns of the input. */
typedef struct HashColumns {
    const uint32_t *columns;
    uint32_t count;
    const RowLayout *layout;
    const uint32_t *carried; /* as batches name them that carry the hashes; NULL: none does */
} HashColumns;

struct KeyHash {
    HashColumns keys;
    HashColumns part;
    bool by_part;
};

static HashColumns hash_columns(Arena *arena, const PlanInput *input, const uint32_t *columns,
                                uint32_t count)
{
    HashColumns of = {.columns = columns, .count = count};
    if (count != 0)
        of.layout = row_layout_of_columns(arena, input->node->schema, columns, count);
    bool same = input->distribution == DISTRIBUTE_HASH && input->keys.count == count;
    for (uint32_t i = 0; i < count && same; i++)
        same = input->keys.columns[i] == columns[i];
    of.carried = same ? input->keys.columns : NULL;
    return of;
}

const KeyHash *key_hash_new(Arena *arena, const PlanInput *input, const uint32_t *keys,
                            uint32_t count)
{
    KeyHash *hash = arena_new_one(arena, KeyHash);
    hash->keys = hash_columns(arena, input, keys, count);
    hash->by_part = input->by_part;
    if (input->by_part)
        hash->part = hash_columns(arena, input, input->keys.columns, input->keys.count);
    return hash;
}

static bool take_carried(const HashColumns *of, const Batch *in, uint32_t count, uint64_t *hashes)
{
    if (of->carried == NULL || in->hashed != of->carried || in->hashes == NULL)
        return false;
    memcpy(hashes, in->hashes, sizeof(*hashes) * count);
    return true;
}

/* For assertions, which release builds lack: nobody changed the rows that their hashes came with.
 */
__attribute__((unused)) static bool are_hashes_of(const Str *keys, uint32_t count,
                                                  const uint64_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        if (hashes[i] != hash_bytes(keys[i].data, keys[i].length))
            return false;
    return true;
}

static const Vector **vectors_of(const HashColumns *of, const Batch *in, Arena *scratch)
{
    const Vector **vectors = arena_alloc(scratch, sizeof(Vector *) * (of->count + 1));
    for (uint32_t i = 0; i < of->count; i++)
        vectors[i] = &in->columns[of->columns[i]];
    return vectors;
}

static void hash_keys(const HashColumns *of, const Batch *in, const Str *keys, uint32_t count,
                      Arena *scratch, uint64_t *hashes)
{
    if (count > 1 && of->count != 0 &&
        row_hash_directly(of->layout, vectors_of(of, in, scratch), count, scratch, hashes))
        return;
    hash_many(keys, count, hashes);
}

void key_hash_many(const KeyHash *hash, const Batch *in, const Str *keys, uint32_t count,
                   Arena *scratch, uint64_t *hashes)
{
    if (take_carried(&hash->keys, in, count, hashes)) {
        assert(are_hashes_of(keys, count, hashes));
        return;
    }
    hash_keys(&hash->keys, in, keys, count, scratch, hashes);
    if (!hash->by_part)
        return;
    const HashColumns *part = &hash->part;
    uint64_t *places = arena_alloc(scratch, sizeof(uint64_t) * (count + 1));
    if (!take_carried(part, in, count, places))
        row_hash(part->layout, vectors_of(part, in, scratch), count, scratch, places);
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = (places[i] & ~(uint64_t)UINT32_MAX) | (uint32_t)hashes[i];
}
