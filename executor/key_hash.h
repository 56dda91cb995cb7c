/* Hashes of keys whose rows came by a part of them (PlanInput.by_part).
 *
 * The part's hash says where the state of a key lies (state/state.h), so it gives the upper half;
 * the lower half is of the whole key. Cost: hashing the part besides. */
#ifndef EXECUTOR_KEY_HASH_H
#define EXECUTOR_KEY_HASH_H

#include "core/row.h"
#include "planner/plan.h"

typedef struct KeyPart KeyPart;

/* NULL: the rows of the input came by all of the keys. Lives in the arena. */
const KeyPart *key_part_new(Arena *arena, const PlanInput *input);

/* hashes[i] of keys[i], the encoded keys of row i. */
void key_hash_many(const KeyPart *part, const Batch *in, const Str *keys, uint32_t count,
                   Arena *scratch, uint64_t *hashes);

#endif
