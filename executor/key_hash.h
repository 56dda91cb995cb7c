/* Hashes of the keys that an operator keeps its state by.
 *
 * Rows that an exchange brought by the same columns carry the hashes already (core/batch.h); which
 * columns those are is known when the operator opens. Where they came by a part of the keys
 * (PlanInput.by_part), the part's hash says where the state of a key lies (state/state.h), so it
 * gives the upper half; the lower half is of the whole key.
 *
 * Cost: a copy of what came along; else a hash a row, and one of the part besides. */
#ifndef EXECUTOR_KEY_HASH_H
#define EXECUTOR_KEY_HASH_H

#include "core/row.h"
#include "planner/plan.h"

typedef struct KeyHash KeyHash;

/* Of the columns `keys` of the input's rows, in that order; `keys` outlives it. Lives in the arena.
 */
const KeyHash *key_hash_new(Arena *arena, const PlanInput *input, const uint32_t *keys,
                            uint32_t count);

/* hashes[i] of keys[i], the encoded keys of row i of the batch. */
void key_hash_many(const KeyHash *hash, const Batch *in, const Str *keys, uint32_t count,
                   Arena *scratch, uint64_t *hashes);

#endif
