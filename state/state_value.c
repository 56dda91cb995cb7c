/* VALUE tables: key → record of fixed size, changed in place.
 *
 * Everything is the directory of keys (state_keys.c); this file adds what a snapshot has to know.
 */
#include "state/state_internal.h"

void state_value_get_or_create(StateTable *table, const Str *keys, const uint64_t *hashes,
                               uint32_t count, void **records, uint8_t *created)
{
    assert(table->kind == STATE_VALUE);
    uint8_t is_new[256];
    for (uint32_t from = 0; from < count; from += array_count(is_new)) {
        uint32_t n = count - from < array_count(is_new) ? count - from : array_count(is_new);
        state_keys_find(table, keys + from, hashes + from, n, true, records + from, is_new);
        for (uint32_t i = 0; i < n; i++) {
            StateHeader *header = state_header_of(records[from + i]);
            if (is_new[i]) {
                state_written(table, header);
            } else if (state_is_expired(table, header)) {
                state_renew(table, header);
                is_new[i] = 1;
            }
        }
        if (created != NULL)
            memcpy(created + from, is_new, n);
    }
}

void state_value_get(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                     void **records)
{
    assert(table->kind == STATE_VALUE);
    state_keys_find(table, keys, hashes, count, false, records, NULL);
    for (uint32_t i = 0; i < count && table->ttl_ms != 0; i++)
        if (records[i] != NULL && state_is_expired(table, state_header_of(records[i])))
            records[i] = NULL;
}

void state_value_remove(StateTable *table, void *record)
{
    assert(table->kind == STATE_VALUE);
    state_log_removed(table, state_header_of(record), state_keys_key(table, record), (Str){0});
    state_strings_free(table, record);
    state_keys_remove(table, record);
}

Str state_value_key(const StateTable *table, const void *record)
{
    return state_keys_key(table, record);
}

uint64_t state_value_hash(const StateTable *table, const void *record)
{
    Str key = state_keys_key(table, record);
    return (uint64_t)state_header_group(state_header_of(record)) << 32 |
           (uint32_t)hash_bytes(key.data, key.length);
}

void state_value_each(StateTable *table, void (*each)(void *to, void *record), void *to)
{
    assert(table->kind == STATE_VALUE);
    const StateStore *store = table->store;
    for (uint32_t g = 0; g <= store->last_key_group - store->first_key_group; g++) {
        const StateIndex *index = &table->key_groups[g].index;
        for (uint32_t b = 0; b < index->bucket_count; b++)
            for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++) {
                if (state_index_bucket(index, b)->tags[slot] == 0)
                    continue;
                StateHeader *header =
                    state_header_at(&table->records, state_index_bucket(index, b)->refs[slot]);
                if (!state_is_expired(table, header))
                    each(to, header + 1);
            }
    }
}
