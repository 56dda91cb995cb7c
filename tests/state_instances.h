/* A table in instances, each with its own range of key groups, as the workers of a job have it. */
#ifndef TESTS_STATE_INSTANCES_H
#define TESTS_STATE_INSTANCES_H

#include "tests/state_testing.h"

#define INSTANCES_MAX 4

typedef struct Instances {
    uint32_t count;
    uint32_t key_groups;
    StateStore *stores[INSTANCES_MAX];
    StateTable *tables[INSTANCES_MAX];
    Chunks *ahead; /* gets what is copied ahead of a snapshot; NULL: nothing is */
} Instances;

static inline Instances instances_new(uint32_t count, uint32_t key_groups, const StateSpec *spec)
{
    Instances instances = {.count = count, .key_groups = key_groups};
    uint32_t first = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = first;
        while (last + 1 < key_groups && key_group_owner(last + 1, key_groups, count) == i)
            last++;
        instances.stores[i] = test_store(key_groups, first, last);
        instances.tables[i] = state_table_declare(instances.stores[i], spec);
        state_store_advance(instances.stores[i], 1); /* tables with a TTL need to know the time */
        first = last + 1;
    }
    return instances;
}

static inline void instances_free(Instances *instances)
{
    for (uint32_t i = 0; i < instances->count; i++)
        state_store_free(instances->stores[i]);
}

/* Which of them has the keys with this hash. */
static inline uint32_t instance_of(const Instances *instances, uint64_t hash)
{
    uint32_t group = hash_key_group(hash, instances->key_groups);
    return key_group_owner(group, instances->key_groups, instances->count);
}

/* Where the key of a number is. */
typedef struct Place {
    StateTable *table;
    Str key;
    uint64_t hash;
    char buffer[64];
} Place;

static inline void instances_place(const Instances *instances, uint32_t n, Place *place)
{
    place->key = test_key(place->buffer, n);
    place->hash = hash_bytes(place->key.data, place->key.length);
    place->table = instances->tables[instance_of(instances, place->hash)];
}

static inline void instances_snapshot(const Instances *instances, Chunks *chunks)
{
    for (uint32_t i = 0; i < instances->count; i++)
        state_snapshot(instances->stores[i], chunks_add, chunks);
}

/* Others in their place, `count` of them, with what the chunks hold. */
static inline void instances_restart(Instances *instances, uint32_t count, const StateSpec *spec,
                                     const Chunks *chunks)
{
    uint32_t key_groups = instances->key_groups;
    instances_free(instances);
    *instances = instances_new(count, key_groups, spec);
    for (uint32_t i = 0; i < count; i++)
        chunks_restore(chunks, instances->stores[i]);
}

#endif
